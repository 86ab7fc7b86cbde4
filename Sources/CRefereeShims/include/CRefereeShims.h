#pragma once
// The C that the referee needs and Swift cannot import: epoll with nanosecond waits, receiving with the
// kernel's receive stamp, a resetting close, a signal pipe. Written for the referee alone: it shares
// nothing with the load generator it judges, so that one mistake cannot be made on both sides.

#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

// CLOCK_MONOTONIC in nanoseconds.
int64_t ref_now(void);

// CPU time of the calling thread in nanoseconds.
int64_t ref_thread_cpu(void);

// CLOCK_REALTIME − CLOCK_MONOTONIC lies in [*lower, *upper]: the intersection of `rounds` bracketed
// readings. Both clocks are slewed together, so the difference changes by steps only. Returns 0, or -1
// when the clock was stepped between two readings.
int ref_clock_offset(int rounds, int64_t *lower, int64_t *upper);

int ref_epoll_create(void);
int ref_epoll_add(int epoll, int descriptor, uint32_t events, uint64_t data);
int ref_epoll_change(int epoll, int descriptor, uint32_t events, uint64_t data);
void ref_epoll_remove(int epoll, int descriptor);

// Waits `ns` nanoseconds, for ever when negative; whole milliseconds rounded down before Linux 5.11.
int ref_epoll_wait(int epoll, struct epoll_event *events, int limit, int64_t ns);

// Timer slack of 1 ns for the calling thread: the default of 50 µs is added to every wait.
void ref_tight_timers(void);

// A bound, non-blocking stream socket on 127.0.0.1, or -errno. `listens` 0: connecting is refused.
// `receive_buffer` above 0 sets SO_RCVBUF. Accepted sockets inherit stamping of what they receive.
int ref_listen_tcp(uint16_t port, int listens, int receive_buffer);

// The same at a path, which must be free.
int ref_listen_unix(const char *path, int listens);

// The port a TCP socket is bound to.
int ref_port(int descriptor);

// The next connection, non-blocking, without Nagle's delay; -errno when there is none.
int ref_accept(int descriptor);

// recvmsg. `*stamp`: CLOCK_REALTIME in ns at which the kernel took in the last byte handed out, 0 where the
// kernel gives none (Unix sockets). Returns bytes, 0 at the end, -errno.
ptrdiff_t ref_receive(int descriptor, void *buffer, size_t size, int64_t *stamp);

// send without SIGPIPE; bytes or -errno.
ptrdiff_t ref_send(int descriptor, const void *bytes, size_t count);

void ref_close(int descriptor);

// Ends the sending side in order and throws away what is unread, so that the peer reads all that was sent
// and then the end, not a reset.
void ref_close_cleanly(int descriptor);

// Closes with RST instead of FIN.
void ref_reset(int descriptor);

// A descriptor that becomes readable on SIGTERM or SIGINT, one for the process; -errno.
int ref_end_signals(void);

// `bytes` of memory that are already there: no page fault while requests are counted. NULL when there are not so many.
void *ref_map(size_t bytes);
void ref_unmap(void *memory, size_t bytes);

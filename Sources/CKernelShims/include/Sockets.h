#pragma once
// Sockets for the load kernel: addresses, connects that never block, receive stamps of the kernel, and the few
// clocks and limits that go with them. Swift cannot import the macros, unions and control messages behind these.
// Nothing here keeps state; every failure is returned as a negative errno.

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <time.h>

// A socket address of any family.
struct nb_address {
  struct sockaddr_storage storage;
  socklen_t length;
};

// The addresses of a host, numeric or by name, at most `limit`. Returns their number, or -EAI_… of getaddrinfo
// as a negative number. `numeric` 1 asks no name server.
int nb_resolve(const char *host, int port, int numeric, struct nb_address *found, int limit);

// The address of a Unix socket; 0 or -ENAMETOOLONG.
int nb_unix_address(const char *path, struct nb_address *address);

// 1 for 127.0.0.0/8, ::1 and Unix sockets.
int nb_is_loopback(const struct nb_address *address);

// The numeric text of an address without its port.
int nb_address_text(const struct nb_address *address, char *text, size_t count);

// Opens a non-blocking socket and begins to connect. `stamps` 1 asks for software receive stamps. Returns the
// descriptor or -errno; `*connected` is 1 when there is nothing to wait for.
int nb_connect_start(const struct nb_address *address, int stamps, int *connected);

// Takes the pending error of a socket, SO_ERROR; 0 when it is connected.
int nb_socket_error(int descriptor);

// recvmsg; `*stamp` becomes the kernel's receive time of the last byte on CLOCK_REALTIME in ns, or 0.
ssize_t nb_receive_stamped(int descriptor, void *buffer, size_t count, int64_t *stamp);

// Time that runs through suspends as well: what CLOCK_MONOTONIC is held against. ns.
int64_t nb_boot_now(void);

// CLOCK_REALTIME in ns, only to convert the kernel's stamps.
int64_t nb_real_now(void);

// Binds the calling thread to one CPU; 0 or -errno.
int nb_pin_thread(int cpu);

// The CPUs that the calling thread may use, as bits of 16 words; 0 or -errno.
int nb_thread_cpus(uint64_t cpus[16]);
int nb_set_thread_cpus(const uint64_t cpus[16]);

// Raises the soft limit of descriptors to `wanted` as far as the hard one allows; returns the limit in force.
int64_t nb_allow_descriptors(int64_t wanted);

// Descriptors of this process that are open, or -errno.
int64_t nb_open_descriptors(void);

// Counters that one thread writes and others read: relaxed, no fence needed for a progress line or a stop flag.
static inline int64_t nb_shared_load(const int64_t *p) { return __atomic_load_n(p, __ATOMIC_RELAXED); }
static inline void nb_shared_store(int64_t *p, int64_t value) { __atomic_store_n(p, value, __ATOMIC_RELAXED); }

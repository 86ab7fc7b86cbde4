// System calls of the referee. Every function is one thought; what is decided, Swift decides.

#define _GNU_SOURCE
#include "CRefereeShims.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static int64_t reading(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t ref_now(void) { return reading(CLOCK_MONOTONIC); }
int64_t ref_thread_cpu(void) { return reading(CLOCK_THREAD_CPUTIME_ID); }

int ref_clock_offset(int rounds, int64_t *lower, int64_t *upper) {
  int64_t low = INT64_MIN, high = INT64_MAX;
  for (int i = 0; i < rounds; i++) {
    int64_t before = reading(CLOCK_MONOTONIC);
    int64_t real = reading(CLOCK_REALTIME);
    int64_t after = reading(CLOCK_MONOTONIC);
    if (real - after > low) low = real - after;
    if (real - before < high) high = real - before;
  }
  *lower = low;
  *upper = high;
  return low <= high ? 0 : -1;
}

int ref_epoll_create(void) {
  int made = epoll_create1(EPOLL_CLOEXEC);
  return made < 0 ? -errno : made;
}

static int change(int epoll, int operation, int descriptor, uint32_t events, uint64_t data) {
  struct epoll_event event = {.events = events, .data = {.u64 = data}};
  return epoll_ctl(epoll, operation, descriptor, &event) == 0 ? 0 : -errno;
}

int ref_epoll_add(int epoll, int descriptor, uint32_t events, uint64_t data) {
  return change(epoll, EPOLL_CTL_ADD, descriptor, events, data);
}

int ref_epoll_change(int epoll, int descriptor, uint32_t events, uint64_t data) {
  return change(epoll, EPOLL_CTL_MOD, descriptor, events, data);
}

void ref_epoll_remove(int epoll, int descriptor) { change(epoll, EPOLL_CTL_DEL, descriptor, 0, 0); }

int ref_epoll_wait(int epoll, struct epoll_event *events, int limit, int64_t ns) {
  // Without a wait the old call is cheaper: it copies no timespec.
  if (ns == 0) return epoll_wait(epoll, events, limit, 0);
#ifdef SYS_epoll_pwait2
  static int missing = 0;
  if (!missing) {
    struct timespec t = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
    int n = (int)syscall(SYS_epoll_pwait2, epoll, events, limit, ns < 0 ? NULL : &t, NULL, 0);
    if (n >= 0 || errno != ENOSYS) return n;
    missing = 1;
  }
#endif
  return epoll_wait(epoll, events, limit, ns < 0 ? -1 : (int)(ns / 1000000));
}

void ref_tight_timers(void) { prctl(PR_SET_TIMERSLACK, 1UL, 0, 0, 0); }

// Binds and listens, or closes and returns -errno.
static int ready(int descriptor, const struct sockaddr *address, socklen_t size, int listens) {
  if (bind(descriptor, address, size) != 0 || (listens && listen(descriptor, 4096) != 0)) {
    int error = errno;
    close(descriptor);
    return -error;
  }
  return descriptor;
}

int ref_listen_tcp(uint16_t port, int listens, int receive_buffer) {
  int made = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (made < 0) return -errno;
  int one = 1, stamping = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
  setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  // On the listener, because the first request may be in before its connection is accepted.
  setsockopt(made, SOL_SOCKET, SO_TIMESTAMPING, &stamping, sizeof stamping);
  // Accepted sockets inherit it. Where BBR is the default it would pace our answers by timers of its own.
  setsockopt(made, IPPROTO_TCP, TCP_CONGESTION, "reno", 4);
  if (receive_buffer > 0) setsockopt(made, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return ready(made, (struct sockaddr *)&address, sizeof address, listens);
}

int ref_listen_unix(const char *path, int listens) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) return -ENAMETOOLONG;
  strcpy(address.sun_path, path);
  int made = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (made < 0) return -errno;
  return ready(made, (struct sockaddr *)&address, sizeof address, listens);
}

int ref_port(int descriptor) {
  struct sockaddr_in address;
  socklen_t size = sizeof address;
  if (getsockname(descriptor, (struct sockaddr *)&address, &size) != 0) return -errno;
  return ntohs(address.sin_port);
}

int ref_accept(int descriptor) {
  int made = accept4(descriptor, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (made < 0) return -errno;
  int one = 1;
  setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return made;
}

ptrdiff_t ref_receive(int descriptor, void *buffer, size_t size, int64_t *stamp) {
  union {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(struct scm_timestamping))];
  } control;
  struct iovec part = {buffer, size};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  *stamp = 0;
  ptrdiff_t count = recvmsg(descriptor, &message, 0);
  if (count < 0) return -errno;
  for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPING) {
      struct scm_timestamping times;
      memcpy(&times, CMSG_DATA(c), sizeof times);
      *stamp = (int64_t)times.ts[0].tv_sec * 1000000000 + times.ts[0].tv_nsec;
    }
  }
  return count;
}

ptrdiff_t ref_send(int descriptor, const void *bytes, size_t count) {
  ptrdiff_t sent = send(descriptor, bytes, count, MSG_NOSIGNAL);
  return sent < 0 ? -errno : sent;
}

void ref_close(int descriptor) { close(descriptor); }

void ref_close_cleanly(int descriptor) {
  char scratch[4096];
  shutdown(descriptor, SHUT_WR);
  while (recv(descriptor, scratch, sizeof scratch, MSG_DONTWAIT) > 0) {}
  close(descriptor);
}

void ref_reset(int descriptor) {
  struct linger now = {.l_onoff = 1, .l_linger = 0};
  setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close(descriptor);
}

static int signal_pipe[2] = {-1, -1};

static void asked(int number) {
  (void)number;
  int kept = errno;
  char byte = 1;
  if (write(signal_pipe[1], &byte, 1) < 0) { /* the pipe is full: it is readable already */ }
  errno = kept;
}

int ref_end_signals(void) {
  if (signal_pipe[0] < 0 && pipe2(signal_pipe, O_CLOEXEC | O_NONBLOCK) != 0) return -errno;
  struct sigaction action = {.sa_handler = asked};
  sigset_t ours;
  sigemptyset(&ours);
  sigaddset(&ours, SIGTERM);
  sigaddset(&ours, SIGINT);
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGINT, &action, NULL);
  // A parent that blocks signals hands its mask on to us.
  pthread_sigmask(SIG_UNBLOCK, &ours, NULL);
  return signal_pipe[0];
}

void *ref_map(size_t bytes) {
  void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  return memory == MAP_FAILED ? NULL : memory;
}

void ref_unmap(void *memory, size_t bytes) { munmap(memory, bytes); }

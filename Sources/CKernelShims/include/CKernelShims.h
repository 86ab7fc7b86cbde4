#pragma once
// The C that Swift cannot import from Glibc: epoll with nanosecond waits, prctl, memmem.
// Static inline wrappers; each says what it stands for. Starting processes is in Processes.h.

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <signal.h>

#include "Confinement.h"
#include "Processes.h"
#include "Sentinel.h"
#include "Sockets.h"
#include "TCPCounts.h"

// Monotonic time in nanoseconds, through the vDSO.
static inline int64_t nb_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

// CPU time of the calling thread in nanoseconds.
static inline int64_t nb_thread_cpu(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static inline int nb_epoll_create(void) { return epoll_create1(EPOLL_CLOEXEC); }

static inline int nb_epoll_set(int epoll, int operation, int descriptor, uint32_t events, uint64_t data) {
  struct epoll_event event = {.events = events, .data = {.u64 = data}};
  return epoll_ctl(epoll, operation, descriptor, &event);
}

// epoll_pwait2: a wait in nanoseconds. On kernels before 5.11 (ENOSYS) it waits in whole
// milliseconds rounded down, and the caller spins the rest. ns < 0 waits for ever.
static inline int nb_epoll_wait(int epoll, struct epoll_event *events, int limit, int64_t ns) {
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

// Timer slack of 1 ns for the calling thread: the default of 50 µs is added to every wait.
static inline void nb_tight_timers(void) { prctl(PR_SET_TIMERSLACK, 1UL, 0, 0, 0); }

// How a thread is scheduled, as sched_setattr(2) has it; size 0: left alone.
struct nb_schedule {
  uint32_t size, policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime, deadline, period;
};
enum { NB_USUAL_TURN = 0, NB_SOONER = 1, NB_AT_ONCE = 2 };

// Lets the calling thread go before the others of its processor until nb_come_as_before(), and says how.
// NB_AT_ONCE: whenever it wakes (SCHED_RR, priority 1), where `at_once` asks for it and it is permitted (root, CAP_SYS_NICE,
// RLIMIT_RTPRIO). NB_SOONER: with a time slice of 100 µs, for a thread that wakes with a shorter one than the running thread's goes
// before it unless it has had more than its share (EEVDF, Linux 6.12; older ones take no notice); needs no privilege.
// A thread that is not scheduled in the usual way is left alone.
int nb_come_first(int at_once, struct nb_schedule *before);
void nb_come_as_before(const struct nb_schedule *before);
// Whether NB_AT_ONCE is permitted.
int nb_may_come_first(void);

// Idle processors wait in a loop, from which they wake at once, for as long as the descriptor is open (power management's
// quality of service, as cyclictest uses it); -1: not permitted, or not known here.
int nb_keep_awake(void);
// Whether this process may ask for it.
int nb_may_keep_awake(void);

// The calling process gets SIGKILL when its parent dies.
static inline void nb_die_with_parent(void) { prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); }

// memmem is declared only with _GNU_SOURCE, which would change types that Swift's Glibc module has
// already imported without it.
extern void *memmem(const void *, size_t, const void *, size_t);
static inline const void *nb_memmem(const void *text, size_t n, const void *needle, size_t m) {
  return memmem(text, n, needle, m);
}

// pipe2 with O_CLOEXEC, which is declared only with _GNU_SOURCE.
static inline int nb_pipe(int descriptors[2]) { return (int)syscall(SYS_pipe2, descriptors, 02000000); }

// Counts how long the stages of nb's lab sleep. Loaded before the program (LD_PRELOAD), it stands in front of the C
// library's ways to sleep and hears from the program which stage the calling thread is executing.
//
// Definition. A stage SLEEPS while the thread that executes it is inside a call that gives the processor up until a time has
// passed: nanosleep, clock_nanosleep, usleep, sleep; poll, ppoll, select, pselect, epoll_wait, epoll_pwait and epoll_pwait2
// with a timeout other than zero (none at all included: a loop that waits for its own timer sleeps); sem_timedwait,
// pthread_cond_timedwait and pthread_cond_clockwait; reading a timerfd; and the same by `syscall`, futex waits with a timeout
// included.
//
// What executes a stage: the program calls nb_stage_enter and nb_stage_leave on the thread that does the stage's work.
//   · For work on the event loop, around that work.
//   · For work that is handed to another thread, around it on THAT thread. The loop, which waits in epoll for the answer and
//     serves others meanwhile, is not a sleeping stage; nor is a pool thread that waits for work, between two stages.
//   · For a declared wait (class W), from its start to its end on the loop's thread, because that thread's timer is the wait.
//     The loop's waits in epoll in this span are the wait's sleep. Waits that overlap sleep the same nanoseconds, so a sum can
//     be compared with what was declared only when one request at a time is under way.
// Not counted: waiting for a lock, a device or another thread without a timeout. Whoever does that is held up by work; and
// waiting in a queue for one's turn, which the stages count themselves (queued_ns, waited_ns).
// Beside the sleeps, `switches` counts the times that the thread gave up its processor of its own accord inside a stage of
// class R, whatever for: it shows sleeping by a way that is not in the list above, and it is printed, not judged, because
// reading a disk is such a way.
//
// The table is written as JSON to the file named by NB_SLEEP_AUDIT when the program ends.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { STAGES = 256, FILES = 4096, REAL = 0, DECLARED_WAIT = 1 };

static struct {
  char name[64];
  int kind;
  _Atomic int64_t entered, sleeps, slept, switches;
} stages[STAGES];
static _Atomic int stage_count;
/// Calls that were looked at, inside a stage or not: an audit that sees none is not in front of anything.
static _Atomic int64_t calls_seen;
static _Atomic char is_timer[FILES];

static __thread struct {
  int open[STAGES];
  int total, real;
  int64_t switches;
} me;

static int64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int64_t voluntary_switches(void) {
  struct rusage usage;
  return getrusage(RUSAGE_THREAD, &usage) == 0 ? usage.ru_nvcsw : 0;
}

// MARK: What the program says

int32_t nb_stage_name(const char *name, int32_t kind) {
  int id = atomic_fetch_add(&stage_count, 1);
  if (id >= STAGES) abort();
  snprintf(stages[id].name, sizeof stages[id].name, "%s", name);
  stages[id].kind = kind;
  return id;
}

void nb_stage_enter(int32_t id) {
  stages[id].entered++;
  me.open[id]++;
  me.total++;
  if (stages[id].kind == REAL && me.real++ == 0) me.switches = voluntary_switches();
}

void nb_stage_leave(int32_t id) {
  if (stages[id].kind == REAL && --me.real == 0) stages[id].switches += voluntary_switches() - me.switches;
  me.open[id]--;
  me.total--;
}

// MARK: What the program calls

static int64_t before(void) {
  calls_seen++;
  return me.total > 0 ? now() : 0;
}

static void after(int64_t start, int can_sleep) {
  if (start == 0 || !can_sleep) return;
  int error = errno;
  int64_t slept = now() - start;
  for (int id = 0; id < stage_count; id++) {
    if (me.open[id] == 0) continue;
    stages[id].sleeps++;
    stages[id].slept += slept;
  }
  errno = error;
}

/// The C library's own; condition variables have had two versions since 2.3.2, and the plain look-up finds the old one.
static void *real(const char *name) {
  void *found = strncmp(name, "pthread_cond", 12) == 0 ? dlvsym(RTLD_NEXT, name, "GLIBC_2.3.2") : NULL;
  if (found == NULL) found = dlsym(RTLD_NEXT, name);
  if (found == NULL) abort();
  return found;
}

#define FRONT(result, name, parameters, arguments, can_sleep) \
  result name parameters {                                    \
    static result(*behind) parameters;                        \
    if (behind == NULL) behind = real(#name);                 \
    int64_t start = before();                                 \
    result answer = behind arguments;                         \
    after(start, can_sleep);                                  \
    return answer;                                            \
  }

FRONT(int, nanosleep, (const struct timespec *t, struct timespec *rest), (t, rest), 1)
FRONT(int, clock_nanosleep, (clockid_t clock, int flags, const struct timespec *t, struct timespec *rest), (clock, flags, t, rest), 1)
FRONT(int, usleep, (useconds_t t), (t), 1)
FRONT(unsigned, sleep, (unsigned t), (t), 1)
FRONT(int, poll, (struct pollfd * files, nfds_t count, int timeout), (files, count, timeout), timeout != 0)
FRONT(int, ppoll, (struct pollfd * files, nfds_t count, const struct timespec *t, const sigset_t *mask), (files, count, t, mask),
      t == NULL || t->tv_sec != 0 || t->tv_nsec != 0)
FRONT(int, select, (int count, fd_set *r, fd_set *w, fd_set *e, struct timeval *t), (count, r, w, e, t), 1)
FRONT(int, pselect, (int count, fd_set *r, fd_set *w, fd_set *e, const struct timespec *t, const sigset_t *mask),
      (count, r, w, e, t, mask), t == NULL || t->tv_sec != 0 || t->tv_nsec != 0)
FRONT(int, epoll_wait, (int epoll, struct epoll_event *events, int most, int timeout), (epoll, events, most, timeout), timeout != 0)
FRONT(int, epoll_pwait, (int epoll, struct epoll_event *events, int most, int timeout, const sigset_t *mask),
      (epoll, events, most, timeout, mask), timeout != 0)
FRONT(int, epoll_pwait2, (int epoll, struct epoll_event *events, int most, const struct timespec *t, const sigset_t *mask),
      (epoll, events, most, t, mask), t == NULL || t->tv_sec != 0 || t->tv_nsec != 0)
FRONT(int, sem_timedwait, (sem_t *restrict s, const struct timespec *restrict t), (s, t), 1)
FRONT(int, pthread_cond_timedwait, (pthread_cond_t *restrict c, pthread_mutex_t *restrict m, const struct timespec *restrict t),
      (c, m, t), 1)
FRONT(int, pthread_cond_clockwait,
      (pthread_cond_t *restrict c, pthread_mutex_t *restrict m, clockid_t clock, const struct timespec *restrict t), (c, m, clock, t), 1)

int timerfd_create(int clock, int flags) {
  static int (*behind)(int, int);
  if (behind == NULL) behind = real("timerfd_create");
  int file = behind(clock, flags);
  if (file >= 0 && file < FILES) is_timer[file] = 1;
  return file;
}

ssize_t read(int file, void *bytes, size_t count) {
  static ssize_t (*behind)(int, void *, size_t);
  if (behind == NULL) behind = real("read");
  int waits = file >= 0 && file < FILES && is_timer[file] && me.total > 0 && !(fcntl(file, F_GETFL) & O_NONBLOCK);
  int64_t start = waits ? before() : 0;
  ssize_t answer = behind(file, bytes, count);
  after(start, waits);
  return answer;
}

int close(int file) {
  static int (*behind)(int);
  if (behind == NULL) behind = real("close");
  if (file >= 0 && file < FILES) is_timer[file] = 0;
  return behind(file);
}

long syscall(long number, ...) {
  static long (*behind)(long, ...);
  if (behind == NULL) behind = real("syscall");
  long a[6];
  va_list rest;
  va_start(rest, number);
  for (int i = 0; i < 6; i++) a[i] = va_arg(rest, long);
  va_end(rest);
  int sleeps = 0;
  switch (number) {
  case SYS_nanosleep: case SYS_clock_nanosleep: case SYS_pselect6: case SYS_ppoll: case SYS_epoll_pwait2: sleeps = 1; break;
#ifdef SYS_poll
  case SYS_poll: sleeps = (int)a[2] != 0; break;
  case SYS_epoll_wait: sleeps = (int)a[3] != 0; break;
  case SYS_select: sleeps = 1; break;
#endif
  case SYS_epoll_pwait: sleeps = (int)a[3] != 0; break;
  case SYS_futex: {
    int operation = (int)a[1] & FUTEX_CMD_MASK;
    sleeps = (operation == FUTEX_WAIT || operation == FUTEX_WAIT_BITSET) && a[3] != 0;
    break;
  }
  }
  int64_t start = sleeps ? before() : 0;
  long answer = behind(number, a[0], a[1], a[2], a[3], a[4], a[5]);
  after(start, sleeps);
  return answer;
}

// MARK: The table

__attribute__((destructor)) static void report(void) {
  const char *path = getenv("NB_SLEEP_AUDIT");
  FILE *out = path ? fopen(path, "w") : NULL;
  if (out == NULL) return;
  fprintf(out, "{\"calls_seen\": %lld, \"stages\": [", (long long)calls_seen);
  for (int id = 0; id < stage_count; id++) {
    fprintf(out, "%s\n{\"name\": \"%s\", \"class\": \"%s\", \"entered\": %lld, \"sleeps\": %lld, \"slept_ns\": %lld, \"switches\": %lld}",
            id ? "," : "", stages[id].name, stages[id].kind == REAL ? "R" : "W", (long long)stages[id].entered,
            (long long)stages[id].sleeps, (long long)stages[id].slept, (long long)stages[id].switches);
  }
  fprintf(out, "\n]}\n");
  fclose(out);
}

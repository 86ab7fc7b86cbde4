// Does what no stage may: sleeps inside a stage in every way that the audit knows, and each way outside of one too. The
// audit must find each of them, or its zeros mean nothing.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static const struct timespec span = {0, 5000000};

static struct timespec later(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  t.tv_nsec += span.tv_nsec;
  if (t.tv_nsec >= 1000000000) t.tv_sec++, t.tv_nsec -= 1000000000;
  return t;
}

static void by_nanosleep(void) { nanosleep(&span, NULL); }
static void by_clock_nanosleep(void) { clock_nanosleep(CLOCK_MONOTONIC, 0, &span, NULL); }
static void by_usleep(void) { usleep(5000); }
static void by_poll(void) { poll(NULL, 0, 5); }
static void by_ppoll(void) { ppoll(NULL, 0, &span, NULL); }
static void by_select(void) {
  struct timeval t = {0, 5000};
  select(0, NULL, NULL, NULL, &t);
}
static void by_pselect(void) { pselect(0, NULL, NULL, NULL, &span, NULL); }
static void by_epoll_wait(void) {
  struct epoll_event event;
  int epoll = epoll_create1(0);
  epoll_wait(epoll, &event, 1, 5);
  close(epoll);
}
static void by_epoll_pwait(void) {
  struct epoll_event event;
  int epoll = epoll_create1(0);
  epoll_pwait(epoll, &event, 1, 5, NULL);
  close(epoll);
}
static void by_sem_timedwait(void) {
  sem_t s;
  sem_init(&s, 0, 0);
  struct timespec t = later(CLOCK_REALTIME);
  sem_timedwait(&s, &t);
}
static void by_pthread_cond_timedwait(void) {
  pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
  pthread_cond_t c = PTHREAD_COND_INITIALIZER;
  struct timespec t = later(CLOCK_REALTIME);
  pthread_mutex_lock(&m);
  pthread_cond_timedwait(&c, &m, &t);
  pthread_mutex_unlock(&m);
}
static void by_timerfd(void) {
  int timer = timerfd_create(CLOCK_MONOTONIC, 0);
  struct itimerspec when = {{0, 0}, span};
  uint64_t expirations;
  timerfd_settime(timer, 0, &when, NULL);
  if (read(timer, &expirations, sizeof expirations) < 0) perror("timerfd");
  close(timer);
}
static void by_syscall_nanosleep(void) { syscall(SYS_nanosleep, &span, NULL); }
static void by_syscall_futex(void) {
  int word = 0;
  syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &span, NULL, 0);
}

static void not_at_all(void) {
  volatile uint64_t x = 1;
  for (int i = 0; i < 1000000; i++) x = x * 6364136223846793005u + 1;
  poll(NULL, 0, 0);
}

#define WAY(name) {#name, name}
static const struct { const char *name; void (*way)(void); } ways[] = {
  WAY(by_nanosleep), WAY(by_clock_nanosleep), WAY(by_usleep), WAY(by_poll), WAY(by_ppoll), WAY(by_select), WAY(by_pselect),
  WAY(by_epoll_wait), WAY(by_epoll_pwait), WAY(by_sem_timedwait), WAY(by_pthread_cond_timedwait), WAY(by_timerfd),
  WAY(by_syscall_nanosleep), WAY(by_syscall_futex), WAY(not_at_all),
};

int main(void) {
  int32_t (*name)(const char *, int32_t) = (int32_t (*)(const char *, int32_t))dlsym(RTLD_DEFAULT, "nb_stage_name");
  void (*enter)(int32_t) = (void (*)(int32_t))dlsym(RTLD_DEFAULT, "nb_stage_enter");
  void (*leave)(int32_t) = (void (*)(int32_t))dlsym(RTLD_DEFAULT, "nb_stage_leave");
  if (!name || !enter || !leave) return 1;
  for (unsigned i = 0; i < sizeof ways / sizeof *ways; i++) {
    int32_t id = name(ways[i].name, 0);
    ways[i].way();
    enter(id);
    ways[i].way();
    leave(id);
    ways[i].way();
  }
  return 0;
}

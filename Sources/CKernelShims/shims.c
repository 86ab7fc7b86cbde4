#include "CKernelShims.h"

#include <fcntl.h>
#include <sched.h>

// glibc has these calls from 2.41 on only.
#if defined(SYS_sched_setattr) && defined(SYS_sched_getattr)
static int get_schedule(struct nb_schedule *found) { return syscall(SYS_sched_getattr, 0, found, sizeof *found, 0); }
static int set_schedule(const struct nb_schedule *wanted) { return syscall(SYS_sched_setattr, 0, wanted, 0); }
#else
static int get_schedule(struct nb_schedule *found) { (void)found; return -1; }
static int set_schedule(const struct nb_schedule *wanted) { (void)wanted; return -1; }
#endif

// SCHED_FLAG_RESET_ON_FORK: whatever this thread starts is an ordinary process.
static const uint64_t reset_on_fork = 1;

int nb_come_first(int at_once, struct nb_schedule *before) {
  *before = (struct nb_schedule){0};
  struct nb_schedule now = {0};
  if (get_schedule(&now) != 0 || now.policy != SCHED_OTHER) return NB_USUAL_TURN;
  now.size = sizeof now;
  const struct nb_schedule first = {.size = sizeof first, .policy = SCHED_RR, .flags = reset_on_fork, .priority = 1};
  struct nb_schedule sooner = now;
  sooner.runtime = 100000;
  const int how = at_once && set_schedule(&first) == 0 ? NB_AT_ONCE : set_schedule(&sooner) == 0 ? NB_SOONER : NB_USUAL_TURN;
  if (how != NB_USUAL_TURN) *before = now;
  return how;
}

void nb_come_as_before(const struct nb_schedule *before) {
  if (before->size == 0) return;
  struct nb_schedule again = *before;
  // 0: the slice that the system gives.
  again.runtime = 0;
  if (set_schedule(&again) == 0) return;
  // Without privilege the flag stays.
  again.flags |= reset_on_fork;
  set_schedule(&again);
}

int nb_may_come_first(void) {
  struct nb_schedule before;
  const int found = nb_come_first(1, &before);
  nb_come_as_before(&before);
  return found == NB_AT_ONCE;
}

static const char latency_device[] = "/dev/cpu_dma_latency";

int nb_may_keep_awake(void) { return access(latency_device, W_OK) == 0; }

int nb_keep_awake(void) {
  int descriptor = open(latency_device, O_WRONLY | O_CLOEXEC);
  if (descriptor < 0) return -1;
  const int32_t microseconds = 0;
  if (write(descriptor, &microseconds, sizeof microseconds) == sizeof microseconds) return descriptor;
  close(descriptor);
  return -1;
}

#include "CKernelShims.h"

#include <fcntl.h>

// glibc has this call from 2.41 on only.
struct nb_sched_attr {
  uint32_t size, policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime, deadline, period;
};

void nb_time_slice(uint64_t ns) {
#if defined(SYS_sched_setattr) && defined(SYS_sched_getattr)
  struct nb_sched_attr attributes = {0};
  if (syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) != 0 || attributes.policy != 0) return;
  attributes.size = sizeof attributes;
  attributes.runtime = ns;
  syscall(SYS_sched_setattr, 0, &attributes, 0);
#else
  (void)ns;
#endif
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

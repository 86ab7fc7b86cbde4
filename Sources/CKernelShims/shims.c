#include "CKernelShims.h"

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

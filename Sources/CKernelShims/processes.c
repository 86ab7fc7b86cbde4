// Starting children with vfork: the parent's pages are not copied, and it goes on when exec is done.

#define _GNU_SOURCE
#include "CKernelShims.h"
#include <fcntl.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/wait.h>

_Static_assert(NB_LIMIT_CPU == RLIMIT_CPU && NB_LIMIT_FILE_SIZE == RLIMIT_FSIZE && NB_LIMIT_CORE == RLIMIT_CORE, "limits");
_Static_assert(NB_LIMIT_PROCESSES == RLIMIT_NPROC && NB_LIMIT_ADDRESS_SPACE == RLIMIT_AS, "limits");
_Static_assert(NB_LIMIT_REALTIME == RLIMIT_RTTIME, "limits");

// In the child, on the parent's memory: system calls only, no allocation, no lock. 0 or errno.
static int become(const struct nb_start *start, const sigset_t *none) {
  setpgid(0, 0);
  if (start->ends_with_parent) prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  // A source below 4 could be overwritten by an earlier target.
  int source[4];
  for (int i = 0; i < 4; i++) {
    source[i] = start->descriptors[i];
    if (source[i] >= 0 && source[i] < 4) source[i] = fcntl(source[i], F_DUPFD_CLOEXEC, 16);
  }
  for (int i = 0; i < 4; i++) {
    if (source[i] < 0) close(i);
    else if (dup2(source[i], i) < 0) return errno;
  }
#ifdef SYS_close_range
  // 4: CLOSE_RANGE_CLOEXEC. Kernels before 5.11 leave what has no O_CLOEXEC of its own.
  syscall(SYS_close_range, 4, ~0U, 4);
#endif
  if (start->folder && chdir(start->folder) != 0) return errno;
  for (int i = 0; i < start->limit_count; i++) {
    struct rlimit limit = {start->limits[i].soft, start->limits[i].hard};
    if (setrlimit(start->limits[i].resource, &limit) != 0) return errno;
  }
  if (start->confined) {
    int code = nb_confine_self(start->rules);
    if (code != 0) return code;
  }
  // nb ignores SIGPIPE, and what is ignored stays so through exec. The table of actions is not shared.
  signal(SIGPIPE, SIG_DFL);
  sigprocmask(SIG_SETMASK, none, NULL);
  execve(start->path, start->arguments, start->environment);
  return errno;
}

pid_t nb_start_process(const struct nb_start *start, int64_t *started) {
  volatile int failure = 0;
  sigset_t all, none, before;
  sigfillset(&all);
  sigemptyset(&none);
  // No handler of the parent may run in the child before exec.
  pthread_sigmask(SIG_SETMASK, &all, &before);
  *started = nb_now();
  pid_t pid = vfork();
  if (pid == 0) {
    failure = become(start, &none);
    _exit(127);
  }
  int code = errno;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (pid < 0) return -code;
  if (failure != 0) {
    waitpid(pid, NULL, 0);
    return -failure;
  }
  return pid;
}

int nb_process_descriptor(pid_t pid) {
#ifdef SYS_pidfd_open
  return (int)syscall(SYS_pidfd_open, pid, 0);
#else
  return -1;
#endif
}

int nb_pin_process(pid_t pid) {
  cpu_set_t allowed, one;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return -errno;
  for (int cpu = CPU_SETSIZE - 1; cpu >= 0; cpu--) {
    if (!CPU_ISSET(cpu, &allowed)) continue;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    return sched_setaffinity(pid, sizeof one, &one) == 0 ? 0 : -errno;
  }
  return -ESRCH;
}

int nb_adopt_orphans(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1UL, 0, 0, 0); }

int nb_read_limit(pid_t pid, int resource, uint64_t *soft, uint64_t *hard) {
  struct rlimit64 limit;
  if (prlimit64(pid, resource, NULL, &limit) != 0) return -1;
  *soft = limit.rlim_cur;
  *hard = limit.rlim_max;
  return 0;
}

int nb_open_counter(uint32_t type, uint64_t config, pid_t pid, int on_exec) {
  struct perf_event_attr event;
  memset(&event, 0, sizeof event);
  event.size = sizeof event;
  event.type = type;
  event.config = config;
  event.inherit = 1;
  event.disabled = on_exec != 0;
  event.enable_on_exec = on_exec != 0;
  event.exclude_kernel = 1;
  event.exclude_hv = 1;
  event.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
  int descriptor = (int)syscall(SYS_perf_event_open, &event, pid, -1, -1, PERF_FLAG_FD_CLOEXEC);
  return descriptor >= 0 ? descriptor : -errno;
}

long nb_ticks_per_second(void) { return sysconf(_SC_CLK_TCK); }
long nb_page_bytes(void) { return sysconf(_SC_PAGESIZE); }

// The process that ends what a killed nb has started. After fork it does nothing but system calls: the other threads of nb are
// not there, and may have held any lock.

#define _GNU_SOURCE
#include "CKernelShims.h"
#include "Sentinel.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>

struct entry {
  uint64_t inode;
  int64_t offset;
  unsigned short length;
  unsigned char type;
  char name[];
};

static int number_of(const char *text) {
  int n = 0;
  if (!*text) return 0;
  for (; *text; text++) {
    if (*text < '0' || *text > '9') return 0;
    n = n * 10 + (*text - '0');
  }
  return n;
}

static void path_of_stat(int pid, char *out) {
  char digits[16];
  int count = 0;
  for (int n = pid; n; n /= 10) digits[count++] = (char)('0' + n % 10);
  memcpy(out, "/proc/", 6);
  for (int i = 0; i < count; i++) out[6 + i] = digits[count - 1 - i];
  memcpy(out + 6 + count, "/stat", 6);
}

// One that has ended keeps its limits until it is reaped.
static int has_ended(int pid) {
  char path[40], text[512];
  path_of_stat(pid, path);
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return 1;
  ssize_t count = read(file, text, sizeof text);
  close(file);
  // The name in brackets may hold anything; the state is behind the last one.
  for (ssize_t i = count - 1; i > 0; i--)
    if (text[i] == ')') return i + 2 < count && (text[i + 2] == 'Z' || text[i + 2] == 'X');
  return 0;
}

// Processes with a mark from `low` to `high`; with `even_only` only those that do not leave by themselves are killed.
static int sweep(uint64_t low, uint64_t high, uint64_t base, int even_only) {
  int folder = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return -1;
  _Alignas(8) char buffer[8192];
  int left = 0;
  long count;
  while ((count = syscall(SYS_getdents64, folder, buffer, sizeof buffer)) > 0) {
    for (long at = 0; at < count;) {
      struct entry *one = (struct entry *)(buffer + at);
      at += one->length;
      int pid = number_of(one->name);
      uint64_t soft = 0, hard = 0;
      if (pid <= 1 || nb_read_limit(pid, NB_LIMIT_REALTIME, &soft, &hard) != 0 || soft < low || soft > high || has_ended(pid)) continue;
      if (even_only && ((base - soft) & 1)) left++;
      else if (kill(pid, SIGKILL) == 0) left++;
    }
  }
  close(folder);
  return left;
}

int nb_end_marked(uint64_t low, uint64_t high) { return sweep(low, high, 0, 0); }

static void pause_for(long ms) {
  struct timespec time = {ms / 1000, ms % 1000 * 1000000};
  nanosleep(&time, NULL);
}

static void watch(uint64_t base, pid_t owner) {
  char byte;
  for (;;) {
    ssize_t count = read(0, &byte, 1);
    if (count == 0 || (count < 0 && errno != EINTR)) break;
  }
  uint64_t high = base - ((uint64_t)owner << NB_MARK_BITS), low = high - ((1u << NB_MARK_BITS) - 1);
  int64_t start = nb_now();
  for (;;) {
    int64_t waited = nb_now() - start;
    int left = sweep(low, high, base, waited < 5000000000);
    if (left <= 0 || waited > 15000000000) _exit(0);
    pause_for(waited < 100000000 ? 2 : 20);
  }
}

pid_t nb_start_sentinel(uint64_t base) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return -errno;
  pid_t owner = getpid();
  sigset_t all, before;
  sigfillset(&all);
  // No handler of nb's may run in it.
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pid_t pid = (pid_t)fork();
  if (pid == 0) {
    // Neither Ctrl-C nor a signal to nb's group is meant for it. All signals stay blocked.
    setsid();
    prctl(PR_SET_NAME, "nb-sentinel", 0, 0, 0);
    dup2(ends[0], 0);
#ifdef SYS_close_range
    if (syscall(SYS_close_range, 1, ~0U, 0) != 0)
#endif
      for (int i = 1; i < 4096; i++) close(i);
    watch(base, owner);
  }
  int code = errno;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  close(ends[0]);
  if (pid < 0) {
    close(ends[1]);
    return -code;
  }
  // The writing end stays open for as long as this process is there, and is never written to.
  return pid;
}

// A disk that fails on purpose, for LD_PRELOAD: counts every call with which a program changes files below a folder, and lets
// the n-th fail, or kills the program before it. Built by Tests/EndToEnd/crashes.py:
//   cc -shared -fPIC -O1 -o failing_files.so failing_files.c -ldl
//
// NB_FAIL_BELOW  the folder, an absolute path without links
// NB_FAIL_AT     n from 1 on; 0 or nothing: only count
// NB_FAIL_KIND   ENOSPC, EIO, EACCES or EROFS; short: a write takes half; kill: SIGKILL before the call. With a + behind it,
//                all later calls fail too, as on a disk that stays full
// NB_FAIL_LOG    a file that gets a line for each call: n, call, path, second path
// NB_CLOCK_FILE  while this file exists, the time of day differs by NB_CLOCK_STEP seconds
// Only the program that is started with these fails; what it starts itself does not.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static char below[PATH_MAX];
static size_t below_length;
static long fail_at, counted;
static int code, is_short, is_kill, goes_on, log_file = -1;
static long clock_step;
static char clock_file[PATH_MAX];
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

__attribute__((constructor)) static void begin(void) {
  const char *folder = getenv("NB_FAIL_BELOW"), *owner = getenv("NB_FAIL_PID");
  char own[32];
  snprintf(own, sizeof own, "%d", (int)getpid());
  if (getenv("NB_CLOCK_FILE")) {
    snprintf(clock_file, sizeof clock_file, "%s", getenv("NB_CLOCK_FILE"));
    clock_step = atol(getenv("NB_CLOCK_STEP") ? getenv("NB_CLOCK_STEP") : "0");
  }
  if (!folder || (owner && strcmp(owner, own) != 0)) return;
  setenv("NB_FAIL_PID", own, 1);
  const char *kind = getenv("NB_FAIL_KIND") ? getenv("NB_FAIL_KIND") : "EIO";
  fail_at = getenv("NB_FAIL_AT") ? atol(getenv("NB_FAIL_AT")) : 0;
  goes_on = strchr(kind, '+') != NULL;
  is_short = strncmp(kind, "short", 5) == 0;
  is_kill = strncmp(kind, "kill", 4) == 0;
  code = strncmp(kind, "ENOSPC", 6) == 0 ? ENOSPC : strncmp(kind, "EACCES", 6) == 0 ? EACCES : strncmp(kind, "EROFS", 5) == 0 ? EROFS : EIO;
  if (getenv("NB_FAIL_LOG")) log_file = (int)syscall(SYS_openat, AT_FDCWD, getenv("NB_FAIL_LOG"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  snprintf(below, sizeof below, "%s", folder);
  below_length = strlen(below);
}

static int is_below(const char *path) {
  return below_length && strncmp(path, below, below_length) == 0 && (path[below_length] == '/' || path[below_length] == 0);
}

// The path of a name as the call gives it; links of the folders themselves are not followed.
static const char *full(int folder, const char *name, char *out) {
  char base[PATH_MAX];
  if (name[0] == '/') {
    if (strncmp(name, "/proc/self/fd/", 14) == 0) {
      ssize_t n = readlink(name, out, PATH_MAX - 1);
      out[n > 0 ? n : 0] = 0;
    } else {
      snprintf(out, PATH_MAX, "%s", name);
    }
    return out;
  }
  if (folder == AT_FDCWD) {
    if (!getcwd(base, sizeof base)) base[0] = 0;
  } else {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
    ssize_t n = readlink(link, base, sizeof base - 1);
    base[n > 0 ? n : 0] = 0;
  }
  while (strncmp(name, "./", 2) == 0) name += 2;
  if (snprintf(out, PATH_MAX, "%s/%s", base, name) >= PATH_MAX) out[0] = 0;
  return out;
}

static const char *path_of(int descriptor, char *out) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  ssize_t n = readlink(link, out, PATH_MAX - 1);
  out[n > 0 ? n : 0] = 0;
  return out;
}

enum { NAME = 1, DATA = 2, SYNC = 4, REMOVE = 8 };
enum { GO = 0, FAIL = 1, SHORTEN = 2 };

// What becomes of a call: counted, logged, and perhaps failed. `what` it does decides which failures it can have.
static int judge(const char *call, int what, const char *path, const char *second) {
  if (!is_below(path) && !(second && is_below(second))) return GO;
  int before = errno, outcome = GO;
  pthread_mutex_lock(&turn);
  long n = ++counted;
  if (log_file >= 0) {
    char line[3 * PATH_MAX];
    int length = snprintf(line, sizeof line, "%ld\t%s\t%s\t%s\n", n, call, path, second ? second : "");
    syscall(SYS_write, log_file, line, (size_t)length);
  }
  int is_due = fail_at > 0 && (n == fail_at || (goes_on && n > fail_at));
  if (is_due && is_kill) kill(getpid(), SIGKILL);
  if (is_due && is_short) outcome = what == DATA ? SHORTEN : GO;
  else if (is_due && (code == EACCES || code == EROFS)) outcome = what == NAME || what == REMOVE ? FAIL : GO;
  // A disk that stays full lets go of files.
  else if (is_due && goes_on && code == ENOSPC) outcome = what != REMOVE ? FAIL : GO;
  else if (is_due) outcome = FAIL;
  pthread_mutex_unlock(&turn);
  errno = outcome == FAIL ? code : before;
  return outcome;
}

#define REAL(type, name, ...) \
  static type (*real)(__VA_ARGS__); \
  if (!real) real = (type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

static int changes(int flags) { return (flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT); }

#define OPEN(name) \
  int name(const char *path, int flags, ...) { \
    REAL(int, name, const char *, int, ...); \
    va_list rest; va_start(rest, flags); mode_t mode = va_arg(rest, mode_t); va_end(rest); \
    char one[PATH_MAX]; \
    if (changes(flags) && judge("open", NAME, full(AT_FDCWD, path, one), NULL)) return -1; \
    return real(path, flags, mode); \
  }
OPEN(open)
OPEN(open64)

#define OPENAT(name) \
  int name(int folder, const char *path, int flags, ...) { \
    REAL(int, name, int, const char *, int, ...); \
    va_list rest; va_start(rest, flags); mode_t mode = va_arg(rest, mode_t); va_end(rest); \
    char one[PATH_MAX]; \
    if (changes(flags) && judge("open", NAME, full(folder, path, one), NULL)) return -1; \
    return real(folder, path, flags, mode); \
  }
OPENAT(openat)
OPENAT(openat64)

#define FOPEN(name) \
  FILE *name(const char *path, const char *mode) { \
    REAL(FILE *, name, const char *, const char *); \
    char one[PATH_MAX]; \
    if (mode[0] != 'r' && judge("open", NAME, full(AT_FDCWD, path, one), NULL)) return NULL; \
    return real(path, mode); \
  }
FOPEN(fopen)
FOPEN(fopen64)

ssize_t write(int descriptor, const void *bytes, size_t count) {
  REAL(ssize_t, write, int, const void *, size_t);
  char one[PATH_MAX];
  int outcome = below_length ? judge("write", DATA, path_of(descriptor, one), NULL) : GO;
  if (outcome == FAIL) return -1;
  return real(descriptor, bytes, outcome == SHORTEN && count > 1 ? count / 2 : count);
}

#define PWRITE(name, offset_type) \
  ssize_t name(int descriptor, const void *bytes, size_t count, offset_type offset) { \
    REAL(ssize_t, name, int, const void *, size_t, offset_type); \
    char one[PATH_MAX]; \
    int outcome = below_length ? judge("write", DATA, path_of(descriptor, one), NULL) : GO; \
    if (outcome == FAIL) return -1; \
    return real(descriptor, bytes, outcome == SHORTEN && count > 1 ? count / 2 : count, offset); \
  }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

#define ON_DESCRIPTOR(name, label, what) \
  int name(int descriptor) { \
    REAL(int, name, int); \
    char one[PATH_MAX]; \
    if (below_length && judge(label, what, path_of(descriptor, one), NULL)) return -1; \
    return real(descriptor); \
  }
ON_DESCRIPTOR(fsync, "fsync", SYNC)
ON_DESCRIPTOR(fdatasync, "fsync", SYNC)

#define TRUNCATE(name, length_type) \
  int name(int descriptor, length_type length) { \
    REAL(int, name, int, length_type); \
    char one[PATH_MAX]; \
    if (below_length && judge("ftruncate", DATA, path_of(descriptor, one), NULL) == FAIL) return -1; \
    return real(descriptor, length); \
  }
TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)

#define ON_NAME(name, label, what) \
  int name(const char *path) { \
    REAL(int, name, const char *); \
    char one[PATH_MAX]; \
    if (judge(label, what, full(AT_FDCWD, path, one), NULL)) return -1; \
    return real(path); \
  }
ON_NAME(unlink, "unlink", REMOVE)
ON_NAME(rmdir, "unlink", REMOVE)

int unlinkat(int folder, const char *path, int flags) {
  REAL(int, unlinkat, int, const char *, int);
  char one[PATH_MAX];
  if (judge("unlink", REMOVE, full(folder, path, one), NULL)) return -1;
  return real(folder, path, flags);
}

int mkdir(const char *path, mode_t mode) {
  REAL(int, mkdir, const char *, mode_t);
  char one[PATH_MAX];
  // What is there already is no call that a disk could refuse.
  if (access(path, F_OK) != 0 && judge("mkdir", NAME, full(AT_FDCWD, path, one), NULL)) return -1;
  return real(path, mode);
}

int rename(const char *from, const char *to) {
  REAL(int, rename, const char *, const char *);
  char one[PATH_MAX], two[PATH_MAX];
  if (judge("rename", NAME, full(AT_FDCWD, from, one), full(AT_FDCWD, to, two))) return -1;
  return real(from, to);
}

int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags) {
  REAL(int, linkat, int, const char *, int, const char *, int);
  char one[PATH_MAX], two[PATH_MAX];
  if (judge("link", NAME, full(from_folder, from, one), full(to_folder, to, two))) return -1;
  return real(from_folder, from, to_folder, to, flags);
}

static long step(void) { return clock_file[0] && syscall(SYS_faccessat, AT_FDCWD, clock_file, F_OK) == 0 ? clock_step : 0; }

int clock_gettime(clockid_t clock, struct timespec *out) {
  int outcome = (int)syscall(SYS_clock_gettime, clock, out);
  if (outcome == 0 && clock == CLOCK_REALTIME) out->tv_sec += step();
  return outcome;
}

int gettimeofday(struct timeval *restrict out, void *restrict zone) {
  (void)zone;
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  out->tv_sec = now.tv_sec;
  out->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *out) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (out) *out = now.tv_sec;
  return now.tv_sec;
}

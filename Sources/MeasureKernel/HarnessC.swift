// The harness of compiled fences, in C, for both C and Swift: the fence is another compilation unit behind a
// real call, so no compiler can see that its result is not needed or that its argument does not change.
// The version is part of every cached build: raise it with any change below.

enum HarnessC {
  static let version = 2

  /// Between the clock readings is only the loop: a multiple of a call, an addition and a compare (1–2 ns).
  /// Allocations are counted by functions of the C library's names that hand on to it; other threads' too.
  static let source = #"""
    #define _GNU_SOURCE
    #include <errno.h>
    #include <fcntl.h>
    #include <stdint.h>
    #include <stdio.h>
    #include <stdlib.h>
    #include <string.h>
    #include <sys/resource.h>
    #include <time.h>
    #include <unistd.h>

    extern long NB_SUBJECT(long n);
    extern void NB_SETUP(long n) __attribute__((weak));
    // Only in builds that are profiled.
    extern int nb_profile_line(const char *line, int descriptor) __attribute__((weak));

    #ifdef __GLIBC__
    extern void *__libc_malloc(size_t);
    extern void *__libc_calloc(size_t, size_t);
    extern void *__libc_realloc(void *, size_t);
    extern void *__libc_memalign(size_t, size_t);
    static __thread char is_main;
    static uint64_t main_calls, main_bytes, other_calls, other_bytes;
    static inline void note(size_t size) {
      if (is_main) {
        main_calls++;
        main_bytes += size;
      } else {
        __atomic_fetch_add(&other_calls, 1, __ATOMIC_RELAXED);
        __atomic_fetch_add(&other_bytes, size, __ATOMIC_RELAXED);
      }
    }
    void *malloc(size_t size) { note(size); return __libc_malloc(size); }
    void *calloc(size_t count, size_t size) { note(count * size); return __libc_calloc(count, size); }
    void *realloc(void *old, size_t size) { note(size); return __libc_realloc(old, size); }
    void *memalign(size_t unit, size_t size) { note(size); return __libc_memalign(unit, size); }
    void *aligned_alloc(size_t unit, size_t size) { note(size); return __libc_memalign(unit, size); }
    int posix_memalign(void **result, size_t unit, size_t size) {
      note(size);
      void *memory = __libc_memalign(unit, size);
      if (!memory) return ENOMEM;
      *result = memory;
      return 0;
    }
    #endif

    static int64_t clock_now(clockid_t clock) {
      struct timespec t;
      clock_gettime(clock, &t);
      return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
    }

    static int64_t microseconds(struct timeval t) { return (int64_t)t.tv_sec * 1000000 + t.tv_usec; }

    __attribute__((noinline)) static long nothing(long n) {
      __asm__ volatile("" : "+r"(n));
      return n;
    }

    #define LOOP(NAME, CALL)                                        \
      __attribute__((noinline)) static uint64_t NAME(long n, long k) { \
        uint64_t sum = 0;                                           \
        for (long i = 0; i < k; i++) {                              \
          long given = n;                                           \
          __asm__ volatile("" : "+r"(given));                       \
          long result = CALL(given);                                \
          __asm__ volatile("" : "+r"(result) : : "memory");         \
          sum += (uint64_t)result;                                  \
        }                                                           \
        return sum;                                                 \
      }
    LOOP(run_subject, NB_SUBJECT)
    LOOP(run_nothing, nothing)

    static long number_after(const char *path, const char *word) {
      char text[4096];
      int file = open(path, O_RDONLY | O_CLOEXEC);
      if (file < 0) return -1;
      ssize_t count = read(file, text, sizeof text - 1);
      close(file);
      if (count <= 0) return -1;
      text[count] = 0;
      char *found = strstr(text, word);
      return found ? strtol(found + strlen(word), NULL, 10) : -1;
    }

    static void answer(long n, long k, int empty) {
      struct rusage a, b;
      int64_t waited = number_after("/proc/self/schedstat", " ");
    #ifdef __GLIBC__
      uint64_t calls = main_calls + other_calls, bytes = main_bytes + other_bytes;
    #endif
      getrusage(RUSAGE_SELF, &a);
      int64_t cpu = clock_now(CLOCK_PROCESS_CPUTIME_ID);
      int64_t start = clock_now(CLOCK_MONOTONIC);
      __asm__ volatile("" : : : "memory");
      uint64_t sum = empty ? run_nothing(n, k) : run_subject(n, k);
      __asm__ volatile("" : "+r"(sum) : : "memory");
      int64_t ns = clock_now(CLOCK_MONOTONIC) - start;
      cpu = clock_now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
      getrusage(RUSAGE_SELF, &b);
    #ifdef __GLIBC__
      calls = main_calls + other_calls - calls;
      bytes = main_bytes + other_bytes - bytes;
    #endif
      char text[1024];
      int length = snprintf(text, sizeof text,
        "ns=%lld cpu=%lld checksum=%lld user=%lld system=%lld minor=%ld major=%ld voluntary=%ld involuntary=%ld",
        (long long)ns, (long long)cpu, (long long)sum,
        (long long)(microseconds(b.ru_utime) - microseconds(a.ru_utime)) * 1000,
        (long long)(microseconds(b.ru_stime) - microseconds(a.ru_stime)) * 1000,
        b.ru_minflt - a.ru_minflt, b.ru_majflt - a.ru_majflt, b.ru_nvcsw - a.ru_nvcsw, b.ru_nivcsw - a.ru_nivcsw);
    #ifdef __GLIBC__
      length += snprintf(text + length, sizeof text - length, " allocations=%llu allocated=%llu",
        (unsigned long long)calls, (unsigned long long)bytes);
    #endif
      long rss = number_after("/proc/self/status", "VmHWM:");
      if (rss >= 0) length += snprintf(text + length, sizeof text - length, " rss=%lld", (long long)rss * 1024);
      int64_t waits = number_after("/proc/self/schedstat", " ");
      if (waited >= 0 && waits >= 0)
        length += snprintf(text + length, sizeof text - length, " wait=%lld", (long long)(waits - waited));
      text[length++] = '\n';
      if (write(3, text, length) != length) _exit(1);
    }

    // A line from descriptor 3; 0: nb has gone.
    static int next_line(char *line, int size) {
      int length = 0;
      while (length < size - 1) {
        ssize_t count = read(3, line + length, 1);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return 0;
        if (line[length] == '\n') break;
        length++;
      }
      line[length] = 0;
      return 1;
    }

    int main(int count, char **arguments) {
    #ifdef __GLIBC__
      is_main = 1;
    #endif
      // `once N K`: for a tool that counts from outside.
      if (count == 4 && strcmp(arguments[1], "once") == 0) {
        long n = atol(arguments[2]);
        if (NB_SETUP) NB_SETUP(n);
        volatile uint64_t sum = run_subject(n, atol(arguments[3]));
        (void)sum;
        return 0;
      }
      fcntl(3, F_SETFD, FD_CLOEXEC);
      char line[256];
      if (!next_line(line, sizeof line)) return 0;
      long n = atol(line);
      if (NB_SETUP) NB_SETUP(n);
      if (write(3, "ready\n", 6) != 6) return 1;
      while (next_line(line, sizeof line)) {
        if (strncmp(line, "run ", 4) == 0) answer(n, atol(line + 4), 0);
        else if (strncmp(line, "empty ", 6) == 0) answer(n, atol(line + 6), 1);
        else if (strcmp(line, "quit") == 0) break;
        else if (nb_profile_line) nb_profile_line(line, 3);
      }
      return 0;
    }
    """#

  /// Comes before a fence in C: a definition of another shape is then an error at the fence's line.
  static let declarations = "long subject(long n);\nvoid setup(long n);\n"

  /// What Swift exports to the harness. `setup` is called only where the fence has one.
  static func swiftExports(hasSetup: Bool) -> String {
    """
    @_cdecl("nb_subject") public func nbExportedSubject(_ n: Int) -> Int { subject(n) }
    \(hasSetup ? #"@_cdecl("nb_setup") public func nbExportedSetup(_ n: Int) { setup(n) }"# : "")

    """
  }
}

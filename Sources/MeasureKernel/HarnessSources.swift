// What is compiled or run around a code fence, as text. Each harness speaks the same lines on descriptor 3:
// `ready`; `run K` → `ns=… cpu=… checksum=… user=… …`; `quit`. The checksum is the sum of the results modulo 2³².

enum HarnessSource {
  /// `main` for fences in C and Swift. The subject stands in another file and is called through a volatile
  /// pointer with a volatile argument, so that no compiler can lift a call out of the loop or leave it out.
  /// Allocations are counted by standing in front of the C library's functions, on the calling thread.
  static let c = #"""
    #define _GNU_SOURCE
    #include <errno.h>
    #include <stdint.h>
    #include <stdio.h>
    #include <stdlib.h>
    #include <string.h>
    #include <sys/resource.h>
    #include <time.h>
    #include <unistd.h>

    extern long NB_SUBJECT(long n);
    extern void NB_SETUP(long n) __attribute__((weak));

    static __thread int64_t allocations, allocated;
    extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t), *__libc_memalign(size_t, size_t);
    void *malloc(size_t n) { allocations++; allocated += n; return __libc_malloc(n); }
    void *calloc(size_t m, size_t n) { allocations++; allocated += m * n; return __libc_calloc(m, n); }
    void *realloc(void *p, size_t n) { allocations++; allocated += n; return __libc_realloc(p, n); }
    void *aligned_alloc(size_t a, size_t n) { allocations++; allocated += n; return __libc_memalign(a, n); }
    void *memalign(size_t a, size_t n) { allocations++; allocated += n; return __libc_memalign(a, n); }
    int posix_memalign(void **p, size_t a, size_t n) {
      allocations++; allocated += n;
      *p = __libc_memalign(a, n);
      return *p ? 0 : ENOMEM;
    }

    static int64_t nanoseconds(clockid_t clock) {
      struct timespec t;
      clock_gettime(clock, &t);
      return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
    }
    static int64_t micro(struct timeval t) { return ((int64_t)t.tv_sec * 1000000 + t.tv_usec) * 1000; }

    static long (*volatile subject_of_nb)(long) = NB_SUBJECT;

    int main(int count, char **words) {
      volatile long n = count > 1 ? atol(words[1]) : 0;
      FILE *in = fdopen(3, "r"), *out = fdopen(dup(3), "w");
      char line[256];
      if (!in || !out) return 1;
      if (NB_SETUP) NB_SETUP(n);
      fprintf(out, "ready\n");
      fflush(out);
      while (fgets(line, sizeof line, in)) {
        if (strncmp(line, "run ", 4) != 0) break;
        long k = atol(line + 4);
        struct rusage a, b;
        uint32_t sum = 0;
        getrusage(RUSAGE_SELF, &a);
        int64_t calls = allocations, bytes = allocated;
        int64_t cpu = nanoseconds(CLOCK_PROCESS_CPUTIME_ID);
        int64_t start = nanoseconds(CLOCK_MONOTONIC);
        __asm__ volatile("" ::: "memory");
        for (long i = 0; i < k; i++) sum += (uint32_t)subject_of_nb(n);
        __asm__ volatile("" ::: "memory");
        int64_t end = nanoseconds(CLOCK_MONOTONIC);
        cpu = nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
        calls = allocations - calls;
        bytes = allocated - bytes;
        getrusage(RUSAGE_SELF, &b);
        fprintf(out, "ns=%ld cpu=%ld checksum=%u user=%ld system=%ld rss=%ld minor=%ld major=%ld voluntary=%ld involuntary=%ld allocations=%ld allocated=%ld\n",
          (long)(end - start), (long)cpu, sum, (long)(micro(b.ru_utime) - micro(a.ru_utime)), (long)(micro(b.ru_stime) - micro(a.ru_stime)),
          b.ru_maxrss * 1024, b.ru_minflt - a.ru_minflt, b.ru_majflt - a.ru_majflt, b.ru_nvcsw - a.ru_nvcsw, b.ru_nivcsw - a.ru_nivcsw,
          (long)calls, (long)bytes);
        fflush(out);
      }
      return 0;
    }
    """#

  /// What C calls for a Swift fence.
  static func swiftGlue(hasSetup: Bool) -> String {
    "@_cdecl(\"nb_swift_subject\") public func nbSubject(_ n: Int) -> Int { subject(n) }\n"
      + (hasSetup ? "@_cdecl(\"nb_swift_setup\") public func nbSetup(_ n: Int) { setup(n) }\n" : "")
  }

  /// Arguments: the fence's file, how it is called in messages, its first line, n.
  static let python = #"""
    import os, resource, sys, time

    channel = open(3, "r+b", buffering=0)

    def say(text):
        channel.write(text.replace("\n", " ").encode() + b"\n")

    def fail(error, shown):
        line, column = 0, 0
        if isinstance(error, SyntaxError):
            line, column, text = error.lineno or 0, error.offset or 0, error.msg
        else:
            trace = error.__traceback__
            while trace:
                if trace.tb_frame.f_code.co_filename == shown:
                    line = trace.tb_lineno
                trace = trace.tb_next
            text = f"{type(error).__name__}: {error}"
        say(f"error: at {line}:{column}: {text}")
        sys.exit(1)

    def main():
        path, shown, line, n = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
        with open(path, encoding="utf-8") as file:
            source = "\n" * (line - 1) + file.read()
        scope = {"__name__": "fence"}
        try:
            exec(compile(source, shown, "exec"), scope)
            subject = scope["subject"]
            if "setup" in scope:
                scope["setup"](n)
        except KeyError:
            return say(f"error: at {line}:0: the fence does not define subject(n)")
        except BaseException as error:
            fail(error, shown)
        say("ready")
        lines = b""
        while True:
            while b"\n" not in lines:
                part = channel.read(4096)
                if not part:
                    return
                lines += part
            one, _, lines = lines.partition(b"\n")
            words = one.split()
            if words[0] != b"run":
                return
            k = int(words[1])
            total = 0
            a = resource.getrusage(resource.RUSAGE_SELF)
            cpu = time.process_time_ns()
            try:
                start = time.perf_counter_ns()
                for _ in range(k):
                    total += subject(n)
                end = time.perf_counter_ns()
                checksum = int(total) & 0xFFFFFFFF
            except BaseException as error:
                fail(error, shown)
            cpu = time.process_time_ns() - cpu
            b = resource.getrusage(resource.RUSAGE_SELF)
            say(f"ns={end - start} cpu={cpu} checksum={checksum} user={int((b.ru_utime - a.ru_utime) * 1e9)} "
                f"system={int((b.ru_stime - a.ru_stime) * 1e9)} rss={b.ru_maxrss * 1024} minor={b.ru_minflt - a.ru_minflt} "
                f"major={b.ru_majflt - a.ru_majflt} voluntary={b.ru_nvcsw - a.ru_nvcsw} involuntary={b.ru_nivcsw - a.ru_nivcsw}")

    main()
    """#

  /// Arguments as for Python. The fence is a module, padded so that its lines are those of the notebook.
  static let javascript = #"""
    import fs from 'node:fs';
    import { pathToFileURL } from 'node:url';
    const [path, shown, line, n] = [process.argv[2], process.argv[3], Number(process.argv[4]), Number(process.argv[5])];
    const say = (text) => fs.writeSync(3, text.replaceAll('\n', ' ') + '\n');
    const fail = (error) => {
      const stack = String(error.stack ?? error);
      const place = stack.match(/fence\.mjs:(\d+)(?::(\d+))?/);
      say(`error: at ${place?.[1] ?? 0}:${place?.[2] ?? 0}: ${error.name ?? 'Error'}: ${error.message ?? error}`);
      process.exit(1);
    };
    let fence;
    try {
      fence = await import(pathToFileURL(path));
      if (typeof fence.subject !== 'function') {
        say(`error: at ${line}:0: the fence does not export function subject(n)`);
        process.exit(1);
      }
      fence.setup?.(n);
    } catch (error) { fail(error); }
    const { subject } = fence;
    const run = (k) => {
      let sum = 0;
      for (let i = 0; i < k; i++) sum = (sum + (subject(n) | 0)) | 0;
      return sum >>> 0;
    };
    say('ready');
    let text = '';
    const part = Buffer.alloc(4096);
    for (;;) {
      let end;
      while ((end = text.indexOf('\n')) < 0) {
        let count = 0;
        try { count = fs.readSync(3, part, 0, part.length, null); } catch (error) { if (error.code === 'EAGAIN') continue; throw error; }
        if (count === 0) process.exit(0);
        text += part.toString('utf8', 0, count);
      }
      const words = text.slice(0, end).split(' ');
      text = text.slice(end + 1);
      if (words[0] !== 'run') process.exit(0);
      const a = process.resourceUsage();
      const start = process.hrtime.bigint();
      let checksum;
      try { checksum = run(Number(words[1])); } catch (error) { fail(error); }
      const ns = process.hrtime.bigint() - start;
      const b = process.resourceUsage();
      const user = (b.userCPUTime - a.userCPUTime) * 1000, system = (b.systemCPUTime - a.systemCPUTime) * 1000;
      say(`ns=${ns} cpu=${user + system} checksum=${checksum} user=${user} system=${system} rss=${b.maxRSS * 1024} ` +
        `minor=${b.minorPageFault - a.minorPageFault} major=${b.majorPageFault - a.majorPageFault} ` +
        `voluntary=${b.voluntaryContextSwitches - a.voluntaryContextSwitches} involuntary=${b.involuntaryContextSwitches - a.involuntaryContextSwitches}`);
    }
    """#
}

// The sampling profiler of compiled fences, in C: linked into the fence's child beside the harness, only in builds
// that are to be profiled. Samples here; names and answers in ProfilerSource+Names.swift.
// The version is part of every cached build: raise it with any change of the text.

/// How a profiled fence is built, and what its child says.
///
///     nb → child   profile start HZ      child → nb   profile started
///     nb → child   profile stop          child → nb   profile samples=… dropped=… idle=… hz=… cpu_ns=… …
///                                                     stack COUNT main;subject;inner      one line each
///                                                     profile end
///
/// What fails is one line `error: …`. Stacks are found by the unwind tables, as debuggers do it. That needs no other code
/// than is measured in C; Swift writes no table for functions that cannot throw, so that there frame pointers must help.
enum ProfilerSource {
  static let version = 1

  /// A prime, so that no loop of the subject runs in step with it.
  static let rate = 997

  /// For `clang -c` or `gcc -c`; the harness calls `int nb_profile_line(const char *line, int descriptor)`, which is 0
  /// for a line that is none of its own. Declared weak there, it is missing from builds that are only timed.
  static let c = sampling + naming + answering

  static let compilerFlags = ["-O2", "-std=gnu11"]
  /// On glibc before 2.34 threads and timers are libraries of their own.
  static let linkerFlags = ["-lpthread", "-lrt"]
  /// For `swiftc` when it compiles the fence: without, one stack of two loses its outer half.
  static let swiftFlags = ["-Xcc", "-fno-omit-frame-pointer"]

  private static let sampling = #"""
    // A sampling profiler in the process that it samples: a timer of the thread that runs the subject, its
    // stack by the unwind tables, names from the ELF symbol tables.
    #define _GNU_SOURCE
    #include <elf.h>
    #include <errno.h>
    #include <fcntl.h>
    #include <link.h>
    #include <pthread.h>
    #include <signal.h>
    #include <stdint.h>
    #include <stdio.h>
    #include <stdlib.h>
    #include <string.h>
    #include <sys/mman.h>
    #include <sys/stat.h>
    #include <sys/syscall.h>
    #include <time.h>
    #include <unistd.h>
    #include <unwind.h>
    #ifndef sigev_notify_thread_id
    #define sigev_notify_thread_id _sigev_un._tid
    #endif

    // A record is [frames][pc, the callers' …].
    enum { NB_LOG_WORDS = 1 << 20, NB_DEPTH = 128, NB_SCAN_WORDS = 256, NB_NAME_BYTES = 200, NB_MODULES = 256 };

    // Number of the frame pointer in unwind tables.
    #if defined(__x86_64__)
    enum { NB_FRAME_REGISTER = 6 };
    #else
    enum { NB_FRAME_REGISTER = 29 };
    #endif

    typedef struct { uintptr_t at, size; const char *name; long id; } nbp_symbol;
    // An executable segment of a loaded file, and the file's functions once they were wanted.
    typedef struct {
      uintptr_t low, high, base;
      const char *path;
      int isRead;
      long count, unknown;
      nbp_symbol *symbols;
    } nbp_module;

    static struct {
      volatile int running;
      int hz;
      timer_t timer;
      int64_t period, last, cpu, threadCPU, wall;
      int depth;
      uintptr_t pc, fp, *sp, top;
      volatile long samples, dropped, idle, used;
      nbp_module text[NB_MODULES];
      int textCount;
      uintptr_t log[NB_LOG_WORDS];
    } nbp;

    static int64_t nbp_clock(clockid_t id) {
      struct timespec t;
      clock_gettime(id, &t);
      return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
    }

    static void nbp_say(int fd, const char *text, size_t n) {
      while (n > 0) {
        ssize_t k = write(fd, text, n);
        if (k < 0 && errno == EINTR) continue;
        if (k <= 0) return;
        text += k;
        n -= (size_t)k;
      }
    }

    static void nbp_tell(int fd, const char *text) { nbp_say(fd, text, strlen(text)); }

    static int nbp_isIn(int module, uintptr_t a) { return a >= nbp.text[module].low + 8 && a < nbp.text[module].high; }
    static int nbp_isOwn(uintptr_t a) { return nbp_isIn(0, a); }

    // Whether an address is in some module's text and a call instruction ends there.
    static int nbp_isReturn(uintptr_t a) {
      int module = 0;
      while (module < nbp.textCount && !nbp_isIn(module, a)) module++;
      if (module == nbp.textCount) return 0;
      const unsigned char *p = (const unsigned char *)a;
    #if defined(__x86_64__)
      if (p[-5] == 0xe8 || (p[-2] == 0xff && (p[-1] & 0xf8) == 0xd0)) return 1;
      if (p[-3] == 0xff && (p[-2] & 0xf8) == 0x50) return 1;
      if (p[-6] == 0xff && (p[-5] == 0x15 || (p[-5] & 0xf8) == 0x90)) return 1;
      return (p[-4] == 0xff && p[-3] == 0x54) || (p[-7] == 0xff && p[-6] == 0x94);
    #else
      uint32_t word = a & 3 ? 0 : *(const uint32_t *)(a - 4);
      return (word & 0xfc000000) == 0x94000000 || (word & 0xfffffc1f) == 0xd63f0000;
    #endif
    }

    // Whether fp points at a frame's link above `slot`: the outer link, and the address to return to behind it.
    static int nbp_isLink(uintptr_t fp, const uintptr_t *slot) {
      return fp >= (uintptr_t)slot && !(fp & 7) && fp + 16 <= nbp.top && nbp_isReturn(((const uintptr_t *)fp)[1]);
    }

    static void nbp_add(uintptr_t pc) { nbp.log[nbp.used + 1 + nbp.depth++] = pc; }

    static _Unwind_Reason_Code nbp_frame(struct _Unwind_Context *context, void *unused) {
      (void)unused;
      int isInterrupted = 0;
      uintptr_t pc = (uintptr_t)_Unwind_GetIPInfo(context, &isInterrupted);
      if (!pc) return _URC_END_OF_STACK;
      // The first frames are the handler's own. Return addresses stand behind their call.
      if (isInterrupted) nbp.depth = 0;
      if (nbp.depth < 0) return _URC_NO_REASON;
      nbp_add(isInterrupted ? pc : pc - 1);
      nbp.pc = pc;
      nbp.sp = (uintptr_t *)_Unwind_GetCFA(context);
      nbp.fp = (uintptr_t)_Unwind_GetGR(context, NB_FRAME_REGISTER);
      return nbp.depth < NB_DEPTH ? _URC_NO_REASON : _URC_END_OF_STACK;
    }

    // Swift writes no unwind tables for functions that cannot throw: from the last frame that the unwinder knew, frame
    // pointers lead on, which the fence's own code keeps.
    static void nbp_follow(void) {
      uintptr_t pc = nbp.pc, fp = nbp.fp, *slot = nbp.sp;
      while (nbp.depth < NB_DEPTH && (uintptr_t)slot < nbp.top) {
        uintptr_t *back = NULL;
        if (!nbp_isOwn(pc)) {
          // A library keeps neither: the next function of our own that the stack returns to.
          uintptr_t *end = slot + NB_SCAN_WORDS;
          if ((uintptr_t)end > nbp.top) end = (uintptr_t *)nbp.top;
          for (back = slot; back < end && !(nbp_isOwn(*back) && nbp_isReturn(*back)); back++) {}
          if (back == end) return;
          // Functions of a library that use rbp for other things save it right below their return address.
          for (int i = 1; i <= 8 && back - i >= nbp.sp && !nbp_isLink(fp, back + 1); i++) fp = back[-i];
        }
    #if defined(__x86_64__)
        if (!back && nbp.depth == 1 && (uintptr_t)(slot + 2) <= nbp.top) {
          // Interrupted before `push rbp; mov rbp, rsp` has linked the frame, or at `ret`.
          const unsigned char *p = (const unsigned char *)pc;
          if ((p[0] == 0x55 || p[0] == 0xc3) && nbp_isReturn(slot[0])) back = slot;
          if (p[-1] == 0x55 && p[0] == 0x48 && p[1] == 0x89 && p[2] == 0xe5) back = slot + 1;
        }
    #endif
        if (!back) {
          if (!nbp_isLink(fp, slot)) return;
          back = (uintptr_t *)fp + 1;
          fp = *(uintptr_t *)fp;
        }
        pc = *back;
        slot = back + 1;
        nbp_add(pc - 1);
      }
    }

    // Runs on the subject's thread between two of its instructions. Reads its stack, writes the log, calls clock_gettime,
    // which POSIX allows here, and the unwinder, which takes no lock since glibc 2.35 and allocates nothing.
    static void nbp_sample(int number, siginfo_t *info, void *context) {
      (void)number; (void)context;
      if (!nbp.running || info->si_code != SI_TIMER) return;
      int error = errno;
      int64_t cpu = nbp_clock(CLOCK_THREAD_CPUTIME_ID);
      // The timer runs in wall time, because timers of CPU time only fire at the scheduler's tick (often 250 Hz). A
      // sample stands for CPU time: ticks while the thread slept or stood aside are not counted.
      if (cpu - nbp.last < nbp.period / 2) {
        nbp.idle++;
      } else if (nbp.used + NB_DEPTH + 1 > NB_LOG_WORDS) {
        nbp.dropped++;
      } else {
        nbp.last = cpu;
        nbp.depth = -1;
        _Unwind_Backtrace(nbp_frame, NULL);
        if (nbp.depth > 0) {
          nbp_follow();
          nbp.log[nbp.used] = (uintptr_t)nbp.depth;
          nbp.used += nbp.depth + 1;
          nbp.samples++;
        } else {
          nbp.dropped++;
        }
      }
      errno = error;
    }

    static int nbp_addText(struct dl_phdr_info *info, size_t size, void *unused) {
      (void)size; (void)unused;
      for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        if (p->p_type != PT_LOAD || !(p->p_flags & PF_X) || nbp.textCount == NB_MODULES) continue;
        uintptr_t low = info->dlpi_addr + p->p_vaddr;
        nbp.text[nbp.textCount].low = low;
        nbp.text[nbp.textCount].high = low + p->p_memsz;
        nbp.text[nbp.textCount].base = info->dlpi_addr;
        nbp.text[nbp.textCount].path = info->dlpi_name ? info->dlpi_name : "";
        nbp.text[nbp.textCount].unknown = 0;
        nbp.text[nbp.textCount++].isRead = 0;
      }
      return 0;
    }

    static const char *nbp_start(int hz) {
    #if !defined(__x86_64__) && !defined(__aarch64__)
      return "unknown: there is no profiler for this processor";
    #endif
      if (nbp.running) return "the profiler is running already";
      if (hz < 1 || hz > 10000) return "the rate must be 1 to 10000 Hz";
      pthread_attr_t attributes;
      void *low;
      size_t size;
      if (pthread_getattr_np(pthread_self(), &attributes)) return "the stack of this thread is unknown";
      pthread_attr_getstack(&attributes, &low, &size);
      pthread_attr_destroy(&attributes);
      nbp.top = (uintptr_t)low + size;
      nbp.textCount = 0;
      dl_iterate_phdr(nbp_addText, NULL);  // The program itself comes first.
      memset(nbp.log, 0, sizeof nbp.log);  // No page of it is touched for the first time while samples are taken.
      nbp.samples = nbp.dropped = nbp.idle = nbp.used = 0;
      nbp.depth = 0;
      _Unwind_Backtrace(nbp_frame, NULL);  // Its first use loads what it needs.
      nbp.hz = hz;
      nbp.period = 1000000000 / hz;
      struct sigaction action = {.sa_sigaction = nbp_sample, .sa_flags = SA_SIGINFO | SA_RESTART};
      sigaction(SIGPROF, &action, NULL);
      struct sigevent event;
      memset(&event, 0, sizeof event);
      event.sigev_notify = SIGEV_THREAD_ID;
      event.sigev_signo = SIGPROF;
      event.sigev_notify_thread_id = (int)syscall(SYS_gettid);
      if (timer_create(CLOCK_MONOTONIC, &event, &nbp.timer)) return "there is no timer";
      nbp.wall = nbp_clock(CLOCK_MONOTONIC);
      nbp.cpu = nbp_clock(CLOCK_PROCESS_CPUTIME_ID);
      nbp.threadCPU = nbp.last = nbp_clock(CLOCK_THREAD_CPUTIME_ID);
      nbp.running = 1;
      struct itimerspec spec = {{0, nbp.period}, {0, nbp.period}};
      if (hz == 1) spec.it_interval = spec.it_value = (struct timespec){1, 0};
      timer_settime(nbp.timer, 0, &spec, NULL);
      return NULL;
    }

    """#
}

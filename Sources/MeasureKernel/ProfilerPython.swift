// The sampling profiler of fences in Python. JavaScript has none: node's own profiler writes files in a format that
// is not promised to stay, so a profile of JavaScript is refused as unknown.

/// Functions for the harness in Python: `profile_line(line, say)` is true for a line that it has answered.
enum ProfilerPython {
  static let version = 1

  /// ITIMER_PROF counts CPU time at the scheduler's tick, often 250 Hz whatever is asked for; the true number of samples
  /// is in the answer. Python runs the handler between two of its instructions: the time of a long call into C is
  /// counted, and at the instruction after it, but as one sample.
  static let source = #"""
    class Profile:
        DEPTH = 128

        def __init__(self, rate, own):
            import collections, signal, time
            self.rate, self.own, self.signal, self.time = rate, own, signal, time
            self.stacks = collections.Counter()
            self.wall, self.cpu, self.thread = time.perf_counter_ns(), time.process_time_ns(), time.thread_time_ns()
            signal.signal(signal.SIGPROF, self.sample)
            signal.setitimer(signal.ITIMER_PROF, 1 / rate, 1 / rate)

        def sample(self, number, frame):
            stack = []
            while frame is not None and len(stack) < self.DEPTH:
                stack.append(frame.f_code)
                frame = frame.f_back
            self.stacks[tuple(stack)] += 1

        def name(self, code):
            name = getattr(code, "co_qualname", code.co_name)
            if code.co_filename != self.own:
                name = code.co_filename.rsplit("/", 1)[-1] + "`" + name
            return "".join(" " if c < " " else ":" if c == ";" else c for c in name)[:200]

        def stop(self, say):
            self.signal.setitimer(self.signal.ITIMER_PROF, 0)
            self.signal.signal(self.signal.SIGPROF, self.signal.SIG_IGN)
            cpu = self.time.process_time_ns() - self.cpu
            thread = self.time.thread_time_ns() - self.thread
            wall = self.time.perf_counter_ns() - self.wall
            say(f"profile samples={sum(self.stacks.values())} dropped=0 idle=0 hz={self.rate} cpu_ns={cpu} "
                f"thread_cpu_ns={thread} wall_ns={wall}")
            for stack, count in self.stacks.items():
                names = [self.name(code) for code in reversed(stack)]
                if len(stack) == self.DEPTH:
                    names.insert(0, "[truncated]")
                say(f"stack {count} " + ";".join(names))
            say("profile end")


    PROFILE = None


    def profile_line(line, say, own):
        global PROFILE
        words = line.split()
        if not words or words[0] != "profile":
            return False
        if words[1:2] == ["start"] and PROFILE is None and words[2:] and words[2].isdigit() and 1 <= int(words[2]) <= 10000:
            PROFILE = Profile(int(words[2]), own)
            say("profile started")
        elif words[1:] == ["stop"] and PROFILE is not None:
            PROFILE.stop(say)
            PROFILE = None
        else:
            say("error: write `profile start HZ`, then `profile stop`")
        return True

    """#
}

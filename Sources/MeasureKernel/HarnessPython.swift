// The harness of fences in Python: `python3 nb-harness.py FENCE`, `… check FENCE`, `… once FENCE N K`.
// The version is part of every prepared fence: raise it with any change below.

enum HarnessPython {
  static let version = 2

  /// The loop is one call of `sum` over `map`, both in C: an iteration costs the call of the function.
  static let source = ProfilerPython.source + #"""
    import os, resource, sys, time, traceback
    from itertools import repeat

    NAME = "nb-fence.py"


    def place(error, path):
        """Line and column of the innermost place in the fence, or 0 0."""
        if isinstance(error, SyntaxError) and error.filename == NAME:
            return error.lineno or 0, error.offset or 0
        found = [(frame.lineno or 0, 0) for frame in traceback.extract_tb(error.__traceback__) if frame.filename == NAME]
        return found[-1] if found else (0, 0)


    def words(error):
        text = error.msg if isinstance(error, SyntaxError) else str(error)
        name = type(error).__name__
        return " ".join(f"{name}: {text}".split()) if text else name


    def load(path):
        with open(path, encoding="utf-8") as file:
            code = compile(file.read(), NAME, "exec")
        space = {"__name__": "nb_fence", "__file__": path}
        return code, space


    def begin(path, n):
        code, space = load(path)
        exec(code, space)
        subject = space.get("subject")
        if not callable(subject):
            raise TypeError("the fence does not define `def subject(n)`")
        if callable(space.get("setup")):
            space["setup"](n)
        return subject


    def nothing(n):
        return n


    def number_after(path, word):
        try:
            with open(path) as file:
                text = file.read()
            return int(text[text.index(word) + len(word):].split()[0])
        except (OSError, ValueError, IndexError):
            return None


    def sample(body, n, k):
        waited = number_after("/proc/self/schedstat", " ")
        a = resource.getrusage(resource.RUSAGE_SELF)
        cpu = time.process_time_ns()
        start = time.perf_counter_ns()
        total = sum(map(body, repeat(n, k)))
        ns = time.perf_counter_ns() - start
        cpu = time.process_time_ns() - cpu
        b = resource.getrusage(resource.RUSAGE_SELF)
        if isinstance(total, float):
            total = int(total) if total.is_integer() and abs(total) < 2**53 else repr(total)
        if isinstance(total, int):
            # As a 64-bit number, so that it can equal that of a compiled twin.
            total = (total + 2**63) % 2**64 - 2**63
        fields = {
            "ns": ns, "cpu": cpu, "checksum": total,
            "user": round((b.ru_utime - a.ru_utime) * 1e9), "system": round((b.ru_stime - a.ru_stime) * 1e9),
            "minor": b.ru_minflt - a.ru_minflt, "major": b.ru_majflt - a.ru_majflt,
            "voluntary": b.ru_nvcsw - a.ru_nvcsw, "involuntary": b.ru_nivcsw - a.ru_nivcsw,
        }
        rss = number_after("/proc/self/status", "VmHWM:")
        if rss is not None:
            fields["rss"] = rss * 1024
        waits = number_after("/proc/self/schedstat", " ")
        if waited is not None and waits is not None:
            fields["wait"] = waits - waited
        return " ".join(f"{name}={value}" for name, value in fields.items())


    def say(text):
        os.write(3, (text + "\n").encode())


    def serve(path):
        os.set_inheritable(3, False)
        channel = os.fdopen(os.dup(3), "r")
        n = int(channel.readline())
        try:
            subject = begin(path, n)
            say("ready")
            for line in channel:
                request = line.split()
                if request == ["quit"]:
                    break
                if profile_line(line, say, NAME):
                    continue
                say(sample(nothing if request[0] == "empty" else subject, n, int(request[1])))
        except BrokenPipeError:
            pass
        except BaseException as error:
            line, column = place(error, path)
            text = words(error)
            if line == 0 and isinstance(error, TypeError) and "unsupported operand" in text:
                text = "subject(n) returned what is no number; return a checksum"
            say(f"fault: {line} {column} {text}")


    if len(sys.argv) == 3 and sys.argv[1] == "check":
        try:
            load(sys.argv[2])
            # Behind `python3` may be a script that chooses a version each time; this is the one it chose.
            with open("interpreter", "w") as file:
                file.write(sys.executable)
        except Exception as error:
            line, column = place(error, sys.argv[2])
            sys.exit(f"{NAME}:{line}:{column}: error: {words(error)}")
    elif len(sys.argv) == 5 and sys.argv[1] == "once":
        sum(map(begin(sys.argv[2], int(sys.argv[3])), repeat(int(sys.argv[3]), int(sys.argv[4]))))
    else:
        serve(sys.argv[1])
    """#
}

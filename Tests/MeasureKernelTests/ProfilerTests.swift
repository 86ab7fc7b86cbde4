import ExperimentModel
import Foundation
import Testing

@testable import MeasureKernel

/// The profilers against programs whose shares are known by construction. Judged by samples, never by time; sampled for so long that
/// a quarter of a processor is enough for them.
@Suite(.serialized) struct ProfilerTests {
  /// What the harness does with its lines, and nothing else.
  private static let driver = #"""
    #include <stdio.h>
    #include <stdlib.h>
    #include <string.h>
    #include <time.h>
    int nb_profile_line(const char *line, int descriptor);
    long subject(long n);
    int main(void) {
      char line[200];
      setvbuf(stdout, NULL, _IONBF, 0);
      while (fgets(line, sizeof line, stdin)) {
        if (nb_profile_line(line, 1)) continue;
        if (strncmp(line, "run ", 4)) break;
        struct timespec a, b, c, d;
        long sum = 0, k = atol(line + 4);
        clock_gettime(CLOCK_MONOTONIC, &a);
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &c);
        for (long i = 0; i < k; i++) sum += subject(2000);
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &d);
        clock_gettime(CLOCK_MONOTONIC, &b);
        printf("ns=%ld cpu=%ld checksum=%ld\n", (b.tv_sec - a.tv_sec) * 1000000000 + b.tv_nsec - a.tv_nsec,
          (d.tv_sec - c.tv_sec) * 1000000000 + d.tv_nsec - c.tv_nsec, sum);
      }
      return 0;
    }
    """#

  /// A loop that no compiler shortens: each step needs the one before it.
  private static let steps = #"""
    #include <stdlib.h>
    static inline long steps(long n) {
      long x = 1;
      for (long i = 0; i < n; i++) { x = x * 6364136223846793005L + i; __asm__ volatile("" : "+r"(x)); }
      return x;
    }
    """#

  private static let compiler = Tools.find("clang") ?? Tools.find("gcc")
  private static let python = Tools.find("python3")
  private static let swiftc = Tools.find("swiftc")

  private func withFolder(_ body: (URL) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("nb-profiler-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(folder)
  }

  private func compile(_ tool: String, _ arguments: [String], in folder: URL) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: tool)
    process.arguments = arguments
    process.currentDirectoryURL = folder
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0, "\(tool) \(arguments)")
  }

  private func write(_ files: [String: String], to folder: URL) throws {
    for (name, text) in files { try Data(text.utf8).write(to: folder.appendingPathComponent(name)) }
  }

  /// Builds a C fence with the profiler and hands a running child to `body`.
  private func withFence(_ fence: String, _ body: (ChildProcess) throws -> Void) throws {
    try withFolder { folder in
      try write(["profiler.c": ProfilerSource.c, "fence.c": Self.steps + "\n" + fence, "driver.c": Self.driver], to: folder)
      let flags = ProfilerSource.compilerFlags + ["-Wall", "-Werror"]
      try compile(Self.compiler!, flags + ["profiler.c", "fence.c", "driver.c", "-o", "fence"] + ProfilerSource.linkerFlags, in: folder)
      let child = try ChildProcess(name: "fence", argv: [folder.appendingPathComponent("fence").path])
      defer { child.stop() }
      try body(child)
    }
  }

  @Test("four to one by construction is 80 % by samples, in C", .enabled(if: compiler != nil))
  func shareByConstruction() throws {
    let fence = """
      __attribute__((noinline)) static long hot(long n) { return steps(4 * n); }
      __attribute__((noinline)) static long cold(long n) { return steps(n); }
      long subject(long n) { return hot(n) + cold(n); }
      """
    try withFence(fence) { child in
      let (profile, outside) = try sampleStacks(of: child, lasting: Nanoseconds(seconds: 3)).rooted(at: "subject")
      #expect(profile.samples > 300 && outside * 50 < profile.samples && profile.dropped == 0, "\(profile.folded)")
      let hot = try #require(profile.share(of: "hot")).total
      #expect(try #require(hot.low) - 0.03 <= 0.8 && 0.8 <= (try #require(hot.high)) + 0.03, "\(hot)")
      // Static functions have names, and nothing else of note was on the stack.
      let cold = try #require(profile.share(of: "cold")).total
      #expect(hot.value + cold.value > 0.98)
    }
  }

  @Test("library callbacks, recursion and depth keep their stacks", .enabled(if: compiler != nil))
  func stacksAreWhole() throws {
    let fence = """
      static int compare(const void *a, const void *b) { return (int)steps(30) * 0 + *(const int *)a - *(const int *)b; }
      __attribute__((noinline)) static long sorted(void) {
        static int values[512];
        for (int i = 0; i < 512; i++) values[i] = i * 7919 % 509;
        qsort(values, 512, sizeof values[0], compare);
        return values[3];
      }
      __attribute__((noinline)) static long deep(long n) { long x = n > 0 ? deep(n - 1) : steps(20000); __asm__ volatile("" : "+r"(x)); return x; }
      __attribute__((noinline)) static long twice(long n) { long x = n > 0 ? twice(n - 1) : steps(20000); __asm__ volatile("" : "+r"(x)); return x; }
      long subject(long n) { return sorted() + deep(300) + twice(5); }
      """
    try withFence(fence) { child in
      // A second profile of the same child starts from nothing.
      for _ in 0..<2 {
        let profile = try sampleStacks(of: child, lasting: Nanoseconds(seconds: 1.2))
        let compare = try #require(profile.share(of: "compare"))
        let below = profile.stacks.filter { $0.frames.contains("compare") && $0.frames.contains("sorted") && $0.frames.contains("subject") }
        #expect(compare.allSamples > 20 && below.reduce(0) { $0 + $1.count } == compare.allSamples, "\(profile.folded)")
        #expect(profile.stacks.contains { $0.frames.first == "[truncated]" && $0.frames.count == 129 })
        let twice = try #require(profile.share(of: "twice"))
        #expect(twice.allSamples > 20 && twice.allSamples <= profile.samples)
        #expect(profile.stacks.contains { $0.frames.filter { $0 == "twice" }.count >= 5 })
      }
      for (line, answer) in [
        ("profile stop", "error: the profiler is not running"), ("profile start 0", "error: the rate must be 1 to 10000 Hz"),
        ("profile on", "error: write `profile start HZ` or `profile stop`"), ("profile start 100", "profile started"),
        ("profile start 100", "error: the profiler is running already"),
      ] {
        try child.send(line: line)
        #expect(try child.line(timeout: 10) == answer)
      }
    }
  }

  @Test("Swift functions that cannot throw keep their callers", .enabled(if: compiler != nil && swiftc != nil))
  func swiftStacks() throws {
    let fence = """
      @inline(never) func hot(_ n: Int) -> Int { var x = 1; for i in 0..<(4 * n) { x = x &* 6364136223846793005 ^ i }; return x }
      @inline(never) func cold(_ n: Int) -> Int { var x = 1; for i in 0..<n { x = x &* 6364136223846793005 ^ i }; return x }
      @_cdecl("subject") public func subject(_ n: Int) -> Int { hot(n) &+ cold(n) }
      """
    try withFolder { folder in
      try write(["profiler.c": ProfilerSource.c, "fence.swift": fence, "driver.c": Self.driver], to: folder)
      try compile(Self.compiler!, ProfilerSource.compilerFlags + ["-c", "profiler.c", "driver.c"], in: folder)
      let flags = ["-O", "-parse-as-library", "fence.swift", "profiler.o", "driver.o", "-o", "fence"]
      try compile(Self.swiftc!, flags + ProfilerSource.swiftFlags, in: folder)
      let child = try ChildProcess(name: "fence", argv: [folder.appendingPathComponent("fence").path])
      defer { child.stop() }
      let (profile, outside) = try sampleStacks(of: child, lasting: Nanoseconds(seconds: 2)).rooted(at: "subject")
      #expect(profile.samples > 100 && outside * 20 < profile.samples, "\(profile.folded)")
      let hot = try #require(profile.share(of: "hot")).total
      #expect(profile.stacks.contains { $0.frames.last == "fence.hot" }, "\(profile.folded)")
      #expect(try #require(hot.low) - 0.03 <= 0.8 && 0.8 <= (try #require(hot.high)) + 0.03, "\(hot)")
    }
  }

  @Test("four to one by construction, in Python", .enabled(if: python != nil))
  func pythonShares() throws {
    let script = #"""
      import sys, time

      """# + ProfilerPython.source + #"""

      fence = compile("""
      def steps(n):
          x = 1
          for i in range(n): x = (x * 69069 + i) & 0xffffffff
          return x
      def hot(n): return steps(4 * n)
      def cold(n): return steps(n)
      def subject(n): return hot(n) + cold(n)
      """, "fence.py", "exec")
      space = {}
      exec(fence, space)
      def say(text): print(text, flush=True)
      for line in sys.stdin:
          if profile_line(line, say, "fence.py"): continue
          start, cpu = time.perf_counter_ns(), time.process_time_ns()
          total = sum(space["subject"](200) for _ in range(int(line.split()[1])))
          cpu = time.process_time_ns() - cpu
          say(f"ns={time.perf_counter_ns() - start} cpu={cpu} checksum={total}")
      """#
    try withFolder { folder in
      try write(["driver.py": script], to: folder)
      let child = try ChildProcess(name: "fence", argv: [Self.python!, folder.appendingPathComponent("driver.py").path])
      defer { child.stop() }
      let whole = try sampleStacks(of: child, lasting: Nanoseconds(seconds: 1))
      let (profile, outside) = whole.rooted(at: "subject")
      #expect(profile.samples > 50 && outside * 20 < profile.samples, "\(whole.folded)")
      let hot = try #require(profile.share(of: "hot")).total
      #expect(try #require(hot.low) - 0.03 <= 0.8 && 0.8 <= (try #require(hot.high)) + 0.03, "\(hot)")
      #expect(profile.stacks.contains { $0.frames == ["subject", "hot", "steps"] })
      try child.send(line: "profile stop")
      #expect(try child.line(timeout: 10).hasPrefix("error:"))
    }
  }
}

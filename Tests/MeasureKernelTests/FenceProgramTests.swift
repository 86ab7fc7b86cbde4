import ExperimentModel
import Foundation
import Testing

@testable import MeasureKernel

private func has(_ tool: String) -> Bool { Tools.find(tool) != nil }

/// A cache of its own for each test, gone afterwards.
private func withCache<T>(_ body: (FenceProgram) throws -> T) throws -> T {
  let folder = NSTemporaryDirectory() + "nb-fences-\(UUID().uuidString)"
  defer { try? FileManager.default.removeItem(atPath: folder) }
  return try body(FenceProgram(cache: folder))
}

private func fence(_ language: FenceLanguage, _ source: String, n: Int = 10, line: Int = 7) -> FenceSpec {
  FenceSpec(id: "f", language: language, source: source, n: n, path: "lesson.md", line: line)
}

/// What goes wrong with a fence: when it is made, or at its first run.
private func failure(_ spec: FenceSpec, timeout: Double = 20) throws -> MeasureError? {
  try withCache { programs in
    do throws(MeasureError) {
      let subject = try programs.subject(spec, name: "f")
      defer { subject.stop() }
      _ = try subject.run(1, timeout: timeout)
      return nil
    } catch { return error }
  }
}

/// Processes whose command line holds `mark`.
private func running(_ mark: String) -> Int {
  let pids = ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []).filter { Int($0) != nil }
  return pids.filter { pid in
    (try? String(contentsOfFile: "/proc/\(pid)/cmdline", encoding: .utf8))?.contains(mark) == true
  }.count
}

@Suite(.enabled(if: has("cc") || has("clang"), "there is no C compiler"), .serialized)
struct CFenceTests {
  private let sum = "long subject(long n) { long s = 0; for (long i = 0; i < n; i++) s += i; return s; }"

  @Test("K calls give K results, and the checksum is their sum")
  func counts() throws {
    try withCache { programs in
      let subject = try programs.subject(fence(.c, sum), name: "f")
      defer { subject.stop() }
      #expect(try subject.run(1, timeout: 5).checksum == "45")
      let many = try subject.run(1000, timeout: 5)
      #expect(many.checksum == "45000" && many.ns > 0 && many.use.allocations == 0 && many.use.minorFaults != nil)
    }
  }

  @Test("allocations are counted by call")
  func allocations() throws {
    let source = "#include <stdlib.h>\nlong subject(long n) { for (long i = 0; i < n; i++) { void *volatile p = malloc(8); free(p); } return 0; }"
    try withCache { programs in
      let subject = try programs.subject(fence(.c, source), name: "f")
      defer { subject.stop() }
      let use = try subject.run(3, timeout: 5).use
      #expect(use.allocations == 30 && use.allocatedBytes == 240)
    }
  }

  @Test("setup runs once, outside; the call cannot be lifted out of the loop")
  func setup() throws {
    let source = "static long calls; void setup(long n) { calls = 1000 * n; }\nlong subject(long n) { return ++calls; }"
    try withCache { programs in
      let subject = try programs.subject(fence(.c, source, n: 1), name: "f")
      defer { subject.stop() }
      #expect(try subject.run(3, timeout: 5).checksum == String(1001 + 1002 + 1003))
    }
  }

  @Test("what is compiled is kept: the second time no compiler is started")
  func cache() throws {
    try withCache { programs in
      try programs.subject(fence(.c, sum), name: "f").stop()
      let before = try modified(programs)
      try programs.subject(fence(.c, sum), name: "f").stop()
      #expect(try modified(programs) == before)
      try programs.subject(fence(.c, sum + " // other"), name: "f").stop()
      #expect(try modified(programs).count == before.count + 1)
    }
  }

  private func modified(_ programs: FenceProgram) throws -> [String: Date?] {
    var found: [String: Date?] = [:]
    for folder in try FileManager.default.contentsOfDirectory(atPath: programs.cache) {
      let path = programs.cache + "/" + folder + "/program"
      found[path] = try FileManager.default.attributesOfItem(atPath: path)[.modificationDate] as? Date
    }
    return found
  }

  @Test("a fence that does not compile is named at its line of the notebook")
  func compileError() throws {
    let error = try #require(try failure(fence(.c, "long subject(long n) {\n  return m;\n}", line: 40)))
    let message = try #require(error.messages.first)
    #expect(message.path == "lesson.md" && message.line == 41 && message.column == 10 && message.text.contains("m"))
    #expect(error.cause.contains("does not compile"))
  }

  @Test("bad subjects end with one clear error", arguments: [
    ("long subject(long n) { return *(volatile long *)0; }", "SIGSEGV"),
    ("#include <stdlib.h>\nlong subject(long n) { exit(3); }", "exit status 3"),
    ("#include <stdio.h>\nlong subject(long n) { for (;;) puts(\"0123456789012345678901234567890123456789\"); }", "printed more than"),
    ("long subject(long n) { for (volatile long i = 0;; i++) {} return 0; }", "gave no answer within 1 s"),
  ])
  func bad(source: String, cause: String) throws {
    let error = try #require(try failure(fence(.c, source), timeout: 1))
    #expect(error.cause.contains(cause), "\(error)")
  }

  @Test("what a subject leaves behind is ended, also from a session of its own")
  func orphans() throws {
    let mark = "nb-orphan-\(getpid())"
    let source = """
      #include <unistd.h>
      #include <stdlib.h>
      long subject(long n) {
        if (fork() == 0) { setsid(); execl("/bin/sh", "sh", "-c", "sleep 60; : \(mark)", (char *)0); _exit(1); }
        usleep(200000);
        return 0;
      }
      """
    try withCache { programs in
      let subject = try programs.subject(fence(.c, source), name: "f")
      _ = try subject.run(2, timeout: 10)
      #expect(running("sleep 60; : \(mark)") == 2)
      subject.stop()
      #expect(running("sleep 60; : \(mark)") == 0)
    }
  }
}

@Suite(.enabled(if: has("python3"), "there is no python3"))
struct InterpretedFenceTests {
  @Test("a Python fence runs, and its mistakes are at the notebook's lines", arguments: [
    ("def subject(n):\n  return n +", 8, "invalid syntax"), ("def subject(n):\n  x = 1\n  return y", 9, "NameError"),
    ("def other(n): return 1", 7, "does not define subject(n)"),
  ])
  func python(source: String, line: Int, text: String) throws {
    let error = try #require(try failure(fence(.python, source)))
    let message = try #require(error.messages.first, "\(error)")
    #expect(message.line == line && message.text.contains(text), "\(message)")
  }

  @Test func pythonChecksums() throws {
    try withCache { programs in
      let subject = try programs.subject(fence(.python, "def subject(n): return sum(range(n))"), name: "f")
      defer { subject.stop() }
      #expect(try subject.run(4, timeout: 10).checksum == "180")
    }
  }

  @Test(.enabled(if: has("node"), "there is no node")) func javascript() throws {
    try withCache { programs in
      let subject = try programs.subject(fence(.javascript, "export function subject(n) { return n * (n - 1) / 2; }"), name: "f")
      defer { subject.stop() }
      #expect(try subject.run(4, timeout: 10).checksum == "180")
    }
    let error = try #require(try failure(fence(.javascript, "export function subject(n) {\n  return missing;\n}")))
    #expect(error.messages.first?.line == 8, "\(error)")
  }
}

@Suite(.enabled(if: has("swiftc") && has("cc"), "there is no swiftc")) struct SwiftFenceTests {
  @Test("a Swift fence with setup runs; its mistakes are at the notebook's lines")
  func swift() throws {
    try withCache { programs in
      let source = "nonisolated(unsafe) var base = 0\nfunc setup(_ n: Int) { base = 100 }\nfunc subject(_ n: Int) -> Int { base + (0..<n).reduce(0, +) }"
      let subject = try programs.subject(fence(.swift, source), name: "f")
      defer { subject.stop() }
      #expect(try subject.run(2, timeout: 10).checksum == "290")
    }
    let error = try #require(try failure(fence(.swift, "func subject(_ n: Int) -> Int {\n  n + nope\n}", line: 20)))
    #expect(error.messages.first?.line == 21 && error.messages.first?.text.contains("nope") == true, "\(error)")
  }
}

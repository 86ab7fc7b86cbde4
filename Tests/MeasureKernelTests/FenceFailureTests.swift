import ExperimentModel
import Foundation
import Testing

@testable import MeasureKernel

@Suite(.enabled(if: hasTool("cc"), "cc compiles the fences"))
struct FenceFailureTests {
  private let scratch: Scratch
  private let workshop: FenceWorkshop
  private var options = CommandOptions()

  init() throws {
    scratch = try Scratch()
    workshop = FenceWorkshop(cache: "\(scratch.path)/cache")
    options.timeout = 20
    options.folder = scratch.path
  }

  private func fence(_ language: FenceLanguage, _ source: String, n: Int = 10) -> FenceSpec {
    FenceSpec(id: "f", language: language, source: source, n: n, path: "day05.md", line: 101)
  }

  /// Builds, starts and runs it once; the error of whichever fails.
  private func failing(_ language: FenceLanguage, _ source: String, timeout: Double = 20, runs: Int = 1) throws -> MeasureError {
    try #require(
      failure {
        let subject = try workshop.build(fence(language, source)).startHarness(options: options)
        defer { subject.stop() }
        for _ in 0..<runs { _ = try subject.run(1, timeout: timeout) }
      })
  }

  @Test("what does not compile is said at the notebook's line", arguments: [
    (FenceLanguage.c, "long subject(long n) {\n  return n +;\n}", 102, "expected"),
    (.c, "long subject(long n) {\n  return missing;\n}", 102, "undeclared"),
    (.c, "#include <math.h>\n\nint subject(int n) { return n; }", 103, "conflicting types"),
    (.python, "x = 1\ndef subject(n):\n  return (n\n", 103, "SyntaxError: '(' was never closed"),
    (.python, "def subject(n):\nreturn 1\n", 102, "IndentationError"),
    (.javascript, "export function subject(n) {\n  let x = 1;\n  return x +* n;\n}", 103, "SyntaxError: Unexpected token '*'"),
    (.shell, "echo hi\nif true; then\nfi fi\n", 103, "yntax error"),
  ])
  func notCompiling(_ language: FenceLanguage, _ source: String, _ line: Int, _ text: String) throws {
    if language == .python && !hasTool("python3") || language == .javascript && !hasTool("node") { return }
    let error = try failing(language, source)
    let first = try #require(error.messages.first, "\(error)")
    #expect(first.kind == .error && first.path == "day05.md" && first.line == line, "\(first)")
    #expect(first.text.contains(text), "\(first)")
    #expect(error.cause.hasPrefix("the \(language.rawValue) fence `f` does not compile: line \(line): "), "\(error)")
    #expect(error.remedy?.contains("day05.md:\(line)") == true)
    // Nothing half-made stays.
    #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path).filter { $0 != "cache" }.isEmpty)
    let left = (try? FileManager.default.contentsOfDirectory(atPath: workshop.cache)) ?? []
    #expect(left.isEmpty)
  }

  @Test("Swift: an error at its line, a missing subject, a trap", .enabled(if: hasTool("swiftc"), "swiftc compiles the fences"))
  func swift() throws {
    let unknown = try failing(.swift, "import Foundation\n\nfunc subject(_ n: Int) -> Int {\n  missing\n}")
    #expect(unknown.messages.first?.line == 104 && unknown.messages.first?.column == 3, "\(unknown)")
    #expect(unknown.messages.first?.text == "cannot find 'missing' in scope")
    let shape = try failing(.swift, "func subject(n: Int) -> Int { n }")
    #expect(shape.cause == "the swift fence `f` does not compile: it does not define `func subject(_ n: Int) -> Int`", "\(shape)")
    let trap = try failing(.swift, "func subject(_ n: Int) -> Int {\n  let a = [1, 2]\n  return a[n]\n}")
    #expect(trap.cause.contains("subject f ended before it answered: killed by SIG"), "\(trap)")
  }

  @Test("a fence that defines no subject is told what to define", arguments: [
    (FenceLanguage.c, "long other(long n) { return n; }", "it does not define `long subject(long n)`"),
    (.python, "def other(n):\n  return n", "does not define `def subject(n)`"),
    (.javascript, "export const other = 1;", "does not `export function subject(n)`"),
    (.python, "def subject(n):\n  return 'text'", "returned what is no number"),
    (.javascript, "export const subject = async (n) => n;", "returned what is no number"),
  ])
  func noSubject(_ language: FenceLanguage, _ source: String, _ text: String) throws {
    if language == .python && !hasTool("python3") || language == .javascript && !hasTool("node") { return }
    let error = try failing(language, source)
    #expect(error.cause.contains(text), "\(error)")
  }

  @Test("a failure inside is said at its line", arguments: [
    (FenceLanguage.python, "def part(n):\n  return 1 // 0\n\ndef subject(n):\n  return part(n)", 102, "ZeroDivisionError"),
    (.javascript, "export function subject(n) {\n  return n.part.other;\n}", 102, "TypeError"),
    (.python, "data = missing\ndef subject(n):\n  return 1", 101, "NameError"),
  ])
  func throwing(_ language: FenceLanguage, _ source: String, _ line: Int, _ text: String) throws {
    if language == .python && !hasTool("python3") || language == .javascript && !hasTool("node") { return }
    let error = try failing(language, source)
    #expect(error.cause.hasPrefix("subject f failed at day05.md:\(line): \(text)"), "\(error)")
    #expect(error.messages.first?.line == line)
  }

  @Test("a crash names its signal and what was printed last", arguments: [
    ("*(volatile int *)0 = 1;", "killed by SIGSEGV"), ("abort();", "killed by SIGABRT"),
    (#"fprintf(stderr, "out of luck\n"); exit(4);"#, "exit status 4; it printed: out of luck"),
  ])
  func crashing(_ statement: String, _ text: String) throws {
    let error = try failing(.c, "#include <stdio.h>\n#include <stdlib.h>\nlong subject(long n) { \(statement) return n; }")
    #expect(error.cause.hasPrefix("subject f ended before it answered: ") && error.cause.contains(text), "\(error)")
  }

  @Test("one that hangs is given up, and ended with what it started")
  func hanging() throws {
    let source = """
      #include <stdio.h>
      #include <unistd.h>
      static void note(void) { FILE *f = fopen("pids", "a"); fprintf(f, "%d\\n", getpid()); fclose(f); }
      long subject(long n) {
        if (fork() == 0) { setsid(); note(); for (;;) pause(); }
        note();
        for (;;) pause();
      }
      """
    let error = try failing(.c, source, timeout: 0.5)
    #expect(error.cause.hasPrefix("subject f gave no answer within"), "\(error)")
    let pids = scratch.pids("pids")
    #expect(pids.count == 2 && !pids.contains(where: isThere))
  }

  @Test("one that forks and answers leaves nothing behind when it is stopped")
  func forking() throws {
    let source = """
      #include <stdio.h>
      #include <unistd.h>
      long subject(long n) {
        if (fork() == 0) {
          setsid();
          FILE *f = fopen("pids", "a"); fprintf(f, "%d\\n", getpid()); fclose(f);
          for (;;) pause();
        }
        usleep(50000);
        return n;
      }
      """
    let subject = try workshop.build(fence(.c, source)).startHarness(options: options)
    _ = try subject.run(3, timeout: 20)
    let pids = scratch.pids("pids")
    #expect(pids.count == 3 && pids.allSatisfy(isThere))
    subject.stop()
    #expect(!pids.contains(where: isThere))
  }

  @Test("one that prints a gigabyte is ended at its limit, in bounded memory")
  func flooding() throws {
    let before = ownPeak()
    let source = """
      #include <stdio.h>
      long subject(long n) {
        for (long i = 0; i < 20000000; i++) puts("a line of output that is fifty characters long....");
        return n;
      }
      """
    var limited = options
    limited.outputLimit = 1 << 20
    let built = try workshop.build(fence(.c, source))
    let error = failure {
      let subject = try built.startHarness(options: limited)
      defer { subject.stop() }
      _ = try subject.run(1, timeout: 60)
    }
    #expect(error?.cause == "subject f printed more than 1048576 bytes and was ended", "\(String(describing: error))")
    #expect(ownPeak() - before < 64 << 20)
  }

  @Test("a tool that is missing is named; a compiler that takes too long is ended")
  func tools() {
    let missing = failure { _ = try Tools.need(["ghostc", "phantom"], for: "the C fence `f`") }
    #expect(missing?.cause == "the C fence `f` needs `ghostc` or `phantom`, which is not on the PATH")
    var hasty = workshop
    hasty.compileTimeout = 0.001
    let late = failure { _ = try hasty.build(fence(.c, "long subject(long n) { return n; }")) }
    #expect(late?.cause.contains("did not end within 0.001 s and was ended") == true)
  }

  @Test("a failing subject leaves the others measured; different checksums are no parity")
  func beside() throws {
    let sources = ["return n;", "*(volatile int *)0 = 1; return n;", "return n + 1;"].map { "long subject(long n) { \($0) }" }
    let built = try sources.map { try workshop.build(fence(.c, $0)) }
    var policy = MeasurePolicy(pairs: 6, budget: Nanoseconds(seconds: 5), seed: 1)
    func run(_ indices: [Int]) throws -> BenchRecord {
      try measure(
        indices.map { "s\($0)" }, policy,
        start: { index throws(MeasureError) in try built[indices[index]].start(name: "s\(indices[index])", options: options) },
        progress: { _ in }, cancelled: { false })
    }
    #expect(failure { _ = try run([0, 1]) }?.cause.hasPrefix("subject s1 ended before it answered: killed by SIGSEGV") == true)
    policy.keepsGoing = true
    let record = try run([0, 1, 2])
    #expect(record.samples.map(\.count) == [6, 0, 6])
    #expect(record.failures.keys.sorted() == [1])
    #expect(!record.parity)
    #expect(try run([0, 0]).parity)
  }
}

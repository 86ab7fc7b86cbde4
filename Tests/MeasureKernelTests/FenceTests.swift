import ExperimentModel
import Testing

@testable import MeasureKernel

/// One task in four languages: the sum of i·i modulo 1,000 below n.
private let twins: [FenceLanguage: String] = [
  .c: """
    long subject(long n) {
      long sum = 0;
      for (long i = 0; i < n; i++) sum += i * i % 1000;
      return sum;
    }
    """,
  .swift: """
    func subject(_ n: Int) -> Int {
      var numbers: [Int] = []
      for i in 0..<n { numbers.append(i * i % 1000) }
      return numbers.reduce(0, +)
    }
    """,
  .python: """
    def subject(n):
        return sum(i * i % 1000 for i in range(n))
    """,
  .javascript: """
    export function subject(n) {
      let sum = 0;
      for (let i = 0; i < n; i++) sum += i * i % 1000;
      return sum;
    }
    """,
]
private let tools: [FenceLanguage: [String]] = [
  .c: ["cc"], .swift: ["swiftc", "clang"], .python: ["python3"], .javascript: ["node"],
]

/// Skipped tests say so: the languages of this machine, in the order of the table.
private func isHere(_ language: FenceLanguage) -> Bool { (tools[language] ?? []).allSatisfy(hasTool) }
private let here = FenceLanguage.allCases.filter { twins[$0] != nil && isHere($0) }

@Suite(.enabled(if: hasTool("cc"), "cc compiles the fences"))
struct FenceTests {
  private let scratch: Scratch
  private let workshop: FenceWorkshop

  init() throws {
    scratch = try Scratch()
    workshop = FenceWorkshop(cache: "\(scratch.path)/deep/cache")
  }

  private func fence(_ language: FenceLanguage, _ source: String, n: Int = 10, isProcess: Bool = false) -> FenceSpec {
    FenceSpec(id: "f", language: language, source: source, n: n, isProcess: isProcess, path: "day05.md", line: 101)
  }

  @Test("the same work has the same checksum in every language, and twice the iterations twice of it", arguments: here)
  func languages(_ language: FenceLanguage) throws {
    let built = try workshop.build(fence(language, try #require(twins[language]), n: 100))
    let subject = try built.startHarness()
    defer { subject.stop() }
    let one = (0..<100).map { $0 * $0 % 1_000 }.reduce(0, +)
    for k in [0, 1, 3, 50] {
      let sample = try subject.run(k, timeout: 20)
      #expect(sample.checksum == "\(one * k)")
      #expect(sample.ns >= 0 && sample.cpu >= 0)
    }
    let use = try subject.run(1, timeout: 20).use
    #expect(use.minorFaults != nil && use.voluntarySwitches != nil)
    #expect(try #require(use.maxRSS) > 0)
    // Another size needs no other build.
    let other = try built.startHarness(name: "other", n: 1)
    #expect(try other.run(5, timeout: 20).checksum == "0")
    other.stop()
    // What was built is taken from the cache, also from another place in the notebook.
    var moved = built.fence
    moved.line = 900
    #expect(!built.isCached)
    #expect(try workshop.build(moved).isCached)
    moved.source += " "
    if language == .python { #expect(try !workshop.build(moved).isCached) }
  }

  @Test("allocations are counted exactly in C, and unknown in Python")
  func allocations() throws {
    let source = """
      #include <stdlib.h>
      static void *volatile held;
      long subject(long n) {
        for (long i = 0; i < 3; i++) { held = malloc(n); free(held); }
        held = calloc(2, n); held = realloc(held, 3 * n); free(held);
        return 1;
      }
      """
    let subject = try workshop.build(fence(.c, source, n: 100)).startHarness()
    defer { subject.stop() }
    for k in [1, 2, 1_000] {
      let use = try subject.run(k, timeout: 20).use
      #expect(use.allocations == Int64(5 * k))
      #expect(use.allocatedBytes == Int64(800 * k))
    }
    guard hasTool("python3") else { return }
    let python = try workshop.build(fence(.python, "def subject(n):\n  return 1")).startHarness()
    defer { python.stop() }
    #expect(try python.run(1, timeout: 20).use.allocations == nil)
  }

  @Test("the harness costs less than reading the clock, and far less than work; work grows with K")
  func overhead() throws {
    let subject = try workshop.build(fence(.c, twins[.c]!, n: 20_000)).startHarness()
    defer { subject.stop() }
    let overhead = try subject.overhead()
    #expect(overhead.perIteration > 0 && overhead.clockPair > 0)
    #expect(overhead.perIteration < overhead.clockPair)
    // CPU time, the least of thirty in turns: what else the machine does is in neither.
    var least = (once: Int64.max, twice: Int64.max)
    for _ in 0..<30 {
      least.once = min(least.once, try subject.run(20, timeout: 20).cpu)
      least.twice = min(least.twice, try subject.run(40, timeout: 20).cpu)
    }
    let growth = Double(least.twice) / Double(least.once)
    #expect((1.6...2.4).contains(growth))
    #expect(Double(try subject.run(20, timeout: 20).ns) / 20 > 100 * overhead.perIteration)
  }

  @Test("setup runs before, not inside; a fence may print, and that disturbs no answer")
  func setup() throws {
    let source = """
      #include <stdio.h>
      static long base;
      void setup(long n) { base = 7 * n; printf("set up\\n"); fflush(stdout); }
      long subject(long n) { puts("ns=1 checksum=2"); return base + n; }
      """
    let subject = try workshop.build(fence(.c, source)).startHarness()
    defer { subject.stop() }
    #expect(try subject.run(2, timeout: 20).checksum == "160")
  }

  @Test("a Java fence is a program of its own, with options for its machine", .enabled(if: hasTool("javac") && hasTool("java"), "javac compiles it"))
  func java() throws {
    let source = """
      // The class of the fence.
      final class Sum {
        public static void main(String[] words) {
          System.out.println("size " + words[0] + " " + System.getProperty("kind"));
        }
      }
      """
    var spec = fence(.java, source, isProcess: true)
    spec.options = ["-Dkind=a", "-Xmx32m"]
    let first = try workshop.build(spec).start(n: 7)
    #expect(first.startsProcesses)
    let sample = try first.run(1, timeout: 20)
    #expect(try first.run(1, timeout: 20).checksum == sample.checksum)
    spec.options = ["-Dkind={n}b", "-Xmx32m"]
    let again = try workshop.build(spec)
    #expect(again.isCached && again.argv.contains("-Dkind={n}b"))
    #expect(try again.start(n: 7).run(1, timeout: 20).checksum != sample.checksum)
    spec.options = ["-Dkind=7b", "-Xmx32m"]
    #expect(try workshop.build(spec).start(n: 7).run(1, timeout: 20).checksum == again.start(n: 7).run(1, timeout: 20).checksum)
    let broken = fence(.java, "class A {\n  int x = ;\n}", isProcess: true)
    let error = #expect(throws: MeasureError.self) { try workshop.build(broken) }
    #expect(error?.messages.first?.line == broken.line + 1, "\(String(describing: error))")
  }

  @Test("a fence with its own main and a shell fence are programs with the size as argument")
  func programs() throws {
    let source = """
      #include <stdio.h>
      int main(int count, char **words) { puts(words[1]); return 0; }
      """
    let program = try workshop.build(fence(.c, source, isProcess: true)).start()
    let script = try workshop.build(fence(.shell, "x=$1\necho $x"))
    var options = CommandOptions()
    options.subtractsShell = false
    let shell = try script.start(options: options)
    #expect(program.startsProcesses && shell.startsProcesses)
    #expect(try program.run(1, timeout: 20).checksum == shell.run(1, timeout: 20).checksum)
    let other = try workshop.build(fence(.shell, "echo $n")).start(n: 11, options: options)
    #expect(try other.run(1, timeout: 20).checksum != shell.run(1, timeout: 20).checksum)
  }

  @Test(
    "instructions are counted without the start-up, the same twice",
    .enabled(if: hasTool("valgrind"), "valgrind counts instructions"))
  func instructions() throws {
    let small = try workshop.build(fence(.c, twins[.c]!, n: 1_000))
    let first = try #require(try InstructionCount.of(small, iterations: 10))
    let second = try #require(try InstructionCount.of(small, iterations: 20))
    let double = try #require(try InstructionCount.of(small, n: 2_000, iterations: 10))
    #expect(first.perIteration > 1_000 && first.perIteration < 100_000)
    #expect(abs(first.perIteration / second.perIteration - 1) < 0.001)
    #expect((1.98...2.0).contains(double.perIteration / first.perIteration))
    #expect(try #require(first.startUp) > 10_000)
    let command = try InstructionCount.of(CommandSpec(text: "true", usesShell: false), name: "true")
    #expect(command.perIteration > 10_000 && command.startUp == nil)
  }
}

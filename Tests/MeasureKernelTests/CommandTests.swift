import ExperimentModel
import Foundation
import Testing

@testable import MeasureKernel

@Suite struct CommandTests {
  private func shell(_ text: String, _ change: (inout CommandOptions) -> Void = { _ in }) throws -> CommandSubject {
    var options = CommandOptions()
    options.subtractsShell = false
    options.timeout = 20
    change(&options)
    return try CommandSubject(name: "x", command: CommandSpec(text: text, usesShell: true), options: options)
  }

  @Test("a run has its time, its resources and how it ended")
  func plain() throws {
    let subject = try CommandSubject(name: "true", command: CommandSpec(text: "true", usesShell: false))
    let sample = try subject.run(1, timeout: 10)
    #expect(sample.ns > 0 && sample.cpu <= sample.ns * 2)
    #expect(sample.checksum == "exit0")
    #expect(try #require(sample.use.minorFaults) > 0)
    #expect(sample.use.user != nil && sample.use.voluntarySwitches != nil)
    #expect(subject.startsProcesses && subject.doubts.isEmpty)
  }

  @Test("K runs are K processes, and their faults add up")
  func several() throws {
    let scratch = try Scratch()
    let subject = try shell("echo x >> \(scratch.path)/runs")
    let once = try #require(try subject.run(1, timeout: 10).use.minorFaults)
    let four = try #require(try subject.run(4, timeout: 10).use.minorFaults)
    // One untimed first run, one, four.
    #expect(scratch.text("runs") == String(repeating: "x\n", count: 6))
    #expect((3.0...5.0).contains(Double(four) / Double(once)))
  }

  @Test("setup once, prepare before every run, cleanup at the end; folder, environment and input are given")
  func around() throws {
    let scratch = try Scratch()
    try "given\n".write(toFile: "\(scratch.path)/input", atomically: true, encoding: .utf8)
    let subject = try shell(#"read word; echo "$word $colour" >> log; pwd >> log"#) {
      $0.folder = scratch.path
      $0.environment = ["colour": "green"]
      $0.input = "\(scratch.path)/input"
      $0.setup = "echo setup >> log"
      $0.prepare = "echo prepare >> log"
      $0.cleanup = "echo cleanup >> log"
    }
    _ = try subject.run(2, timeout: 10)
    subject.stop()
    subject.stop()
    let one = "prepare\ngiven green\n\(scratch.path)\n"
    #expect(scratch.text("log") == "setup\n\(one)\(one)\(one)cleanup\n")
  }

  @Test("what fails says how, and what it printed", arguments: [
    ("echo no such file >&2; exit 3", "subject x failed: exit status 3; it printed: no such file"),
    ("kill -SEGV $$", "killed by SIGSEGV"), ("kill -KILL $$", "killed by SIGKILL"), ("kill -ABRT $$", "killed by SIGABRT"),
  ])
  func failing(_ text: String, _ message: String) throws {
    let error = try #require(failure { _ = try shell(text) })
    #expect(error.cause.contains(message), "\(error)")
    #expect(error.remedy != nil)
  }

  @Test("a failure can be ignored, a signal cannot; a failing prepare is a failure")
  func ignored() throws {
    #expect(try shell("exit 3") { $0.ignoresFailure = true }.run(1, timeout: 10).checksum == "exit3")
    #expect(failure { _ = try shell("kill -SEGV $$") { $0.ignoresFailure = true } } != nil)
    #expect(failure { _ = try shell("true") { $0.prepare = "exit 2" } }?.cause == "prepare of x failed: exit status 2")
    let ghost = failure { _ = try CommandSubject(name: "g", argv: ["/nowhere/ghost"]) }
    #expect(ghost?.cause == "subject g: /nowhere/ghost could not be started: No such file or directory")
    let input = failure { _ = try shell("true") { $0.input = "/nowhere/input" } }
    #expect(input?.cause == "subject x: its input /nowhere/input cannot be read: No such file or directory")
  }

  @Test("different output is a different checksum where output is compared, and only there")
  func parity() throws {
    func checksum(_ text: String, _ compares: Bool) throws -> String {
      try shell(text) { $0.comparesOutput = compares }.run(1, timeout: 10).checksum
    }
    #expect(try checksum("echo a", true) == checksum("printf 'a\\n'", true))
    #expect(try checksum("echo a", true) != checksum("echo b", true))
    #expect(try checksum("echo a", false) == checksum("echo b", false))
    let captured = try shell("echo a") {
      $0.comparesOutput = true
      $0.capturesOutput = true
    }
    #expect(try captured.run(1, timeout: 10).checksum == checksum("echo a", true))
  }

  @Test("one that hangs is ended with all that it started")
  func hanging() throws {
    let scratch = try Scratch()
    let error = failure { _ = try shell("sleep 60 & echo $! $$ > \(scratch.path)/pids; wait") { $0.timeout = 0.5 } }
    #expect(error?.cause == "subject x did not end within 0.5 s and was ended")
    let pids = scratch.pids("pids")
    #expect(pids.count == 2 && !pids.contains(where: isThere))
  }

  @Test("an interrupted run is ended at once")
  func interrupted() throws {
    let scratch = try Scratch()
    var asked = 0
    let error = failure {
      var options = CommandOptions()
      options.folder = scratch.path
      _ = try CommandSubject(name: "x", argv: ["sh", "-c", "echo $$ > pids; exec sleep 60"], options: options, cancelled: {
        asked += 1
        return scratch.pids("pids").count == 1
      })
    }
    #expect(error?.cause == "subject x was interrupted")
    #expect(asked > 0 && !scratch.pids("pids").contains(where: isThere))
  }

  @Test("one that prints without end is ended at its limit, and its output is not kept", arguments: [false, true])
  func flooding(_ onStderr: Bool) throws {
    let before = ownPeak()
    let scratch = try Scratch()
    let error = failure {
      _ = try shell("echo $$ > pids; exec head -c 1000000000 /dev/zero\(onStderr ? " >&2" : "")") {
        $0.folder = scratch.path
        $0.outputLimit = 1 << 20
      }
    }
    #expect(error?.cause == "subject x printed more than 1048576 bytes and was ended")
    #expect(!scratch.pids("pids").contains(where: isThere))
    #expect(ownPeak() - before < 64 << 20)
  }

  @Test("children that stay behind are ended, also those that leave the group, the session and the environment", arguments: [
    "sleep 60 & echo $! >> pids", "(sleep 60 & echo $! >> pids) & sleep 0.05",
    "setsid sh -c 'echo $$ >> pids; exec sleep 60' & sleep 0.05",
    "env -i /usr/bin/setsid sh -c 'echo $$ >> pids; exec sleep 60' & sleep 0.05",
    "setsid sh -c 'sleep 60 & echo $! >> pids; setsid sh -c \"echo \\$\\$ >> pids; exec sleep 60\" & sleep 0.05' & sleep 0.1",
  ])
  func forking(_ text: String) throws {
    let scratch = try Scratch()
    let subject = try shell(text) { $0.folder = scratch.path }
    _ = try subject.run(2, timeout: 10)
    let pids = scratch.pids("pids")
    #expect(pids.count >= 3)
    #expect(!pids.contains(where: isThere), "\(pids)")
  }

  @Test("children of others are left alone")
  func innocent() throws {
    let other = try Launcher(name: "other", argv: ["sleep", "60"])
    let pid = try other.start((-1, -1, -1, -1)).pid
    _ = try shell("sleep 60 & true").run(1, timeout: 10)
    #expect(isThere(pid))
    Launcher.endGroup(pid)
    waitpid(pid, nil, 0)
    #expect(other.endDescendants(ofGroup: pid))
  }

  @Test("limits reach the child", arguments: [
    ("[ $(ulimit -t) = 7 ]", ResourceLimits(cpuSeconds: 7)),
    ("[ $(ulimit -v) = 1000000 ]", ResourceLimits(addressSpace: 1_024_000_000)),
    ("[ $(ulimit -c) = 0 ]", ResourceLimits()),
  ])
  func limits(_ text: String, _ limits: ResourceLimits) throws {
    #expect(try shell(text) { $0.limits = limits }.run(1, timeout: 10).checksum == "exit0")
  }

  @Test("a limit that is passed is named")
  func passed() throws {
    let scratch = try Scratch()
    let error = failure {
      _ = try shell("exec head -c 100000 /dev/zero > big") {
        $0.folder = scratch.path
        $0.limits.fileSize = 10_000
      }
    }
    #expect(error?.cause.contains("SIGXFSZ (its limit of file size)") == true, "\(String(describing: error))")
  }

  @Test("memory is the subject's own, not that of the process that started it")
  func memory() throws {
    // This process is far larger than `true`, whose memory exec would report as ours.
    let small = try #require(try CommandSubject(name: "true", argv: ["true"]).maxRSS)
    #expect(small < 8 << 20 && ownPeak() > 8 << 20)
    let large = try #require(try shell("exec head -c 60000000 /dev/zero | tail -c 50000000 > /dev/null").maxRSS)
    #expect(large > 40 << 20)
  }

  @Test("the shell's own time is measured and taken off")
  func shellTime() throws {
    let subject = try shell(":") { $0.subtractsShell = true }
    let cost = try #require(subject.shellCost)
    #expect(cost.ns > 0)
    let samples = try (0..<25).map { _ in try subject.run(1, timeout: 10) }
    #expect(samples.allSatisfy { $0.extras["shell"] == Double(cost.ns) })
    #expect(try subject.run(3, timeout: 10).extras["shell"] == Double(3 * cost.ns))
    // `:` costs nothing beside the shell, so what is left of an undisturbed run is less; a reader is told so.
    #expect(try #require(samples.map(\.ns).min()) < cost.ns)
    #expect(subject.doubts.count == 1)
  }

  @Test("two subjects through one shell have the same taken off: a cost of its own would tell them apart")
  func sharedShellCost() throws {
    let subjects = try (0..<3).map { try CommandSubject(name: "s\($0)", command: CommandSpec(text: "exit 0", usesShell: true)) }
    defer { subjects.forEach { $0.stop() } }
    let costs = subjects.map { $0.shellCost?.ns }
    #expect(costs[0] != nil && Set(costs).count == 1)
  }

  @Test("what a program prints of itself is counted in every run: matches, or what a group captures with its unit")
  func printed() throws {
    let subject = try shell("echo 'GC(0) Pause 2.5ms'; echo 'GC(1) Pause 0.5 ms' >&2; echo done") {
      $0.counts = [
        PrintedCount(metric: "collections", pattern: "Pause"), PrintedCount(metric: "gc_time", pattern: "Pause ([0-9.]+ ?ms)"),
        PrintedCount(metric: "fsyncs", pattern: "sync"),
      ]
    }
    let sample = try subject.run(3, timeout: 10)
    #expect(sample.extras == ["collections": 6, "gc_time": 9e6, "fsyncs": 0])
    #expect(subject.doubts == ["x: nothing that it printed is a `fsyncs` by the block's expression"])
  }

  @Test("all of a long output is read")
  func printedLong() throws {
    let subject = try shell("i=0; while [ $i -lt 3000 ]; do echo Pause; i=$((i+1)); done") { $0.counts = [PrintedCount(metric: "collections", pattern: "Pause")] }
    #expect(try subject.run(1, timeout: 10).extras["collections"] == 3_000)
  }

  @Test("a time without a unit is refused by name")
  func printedUnits() throws {
    #expect(PrintedCounter.stored("12.5 ms", .nanoseconds) == 12.5e6 && PrintedCounter.stored("3", .plain) == 3)
    for (text, unit) in [("12.5", MetricUnit.nanoseconds), ("3KiB", .nanoseconds), ("", .plain), ("x", .plain), ("24M", .bytes)] {
      #expect(PrintedCounter.stored(Substring(text), unit) == nil, "\(text)")
    }
    let subject = try shell("echo took 5") { $0.counts = [PrintedCount(metric: "gc_time", pattern: "took ([0-9]+)")] }
    let error = #expect(throws: MeasureError.self) { try subject.run(1, timeout: 10) }
    #expect(error?.description.contains("`5`, which it printed, is no `gc_time`") == true)
  }
}

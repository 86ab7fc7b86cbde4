import ExperimentModel
import Foundation
import Testing

@testable import MeasureKernel

private func command(_ text: String, shell: Bool = false) throws -> CommandSubject {
  try CommandSubject(name: "c", command: CommandSpec(text: text, usesShell: shell))
}

@Suite(.serialized) struct CommandSubjectTests {
  @Test("words are split as a shell does without expanding anything", arguments: [
    ("a b  c", ["a", "b", "c"]), ("a 'b c' \"d e\"", ["a", "b c", "d e"]), (#"a\ b "c\"d" 'e\f'"#, ["a b", "c\"d", #"e\f"#]),
    ("echo '' x", ["echo", "", "x"]), ("echo $HOME *", ["echo", "$HOME", "*"]),
  ])
  func words(text: String, expected: [String]) throws { #expect(try CommandSubject.words(text, "c") == expected) }

  @Test("an open quote and an empty command are refused") func refused() {
    #expect(throws: MeasureError.self) { try command("echo 'a") }
    #expect(throws: MeasureError.self) { try command("  ") }
    #expect(throws: MeasureError.self) { try command("/nonexistent/program") }
  }

  @Test("a sample has wall and CPU time, faults and switches") func sample() throws {
    let sample = try command("i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done", shell: true).run(1, timeout: 20)
    #expect(sample.ns > 0 && sample.cpu > 0 && sample.cpu <= 2 * sample.ns && sample.checksum == "exit status 0")
    #expect((sample.use.minorFaults ?? 0) > 0 && sample.use.voluntarySwitches != nil)
  }

  @Test("what sleeps uses wall time and no CPU time") func sleeping() throws {
    let sample = try command("sleep 0.2").run(1, timeout: 20)
    #expect(sample.ns >= 200_000_000 && sample.cpu < sample.ns / 4)
  }

  @Test("failures, hangs and crashes are named", arguments: [
    ("exit 3", "exit status 3", 20.0), ("kill -SEGV $$", "SIGSEGV", 20), ("sleep 60", "ran longer than 1 s", 1),
  ])
  func failures(text: String, cause: String, timeout: Double) throws {
    let error = #expect(throws: MeasureError.self) { try command(text, shell: true).run(1, timeout: timeout) }
    #expect(error?.cause.contains(cause) == true, "\(String(describing: error))")
  }

  @Test("a failure may be allowed; then its status is the checksum") func allowed() throws {
    let subject = try CommandSubject(name: "c", command: CommandSpec(text: "exit 3", usesShell: true), ignoresFailure: true)
    #expect(try subject.run(1, timeout: 20).checksum == "exit status 3")
  }

  @Test("prepare runs before each iteration and is not timed") func prepare() throws {
    let path = NSTemporaryDirectory() + "nb-prepare-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let subject = try CommandSubject(
      name: "c", command: CommandSpec(text: "true", usesShell: false), prepare: "sleep 0.1; echo x >> \(path)")
    let sample = try subject.run(3, timeout: 20)
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "x\nx\nx\n")
    #expect(sample.ns < 300_000_000)
  }

  @Test("processes that a command leaves behind are ended") func leftovers() throws {
    let mark = "61\(getpid() % 1000)"
    _ = try command("setsid sleep \(mark) & sleep 0.1", shell: true).run(1, timeout: 20)
    let left = Process()
    left.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    left.arguments = ["pgrep", "-f", "sleep \(mark)"]
    left.standardOutput = FileHandle.nullDevice
    try left.run()
    left.waitUntilExit()
    #expect(left.terminationStatus != 0)
  }

  @Test("identical commands in turns: every round has both, warm-up is not counted") func measured() throws {
    let cell = BenchCell(
      subjects: ["a", "b"].map { SubjectSpec(name: $0, work: .command(CommandSpec(text: "true", usesShell: false))) },
      comparison: Comparison(runs: 8, metric: "time"), pairs: 8, system: nil, seed: 1)
    let record = try measure(
      cell, subject: { (i) throws(MeasureError) -> any TimedSubject in
        try CommandSubject(name: cell.subjects[i].name, command: CommandSpec(text: "true", usesShell: false))
      }, quick: false, budget: Nanoseconds(seconds: 30), progress: { _ in }, cancelled: { false })
    #expect(record.samples.map(\.count) == [8, 8] && record.iterations == 1 && record.parity)
  }
}

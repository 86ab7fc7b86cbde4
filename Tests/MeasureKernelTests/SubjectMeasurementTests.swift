import ExperimentModel
import Foundation
import MeasureKernel
import Testing

/// A child in python3 that speaks the protocol with made-up, exact times: nothing here depends on the
/// machine's speed.
private let script = """
  import json, os, sys, time
  job = json.loads(sys.stdin.readline())
  kind = job["kind"]
  if kind == "refuses":
      print("error: there is no such table; check the statement", flush=True); sys.exit(1)
  print("ready", flush=True)
  for line in sys.stdin:
      words = line.split()
      if words == ["quit"]:
          break
      k = int(words[1])
      if kind == "dies": os._exit(3)
      if kind == "babbles": print("hello", flush=True); continue
      if kind == "hangs": time.sleep(60)
      ns = 100 * k * job.get("factor", 1)
      if kind == "lazy": ns = 5000000
      print(f"ns={ns} cpu={ns - 1} checksum={k * 31 + job.get('salt', 0)} vm_steps={7 * k}", flush=True)
  """

private let python = ["/usr/bin/python3", "/usr/local/bin/python3"].first { FileManager.default.isExecutableFile(atPath: $0) }

@Suite(.enabled(if: python != nil, "python3 plays the children"), .serialized)
struct SubjectMeasurementTests {
  private func cell(_ names: [String], pairs: Int = 10) -> BenchCell {
    BenchCell(
      subjects: names.map { SubjectSpec(name: $0, work: .builtin("spin")) }, comparison: nil, pairs: pairs, system: nil, seed: 3)
  }

  private func run(
    _ jobs: [(name: String, json: String)], pairs: Int = 10, quick: Bool = false, stopAfter: Int = .max,
    notes: inout [String]
  ) throws -> BenchRecord {
    var seen: [String] = []
    defer { notes = seen }
    return try measure(
      cell(jobs.map(\.name), pairs: pairs), childArguments: { (argv: [python!, "-c", script], firstLine: jobs[$0].json) },
      quick: quick, budget: Nanoseconds(seconds: 60), progress: { seen.append($0) },
      cancelled: { seen.filter { $0.hasPrefix("pair") }.count >= stopAfter })
  }

  @Test("pairs of equal work with shared iterations, parity and extras")
  func plain() throws {
    var notes: [String] = []
    let record = try run([("a", #"{"kind":"works"}"#), ("b", #"{"kind":"works","factor":3}"#)], notes: &notes)
    #expect(record.iterations == 10_000)
    #expect(record.samples.map(\.count) == [10, 10])
    #expect(record.samples[0].allSatisfy { $0.ns == 1_000_000 && $0.cpu == 999_999 && $0.extras == ["vm_steps": 70_000] })
    #expect(record.samples[1].allSatisfy { $0.ns == 3_000_000 })
    #expect(record.parity)
    #expect(record.doubts.isEmpty)
    #expect(notes.first == "starting a" && notes.last == "pair 10/10")
  }

  @Test("faster but different is seen; a quick run has at most 20 pairs")
  func different() throws {
    var notes: [String] = []
    let record = try run(
      [("a", #"{"kind":"works"}"#), ("b", #"{"kind":"works","salt":1}"#)], pairs: 30, quick: true, notes: &notes)
    #expect(!record.parity)
    #expect(record.samples[1].count == 20)
  }

  @Test("a subject whose time does not grow with its work is doubted")
  func lazy() throws {
    var notes: [String] = []
    let record = try run([("a", #"{"kind":"works"}"#), ("idle", #"{"kind":"lazy"}"#)], notes: &notes)
    #expect(record.doubts.contains { $0.hasPrefix("idle: twice the iterations took 1.0 times as long") })
    #expect(!record.doubts.contains { $0.hasPrefix("a: twice") })
  }

  @Test("an interrupted run keeps whole rounds: the fourth was not finished")
  func interrupted() throws {
    var notes: [String] = []
    let record = try run([("a", #"{"kind":"works"}"#), ("b", #"{"kind":"works"}"#)], stopAfter: 4, notes: &notes)
    #expect(record.samples.map(\.count) == [3, 3])
  }

  @Test("what goes wrong names the subject and the cause", arguments: [
    ("refuses", "subject bad: there is no such table; check the statement"), ("dies", "subject bad ended before it answered"),
    ("babbles", "`hello` is not an answer"),
  ])
  func failures(_ kind: String, _ message: String) {
    var notes: [String] = []
    do {
      _ = try run([("good", #"{"kind":"works"}"#), ("bad", "{\"kind\":\"\(kind)\"}")], notes: &notes)
      Issue.record("no error")
    } catch { #expect("\(error)".contains(message), "\(error)") }
  }

  @Test("a program that is not there")
  func missing() {
    do {
      _ = try measure(
        cell(["ghost"]), childArguments: { _ in (argv: ["/nowhere/ghost"], firstLine: "{}") }, quick: true,
        budget: Nanoseconds(seconds: 1), progress: { _ in }, cancelled: { false })
      Issue.record("no error")
    } catch { #expect(error.description.contains("/nowhere/ghost could not be started: No such file")) }
  }

  @Test("a silent child is given up and ended; sending to an ended one is an error, not a signal")
  func silent() throws {
    let child = try ChildProcess(name: "mute", argv: [python!, "-c", script])
    try child.send(line: #"{"kind":"hangs"}"#)
    #expect(try child.line(timeout: 20) == "ready")
    try child.send(line: "run 1")
    let late = MeasureError("mute gave no answer within 0.3 s and was ended", remedy: "give it less work")
    #expect(throws: late) { try child.line(timeout: 0.3) }
    for _ in 0..<200 where child.isAlive { usleep(10_000) }
    #expect(!child.isAlive)
    #expect(throws: MeasureError.self) { for _ in 0..<3 { try child.send(line: "run 1") } }
    child.stop()
    #expect(!child.isAlive)
  }
}

import ExperimentModel
import Testing

@testable import LoadKernel

@Suite(.serialized) struct PartTests {
  private let request = RequestSpec(name: "get", method: "GET", path: "/")

  @Test("answers are in the part in which they came; what comes after the plan's end is in the last one, and counted as late")
  func parts() {
    var recorder = PartRecorder(start: 1_000, end: 1_000 + 30_000_000, length: Nanoseconds(10_000_000))
    for (now, time) in [(1_000, 5), (9_000_000, 6), (25_000_000, 7), (24_000_000, 8), (90_000_000, 9)] as [(Int64, Int64)] {
      recorder.completed(time * 1_000_000, now: now)
    }
    recorder.failed(now: 95_000_000)
    let parts = recorder.finish(now: 99_000_000)
    #expect(parts.map(\.completed) == [2, 0, 3] && parts.map(\.failed) == [0, 0, 1] && parts.map(\.late) == [0, 0, 2])
    #expect(parts[2].response.count == 3 && abs(Double(parts[2].response.max) / 9e6 - 1) < 0.01)
    var both = parts[0]
    both.add(parts[2])
    #expect(both.completed == 5 && both.response.count == 5)
  }

  @Test("the parts of a run hold every answer, and are as many as the plan has")
  func run() throws {
    let server = ScriptedServer()
    defer { server.stop() }
    let profile = LoadProfile(executor: .constantArrivalRate, arrivals: .uniform, rate: 400, duration: Nanoseconds(seconds: 0.5), requests: [request])
    var options = LoadOptions()
    options.partLength = Nanoseconds(seconds: 0.1)
    let record = try LoadEngine(profile: profile, target: LoadTarget(server)).run(options)
    #expect(record.parts.count == 5 && record.parts.reduce(0) { $0 + $1.completed } == record.completed)
    #expect(record.parts.reduce(0) { $0 + $1.response.count } == record.completed)
  }

  private func record(good: Int, slow: Int, failed: Int = 0) -> LoadRecord {
    var record = LoadRecord()
    for i in 0..<(good + slow) { record.response.record(i < slow ? 200_000_000 : 5_000_000) }
    record.completed = good + slow
    record.failed = failed
    return record
  }

  @Test("a limit ends a run when it is broken beyond doubt: not by the first bad answer, and not before its delay")
  func rules() {
    let p95 = AbortRule(figure: .quantile(0.95), op: .less, limit: 80e6, after: Nanoseconds(seconds: 1), text: "")
    let errors = AbortRule(figure: .failedShare, op: .less, limit: 0.01, after: .zero, text: "")
    let late = Nanoseconds(seconds: 2)
    // One of ten is 10 % of them, and says little about 5 %; a hundred of a thousand do.
    #expect(!p95.isBroken(record(good: 9, slow: 1), elapsed: late))
    #expect(p95.isBroken(record(good: 900, slow: 100), elapsed: late))
    #expect(!p95.isBroken(record(good: 900, slow: 100), elapsed: Nanoseconds(seconds: 0.5)))
    #expect(!p95.isBroken(record(good: 970, slow: 30), elapsed: late))
    #expect(!errors.isBroken(record(good: 99, slow: 0, failed: 1), elapsed: late))
    #expect(errors.isBroken(record(good: 90, slow: 0, failed: 10), elapsed: late))
    #expect(!errors.isBroken(LoadRecord(), elapsed: late))
    let checks = AbortRule(figure: .checks, op: .greater, limit: 0.9, after: .zero, text: "")
    var checked = LoadRecord()
    (checked.completed, checked.checked, checked.passed) = (100, 100, 50)
    #expect(checks.isBroken(checked, elapsed: late))
  }

  @Test("a target that only fails ends the run at once, and the record says which limit it was")
  func aborted() throws {
    let server = ScriptedServer { _, _ in .answer("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n") }
    defer { server.stop() }
    var profile = LoadProfile(executor: .constantVUs, duration: Nanoseconds(seconds: 60), vus: 2, requests: [request])
    profile.thinkTime = Nanoseconds(1_000_000)
    var options = LoadOptions()
    options.abortWhen = [AbortRule(figure: .failedShare, op: .less, limit: 0.5, after: .zero, text: "errors<50%")]
    let record = try LoadEngine(profile: profile, target: LoadTarget(server)).run(options)
    #expect(record.aborted == "errors<50%" && record.isPartial && record.elapsed.seconds < 30)
  }
}

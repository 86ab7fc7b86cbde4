import ExperimentModel
import Testing

@testable import ExperimentRunner
@testable import LoadKernel

@Suite struct WindowJudgeTests {
  /// A run of five seconds with 200 answers a second, of 5 ms, but of 50 ms in the seconds that are named; nobody answers in `silent`.
  private func record(slow: Set<Int> = [], silent: Set<Int> = [], failing: Int? = nil) -> LoadRecord {
    let second: Int64 = 1_000_000_000
    var recorder = PartRecorder(start: 0, end: 5 * second, length: Nanoseconds(second))
    for i in 0..<5 where !silent.contains(i) {
      for j in 0..<200 {
        let now = Int64(i) * second + Int64(j) * 5_000_000
        if i == failing, j % 4 == 0 { recorder.failed(now: now) } else { recorder.completed(slow.contains(i) ? 50_000_000 : 5_000_000, now: now) }
      }
    }
    var record = LoadRecord()
    record.partLength = Nanoseconds(second)
    record.parts = recorder.finish(now: 5 * second)
    return record
  }

  private func judged(_ metric: String, _ op: Operator, _ limit: Double, _ window: ThresholdWindow, _ records: [LoadRecord]) -> JudgementResult {
    var judgement = Judgement(
      text: "x", address: Address(block: nil, arm: [], metric: metric), op: op, limit: Quantity(limit, Metric.named(metric)?.unit ?? .plain))
    judgement.window = window
    return judgeWindows(judgement, window, records, full: Nanoseconds(seconds: 1))
  }
  private let eachSecond = ThresholdWindow.every(Nanoseconds(seconds: 1))

  @Test("holds in every window: pass; one bad second: fail, and it is named")
  func every() {
    #expect(judged("p95", .less, 20e6, eachSecond, [record()]).outcome == .pass)
    let bad = judged("p95", .less, 20e6, eachSecond, [record(slow: [3])])
    #expect(bad.outcome == .fail && bad.place == "3 s to 4 s" && abs((bad.measured?.estimate.value ?? 0) / 50e6 - 1) < 0.01)
    // Over the whole run the same quantile of 5 s would hold: one second of five is in the slowest fifth.
    #expect(judged("p50", .less, 20e6, .every(Nanoseconds(seconds: 5)), [record(slow: [3])]).outcome == .pass)
  }

  @Test("a stretch is judged alone")
  func between() {
    let early = ThresholdWindow.between(.zero, Nanoseconds(seconds: 3))
    let late = ThresholdWindow.between(Nanoseconds(seconds: 3), Nanoseconds(seconds: 5))
    #expect(judged("p99", .less, 20e6, early, [record(slow: [3])]).outcome == .pass)
    let bad = judged("p99", .less, 20e6, late, [record(slow: [3])])
    #expect(bad.outcome == .fail && bad.place == "3 s to 5 s")
    #expect(judged("p99", .less, 20e6, .between(Nanoseconds(seconds: 8), Nanoseconds(seconds: 9)), [record()]).outcome == .inconclusive)
  }

  @Test("rates, counts and shares of a window; a window without an answer decides a rate and not a time")
  func counts() {
    #expect(judged("rate", .greaterOrEqual, 190, eachSecond, [record()]).outcome == .pass)
    let silent = judged("rate", .greaterOrEqual, 190, eachSecond, [record(silent: [2])])
    #expect(silent.outcome == .fail && silent.place == "2 s to 3 s" && silent.measured?.estimate.value == 0)
    #expect(judged("p95", .less, 20e6, eachSecond, [record(silent: [2])]).outcome == .inconclusive)
    let errors = judged("http_req_failed", .less, 0.1, eachSecond, [record(failing: 1)])
    #expect(errors.outcome == .fail && errors.place == "1 s to 2 s" && errors.measured?.estimate.value == 0.25)
    #expect(judged("http_reqs", .greater, 300, .every(Nanoseconds(seconds: 2)), [record()]).outcome == .pass)
  }

  @Test("the rest that fills no window belongs to the last; a slice is named when there are several")
  func slices() {
    let two = ThresholdWindow.every(Nanoseconds(seconds: 2))
    #expect(judged("p95", .less, 20e6, two, [record(slow: [4])]).place == "2 s to 5 s")
    #expect(judged("p95", .less, 20e6, eachSecond, [record(), record(slow: [0])]).place == "0 s to 1 s of slice 2")
  }

  @Test("a run is cut at the greatest length from which all windows can be put together")
  func length() {
    func threshold(_ window: ThresholdWindow?) -> Judgement {
      var one = Judgement(text: "", address: Address(block: nil, arm: [], metric: "p95"), op: .less, limit: Quantity(1, .nanoseconds))
      one.window = window
      return one
    }
    #expect(partLength([threshold(nil)]) == nil)
    #expect(partLength([threshold(eachSecond)]) == Nanoseconds(seconds: 1))
    #expect(partLength([threshold(eachSecond), threshold(.between(Nanoseconds(seconds: 1.5), Nanoseconds(seconds: 4)))]) == Nanoseconds(seconds: 0.5))
    #expect(partLength([threshold(.between(.zero, Nanoseconds(seconds: 4)))]) == Nanoseconds(seconds: 4))
  }
}

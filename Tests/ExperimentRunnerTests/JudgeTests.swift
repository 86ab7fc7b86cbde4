import ExperimentModel
import LoadKernel
import Testing

@testable import ExperimentRunner

@Suite struct JudgeTests {
  @Test("pass when the whole interval satisfies, fail when it all violates, else inconclusive", arguments: [
    (Estimate(1.2, low: 1.1, high: 1.3), Outcome.pass), (Estimate(1.6, low: 1.55, high: 1.7), .fail),
    (Estimate(1.5, low: 1.4, high: 1.6), .inconclusive), (Estimate(1.5), .pass), (Estimate(1.6), .fail),
  ])
  func thresholds(_ estimate: Estimate, _ expected: Outcome) {
    #expect(Runner.outcome(estimate, .lessOrEqual, 1.5) == expected)
  }

  @Test("a prediction holds inside its tolerance, fails outside, is open where they overlap", arguments: [
    (Estimate(0.556, low: 0.55, high: 0.562), Outcome.pass), (Estimate(0.60, low: 0.59, high: 0.61), .fail),
    (Estimate(0.57, low: 0.55, high: 0.59), .inconclusive),
  ])
  func predictions(_ estimate: Estimate, _ expected: Outcome) {
    let expectation = Expectation(
      address: Address(block: nil, arm: [], metric: "hit_ratio"), value: Quantity(0.557, .share), theory: nil,
      tolerance: 0.02, relative: false)
    #expect(Runner.near(estimate, 0.557, expectation) == expected)
  }

  @Test("a quick run, which counts less, judges of its counts only what a full one cannot turn", arguments: [
    ("http_reqs", Operator.greaterOrEqual, 100.0, Outcome.fail, true), ("http_reqs", .greaterOrEqual, 100, .pass, false),
    ("http_reqs", .lessOrEqual, 100, .pass, true), ("http_reqs", .lessOrEqual, 100, .fail, false),
    // None is none in any length, and a share is not larger in a longer run.
    ("lost", .lessOrEqual, 0, .pass, false), ("hit_ratio", .greaterOrEqual, 0.5, .fail, false),
  ])
  func quickCounts(_ metric: String, _ op: Operator, _ limit: Double, _ outcome: Outcome, _ isOpen: Bool) {
    let load = LoadCell(arms: [], design: .single)
    func judgement(_ arm: [String]) -> Judgement {
      Judgement(text: "", address: Address(block: nil, arm: arm, metric: metric), op: op, limit: Quantity(limit, .count))
    }
    #expect(Runner.countsLess(judgement([]), outcome, load) == isOpen)
    // Both arms of a ratio run equally long.
    #expect(!Runner.countsLess(judgement(["ratio", "on"]), outcome, load))
  }

  @Test("a quantile of too few requests, which has no interval, decides nothing; one of enough does", arguments: [
    ("p99", 72.0, nil as Double?, true), ("p99", 400, nil, false), ("p99", 72, 1.0, false), ("p50", 72, nil, false), ("mean", 3, nil, false),
  ])
  func fewRequests(_ metric: String, _ count: Double, _ low: Double?, _ isOpen: Bool) {
    var result = CellResult(id: "b", kind: "load", inputs: "", quick: true, evidence: .real)
    result.arms = [
      ArmResult(
        name: "on", metrics: [metric: MetricValue(Estimate(2, low: low, high: low.map { _ in 3 }), .nanoseconds), "http_reqs": MetricValue(Estimate(count), .count)])
    ]
    #expect(result.isUnbounded(Address(block: nil, arm: ["on"], metric: metric)) == isOpen)
    #expect(!result.isUnbounded(Address(block: nil, arm: ["ratio", "on"], metric: metric)))
  }

  @Test("a comparison of too few requests has no ratio of a quantile that would not have an interval, and says so")
  func fewComparedRequests() {
    func arm(_ name: String, _ count: Int) -> ArmMeasurement {
      let profile = LoadProfile(executor: .constantVUs, requests: [RequestSpec(name: "look", method: "GET", path: "/")])
      let slices = (0..<6).map { slice in
        var record = LoadRecord()
        record.elapsed = Nanoseconds(seconds: 1)
        for i in 0..<count { record.response.record(Int64(1_000_000 + 1_000 * ((i * 7 + slice) % 50))) }
        record.completed = count
        return Slice(record: record, counters: [:], samples: [], sampleTimes: [])
      }
      return ArmMeasurement(LoadArm(name: name, system: SystemSpec(id: "s", seed: 0, roles: [], data: []), profile: profile), slices)
    }
    let runner = Runner(
      RunOptions(quick: true, launcher: LabLauncher(executable: "", serveArguments: []), subjectArguments: [], fenceCache: ""), cancelled: { false }, report: { _ in })
    for (count, known) in [(12, ["p50", "p90", "p95"]), (70, ["p50", "p90", "p95", "p99"])] {
      let arms = [arm("off", count), arm("on", count)]
      let comparison = Comparison(runs: 6, metric: "mean")
      let load = LoadCell(arms: arms.map(\.arm), design: .compare(comparison))
      var cell = Cell(id: "b", work: .load(load), needs: [], inputs: "")
      cell.thresholds = [
        Judgement(text: "", address: Address(block: nil, arm: ["ratio"], metric: "p99"), op: .lessOrEqual, limit: Quantity(2, .plain))
      ]
      var result = CellResult(id: "b", kind: "load", inputs: "", quick: true, evidence: .real)
      LoadExecution(cell: cell, load: load, runner: runner).compare(arms, comparison, into: &result)
      #expect(result.comparisons[0].ratio.keys.filter { $0.hasPrefix("p") }.sorted() == known)
      #expect(result.doubts.map(\.id) == (count == 12 ? ["few-requests"] : []))
    }
  }

  private func cell(_ id: String, needs: [String] = []) -> Cell {
    Cell(id: id, work: .check(CheckCell(editParams: [], hintAfter: nil)), needs: needs, inputs: id)
  }

  @Test("a cell that reads another comes after it, else the order of the notebook")
  func order() {
    let cells = [cell("money", needs: ["onoff"]), cell("curve"), cell("onoff"), cell("exercise", needs: ["curve", "onoff"])]
    #expect(Runner.order(cells).map(\.id) == ["onoff", "money", "curve", "exercise"])
  }

  @Test("a claim is what its block's judgements say; a simulated block never verifies", arguments: [
    ([Outcome.pass, .pass], Evidence.declaredWait, ClaimStatus.verified), ([.pass, .fail], .real, .notReproduced),
    ([.pass, .inconclusive], .real, .inconclusive), ([.pass], .simulated, .simulated),
    ([.fail], .simulated, .notReproduced),
  ])
  func claims(_ outcomes: [Outcome], _ evidence: Evidence, _ expected: ClaimStatus) {
    var result = CellResult(id: "curve", kind: "load", inputs: "", quick: false, evidence: evidence)
    result.expects = outcomes.map { JudgementResult(text: "", measured: nil, outcome: $0) }
    let claim = Claim(id: "che", text: "", verifiedBy: "curve.expect")
    #expect(claimStatus(claim, in: ["curve": result]) == expected)
    #expect(claimStatus(claim, in: [:]) == nil)
  }
}

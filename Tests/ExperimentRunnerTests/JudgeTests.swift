import ExperimentModel
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

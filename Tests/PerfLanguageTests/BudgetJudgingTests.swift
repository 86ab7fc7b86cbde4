import ExperimentModel
import Testing

private func result(_ value: Double, id: String = "onoff", quick: Bool = false) -> CellResult {
  var result = CellResult(id: id, kind: "load", inputs: "0123456789", quick: quick, evidence: .real)
  result.arms = [
    ArmResult(name: "on", metrics: ["mean": MetricValue(Estimate(value, low: value - 1, high: value + 1), .nanoseconds)])
  ]
  return result
}

@Suite struct BudgetJudgingTests {
  @Test("budgets against results: pass, fail, inconclusive, unmeasured, and what is left")
  func budgets() throws {
    func budget(
      _ limit: Double, _ op: ExperimentModel.Operator = .lessOrEqual, _ lesson: String = "day08", block: String = "onoff", metric: String = "mean"
    ) -> PerformanceBudget {
      PerformanceBudget(
        metric: "\(lesson)/\(block).on.\(metric)", lesson: lesson, address: Address(block: block, arm: ["on"], metric: metric), op: op,
        limit: Quantity(limit, .nanoseconds), limitText: "\(op.rawValue)\(limit)", owner: "Ada", since: "2026-11-23", why: "w")
    }
    var failed = result(12, id: "broken")
    failed.failure = "no lab"
    var invalid = result(12, id: "invalid")
    invalid.validity = .invalid
    var restless = result(12, id: "restless", quick: true)
    restless.control = Estimate(1.1, low: 1.05, high: 1.2)
    let results = ["day08": ["onoff": result(12), "broken": failed, "invalid": invalid, "restless": restless]]
    // The interval is [11, 13].
    typealias Row = (budget: PerformanceBudget, outcome: BudgetOutcome, left: Double?)
    let measured: [Row] = [
      (budget(15), .pass, 0.2), (budget(10), .fail, -0.2), (budget(12.5), .inconclusive, 0.04), (budget(13), .pass, 1.0 / 13),
      (budget(13, .less), .inconclusive, 1.0 / 13), (budget(10, .greaterOrEqual), .pass, 0.2), (budget(15, .greater), .fail, -0.2),
      (budget(0, .greater), .pass, nil), (budget(12, .equal), .fail, nil), (budget(15, block: "restless"), .inconclusive, 0.2),
    ]
    let open: [Row] = [
      (budget(15, .lessOrEqual, "day09"), .unmeasured, nil),
      (budget(15, block: "none"), .unmeasured, nil), (budget(15, metric: "p99"), .unmeasured, nil),
      (budget(15, block: "broken"), .unmeasured, nil), (budget(15, block: "invalid"), .unmeasured, nil),
    ]
    let table = measured + open
    let states = judgeBudgets(table.map(\.budget), results: results)
    for (state, expected) in zip(states, table) {
      #expect(state.outcome == expected.outcome, "\(state.budget.limitText) \(state.budget.metric)")
      #expect((state.left == nil) == (expected.left == nil))
      if let left = state.left, let wanted = expected.left { #expect(abs(left - wanted) < 1e-12) }
      #expect((state.reason == nil) == (state.outcome == .pass || state.outcome == .fail))
      #expect((state.measured == nil) == (state.outcome == .unmeasured))
    }
    #expect(states[measured.count - 1].quick == true && states[0].quick == false)
    var wrong = budget(15)
    wrong.limit.unit = .perSecond
    #expect(judgeBudgets([wrong], results: results)[0].outcome == .unmeasured)
  }
}

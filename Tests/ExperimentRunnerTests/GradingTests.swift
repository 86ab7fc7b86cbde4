import ExperimentModel
import Testing

@testable import ExperimentRunner

@Suite struct GradingTests {
  private func gate(_ block: String?, _ metric: String, _ op: Operator, _ limit: Double) -> Judgement {
    Judgement(text: "\(block ?? "").\(metric)", address: Address(block: block, arm: [], metric: metric), op: op, limit: Quantity(limit, .plain))
  }

  private func load(_ id: String = "mine", inputs: String = "a", needs: [String] = []) -> Cell {
    Cell(id: id, work: .load(LoadCell(arms: [], design: .single)), needs: needs, inputs: inputs)
  }

  private func check(_ gates: [Judgement], answer: CheckAnswer? = nil) -> Cell {
    Cell(id: "exercise", work: .check(CheckCell(editParams: [], hintAfter: nil, answer: answer)), gates: gates, inputs: "c")
  }

  private func measured(_ id: String = "mine", _ estimate: Estimate = Estimate(10, low: 9, high: 11), inputs: String = "a") -> CellResult {
    var result = CellResult(id: id, kind: "load", inputs: inputs, quick: false, evidence: .real)
    result.arms = [ArmResult(name: id, metrics: ["p99": MetricValue(estimate, .nanoseconds)])]
    return result
  }

  private func states(_ cells: [Cell], _ known: [CellResult]) -> [GradedGate.State] {
    let grader = Grader(
      Plan(lesson: nil, cells: cells, runbooks: []), lesson: "day02", known: Dictionary(known.map { ($0.id, $0) }, uniquingKeysWith: { a, _ in a }))
    return cells.flatMap(grader.gates).map(\.state)
  }

  @Test("the whole interval decides", arguments: [(12.0, GradedGate.State.pass), (8, .fail), (10, .inconclusive)])
  func interval(_ limit: Double, _ expected: GradedGate.State) {
    #expect(states([load(), check([gate("mine", "p99", .lessOrEqual, limit)])], [measured()]) == [expected])
  }

  @Test func withoutAFigureNothingIsJudged() {
    let asks = check([gate("mine", "p99", .lessOrEqual, 12)])
    #expect(states([load(), asks], []) == [.notRun])
    #expect(states([load(inputs: "b"), asks], [measured()]) == [.stale])
    #expect(states([load(), check([gate("mine", "p95", .lessOrEqual, 12)])], [measured()]) == [.notRun])
    var failed = measured()
    failed.failure = "no"
    #expect(states([load(), asks], [failed]) == [.notRun])
    var invalid = measured()
    invalid.validity = .invalid
    #expect(states([load(), asks], [invalid]) == [.inconclusive])
    var changed = measured()
    changed.control = Estimate(1.5, low: 1.4, high: 1.6)
    #expect(changed.controlState == .broken && states([load(), asks], [changed]) == [.inconclusive])
  }

  @Test func whatAFigureWasComputedFromMustBeOfTheSameQuestion() {
    let cells = [load("source", inputs: "new"), load(needs: ["source"]), check([gate("mine", "p99", .lessOrEqual, 12)])]
    #expect(states(cells, [measured(), measured("source", inputs: "old")]) == [.stale])
    #expect(states(cells, [measured(), measured("source", inputs: "new")]) == [.pass])
  }

  @Test func aRunThatWasInvalidLeavesOpenWhatWasComputedFromItToo() {
    var invalid = measured("source")
    invalid.arms = []
    invalid.validity = .invalid
    invalid.validityReason = "sends were late"
    let cells = [load("source"), load(needs: ["source"]), check([gate("mine", "p99", .lessOrEqual, 12), gate("source", "p99", .lessOrEqual, 12)])]
    let known = ["source": invalid, "mine": measured()]
    let gates = Grader(Plan(lesson: nil, cells: cells, runbooks: []), lesson: "day02", known: known).gates(of: cells[2])
    #expect(gates.map(\.state) == [.inconclusive, .inconclusive])
    #expect(gates.allSatisfy { $0.note == "the run of source was INVALID: sends were late: on a quieter machine, nb run --only source day02.md" })
  }

  /// A statement and an insert beside each other may differ in their answers; two ways to the same answer may not.
  @Test("answers must be equal where subjects are compared", arguments: [(true, GradedGate.State.fail), (false, .pass)])
  func parity(_ isCompared: Bool, _ expected: GradedGate.State) {
    let subjects = ["one", "two"].map { SubjectSpec(name: $0, work: .sql("SELECT 1")) }
    let bench = BenchCell(
      subjects: subjects, comparison: isCompared ? Comparison(runs: 8, metric: "time") : nil, pairs: 8, system: nil, seed: 1)
    var result = measured()
    result.kind = "bench"
    result.arms.append(ArmResult(name: "", metrics: ["parity": MetricValue(Estimate(0), .plain)]))
    let cell = Cell(id: "mine", work: .bench(bench), inputs: "a")
    #expect(states([cell, check([gate("mine", "p99", .lessOrEqual, 12)])], [result]) == [expected])
  }

  @Test("a quick run's counts are small", arguments: [(12.0, GradedGate.State.inconclusive), (8, .fail)])
  func quickCounts(_ limit: Double, _ expected: GradedGate.State) {
    var quick = measured()
    quick.arms = [ArmResult(name: "mine", metrics: ["collections": MetricValue(Estimate(10), .plain)])]
    let cells = [load(), check([gate("mine", "collections", .lessOrEqual, limit)])]
    #expect(states(cells, [quick]) == [limit == 12 ? .pass : .fail])
    quick.quick = true
    #expect(states(cells, [quick]) == [expected])
  }

  @Test("only the right answer is an answer", arguments: [(CheckAnswer.right, GradedGate.State.pass), (.wrong, .fail), (.open, .fail)])
  func answers(_ answer: CheckAnswer, _ expected: GradedGate.State) {
    // As the notebook has it now, whatever an older result says.
    var old = CellResult(id: "exercise", kind: "check", inputs: "old", quick: false, evidence: .replay)
    old.arms = [ArmResult(name: "", metrics: ["answered": MetricValue(Estimate(1), .plain)])]
    for block in [nil, "exercise"] {
      #expect(states([check([gate(block, "answered", .equal, 1)], answer: answer)], [old]) == [expected])
    }
  }

  @Test func gatesOfOtherBlocksCountToo() {
    var own = load()
    own.gates = [gate(nil, "p99", .lessOrEqual, 8)]
    #expect(states([own], [measured()]) == [.fail])
  }
}

// Gates against saved results: what `nb grade` does. Nothing is measured, and no note says what a right answer would be.

import ExperimentModel

extension Runner {
  /// What a run shows of a check block: whether its answer is right, and nothing of what is.
  func show(_ check: CheckCell, into result: inout CellResult) { result.arms = Grader.figures(of: check) }
}

/// Judges the gates of a plan.
public struct Grader {
  private let lesson: String
  private let cells: [String: Cell]
  private let known: [String: CellResult]

  /// - Parameter known: saved results by block, with those that answer older questions.
  public init(_ plan: Plan, lesson: String, known: [String: CellResult]) {
    self.lesson = lesson
    cells = Dictionary(plan.cells.map { ($0.id, $0) }, uniquingKeysWith: { a, _ in a })
    self.known = known
  }

  /// The gates of a block, in its order.
  public func gates(of cell: Cell) -> [GradedGate] { cell.gates.map { grade($0, of: cell) } }

  static func figures(of check: CheckCell) -> [ArmResult] {
    check.answer.map { [ArmResult(name: "", metrics: ["answered": MetricValue(Estimate($0 == .right ? 1 : 0), .plain)])] } ?? []
  }

  private func grade(_ gate: Judgement, of cell: Cell) -> GradedGate {
    var graded = GradedGate(lesson: lesson, block: cell.id, gate: gate.text, state: .inconclusive)
    let source = gate.address.block ?? cell.id
    if let (state, note) = missing(source, []) {
      (graded.state, graded.note) = (state, note)
      return graded
    }
    guard let asked = cells[source], let result = result(of: asked) else { return graded }
    if let (block, reason) = invalid(source, []) {
      graded.note = "the run of \(block) was INVALID\(reason.map { ": \($0)" } ?? ""): on a quieter machine, nb run --only \(block) \(lesson).md"
      return graded
    }
    guard let value = result.value(at: gate.address) else {
      (graded.state, graded.note) = (.notRun, "not among the saved figures: nb run --only \(source) \(lesson).md")
      return graded
    }
    graded.measured = value
    // Correctness first: what is faster and different is not better. Subjects that are not compared may well answer different questions.
    if case .bench(let bench) = asked.work, bench.comparison != nil, gate.address.metric != "parity",
      result.value(at: Address(block: nil, arm: [], metric: "parity"))?.estimate.value == 0
    {
      (graded.state, graded.note) = (.fail, "the subjects of \(source) gave different answers: correctness comes first")
      return graded
    }
    if result.controlState == .broken {
      graded.note = "the machine changed during \(source): run it again"
      return graded
    }
    if result.isUnbounded(gate.address) {
      (graded.state, graded.note) = (.inconclusive, "too few requests to bound \(gate.address.metric)")
      return graded
    }
    let outcome = Runner.outcome(value.estimate, gate.op, gate.limit.value)
    graded.state = outcome == .pass ? .pass : outcome == .fail ? .fail : .inconclusive
    if case .check(let check) = asked.work, gate.address.metric == "answered" { graded.note = Self.note(check.answer) }
    if result.quick { graded.note = "from a quick run" }
    if result.quick, case .load(let load) = asked.work {
      if outcome == .fail, load.arms.contains(where: Theories.dependsOnDuration) {
        (graded.state, graded.note) = (.inconclusive, "from a quick run, and only a full one can refute it")
      } else if Runner.countsLess(gate, outcome, load) {
        (graded.state, graded.note) = (.inconclusive, "from a quick run, which counts less; a full one decides")
      }
    }
    return graded
  }

  private static func note(_ answer: CheckAnswer?) -> String? {
    switch answer {
    case .open: "not answered yet: fill in service, attribute and value of `answer`"
    case .wrong: "another service, attribute or value is slow: ask again"
    case .right, nil: nil
    }
  }

  /// A check block measures nothing: it is as the notebook says now.
  private func result(of cell: Cell) -> CellResult? {
    guard case .check(let check) = cell.work else { return known[cell.id] }
    var result = CellResult(id: cell.id, kind: cell.work.kind, inputs: cell.inputs, quick: false, evidence: .replay)
    result.arms = Self.figures(of: check)
    return result
  }

  /// Why a block has no figures for its present question, or a block that it was computed from; nil: it has.
  private func missing(_ id: String, _ above: Set<String>) -> (GradedGate.State, String)? {
    guard let cell = cells[id] else { return (.notRun, "there is no block \(id)") }
    guard let result = result(of: cell), result.failure == nil else { return (.notRun, "not measured: nb run --only \(id) \(lesson).md") }
    guard result.inputs == cell.inputs else { return (.stale, "\(id) was changed since, or measured by another learner: nb run --only \(id) \(lesson).md") }
    // A check's gates read each block on their own.
    guard cell.work.kind != "check", !above.contains(id) else { return nil }
    return cell.needs.lazy.compactMap { missing($0, above.union([id])) }.first
  }

  /// The block, or one that it was computed from, whose run says nothing, and why.
  private func invalid(_ id: String, _ above: Set<String>) -> (block: String, reason: String?)? {
    guard let cell = cells[id], cell.work.kind != "check", !above.contains(id) else { return nil }
    if let result = known[id], result.validity == .invalid { return (id, result.validityReason) }
    return cell.needs.lazy.compactMap { invalid($0, above.union([id])) }.first
  }
}

// Can an exercise be graded? A gate tells a learner who did the work from one who did not only where it lies outside of what
// the starter itself shows by chance. The starter is the notebook as it is; its saved result is the measured starter.

import ExperimentModel
import PerfLanguage
import Reporting
import TextModel

extension LessonRules {
  mutating func checkExercises() {
    let exercises = notebook.plan.cells.filter { $0.work.kind == "check" && !$0.gates.isEmpty }
    if notebook.plan.runbooks.isEmpty {
      warn(RuleID.noRunbook, "the lesson leaves nothing for somebody on call", "add a `runbook` block: symptom, metrics with limits, steps", at: lessonPlace)
    }
    if exercises.isEmpty {
      warn(RuleID.noExercise, "the lesson has no exercise with a gate", "add a `check` block with `gate:`", at: lessonPlace)
    }
    for exercise in exercises { checkGates(exercise) }
  }

  private mutating func checkGates(_ exercise: Cell) {
    var states: [GateState] = []
    for gate in exercise.gates {
      let state = state(of: gate, in: exercise)
      states.append(state)
      guard case .inNoise(let measured, let half) = state else { continue }
      warn(
        RuleID.gateInNoise,
        "the gate `\(gate.text)` lies inside the noise of the starter: it shows \(measured), and a repetition may differ by \(half)",
        "move the gate to about the square root of the expected effect, or measure the starter longer", at: notebook.place(of: gate.text, in: exercise.id))
    }
    guard !states.isEmpty, states.allSatisfy({ if case .passes = $0 { true } else { false } }) else { return }
    warn(
      RuleID.exercisePasses, "the starter of `\(exercise.id)` passes every gate: there is nothing to do",
      "ask for more than the notebook shows already", at: notebook.place(of: exercise.id))
  }

  private enum GateState {
    case passes, fails, unknown
    /// What is measured and twice its half width, as text.
    case inNoise(String, String)
  }

  /// A repetition agrees with a saved value within twice its half width (Agreement.swift says why): a gate in there decides by
  /// luck. Values without an interval are exact counts.
  private func state(of gate: Judgement, in exercise: Cell) -> GateState {
    let block = gate.address.block ?? exercise.id
    guard let cell = notebook.plan.cells.first(where: { $0.id == block }) else { return .unknown }
    if case .check(let check) = cell.work, gate.address.metric == "answered" { return check.answer == .right ? .passes : .fails }
    guard let result = notebook.results[block], result.inputs == cell.inputs, result.hasNumbers, let value = result.value(at: gate.address),
      value.estimate.value.isFinite
    else { return .unknown }
    let estimate = value.estimate
    if let low = estimate.low, let high = estimate.high, high > low {
      let half = (high - low) / 2
      if abs(gate.limit.value - estimate.value) <= 2 * half {
        return .inNoise(format(value.estimate, value.unit, interval: true), format(Estimate(2 * half), value.unit))
      }
    }
    return gate.op.holds(estimate.value, gate.limit.value) ? .passes : .fails
  }
}

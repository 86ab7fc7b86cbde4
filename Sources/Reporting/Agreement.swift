// Does a new result say the same as the one that is written? If so, the notebook and its results file keep
// their bytes: a measurement is never exactly repeated, and a diff should mean that something changed.

import ExperimentModel

/// True when `new` answers the same question as `old` with the same conclusions and with numbers that noise explains.
///
/// Compared are what the region shows: question, validity, verdicts, outcomes, doubts by id, theory, and the point
/// estimates of the shown columns and of each comparison's judged ratio. Not compared are the machine's state and every
/// metric that no table shows.
///
/// A number agrees when it lies within twice the saved interval's half-width of the saved estimate. Two equally good
/// estimates of one quantity differ by up to √2 half-widths in 95 of 100 cases; with some fifteen numbers in a table the
/// level for each must be 0.3 %, which is another factor 1.5. A smaller band would rewrite most notebooks on every run.
/// Below 2 % (the equivalence margin of comparisons) a difference counts as none. Without an interval: integers up to 10
/// (flags, calls per expiry) must be equal, since one origin call instead of two is a finding; zero must stay zero; anything
/// else may differ by 10 %.
public func agrees(_ new: CellResult, with old: CellResult) -> Bool {
  sameQuestion(new, old) && sameConclusions(new, old) && sameNumbers(new, old) && samePlots(new, old)
}

private func sameQuestion(_ new: CellResult, _ old: CellResult) -> Bool {
  new.id == old.id && new.kind == old.kind && new.title == old.title && new.inputs == old.inputs && new.quick == old.quick
    && new.evidence == old.evidence && new.columns == old.columns && new.rowLabel == old.rowLabel
    && new.change == old.change && new.why == old.why
}

private func sameConclusions(_ new: CellResult, _ old: CellResult) -> Bool {
  func judged(_ results: [JudgementResult]) -> [String] { results.map { "\($0.outcome.rawValue) \($0.text)" } }
  return new.failure == old.failure && new.validity == old.validity
    && Set(new.doubts.map(\.id)) == Set(old.doubts.map(\.id))
    && judged(new.thresholds) == judged(old.thresholds) && judged(new.expects) == judged(old.expects)
    && judged(new.gates) == judged(old.gates)
    && new.comparisons.map { [$0.candidate, $0.metric, $0.verdict.rawValue] } == old.comparisons.map { [$0.candidate, $0.metric, $0.verdict.rawValue] }
}

private func sameNumbers(_ new: CellResult, _ old: CellResult) -> Bool {
  guard new.arms.map(\.name) == old.arms.map(\.name), new.arms.map(\.params) == old.arms.map(\.params) else { return false }
  for (a, b) in zip(new.arms, old.arms) {
    let shown = b.name.isEmpty ? b.metrics.keys.sorted() : old.columns
    for name in shown {
      switch (a.metrics[name], b.metrics[name]) {
      case (nil, nil): continue
      case (let x?, let y?): guard x.unit == y.unit, isNear(x.estimate, y.estimate) else { return false }
      default: return false
      }
      switch (a.theory[name], b.theory[name]) {
      case (nil, nil): continue
      // A theory may be evaluated on measured inputs (hit and miss time), so it moves a little with them.
      case (let x?, let y?): guard isNear(Estimate(x), Estimate(y)) else { return false }
      default: return false
      }
    }
  }
  for (a, b) in zip(new.comparisons, old.comparisons) {
    switch (a.ratio[a.metric], b.ratio[b.metric]) {
    case (nil, nil): continue
    case (let x?, let y?): guard isNear(x, y) else { return false }
    default: return false
    }
  }
  return true
}

/// The same plots with the same series; their points are the shown numbers again, or finer.
private func samePlots(_ new: CellResult, _ old: CellResult) -> Bool {
  // A results file that had to drop its plots to fit still agrees.
  old.plots.isEmpty || new.plots.map { [$0.title] + $0.series.map(\.name) } == old.plots.map { [$0.title] + $0.series.map(\.name) }
}

private func isNear(_ new: Estimate, _ old: Estimate) -> Bool {
  guard new.value.isFinite, old.value.isFinite else { return new.value.isNaN && old.value.isNaN || new.value == old.value }
  let distance = abs(new.value - old.value)
  if distance == 0 { return true }
  if let low = old.low, let high = old.high {
    let side = new.value < old.value ? old.value - low : high - old.value
    return distance <= 2 * max(0, side) || distance <= 0.02 * abs(old.value)
  }
  if old.value == 0 || new.value == 0 { return false }
  if abs(old.value) <= 10, old.value == old.value.rounded(), new.value == new.value.rounded() { return false }
  return distance <= 0.1 * abs(old.value)
}

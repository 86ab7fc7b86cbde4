// Does a new result say the same as the one that is written? If so, the notebook and its results file keep
// their bytes: a measurement is never exactly repeated, and a diff should mean that something changed.

import ExperimentModel

/// True when `new` answers the same question as `old` with the same conclusions and with numbers that noise explains.
public func agrees(_ new: CellResult, with old: CellResult) -> Bool { firstDifference(new, old) == nil }

/// What the two results do not agree on, in a few words; nil when they agree.
///
/// Compared are what the region shows: question, validity, verdicts, outcomes, doubts by id, theory, and the point
/// estimates of the shown columns and of each comparison's judged ratio. Not compared are the machine's state and every
/// metric that no table shows. A DEGRADED run that agrees otherwise does not replace a VALID one; the reverse does.
///
/// A number that something judges agrees when it lies within twice the saved interval's half-width of the saved estimate.
/// Two equally good estimates of one quantity differ by up to √2 half-widths in 95 of 100 cases; with some fifteen numbers
/// in a table the level for each must be 0.3 %, which is another factor 1.5. A smaller band would rewrite most notebooks on
/// every run. Below 2 % (the equivalence margin of comparisons) a difference counts as none. Without an interval: integers
/// up to 10 (flags, calls per expiry) must be equal, since one origin call instead of two is a finding; zero must stay
/// zero; anything else may differ by 10 %. A time or a rate that stands in the table for orientation, judged by nothing,
/// may differ by a factor of 1.5: its interval covers this run, not the state of the machine an hour later, and the median
/// of requests that take 40 µs is mostly the depth of the processor's sleep. What is computed has no noise: it follows from shown
/// numbers, or it is news.
public func firstDifference(_ new: CellResult, _ old: CellResult) -> String? {
  if !sameQuestion(new, old) { return "another question" }
  return differentConclusion(new, old) ?? differentNumber(new, old) ?? differentRequest(new, old) ?? differentPlots(new, old)
}

private func sameQuestion(_ new: CellResult, _ old: CellResult) -> Bool {
  new.id == old.id && new.kind == old.kind && new.title == old.title && new.inputs == old.inputs && new.quick == old.quick
    && new.evidence == old.evidence && new.columns == old.columns && new.rowLabel == old.rowLabel
    && new.change == old.change && new.why == old.why
}

private func differentConclusion(_ new: CellResult, _ old: CellResult) -> String? {
  if new.failure != old.failure { return "failure" }
  if new.validity != old.validity, !(new.validity == .degraded && old.validity == .valid) {
    return "\(old.validity.rawValue) → \(new.validity.rawValue)"
  }
  let (newDoubts, oldDoubts) = (Set(new.doubts.map(\.id)), Set(old.doubts.map(\.id)))
  if newDoubts != oldDoubts { return "doubts: " + newDoubts.symmetricDifference(oldDoubts).sorted().joined(separator: ", ") }
  for (a, b) in [(new.thresholds, old.thresholds), (new.expects, old.expects), (new.gates, old.gates)] {
    guard a.map(\.text) == b.map(\.text) else { return "other conditions" }
    // A check repeats what stands in other tables.
    if new.kind == "check", let (x, y) = zip(a, b).first(where: { !isRepeated($0.measured, $1.measured) }) {
      return "\(x.text): \(y.measured.map(format) ?? "nothing") → \(x.measured.map(format) ?? "nothing")"
    }
    for (x, y) in zip(a, b) where x.outcome != y.outcome { return "\(x.text): \(y.outcome.rawValue) → \(x.outcome.rawValue)" }
  }
  guard new.comparisons.map({ [$0.candidate, $0.metric] }) == old.comparisons.map({ [$0.candidate, $0.metric] }) else {
    return "other comparisons"
  }
  for (x, y) in zip(new.comparisons, old.comparisons) where x.verdict != y.verdict {
    return "\(x.candidate): \(y.verdict.rawValue) → \(x.verdict.rawValue)"
  }
  return nil
}

private func isRepeated(_ new: MetricValue?, _ old: MetricValue?) -> Bool {
  guard let new, let old else { return new == old }
  return new.unit == old.unit && isEqual(new.estimate, old.estimate)
}

private func differentNumber(_ new: CellResult, _ old: CellResult) -> String? {
  guard new.arms.map(\.name) == old.arms.map(\.name), new.arms.map(\.params) == old.arms.map(\.params) else { return "other rows" }
  let judged = judgedMetrics(old)
  for (a, b) in zip(new.arms, old.arms) {
    let shown = b.name.isEmpty ? b.metrics.keys.sorted() : old.columns
    for name in shown {
      func text(_ x: MetricValue?) -> String { x.map(format) ?? "nothing" }
      let change = "\(b.name.isEmpty ? "" : b.name + " ")\(name) \(text(b.metrics[name])) → \(text(a.metrics[name]))"
      switch (a.metrics[name], b.metrics[name]) {
      case (nil, nil): continue
      case (let x?, let y?):
        let isOrientation = !judged.contains(name) && (y.unit == .nanoseconds || y.unit == .perSecond)
        let isSame = old.evidence == .computed ? isEqual(x.estimate, y.estimate) : isNear(x.estimate, y.estimate, least: isOrientation ? 0.5 : 0.02)
        guard x.unit == y.unit, isSame else { return change }
      default: return change
      }
      switch (a.theory[name], b.theory[name]) {
      case (nil, nil): continue
      // A theory may be evaluated on measured inputs (hit and miss time), so it moves a little with them.
      case (let x?, let y?): guard isNear(Estimate(x), Estimate(y), least: 0.02) else { return "predicted \(name)" }
      default: return "predicted \(name)"
      }
    }
  }
  for (a, b) in zip(new.comparisons, old.comparisons) {
    switch (a.ratio[a.metric], b.ratio[b.metric]) {
    case (nil, nil): continue
    case (let x?, let y?):
      guard isNear(x, y, least: 0.02) else {
        return "ratio of \(b.candidate) \(format(y, .ratio, interval: true)) → \(format(x, .ratio, interval: true))"
      }
    default: return "ratio of \(b.candidate)"
    }
  }
  return nil
}

/// The same requests, with counts and shares that agree; their times stand there for orientation.
private func differentRequest(_ new: CellResult, _ old: CellResult) -> String? {
  for (a, b) in zip(new.arms, old.arms) {
    let (ours, theirs) = (a.requests ?? [], b.requests ?? [])
    guard ours.map(\.name) == theirs.map(\.name) else { return "other requests" }
    for (x, y) in zip(ours, theirs) {
      for name in requestColumns {
        switch (x.metrics[name]?.estimate, y.metrics[name]?.estimate) {
        case (nil, nil): continue
        case (let one?, let other?):
          // A rare request's count is a draw; that a request fails at all is news.
          let isWide = name != "http_req_failed" && name != "checks"
          guard isNear(Estimate(one.value), Estimate(other.value), least: isWide ? 0.5 : 0.1) else { return "\(y.name) \(name)" }
        default: return "\(y.name) \(name)"
        }
      }
    }
  }
  return nil
}

/// Metrics that a threshold, prediction or gate of the block names: those whose value decides something.
/// (A comparison's own metric is judged by its ratio.)
private func judgedMetrics(_ result: CellResult) -> Set<String> {
  Set(
    (result.thresholds + result.expects + result.gates).compactMap { one -> String? in
      guard !one.text.hasPrefix("ratio."), !one.text.hasPrefix("delta.") else { return nil }
      let path = one.text.prefix { !" @<>=!".contains($0) }
      return path.split(separator: ".").last.map(String.init)
    })
}

/// The same plots with the same series; their points are the shown numbers again, or finer.
private func differentPlots(_ new: CellResult, _ old: CellResult) -> String? {
  if old.pictures == nil, new.pictures != nil { return "pictures" }
  // A results file that had to drop its plots to fit still agrees.
  if old.plots.isEmpty { return nil }
  func outline(_ result: CellResult) -> [[String]] { result.plots.map { [$0.title] + $0.series.map(\.name) } }
  return outline(new) == outline(old) ? nil : "other plots"
}

/// The same but for the six digits that are kept.
private func isEqual(_ new: Estimate, _ old: Estimate) -> Bool {
  func same(_ a: Double?, _ b: Double?) -> Bool {
    guard let a, let b else { return a == nil && b == nil }
    return abs(a - b) <= 1e-5 * max(abs(a), abs(b))
  }
  return same(new.value, old.value) && same(new.low, old.low) && same(new.high, old.high)
}

/// - Parameter least: the relative difference that counts as none in a number with an interval.
private func isNear(_ new: Estimate, _ old: Estimate, least: Double) -> Bool {
  guard new.value.isFinite, old.value.isFinite else { return new.value.isNaN && old.value.isNaN || new.value == old.value }
  let distance = abs(new.value - old.value)
  if distance == 0 { return true }
  // A wide tolerance is a factor: half is as far away as double.
  let base = least > 0.1 ? min(abs(new.value), abs(old.value)) : abs(old.value)
  if let low = old.low, let high = old.high {
    let side = new.value < old.value ? old.value - low : high - old.value
    return distance <= 2 * max(0, side) || distance <= least * base
  }
  if old.value == 0 || new.value == 0 { return false }
  if abs(old.value) <= 10, old.value == old.value.rounded(), new.value == new.value.rounded() { return false }
  return distance <= max(0.1, least) * base
}

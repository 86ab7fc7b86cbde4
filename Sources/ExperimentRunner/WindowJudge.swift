// Thresholds that must hold in stretches of a run. Every window has to satisfy; the windows share the error of 5 %, so that
// of sixty windows none fails by chance more often than one judgement does. A window that fails is named with its time.

import ExperimentModel
import LoadKernel
import Statistics

/// A stretch of one slice.
private struct Stretch {
  var part = LoadPart()
  /// Seconds from the slice's start.
  var from: Double
  var to: Double
  /// From 1; nil: there is only one.
  var slice: Int?
  /// Of its slice: independent response times over response times, by quantile.
  var independence: (Double) -> Double = { _ in 1 }

  var text: String { "\(plain(from)) s to \(plain(to)) s" + (slice.map { " of slice \($0)" } ?? "") }
}

/// - Parameters:
///   - slices: single runs of one arm, recorded with `partLength`.
///   - full: what `partLength` was before a quick run shortened it.
/// - Returns: the judgement with the value of the first window that fails, else of the one nearest to it.
func judgeWindows(_ judgement: Judgement, _ window: ThresholdWindow, _ slices: [LoadRecord], full: Nanoseconds) -> JudgementResult {
  let stretches = stretches(window, slices, full)
  let unmeasured = JudgementResult(text: judgement.text, measured: nil, outcome: .inconclusive)
  guard let unit = Metric.named(judgement.address.metric)?.unit, !stretches.isEmpty else { return unmeasured }
  let confidence = 1 - 0.05 / Double(stretches.count)
  var judged: [(stretch: Stretch, value: Estimate, outcome: Outcome)] = []
  for stretch in stretches {
    // Nothing was answered: of a time nothing is known, and a count is zero.
    guard let value = figure(judgement.address.metric, stretch, confidence) else { continue }
    judged.append((stretch, value, Runner.outcome(value, judgement.op, judgement.limit.value)))
  }
  guard !judged.isEmpty else { return unmeasured }
  let isUpper = judgement.op == .less || judgement.op == .lessOrEqual
  func isWorse(_ a: Estimate, _ b: Estimate) -> Bool { isUpper ? a.value > b.value : a.value < b.value }
  let worst = judged.first { $0.outcome == .fail }
    ?? judged.filter { $0.outcome == .inconclusive }.min { isWorse($0.value, $1.value) } ?? judged.min { isWorse($0.value, $1.value) } ?? judged[0]
  let outcome: Outcome = worst.outcome == .pass && judged.count < stretches.count ? .inconclusive : worst.outcome
  return JudgementResult(text: judgement.text, measured: MetricValue(worst.value, unit), outcome: outcome, place: worst.stretch.text)
}

private func stretches(_ window: ThresholdWindow, _ slices: [LoadRecord], _ full: Nanoseconds) -> [Stretch] {
  func parts(_ time: Nanoseconds) -> Int { Int(time.rawValue / max(1, full.rawValue)) }
  func cut(_ record: LoadRecord, _ slice: Int, _ range: Range<Int>) -> Stretch {
    let length = record.partLength?.seconds ?? 0
    var stretch = Stretch(from: Double(range.lowerBound) * length, to: Double(range.upperBound) * length, slice: slices.count > 1 ? slice + 1 : nil)
    for part in record.parts[range] { stretch.part.add(part) }
    // A window is too short to show how much its requests share; the run is not.
    if record.response.count > 0 { stretch.independence = { record.worth($0) / Double(record.response.count) } }
    return stretch
  }
  switch window {
  case .every(let length):
    return slices.enumerated().flatMap { slice, record -> [Stretch] in
      guard !record.parts.isEmpty else { return [] }
      let size = max(1, parts(length))
      // What does not fill a window belongs to the one before it.
      let count = max(1, record.parts.count / size)
      return (0..<count).map { cut(record, slice, $0 * size..<($0 == count - 1 ? record.parts.count : ($0 + 1) * size)) }
    }
  case .between(let from, let to):
    // One stretch of the arm, from all of its slices.
    var all: Stretch?
    for (slice, record) in slices.enumerated() where parts(from) < min(parts(to), record.parts.count) {
      let one = cut(record, slice, parts(from)..<min(parts(to), record.parts.count))
      if all == nil { all = one } else { all?.part.add(one.part) }
    }
    all?.slice = nil
    return all.map { [$0] } ?? []
  }
}

private func figure(_ metric: String, _ stretch: Stretch, _ confidence: Double) -> Estimate? {
  let part = stretch.part
  let answers = Double(part.completed + part.failed)
  switch metric {
  case "http_reqs": return Estimate(answers)
  case "rate": return Estimate((answers - Double(part.late)) / max(1e-9, stretch.to - stretch.from))
  case "http_req_failed": return answers > 0 ? Estimate(Double(part.failed) / answers) : nil
  case "checks": return part.checked > 0 ? Estimate(Double(part.passed) / Double(part.checked)) : nil
  default: break
  }
  let response = part.response
  guard response.count > 0 else { return nil }
  switch metric {
  case "mean", "http_req_duration": return Estimate(response.mean)
  case "max": return Estimate(Double(response.max))
  default:
    guard let q = ArmMeasurement.quantiles.first(where: { $0.0 == metric })?.1 else { return nil }
    let interval = response.interval(q, confidence: confidence, worth: stretch.independence(q) * Double(response.count))
    return Estimate(Double(response.quantile(q)), low: interval.map { Double($0.low) }, high: interval.map { Double($0.high) })
  }
}

/// The longest part from which all windows can be put together; nil: no window is asked for.
func partLength(_ judgements: [Judgement]) -> Nanoseconds? {
  func divisor(_ a: Int64, _ b: Int64) -> Int64 { b == 0 ? a : divisor(b, a % b) }
  let times = judgements.compactMap(\.window).flatMap(\.times).map(\.rawValue)
  return times.isEmpty ? nil : Nanoseconds(times.reduce(0, divisor))
}

/// What the kernel looks at while the load runs.
///
/// - Parameter arm: whose run it is; nil: a run without a block.
func abortRules(_ judgements: [Judgement], arm: LoadArm?, share: Double = 1) -> [AbortRule] {
  judgements.filter { one in
    let isOfArm = one.address.arm.isEmpty || one.address.arm.first == arm?.name
    return one.abortOnFail && isOfArm && one.address.at.allSatisfy { arm?.params[$0.key] == $0.value }
  }
    .compactMap { one in
      let figure: AbortRule.Figure
      switch one.address.metric {
      case "mean", "http_req_duration": figure = .mean
      case "max": figure = .max
      case "http_req_failed": figure = .failedShare
      case "checks": figure = .checks
      case "rate": figure = .rate
      default:
        guard let q = ArmMeasurement.quantiles.first(where: { $0.0 == one.address.metric })?.1 else { return nil }
        figure = .quantile(q)
      }
      return AbortRule(
        figure: figure, op: one.op, limit: one.limit.value, after: Nanoseconds(seconds: (one.delayAbort ?? .zero).seconds * share), text: one.text)
    }
}

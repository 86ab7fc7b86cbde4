// The highest rate that keeps an objective. First the bracket, by doubling. Then, for an objective on a response time, the ceiling:
// what is served while too much is offered; and long runs below it, which CapacityModel turns into the answer. For any other objective the
// bracket is bisected. Each trial is a run of its own with its own verdict; what was not valid says nothing about the target, and
// may say that the generator is the limit.

import ExperimentModel
import LoadKernel

/// How the search spends its time.
public struct CapacityPlan: Sendable {
  /// Requests per second of the first trial.
  public var start = 100.0
  /// Never above this.
  public var most = 1e6
  /// Seconds for everything.
  public var budget = 60.0
  /// A bisected bracket is narrow enough when its ends differ by less than this share.
  public var precision = 0.03
  public init() {}
}

/// Searches for the capacity of a target under one objective.
///
/// - Parameters:
///   - run: one trial at a rate for some seconds; its first threshold is the objective.
///   - elapsed: seconds since the search began.
/// - Returns: the trials, and the capacity with a 95 % interval, or with its bracket where it was bisected.
public func searchCapacity(
  _ plan: CapacityPlan, target: String, objective: Judgement, elapsed: @escaping () -> Double, cancelled: @escaping () -> Bool,
  run: @escaping (_ rate: Double, _ seconds: Double) throws(CellFailure) -> LoadReport
) throws(CellFailure) -> CapacityReport {
  var search = CapacitySearch(plan, target: target, objective: objective, elapsed: elapsed, cancelled: cancelled, run: run)
  try search.bracket()
  if search.isOver { return search.report }
  if search.isOfTime, try search.findCeiling() { try search.refine() } else { try search.bisect() }
  return search.report
}

private struct CapacitySearch {
  let plan: CapacityPlan
  let objective: Judgement
  let elapsed: () -> Double
  let cancelled: () -> Bool
  let run: (Double, Double) throws(CellFailure) -> LoadReport
  var report: CapacityReport
  /// The highest rate that kept it and the lowest that did not.
  var good: Double?
  var bad: Double?
  var isOver = false
  var model: CapacityModel

  init(
    _ plan: CapacityPlan, target: String, objective: Judgement, elapsed: @escaping () -> Double, cancelled: @escaping () -> Bool,
    run: @escaping (Double, Double) throws(CellFailure) -> LoadReport
  ) {
    (self.plan, self.objective, self.elapsed, self.cancelled, self.run) = (plan, objective, elapsed, cancelled, run)
    report = CapacityReport(target: target, objective: objective.text, capacity: nil, trials: [])
    model = CapacityModel(limit: objective.limit.value, limitSeconds: objective.limit.value / 1e9)
  }

  /// A limit on how long answers take: what the model of a queue is about.
  var isOfTime: Bool { objective.limit.unit == .nanoseconds && !objective.op.holds(.infinity, objective.limit.value) }
  private var quantile: Double? { LatencySummary.names.first { $0.name == objective.address.metric }?.q }
  /// Beside a run, connecting and the late answers take time.
  private static let overhead = 0.5
  private var left: Double { plan.budget - elapsed() - Self.overhead }

  // MARK: Trials

  private enum Answer { case keeps, breaks, overrun, unknown }

  /// - Parameter counts: as a measurement of the response times, not only as a decision.
  private mutating func attempt(_ rate: Double, _ seconds: Double, counts: Bool = false) throws(CellFailure) -> (Answer, LoadReport) {
    let found = try run(rate, seconds)
    let judged = found.thresholds.first
    var keeps: Bool? = judged.flatMap { $0.outcome == .pass ? true : $0.outcome == .fail ? false : nil }
    // Not decided by its interval: the point is the best guess, and the neighbours will tell.
    if keeps == nil, found.validity != .invalid, let value = judged?.measured?.estimate.value {
      keeps = objective.op.holds(value, objective.limit.value)
    }
    // A target that cannot answer at this rate does not keep any objective at it.
    let saturated = found.validity != .invalid || found.isTargetsFault ? found.servedAtSaturation(seconds: seconds) : nil
    let isOverrun = saturated != nil || found.validity == .invalid && found.isTargetsFault
    if let saturated { model.addServed(saturated.rate, seconds: saturated.seconds, spread: saturated.spread) }
    if counts, !isOverrun, let one = CapacityRun(found, seconds: seconds, q: quantile) { model.add(one) }
    if isOverrun || found.validity != .invalid && Double(found.failed) > 0.01 * Double(max(1, found.requests)) { keeps = false }
    if found.validity == .invalid, !isOverrun { keeps = nil }
    report.trials.append(CapacityReport.Trial(rate: rate, keeps: keeps, measured: judged?.measured, validity: found.validity))
    return (isOverrun ? .overrun : keeps.map { $0 ? .keeps : .breaks } ?? .unknown, found)
  }

  /// One answer for a rate: a run that was not valid, or that broke the objective by less than its double, is tried once more,
  /// since a moment of the machine can do both, and neither should end a search.
  private mutating func settled(_ rate: Double, _ seconds: Double) throws(CellFailure) -> Bool? {
    for isLast in [false, true] where !cancelled() {
      let (answer, found) = try attempt(rate, seconds)
      let measured = found.thresholds.first?.measured?.estimate.value ?? .infinity
      switch answer {
      case .keeps: return true
      case .overrun: return false
      case .breaks where isLast || measured > 2 * objective.limit.value || left < seconds: return false
      case .unknown where isLast || left < seconds: return nil
      default: continue
      }
    }
    return nil
  }

  private mutating func note(_ rate: Double, _ keeps: Bool?) {
    switch keeps {
    case true?: good = max(good ?? 0, rate)
    case false?: bad = min(bad ?? .infinity, rate)
    case nil:
      report.reason = "the run at \(plain(rate)) rps was not valid: the generator or this machine is the limit, not the target"
      if let good { report.capacity = Estimate(good, low: good, high: nil) }
      isOver = true
    }
  }

  // MARK: Steps

  /// Doubles from `start` until the objective breaks; divides by four when it breaks at once.
  mutating func bracket() throws(CellFailure) {
    var rate = plan.start
    while !cancelled(), !isOver {
      // A thousandth of the requests of a second is no p99: slow rates need longer.
      let seconds = min(3, max(0.7, 700 / rate))
      guard left > seconds else { break }
      note(rate, try settled(rate, seconds))
      if good != nil, bad != nil { return }
      if good != nil {
        guard rate < plan.most else { break }
        rate = min(plan.most, rate * 2)
      } else {
        rate /= 4
        guard rate >= 0.5 else { break }
      }
    }
    if isOver { return }
    isOver = true
    report.reason =
      good.map { "the objective was kept at every rate that was tried, up to \(plain($0)) rps" } ?? "the objective was kept at no rate that was tried"
  }

  /// Offers too much, first to see that it is, then for as long as a good figure of what is served needs.
  mutating func findCeiling() throws(CellFailure) -> Bool {
    var rate = bad ?? plan.start
    while model.ceiling == nil, rate < 8 * (bad ?? rate), rate < plan.most, left > 4, !cancelled() {
      rate = min(plan.most, 2 * rate)
      if case .unknown = try attempt(rate, 1.5).0 { return false }
    }
    guard let ceiling = model.ceiling else { return false }
    let seconds = min(7, left / 4)
    if seconds > 1.5, !cancelled() { _ = try attempt(1.25 * ceiling, seconds) }
    return true
  }

  /// Three runs below the ceiling, each longer and better placed than the one before.
  mutating func refine() throws(CellFailure) {
    let broken = bad ?? .infinity
    var guess = ((good ?? broken / 4) * min(broken, model.ceiling ?? broken)).squareRoot()
    for length in [4, 10, Double.infinity] where left > 2.5 && !cancelled() {
      let seconds = min(length, left)
      let rate = model.nextRate(from: guess, seconds: seconds)
      switch try attempt(rate, seconds, counts: true).0 {
      case .overrun: guess = 0.9 * min(rate, model.ceiling ?? rate)
      case .unknown: continue
      case .keeps, .breaks: break
      }
    }
    guard let ceiling = model.ceiling, let estimate = model.estimate else {
      report.reason = "no run below the ceiling was valid: the generator or this machine is the limit, not the target"
      return
    }
    report.capacity = estimate
    report.ceiling = ceiling
    let rates = model.runs.map { plain($0.rate.rounded()) }.joined(separator: ", ")
    report.reason =
      "from the \(plain(ceiling.rounded())) rps that are served at saturation and the times at \(rates) rps, which grow like 1/(\(plain(ceiling.rounded())) rps − rate) as in any queue"
  }

  /// Halves the bracket with runs long enough for a queue to show: fed 3 % too fast for T seconds, it makes the last ones wait 0.03 T.
  mutating func bisect() throws(CellFailure) {
    let limit = objective.limit.unit == .nanoseconds ? objective.limit.value / 1e9 : 0
    let seconds = min(plan.budget / 10, max(2, 2 * limit / plan.precision))
    while let good, let bad, !isOver, !cancelled(), left > seconds {
      if bad <= good {
        // Noise made a lower rate fail: what was seen there counts less than what was seen above it.
        report.reason = "the objective is kept at \(plain(good)) rps and was broken at \(plain(bad)): the target is not steady"
        break
      }
      if (bad - good) / good < plan.precision { break }
      let rate = (good * bad).squareRoot()
      note(rate, try settled(rate, seconds))
    }
    if isOver { return }
    if let good, let bad { report.capacity = Estimate((good * bad).squareRoot(), low: min(good, bad), high: max(good, bad)) }
  }
}

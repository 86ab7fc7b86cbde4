// The highest rate that keeps an objective: bracketed by doubling, then bisected, then confirmed. Each trial is a run of its
// own with its own verdict; what was not valid says nothing about the target, and may say that the generator is the limit.

import ExperimentModel
import LoadKernel

/// How the search spends its time.
public struct CapacityPlan: Sendable {
  /// Requests per second of the first trial.
  public var start = 100.0
  /// Never above this.
  public var most = 1e6
  /// Seconds of one trial at first; the last ones take twice as long.
  public var trial = 2.0
  /// Seconds for everything.
  public var budget = 60.0
  /// The bracket is narrow enough when its ends differ by less than this share.
  public var precision = 0.03
  public init() {}
}

/// Searches for the capacity of a target under one objective.
///
/// - Parameters:
///   - base: the traffic; its rate and duration are replaced.
///   - run: one trial at a rate for some seconds.
///   - elapsed: seconds since the search began.
/// - Returns: the trials and the bracket [highest rate that kept it, lowest that did not]; the estimate is its middle, and a rate
///   that could not be decided is neither.
public func searchCapacity(
  _ plan: CapacityPlan, target: String, objective: Judgement, elapsed: () -> Double, cancelled: () -> Bool,
  run: (_ rate: Double, _ seconds: Double) throws(CellFailure) -> LoadReport
) throws(CellFailure) -> CapacityReport {
  var report = CapacityReport(target: target, objective: objective.text, capacity: nil, trials: [])
  var good: Double?
  var bad: Double?
  var rate = plan.start
  var seconds = plan.trial
  // A queue that is fed 3 % too fast needs its time to show: after T seconds it makes the last ones wait 0.03 T. Bisecting with
  // runs too short for that would find capacities above what is served.
  let limit = objective.limit.unit == .nanoseconds ? objective.limit.value / 1e9 : 0
  let longest = min(plan.budget / 10, max(plan.trial, 2 * limit / plan.precision))

  func attempt(_ rate: Double, _ seconds: Double) throws(CellFailure) -> CapacityReport.Trial {
    let found = try run(rate, seconds)
    let judged = found.thresholds.first
    var keeps: Bool? = judged.flatMap { $0.outcome == .pass ? true : $0.outcome == .fail ? false : nil }
    // Not decided by its interval: the point is the best guess, and the neighbours will tell.
    if keeps == nil, found.validity != .invalid, let value = judged?.measured?.estimate.value {
      keeps = objective.op.holds(value, objective.limit.value)
    }
    // A target that cannot answer at this rate does not keep any objective at it.
    let isOverrun = found.validity == .invalid && found.isTargetsFault
    if isOverrun || found.validity != .invalid && Double(found.failed) > 0.01 * Double(max(1, found.requests)) { keeps = false }
    return CapacityReport.Trial(
      rate: rate, keeps: found.validity == .invalid && !isOverrun ? nil : keeps, measured: judged?.measured, validity: found.validity)
  }

  /// One answer for a rate: a run that was not valid, or that broke the objective, is tried once more, since a moment of
  /// the machine can do both, and neither should end a search.
  func settled(_ rate: Double, _ seconds: Double) throws(CellFailure) -> Bool? {
    var last: Bool?
    for _ in 0..<2 where !cancelled() {
      let trial = try attempt(rate, seconds)
      report.trials.append(trial)
      if trial.keeps == true { return true }
      last = trial.keeps ?? last
      // Twice beyond the limit, or not even served: no moment of the machine does that.
      let measured = trial.measured?.estimate.value ?? .infinity
      if trial.keeps == false, trial.validity == .invalid || measured > 2 * objective.limit.value { return false }
      if elapsed() + seconds > plan.budget { break }
    }
    return last
  }

  while !cancelled(), elapsed() + seconds < plan.budget {
    switch try settled(rate, seconds) {
    case true?: good = max(good ?? 0, rate)
    case false?: bad = min(bad ?? .infinity, rate)
    case nil:
      report.reason = "the run at \(plain(rate)) rps was not valid: the generator or this machine is the limit, not the target"
      if let good { report.capacity = Estimate(good, low: good, high: nil) }
      return report
    }
    if let good, let bad {
      if bad <= good {
        // Noise made a lower rate fail: what was seen there counts less than what was seen above it.
        report.reason = "the objective is kept at \(plain(good)) rps and was broken at \(plain(bad)): the target is not steady"
        break
      }
      if (bad - good) / good < plan.precision { break }
      seconds = longest
      rate = (good * bad).squareRoot()
    } else if good != nil {
      guard rate < plan.most else { break }
      rate = min(plan.most, rate * 2)
    } else {
      rate /= 4
      guard rate >= 0.5 else { break }
    }
  }
  switch (good, bad) {
  case (let good?, let bad?): report.capacity = Estimate((good * bad).squareRoot(), low: min(good, bad), high: max(good, bad))
  case (let good?, nil):
    report.capacity = nil
    report.reason = report.reason ?? "the objective was kept at every rate that was tried, up to \(plain(good)) rps"
  case (nil, _): report.reason = report.reason ?? "the objective was kept at no rate that was tried"
  }
  return report
}

// Error budgets and burn rates over a recording, as pure functions (Google, The Site Reliability Workbook, chapter 5).
// burn = share of bad requests ÷ share that the objective allows. An alert fires while burn(long) and burn(short) are both
// above its rate: the long window says that it matters, the short one that it still goes on.

import ExperimentModel

/// Good and all requests up to each moment; moments do not decrease.
struct RatioSeries {
  private var moments: [Int64] = []
  /// Sums over everything up to and with the moment of the same index.
  private var good: [Int] = []
  private var total: [Int] = []
  /// Where the recording ends, in the service's own time.
  let end: Int64

  init(end: Int64) { self.end = end }

  mutating func add(at moment: Int64, good: Int, total: Int) {
    moments.append(moment)
    self.good.append((self.good.last ?? 0) + good)
    self.total.append((self.total.last ?? 0) + total)
  }

  var times: [Int64] { moments }
  var totalSum: Int { total.last ?? 0 }
  /// What was added, one by one.
  var values: [(good: Int, total: Int)] {
    moments.indices.map { $0 == 0 ? (good[0], total[0]) : (good[$0] - good[$0 - 1], total[$0] - total[$0 - 1]) }
  }

  /// Share of bad requests in (end − window, end]; nil without requests. A window that begins before the recording uses
  /// what there is, as Prometheus does.
  func badShare(until end: Int64, window: Int64) -> Double? {
    let last = count(upTo: end)
    let first = count(upTo: end - window)
    let all = (last > 0 ? total[last - 1] : 0) - (first > 0 ? total[first - 1] : 0)
    let fine = (last > 0 ? good[last - 1] : 0) - (first > 0 ? good[first - 1] : 0)
    return all > 0 ? Double(all - fine) / Double(all) : nil
  }

  /// OpenSLO's Timeslices: one value for each whole slice, good when at least `target` of its requests are. A slice without
  /// requests had no bad one.
  func slices(_ slice: TimeSlice) -> RatioSeries {
    let length = slice.window.rawValue
    var result = RatioSeries(end: end / length * length)
    for index in 0..<Int(end / length) {
      let at = Int64(index + 1) * length
      let bad = badShare(until: at, window: length) ?? 0
      // 1 − 0.99 is not 0.01 in binary: what is equal but for rounding is good.
      result.add(at: at, good: bad <= (1 - slice.target) * (1 + 1e-9) ? 1 : 0, total: 1)
    }
    return result
  }

  func badSum(until time: Int64) -> Int {
    let last = count(upTo: time)
    return last > 0 ? total[last - 1] - good[last - 1] : 0
  }

  /// Moments that are not after `time`.
  private func count(upTo time: Int64) -> Int {
    var (low, high) = (0, moments.count)
    while low < high {
      let middle = (low + high) / 2
      if moments[middle] <= time { low = middle + 1 } else { high = middle }
    }
    return low
  }
}

/// What one alert did over a recording.
struct AlertOutcome: Hashable {
  /// Incidents: a firing within a long window of the last one belongs to the same.
  var fired = 0
  /// When it first fired; nil: never.
  var firedAt: Int64?
  /// When it last fired: it ended after that, or lasts until the recording's end.
  var lastAt: Int64?
  /// Largest of the smaller of both burn rates.
  var peakBurn = 0.0
}

/// How many times faster than allowed the budget burns: 1 uses it up exactly in the time window.
func burnRate(badShare: Double, target: Double) -> Double { badShare / (1 - target) }

/// The share of a whole budget that a burn rate uses up in `duration` of a time window.
func budgetSpent(burn: Double, over duration: Nanoseconds, of timeWindow: Nanoseconds) -> Double {
  burn * Double(duration.rawValue) / Double(timeWindow.rawValue)
}

/// The burn rate that uses up `share` of a budget in `duration`: 2 % in 1 h of 30 d is 14.4.
func burnRate(spending share: Double, in duration: Nanoseconds, of timeWindow: Nanoseconds) -> Double {
  share * Double(timeWindow.rawValue) / Double(duration.rawValue)
}

/// Evaluates an alert at every moment of the recording, once its long window is full; an alert whose long window is longer
/// than the recording is evaluated at its end only, on all of it.
func evaluate(_ alert: BurnAlert, on series: RatioSeries, target: Double) -> AlertOutcome {
  var outcome = AlertOutcome()
  var heldSince: Int64?
  let start = min(alert.long.rawValue, series.end)
  for time in series.times.filter({ $0 >= start && $0 < series.end }) + [series.end] {
    let windows = [alert.long, alert.short].compactMap { $0 }
    let shares = windows.compactMap { series.badShare(until: time, window: $0.rawValue) }
    guard shares.count == windows.count, let share = shares.min() else { continue }
    let burn = burnRate(badShare: share, target: target)
    outcome.peakBurn = max(outcome.peakBurn, burn)
    // 14.4 of a target of 0.99 is not 14.4 in binary: what is equal but for rounding is not above.
    guard burn > alert.burn * (1 + 1e-9) else {
      heldSince = nil
      continue
    }
    heldSince = heldSince ?? time
    guard time - (heldSince ?? time) >= alert.after?.rawValue ?? 0 else { continue }
    if outcome.lastAt.map({ time - $0 > alert.long.rawValue }) ?? true { outcome.fired += 1 }
    outcome.firedAt = outcome.firedAt ?? time
    outcome.lastAt = time
  }
  return outcome
}

/// When an alert finds a constant error rate after a time without errors: long window × burn × (1 − objective) / error rate. The short
/// window fills sooner. nil: never, since it burns no faster than the alert allows.
func detectionTime(_ alert: BurnAlert, target: Double, errorRate: Double) -> Double? {
  let share = alert.burn * (1 - target) / errorRate
  return share < 1 - 1e-9 ? Double(alert.long.rawValue) * share + Double(alert.after?.rawValue ?? 0) : nil
}

/// How long it goes on after the errors have ended, when they lasted for as long as its short window: until the share of them that is left in it
/// is what the alert allows.
func resetTime(_ alert: BurnAlert, target: Double, errorRate: Double) -> Double {
  Double((alert.short ?? alert.long).rawValue) * (1 - alert.burn * (1 - target) / errorRate)
}

/// Apdex: (satisfied + tolerating / 2) / all, with answers up to T and up to 4 T; what failed is neither (Apdex Alliance, Application
/// Performance Index, version 1.1).
func apdexScore(_ request: RecordedRequest, _ t: Nanoseconds) -> Double {
  guard let duration = request.duration else { return 0 }
  return duration <= t ? 1 : duration.rawValue <= 4 * t.rawValue ? 0.5 : 0
}

extension Indicator {
  func isGood(_ request: RecordedRequest) -> Bool {
    guard let duration = request.duration else { return false }
    return switch self {
    case .faster(let limit): duration < limit
    case .answered: true
    }
  }
}

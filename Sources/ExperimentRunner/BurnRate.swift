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

  /// Share of bad requests in (end − window, end]; nil without requests. A window that begins before the recording uses
  /// what there is, as Prometheus does.
  func badShare(until end: Int64, window: Int64) -> Double? {
    let last = count(upTo: end)
    let first = count(upTo: end - window)
    let all = (last > 0 ? total[last - 1] : 0) - (first > 0 ? total[first - 1] : 0)
    let fine = (last > 0 ? good[last - 1] : 0) - (first > 0 ? good[first - 1] : 0)
    return all > 0 ? Double(all - fine) / Double(all) : nil
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
  var lastFiring: Int64?
  let start = min(alert.long.rawValue, series.end)
  for time in series.times.filter({ $0 >= start && $0 < series.end }) + [series.end] {
    guard let long = series.badShare(until: time, window: alert.long.rawValue),
      let short = series.badShare(until: time, window: alert.short.rawValue)
    else { continue }
    let burn = min(burnRate(badShare: long, target: target), burnRate(badShare: short, target: target))
    outcome.peakBurn = max(outcome.peakBurn, burn)
    // 14.4 of a target of 0.99 is not 14.4 in binary: what is equal but for rounding is not above.
    guard burn > alert.burn * (1 + 1e-9) else { continue }
    if lastFiring.map({ time - $0 > alert.long.rawValue }) ?? true { outcome.fired += 1 }
    outcome.firedAt = outcome.firedAt ?? time
    lastFiring = time
  }
  return outcome
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

// From runs at some rates to the rate at which a latency objective breaks. A queue near its capacity C answers in times
// that grow like 1/(C − λ) whatever its arrivals and services are (Kingman 1961; exact for M/M/1, where p99 = ln 100/(C − λ)),
// so one run at λ with the measured p places the objective's limit L at C − (C − λ)·p/L. That matters because right at
// the objective a queue needs minutes to settle: at 99 % of 5,000/s its memory is 8 s, and bisecting with runs of 6 s
// there found capacities 3 to 7 % above the truth. C itself shows in seconds: it is what is served while too much is offered.

import ExperimentModel

/// One run of a search.
struct CapacityRun: Hashable, Sendable {
  /// Arrivals per second that the plan really held, and its length in seconds.
  var rate: Double
  var seconds: Double
  /// The objective's metric, in the limit's unit.
  var value: Double
  /// Half of its 95 % interval over it.
  var relative: Double
}

/// What is known so far. Pure: the search feeds it, tests feed it with simulated queues.
struct CapacityModel {
  /// The objective's limit, in its unit, and in seconds.
  let limit: Double
  let limitSeconds: Double
  /// Times the queue's memory that a run must last to count as settled; found by simulating M/M/1, M/D/1, M/G/1 and M/M/4: at
  /// 6 the estimates are half a per cent higher than at 15, and longer runs leave too little for the other rates.
  private static let settling = 15.0

  private(set) var runs: [CapacityRun] = []
  /// Good answers per second while more was offered, and the seconds of each stretch.
  private(set) var served: [(rate: Double, seconds: Double, spread: Double)] = []

  init(limit: Double, limitSeconds: Double) {
    self.limit = limit; self.limitSeconds = limitSeconds
  }

  mutating func add(_ run: CapacityRun) { runs.append(run) }

  /// - Parameter spread: standard error of `rate`.
  mutating func addServed(_ rate: Double, seconds: Double, spread: Double) { served.append((rate, seconds, spread)) }

  /// Answers per second at saturation; nil: not seen.
  var ceiling: Double? {
    let seconds = served.reduce(0) { $0 + $1.seconds }
    return seconds > 0 ? served.reduce(0) { $0 + $1.rate * $1.seconds } / seconds : nil
  }

  private var ceilingError: Double {
    let seconds = served.reduce(0) { $0 + $1.seconds }
    return served.reduce(0) { $0 + ($1.spread * $1.seconds) * ($1.spread * $1.seconds) }.squareRoot() / max(seconds, 1e-9)
  }

  /// The rate at which the limit is met, with a 95 % interval; nil: no ceiling or no run yet. Runs near the limit weigh more: from
  /// far away the 1/(C − λ) is only nearly true.
  var estimate: Estimate? {
    guard let ceiling, !runs.isEmpty else { return nil }
    var total = 0.0
    var sum = 0.0
    var squares = 0.0
    var ceilingShare = 0.0
    for (index, run) in runs.enumerated() {
      let near = min(run.value / limit, limit / run.value)
      // The first run is for orientation, unless it is the only one.
      let weight = run.seconds * near * (index == 0 && runs.count > 1 ? 0.2 : 1)
      let gap = (ceiling - run.rate) * run.value / limit
      total += weight
      sum += weight * (ceiling - gap)
      squares += weight * weight * gap * gap * run.relative * run.relative
      ceilingShare += weight * (1 - run.value / limit)
    }
    guard total > 0 else { return nil }
    let value = sum / total
    let error = 1.96 * ceilingError * ceilingShare / total
    let half = (squares / (total * total) + error * error).squareRoot()
    return Estimate(value, low: max(0, value - half), high: min(value + half, ceiling + 1.96 * ceilingError))
  }

  /// The rate for a run of `seconds`: at the estimate, but so far below the ceiling that the queue settles in that time. A queue's memory is
  /// about its p99 over (1 − λ/C).
  func nextRate(from guess: Double, seconds: Double) -> Double {
    guard let ceiling else { return guess }
    let aim = min(estimate?.value ?? guess, 0.998 * ceiling)
    let gap = max(ceiling - aim, 0.002 * ceiling)
    let distance = (Self.settling * limitSeconds * gap * ceiling / seconds).squareRoot()
    return max(min(aim, ceiling - distance), 0.3 * aim)
  }
}

extension CapacityRun {
  /// nil: nothing was measured.
  ///
  /// - Parameter q: of the objective, when it is a quantile.
  init?(_ report: LoadReport, seconds: Double, q: Double?) {
    guard let measured = report.thresholds.first?.measured?.estimate, measured.value > 0, report.validity != .invalid else { return nil }
    rate = report.plannedRate ?? report.rate
    self.seconds = seconds
    value = measured.value
    let worth = max(1, report.effectiveRequests ?? Double(report.requests))
    // Of an exponential tail, which a busy queue's is: √(q/((1 − q) n))/ln(1/(1 − q)), and 1/√n for the mean.
    relative = 1.96 * (q.map { ($0 / (1 - $0)).squareRoot() / -logarithm(1 - $0) } ?? 1) / worth.squareRoot()
  }
}

extension LoadReport {
  /// Of a run whose plan lasted `seconds`: the good answers per second in its second half, when by its end clearly fewer than planned had
  /// been answered; nil: the target kept up.
  func servedAtSaturation(seconds: Double) -> (rate: Double, seconds: Double, spread: Double)? {
    guard let plannedRate, windows.count > 3 else { return nil }
    let length = (windows[1].start - windows[0].start) / 1e9
    let inside = windows.filter { $0.start / 1e9 + length <= seconds * 1.001 }
    let planned = plannedRate * seconds
    let missing = planned - inside.reduce(0) { $0 + $1.rate * length }
    guard missing > max(0.05 * planned, 4 * planned.squareRoot()) else { return nil }
    let late = inside.filter { $0.start / 1e9 >= seconds / 2 }.map { $0.rate - Double($0.failed) / length }
    guard late.count > 3 else { return nil }
    let mean = late.reduce(0, +) / Double(late.count)
    guard mean > 0 else { return nil }
    let squares = late.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    return (mean, Double(late.count) * length, (squares / Double(late.count * (late.count - 1))).squareRoot())
  }
}

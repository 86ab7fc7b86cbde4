// The money formulas as pure functions, one for each line of arithmetic, so that each can be checked by hand. Times are in
// nanoseconds, shares 0…1, money in US dollars. A month has 30 days. Sources are named where a formula is somebody's.

import SimulationKernel

enum Pricing {
  static let second = 1e9
  static let hour = 3_600e9
  static let day = 86_400e9
  static let month = 30 * day
  /// Bytes of the GB in which traffic is billed.
  static let gigabyte = 1e9
  /// Bytes of the GB in which memory is billed.
  static let gibibyte = 1_073_741_824.0

  /// sessions × conversion × order value: USD a day.
  static func revenuePerDay(sessions: Double, conversion: Double, orderValue: Double) -> Double { sessions * conversion * orderValue }

  /// F1: revenue × sensitivity × (delay / 100 ms): USD a day.
  static func lostByDelay(revenuePerDay: Double, sensitivityPer100ms: Double, delay: Double) -> Double {
    revenuePerDay * sensitivityPer100ms * (delay / 100e6)
  }

  /// F2: bad minutes × revenue per minute × affected share: USD. The bad time is in nanoseconds.
  static func lostInBadTime(_ bad: Double, revenuePerDay: Double, affected: Double) -> Double { bad / day * revenuePerDay * affected }

  /// F2: 1 − bad / (1 − objective), with the bad share of the period; below 0 when more than all is spent
  /// (Beyer et al., The Site Reliability Workbook, chapter 2).
  static func budgetLeft(badShare: Double, objective: Double) -> Double { 1 - badShare / (1 - objective) }

  /// F3: USD/vCPU-hour / 3600 × CPU seconds per request × 10⁶ / utilisation: USD per million requests.
  static func perMillionRequests(cpu: Double, perVCPUHour: Double, utilisation: Double) -> Double {
    perVCPUHour * (cpu / hour) * 1e6 / utilisation
  }

  /// F3: ⌈rate × CPU seconds / utilisation / vCPUs⌉, at least 1.
  static func instances(rate: Double, cpu: Double, utilisation: Double, vcpus: Double) -> Double {
    max(1, wholeUp(rate * (cpu / second) / utilisation / vcpus))
  }

  /// A whole number that is only off by rounding is that number: 0.06 / 0.6 / 0.1 is 1 and not 2.
  static func wholeUp(_ value: Double) -> Double { (value * (1 - 1e-12)).rounded(.up) }

  /// F3: the fewest servers of M/M/c with which at most `waitTarget` of requests wait and 99 % of them are done within
  /// `p99Target`; infinite where no number of servers does that, because a service alone takes longer.
  static func servers(rate: Double, service: Double, waitTarget: Double?, p99Target: Double?) -> Double {
    guard service > 0 else { return .infinity }
    let offered = rate * (service / second)
    // With servers without end there is no wait, and the time is that of the exponential service: P(T > t) = e^(−t/s).
    if let p99Target, exponentialTail(p99Target / service) > 0.01 { return .infinity }
    guard offered < 1e6 else { return .infinity }
    var blocking = 1.0
    var c = 0
    while c < 2_000_000 {
      c += 1
      // Erlang B by its recurrence, and Erlang C from it (Kleinrock, Queueing Systems I, 3.5).
      blocking = offered * blocking / (Double(c) + offered * blocking)
      guard Double(c) > offered else { continue }
      let waits = blocking / (1 - offered / Double(c) * (1 - blocking))
      if let waitTarget, waits > waitTarget { continue }
      if let p99Target, mmcSojournTail(p99Target, servers: c, arrivalRate: rate / second, serviceRate: 1 / service) > 0.01 { continue }
      return Double(c)
    }
    return .infinity
  }

  /// F4: P(a session has a bad request) = 1 − (1 − p)ᵏ for k requests that are bad independently.
  static func badSessions(badRequests p: Double, requests k: Double) -> Double { 1 - power(1 - p, k) }

  /// F4, read backwards: the p at which so many sessions are bad.
  static func badRequests(badSessions share: Double, requests k: Double) -> Double { 1 - power(1 - share, 1 / k) }

  /// F5: (monthly gain − run cost) / (hours × rate): the part of the effort that a month gives back.
  static func roi(gain: Double, runCost: Double, effort: Double) -> Double { (gain - runCost) / effort }

  /// F5: effort / (monthly gain − run cost) months, in nanoseconds; infinite when nothing is left of the gain.
  static func payback(gain: Double, runCost: Double, effort: Double) -> Double {
    gain > runCost ? effort / (gain - runCost) * month : .infinity
  }

  /// F5: (monthly gain − run cost) × months of the horizon − effort: USD. Below 0 what is there is good enough.
  static func net(gain: Double, runCost: Double, effort: Double, horizon: Double) -> Double {
    (gain - runCost) * (horizon / month) - effort
  }

  /// F5: the monthly gain at which `net` is 0.
  static func breakevenGain(runCost: Double, effort: Double, horizon: Double) -> Double { runCost + effort / (horizon / month) }

  /// F6: spans per second × bytes × 86,400 × 30 × USD/GB: USD a month.
  static func ingestPerMonth(spansPerSecond: Double, bytes: Double, perGB: Double) -> Double {
    spansPerSecond * bytes * (month / second) / gigabyte * perGB
  }

  /// apm: what is used beyond what the price includes, at its price; never below 0.
  static func beyond(_ included: Double, of used: Double, price: Double) -> Double { max(0, used - included) * price }

  /// F7: USD/h / (tokens per second × 3600) × 10⁶.
  static func perMillionTokens(perHour: Double, tokensPerSecond: Double) -> Double { perHour / (tokensPerSecond * 3_600) * 1e6 }

  /// F8: while it recovers half is served; the people who are called are paid all the time: USD.
  static func incident(detect: Double, mitigate: Double, recover: Double, revenuePerDay: Double, ordersLost: Double, oncallHour: Double)
    -> Double
  {
    (detect + mitigate + recover / 2) / day * revenuePerDay * ordersLost + (detect + mitigate + recover) / hour * oncallHour
  }

  /// n × USD/request + n × GB × ⌈ms⌉ / 1000 × USD/GB-s, for one call: USD.
  static func perCall(duration: Double, memory: Double, perMillion: Double, perGBSecond: Double) -> Double {
    perMillion / 1e6 + memory / gibibyte * (wholeUp(duration / 1e6) / 1_000) * perGBSecond
  }

  /// Calls in a month at a steady rate.
  static func perMonth(rate: Double) -> Double { rate * (month / second) }
}

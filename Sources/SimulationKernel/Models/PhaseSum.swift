// The law of a time that is made of exponential parts.

/// An exponential service and, with the probability that one waits, an exponential wait before it: the time in a system M/M/c.
struct Phase {
  var waits = 0.0
  var waitRate = 0.0
  var serviceRate: Double

  /// Exponential.
  init(serviceMean: Double) { serviceRate = 1 / serviceMean }

  init(servers: Int, rate: Double, serviceMean: Double) {
    serviceRate = 1 / serviceMean
    waits = erlangC(servers: servers, offered: rate * serviceMean)
    waitRate = Double(servers) / serviceMean - rate
  }
}

/// The sum of independent phases, its law by uniformisation (Jensen 1953): instead of each phase’s end, equally frequent occasions are looked at,
/// at which it may end.
struct PhaseSum {
  /// Phases are left at most this often a second.
  private let pace: Double
  /// The share that is still inside after each of these occasions.
  private let inside: [Double]

  /// - Returns: nil where the phases are so different that it would take too long.
  init?(_ phases: [Phase]) {
    let rates = phases.flatMap { [$0.waits > 0 ? $0.waitRate : $0.serviceRate, $0.serviceRate] }
    guard let fastest = rates.max(), let slowest = rates.min(), slowest > 0, fastest / slowest < 1e4 else { return nil }
    pace = fastest
    let moves = rates.map { $0 / fastest }
    var state = [Double](repeating: 0, count: rates.count)
    func enter(_ phase: Int, _ share: Double) {
      state[2 * phase] += share * phases[phase].waits
      state[2 * phase + 1] += share * (1 - phases[phase].waits)
    }
    enter(0, 1)
    var inside: [Double] = []
    var share = 1.0
    while share > 1e-9 {
      inside.append(share)
      // From the last phase on, so that nobody moves twice.
      for part in state.indices.reversed() {
        let moved = state[part] * moves[part]
        state[part] -= moved
        if part % 2 == 0 {
          state[part + 1] += moved
        } else if part + 1 < state.count {
          enter(part / 2 + 1, moved)
        }
      }
      share = state.reduce(0, +)
    }
    self.inside = inside
  }

  /// P(T > t): over how often an occasion has come until t, which is Poisson; weights are relative to the likeliest.
  func tail(_ t: Double) -> Double {
    let mean = pace * t
    let middle = Int(mean)
    var (weight, total, sum) = (1.0, 1.0, middle < inside.count ? inside[middle] : 0)
    var k = middle
    while k > 0, weight > 1e-17 {
      weight *= Double(k) / mean
      k -= 1
      total += weight
      sum += weight * (k < inside.count ? inside[k] : 0)
    }
    (weight, k) = (1, middle)
    while weight > 1e-17 {
      k += 1
      weight *= mean / Double(k)
      total += weight
      sum += weight * (k < inside.count ? inside[k] : 0)
    }
    return sum / total
  }

  func quantile(_ q: Double) -> Double {
    var (low, high) = (0.0, 1 / pace)
    while tail(high) > 1 - q { (low, high) = (high, high * 2) }
    for _ in 0..<60 {
      let middle = (low + high) / 2
      if tail(middle) > 1 - q { low = middle } else { high = middle }
    }
    return high
  }
}

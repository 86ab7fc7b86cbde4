// Distributions of response time in closed form: the queue M/M/c, and the slowest of several independent waits.
// All times in one unit, rates in its inverse.

import ExperimentModel

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// P(T > t) in M/M/c: an exponential service, and with probability C (Erlang) an exponential wait before it.
/// (Kleinrock, Queueing Systems I, 3.5; the convolution of both.)
public func mmcSojournTail(_ t: Double, servers: Int, arrivalRate: Double, serviceRate: Double) -> Double {
  let offered = arrivalRate / serviceRate
  guard offered < Double(servers) else { return 1 }
  let waits = erlangC(servers: servers, offered: offered)
  // Rate of the wait beyond that of the service, in services: c − a − 1.
  let excess = Double(servers) - offered - 1
  let s = serviceRate * t
  let extra = abs(excess) < 1e-9 ? s : -expm1(-s * excess) / excess
  return exp(-s) * (1 + waits * extra)
}

/// q-quantile of the time in an M/M/c system; infinite at or above full load.
public func mmcSojourn(quantile q: Double, servers: Int, arrivalRate: Double, serviceRate: Double) -> Double {
  guard arrivalRate < Double(servers) * serviceRate else { return .infinity }
  return solve(near: 1 / serviceRate) {
    1 - mmcSojournTail($0, servers: servers, arrivalRate: arrivalRate, serviceRate: serviceRate) >= q
  }
}

/// The slowest of `k` independent waits: each is at most t with probability F(t), all of them with F(t)ᵏ.
public struct SlowestOf: Hashable, Sendable {
  public var k: Int
  public var wait: WaitDistribution

  public init(_ k: Int, _ wait: WaitDistribution) {
    precondition(k > 0)
    self.k = k
    self.wait = wait
  }

  /// Nanoseconds.
  public func quantile(_ q: Double) -> Double {
    let single = pow(q, 1 / Double(k))
    return solve(near: max(1, wait.mean)) { wait.cumulative($0) >= single }
  }

  /// ∫ 1 − F(t)ᵏ dt in nanoseconds, by the midpoint rule up to the quantile that leaves one in a million. Where the tail
  /// beyond that counts: in closed form (Pareto), or over the logarithm of t (lognormal).
  public var mean: Double {
    if k == 1 { return wait.mean }
    if case .pareto(let mean, let alpha) = wait {
      // k·B(k, 1 − 1/α) times the least wait: the mean of the largest of k (Arnold, Pareto Distributions, 3.4).
      let least = paretoLeast(mean, alpha)
      return least * exp(lgamma(Double(k) + 1) + lgamma(1 - 1 / alpha) - lgamma(Double(k) + 1 - 1 / alpha))
    }
    if case .lognormal(let mean, let sigma) = wait {
      let middle = log(Double(mean.rawValue)) - sigma * sigma / 2
      let (low, high) = (middle - 8 * sigma, middle + 12 * sigma)
      let width = (high - low) / 10_000
      return (0..<10_000).reduce(exp(low)) {
        let t = exp(low + (Double($1) + 0.5) * width)
        return $0 + (1 - pow(wait.cumulative(t), Double(k))) * t * width
      }
    }
    let end = quantile(1 - 1e-6)
    let steps = 20_000
    let width = end / Double(steps)
    return (0..<steps).reduce(0) { $0 + (1 - pow(wait.cumulative((Double($1) + 0.5) * width), Double(k))) } * width
  }
}

extension WaitDistribution {
  /// Nanoseconds.
  public var mean: Double {
    switch self {
    case .constant(let mean), .exponential(let mean), .lognormal(let mean, _), .pareto(let mean, _): Double(mean.rawValue)
    case .uniform(let low, let high): (Double(low.rawValue) + Double(high.rawValue)) / 2
    case .mixture(let mean, let share, let low, let slow):
      (1 - share) * Double(mean.rawValue) + share * (Double(low.rawValue) + Double(slow.rawValue))
    }
  }

  /// P(wait ≤ t), t in nanoseconds.
  public func cumulative(_ t: Double) -> Double {
    func exponential(_ t: Double, _ mean: Nanoseconds) -> Double {
      t <= 0 ? 0 : mean.rawValue == 0 ? 1 : -expm1(-t / Double(mean.rawValue))
    }
    switch self {
    case .constant(let mean): return t >= Double(mean.rawValue) ? 1 : 0
    case .exponential(let mean): return exponential(t, mean)
    case .uniform(let low, let high):
      let (a, b) = (Double(low.rawValue), Double(high.rawValue))
      return t < a ? 0 : t >= b ? 1 : (t - a) / (b - a)
    case .mixture(let mean, let share, let low, let slow):
      return (1 - share) * exponential(t, mean) + share * exponential(t - Double(low.rawValue), slow)
    case .lognormal(let mean, let sigma):
      guard t > 0, mean.rawValue > 0 else { return t < 0 ? 0 : mean.rawValue == 0 ? 1 : 0 }
      let z = (log(t / Double(mean.rawValue)) + sigma * sigma / 2) / sigma
      return erfc(-z / 2.0.squareRoot()) / 2
    case .pareto(let mean, let alpha):
      let least = paretoLeast(mean, alpha)
      return t < least ? 0 : least == 0 ? 1 : 1 - pow(least / t, alpha)
    }
  }
}

/// The least wait of a Pareto distribution with this mean.
private func paretoLeast(_ mean: Nanoseconds, _ alpha: Double) -> Double { Double(mean.rawValue) * (alpha - 1) / alpha }

/// The smallest t for which a condition holds that holds for all larger ones too.
private func solve(near start: Double, _ holds: (Double) -> Bool) -> Double {
  var (low, high) = (0.0, start)
  while !holds(high), high < 1e18 { (low, high) = (high, high * 2) }
  for _ in 0..<80 {
    let middle = (low + high) / 2
    if holds(middle) { high = middle } else { low = middle }
  }
  return high
}

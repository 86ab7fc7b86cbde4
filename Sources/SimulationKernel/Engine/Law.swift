// Laws of times: how long a service takes, how far arrivals are apart. Each has its mean and its squared coefficient of
// variation beside it, because closed forms ask for these and for nothing else.

/// A law of non-negative numbers with a finite mean.
enum Law: Hashable, Sendable {
  case constant(Double)
  case uniform(low: Double, high: Double)
  case exponential(mean: Double)
  /// With σ of the logarithm.
  case lognormal(mean: Double, sigma: Double)
  /// Erlang where the shape is whole.
  case gamma(mean: Double, shape: Double)
  /// Two exponentials, each with half of the mean (balanced means), so that cv² ≥ 1 is what is asked for.
  case hyperexponential(mean: Double, squaredVariation: Double)
  /// P(X > x) = (least/x)^α, α > 1.
  case pareto(mean: Double, alpha: Double)
  /// A share of slow ones among exponential ones.
  case mixture(mean: Double, slowShare: Double, slowMean: Double)

  var mean: Double {
    switch self {
    case .constant(let mean), .exponential(let mean), .lognormal(let mean, _), .gamma(let mean, _), .hyperexponential(let mean, _),
      .pareto(let mean, _):
      mean
    case .uniform(let low, let high): (low + high) / 2
    case .mixture(let mean, let share, let slow): (1 - share) * mean + share * slow
    }
  }

  /// Variance over the square of the mean; infinite for a Pareto law with α ≤ 2.
  var squaredVariation: Double {
    switch self {
    case .constant: return 0
    case .uniform(let low, let high): return (high - low) * (high - low) / 12 / (mean * mean)
    case .exponential: return 1
    case .lognormal(_, let sigma): return Portable.exp(sigma * sigma) - 1
    case .gamma(_, let shape): return 1 / shape
    case .hyperexponential(_, let variation): return variation
    case .pareto(_, let alpha): return alpha > 2 ? 1 / (alpha * (alpha - 2)) : .infinity
    case .mixture(let fast, let share, let slow):
      let second = 2 * ((1 - share) * fast * fast + share * slow * slow)
      return second / (mean * mean) - 1
    }
  }

  var isExponential: Bool { if case .exponential = self { true } else { false } }
}

/// A law ready to be drawn from: what can be computed before the run is.
struct Sampler {
  private enum Kind: UInt8 { case constant, uniform, exponential, lognormal, gamma, mixture, pareto }
  private let kind: Kind
  private let a: Double
  private let b: Double
  private let c: Double

  init(_ law: Law) {
    switch law {
    case .constant(let mean): (kind, a, b, c) = (.constant, mean, 0, 0)
    case .uniform(let low, let high): (kind, a, b, c) = (.uniform, low, high - low, 0)
    case .exponential(let mean): (kind, a, b, c) = (.exponential, mean, 0, 0)
    case .lognormal(let mean, let sigma): (kind, a, b, c) = (.lognormal, Portable.log(mean) - sigma * sigma / 2, sigma, 0)
    case .gamma(let mean, let shape): (kind, a, b, c) = (.gamma, mean / shape, shape, 0)
    case .hyperexponential(let mean, let variation):
      let often = (1 + ((variation - 1) / (variation + 1)).squareRoot()) / 2
      (kind, a, b, c) = (.mixture, mean / (2 * often), mean / (2 * (1 - often)), 1 - often)
    case .mixture(let mean, let share, let slow): (kind, a, b, c) = (.mixture, mean, slow, share)
    case .pareto(let mean, let alpha): (kind, a, b, c) = (.pareto, mean * (alpha - 1) / alpha, 1 / alpha, 0)
    }
  }

  @inline(__always) func next(_ stream: inout Stream) -> Double {
    // First and inlined: by far the most frequent.
    if kind == .exponential { return a * stream.exponential() }
    return other(&stream)
  }

  @inline(never) private func other(_ stream: inout Stream) -> Double {
    switch kind {
    case .constant: a
    case .uniform: a + b * stream.uniform()
    case .exponential: a * stream.exponential()
    case .lognormal: Portable.exp(a + b * stream.normal())
    case .gamma: a * stream.gamma(b)
    case .mixture: stream.uniform() < c ? b * stream.exponential() : a * stream.exponential()
    case .pareto: a * Portable.exp(b * stream.exponential())
    }
  }
}

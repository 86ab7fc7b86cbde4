// Seeded draws from the distributions of declared waits.

import ExperimentModel

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

extension WaitDistribution {
  /// Nanoseconds of one wait. A heavy tail is cut at an hour: no remote party is waited for longer, and no test lasts so long.
  func draw(_ random: inout SeededRandom) -> Int64 {
    switch self {
    case .constant(let mean): mean.rawValue
    case .uniform(let low, let high): low.rawValue + Int64(random.unit() * Double(high.rawValue - low.rawValue))
    case .exponential(let mean): exponential(mean, &random)
    case .mixture(let mean, let share, let low, let slow):
      random.unit() < share ? low.rawValue + exponential(slow, &random) : exponential(mean, &random)
    // exp(µ + σz) has the mean exp(µ + σ²/2).
    case .lognormal(let mean, let sigma): cut(Double(mean.rawValue) * exp(sigma * normal(&random) - sigma * sigma / 2))
    // By inversion: least/(1 − u)^(1/α).
    case .pareto(let mean, let alpha):
      cut(Double(mean.rawValue) * (alpha - 1) / alpha * pow(1 - random.unit(), -1 / alpha))
    }
  }

  /// By inversion: −mean · ln(1 − u).
  private func exponential(_ mean: Nanoseconds, _ random: inout SeededRandom) -> Int64 {
    Int64(-Double(mean.rawValue) * log(1 - random.unit()))
  }

  /// Box and Muller (1958); of the pair one is used, so that each wait takes two draws whatever came before.
  private func normal(_ random: inout SeededRandom) -> Double {
    let radius = (-2 * log(1 - random.unit())).squareRoot()
    return radius * cos(2 * .pi * random.unit())
  }

  private func cut(_ nanoseconds: Double) -> Int64 { Int64(min(nanoseconds, 3_600e9)) }
}

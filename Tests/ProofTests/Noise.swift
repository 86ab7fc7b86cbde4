// Seeded noise of known truth for the proofs: the machines that a measurement may meet.

import Statistics

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What one machine's measurements look like; the true median of every kind is known.
enum Noise: CaseIterable, Sendable {
  case normal, lognormal, spikes, bimodal, ar3, ar6, ar9

  /// The true median of the series.
  var median: Double { self == .lognormal ? 1 : 0 }

  func series(_ n: Int, seed: UInt64) -> [Double] {
    var random = SeededRandom(seed: seed)
    switch self {
    case .normal: return (0..<n).map { _ in gaussian(&random) }
    case .lognormal: return (0..<n).map { _ in exp(gaussian(&random)) }
    case .spikes:
      // Symmetric, so that the median stays 0: what matters is the far tail.
      return (0..<n).map { _ in
        let value = gaussian(&random)
        return random.uniform() < 0.1 ? 10 * value : value
      }
    case .bimodal:
      // Overlapping groups: between far ones the median is any point of the gap.
      return (0..<n).map { _ in gaussian(&random) + (random.uniform() < 0.5 ? -1.5 : 1.5) }
    case .ar3: return autoregressive(n, 0.3, &random)
    case .ar6: return autoregressive(n, 0.6, &random)
    case .ar9: return autoregressive(n, 0.9, &random)
    }
  }
}

/// Standard normal by Box and Muller.
func gaussian(_ random: inout SeededRandom) -> Double {
  (2 * random.exponential()).squareRoot() * cos(2 * .pi * random.uniform())
}

/// AR(1) with unit innovations, started from its steady state.
func autoregressive(_ n: Int, _ phi: Double, _ random: inout SeededRandom) -> [Double] {
  var level = gaussian(&random) / (1 - phi * phi).squareRoot()
  return (0..<n).map { _ in
    defer { level = phi * level + gaussian(&random) }
    return level
  }
}

/// Times of two programs on a machine whose speed drifts (AR(1), φ = `drift`, 3 %) and whose samples
/// have 2 % of their own noise, with spikes in `spikes` of them; measured in ABBA order.
/// `ratio` is how much slower the baseline is.
func pairedTimes(
  rounds: Int, ratio: Double, drift: Double, level: Double = 0.03, noise: Double = 0.02, spikes: Double = 0, seed: UInt64
) -> (baseline: [Double], candidate: [Double]) {
  var random = SeededRandom(seed: seed, stream: 77)
  let speed = autoregressive(2 * rounds, drift, &random).map { $0 * level * (1 - drift * drift).squareRoot() }
  var baseline: [Double] = []
  var candidate: [Double] = []
  for (round, turn) in abbaOrder(rounds: rounds, seed: seed).enumerated() {
    for (position, arm) in turn.enumerated() {
      var time = (arm == 0 ? ratio : 1) * exp(speed[2 * round + position] + noise * gaussian(&random))
      if random.uniform() < spikes { time *= 1 + random.uniform() }
      if arm == 0 { baseline.append(time) } else { candidate.append(time) }
    }
  }
  return (baseline, candidate)
}

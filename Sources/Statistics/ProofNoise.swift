// Seeded noise of known truth for the self-proof: the machines that a measurement may meet.

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

extension SeededRandom {
  /// Standard normal by Box and Muller (1958); takes two numbers.
  public mutating func gaussian() -> Double {
    (2 * exponential()).squareRoot() * cos(2 * .pi * uniform())
  }
}

/// What one machine's measurements look like; the true median of every kind is known.
public enum ProofNoise: String, CaseIterable, Sendable {
  case normal
  case lognormal
  case spikes = "10 % spikes"
  case bimodal
  case ar3 = "AR(0.3)"
  case ar6 = "AR(0.6)"
  case ar9 = "AR(0.9)"

  /// The kinds without memory.
  public static let independent: [ProofNoise] = [.normal, .lognormal, .spikes, .bimodal]

  /// The true median of the series.
  public var median: Double { self == .lognormal ? 1 : 0 }

  /// `n` values in order of time.
  public func series(_ n: Int, seed: UInt64) -> [Double] {
    var random = SeededRandom(seed: seed)
    switch self {
    case .normal: return (0..<n).map { _ in random.gaussian() }
    case .lognormal: return (0..<n).map { _ in exp(random.gaussian()) }
    case .spikes:
      // Symmetric, so that the median stays 0: what matters is the far tail.
      return (0..<n).map { _ in
        let value = random.gaussian()
        return random.uniform() < 0.1 ? 10 * value : value
      }
    case .bimodal:
      // Overlapping groups: between far ones the median is any point of the gap.
      return (0..<n).map { _ in random.gaussian() + (random.uniform() < 0.5 ? -1.5 : 1.5) }
    case .ar3: return autoregressive(n, 0.3, &random)
    case .ar6: return autoregressive(n, 0.6, &random)
    case .ar9: return autoregressive(n, 0.9, &random)
    }
  }
}

/// AR(1) with unit innovations, started from its steady state; |`phi`| < 1.
public func autoregressive(_ n: Int, _ phi: Double, _ random: inout SeededRandom) -> [Double] {
  precondition(abs(phi) < 1, "a steady state needs |φ| < 1")
  var level = random.gaussian() / (1 - phi * phi).squareRoot()
  return (0..<n).map { _ in
    defer { level = phi * level + random.gaussian() }
    return level
  }
}

/// The sum of `n` standard normal steps: a series without a level.
public func randomWalk(_ n: Int, seed: UInt64) -> [Double] {
  var random = SeededRandom(seed: seed)
  var level = 0.0
  return (0..<n).map { _ in
    level += random.gaussian()
    return level
  }
}

/// Two programs on one machine whose speed drifts and whose samples have their own noise.
public struct ProofMachine: Hashable, Sendable {
  /// φ of the AR(1) that the speed follows.
  public var drift = 0.0
  /// Spread of the speed as a share: 0.03 is 3 %.
  public var level = 0.03
  /// Spread of each sample's own noise as a share.
  public var noise = 0.02
  /// Share of the samples that take up to twice as long.
  public var spikes = 0.0

  public init(drift: Double = 0, level: Double = 0.03, noise: Double = 0.02, spikes: Double = 0) {
    self.drift = drift
    self.level = level
    self.noise = noise
    self.spikes = spikes
  }

  /// Times of both programs, measured in ABBA order; the baseline is `ratio` times as slow.
  public func times(rounds: Int, ratio: Double, seed: UInt64) -> (baseline: [Double], candidate: [Double]) {
    var random = SeededRandom(seed: seed, stream: 77)
    let scale = level * (1 - drift * drift).squareRoot()
    let speed = autoregressive(2 * rounds, drift, &random).map { $0 * scale }
    var baseline: [Double] = []
    var candidate: [Double] = []
    for (round, turn) in abbaOrder(rounds: rounds, seed: seed).enumerated() {
      for (position, arm) in turn.enumerated() {
        var time = (arm == 0 ? ratio : 1) * exp(speed[2 * round + position] + noise * random.gaussian())
        if random.uniform() < spikes { time *= 1 + random.uniform() }
        if arm == 0 { baseline.append(time) } else { candidate.append(time) }
      }
    }
    return (baseline, candidate)
  }

  /// The same over several starts of both programs, and the start of each pair. What a start brings holds for all its pairs.
  ///
  /// - Parameter spread: of what starts bring, in units of the samples' own noise.
  public func startedAnew(
    _ starts: Int, each pairs: Int, spread: Double, ratio: Double, seed: UInt64
  ) -> (times: (baseline: [Double], candidate: [Double]), starts: [Int]) {
    var times = times(rounds: starts * pairs, ratio: ratio, seed: seed)
    var random = SeededRandom(seed: seed, stream: 78)
    let from = times.baseline.indices.map { $0 / pairs }
    for start in 0..<starts {
      let (before, after) = (exp(spread * noise * random.gaussian()), exp(spread * noise * random.gaussian()))
      for pair in from.indices where from[pair] == start {
        times.baseline[pair] *= before
        times.candidate[pair] *= after
      }
    }
    return (times, from)
  }
}

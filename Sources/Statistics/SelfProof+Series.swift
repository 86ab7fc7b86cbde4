// Are changes in a series found where they are and nowhere else, and do fitted curves know how sure they are?

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

extension SelfProof {
  /// A start that is 10 % slower or faster, CV 2 %: the steady state begins where it does, within one iteration. Spikes
  /// take up to twice the time.
  public static let warmUpStep = SelfProof("a step in warm-up is located", trials: 1_000) { trials in
    seriesNoise.flatMap { noise in
      [(60, 12, 1.2), (200, 40, 1.1), (200, 40, 0.9)].map { n, step, factor in
        row("located ±1: the first \(step) of \(n) × \(factor), CV 2 %, \(noise.name)", .atLeast(0.95), trials) { seed in
          let times = noise.times(n, seed).enumerated().map { $0.offset < step ? factor * $0.element : $0.element }
          switch classifyWarmUp(times)?.kind {
          case .warmUp(let from): return factor > 1 && abs(from - step) <= 1
          case .slowdown(let from): return factor < 1 && abs(from - step) <= 1
          default: return false
          }
        }
      }
    }
  }

  /// Nothing happens in a flat series. AR(0.6) is not promised: every twelfth series of 200 then shows a level of its own.
  public static let warmUpFlat = SelfProof("a flat series is called flat", trials: 1_000) { trials in
    seriesNoise.flatMap { noise in
      [60, 200].map { n in
        row("not flat: \(n) iterations, CV 2 %, \(noise.name)", .atMost(0.05), trials) { seed in
          classifyWarmUp(noise.times(n, seed)).map { $0.kind != .flat }
        }
      }
    }
  }

  /// 60 nights with a step of four deviations, and without.
  public static let historySteps = SelfProof("a step in a history is located", trials: 1_000) { trials in
    [41, 50].map { step in
      row("located ±1: 6 % from night \(step) of 60, CV 1.5 %", .atLeast(0.95), trials) { seed in
        changePoints(nights(60, seed, step: step, size: 0.06)).contains { abs($0.index - step) <= 1 }
      }
    } + [
      row("a change in a flat history: 60 nights, CV 1.5 %", .atMost(0.05), trials) { seed in
        !changePoints(nights(60, seed, step: 60, size: 0)).isEmpty
      },
      row("a second change beside 6 % from night 41 of 60", .atMost(0.05), trials) { seed in
        changePoints(nights(60, seed, step: 41, size: 0.06)).count > 1
      },
    ]
  }

  /// The exponent 1.5 over sizes with rounds whose speed varies by 5 %.
  public static let growthCoverage = SelfProof("coverage of the growth exponent's interval", trials: 1_000) { trials in
    ["normal", "10 % spikes", "heavy tails", "first size noisier"].flatMap { noise in
      [(3, 6), (3, 20), (4, 12)].map { sizes, rounds in
        rowOfGiven("covered, of the given: exponent, \(sizes) sizes, \(rounds) rounds, \(noise)", .atLeast(0.932), trials) { seed in
          growthTimes(sizes: sizes, rounds: rounds, noise, seed)?.interval?.contains(1.5)
        }
      }
    }
  }

  /// α, β, γ and the peak of a known law, seven loads up to twice the peak.
  public static let scalabilityCoverage = SelfProof("coverage of the scalability law's coefficients", trials: 500) { trials in
    let loads: [Double] = [1, 2, 4, 8, 16, 32, 64]
    var hits = [0, 0, 0, 0]
    for seed in 1...max(1, trials) {
      var random = SeededRandom(seed: UInt64(seed))
      let law = UniversalScalability(
        alpha: 0.05, beta: 0.001, gamma: 100, rSquared: 1, relativeError: 0, points: 7, doubts: [])
      let measured = loads.map { law.throughput(at: $0) * exp(0.03 * random.gaussian()) }
      guard let fit = fitUniversalScalability(loads: loads, throughputs: measured, resamples: 400) else { continue }
      let found = [
        (fit.alphaInterval, law.alpha), (fit.betaInterval, law.beta), (fit.gammaInterval, law.gamma),
        (fit.peakInterval, law.peak),
      ]
      for (k, (interval, truth)) in found.enumerated() where interval?.contains(truth) == true { hits[k] += 1 }
    }
    return zip(["α", "β", "γ", "the peak"], hits).map { name, hits in
      ProofRow(
        name: "covered: \(name), 7 loads, CV 3 %", observed: Double(hits) / Double(max(1, trials)), bound: .atLeast(0.93),
        trials: max(1, trials))
    }
  }

  /// A noisy straight line has no knee; 1 − e^(−x/3) has one.
  public static let straightLine = SelfProof("a straight line has no knee", trials: 500) { trials in
    [3, 5].flatMap { repeats in
      [
        row("a knee in a straight line: 12 points, \(repeats) samples each, CV 3 %", .atMost(0.05), trials) { seed in
          kneeOf(repeats, seed) { 10 + $0 } != nil
        },
        row("interval holds the knee: 12 points, \(repeats) samples each, CV 3 %", .atLeast(0.932), trials) { seed in
          kneeOf(repeats, seed) { 100 - 90 * exp(-$0 / 3) }?.interval.contains(4)
        },
      ]
    }
  }

  /// Samples one side after the other, on a machine that stays as it is.
  public static let pooledComparison = SelfProof("two samples that were not paired", trials: 1_000) { trials in
    [5, 20, 60].flatMap { n in
      [
        row("covered: ratio 1.03, \(n) and \(n), skewed", .atLeast(0.932), trials) { seed in
          comparePooled(baseline: skewed(n, 1.03, seed, 1), candidate: skewed(n, 1, seed, 2))?.interval.contains(1.03)
        },
        row("false verdicts: identical, \(n) and \(n), skewed", .atMost(0.068), trials) { seed in
          let found = comparePooled(baseline: skewed(n, 1, seed, 1), candidate: skewed(n, 1, seed, 2), equivalence: 0)
          return found.map { $0.verdict != .unresolved }
        },
      ]
    }
  }

  /// Iteration times of 1 with a CV of 2 %.
  private struct SeriesNoise: Sendable {
    var name: String
    var spikes = 0.0
    var phi = 0.0

    func times(_ n: Int, _ seed: UInt64) -> [Double] {
      var random = SeededRandom(seed: seed)
      let scale = 0.02 * (1 - phi * phi).squareRoot()
      return autoregressive(n, phi, &random).map { exp(scale * $0) * (random.uniform() < spikes ? 1 + random.uniform() : 1) }
    }
  }

  private static let seriesNoise = [
    SeriesNoise(name: "normal"), SeriesNoise(name: "10 % spikes", spikes: 0.1), SeriesNoise(name: "AR(0.3)", phi: 0.3),
    SeriesNoise(name: "AR(0.3) with 5 % spikes", spikes: 0.05, phi: 0.3),
  ]

  private static func nights(_ n: Int, _ seed: UInt64, step: Int, size: Double) -> [Double] {
    var random = SeededRandom(seed: seed)
    return (0..<n).map { 100 * (1 + 0.015 * random.gaussian()) * ($0 >= step ? 1 + size : 1) }
  }

  private static func growthTimes(sizes: Int, rounds: Int, _ noise: String, _ seed: UInt64) -> (value: Double, interval: Interval?)? {
    var random = SeededRandom(seed: seed)
    let speed = (0..<rounds).map { _ in 0.05 * random.gaussian() }
    let n = [1e2, 1e3, 1e4, 1e5].prefix(sizes)
    let times = n.enumerated().map { place, n in
      speed.map { speed in
        var own = 0.02 * random.gaussian()
        switch noise {
        case "10 % spikes": if random.uniform() < 0.1 { own += log1p(random.uniform()) }
        case "heavy tails": own *= exp(random.gaussian())
        case "first size noisier": if place == 0 { own *= 3 }
        default: break
        }
        return exp(1.5 * log(n) + speed + own)
      }
    }
    return growthExponent(sizes: Array(n), times: times)
  }

  private static func kneeOf(_ repeats: Int, _ seed: UInt64, _ curve: (Double) -> Double) -> Knee? {
    var random = SeededRandom(seed: seed)
    let x = (0..<12).map { Double($0) }
    let samples = x.map { x in (0..<repeats).map { _ in curve(x) * exp(0.03 * random.gaussian()) } }
    return knee(x: x, samples: samples, curve: .concave, direction: .increasing, resamples: 200, seed: seed)
  }

  private static func skewed(_ n: Int, _ level: Double, _ seed: UInt64, _ stream: UInt64) -> [Double] {
    var random = SeededRandom(seed: seed, stream: stream)
    return (0..<n).map { _ in level * exp(0.03 * random.exponential()) }
  }
}

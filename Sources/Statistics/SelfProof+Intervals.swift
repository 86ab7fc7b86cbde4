// Do 95 % intervals hold the truth 95 times of 100, and are they no wider than they must be?

extension SelfProof {
  /// The median's interval: of the given ≥ 93.2 % cover. In AR(0.9) the part that is not refused cannot be told
  /// from independent noise at n = 20, so no rule can promise coverage of the given; covered or refused ≥ 90 %.
  /// Independent samples are hardly ever refused, and their median width is at most 1.5 times the width
  /// that knowing the spread of the sample median would give.
  public static let medianCoverage = SelfProof("coverage of the median's interval", trials: 1_000) { trials in
    var rows: [ProofRow] = []
    for noise in ProofNoise.allCases {
      for n in [20, 40, 100] {
        var (given, covered) = (0, 0)
        var widths: [Double] = []
        var medians: [Double] = []
        for seed in 1...max(1, trials) {
          let series = noise.series(n, seed: UInt64(seed))
          medians.append(medianOf(series))
          guard let interval = quantileInterval(series, q: 0.5, confidence: 0.95) else { continue }
          given += 1
          widths.append(interval.width)
          if interval.contains(noise.median) { covered += 1 }
        }
        let place = "\(noise.rawValue), n = \(n)"
        if noise == .ar9 {
          let missed = Double(given - covered) / Double(trials)
          rows.append(ProofRow(name: "covered or refused: \(place)", observed: 1 - missed, bound: .atLeast(0.9), trials: trials))
        } else {
          let share = Double(covered) / Double(given)
          rows.append(ProofRow(name: "covered, of the given: \(place)", observed: share, bound: .atLeast(0.932), trials: given))
        }
        if ProofNoise.independent.contains(noise) {
          let refused = Double(trials - given) / Double(trials)
          rows.append(ProofRow(name: "refused: \(place)", observed: refused, bound: .atMost(0.02), trials: trials))
          let oracle = 2 * 1.959964 * sampleVariance(medians).squareRoot()
          rows.append(
            ProofRow(
              name: "width ÷ oracle's (ratio): \(place)", observed: medianOf(widths) / oracle, bound: .atMost(1.5),
              trials: given))
        }
      }
    }
    return rows
  }

  /// The p90's interval of 100 independent values.
  public static let tailCoverage = SelfProof("coverage of the p90's interval", trials: 1_000) { trials in
    [
      row("covered: p90, normal, n = 100", .atLeast(0.932), trials) { seed in
        quantileInterval(ProofNoise.normal.series(100, seed: seed), q: 0.9, confidence: 0.95, autocorrelated: false)?
          .contains(1.2815516)
      }
    ]
  }

  /// A random walk has no median; nine of ten are seen from 40 samples on.
  public static let randomWalkRefused = SelfProof("a random walk is refused", trials: 1_000) { trials in
    [40, 100].map { n in
      row("refused: random walk, n = \(n)", .atLeast(0.9), trials) { seed in
        quantileInterval(randomWalk(n, seed: seed), q: 0.5, confidence: 0.95) == nil
      }
    }
  }

  /// Batch means of long series: covered of the given; a random walk is refused.
  public static let batchMeansCoverage = SelfProof("coverage of batch means", trials: 1_000) { trials in
    let phis = [(0.0, 400), (0.6, 400), (0.9, 2_000)]
    return phis.map { phi, n in
      rowOfGiven("covered, of the given: batch means, AR(\(phi)), n = \(n)", .atLeast(0.932), trials) { seed in
        var random = SeededRandom(seed: seed)
        return batchMeans(autoregressive(n, phi, &random))?.interval.contains(0)
      }
    } + [
      row("refused: batch means, random walk, n = 400", .atLeast(0.95), trials) { seed in
        batchMeans(randomWalk(400, seed: seed)) == nil
      }
    ]
  }

  /// Two levels: half of an iteration's variance lies between processes.
  public static let processCoverage = SelfProof("coverage of a mean over processes", trials: 1_000) { trials in
    [6, 12].map { processes in
      row("covered: \(processes) processes of 20 iterations, ρ = 0.5", .atLeast(0.932), trials) { seed in
        var random = SeededRandom(seed: seed)
        let samples = (0..<processes).map { _ in
          let own = random.gaussian()
          return (0..<20).map { _ in own + random.gaussian() }
        }
        return (try? twoLevelMean(samples))?.interval.contains(0)
      }
    }
  }
}

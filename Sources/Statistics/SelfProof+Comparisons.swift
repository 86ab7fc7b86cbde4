// Does a comparison find what is there, and nothing where nothing is?

extension SelfProof {
  /// Identical programs under drift. δ = 0 takes `equivalent` away, which would hide false findings below 2 %.
  public static let falseVerdicts = SelfProof("identical programs on a drifting machine", trials: 1_000) { trials in
    [0, 0.3, 0.6, 0.9, 0.98].flatMap { drift in
      [8, 20, 40].map { pairs in
        row("false verdicts: drift \(drift), \(pairs) pairs", .atMost(0.068), trials) { seed in
          let times = ProofMachine(drift: drift).times(rounds: pairs, ratio: 1, seed: seed)
          let found = comparePaired(baseline: times.baseline, candidate: times.candidate, equivalence: 0)
          return found.map { $0.verdict != .unresolved }
        }
      }
    }
  }

  /// Identical programs, each start of which is a little faster or slower for as long as it lasts: pairs of one start are alike.
  public static let unlikeStarts = SelfProof("identical programs whose starts differ", trials: 1_000) { trials in
    [0, 0.5, 1, 3].flatMap { spread in
      [(6, 10), (10, 4), (10, 20)].map { starts, each in
        row("false verdicts: \(starts) starts of \(each) pairs, \(spread) of the noise apart", .atMost(0.068), trials) { seed in
          let (times, from) = ProofMachine(level: 0).startedAnew(starts, each: each, spread: spread, ratio: 1, seed: seed)
          let found = comparePaired(baseline: times.baseline, candidate: times.candidate, equivalence: 0, starts: from)
          return found.map { $0.verdict != .unresolved }
        }
      }
    }
  }

  /// Starts that are all alike cost little power: 3 % in 10 starts of 10 pairs, CV 2 %.
  public static let powerOverStarts = SelfProof("a real 3 % is found over ten starts", trials: 1_000) { trials in
    [
      row("found: 3 % faster, 10 starts of 10 pairs, CV 2 %", .atLeast(0.95), trials) { seed in
        let (times, from) = ProofMachine(level: 0).startedAnew(10, each: 10, spread: 0, ratio: 1.03, seed: seed)
        return comparePaired(baseline: times.baseline, candidate: times.candidate, starts: from)?.verdict == .faster
      }
    ]
  }

  /// Looks at 20, 40, 80 and 100 pairs of identical programs.
  public static let looks = SelfProof("four looks at identical programs", trials: 1_000) { trials in
    [0, 0.6, 0.98].map { drift in
      row("false verdicts in four looks: drift \(drift)", .atMost(0.068), trials) { seed in
        let times = ProofMachine(drift: drift).times(rounds: 100, ratio: 1, seed: seed)
        if case .stop = SequentialLooks.standard.run(baseline: times.baseline, candidate: times.candidate, equivalence: 0) {
          return true
        }
        return false
      }
    }
  }

  /// 50 rows of nothing with Holm; a refused row counts as p = 1.
  public static let manyRows = SelfProof("50 comparisons of identical programs", trials: 500) { trials in
    [
      row("any false finding of 50 rows with Holm: drift 0.6, 20 pairs", .atMost(0.068), trials) { seed in
        let p = (0..<50).map { row -> Double in
          let times = ProofMachine(drift: 0.6).times(rounds: 20, ratio: 1, seed: seed * 1_000 + UInt64(row))
          return medianTest(logRatios(times))?.pValue ?? 1
        }
        return holm(p).contains { $0 <= 0.05 }
      }
    ]
  }

  /// A true difference of exactly δ: two one-sided tests call it equivalent in no more than their 5 %.
  public static let falseEquivalence = SelfProof("a difference of δ is not equivalent", trials: 1_000) { trials in
    [20, 40].map { pairs in
      row("said equivalent: a true 2 % with δ = 2 %, \(pairs) pairs", .atMost(0.068), trials) { seed in
        let times = ProofMachine(level: 0, noise: 0.005).times(rounds: pairs, ratio: 1.02, seed: seed)
        return comparePaired(baseline: times.baseline, candidate: times.candidate)?.verdict == .equivalent
      }
    }
  }

  /// Student's t on four mirrored pairs: mirroring cancels drift and makes neighbouring pairs of a
  /// remembering machine alike, which costs up to two points over the nominal 5 %.
  public static let control = SelfProof("the A/A control of 8 slices", trials: 1_000) { trials in
    [0, 0.3, 0.6, 0.9, 0.98].map { drift in
      row("A/A control excludes 1: drift \(drift), 8 slices", .atMost(0.08), trials) { seed in
        let slices = ProofMachine(drift: drift).times(rounds: 8, ratio: 1, seed: seed).baseline
        return controlAA(slices).map { !$0.interval.contains(1) }
      }
    }
  }

  /// 3 % faster, 40 pairs, samples with a CV of 2 % and 10 % spikes.
  public static let power = SelfProof("a real 3 % is found", trials: 1_000) { trials in
    [
      row("found: 3 % faster, 40 pairs, CV 2 %, 10 % spikes", .atLeast(0.95), trials) { seed in
        let times = ProofMachine(level: 0, spikes: 0.1).times(rounds: 40, ratio: 1.03, seed: seed)
        return comparePaired(baseline: times.baseline, candidate: times.candidate)?.verdict == .faster
      }
    ]
  }

  /// A comparison states its minimum detectable effect; the next one, of programs that differ by that much, finds it
  /// in 80 %. The statement comes from 20 to 100 pairs and is itself uncertain, which moves the power by up to five points.
  public static let detectableEffect = SelfProof("power at the stated minimum detectable effect", trials: 1_000) { trials in
    [20, 40, 100].flatMap { pairs -> [ProofRow] in
      let machine = ProofMachine(level: 0, spikes: 0.1)
      let found = count(trials) { seed -> Bool? in
        let first = machine.times(rounds: pairs, ratio: 1, seed: seed)
        guard let effect = DetectableEffect(baseline: first.baseline, candidate: first.candidate)?.minimum else { return nil }
        let second = machine.times(rounds: pairs, ratio: 1 + effect, seed: seed + 1_000_000)
        return quantileInterval(logRatios(second), q: 0.5, confidence: 0.95).map { $0.low > 0 } ?? false
      }
      let share = Double(found.hits) / Double(found.given)
      let name = "found at the stated effect, of the given: \(pairs) pairs, CV 2 %, 10 % spikes"
      // An effect stated too large would be found nearly always, and would send people away for nothing.
      return [.atLeast(0.75), .atMost(0.9)].map { ProofRow(name: name, observed: share, bound: $0, trials: found.given) }
    }
  }

  /// 40 pairs say how many would find a change; that many find it in 80 %, within the same five points.
  public static let pairsForEffect = SelfProof("power with the stated number of pairs", trials: 500) { trials in
    [0.02, 0.01].map { change in
      rowOfGiven("found with the stated pairs, of the given: \(change * 100) %, CV 2 %", .atLeast(0.75), trials) { seed in
        let machine = ProofMachine(level: 0)
        let first = machine.times(rounds: 40, ratio: 1, seed: seed)
        guard let effect = DetectableEffect(baseline: first.baseline, candidate: first.candidate),
          let pairs = effect.pairs(toFind: change)
        else { return nil }
        let second = machine.times(rounds: pairs, ratio: 1 + change, seed: seed + 1_000_000)
        return quantileInterval(logRatios(second), q: 0.5, confidence: 0.95).map { $0.low > 0 } ?? false
      }
    }
  }

  /// Skew, tails, spikes and steps of a clock are one mode. The flag needs independence, so AR(0.6) is in.
  public static let oneMode = SelfProof("one mode is not called two", trials: 500) { trials in
    let flags = [ProofNoise.normal, .lognormal, .spikes, .ar6].flatMap { noise in
      [20, 100].flatMap { n in
        [
          row("called bimodal: \(noise.rawValue), n = \(n)", .atMost(0.05), trials) { seed in
            SampleFlags(of: noise.series(n, seed: seed), seed: seed, resamples: 199)?.isBimodal
          },
          row("called bimodal in a comparison: \(noise.rawValue), n = \(n)", .atMost(0.05), trials) { seed in
            isBimodal(noise.series(n, seed: seed))
          },
        ]
      }
    }
    let clock = row("called bimodal: normal on a clock of 20 steps, n = 100", .atMost(0.05), trials) { seed in
      let ticks = ProofNoise.normal.series(100, seed: seed).map { ($0 * 4).rounded() / 4 }
      return SampleFlags(of: ticks, seed: seed, resolution: 0.25, resamples: 199)?.isBimodal
    }
    return flags + [clock]
  }

  /// Two equal groups, six of their standard deviations apart.
  public static let twoModes = SelfProof("two modes are seen", trials: 500) { trials in
    [(40, 0.8), (100, 0.9)].map { n, bound in
      row("called bimodal: two groups 6 s apart, n = \(n)", .atLeast(bound), trials) { seed in
        var random = SeededRandom(seed: seed)
        let samples = (0..<n).map { _ in random.gaussian() + (random.uniform() < 0.5 ? -3 : 3) }
        return SampleFlags(of: samples, seed: seed, resamples: 199)?.isBimodal
      }
    }
  }

  private static func logRatios(_ times: (baseline: [Double], candidate: [Double])) -> [Double] {
    pairedLogRatios(baseline: times.baseline, candidate: times.candidate) ?? []
  }
}

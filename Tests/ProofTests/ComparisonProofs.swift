// Does a comparison find what is there, and nothing where nothing is?

import Statistics
import Testing

@Suite struct ComparisonProofs {
  @Test("identical programs on a drifting machine: false verdicts ≤ 6.8 %", arguments: [0, 0.3, 0.6, 0.9, 0.98], [8, 20, 40])
  func size(_ drift: Double, _ rounds: Int) {
    var wrong = 0
    for seed in 1...1_000 {
      let times = pairedTimes(rounds: rounds, ratio: 1, drift: drift, seed: UInt64(seed))
      // δ = 0 takes `equivalent` away, which would hide false findings smaller than 2 %.
      guard let found = comparePaired(baseline: times.baseline, candidate: times.candidate, equivalence: 0) else { continue }
      if found.verdict == .faster || found.verdict == .slower { wrong += 1 }
    }
    #expect(wrong <= 68, "\(wrong) of 1000")
  }

  @Test("3 % faster, 40 pairs, each time with CV 2 % and 10 % spikes: found in ≥ 95 %")
  func power() {
    var found = 0
    for seed in 1...1_000 {
      let times = pairedTimes(rounds: 40, ratio: 1.03, drift: 0, level: 0, spikes: 0.1, seed: UInt64(seed))
      if comparePaired(baseline: times.baseline, candidate: times.candidate)?.verdict == .faster { found += 1 }
    }
    #expect(found >= 950, "\(found) of 1000")
  }

  @Test("four looks at α/4: false verdicts ≤ 6.8 %")
  func looks() {
    var wrong = 0
    for seed in 1...500 {
      let times = pairedTimes(rounds: 100, ratio: 1, drift: 0.6, seed: UInt64(seed))
      for n in [20, 40, 80, 100] {
        let found = comparePaired(
          baseline: Array(times.baseline.prefix(n)), candidate: Array(times.candidate.prefix(n)), equivalence: 0,
          confidence: 1 - 0.05 / 4)
        if let found, found.verdict != .unresolved {
          wrong += 1
          break
        }
      }
    }
    #expect(wrong <= 34, "\(wrong) of 500")
  }

  /// Student's t on four mirrored pairs: mirroring cancels drift and makes neighbouring pairs of a
  /// remembering machine alike, which costs up to two points over the nominal 5 %.
  @Test("the A/A control of 8 slices excludes 1 in ≤ 8 %", arguments: [0, 0.3, 0.6, 0.9, 0.98])
  func control(_ drift: Double) {
    var wrong = 0
    for seed in 1...1_000 {
      let slices = pairedTimes(rounds: 8, ratio: 1, drift: drift, seed: UInt64(seed)).baseline
      if let control = controlAA(slices), !control.interval.contains(1) { wrong += 1 }
    }
    #expect(wrong <= 80, "\(wrong) of 1000")
  }

  @Test("50 rows of nothing with Holm: any false finding in ≤ 6.8 %")
  func manyRows() {
    var wrong = 0
    for seed in 1...200 {
      let values = (0..<50).map { row -> Double in
        let times = pairedTimes(rounds: 20, ratio: 1, drift: 0.6, seed: UInt64(seed * 1_000 + row))
        return signTest(zip(times.baseline, times.candidate).map { $0 - $1 })
      }
      if holm(values).contains(where: { $0 <= 0.05 }) { wrong += 1 }
    }
    #expect(wrong <= 13, "\(wrong) of 200")
  }
}

import Statistics
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

@Suite struct SignificanceTests {
  @Test("Benjamini–Hochberg against scipy.stats.false_discovery_control")
  func benjamini() {
    let p = [
      0.001, 0.008, 0.039, 0.041, 0.042, 0.06, 0.074, 0.205, 0.212, 0.216, 0.222, 0.251, 0.269, 0.275, 0.34, 0.341,
      0.384, 0.569, 0.594, 0.696, 0.762, 0.94, 0.942, 0.975, 0.986,
    ]
    let expected = [
      0.025, 0.1, 0.21, 0.21, 0.21, 0.25, 0.26428571, 0.49107143, 0.49107143, 0.49107143, 0.49107143, 0.49107143,
      0.49107143, 0.49107143, 0.5328125, 0.5328125, 0.56470588, 0.78157895, 0.78157895, 0.87, 0.90714286, 0.986, 0.986,
      0.986, 0.986,
    ]
    for (found, expected) in zip(benjaminiHochberg(p), expected) { #expect(abs(found - expected) < 1e-8) }
    for (raised, single) in zip(holm(p), benjaminiHochberg(p)) { #expect(raised >= single) }
  }

  @Test("median test: scipy.stats.binomtest's two-sided p where there is no memory", arguments: [
    (3, 20, 0.0025768280029296875), (12, 40, 0.01658900337497471), (1, 10, 0.021484375),
  ])
  func binomial(_ below: Int, _ n: Int, _ p: Double) throws {
    let samples = (0..<n).map { $0 < below ? -1 - Double($0) : 1 + Double($0) }
    let test = try #require(medianTest(samples, autocorrelated: false))
    #expect(abs(test.pValue - p) < 1e-12)
    #expect(test.above < test.below)
    #expect(abs(test.pValue - signTest(samples)) < 1e-12)
    let mirrored = try #require(medianTest(samples.map { -$0 }, autocorrelated: false))
    #expect(mirrored.above == test.below && mirrored.below == test.above)
  }

  @Test("p ≤ α exactly where the interval excludes the value, with memory and without", arguments: [8, 13, 20, 33, 40, 100])
  func dual(_ n: Int) throws {
    var (significant, refused) = (0, 0)
    for seed in 1...120 {
      let noise = ProofNoise.allCases[seed % ProofNoise.allCases.count]
      let samples = noise.series(n, seed: UInt64(seed)).map { $0 + 0.3 }
      for confidence in [0.9, 0.95, 0.9875] {
        let interval = quantileInterval(samples, q: 0.5, confidence: confidence)
        guard let interval, let test = medianTest(samples) else {
          refused += 1
          continue
        }
        #expect((interval.low > 0) == (test.above <= (1 - confidence) / 2), "seed \(seed)")
        #expect((interval.high < 0) == (test.below <= (1 - confidence) / 2), "seed \(seed)")
        if test.pValue <= 1 - confidence { significant += 1 }
      }
    }
    #expect(significant > 20)
    #expect(refused < 150)
  }

  @Test("median test refuses five samples, nan, a trend; a sample at the value speaks against both sides")
  func refusals() throws {
    #expect(medianTest([1, 2, 3, 4, 5]) == nil)
    #expect(medianTest([1, 2, 3, 4, 5, .nan]) == nil)
    #expect(medianTest((0..<40).map { Double($0) }) == nil)
    #expect(try #require(medianTest([0, 0, 0, 0, 0, 0])).pValue == 1)
  }

  @Test("two one-sided tests: p ≤ 5 % exactly where the 90 % interval lies inside the band")
  func equivalent() throws {
    var held = 0
    for seed in 1...200 {
      let times = ProofMachine(level: 0, noise: 0.01).times(rounds: 30, ratio: 1.005, seed: UInt64(seed))
      let d = try #require(pairedLogRatios(baseline: times.baseline, candidate: times.candidate))
      guard let found = equivalence(ofLogRatios: d, delta: 0.01) else { continue }
      #expect(found.holds == (found.pValue <= 0.05))
      #expect(abs(found.band - log1p(0.01)) < 1e-15 && found.interval.confidence == 0.9)
      if found.holds { held += 1 }
      #expect(equivalence(ofLogRatios: d, delta: 0)?.holds == false)
    }
    #expect((20...180).contains(held))
    #expect(equivalence(ofLogRatios: [0, 0, 0, 0, 0], delta: 0.02) == nil)
  }

  @Test("looks: α/4 each, the next size, nothing is judged between looks")
  func looks() throws {
    let looks = SequentialLooks.standard
    #expect(looks.confidence == 0.9875)
    #expect(looks.next(after: 0) == 20 && looks.next(after: 20) == 40 && looks.next(after: 55) == 80)
    #expect(looks.next(after: 100) == nil)
    let times = ProofMachine(level: 0, noise: 0.01).times(rounds: 100, ratio: 1.2, seed: 1)
    func decide(_ pairs: Int, _ candidate: [Double]) -> SequentialLooks.Decision {
      looks.decide(baseline: Array(times.baseline.prefix(pairs)), candidate: Array(candidate.prefix(pairs)))
    }
    #expect(decide(19, times.candidate) == .measure(until: 20, nil))
    guard case .stop(let found) = decide(39, times.candidate) else {
      Issue.record("20 % is found at the first look")
      return
    }
    #expect(found.pairs == 20 && found.verdict == .faster && found.interval.confidence == 0.9875)
    #expect(abs(found.equivalence.interval.confidence - 0.975) < 1e-12)
    let wild = times.baseline.enumerated().map { $0.element * ($0.offset % 2 == 0 ? 2 : 0.5) }
    guard case .measure(until: 80, let unresolved?) = decide(50, wild) else {
      Issue.record("nothing is resolved at 40")
      return
    }
    #expect(unresolved.verdict == .unresolved && unresolved.pairs == 40)
    guard case .exhausted(_?) = looks.run(baseline: times.baseline, candidate: wild) else {
      Issue.record("all looks are used up")
      return
    }
    guard case .stop(let early) = looks.run(baseline: times.baseline, candidate: times.candidate) else {
      Issue.record("the first look stops")
      return
    }
    #expect(early == found)
  }

  @Test("a comparison's p-value is that of its interval")
  func comparison() throws {
    let times = ProofMachine(level: 0, spikes: 0.1).times(rounds: 40, ratio: 1.012, seed: 5)
    let found = try #require(comparePaired(baseline: times.baseline, candidate: times.candidate))
    #expect(found.interval.contains(1) == (found.pValue > 0.05))
    let d = try #require(pairedLogRatios(baseline: times.baseline, candidate: times.candidate))
    #expect(found.pValue == medianTest(d)?.pValue)
    #expect(found.equivalence == equivalence(ofLogRatios: d, delta: 0.02))
    #expect(pairedLogRatios(baseline: [1, 2], candidate: [1]) == nil)
    #expect(pairedLogRatios(baseline: [1, 0], candidate: [1, 1]) == nil)
  }
}

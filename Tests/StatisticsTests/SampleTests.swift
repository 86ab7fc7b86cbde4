import Statistics
import Testing

@Suite struct SampleTests {
  @Test("Yuen's test against scipy.stats.mstats: trimmed_mean, trimmed_stde, trimmed_mean_ci")
  func yuen() throws {
    let d = [0.012, -0.004, 0.031, 0.022, 0.008, 0.019, -0.015, 0.027, 0.4, 0.011, 0.016, 0.005]
    let found = try #require(trimmedMeanYuen(d))
    #expect(abs(found.value - 0.015) < 1e-12)
    #expect(abs(found.standardError - 0.004280433387961627) < 1e-12)
    #expect(found.degrees == 7)
    #expect(abs(found.interval.low - 0.00487838) < 1e-8 && abs(found.interval.high - 0.02512162) < 1e-8)
    #expect(abs(found.pValue() - 0.009935087955189123) < 1e-9)
    #expect(abs(found.pValue(against: found.interval.high) - 0.05) < 1e-9)
    #expect(trimmedMeanYuen([3, 3, 3, 3, 3, 3])?.pValue(against: 3) == 1)
    #expect(trimmedMeanYuen([3, 3, 3, 3, 3, 3])?.pValue() == 0)
  }

  @Test("Yuen for pairs: the ratio, without the drift; refuses what has no logarithm")
  func pairs() throws {
    let times = ProofMachine(drift: 0.9, noise: 0.001).times(rounds: 40, ratio: 1.5, seed: 3)
    let found = try #require(yuenPaired(baseline: times.baseline, candidate: times.candidate))
    #expect(abs(found.interval.mapped { $0 }.low - 0.405) < 0.02)
    #expect(found.pValue() < 1e-9)
    #expect(yuenPaired(baseline: [1, 2, 3, 0, 5, 6], candidate: [1, 2, 3, 4, 5, 6]) == nil)
    #expect(yuenPaired(baseline: [1, 2], candidate: [1]) == nil)
  }

  @Test("two levels against scipy: t interval over process means, intraclass correlation from f_oneway")
  func levels() throws {
    let groups: [[Double]] = [[10, 12, 11], [14, 15], [9, 9.5, 10, 10.5], [13, 12.5], [11, 11.2, 11.4], [15, 14, 16]]
    let found = try twoLevelMean(groups)
    #expect(abs(found.mean - 12.366666666666667) < 1e-12)
    #expect(abs(found.interval.low - 10.179992632983875) < 1e-8 && abs(found.interval.high - 14.553340700349459) < 1e-8)
    #expect(abs(try #require(found.intraclass) - 0.8926415012873566) < 1e-12)
    #expect(found.processes == 6 && found.iterations == 17)
    let inflation = 1 + (17.0 / 6 - 1) * 0.8926415012873566
    #expect(abs(try #require(found.designEffect) - inflation) < 1e-12)
    #expect(try twoLevelMean([[1], [2], [3], [4], [5], [6]]).intraclass == nil)
    #expect(try twoLevelMean([[Double]](repeating: [1, 1], count: 6)).intraclass == nil)
  }

  @Test("two levels refuse five processes, an empty one, a nan, and say what to do")
  func refusals() {
    let five = [[Double]](repeating: [1, 2], count: 5)
    #expect(throws: TwoLevelRefusal.tooFewProcesses(given: 5, needed: 6)) { try twoLevelMean(five) }
    #expect(throws: TwoLevelRefusal.emptyProcess(5)) { try twoLevelMean(five + [[]]) }
    #expect(throws: TwoLevelRefusal.notFinite(5)) { try twoLevelMean(five + [[.nan]]) }
    #expect(TwoLevelRefusal.tooFewProcesses(given: 5, needed: 6).text.contains("at least 6"))
  }

  @Test("iterations inside a process are averaged: repeating them narrows nothing")
  func averaged() throws {
    let once = (1...8).map { [Double($0), Double($0) + 0.5] }
    let often = once.map { Array(repeatElement($0, count: 50).joined()) }
    #expect(try abs(twoLevelMean(once).interval.width - twoLevelMean(often).interval.width) < 1e-9)
  }

  @Test("batch means double until they forget, and refuse a walk")
  func batches() throws {
    var random = SeededRandom(seed: 1)
    let independent = (0..<400).map { _ in random.uniform() }
    let short = try #require(batchMeans(independent))
    #expect(short.length == 1 && short.means == independent && short.interval.contains(0.5))
    let remembering = autoregressive(4_000, 0.8, &random)
    let long = try #require(batchMeans(remembering))
    #expect(long.length >= 8 && long.means.count >= 20 && long.lagOne < 0.1)
    // The standard error of an AR(1)'s mean is 1/((1 − φ) √n).
    let truth = 2 * 1.96 / (0.2 * 4_000.0.squareRoot())
    #expect((0.7...1.8).contains(long.interval.width / truth))
    #expect(batchMeans(randomWalk(1_000, seed: 1)) == nil)
    #expect(batchMeans(Array(independent.prefix(19))) == nil)
    #expect(batchMeans([.nan] + independent) == nil)
  }

  @Test("far values are flagged by place: fences of 1…9 and of a constant with one stranger")
  func outliers() throws {
    let samples: [Double] = [5, 1, 2, 3, 4, 40, 6, 7, 8, 9, -30]
    let tukey = try #require(tukeyOutliers(samples))
    // Quartiles 2.5 and 7.5 by type 7.
    #expect(tukey.low == -5 && tukey.high == 15 && tukey.indices == [5, 10])
    #expect(tukeyOutliers(samples, reach: 8)?.indices == [])
    let mad = try #require(madOutliers(samples))
    #expect(mad.indices == [5, 10])
    let fence = 5 + 3.5 * 3 / 0.6744898
    #expect(abs(mad.high - fence) < 1e-9)
    #expect(madOutliers([7, 7, 7, 7, 7, 7, 7, 7, 9])?.indices == [8])
    #expect(madOutliers([7, 7, 7, 7, 7, 7])?.indices == [])
    #expect(tukeyOutliers([1, 2, 3, 4, 5]) == nil && madOutliers([1, 2, 3, 4, 5, .nan]) == nil)
  }

  @Test("memory: independent, remembering, wandering")
  func memory() throws {
    #expect(SampleMemory(of: ProofNoise.normal.series(100, seed: 1)) == .independent)
    guard case .remembering(let lagOne, let effective) = SampleMemory(of: ProofNoise.ar6.series(100, seed: 1)) else {
      Issue.record("AR(0.6) remembers")
      return
    }
    #expect((0.4...0.8).contains(lagOne) && (8...50).contains(effective))
    guard case .wandering = SampleMemory(of: (0..<40).map { Double($0) }) else {
      Issue.record("a trend wanders")
      return
    }
    #expect(SampleMemory(of: ProofNoise.normal.series(19, seed: 1)) == nil)
  }

  @Test("the dip against Python's diptest 0.12", arguments: [
    ([1, 2, 3, 4, 10, 11, 12, 13, 14.5, 3.3], 0.14285714285714285),
    ([1, 1.5, 2, 2.25, 4, 7, 7.25, 8, 9, 9.5, 9.75, 12], 0.12326388888888888),
    ([1, 1, 1, 1], 0.125), ([1, 2, 3, 4, 5], 0.1), ([0, 0, 0, 1, 1, 1], 0.25),
  ])
  func dip(_ samples: [Double], _ expected: Double) throws {
    #expect(abs(try #require(dipStatistic(samples)) - expected) < 1e-12)
    #expect(abs(try #require(dipStatistic(samples.map { -3 * $0 + 1 })) - expected) < 1e-12)
  }

  @Test("the dip test repeats by seed, forgives the steps of a clock, refuses 19 samples")
  func modes() throws {
    let two = ProofNoise.normal.series(60, seed: 2).enumerated().map { $0.element + ($0.offset % 2 == 0 ? 4 : -4) }
    let found = try #require(dipTest(two, resamples: 199))
    #expect(found == dipTest(two, resamples: 199) && found.pValue <= 0.01)
    let ticks = ProofNoise.normal.series(200, seed: 3).map { $0.rounded() }
    #expect(try #require(dipTest(ticks, resamples: 99)).pValue < 0.05)
    #expect(try #require(dipTest(ticks, resamples: 99, resolution: 1)).pValue > 0.5)
    #expect(dipTest([Double](repeating: 1, count: 19)) == nil)
    #expect(dipStatistic([1, 2, 3]) == nil)
  }

  @Test("all flags of a series, and none where there are too few samples")
  func flags() throws {
    var samples = ProofNoise.normal.series(60, seed: 4)
    samples[7] = 100
    let flags = try #require(SampleFlags(of: samples, resamples: 199))
    #expect(flags.farOut?.indices == [7] && !flags.isBimodal && flags.memory == .independent)
    let few = try #require(SampleFlags(of: [1, 2, 3]))
    #expect(few.farOut == nil && few.modes == nil && few.memory == nil && !few.isBimodal)
    #expect(SampleFlags(of: [.infinity]) == nil)
  }

  @Test("detectable effect: larger noise and fewer pairs need larger effects; refusals")
  func detectable() throws {
    func effect(_ noise: Double, _ pairs: Int, _ seed: UInt64 = 3) throws -> DetectableEffect {
      let times = ProofMachine(level: 0, noise: noise).times(rounds: pairs, ratio: 1, seed: seed)
      return try #require(DetectableEffect(baseline: times.baseline, candidate: times.candidate))
    }
    let small = try effect(0.01, 40)
    let minimum = try #require(small.minimum)
    #expect(abs(try #require(effect(0.03, 40).minimum) / minimum - 3) < 0.3)
    #expect(try #require(small.minimum(pairs: 160)) < minimum)
    // The sign test on normal noise: (1.96 + 0.84) √(π/2) · √2 · 1 % / √40 = 0.78 %, more for its whole ranks.
    let typical = medianOf(try (1...21).map { try #require(effect(0.01, 40, UInt64($0)).minimum) })
    #expect((0.0078...0.0115).contains(typical), "\(typical)")
    let pairs = try #require(small.pairs(toFind: minimum))
    #expect(pairs <= 40)
    #expect(try #require(small.minimum(pairs: pairs)) <= minimum)
    #expect(try #require(small.pairs(toFind: 0.002)) > 150)
    #expect(small.pairs(toFind: 1e-6) == nil)
    #expect(small.minimum(pairs: 5) == nil)
    #expect(DetectableEffect(ofLogRatios: [0.1, 0.2, 0.1, 0.2, 0.1, 0.2, 0.1, 0.2, 0.1, 0.2, 0.1]) == nil)
    #expect(DetectableEffect(ofLogRatios: (0..<40).map { Double($0) }) == nil)
    #expect(DetectableEffect(baseline: [1], candidate: [0]) == nil)
  }
}

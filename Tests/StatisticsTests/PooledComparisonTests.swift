import Testing

@testable import Statistics

@Suite struct PooledComparisonTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var baseline: [Double]
    var candidate: [Double]
    var ratio: Double
    var low: Double
    var high: Double
    var p: Double
    var verdict: PairedVerdict
  }

  /// Ratio and interval by numpy 2.4 over all differences of logarithms with ranks from the exact count of arrangements in whole
  /// numbers; p by scipy 1.17 `mannwhitneyu(method="exact")`. The first data set is R's example of `wilcox.test` with
  /// `conf.int` (Hollander and Wolfe 1973, 69).
  static let cases = [
    Case(
      testDescription: "membrane", baseline: [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46],
      candidate: [1.15, 0.88, 0.90, 0.74, 1.21], ratio: 1.3117671370783737, low: 0.859504132231405, high: 1.9594594594594594,
      p: 0.2544122544122544, verdict: .unresolved),
    Case(
      testDescription: "benchstat json, ties broken", baseline: [1726, 1723, 1707.5, 1707, 1713, 1729, 1736, 1708, 1705, 1774],
      candidate: [1423, 1416, 1411, 1413, 1412, 1426, 1422, 1424, 1447, 1425], ratio: 1.2097630300633153,
      low: 1.1997235659986183, high: 1.2202549575070822, p: 1.082508822446903e-05, verdict: .faster),
    Case(
      testDescription: "four and four", baseline: [10, 11, 12, 13], candidate: [20, 21.5, 23, 24], ratio: 0.5166587842011539,
      low: 0.4166666666666667, high: 0.65, p: 0.02857142857142857, verdict: .slower),
  ]

  @Test("against numpy and scipy", arguments: cases) func oracle(_ oracle: Case) throws {
    let found = try #require(comparePooled(baseline: oracle.baseline, candidate: oracle.candidate))
    #expect(abs(found.ratio - oracle.ratio) < 1e-12)
    #expect(abs(found.interval.low - oracle.low) < 1e-12 && abs(found.interval.high - oracle.high) < 1e-12)
    #expect(abs(found.pValue - oracle.p) < 1e-12)
    #expect(found.verdict == oracle.verdict && found.doubts.isEmpty)
    let swapped = try #require(comparePooled(baseline: oracle.candidate, candidate: oracle.baseline))
    #expect(abs(swapped.ratio * found.ratio - 1) < 1e-12)
    #expect(abs(swapped.interval.low * found.interval.high - 1) < 1e-12)
  }

  @Test("Moses' interval and the shift of R's wilcox.test example: −0.15…0.76, 0.305") func wilcoxTest() throws {
    let oracle = Self.cases[0]
    let differences = SortedDifferences(oracle.baseline, oracle.candidate)
    let interval = try #require(differences.interval(0.95))
    #expect(abs(interval.low + 0.15) < 1e-12 && abs(interval.high - 0.76) < 1e-12)
    #expect(abs(differences.median - 0.305) < 1e-12)
  }

  @Test("every rank of the differences, with ties, against sorting them all") func ranks() {
    for seed in 1...20 as ClosedRange<UInt64> {
      var random = SeededRandom(seed: seed)
      let coarse = seed % 2 == 0
      func sample(_ n: Int) -> [Double] {
        (0..<n).map { _ in coarse ? (random.uniform() * 5).rounded() / 10 : random.gaussian() }
      }
      let (x, y) = (sample(7), sample(11))
      let all = x.flatMap { a in y.map { a - $0 } }.sorted()
      let differences = SortedDifferences(x, y)
      for rank in 1...77 { #expect(differences.value(rank: rank) == all[rank - 1]) }
      #expect(differences.median == all[38])
    }
  }

  @Test("the distribution of U by the table and its tails", arguments: [
    (3, 3, 0.05, 1), (4, 4, 0.025, 1), (5, 5, 0.025, 3), (10, 10, 0.025, 24), (20, 20, 0.025, 128), (8, 13, 0.025, 25),
  ])
  func critical(_ m: Int, _ n: Int, _ tail: Double, _ rank: Int) {
    // The published critical values (Mann and Whitney 1947; Milton 1964) are one less: reject at U ≤ rank − 1.
    #expect(mannWhitneyRank(m, n, tail: tail) == rank)
  }

  @Test("counts of arrangements of 3 and 4, and a whole distribution") func distribution() {
    let counts = [1, 1, 2, 3, 4, 4, 5, 4, 4, 3, 2, 1, 1]
    #expect(zip(mannWhitneyDistribution(3, 4), counts).allSatisfy { abs($0 * 35 - Double($1)) < 1e-12 })
    #expect(mannWhitneyDistribution(50, 50).count == 2501)
    #expect(abs(mannWhitneyDistribution(50, 50).reduce(0, +) - 1) < 1e-12)
    #expect(mannWhitneyRank(2, 2, tail: 0.025) == nil && mannWhitneyRank(3, 3, tail: 0.025) == nil)
    // Counted in whole numbers in Python: 966, and 987 for 51 and 50, where the normal approximation takes over.
    #expect(mannWhitneyRank(50, 50, tail: 0.025) == 966)
    #expect((986...987).contains(mannWhitneyRank(51, 50, tail: 0.025) ?? 0), "\(mannWhitneyRank(51, 50, tail: 0.025) ?? 0)")
  }

  @Test("verdicts by the rule of pairs") func verdicts() throws {
    func samples(_ level: Double, _ seed: UInt64) -> [Double] {
      var random = SeededRandom(seed: seed)
      return (0..<60).map { _ in level * (1 + 0.01 * random.gaussian()) }
    }
    func verdict(_ level: Double, _ delta: Double = 0.02) -> PairedVerdict? {
      comparePooled(baseline: samples(level, 1), candidate: samples(100, 2), equivalence: delta)?.verdict
    }
    #expect(verdict(110) == .faster && verdict(90) == .slower && verdict(100) == .equivalent)
    #expect(verdict(100, 0) == .unresolved)
    #expect(verdict(101) == .equivalent && verdict(101, 0) == .faster)
    let same = try #require(comparePooled(baseline: [5, 5, 5, 5], candidate: [5, 5, 5, 5]))
    #expect(same.ratio == 1 && same.pValue == 1 && same.verdict == .equivalent)
  }

  @Test("memory is a doubt, bad values and few samples are refused") func refused() {
    var random = SeededRandom(seed: 1)
    let drifting = autoregressive(60, 0.8, &random).map { 100 + $0 }
    let steady = ProofNoise.normal.series(60, seed: 2).map { 100 + $0 }
    #expect(comparePooled(baseline: drifting, candidate: steady)?.doubts.count == 1)
    #expect(comparePooled(baseline: steady, candidate: steady)?.doubts.isEmpty == true)
    #expect(comparePooled(baseline: [1, 2, 3], candidate: [4, 5, 6]) == nil)
    #expect(comparePooled(baseline: [1, 2, 3, 0], candidate: [4, 5, 6, 7]) == nil)
    #expect(comparePooled(baseline: [], candidate: [4, 5, 6, 7]) == nil)
  }
}

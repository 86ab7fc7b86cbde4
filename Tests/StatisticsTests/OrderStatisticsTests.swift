import Statistics
import Testing

@Suite struct OrderStatisticsTests {
  @Test("the smallest n with a 95 % interval is 6, 36, 72, 368, 3,688", arguments: [
    (0.5, 6), (0.9, 36), (0.95, 72), (0.99, 368), (0.999, 3_688),
  ])
  func smallest(_ q: Double, _ n: Int) {
    #expect(binomialRanks(n: n, q: q, confidence: 0.95) != nil)
    #expect(binomialRanks(n: n - 1, q: q, confidence: 0.95) == nil)
  }

  @Test("ranks of the median against the published table of the sign interval", arguments: [
    (6, 1), (8, 1), (9, 2), (10, 2), (15, 4), (20, 6), (25, 8), (40, 14), (50, 18), (100, 40),
  ])
  func medianRanks(_ n: Int, _ lower: Int) throws {
    let ranks = try #require(binomialRanks(n: n, q: 0.5, confidence: 0.95))
    #expect(ranks.lower == lower)
    #expect(ranks.upper == n + 1 - lower)
  }

  @Test("a million samples: within a rank of the normal approximation, and mirrored for 1 − q")
  func large() throws {
    let ranks = try #require(binomialRanks(n: 1_000_000, q: 0.99, confidence: 0.95))
    let spread = 1.959964 * (1_000_000 * 0.99 * 0.01).squareRoot()
    #expect(abs(Double(ranks.lower) - (990_000 - spread)) < 2)
    #expect(abs(Double(ranks.upper) - (990_000 + spread)) < 2)
    let mirror = try #require(binomialRanks(n: 1_000_000, q: 0.01, confidence: 0.95))
    #expect(mirror.lower == 1_000_001 - ranks.upper)
  }

  @Test("nonsense is refused", arguments: [(0, 0.5, 0.95), (10, 0, 0.95), (10, 1, 0.95), (10, 0.5, 1)])
  func refused(_ n: Int, _ q: Double, _ confidence: Double) {
    #expect(binomialRanks(n: n, q: q, confidence: confidence) == nil)
  }

  @Test("constant samples have an interval of no width; nan is refused")
  func constants() {
    #expect(quantileInterval([Double](repeating: 3, count: 10), q: 0.5, confidence: 0.95) == Interval(low: 3, high: 3, confidence: 0.95))
    #expect(quantileInterval([1, 2, .nan, 4, 5, 6, 7], q: 0.5, confidence: 0.95) == nil)
  }

  @Test("quantiles interpolate as type 7")
  func quantiles() {
    #expect(sampleQuantile(sorted: [1, 2, 3, 4], 0.5) == 2.5)
    #expect(sampleQuantile(sorted: [1, 2, 3, 4], 1) == 4)
    #expect(sampleQuantile(sorted: [7], 0.3) == 7)
  }

  @Test("memory: independent samples count fully, a remembering series less, an alternating one not more")
  func effective() {
    var random = SeededRandom(seed: 4)
    let independent = (0..<4_000).map { _ in random.uniform() }
    #expect(effectiveSampleSize(independent) > 3_700)
    var level = 0.0
    let remembering = (0..<4_000).map { _ -> Double in
      level = 0.6 * level + random.uniform() - 0.5
      return level
    }
    // (1 − φ)/(1 + φ) = 0.25
    #expect((800...1_150).contains(effectiveSampleSize(remembering)))
    #expect(effectiveSampleSize((0..<100).map { Double($0 % 2) }) == 100)
    #expect(effectiveSampleSize([1, 2]) == 2)
  }

  @Test("a trend has no median: refused from 20 samples on")
  func trend() {
    #expect(quantileInterval((0..<40).map { Double($0) }, q: 0.5, confidence: 0.95) == nil)
    #expect(quantileInterval((0..<40).map { Double($0) }, q: 0.5, confidence: 0.95, autocorrelated: false) != nil)
  }
}

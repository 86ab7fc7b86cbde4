import Foundation
import Testing

@testable import Statistics

@Suite struct SharesComparedTests {
  // scipy.stats.hypergeom.sf(hits − 1, total, marked, drawn), equal to fisher_exact(alternative="greater").
  @Test(arguments: [
    (3, 10, 15, 100, 0.17053965084984227), (60, 100, 62, 2000, 4.402193671988768e-85), (1, 5, 1, 100, 0.05), (5, 10, 50, 100, 0.6296667731127676),
    (0, 5, 3, 10, 1), (2, 10, 30, 100, 0.8643750195844953), (40, 50, 80, 100, 0.5984356088532748), (900, 1000, 3000, 100_000, 0), (10, 10, 10, 10, 1),
  ])
  func fisherIsExact(hits: Int, drawn: Int, marked: Int, total: Int, p: Double) {
    let found = fisherUpperTail(hits: hits, drawn: drawn, marked: marked, total: total)
    #expect(abs(found - p) <= 1e-10 * max(p, 1e-100), "\(found)")
  }

  @Test func tailsAddUp() {
    // P(X ≥ k) falls from 1 to the last term, and by the terms, which are a distribution.
    for (drawn, marked, total) in [(7, 9, 20), (15, 12, 20), (3, 200, 500), (499, 400, 500)] {
      let tails = (0...min(drawn, marked)).map { fisherUpperTail(hits: $0, drawn: drawn, marked: marked, total: total) }
      #expect(tails[0] == 1 && zip(tails, tails.dropFirst()).allSatisfy { $0 >= $1 - 1e-12 } && tails.last! > 0)
      let mean = tails.dropFirst().reduce(0, +)
      #expect(abs(mean - Double(drawn) * Double(marked) / Double(total)) < 1e-9)
    }
  }

  // Donner and Zou's formula in Python, with Wilson's limits.
  @Test(arguments: [
    (60, 100, 2, 1900, 153.75828203838336, 2087.068016430009), (5, 50, 10, 950, 3.423897422816835, 25.29329564135528),
    (30, 100, 300, 1000, 0.7209120094460912, 1.342527269572886), (12, 40, 0, 960, 69.0691405558515, Double.infinity),
  ])
  func ratiosHaveTheirInterval(a: Int, n: Int, b: Int, m: Int, low: Double, high: Double) throws {
    let interval = try #require(ratioOfSharesInterval(hits: a, of: n, baseHits: b, of: m))
    #expect(abs(interval.low / low - 1) < 1e-6 && (interval.high == high || abs(interval.high / high - 1) < 1e-6), "\(interval)")
    #expect(ratioOfSharesInterval(hits: 0, of: 0, baseHits: b, of: m) == nil)
  }

  @Test func intervalsCoverTheTruth() {
    // A value that half of the slow tenth has and 2 % of the rest; 2,000 draws: 95 % ± 1 % are 1,880 … 1,920.
    var random = SeededRandom(seed: 4)
    func binomial(_ n: Int, _ p: Double) -> Int { (0..<n).reduce(0) { count, _ in count + (random.uniform() < p ? 1 : 0) } }
    let (n, m, p1, p0) = (100, 900, 0.5, 0.02)
    let truth = p1 / (0.1 * p1 + 0.9 * p0)
    var covered = 0
    for _ in 0..<2_000 {
      let (a, b) = (binomial(n, p1), binomial(m, p0))
      if let found = lift(hits: a, chosen: n, marked: a + b, total: n + m), found.interval.contains(truth) { covered += 1 }
    }
    #expect((1_870...1_940).contains(covered), "\(covered)")
  }

  @Test func liftsAreBounded() throws {
    let all = try #require(lift(hits: 40, chosen: 50, marked: 40, total: 1_000))
    #expect(all.value == 20 && abs(all.interval.high - 20) < 1e-9 && all.interval.low > 10)
    let none = try #require(lift(hits: 0, chosen: 50, marked: 40, total: 1_000))
    #expect(none.value == 0 && none.interval.low == 0 && none.interval.high > 0.5)
    #expect(lift(hits: 0, chosen: 50, marked: 0, total: 100) == nil && lift(hits: 5, chosen: 10, marked: 5, total: 10) == nil)
  }

  @Test func aFamilyHoldsTestsThatAreNotListed() {
    #expect(holm([0.01, 0.04], family: 5) == [0.05, 0.16])
    #expect(holm([0.01, 0.04], family: 2) == holm([0.01, 0.04]))
    #expect(holm([0.01, 0.04, 1, 1, 1])[..<2] == [0.05, 0.16])
  }
}

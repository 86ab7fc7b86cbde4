import Statistics
import Testing

@testable import ExperimentRunner

@Suite("Paired times")
struct PairedTimesTests {
  /// Times of a busy queue: a long memory, which both readings share.
  private func queue(_ n: Int, seed: UInt64) -> [Int64] {
    var random = SeededRandom(seed: seed, stream: 7)
    var wait = 0.0
    return (0..<n).map { _ in
      let service = random.exponential() * 1e6
      defer { wait = max(0, wait + service - random.exponential() * 1.2e6) }
      return Int64(wait + service)
    }
  }

  @Test("a fixed surplus is found to its size, whatever the arrivals did", arguments: 1...20 as ClosedRange<UInt64>)
  func surplus(seed: UInt64) throws {
    let ideal = queue(4_000, seed: seed)
    let paired = try #require(PairedTimes([(ideal.map { $0 + $0 / 50 }, ideal)]))
    let mean = try #require(paired.meanRatio())
    let p99 = try #require(paired.quantileRatio(0.99))
    #expect(abs(mean.value - 1.02) < 1e-4 && mean.high! - mean.low! < 1e-4)
    #expect(abs(p99.value - 1.02) < 1e-3 && p99.high! - p99.low! < 1e-3)
  }

  @Test("95 % intervals of a random surplus hold its true size in at least 90 of 100 seeds")
  func coverage() throws {
    var held = (mean: 0, p99: 0)
    for seed in 1...100 as ClosedRange<UInt64> {
      let ideal = queue(4_000, seed: seed)
      var random = SeededRandom(seed: seed, stream: 9)
      // The surplus is 3 % of a time on average, give or take as much.
      let measured = ideal.map { Int64(Double($0) * (1 + 0.03 * random.exponential())) }
      let paired = try #require(PairedTimes([(measured, ideal)]))
      let mean = try #require(paired.meanRatio())
      if mean.low! <= 1.03, 1.03 <= mean.high! { held.mean += 1 }
      let p99 = try #require(paired.quantileRatio(0.99))
      // The tail is made by what was long already and by the larger surpluses: between 3 and 4 %.
      if p99.low! <= 1.04, 1.03 <= p99.high! { held.p99 += 1 }
    }
    #expect(held.mean >= 90 && held.p99 >= 90, "\(held)")
  }

  @Test("quantiles are order statistics: the ratio of the n-th values, and of several runs together")
  func exact() throws {
    let bottom = (1...1_000).map { Int64($0) }
    let paired = try #require(PairedTimes([(bottom.map { $0 * 3 }, bottom), (bottom.map { $0 * 3 }, bottom)]))
    for q in [0.5, 0.9, 0.99, 1] { #expect(paired.quantileRatio(q)?.value == 3) }
    #expect(paired.meanRatio()?.value == 3)
  }

  @Test("too few, or not kept: no pairs")
  func few() {
    #expect(PairedTimes([([1, 2, 3], [1, 2, 3])]) == nil)
    #expect(PairedTimes([([], (1...1_000).map { Int64($0) })]) == nil)
  }
}

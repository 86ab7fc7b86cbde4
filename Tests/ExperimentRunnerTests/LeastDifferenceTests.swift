import Statistics
import Testing

@testable import ExperimentRunner

// What two starts may differ by is no difference; what goes beyond that is one.

@Suite struct LeastDifferenceTests {
  /// A candidate that takes `share` of the baseline's time, with a ripple of half a per cent on both.
  private func compared(_ share: Double) throws -> PairedComparison {
    let base = (0..<80).map { 1000 + Double($0 * 37 % 11) }
    let other = (0..<80).map { (1000 + Double($0 * 53 % 11)) * share }
    return try #require(comparePaired(baseline: base, candidate: other, equivalence: LeastDifference.ofOneStart.share))
  }

  @Test func lessThanFivePerCentIsNoneAfterOneStart() throws {
    for share in [0.96, 1.04] {
      let found = try compared(share)
      #expect(!LeastDifference.usual.mayBeChance(found))
      #expect(found.verdict == .equivalent || LeastDifference.ofOneStart.mayBeChance(found), "\(share): \(found.verdict)")
    }
  }

  @Test func aRealDifferenceStays() throws {
    for (share, verdict) in [(0.5, PairedVerdict.faster), (0.9, .faster), (1.2, .slower)] {
      let found = try compared(share)
      #expect(found.verdict == verdict && !LeastDifference.ofOneStart.mayBeChance(found))
    }
  }
}

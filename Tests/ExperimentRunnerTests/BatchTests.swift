import ExperimentModel
import Statistics
import Testing

@testable import ExperimentRunner

@Suite struct BatchTests {
  @Test("Student's t at the 97.5 % point against the published table", arguments: [
    (5, 2.571), (7, 2.365), (10, 2.228), (20, 2.086), (30, 2.042), (120, 1.980),
  ])
  func quantiles(_ degrees: Int, _ expected: Double) {
    #expect(abs(studentQuantile(0.975, degrees: Double(degrees)) - expected) < 0.003 * expected)
  }

  @Test("the interval of a ratio of sums covers the true share in 93 to 97.5 % of 2,000 seeds")
  func coverage() {
    var covered = 0
    for seed in 1...2_000 {
      var random = SeededRandom(seed: UInt64(seed))
      var hits: [Double] = []
      var lookups: [Double] = []
      for _ in 0..<20 {
        let n = 100 + Int(random.uniform() * 100)
        lookups.append(Double(n))
        hits.append(Double((0..<n).filter { _ in random.uniform() < 0.557 }.count))
      }
      let estimate = ratioEstimate(hits, lookups)!
      if estimate.low! <= 0.557 && 0.557 <= estimate.high! { covered += 1 }
    }
    #expect((1_860...1_950).contains(covered), "covered \(covered) of 2000")
  }

  @Test("fewer than six batches give no interval, an empty denominator no value")
  func refusals() {
    #expect(ratioEstimate([1, 1], [2, 2]) == Estimate(0.5))
    #expect(ratioEstimate([0], [0]) == nil)
  }

  @Test("thinning keeps both ends")
  func thinning() {
    #expect(thinned(3, to: 5) == [0, 1, 2])
    #expect(thinned(1_000, to: 5) == [0, 249, 499, 749, 999])
  }
}

import Statistics
import Testing

@Suite struct EstimatorTests {
  @Test("Student's t against the published table", arguments: [
    (0.975, 1, 12.7062), (0.975, 3, 3.1824), (0.975, 9, 2.2622), (0.975, 30, 2.0423), (0.95, 4, 2.1318),
    (0.995, 10, 3.1693), (0.025, 9, -2.2622), (0.5, 7, 0),
  ])
  func student(_ p: Double, _ degrees: Int, _ t: Double) {
    #expect(abs(studentQuantile(p, degrees: Double(degrees)) - t) < 1e-4)
    #expect(abs(studentCDF(t, degrees: Double(degrees)) - p) < 1e-5)
  }

  @Test("trimmed mean: Wilcox's example keeps the middle and ignores the outlier")
  func trimmed() throws {
    // 20 % of 10 on each side: mean of 3…8; winsorised variance of 3,3,3,4,5,6,7,8,8,8.
    let found = try #require(trimmedMeanYuen([1, 2, 3, 4, 5, 6, 7, 8, 9, 1_000]))
    #expect(found.value == 5.5)
    let winsorised = [3, 3, 3, 4, 5, 6, 7, 8, 8, 8].map { Double($0) }
    #expect(abs(found.standardError - sampleVariance(winsorised).squareRoot() / (0.6 * 10.0.squareRoot())) < 1e-12)
    #expect(found.interval.contains(5.5))
    #expect(trimmedMeanYuen([1, 2, 3]) == nil)
  }

  @Test("Theil–Sen: the slope of a line with a wild point; intervals hold the truth")
  func slope() throws {
    let x = (0..<20).map { Double($0) }
    var y = x.map { 3 + 0.5 * $0 }
    y[4] = 1_000
    let line = try #require(theilSen(x, y))
    #expect(abs(line.slope - 0.5) < 1e-9)
    #expect(abs(line.intercept - 3) < 1e-9)
    #expect(try #require(line.slopeInterval).contains(0.5))
    #expect(theilSen([1, 1], [2, 3]) == nil)
    #expect(theilSen([1], [2]) == nil)
  }

  @Test("Holm and Benjamini–Hochberg against R's p.adjust")
  func adjusted() {
    let p = [0.01, 0.04, 0.03, 0.005]
    for (found, expected) in zip(holm(p), [0.03, 0.06, 0.06, 0.02]) { #expect(abs(found - expected) < 1e-12) }
    for (found, expected) in zip(benjaminiHochberg(p), [0.02, 0.04, 0.04, 0.02]) { #expect(abs(found - expected) < 1e-12) }
    #expect(holm([]).isEmpty)
    #expect(holm([0.9, 0.8]) == [1, 1])
  }

  @Test("sign test against the binomial tail", arguments: [(10, 1, 0.021484375), (6, 0, 0.03125), (8, 4, 1.0)])
  func sign(_ n: Int, _ positive: Int, _ p: Double) {
    let differences = (0..<n).map { $0 < positive ? 1.0 : -1.0 } + [0, 0]
    #expect(abs(signTest(differences) - p) < 1e-12)
  }

  @Test("bootstrap over pairs: repeats by seed, holds the mean, refuses five pairs")
  func bootstrap() throws {
    var random = SeededRandom(seed: 2)
    let values = (0..<30).map { _ in random.uniform() }
    func mean(_ indices: [Int]) -> Double? { sampleMean(indices.map { values[$0] }) }
    let one = try #require(bootstrapOverPairs(pairs: 30, seed: 1, statistic: mean))
    #expect(one == bootstrapOverPairs(pairs: 30, seed: 1, statistic: mean))
    #expect(one.contains(sampleMean(values)))
    // ± 1.96 s/√n within a fifth.
    let normal = 2 * 1.96 * (sampleVariance(values) / 30).squareRoot()
    #expect(abs(one.width / normal - 1) < 0.2)
    let blocks = try #require(bootstrapOverPairs(pairs: 30, seed: 1, blockLength: 5, statistic: mean))
    #expect(blocks.contains(sampleMean(values)))
    #expect(bootstrapOverPairs(pairs: 5, seed: 1, statistic: mean) == nil)
    #expect(bootstrapOverPairs(pairs: 30, seed: 1) { _ in nil } == nil)
  }

  @Test("MSER-5 cuts a start that is off, little of a flat series, and refuses a ramp")
  func warmUp() throws {
    var random = SeededRandom(seed: 6)
    let flat = (0..<500).map { _ in random.uniform() }
    #expect(try #require(warmUpMSER5(flat)) <= 250)
    let late = (0..<500).map { $0 < 60 ? 10 + random.uniform() : random.uniform() }
    #expect((60...250).contains(try #require(warmUpMSER5(late))))
    #expect(warmUpMSER5((0..<500).map { Double($0) }) == nil)
    #expect(warmUpMSER5([1, 2, 3]) == nil)
  }
}

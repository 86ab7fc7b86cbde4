import Statistics
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

@Suite struct GrowthExponentTests {
  @Test("exact powers of any exponent, with rounds of different speed", arguments: [0.0, 1, 1.5, 2, -0.5])
  func exact(_ exponent: Double) throws {
    let sizes: [Double] = [100, 1_000, 5_000, 40_000]
    let speeds = [1.0, 1.2, 0.9, 1.1, 1.05, 3, 0.8]
    let found = try #require(growthExponent(sizes: sizes, times: sizes.map { n in speeds.map { $0 * pow(n, exponent) } }))
    #expect(abs(found.value - exponent) < 1e-9)
    #expect(try #require(found.interval).width < 1e-6)
  }

  @Test("without clipping it is least squares per round: noise within 1.7 deviations") func leastSquares() throws {
    let times: [[Double]] = [
      [10.1, 9.9, 10.05, 9.95, 10.0, 10.08], [99, 101, 100.5, 100, 99.5, 100.2], [1_003, 1_000, 997, 995, 1_005, 1_001],
    ]
    let found = try #require(growthExponent(sizes: [10, 100, 1_000], times: times))
    let means = times.map { sampleMean($0.map { log($0) }) }
    #expect(abs(found.value - (means[2] - means[0]) / (2 * log(10))) < 2e-4)
    #expect(try #require(found.interval).contains(1))
  }

  @Test("a wild time costs one value, not its round: the interval stays a tenth of least squares'") func spike() throws {
    var random = SeededRandom(seed: 7)
    let sizes: [Double] = [100, 1_000, 10_000]
    var times = sizes.map { n in (0..<8).map { _ in n * n * exp(0.01 * random.gaussian()) } }
    times[0][3] *= 20
    times[2][6] *= 20
    let found = try #require(growthExponent(sizes: sizes, times: times))
    let interval = try #require(found.interval)
    #expect(abs(found.value - 2) < 0.01 && interval.contains(2))
    let slopes = (0..<8).map { log(times[2][$0] / times[0][$0]) / log(100) }
    let plain = try #require(meanInterval(slopes, confidence: 0.95))
    #expect(interval.width < 0.1 * plain.width, "\(interval.width / plain.width)")
  }

  @Test("two sizes, few rounds, and what is refused") func edges() throws {
    #expect(abs(try #require(growthExponent(sizes: [10, 1_000], times: [[1], [100]])).value - 1) < 1e-12)
    #expect(try #require(growthExponent(sizes: [10, 1_000], times: [[1, 1, 1, 1, 1], [100, 99, 101, 100, 98]])).interval == nil)
    let six = try #require(growthExponent(sizes: [10, 1_000], times: [[1, 1.1, 0.9, 1, 1.05, 0.98, 7], [100, 99, 101, 100, 98, 103]]))
    #expect(try #require(six.interval).contains(1))
    #expect(growthExponent(sizes: [10, 10], times: [[1], [1]]) == nil)
    #expect(growthExponent(sizes: [10, 20], times: [[1]]) == nil)
    #expect(growthExponent(sizes: [10, 20], times: [[1], []]) == nil)
    #expect(growthExponent(sizes: [10, 20], times: [[1], [0]]) == nil)
    #expect(growthExponent(sizes: [10, .infinity], times: [[1], [1]]) == nil)
  }
}

import Statistics
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

@Suite struct CurveFitTests {
  private static let batches: [Double] = [1, 2, 4, 8, 16, 32, 64]

  @Test("hyperbola: exact values, the balance, and numpy's weighted fit") func hyperbola() throws {
    let exact = try #require(fitHyperbola(Self.batches, Self.batches.map { 2 + 50 / $0 }))
    #expect(abs(exact.a - 2) < 1e-10 && abs(exact.b - 50) < 1e-9 && exact.relativeError < 1e-12)
    #expect(abs(try #require(exact.balance) - 25) < 1e-9)
    // numpy 2.4, the weighted normal equations repeated 500 times with weights 1/(a + b/x)², covariance s²(XᵀWX)⁻¹, t(0.975, 5).
    let y = [53, 26.5, 15, 8, 5.2, 3.5, 2.8]
    let found = try #require(fitHyperbola(Self.batches, y))
    #expect(abs(found.a - 1.98465641) < 1e-8 && abs(found.b - 50.26179384) < 1e-7)
    #expect(abs(found.aInterval.low - 1.83254035) < 1e-6 && abs(found.bInterval.high - 52.30550864) < 1e-5)
  }

  @Test("hyperbola: intervals cover in at least 93.2 of 100 seeds") func hyperbolaCoverage() {
    var covered = (0, 0)
    for seed in 1...1_000 as ClosedRange<UInt64> {
      var random = SeededRandom(seed: seed)
      guard let fit = fitHyperbola(Self.batches, Self.batches.map { (2 + 50 / $0) * exp(0.03 * random.gaussian()) }) else { continue }
      if fit.aInterval.contains(2) { covered.0 += 1 }
      if fit.bInterval.contains(50) { covered.1 += 1 }
    }
    #expect(covered.0 >= 932 && covered.1 >= 932, "\(covered)")
  }

  @Test("hyperbola: what is refused") func noHyperbola() {
    #expect(fitHyperbola([1, 2], [1, 2]) == nil)
    #expect(fitHyperbola([2, 2, 2], [1, 2, 3]) == nil)
    #expect(fitHyperbola([0, 1, 2], [1, 2, 3]) == nil && fitHyperbola([1, 2, 3], [1, -2, 3]) == nil)
    #expect(fitHyperbola([1, 2, 3], [1, 2]) == nil)
    // A cost per item that grows: b is negative, and there is no balance.
    #expect(fitHyperbola([1, 2, 4, 8], [5, 7.5, 8.75, 9.375])?.balance == nil)
  }

  @Test("line: exact from zero on, numpy's weighted fit, and the hyperbola's coefficients in 1/x") func line() throws {
    let exact = try #require(fitRelativeLine([0, 2, 4, 6, 8], [100, 120, 140, 160, 180]))
    #expect(abs(exact.a - 100) < 1e-9 && abs(exact.b - 10) < 1e-10 && exact.relativeError < 1e-12)
    // numpy 2, the weighted normal equations repeated 500 times with weights 1/(a + b·x)², covariance s²(XᵀWX)⁻¹, t(0.975, 3).
    let found = try #require(fitRelativeLine([0, 2, 4, 6, 8], [101, 118, 143, 158, 183]))
    #expect(abs(found.a - 100.12466376) < 1e-6 && abs(found.b - 10.11228610) < 1e-7)
    #expect(abs(found.aInterval.low - 94.75895071) < 1e-5 && abs(found.bInterval.high - 11.48161164) < 1e-6)
    let y = [53, 26.5, 15, 8, 5.2, 3.5, 2.8]
    let (line, hyperbola) = (try #require(fitRelativeLine(Self.batches.map { 1 / $0 }, y)), try #require(fitHyperbola(Self.batches, y)))
    #expect(line.a == hyperbola.a && line.b == hyperbola.b && line.aInterval == hyperbola.aInterval && line.value(at: 0.5) == hyperbola.value(at: 2))
  }

  @Test("line: intervals cover in at least 93.2 of 100 seeds") func lineCoverage() {
    var covered = (0, 0)
    let sizes = (0..<40).map { Double($0 % 5 * 2) }
    for seed in 1...1_000 as ClosedRange<UInt64> {
      var random = SeededRandom(seed: seed)
      guard let fit = fitRelativeLine(sizes, sizes.map { (300 + 25 * $0) * exp(0.03 * random.gaussian()) }) else { continue }
      if fit.aInterval.contains(300) { covered.0 += 1 }
      if fit.bInterval.contains(25) { covered.1 += 1 }
    }
    #expect(covered.0 >= 932 && covered.1 >= 932, "\(covered)")
  }

  @Test("line: what is refused") func noLine() {
    #expect(fitRelativeLine([1, 2], [1, 2]) == nil && fitRelativeLine([2, 2, 2], [1, 2, 3]) == nil && fitRelativeLine([1, 2, 3], [1, 2]) == nil)
    #expect(fitRelativeLine([0, 1, 2], [1, -2, 3]) == nil && fitRelativeLine([0, 1, .infinity], [1, 2, 3]) == nil)
  }

  @Test("roofline: exact limits and where they meet, whatever the order") func roofline() throws {
    let x: [Double] = [32, 0.25, 1, 8, 0.5, 2, 4, 16]
    let fit = try #require(fitRoofline(x, x.map { min(100, 30 * $0) }))
    #expect(abs(fit.peak - 100) < 1e-9 && abs(fit.slope - 30) < 1e-9 && abs(fit.breakpoint - 10.0 / 3) < 1e-9)
    #expect(fit.rising == 4 && fit.level == 4 && fit.value(at: 1) == fit.slope && fit.value(at: 99) == fit.peak)
    #expect(fit == fitRoofline(x, x.map { min(100, 30 * $0) }))
  }

  @Test("roofline: 95 % intervals cover in 200 seeds, less three standard errors") func rooflineCoverage() {
    let x: [Double] = [0.25, 0.5, 1, 2, 4, 8, 16, 32]
    var covered = [0, 0, 0]
    for seed in 1...200 as ClosedRange<UInt64> {
      var random = SeededRandom(seed: seed)
      let y = x.map { min(100, 17 * $0) * exp(0.03 * random.gaussian()) }
      guard let fit = fitRoofline(x, y, resamples: 200) else { continue }
      let found = [(fit.peakInterval, 100.0), (fit.slopeInterval, 17), (fit.breakpointInterval, 100.0 / 17)]
      for (k, (interval, truth)) in found.enumerated() where interval?.contains(truth) == true { covered[k] += 1 }
    }
    #expect(covered.allSatisfy { $0 >= 181 }, "\(covered)")
  }

  @Test("roofline: one limit alone has no breakpoint") func noRoofline() {
    #expect(fitRoofline([1, 2, 3], [1, 2, 3]) == nil)
    #expect(fitRoofline([1, 1, 2, 2], [1, 1, 2, 2]) == nil)
    #expect(fitRoofline([1, 2, 3, 4], [1, 2, 3, 0]) == nil)
    #expect(fitRoofline([1, 2, 3, 4, 5], [1, 2]) == nil)
  }
}

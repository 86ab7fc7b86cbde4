import Testing

@testable import Statistics

@Suite struct UniversalScalabilityTests {
  static let specLoads: [Double] = [1, 18, 36, 72, 108, 144, 216]
  static let spec = [64.9, 995.9, 1652.4, 1853.2, 1828.9, 1775.0, 1702.2]
  static let rayLoads: [Double] = [1, 4, 8, 12, 16, 20, 24, 28, 32, 48, 64]
  static let ray: [Double] = [20, 78, 130, 170, 190, 200, 210, 230, 260, 280, 310]

  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var loads: [Double]
    var throughputs: [Double]
    var residuals: ScalabilityResiduals
    var alpha: Double
    var beta: Double
    var gamma: Double
    var peak: Double
    /// Relative, of each number.
    var tolerance: Double
  }

  /// Data sets of the R package usl 3.0 (specsdm91, raytracer, and the one of its tests/coef.R). The package minimises absolute
  /// residuals with a free γ by `nls`; its published numbers come out of `.absolute` only. For `.relative` the numbers are
  /// scipy 1.17 `least_squares` of fit/X − 1 with α, β ≥ 0.
  static let cases = [
    Case(
      testDescription: "specsdm91, usl 3.0", loads: specLoads, throughputs: spec, residuals: .absolute,
      alpha: 0.0277284, beta: 1.04366e-4, gamma: 89.9952, peak: 96.519, tolerance: 1e-5),
    Case(
      testDescription: "specsdm91, scipy relative", loads: specLoads, throughputs: spec, residuals: .relative,
      alpha: 0.0135151416, beta: 1.15091861e-4, gamma: 67.7089751, peak: 92.581221, tolerance: 2e-5),
    Case(
      testDescription: "raytracer, usl 3.0: β at its bound", loads: rayLoads, throughputs: ray, residuals: .absolute,
      alpha: 0.0577707811, beta: 0, gamma: 21.8488429, peak: .infinity, tolerance: 1e-6),
    Case(
      testDescription: "raytracer, scipy relative", loads: rayLoads, throughputs: ray, residuals: .relative,
      alpha: 0.0560539742, beta: 1.68887640e-6, gamma: 21.4446918, peak: 747.62, tolerance: 1e-3),
    Case(
      testDescription: "usl tests/coef.R: 0.02, 0.02, 1", loads: [1, 2, 4, 6, 8, 10],
      throughputs: [1, 1.8868, 3.0769, 3.5294, 3.5398, 3.3557], residuals: .relative,
      alpha: 0.02, beta: 0.02, gamma: 1, peak: 7, tolerance: 3e-4),
  ]

  @Test("published and scipy's coefficients", arguments: cases) func oracle(_ oracle: Case) throws {
    let fit = try #require(
      fitUniversalScalability(loads: oracle.loads, throughputs: oracle.throughputs, residuals: oracle.residuals, resamples: 0))
    func near(_ found: Double, _ wanted: Double) -> Bool {
      found == wanted || abs(found - wanted) <= oracle.tolerance * wanted
    }
    #expect(near(fit.alpha, oracle.alpha), "\(fit.alpha)")
    #expect(near(fit.beta, oracle.beta), "\(fit.beta)")
    #expect(near(fit.gamma, oracle.gamma), "\(fit.gamma)")
    #expect(near(fit.peak, oracle.peak), "\(fit.peak)")
    #expect(fit.alphaInterval == nil && fit.rSquared > 0.97)
  }

  @Test("an exact law is found from any shape", arguments: [
    (0.0, 0.0), (0.1, 0.0), (0.0, 0.001), (0.05, 0.0005), (0.9, 0.01), (0.3, 0.3), (1e-4, 1e-7),
  ])
  func exact(_ alpha: Double, _ beta: Double) throws {
    let loads: [Double] = [1, 2, 3, 5, 8, 13, 21, 34]
    let truth = UniversalScalability(
      alpha: alpha, beta: beta, gamma: 1234, rSquared: 1, relativeError: 0, points: 8, doubts: [])
    for kind in [ScalabilityResiduals.relative, .absolute] {
      let fit = try #require(
        fitUniversalScalability(loads: loads, throughputs: loads.map(truth.throughput), residuals: kind, resamples: 0))
      #expect(abs(fit.alpha - alpha) < 1e-8 && abs(fit.beta - beta) < 1e-9 && abs(fit.gamma - 1234) < 1e-4)
    }
  }

  @Test("doubts are values") func doubts() throws {
    func doubts(_ loads: [Double], _ throughputs: [Double]) -> [ScalabilityDoubt] {
      fitUniversalScalability(loads: loads, throughputs: throughputs, resamples: 0)?.doubts ?? []
    }
    let linear = doubts([1, 2, 4, 8], [10, 20, 40, 80])
    #expect(linear.contains(.fewLoads(4)))
    #expect(linear.contains { if case .peakBeyondTested(_, 8) = $0 { true } else { false } })
    // Faster than in proportion: both coefficients stay at nought.
    let better = try #require(fitUniversalScalability(loads: [1, 2, 4, 8, 16, 32], throughputs: [10, 21, 44, 92, 190, 400]))
    #expect(better.alpha == 0 && better.beta == 0 && better.peak == .infinity)
    #expect(better.doubts.contains(.contentionAtBound) && better.doubts.contains(.coherencyAtBound))
    #expect(doubts(Self.specLoads, Self.spec).isEmpty)
    #expect(doubts([1, 2, 4, 8, 16, 32], [10, 31, 22, 85, 30, 90]).contains { if case .poorFit = $0 { true } else { false } })
    let beyond = ScalabilityDoubt.peakBeyondTested(peak: 96.5, largest: 64)
    #expect(beyond.text.contains("97") && beyond.text.contains("64"))
  }

  @Test("intervals repeat by seed and hold the estimate; repeated loads are allowed") func intervals() throws {
    let one = try #require(fitUniversalScalability(loads: Self.specLoads, throughputs: Self.spec, seed: 3))
    #expect(one == fitUniversalScalability(loads: Self.specLoads, throughputs: Self.spec, seed: 3))
    #expect(try #require(one.alphaInterval).contains(one.alpha) && #require(one.betaInterval).contains(one.beta))
    #expect(try #require(one.gammaInterval).contains(one.gamma) && #require(one.peakInterval).contains(one.peak))
    let twice = try #require(
      fitUniversalScalability(loads: Self.specLoads + Self.specLoads, throughputs: Self.spec + Self.spec, seed: 3))
    #expect(abs(twice.alpha - one.alpha) < 1e-9)
    #expect(try #require(twice.peakInterval).width < #require(one.peakInterval).width)
    let open = try #require(fitUniversalScalability(loads: Self.rayLoads, throughputs: Self.ray))
    #expect(try #require(open.peakInterval).high == .infinity)
  }

  @Test("what is refused") func refused() {
    func fit(_ loads: [Double], _ throughputs: [Double]) -> UniversalScalability? {
      fitUniversalScalability(loads: loads, throughputs: throughputs, resamples: 0)
    }
    #expect(fit([1, 2, 2, 1], [1, 2, 2, 1]) == nil)
    #expect(fit([1, 2, 4], [1, 2]) == nil)
    #expect(fit([0, 2, 4], [1, 2, 3]) == nil)
    #expect(fit([1, 2, 4], [1, 0, 3]) == nil && fit([1, 2, 4], [1, .nan, 3]) == nil)
    #expect(fit([], []) == nil)
    #expect(fitUniversalScalability(loads: [1, 2, 4, 8], throughputs: [1, 1.8, 3, 4])?.alphaInterval == nil)
  }
}

import ExperimentModel
import Foundation
import SimulationKernel
import Testing

@Suite struct ResponseTimeTests {
  /// Four servers, 20 ms of service: the course's day 4. Means and p99 in ms.
  @Test("M/M/4 at four rates", arguments: [
    (100.0, 21.74, 95.1), (150.0, 30.19, 120.3), (180.0, 59.4, 243.6), (190.0, 109.1, 471.4),
  ])
  func fourServers(_ rate: Double, _ mean: Double, _ p99: Double) {
    let wait = mmcWait(servers: 4, arrivalRate: rate, serviceRate: 50)
    #expect(abs((wait + 0.02) * 1e3 - mean) < 0.06)
    #expect(abs(mmcSojourn(quantile: 0.99, servers: 4, arrivalRate: rate, serviceRate: 50) * 1e3 - p99) < 0.6)
  }

  @Test func oneServerIsTheKnownExponential() {
    for q in [0.5, 0.9, 0.99] {
      let known = mm1Sojourn(quantile: q, arrivalRate: 0.9, serviceRate: 1)
      #expect(abs(mmcSojourn(quantile: q, servers: 1, arrivalRate: 0.9, serviceRate: 1) - known) < 1e-9 * known)
    }
    #expect(mmcSojourn(quantile: 0.5, servers: 2, arrivalRate: 2, serviceRate: 1) == .infinity)
  }

  @Test func theTailIntegratesToTheMean() {
    // c − a − 1 = 0 is the formula's removable singularity.
    for rate in [1.0, 2.0, 2.9] {
      let steps = 40_000
      let width = 200.0 / Double(steps)
      let sum = (0..<steps).reduce(0.0) { $0 + mmcSojournTail((Double($1) + 0.5) * width, servers: 3, arrivalRate: rate, serviceRate: 1) }
      #expect(abs(sum * width - (1 + mmcWait(servers: 3, arrivalRate: rate, serviceRate: 1))) < 1e-3)
    }
  }

  private let cold = WaitDistribution.mixture(
    mean: Nanoseconds(8_000_000), slowShare: 0.02, slowMin: Nanoseconds(200_000_000), slowMean: Nanoseconds(20_000_000))

  /// The course's day 1, in ms: one request, and pages of several calls.
  @Test("the slowest of k", arguments: [
    (1, 0.5, 5.7), (1, 0.95, 27.9), (1, 0.99, 213.9), (1, 0.999, 259.9), (5, 0.5, 17.5), (5, 0.9, 56.0), (10, 0.9, 213.0), (20, 0.9, 227.0),
  ])
  func slowest(_ k: Int, _ q: Double, _ expected: Double) {
    #expect(abs(SlowestOf(k, cold).quantile(q) / 1e6 - expected) < 0.012 * expected)
  }

  @Test func meansOfTheSlowest() {
    #expect(abs(SlowestOf(1, cold).mean / 1e6 - 12.24) < 1e-9)
    // The slowest of k exponentials: the mean times 1 + 1/2 + … + 1/k.
    let exponential = SlowestOf(4, .exponential(mean: Nanoseconds(1_000_000)))
    #expect(abs(exponential.mean / 1e6 - (1 + 1 / 2.0 + 1 / 3.0 + 1 / 4.0)) < 1e-3)
    let uniform = SlowestOf(3, .uniform(min: .zero, max: Nanoseconds(4_000_000)))
    #expect(abs(uniform.mean / 1e6 - 3) < 1e-3 && abs(uniform.quantile(0.125) / 1e6 - 2) < 1e-6)
    // The larger of two: both means less that of the smaller, which is Pareto with twice the exponent; lognormal: 2·m·Φ(σ/√2).
    let m = Nanoseconds(1_000_000)
    for alpha in [1.2, 1.5, 3] {
      let least = (alpha - 1) / alpha
      let pareto = SlowestOf(2, .pareto(mean: m, alpha: alpha))
      let smaller: Double = least * 2 * alpha / (2 * alpha - 1)
      let p99: Double = least * pow(100, 1 / alpha)
      #expect(abs(pareto.mean / 1e6 - (2 - smaller)) < 1e-9)
      #expect(abs(SlowestOf(1, pareto.wait).quantile(0.99) / 1e6 - p99) < 1e-6)
    }
    for sigma in [0.3, 1, 2, 3] {
      let lognormal = SlowestOf(2, .lognormal(mean: m, sigma: sigma))
      #expect(abs(lognormal.mean / 1e6 - (1 + erf(sigma / 2))) < 2e-3, "Φ(z) is (1 + erf(z/√2))/2")
      let median: Double = exp(-sigma * sigma / 2)
      #expect(abs(SlowestOf(1, lognormal.wait).quantile(0.5) / 1e6 - median) < 1e-6)
    }
    #expect(SlowestOf(9, .constant(mean: Nanoseconds(5_000_000))).quantile(0.5) - 5_000_000 < 1)
  }
}

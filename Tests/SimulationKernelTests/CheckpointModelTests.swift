import ExperimentModel
import Statistics
import Testing

@testable import SimulationKernel

@Suite struct CheckpointModelTests {
  @Test("the mean time by hand: without failures, with rare ones, in stretches that do not fit")
  func time() {
    let none = checkpointedTime(work: 100, interval: 10, checkpoint: 1, restart: 5, rate: 0)
    #expect(none == 110)
    // A failure loses half a stretch and a restart, in the mean.
    let rare = checkpointedTime(work: 100, interval: 10, checkpoint: 1, restart: 5, rate: 1e-6)
    #expect(abs(rare - 110 - 110e-6 * (5.5 + 5)) < 1e-6)
    #expect(checkpointedTime(work: 95, interval: 10, checkpoint: 1, restart: 0, rate: 0) == 105)
    // (e^(λ(τ + C)) − 1)/λ · W/τ.
    let plain = checkpointedTime(work: 8, interval: 2, checkpoint: 0.5, restart: 0, rate: 0.2)
    #expect(abs(plain - (Portable.exp(0.5) - 1) / 0.2 * 4) < 1e-12)
    #expect(abs(checkpointedTime(work: 8, interval: 2, checkpoint: 0.5, restart: 3, rate: 0.2) / plain - Portable.exp(0.6)) < 1e-12)
    #expect(stretches(work: 86_400, interval: 1_800) == (48, 0) && stretches(work: 0.3, interval: 0.1).whole == 3)
  }

  @Test("Young, Daly and the exact optimum agree where checkpoints are cheap; the optimum is the least of its neighbours", arguments: [
    (60.0, 18_000.0, 0.03, 1e-4), (60, 3_600, 0.07, 1e-3), (600, 3_600, 0.25, 0.01),
  ])
  func intervals(_ checkpoint: Double, _ mean: Double, _ young: Double, _ daly: Double) {
    let best = bestInterval(checkpoint: checkpoint, meanTimeBetweenFailures: mean)
    #expect(abs(youngInterval(checkpoint: checkpoint, meanTimeBetweenFailures: mean) / best - 1) < young)
    #expect(abs(dalyInterval(checkpoint: checkpoint, meanTimeBetweenFailures: mean) / best - 1) < daly)
    func overhead(_ interval: Double) -> Double { (Portable.exp((interval + checkpoint) / mean) - 1) / interval }
    #expect(overhead(best) <= overhead(0.99 * best) && overhead(best) <= overhead(1.01 * best))
    #expect(dalyInterval(checkpoint: 3 * mean, meanTimeBetweenFailures: mean) == mean)
  }

  @Test("varied over the interval, the simulated time is least within 5 % of Daly's")
  func vary() throws {
    let daly = dalyInterval(checkpoint: 60, meanTimeBetweenFailures: 18_000)
    let factors = [0.5, 0.7, 1, 1.4, 2]
    let arms = factors.map { SimArm(name: "\($0)", words: [:], numbers: ["interval": daly * $0 * 1e9, "work": daly * 140 * 1e9, "jobs": 200]) }
    let reports = try simulate(SimCell(model: "checkpoint", arms: arms, replications: 10, seed: 5), quick: false, cancelled: { false })
    let times = reports.map { $0.value("completion") }
    #expect(times[2] == times.min() && times[0] > times[1] && times[4] > times[3], "\(times)")
    // T = a + b·τ + c/τ by least squares over the five; least at √(c/b).
    let (b, c) = hyperbola(factors, times)
    #expect(abs((c / b).squareRoot() - 1) < 0.05, "\((c / b).squareRoot())")
  }

  /// b and c of y = a + b·x + c/x.
  private func hyperbola(_ xs: [Double], _ ys: [Double]) -> (Double, Double) {
    let n = Double(xs.count)
    let inverses = xs.map { 1 / $0 }
    let (mx, mi, my) = (xs.reduce(0, +) / n, inverses.reduce(0, +) / n, ys.reduce(0, +) / n)
    var (xx, ii, xi, xy, iy) = (0.0, 0.0, 0.0, 0.0, 0.0)
    for (k, x) in xs.enumerated() {
      let (dx, di, dy) = (x - mx, inverses[k] - mi, ys[k] - my)
      (xx, ii, xi, xy, iy) = (xx + dx * dx, ii + di * di, xi + dx * di, xy + dx * dy, iy + di * dy)
    }
    let determinant = xx * ii - xi * xi
    return ((xy * ii - iy * xi) / determinant, (iy * xx - xy * xi) / determinant)
  }

  @Test("closed forms lie inside the intervals", arguments: SelfProof.checkpointCases.indices)
  func coverage(_ index: Int) {
    let one = SelfProof.checkpointCases[index]
    let rows = SelfProof.covered("checkpoint", one.name, one.numbers, one.words, one.metrics, 100)
    for row in rows { #expect(row.holdsWithinChance, "\(row.name): \(row.observed)") }
  }

  @Test("failures at other distances lose other shares; no form is claimed for them")
  func laws() throws {
    let lost = try ["constant", "exp", "hyperexp"].map { law in
      try simulated("checkpoint", ["interval": 3_600e9, "jobs": 200], ["failures_dist": law])
    }
    #expect(lost[0].closedForm == nil && lost[1].closedForm != nil && lost[2].result.theory.isEmpty)
    #expect(abs(lost[0].value("lost_share") - lost[1].value("lost_share")) > 0.005, "\(lost.map { $0.value("lost_share") })")
  }

  @Test("what cannot run says why, and what to do", arguments: [
    (["interval": 0], [:], "`work` and `interval` are above 0"), (["failures": 0], [:], "failures has the mean 0 s; give a time above 0"),
    (["failures": 60e9, "interval": 1_800e9], [:], "takes more than 60,000 attempts: the job never ends; give a shorter `interval`"),
    (["failures": 60e9, "interval": 600e9], ["failures_dist": "constant"], "failed a million times: the job never ends; give a shorter `interval`"),
    (["interval": 1], [:], "stretches of work in a replication; at most 100000000"), (["failures": -1], [:], "failures is -1"),
    (["failures_alpha": 1], ["failures_dist": "pareto"], "a Pareto law with alpha ≤ 1 has no mean"),
    (["price": 2], [:], "price is 2; give a share from 0 to 1"),
  ] as [([String: Double], [String: String], String)])
  func refusals(_ numbers: [String: Double], _ words: [String: String], _ message: String) { expectRefusal("checkpoint", numbers, words, message) }

  @Test("a seed is its bytes, on every machine")
  func bytes() throws {
    try expectBits("checkpoint", ["jobs": 20], ["failures_dist": "gamma"], "completion", "42d5bd1c879b9ce8 42d568067f9b5295 42d5a0c0e8011564")
  }
}

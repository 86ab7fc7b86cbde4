import ExperimentModel
import Statistics
import Testing

@testable import SimulationKernel

@Suite struct LimiterModelTests {
  @Test("a bucket of one drops as Erlang's single server; of many it lets through what is refilled; between them by hand")
  func allowed() {
    for load in [0.3, 1, 4] { #expect(abs(bucketAllowedShare(load: load, burst: 1) - 1 / (1 + load)) < 1e-12) }
    // Two: H = 1 + (e^ρ − 1) = e^ρ.
    let e = Portable.exp(0.8)
    #expect(abs(bucketAllowedShare(load: 0.8, burst: 2) - e / (1 + 0.8 * e)) < 1e-12)
    #expect(abs(bucketAllowedShare(load: 4, burst: 5_000) - 0.25) < 1e-12 && abs(bucketAllowedShare(load: 600, burst: 2) - 1 / 600) < 1e-12)
    #expect(bucketAllowedShare(load: 0.5, burst: 100) > 1 - 1e-12)
    // A larger burst never lets less through.
    let shares = (1...50).map { bucketAllowedShare(load: 1.1, burst: $0) }
    #expect(zip(shares, shares.dropFirst()).allSatisfy { $0 < $1 } && shares[49] < 1 / 1.1)
  }

  @Test("a bucket of one that lets wait is M/D/1; a larger one takes its first services away")
  func delay() {
    let one = bucketDelay(load: 0.8, burst: 1)
    #expect(abs(one.mean - mg1Wait(utilisation: 0.8, serviceMean: 1, squaredVariation: 0)) < 1e-12 && abs(one.waitingShare - 0.8) < 1e-12)
    // P(W > D) = 1 − (1 − ρ)e^ρ in M/D/1.
    #expect(abs(bucketDelay(load: 0.8, burst: 2).waitingShare - (1 - 0.2 * Portable.exp(0.8))) < 1e-12)
    let means = (1...60).map { bucketDelay(load: 0.9, burst: $0).mean }
    #expect(zip(means, means.dropFirst()).allSatisfy { $0 > $1 } && means[59] >= 0 && bucketDelay(load: 1, burst: 5).mean == .infinity)
  }

  @Test("in every run and every stretch of time: let through ≤ burst + refill × time", arguments: ["drop", "shape"], ["poisson", "onoff"])
  func bound(_ mode: String, _ arrivals: String) throws {
    for (burst, rate) in [(1.0, 90.0), (7, 60), (100, 95)] {
      let report = try simulated(
        "limiter", ["burst": burst, "rate": rate, "customers": 5_000], ["mode": mode, "arrivals": arrivals], replications: 5)
      let peaks = try #require(report.samples["burst_peak"])
      #expect(peaks.allSatisfy { $0 <= burst + 1e-6 && $0 >= 1 }, "\(peaks)")
    }
  }

  @Test("curriculum, day 22: r = 10, b = 20, ten seconds of far too much: 100 to 120 are let through")
  func bucket() throws {
    let report = try simulated("limiter", ["refill": 10, "burst": 20, "rate": 200, "horizon": 10e9], [:], replications: 20)
    let admitted = try #require(report.samples["rate"]).map { $0 * 10 }
    #expect(admitted.allSatisfy { $0 > 115 && $0 <= 120 + 1e-9 }, "\(admitted)")
    #expect(report.samples["burst_peak"]!.allSatisfy { $0 > 19.9 && $0 <= 20 + 1e-9 })
  }

  @Test("bursts of the same mean rate are dropped more and wait longer")
  func bursts() throws {
    let smooth = try simulated("limiter", ["rate": 60, "customers": 10_000])
    let bursty = try simulated("limiter", ["rate": 60, "customers": 10_000], ["arrivals": "onoff"])
    #expect(smooth.value("shed_share") < 0.001 && bursty.value("shed_share") > 0.4 && bursty.closedForm == nil)
    // What comes is the same, whatever its rhythm; a burst holds 300 of which the bucket has room for 20 and refills 100.
    let offered = bursty.value("rate") / (1 - bursty.value("shed_share"))
    #expect(abs(offered / 60 - 1) < 0.1)
  }

  @Test("overload with a horizon: the last one waits as long as what came too much takes")
  func overload() throws {
    let report = try simulated("limiter", ["rate": 200, "burst": 1, "horizon": 20e9], ["mode": "shape"], replications: 4)
    #expect(abs(report.value("rate") - 100) < 0.2 && abs(report.value("p999") / 10e9 - 1) < 0.05)
  }

  @Test("closed forms lie inside the intervals", arguments: SelfProof.limiterCases.indices)
  func coverage(_ index: Int) {
    let one = SelfProof.limiterCases[index]
    let short = one.numbers.merging(["customers": 1_000]) { $1 }
    for row in SelfProof.covered("limiter", one.name, short, one.words, one.metrics, 100) { #expect(row.holdsWithinChance, "\(row.name): \(row.observed)") }
  }

  @Test("what cannot run says why, and what to do", arguments: [
    (["rate": 100], ["mode": "shape"], "ρ = 1: the queue grows without bound and has no steady state; give `horizon:`, a lower rate, or `mode: drop`"),
    (["rate": 0], [:], "`refill` and `rate` are above 0"), (["refill": -1], [:], "refill is -1; give one that is not negative"),
    (["on": 0], ["arrivals": "onoff"], "`on` is 0: nothing ever comes; give a time above 0"),
    (["burst": 0], [:], "burst is 0; give a whole number from 1 to 10000"), (["rate": 1e6, "horizon": 1e14], [:], "arrivals in `horizon`; at most 4000000000"),
    ([:], ["mode": "queue"], "there is no mode `queue`; it is one of drop, shape"),
  ] as [([String: Double], [String: String], String)])
  func refusals(_ numbers: [String: Double], _ words: [String: String], _ message: String) { expectRefusal("limiter", numbers, words, message) }

  @Test("a seed is its bytes, on every machine")
  func bytes() throws {
    try expectBits("limiter", ["customers": 2_000], ["mode": "shape", "arrivals": "onoff"], "mean", "41e55e8ab946c990 41e71b70a1303586 41dea4913cf420a3")
  }
}

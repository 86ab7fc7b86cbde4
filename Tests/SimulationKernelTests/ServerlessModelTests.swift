import ExperimentModel
import Statistics
import Testing

@testable import SimulationKernel

@Suite struct ServerlessModelTests {
  @Test("the share of starts from passage times: by hand for one instance, by scipy's matrix exponential for more")
  func passages() throws {
    // With one instance the way from 0 to 1 is one pause.
    let one = try #require(idleStack(rate: 2, serviceMean: 0.5, keepAlive: 1.5, limit: 1))
    #expect(abs(one.coldShare - Portable.exp(-3)) < 1e-7)
    #expect(abs(one.instances - (0.5 + 0.5 * (1 - Portable.exp(-3)))) < 1e-6)
    // Σ pₙ·(exp(QₙT)·1)ₙ by scipy.linalg.expm.
    #expect(abs(try #require(idleStack(rate: 3, serviceMean: 0.12, keepAlive: 5, limit: nil)).coldShare - 0.0338874557) < 1e-7)
    #expect(abs(try #require(idleStack(rate: 20, serviceMean: 0.12, keepAlive: 0.5, limit: 4)).coldShare - 0.0413247204) < 1e-7)
    let none = try #require(idleStack(rate: 20, serviceMean: 0.12, keepAlive: 0, limit: nil))
    #expect(none.coldShare == 1 && abs(none.instances - 2.4) < 1e-9)
    // Kept for ever: nothing is started, and as many are there as were ever needed.
    let all = try #require(idleStack(rate: 20, serviceMean: 0.12, keepAlive: 1e5, limit: 4))
    #expect(all.coldShare < 1e-6 && abs(all.instances - 4) < 1e-5)
    #expect(idleStack(rate: 1e6, serviceMean: 1, keepAlive: 1, limit: nil) == nil)
    #expect(abs(try #require(idleStack(rate: 1_000, serviceMean: 1, keepAlive: 1, limit: nil)).instances - 1_000) < 100)
  }

  @Test("closed forms lie inside the intervals", arguments: SelfProof.serverlessCases.indices)
  func coverage(_ index: Int) {
    let one = SelfProof.serverlessCases[index]
    let short = one.numbers.merging(["customers": 800]) { $1 }
    for row in SelfProof.covered("serverless", one.name, short, one.words, one.metrics, 100) { #expect(row.holdsWithinChance, "\(row.name): \(row.observed)") }
  }

  @Test("limits turn away as Erlang B says, for any law of service", arguments: ["exp", "constant", "hyperexp"])
  func erlang(_ law: String) throws {
    let report = try simulated("serverless", ["cold": 0, "limit": 3, "keep_alive": 1e9, "customers": 10_000], ["service_dist": law])
    #expect(abs(report.error("shed_share")) < 0.05 && abs(report.theory("shed_share") - erlangB(servers: 3, offered: 2.4)) < 1e-9)
  }

  @Test("a longer keep-alive starts fewer, keeps more, and costs the same: only work is paid for")
  func keepAlive() throws {
    let arms = [1.0, 10, 60].map { SimArm(name: "\($0)", words: [:], numbers: ["rate": 5, "cold": 0, "keep_alive": $0 * 1e9, "customers": 5_000]) }
    let reports = try simulate(SimCell(model: "serverless", arms: arms, replications: 5, seed: 7), quick: false, cancelled: { false })
    let (cold, kept) = (reports.map { $0.value("cold_share") }, reports.map { $0.value("instances") })
    #expect(cold[0] > cold[1] && cold[1] > cold[2] && kept[0] < kept[1] && kept[1] < kept[2], "\(cold) \(kept)")
    #expect(abs(reports[0].value("per_million") / reports[2].value("per_million") - 1) < 0.02)
  }

  @Test("the bill by hand: 120.5 ms at half a GiB are 121 ms, 1.00833 and 0.2 USD a million; a fleet of one costs the same at 18.8 requests a second")
  func money() throws {
    let report = try simulated("serverless", ["cold": 0, "service": 120.5e6, "customers": 2_000], ["service_dist": "constant"], replications: 2)
    let million = 121.0 / 1_000 / 2 * 0.0000166667 * 1e6 + 0.2
    #expect(abs(report.value("per_million") / million - 1) < 1e-9 && abs(report.theory("per_million") / million - 1) < 1e-9)
    let rate = 0.0816 / 3_600 / (million / 1e6)
    let even = try simulated(
      "serverless", ["cold": 0, "service": 120.5e6, "rate": rate, "instance_slots": 10, "customers": 20_000], ["service_dist": "constant"])
    #expect(abs(even.value("cost_index") - 1) < 0.01 && abs(even.theory("cost_index") - 1) < 1e-9 && abs(rate - 18.76) < 0.01, "\(rate)")
  }

  @Test("with starts that take time no closed form is claimed")
  func honest() throws {
    let report = try simulated("serverless", ["customers": 1_000, "keep_alive": 1e9], replications: 2)
    #expect(report.closedForm == nil && report.result.theory.isEmpty && report.value("cold_share") > 0)
  }

  @Test("what cannot run says why, and what to do", arguments: [
    (["rate": 0], [:], "the arrival rate is 0 a second; give a rate above 0"), (["rate": -2], [:], "rate is -2; give one that is not negative"),
    (["rate": 1e6, "keep_alive": 3_600e9], [:], "requests come before the first idle instance is forgotten; at most 100000000: give a shorter `keep_alive`"),
    (["rate": 1e7, "service": 60e9, "keep_alive": 0], [:], "requests would be served at one time; at most 1000000: give a lower rate, or a `limit:`"),
    (["service_alpha": 0.9], ["service_dist": "pareto"], "a Pareto law with alpha ≤ 1 has no mean"), (["limit": 0], [:], "limit is 0"),
    (["cold_billed": 2], [:], "cold.billed is 2; give a share from 0 to 1"),
  ] as [([String: Double], [String: String], String)])
  func refusals(_ numbers: [String: Double], _ words: [String: String], _ message: String) { expectRefusal("serverless", numbers, words, message) }

  @Test("a seed is its bytes, on every machine")
  func bytes() throws {
    let size: [String: Double] = ["rate": 2, "keep_alive": 2e9, "customers": 2_000]
    try expectBits("serverless", size, ["service_dist": "lognormal"], "cold_share", "3fc1db22d0e56042 3fc34395810624dd 3fc23d70a3d70a3d")
  }
}

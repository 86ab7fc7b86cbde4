import ExperimentModel
import Statistics
import Testing

@testable import SimulationKernel

@Suite struct RegionsTests {
  private func roundTrip(_ a: String, _ b: String, _ path: Double) throws -> Double {
    func city(_ name: String) throws -> City { try #require((City.sites + City.regions.map(\.city)).first { $0.name == name }) }
    return try RegionsModel.roundTrip(city(a), city(b), path) * 1e3
  }

  @Test("the floor of light in fibre: Frankfurt to Virginia 65 ms, 98 on a usual path; Sydney to Virginia 156, 234")
  func floors() throws {
    for (a, b, floor, usual) in [("frankfurt", "virginia", 65.2, 97.8), ("sydney", "virginia", 156.1, 234.1), ("tokyo", "tokyo", 0, 0)] {
      let (least, path, back) = (try roundTrip(a, b, 1), try roundTrip(a, b, 1.5), try roundTrip(b, a, 1))
      #expect(abs(least - floor) < 0.1 && abs(path - usual) < 0.1 && back == least, "\(a), \(b): \(least), \(path)")
    }
  }

  @Test("one, two, three sites: each quantile is the mixture of its regions, and more sites are nearer", arguments: [
    (1.0, 250.7), (2, 150.6), (3, 143.3),
  ])
  func sites(_ count: Double, _ p95: Double) throws {
    let report = try simulated("regions", ["sites": count, "write_share": 0, "customers": 20_000], replications: 5)
    for metric in ["mean", "p50", "p90", "p95", "p99", "utilisation", "worst_region_mean"] {
      #expect(abs(report.error(metric)) < 0.02, "\(metric): \(report.value(metric)) for \(report.theory(metric))")
    }
    #expect(abs(report.theory("p95") / 1e6 - p95) < 1, "\(report.theory("p95"))")
    #expect(report.result.metrics["stale_share"] == nil && report.result.metrics["write_mean"] == nil)
  }

  @Test("writes: home is far, a majority further, local near; what is not waited for is stale")
  func writes() throws {
    let size: [String: Double] = ["customers": 20_000, "write_share": 0.3, "n": 100, "jitter": 20e6]
    let reports = try ["home", "quorum", "local"].map { try simulated("regions", size, ["write_to": $0], replications: 5) }
    for report in reports {
      for metric in ["write_mean", "write_p95"] {
        #expect(abs(report.error(metric)) < 0.02, "\(report.closedForm ?? ""), \(metric): \(report.value(metric)) for \(report.theory(metric))")
      }
      let (found, form) = (report.value("stale_share"), report.theory("stale_share"))
      #expect(abs(found - form) < 0.01, "\(found) for \(form)")
    }
    let (home, quorum, local) = (reports[0], reports[1], reports[2])
    #expect(local.value("write_p95") < home.value("write_p95") && local.value("write_p95") < quorum.value("write_p95"))
    #expect(quorum.value("stale_share") < 0.3 * local.value("stale_share") && home.value("stale_share") > 0.05)
    let slow = try simulated("regions", size.merging(["lag": 2e9]) { $1 }, ["write_to": "local"], replications: 5)
    #expect(slow.value("stale_share") > 2 * local.value("stale_share"))
    // Two sites confirm each other, and one has nobody to wait for.
    let two = try simulated("regions", size.merging(["sites": 2]) { $1 }, ["write_to": "quorum"], replications: 5)
    #expect(two.value("stale_share") == 0 && two.theory("stale_share") == 0 && abs(two.error("write_mean")) < 0.02)
    let one = try simulated("regions", size.merging(["sites": 1, "servers": 8]) { $1 }, ["write_to": "quorum"], replications: 5)
    #expect(abs(one.value("write_mean") / one.value("mean") - 1) < 0.02)
  }

  @Test("the faster of two round trips, and who is behind, against sums over their laws")
  func fasterOfTwo() {
    // Midpoints of both laws' quantiles.
    let steps = 400
    let jitters = (0..<steps).map { -0.03 * Portable.log(1 - (Double($0) + 0.5) / Double(steps)) }
    for (way, other) in [(0.1, 0.04), (0.12, 0.11), (0.05, 0.02), (0.06, 0.06)] {
      var (behind, faster) = (0.0, 0.0)
      for a in jitters {
        for b in jitters {
          behind += 1 - Portable.exp(-3 * max(0, (way + a) / 2 - other - b))
          faster += min(way + a, other + b)
        }
      }
      let pairs = Double(steps * steps)
      let form = FasterOfTwo(first: min(way, other), second: max(way, other), jitter: 0.03)
      #expect(abs(FasterOfTwo.behind(3, way: way, other: other, jitter: 0.03) - behind / pairs) < 2e-4, "\(way) \(other)")
      #expect(abs(form.mean - faster / pairs) < 2e-4)
      let byQuantile = (0..<steps).reduce(0.0) { $0 + form.quantile((Double($1) + 0.5) / Double(steps)) } / Double(steps)
      #expect(abs(byQuantile - form.mean) < 2e-4)
    }
    #expect(FasterOfTwo(first: 0.1, second: .infinity, jitter: 0.02).quantile(0.5) < 0.12)
    #expect(abs(FasterOfTwo.behind(1, way: 0.4, other: 0.1, jitter: 0) - (1 - Portable.exp(-0.1))) < 1e-12)
  }

  @Test("one site degraded: the nearest overflows, what was measured goes round it, and the least loaded goes too far")
  func routing() throws {
    let degraded: [String: Double] = ["degraded": 1, "degraded_factor": 5, "write_share": 0, "customers": 20_000]
    let geo = try simulated("regions", degraded.merging(["rate": 80]) { $1 }, replications: 5)
    let latency = try simulated("regions", degraded.merging(["rate": 80]) { $1 }, ["policy": "latency"], replications: 5)
    let load = try simulated("regions", degraded.merging(["rate": 80]) { $1 }, ["policy": "least_load"], replications: 5)
    #expect(latency.value("p95") < geo.value("p95") && latency.value("mean") < load.value("mean"))
    #expect(latency.result.theory.isEmpty && latency.closedForm == nil)
    // A site fewer is another model: that without it, but for its number.
    let lost = try simulated("regions", ["lost": 2, "write_share": 0, "customers": 20_000], replications: 5)
    let without = try simulated("regions", ["sites": 2, "write_share": 0, "customers": 20_000], ["site2": "frankfurt"], replications: 5)
    #expect(without.theory("p95") > 0 && abs(lost.theory("p95") / without.theory("p95") - 1) < 1e-9 && abs(lost.error("p95")) < 0.02)
  }

  @Test("closed forms lie inside the interval in 93 % of seeds, within chance of 50")
  func coverage() {
    let rows = SelfProof.sites.rows(50)
    #expect(rows.count == 9)
    for row in rows { #expect(row.holdsWithinChance, "\(row.name): \(row.observed)") }
  }

  @Test("what cannot run says why, and what to do", arguments: [
    (["sites": 1, "rate": 200], [:], "ρ = 1 at `virginia`: its queue grows without bound and has no steady state; give `horizon:` to see how it grows"),
    (["rate": 601], ["policy": "least_load"], "ρ = 1.002 of all sites: queues grow without bound"),
    (["rate": 300, "write_share": 0.8], ["policy": "latency"], "ρ = 1.2 at `virginia`, of the writes alone"),
    (["sites": 1, "lost": 1], [:], "the only site is lost; give `sites` above 1, or `lost` 0"),
    (["sites": 2, "lost": 2], ["write_to": "quorum"], "without `singapore` there is no majority of 2 sites"),
    (["sites": 2, "degraded": 3], [:], "`degraded` is 3, and there are 2 sites; give the number of one, or 0"),
    ([:], ["site2": "virginia"], "two sites are in one place: virginia, virginia, frankfurt"),
    (["lag": 1e15], [:], "requests come while a write is on its way; at most 1000000"), (["rate": 0], [:], "the rate is 0 a second; give a rate above 0"),
    (Dictionary(uniqueKeysWithValues: City.regions.map { ("share_\($0.city.name)", 0) }), [:], "all shares of the demand are 0"),
  ] as [([String: Double], [String: String], String)])
  func refusals(_ numbers: [String: Double], _ words: [String: String], _ message: String) {
    do {
      _ = try simulated("regions", numbers, words)
      Issue.record("\(numbers) ran")
    } catch { #expect("\(error)".contains(message), "\(error)") }
  }

  @Test("overload with a horizon grows without a form; a seed is its values", arguments: ["geo", "latency", "least_load"])
  func determinism(_ policy: String) throws {
    let numbers: [String: Double] = ["rate": 700, "horizon": 20e9, "write_share": 0.2]
    let words = ["policy": policy, "write_to": "quorum"]
    let (one, two) = (try simulated("regions", numbers, words, seed: 9), try simulated("regions", numbers, words, seed: 9))
    #expect(one.result == two.result && one.events == two.events && one.result.theory.isEmpty)
    #expect(one.value("utilisation") > 0.9 && one.value("p99") > 0.5e9)
    #expect(try simulated("regions", numbers, words, seed: 10).result != one.result)
  }
}

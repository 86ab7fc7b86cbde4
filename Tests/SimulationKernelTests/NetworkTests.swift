import ExperimentModel
import Statistics
import Testing

@testable import SimulationKernel

@Suite struct NetworkTests {
  @Test("two stations open: product form and the law of the sum; feedback; other laws keep the utilisation")
  func open() throws {
    let tandem = try simulated("network", ["rate": 60, "customers": 20_000])
    for metric in ["mean", "p50", "p95", "p99", "rate", "utilisation", "in_flight"] {
      #expect(abs(tandem.error(metric)) < 0.04, "\(metric): \(tandem.value(metric)) for \(tandem.theory(metric))")
    }
    let back = try simulated("network", ["rate": 50, "feedback": 0.25, "s2_c": 2, "s3_service": 5e6, "customers": 20_000])
    #expect(abs(back.error("mean")) < 0.03 && back.result.theory["p99"] == nil, "\(back.error("mean"))")
    let fixed = try simulated("network", ["rate": 80, "customers": 20_000], ["s1_service_dist": "constant", "s2_service_dist": "constant"])
    #expect(abs(fixed.error("utilisation")) < 0.01 && fixed.result.theory["mean"] == nil)
    // After equal constant services nobody waits at a second station that is as quick.
    let equal: [String: Double] = ["rate": 80, "s1_service": 10e6, "customers": 20_000]
    let constant = ["s1_service_dist": "constant", "s2_service_dist": "constant"]
    let one = try simulated("queue", ["rate": 80, "service": 10e6, "customers": 20_000], ["service_dist": "constant"])
    let two = try simulated("network", equal, constant)
    #expect(abs(two.value("mean") - one.value("mean") - 10e6) < 0.04 * two.value("mean"))
  }

  @Test("the sum of independent times: one M/M/c, two equal stations (Erlang), two different ones")
  func sums() throws {
    func sum(_ stations: [(Int, Double)], _ rate: Double) throws -> PhaseSum {
      try #require(PhaseSum(stations.map { Phase(servers: $0.0, rate: rate, serviceMean: $0.1) }))
    }
    let single = try sum([(3, 0.01)], 200)
    for q in [0.5, 0.9, 0.99, 0.999] {
      #expect(abs(single.quantile(q) / mmcSojourn(quantile: q, servers: 3, arrivalRate: 200, serviceRate: 100) - 1) < 1e-5)
    }
    // Each exponential with the rate 50: Erlang 2, P(T > t) = e^(−x)(1 + x).
    let x = 50 * (try sum([(1, 0.01), (1, 0.01)], 50)).quantile(0.95)
    #expect(abs(Portable.exp(-x) * (1 + x) - 0.05) < 1e-6)
    // Rates 140 and 40.
    let t = (try sum([(1, 0.005), (1, 0.01)], 60)).quantile(0.99)
    #expect(abs((140 * Portable.exp(-40 * t) - 40 * Portable.exp(-140 * t)) / 100 - 0.01) < 1e-6)
  }

  @Test("closed: known throughputs, one station as the repairmen's birth and death, bounds at both ends")
  func convolution() {
    // By exact mean value analysis with fractions (an independent script).
    let exact = closedThroughput(users: 12, think: 0.1, stations: [(0.005, 1), (0.01, 1)], near: 100)
    #expect(abs(exact / 84.72398566792545 - 1) < 1e-12)
    let servers = closedThroughput(users: 40, think: 0.1, stations: [(0.005 / 0.8, 2), (0.01 / 0.8, 3)], near: 240)
    #expect(abs(servers / 237.36741770053195 - 1) < 1e-12)
    // One station with c servers: the machine-repair model, term by term.
    for (users, servers) in [(1, 1), (7, 1), (30, 4), (200, 10)] {
      var (weight, total, busy) = (1.0, 1.0, 0.0)
      for n in 1...users {
        weight *= Double(users - n + 1) * 0.01 / 0.1 / Double(min(n, servers))
        total += weight
        busy += weight * Double(min(n, servers))
      }
      let found = closedThroughput(users: users, think: 0.1, stations: [(0.01, servers)], near: min(Double(users) / 0.11, Double(servers) * 100))
      #expect(abs(found / (busy / total * 100) - 1) < 1e-9, "\(users) users, \(servers) servers: \(found)")
    }
    // Balanced, without thinking: N/(D(N + K − 1)).
    let balanced = closedThroughput(users: 6, think: 0, stations: [(0.2, 1), (0.2, 1), (0.2, 1)], near: 5)
    #expect(abs(balanced - 6 / (0.2 * 8)) < 1e-12)
    let many = closedThroughput(users: 5_000, think: 1, stations: [(0.005, 2), (0.01, 8)], near: 400)
    #expect(abs(many - 400) < 1e-6)
    let few = closedThroughput(users: 10, think: 100, stations: [(0.005, 2), (0.01, 8)], near: 0.1)
    #expect(few < 10 / 100.015 && few > 0.9999 * 10 / 100.015)
  }

  @Test("closed networks hold the form and the bounds; any law of thinking gives the same", arguments: [
    (["users": 12], [:]), (["users": 40, "s1_c": 2, "s2_c": 3, "feedback": 0.2], [:]), (["users": 12], ["think_dist": "constant"]),
    (["users": 5, "think": 0], [:]),
  ] as [([String: Double], [String: String])])
  func closed(_ numbers: [String: Double], _ words: [String: String]) throws {
    let report = try simulated("network", numbers.merging(["customers": 10_000]) { a, _ in a }, words)
    for metric in ["mean", "rate", "utilisation", "in_flight"] {
      #expect(abs(report.error(metric)) < 0.03, "\(metric): \(report.value(metric)) for \(report.theory(metric))")
    }
    #expect(report.theory("rate") <= report.value("rate_bound") && report.value("rate") < 1.02 * report.value("rate_bound"))
    // Little's law over the whole circle.
    let think = (numbers["think"] ?? 100e6) / 1e9
    #expect(abs(report.value("rate") * (report.value("mean") / 1e9 + think) / numbers["users"]! - 1) < 0.02)
  }

  @Test("closed forms lie inside the interval in 93 % of seeds, within chance of 100")
  func coverage() {
    let rows = SelfProof.stations.rows(100)
    #expect(rows.count == 9)
    for row in rows { #expect(row.holdsWithinChance, "\(row.name): \(row.observed)") }
  }

  @Test("overload with a horizon grows at the bottleneck; closed overload only fills it")
  func overload() throws {
    let open = try simulated("network", ["rate": 150, "horizon": 20e9], ["s2_service_dist": "constant"])
    #expect(abs(open.value("in_flight") - 500) < 30 && abs(open.value("rate") - 100) < 3 && open.value("utilisation") > 0.99)
    #expect(open.result.theory.isEmpty && open.closedForm == nil)
    let closed = try simulated("network", ["users": 500, "customers": 5_000])
    #expect(abs(closed.value("rate") - 100) < 2 && abs(closed.theory("rate") - 100) < 1e-6)
  }

  @Test("what cannot run says why, and what to do", arguments: [
    (["rate": 100], "ρ = 1 at `s2`: its queue grows without bound and has no steady state; give `horizon:` to see how it grows, a lower `rate:`, or"),
    (["rate": 80, "feedback": 0.5, "s2_c": 4], "ρ = 0.8 at"), (["rate": 0], "the arrival rate is 0 a second; give a rate above 0"),
    (["rate": 5, "users": 5], "both `rate` and `users` are given; leave one out"), (["feedback": 1], "`feedback` is 1: nobody would ever leave"),
    (["s1_service": 0], "`s1.service` is 0; give a time above 0"), (["users": 0], "users is 0; give a whole number from 1 to 10000"),
    (["rate": 1e6, "horizon": 1e15], "arrivals in `horizon`"),
  ] as [([String: Double], String)])
  func refusals(_ numbers: [String: Double], _ message: String) {
    do {
      let report = try simulated("network", numbers.merging(["customers": 1_000]) { a, _ in a })
      // The one that has room: its load is what the message would have said.
      #expect(message == "ρ = 0.8 at" && abs(report.theory("utilisation") - 0.8) < 1e-9, "\(numbers) ran")
    } catch { #expect("\(error)".contains(message), "\(error)") }
  }

  @Test("a seed is its values")
  func determinism() throws {
    let numbers: [String: Double] = ["users": 9, "s1_c": 2, "feedback": 0.1, "customers": 2_000]
    let words = ["s1_service_dist": "lognormal", "think_dist": "uniform"]
    let (one, two) = (try simulated("network", numbers, words, seed: 9), try simulated("network", numbers, words, seed: 9))
    #expect(one.result == two.result && one.events == two.events)
    #expect(try simulated("network", numbers, words, seed: 10).result != one.result)
  }
}

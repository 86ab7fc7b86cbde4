import ExperimentModel
import Statistics
import Testing

@testable import SimulationKernel

/// One arm of a model.
func simulated(
  _ model: String, _ numbers: [String: Double] = [:], _ words: [String: String] = [:], replications: Int = 10, seed: UInt64 = 1
) throws -> SimArmReport {
  let arm = SimArm(name: model, words: words, numbers: numbers)
  return try simulate(SimCell(model: model, arms: [arm], replications: replications, seed: seed), quick: false, cancelled: { false })[0]
}

extension SimArmReport {
  func value(_ metric: String) -> Double { result.metrics[metric]?.estimate.value ?? .nan }
  func theory(_ metric: String) -> Double { result.theory[metric] ?? .nan }
  /// Simulated over predicted, minus 1.
  func error(_ metric: String) -> Double { value(metric) / theory(metric) - 1 }
}

@Suite struct ModelTests {
  @Test("M/M/1 at 0.5: the closed form lies inside the interval in 93 % of 500 seeds")
  func coverage() {
    let rows = SelfProof.covered("mm1", "M/M/1", ["rho": 0.5, "customers": 1_500], [:], ["mean", "waiting_share"], 500)
    #expect(rows.count == 2)
    for row in rows { #expect(row.holds, "\(row.name): \(row.observed)") }
  }

  @Test("the method's oracles and other queues, in short runs", arguments: [
    (["c": 2, "rho": 0.8], [:], "waiting_share", 0.02), (["c": 4, "rho": 0.9], [:], "waiting_share", 0.03),
    (["rho": 0.8], ["service_dist": "constant"], "queue_wait", 0.06), (["rho": 0.7], ["service_dist": "erlang"], "queue_wait", 0.06),
    (["rho": 0.6, "service_cv2": 3], ["service_dist": "lognormal"], "queue_wait", 0.1),
    (["rho": 0.7], ["order": "sharing"], "mean", 0.06), (["rho": 0.7], ["order": "shortest"], "mean", 0.06),
    (["rho": 0.7], ["order": "lifo"], "mean", 0.06), (["rho": 0.7], ["order": "priority"], "urgent_wait", 0.06),
    (["c": 3, "rho": 1.2, "limit": 5], [:], "shed_share", 0.03), (["c": 3, "rho": 1.2, "limit": 5], [:], "waiting_share", 0.03),
    (["c": 3, "rho": 1.2, "limit": 3], ["service_dist": "uniform"], "shed_share", 0.03),
  ] as [([String: Double], [String: String], String, Double)])
  func queues(_ numbers: [String: Double], _ words: [String: String], _ metric: String, _ tolerance: Double) throws {
    let report = try simulated("queue", numbers.merging(["customers": 20_000]) { a, _ in a }, words)
    #expect(abs(report.error(metric)) < tolerance, "\(report.closedForm ?? "none"): \(report.value(metric)) for \(report.theory(metric))")
  }

  @Test("Little's law holds inside every queue", arguments: ["fifo", "lifo", "sharing", "priority", "shortest"])
  func little(_ order: String) throws {
    let report = try simulated("queue", ["c": 2, "rho": 0.7, "customers": 20_000], ["order": order])
    #expect(abs(report.value("in_flight") / (report.value("rate") * report.value("mean") / 1e9) - 1) < 0.02)
  }

  @Test("overload with a horizon grows as it must: λ − μ a second")
  func overload() throws {
    let report = try simulated("queue", ["rate": 100, "horizon": 20e9], ["service_dist": "constant"])
    // 50 a second are left over; who is served last came when half of the time was over.
    #expect(abs(report.value("p999") / 10e9 - 1) < 0.1)
    #expect(report.result.theory.isEmpty && report.closedForm == nil)
  }

  @Test("balancers: random is M/M/1, round robin E_N/M/1, two choices at 100 servers Mitzenmacher's sum; more is better")
  func balancers() throws {
    let size: [String: Double] = ["servers": 8, "rho": 0.8, "customers": 20_000]
    let random = try simulated("balancer", size, ["policy": "random"])
    let turns = try simulated("balancer", size, ["policy": "rr"])
    let two = try simulated("balancer", size, ["policy": "p2c"])
    let least = try simulated("balancer", size, ["policy": "least_conn"])
    #expect(abs(random.error("mean")) < 0.06 && abs(turns.error("mean")) < 0.06)
    #expect(random.value("mean") > turns.value("mean") && turns.value("mean") > two.value("mean") && two.value("mean") > least.value("mean"))
    let many = try simulated("balancer", ["servers": 100, "rho": 0.8, "customers": 20_000], ["policy": "p2c"], replications: 4)
    #expect(abs(many.error("mean")) < 0.03)
    #expect(abs(twoChoicesMean(load: 0.8) - 1.947) < 0.001 && abs(roundRobinMean(servers: 1, load: 0.8) - 5) < 1e-9)
    let hash = try simulated("balancer", ["servers": 4, "rho": 0.5, "customers": 20_000, "s": 1.1], ["policy": "hash"])
    let bounded = try simulated("balancer", ["servers": 4, "rho": 0.5, "customers": 20_000, "s": 1.1], ["policy": "bounded_hash"])
    #expect(bounded.value("imbalance") < hash.value("imbalance"))
  }

  @Test("one slow server: round robin has no steady state, and says so")
  func slowServer() throws {
    let slow: [String: Double] = ["rate": 200, "slow": 1, "customers": 10_000]
    #expect(throws: SimulationError.self) { try simulated("balancer", slow, ["policy": "rr"]) }
    let least = try simulated("balancer", slow, ["policy": "least_conn"])
    let turns = try simulated("balancer", ["rate": 200, "slow": 1, "horizon": 60e9], ["policy": "rr"])
    #expect(turns.value("p99") > 10 * least.value("p99"))
  }

  @Test("a storm is for ever with naive retries, over at once without, with a budget, and with shedding")
  func storm() throws {
    let naive = try simulated("storm", [:], replications: 12)
    #expect(naive.value("good_per_first_attempt") == 0 && abs(naive.error("amplification")) < 0.05)
    for repair: [String: Double] in [["retries": 0], ["budget": 0.1], ["budget": 0.1, "shed": 100e6]] {
      let report = try simulated("storm", repair, replications: 12)
      #expect(report.value("recovered") == 1 && report.value("amplification") < 1.1)
    }
    let calm = try simulated("storm", ["retries": 0, "stall": 0, "rate": 90, "horizon": 60e9, "window": 50e9])
    #expect(abs(calm.error("good_per_first_attempt")) < 0.03 && calm.theory("good_per_first_attempt") < 0.8)
  }

  @Test("continuous batching beats static by the harmonic number of the slots: 2.72 for eight")
  func batching() throws {
    let size = ["customers": 20_000.0]
    let fixed = try simulated("batcher", size, ["scheduler": "static"])
    let flowing = try simulated("batcher", size)
    let gain = flowing.value("tokens_per_second") / fixed.value("tokens_per_second")
    #expect(abs(gain / 2.717857 - 1) < 0.02, "\(gain)")
    #expect(abs(fixed.error("tokens_per_second")) < 0.02 && abs(flowing.error("tokens_per_second")) < 0.01)
    let served = try simulated("batcher", ["rate": 20, "customers": 20_000])
    #expect(abs(served.error("mean")) < 0.03)
  }

  @Test("spot instances: minutes without capacity and cost as the course found them, beside the compound Poisson sum")
  func fleet() throws {
    for (share, over, minutes, cost) in [(0.0, 0.0, 0.0, 1.0), (0.5, 0, 144, 0.68), (0.7, 0, 201, 0.552), (0.7, 0.25, 52, 0.625), (0.9, 0.25, 66, 0.514)] {
      let report = try simulated("fleet", ["spot_share": share, "over_provision": over], replications: 40)
      let found = report.value("under_capacity_minutes")
      #expect(abs(found - minutes) < 0.12 * minutes + 1e-9, "\(share) \(over): \(found)")
      #expect(abs(found - report.theory("under_capacity_minutes")) < 0.1 * minutes + 1e-9)
      #expect(abs(report.value("cost_index") - cost) < 0.005, "\(share) \(over): \(report.value("cost_index"))")
      #expect(report.value("under_capacity_minutes_p95") >= found)
    }
  }

  @Test("autoscalers: a jump costs the reactive one a boot and half an interval; the predictive one is worse on the unforeseen day")
  func autoscaler() throws {
    let flat: [String: Double] = ["base": 500, "peak": 500, "noise": 0]
    let jump = try simulated("autoscaler", flat, ["policy": "reactive"], replications: 40)
    #expect(abs(jump.error("violation_minutes")) < 0.08, "\(jump.value("violation_minutes")) for \(jump.theory("violation_minutes"))")
    func minutes(_ policy: String, _ day: String) throws -> Double {
      try simulated("autoscaler", [:], ["policy": policy, "day": day]).value("violation_minutes")
    }
    let regular = try ["reactive", "predictive", "hybrid"].map { try minutes($0, "regular") }
    let spike = try ["reactive", "predictive", "hybrid"].map { try minutes($0, "spike") }
    #expect(regular[0] > 1 && regular[1] < 0.2 && regular[2] < 0.2, "\(regular)")
    #expect(spike[1] > 5 * spike[0] && spike[2] <= spike[0], "\(spike)")
  }

  @Test("every arm sees the same arrivals and services: LIFO and FIFO serve the same work")
  func commonRandomNumbers() throws {
    let arms = ["fifo", "lifo"].map { SimArm(name: $0, words: ["order": $0], numbers: ["rho": 0.6, "customers": 5_000]) }
    let reports = try simulate(SimCell(model: "queue", arms: arms, replications: 5, seed: 2), quick: false, cancelled: { false })
    // All that work is done by either, whoever waits.
    let (first, second) = (reports[0].samples["utilisation"]!, reports[1].samples["utilisation"]!)
    #expect(zip(first, second).allSatisfy { abs($0 - $1) < 0.02 })
  }

  @Test("what cannot run says why, and what to do", arguments: [
    ("queue", ["rho": 1], [:], "ρ = 1: the queue grows without bound and has no steady state; give `horizon:`"),
    ("queue", ["rate": -3], [:], "rate is -3; give one that is not negative"),
    ("queue", ["rate": 0], [:], "the arrival rate is 0 a second; give a rate above 0"),
    ("queue", ["rho": 0.5, "rate": 3], [:], "both `rho` and `rate` are given"),
    ("queue", ["service_alpha": 1], ["service_dist": "pareto"], "a Pareto law with alpha ≤ 1 has no mean"),
    ("queue", ["service_cv2": 0.5], ["service_dist": "hyperexp"], "service.cv2 is 0.5, and a law `hyperexp` has 1 to 10000"),
    ("queue", ["c": 4, "limit": 3], [:], "`limit` is 3, less than the 4 servers"),
    ("queue", ["c": 0], [:], "c is 0; give a whole number from 1 to 100000"),
    ("queue", ["cc": 1], [:], "the model `queue` has no `cc`"),
    ("queue", ["rate": 1e9, "horizon": 1e15], [:], "arrivals in `horizon`"),
    ("batcher", ["rate": 12], ["scheduler": "static"], "the queue grows without bound"),
    ("storm", ["window": 99e9], [:], "`window` is 99 s of 9 s"),
    ("balancer", ["slow": 9], [:], "9 of 4 servers are slow"),
  ] as [(String, [String: Double], [String: String], String)])
  func refusals(_ model: String, _ numbers: [String: Double], _ words: [String: String], _ message: String) {
    do {
      _ = try simulated(model, numbers, words)
      Issue.record("\(model) \(numbers) ran")
    } catch { #expect("\(error)".contains(message), "\(error)") }
  }

  @Test("a seed is its bytes, on every machine", arguments: [
    ("queue", ["c": 3, "rho": 0.8, "customers": 2_000, "service_cv2": 2], ["service_dist": "lognormal"]),
    ("queue", ["rho": 0.8, "customers": 2_000], ["service_dist": "gamma", "arrivals_dist": "pareto"]),
    ("balancer", ["rho": 0.7, "customers": 2_000], ["policy": "p2c"]), ("storm", [:], [:]), ("fleet", [:], [:]), ("autoscaler", [:], [:]), ("batcher", ["customers": 2_000], ["scheduler": "static"]),
    ("network", ["users": 9, "s1_c": 2, "feedback": 0.1, "customers": 2_000], [:]), ("regions", ["s": 0, "customers": 2_000], ["policy": "latency"]),
    ("cdn", ["n": 200, "s": 0, "pops": 3, "purge_rate": 20, "requests": 2_000], ["shield_policy": "ttl"]),
  ] as [(String, [String: Double], [String: String])])
  func bytes(_ model: String, _ numbers: [String: Double], _ words: [String: String]) throws {
    let report = try simulated(model, numbers, words, replications: 3, seed: 42)
    #expect(try simulated(model, numbers, words, replications: 3, seed: 42).result == report.result)
    let key = words.values.sorted().reduce(model) { "\($0) \($1)" }
    let bits = report.samples[report.result.metrics.keys.sorted()[0]]?.map { String($0.bitPattern, radix: 16) }.joined(separator: " ")
    #expect(goldenBits[key] == bits, "\(key): \(bits ?? "")")
  }

  /// The first metric by name of three replications, as IEEE 754 writes it.
  private let goldenBits: [String: String] = [
    "autoscaler": "4075793e93e93e94 40757d8888888889 40757a9f49f49f4a",
    "balancer p2c": "3ff0d4fdf3b645a2 3ff09ba5e353f7cf 3ff04189374bc6a8",
    "cdn ttl": "3fece147ae147ae1 3fec51eb851eb852 3fec7ef9db22d0e5",
    "network": "400133527e3aca0b 400169afde202231 4002f575688f975d",
    "regions latency": "419154caf2abd8ce 419176a766993aaf 41916b7674937d03",
    "batcher static": "4068492e9518137b 4068e6fea721b751 4068e11305f1798d",
    "fleet": "3fe1ab8c1c4a2a37 3fe1ab1e02911b8e 3fe1abab915a778c",
    "queue gamma pareto": "3ffde9272f0f6da1 4000eb165adebf48 400253b44bac27e4",
    "queue lognormal": "40162f5d393f08a7 401274f54d0903c3 40148f701e68ff2a",
    "storm": "40100b81702e05c1 400fb1fb1fb1fb20 401056f1826a439f",
  ]
}

@Suite struct LossFormTests {
  @Test("Erlang B and M/M/c/K against known values")
  func loss() {
    #expect(abs(erlangB(servers: 10, offered: 5) - 0.018385) < 1e-6)
    #expect(abs(MMcK(servers: 3, room: 3, offered: 2).blocked - erlangB(servers: 3, offered: 2)) < 1e-12)
    // M/M/1/K in closed form.
    let p = MMcK(servers: 1, room: 4, offered: 0.5)
    #expect(abs(p.blocked - 0.5 * 0.0625 / (1 - 0.03125)) < 1e-12)
    #expect(MMcK(servers: 2, room: 100_000, offered: 3).blocked > 0.33)
  }

  @Test("staffing: the course's fleets for P(wait) ≤ 0.2", arguments: [(2.0, 4), (10, 14), (50, 58), (200, 216)])
  func staffing(_ offered: Double, _ servers: Int) {
    #expect(abs(serversForWaiting(offered: offered, limit: 0.2) - servers) <= 1)
    #expect(abs(squareRootStaffing(offered: offered, limit: 0.2) - Double(servers)) < 1.5)
  }

  @Test("Kingman is exact for M/M/c and M/G/1; shortest first beats first come")
  func kingman() {
    let wait = kingmanWait(servers: 1, arrivalRate: 0.8, serviceMean: 1, arrivalVariation: 1, serviceVariation: 4)
    #expect(abs(wait - mg1Wait(utilisation: 0.8, serviceMean: 1, squaredVariation: 4)) < 1e-12)
    #expect(shortestFirstWait(arrivalRate: 0.8, serviceMean: 1) < 4 && shortestFirstWait(arrivalRate: 0.01, serviceMean: 1) > 0)
    #expect(abs(harmonic(8) - 2.717857) < 1e-6)
  }
}

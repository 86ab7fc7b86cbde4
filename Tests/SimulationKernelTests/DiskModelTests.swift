import ExperimentModel
import Statistics
import Testing

@testable import SimulationKernel

@Suite struct DiskModelTests {
  @Test("a disk of 8 ms and 7200 turns does 82 random operations a second at any depth, 51,200 in a row; an ssd min(depth, channels)/S", arguments: [
    ([:], [:], 82.06, 0.005), (["depth": 32], [:], 82.06, 0.005), (["depth": 4], ["pattern": "sequential"], 51_200, 1e-3),
    (["depth": 1], ["device": "ssd"], 12_500, 1e-3), (["depth": 4], ["device": "ssd"], 50_000, 1e-3), (["depth": 64], ["device": "ssd"], 100_000, 1e-3),
    (["depth": 64, "channels": 16], ["device": "ssd", "service_dist": "exp"], 200_000, 0.01),
  ] as [([String: Double], [String: String], Double, Double)])
  func operations(_ numbers: [String: Double], _ words: [String: String], _ known: Double, _ tolerance: Double) throws {
    let report = try simulated("disk", numbers.merging(["customers": 10_000]) { $1 }, words)
    #expect(abs(report.value("iops") / known - 1) < tolerance && abs(report.theory("iops") / known - 1) < 1e-3, "\(report.value("iops"))")
    // Little's law, but for those that are there at both ends.
    #expect(abs(report.value("iops") * report.value("mean") / 1e9 / (numbers["depth"] ?? 1) - 1) < 2e-3)
  }

  @Test("the nearest first and the elevator do 147 of 82 at depth 32; only the nearest lets somebody wait for a second")
  func schedulers() throws {
    func run(_ scheduler: String) throws -> SimArmReport {
      try simulated("disk", ["depth": 32, "customers": 6_000], ["scheduler": scheduler], replications: 4)
    }
    let (nearest, elevator) = (try run("shortest"), try run("elevator"))
    #expect(abs(nearest.value("iops") / 146.7 - 1) < 0.01 && abs(elevator.value("iops") / 146.7 - 1) < 0.01)
    #expect(nearest.value("p999") > 1.7 * elevator.value("p999") && nearest.closedForm == nil)
    // Alone there is nothing to choose.
    let alone = try ["fifo", "shortest", "elevator"].map { try simulated("disk", ["customers": 1_000], ["scheduler": $0]).samples["mean"] }
    #expect(alone[0] == alone[1] && alone[0] == alone[2])
  }

  @Test("commits: 20 with a flush of 5 ms each do 192 a second, sharing it 1,429; their sizes are a known chain when they come as they like")
  func commits() throws {
    let each = try simulated("disk", ["depth": 20, "service": 200e3, "customers": 10_000], ["device": "ssd", "commit": "each"])
    let group = try simulated("disk", ["depth": 20, "service": 200e3, "customers": 10_000], ["device": "ssd", "commit": "group"])
    #expect(abs(each.value("iops") - 192.3) < 0.2 && abs(each.error("iops")) < 1e-3)
    #expect(abs(group.value("iops") / 1428.57 - 1) < 2e-3 && abs(group.error("mean")) < 2e-3 && group.value("commits_per_flush") == 10)
    // λF/(1 − λw) where the disk is never idle.
    #expect(abs(groupCommit(rate: 3_000, flush: 5e-3, each: 2e-4)!.commitsPerFlush - 37.5) < 1e-6)
    // Hardly any: each flushes alone, and waits half of the rare one before it.
    #expect(abs(groupCommit(rate: 0.01, flush: 5e-3, each: 2e-4)!.response - 5.2e-3) < 1e-6)
    #expect(groupCommit(rate: 5_001, flush: 5e-3, each: 2e-4) == nil && groupCommit(rate: 1e9, flush: 1, each: 0) == nil)
  }

  @Test("the machine repair model: one of one, and against a textbook sum")
  func repair() {
    let one = machineRepair(customers: 1, think: 3, servers: 1, service: 1)
    #expect(abs(one.throughput - 0.25) < 1e-12 && abs(one.response - 1) < 1e-12)
    // Two customers, one server, Z = S: p = 1, 2, 2 of 5.
    let two = machineRepair(customers: 2, think: 1, servers: 1, service: 1)
    #expect(abs(two.throughput - 0.8) < 1e-12 && abs(two.response - 1.5) < 1e-12)
    // As many servers as customers: nobody waits.
    #expect(abs(machineRepair(customers: 9, think: 2, servers: 9, service: 1).response - 1) < 1e-12)
  }

  @Test("closed forms lie inside the intervals", arguments: SelfProof.diskCases.indices)
  func coverage(_ index: Int) {
    let one = SelfProof.diskCases[index]
    let short = one.numbers.merging(["customers": 600]) { $1 }
    for row in SelfProof.covered("disk", one.name, short, one.words, one.metrics, 60) { #expect(row.holdsWithinChance, "\(row.name): \(row.observed)") }
  }

  @Test("what cannot run says why, and what to do", arguments: [
    (["rate": 90], [:], "ρ = 1.097: the queue grows without bound and has no steady state; give `horizon:`, or less than 82.06 operations a second"),
    (["rate": 240], ["scheduler": "elevator"], "grows without bound"), (["rate": 200], ["commit": "each", "device": "ssd"], "grows without bound"),
    (["rate": -1], [:], "rate is -1; give one that is not negative"), (["rate": 0], [:], "the rate is 0; give a rate above 0, or none for a closed queue"),
    (["seek": 1e5], [:], "`seek` is 0.0001 s, less than `settle`, 0.001 s"), (["service": 0], ["device": "ssd"], "service has the mean 0 s"),
    (["service_alpha": 1], ["device": "ssd", "service_dist": "pareto"], "a Pareto law with alpha ≤ 1 has no mean"),
    (["depth": 0], [:], "depth is 0; give a whole number from 1 to 65536"), (["block": 0], [:], "`block` and `bandwidth` are above 0"),
    (["rate": 1e6, "horizon": 1e14], [:], "operations in `horizon`; at most 1000000000"),
    (["rate": 1e6, "horizon": 60e9], ["scheduler": "shortest"], "more than 65536 operations wait for the disk; shorten `horizon:`, or lower the load"),
  ] as [([String: Double], [String: String], String)])
  func refusals(_ numbers: [String: Double], _ words: [String: String], _ message: String) { expectRefusal("disk", numbers, words, message) }

  @Test("overload with a horizon grows as it must, and a seed is its bytes")
  func bytes() throws {
    let over = try simulated("disk", ["rate": 20_000, "service": 100e3, "channels": 1, "horizon": 10e9], ["device": "ssd"], replications: 2)
    #expect(abs(over.value("iops") / 10_000 - 1) < 1e-3 && over.closedForm == nil)
    // Who ends last came after half of the time.
    #expect(abs(over.value("p999") / 5e9 - 1) < 0.05)
    try expectBits("disk", ["rate": 70, "customers": 2_000], ["scheduler": "elevator"], "mean", "417d1de89d111cbd 417c30a9743eec35 417be80456943707")
  }
}

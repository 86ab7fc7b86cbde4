import ExperimentModel
import Statistics
import Testing

@testable import SimulationKernel

@Suite struct LinkModelTests {
  @Test("without losses slow start's sum is exact, whatever the transport, the order and the window", arguments: [
    ([:], [:]), (["initial_window": 1, "objects": 7], [:]), (["objects": 3, "size": 146_000, "bandwidth": 200_000], [:]),
    ([:], ["transport": "quic", "order": "turn"]), (["size": 1_000, "handshake": 0], ["order": "turn"]), 
    (["objects": 1, "size": 1_000_001], ["congestion": "cubic"]),
  ] as [([String: Double], [String: String])])
  func lossFree(_ numbers: [String: Double], _ words: [String: String]) throws {
    let report = try simulated("link", numbers.merging(["pages": 2]) { $1 }, words, replications: 2)
    for metric in ["mean", "page_time", "transfer_rate"] { #expect(abs(report.error(metric)) < 1e-9, "\(metric): \(report.value(metric))") }
    #expect(report.value("retransmitted_share") == 0)
  }

  @Test("round trips by hand: the handshake, one for each doubling from ten packets, and the serialisation", arguments: [
    (10, "tcp", 3), (11, "tcp", 4), (30, "tcp", 4), (31, "quic", 4), (10, "quic", 2),
  ])
  func byHand(_ packets: Int, _ transport: String, _ trips: Int) throws {
    let report = try simulated(
      "link", ["objects": 1, "size": Double(packets * 1460), "bandwidth": 1e12, "pages": 2], ["transport": transport], replications: 2)
    #expect(abs(report.value("page_time") - Double(trips) * 50e6) < 1e3)
  }

  @Test("thirty objects asked for one after another: 30 round trips on one connection, 5 on six (curriculum, day 14)", arguments: [(1, 30.0), (6, 5)])
  func parallel(_ connections: Int, _ trips: Double) throws {
    let numbers: [String: Double] = ["connections": Double(connections), "size": 4096, "bandwidth": 1e12, "handshake": 0, "pages": 2]
    let report = try simulated("link", numbers, ["order": "request"], replications: 2)
    #expect(abs(report.value("page_time") / 50e6 - trips) < 1e-3)
  }

  @Test("day 14: p95 of thirty objects of 4 KB is 1.0, 1.5, 2.2 times the loss-free one; QUIC is below TCP at each loss")
  func headOfLine() throws {
    func p95(_ transport: String, _ loss: Double) throws -> Double {
      try simulated("link", ["rtt": 80e6, "size": 4380, "loss": loss, "pages": 100], ["transport": transport]).value("p95")
    }
    let tcp = try [0, 0.005, 0.02].map { try p95("tcp", $0) }
    let quic = try [0, 0.005, 0.02].map { try p95("quic", $0) }
    #expect(tcp[1] > 1.3 * tcp[0] && tcp[1] < 1.7 * tcp[0] && tcp[2] > 2 * tcp[0] && tcp[2] < 2.5 * tcp[0], "\(tcp)")
    #expect(zip(tcp, quic).allSatisfy { $0 > $1 }, "\(tcp) \(quic)")
  }

  @Test("with the same packets lost, and no handshake, only TCP's order holds up others: never faster, and twice at p95")
  func onlyOrder() throws {
    let arms = ["tcp", "quic"].map {
      SimArm(name: $0, words: ["transport": $0], numbers: ["rtt": 80e6, "size": 1460, "rate": 10, "objects": 500, "loss": 0.02, "pages": 10])
    }
    let reports = try simulate(SimCell(model: "link", arms: arms, replications: 10, seed: 3), quick: false, cancelled: { false })
    #expect(reports[0].samples["retransmitted_share"] == reports[1].samples["retransmitted_share"])
    #expect(zip(reports[0].samples["mean"]!, reports[1].samples["mean"]!).allSatisfy { $0 > $1 })
    #expect(reports[0].value("p95") > 1.8 * reports[1].value("p95") && reports[0].value("p50") < 81e6)
  }

  @Test("a long transfer: Mathis within 10 %, periodic and random; CUBIC's rate by RFC 9438 within 10 % at 2 ‱")
  func mathis() throws {
    let transfer: [String: Double] = ["objects": 1, "size": 1460 * 100_000, "rtt": 100e6, "bandwidth": 1e9, "pages": 1]
    for (loss, losses) in [(0.001, "random"), (0.001, "periodic"), (0.01, "random"), (0.003, "periodic")] {
      let report = try simulated("link", transfer.merging(["loss": loss]) { $1 }, ["losses": losses], replications: 2)
      #expect(report.closedForm?.hasPrefix("Mathis") == true)
      #expect(abs(report.error("transfer_rate")) < 0.1, "\(loss) \(losses): \(report.error("transfer_rate"))")
    }
    let long = transfer.merging(["loss": 2e-4, "rtt": 200e6, "size": 1460 * 400_000]) { $1 }
    let cubic = try simulated("link", long, ["losses": "periodic", "congestion": "cubic"], replications: 1)
    // ⁴√(C(3 + β)/(4(1 − β)))·(RTT/p)^¾ packets, β = 0.7, C = 0.4.
    let predicted = 1460 * 1.0541 / (Portable.pow(2e-4, 0.75) * Portable.pow(0.2, 0.25))
    #expect(abs(cubic.value("transfer_rate") / predicted - 1) < 0.1)
    #expect(abs(mathisRandom - 1.30984) < 1e-5 && abs(mathisPeriodic * mathisPeriodic - 1.5) < 1e-12)
  }

  @Test("a proof of an approximation can fail")
  func canFail() {
    let transfer: [String: Double] = ["objects": 1, "size": 1460 * 40_000, "rtt": 100e6, "bandwidth": 1e9, "pages": 1, "loss": 0.003]
    #expect(SelfProof.near("link", "Mathis", transfer, ["losses": "periodic"], "transfer_rate", 0.1, 3).holds)
    #expect(!SelfProof.near("link", "Mathis", transfer, ["losses": "periodic"], "transfer_rate", 0.01, 3).holds)
  }

  @Test("a full buffer loses packets, and the path is still used: reno fills a link with a buffer of one bandwidth-delay product")
  func buffer() throws {
    let report = try simulated("link", ["objects": 1, "size": 20e6, "bandwidth": 1e6, "buffer": 50_000, "pages": 2], [:], replications: 2)
    #expect(report.value("retransmitted_share") > 0 && report.closedForm == nil)
    #expect(report.value("transfer_rate") > 0.95e6 && report.value("transfer_rate") < 1e6)
  }

  @Test("one packet: timers doubled; the closed form lies inside the interval")
  func coverage() {
    let rows = SelfProof.covered("link", "one packet", ["objects": 1, "size": 1_000, "loss": 0.1, "pages": 200], [:], ["mean"], 100)
    for row in rows { #expect(row.holdsWithinChance, "\(row.name): \(row.observed)") }
    // 1 s, then 2 s, …: Σ 0.5ᵏ·2ᵏ⁻¹ would grow for ever without the bound of a minute.
    #expect(abs(repeatedTimeouts(loss: 0.1, first: 1, most: 1e9) - 0.1 / 0.8) < 1e-12 && repeatedTimeouts(loss: 0.5, first: 1, most: 60) < 10)
  }

  @Test("what cannot run says why, and what to do", arguments: [
    (["loss": 0.9], [:], "`loss` is 0.9: of so lossy a path nobody waits for a page; at most 0.5"),
    (["loss": -0.1], [:], "loss is -0.1; give a share from 0 to 1"), (["rtt": 0], [:], "are above 0; such as rtt 50ms"),
    (["buffer": 1000], [:], "`buffer` holds 1000 bytes, less than a packet of 1460; give more, or no buffer"),
    (["connections": 6, "objects": 2], [:], "6 connections for 2 objects; at most one connection for each object"),
    (["size": 1e12], [:], "packets; at most 4000000: give a smaller `size`, or fewer `objects`"),
    (["rate": 0], [:], "`rate` is 0: no object is ever asked for"), (["rate": 5], ["order": "request"], "both say when an object is asked for"),
    (["rate": -5], [:], "rate is -5; give one that is not negative"), ([:], ["transport": "sctp"], "it is one of tcp, quic"),
  ] as [([String: Double], [String: String], String)])
  func refusals(_ numbers: [String: Double], _ words: [String: String], _ message: String) { expectRefusal("link", numbers, words, message) }

  @Test("a seed is its bytes, on every machine")
  func bytes() throws {
    try expectBits("link", ["loss": 0.02, "pages": 20], ["congestion": "cubic"], "mean", "41cd4662fa12de2a 41c991459ff263f4 41ca61c6bb63d468")
  }
}

/// The model refuses, with this in its message.
func expectRefusal(_ model: String, _ numbers: [String: Double], _ words: [String: String], _ message: String) {
  do {
    _ = try simulated(model, numbers, words, replications: 2)
    Issue.record("\(model) \(numbers) \(words) ran")
  } catch { #expect("\(error)".contains(message), "\(error)") }
}

/// Three replications of a metric, as IEEE 754 writes them, twice the same.
func expectBits(_ model: String, _ numbers: [String: Double], _ words: [String: String], _ metric: String, _ golden: String) throws {
  let report = try simulated(model, numbers, words, replications: 3, seed: 42)
  #expect(try simulated(model, numbers, words, replications: 3, seed: 42).result == report.result)
  let bits = report.samples[metric]?.map { String($0.bitPattern, radix: 16) }.joined(separator: " ")
  #expect(bits == golden, "\(model): \(bits ?? "")")
}

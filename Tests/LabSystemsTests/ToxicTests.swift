import ExperimentModel
import Foundation
import Testing

@testable import LabSystems

/// What becomes of bytes, on a clock that nobody waits for.
@Suite struct ToxicFlowTests {
  private func flow(_ toxic: Toxic, _ change: (inout ToxicParameters) -> Void) -> ToxicFlow {
    var parameters = ToxicParameters()
    change(&parameters)
    return ToxicFlow(toxic, parameters, random: SeededRandom(seed: 11))
  }

  private func pieces(_ fate: ToxicFlow.Fate) -> [ToxicFlow.Piece] { if case .pieces(let pieces) = fate { pieces } else { [] } }

  @Test func latencyStaysInItsSpreadAndInOrder() {
    var flow = flow(.latency) { ($0.latency, $0.jitter) = (Nanoseconds(50), Nanoseconds(20)) }
    var last = Int64.min
    var delays: Set<Int64> = []
    for now in stride(from: Int64(0), to: 100_000, by: 100) {
      let piece = pieces(flow.take(10, now: now))[0]
      #expect(piece.size == 10 && piece.at >= max(last, now + 30) && piece.at <= now + 70)
      delays.insert(piece.at - now)
      last = piece.at
    }
    #expect(delays.count > 30, "jitter spreads")
    // Bytes that come at one moment do not overtake each other.
    let times = (0..<50).map { _ in pieces(flow.take(1, now: 200_000))[0].at }
    #expect(times == times.sorted())
  }

  @Test func bandwidthIsNeverExceeded() {
    var flow = flow(.bandwidth) { $0.rate = 1_000 }
    var sent = 0
    for write in [(300, Int64(0)), (700, 10), (50, 5_000_000_000)] {
      for piece in pieces(flow.take(write.0, now: write.1)) {
        sent += piece.size
        // The last idle time is not made up for: what is through by a time fits the rate since the first byte.
        #expect(Double(sent) <= 1_000 * Double(piece.at) / 1e9 + 1e-6)
      }
    }
    #expect(sent == 1_050)
  }

  @Test func slicesHaveTheirSizesAndAddUp() {
    var flow = flow(.slicer) { ($0.averageSize, $0.sizeVariation, $0.delay) = (100, 30, Nanoseconds(1_000)) }
    let slices = pieces(flow.take(10_000, now: 0))
    #expect(slices.reduce(0) { $0 + $1.size } == 10_000)
    #expect(slices.dropLast().allSatisfy { (70...130).contains($0.size) } && Set(slices.map(\.size)).count > 10)
    #expect(zip(slices, slices.dropFirst()).allSatisfy { $1.at - $0.at == 1_000 })
  }

  @Test func limitsAndLosses() {
    var limit = flow(.limitData) { $0.bytes = 100 }
    #expect(limit.take(60, now: 0) == .pass && limit.take(60, now: 0) == .last(40))
    var reset = flow(.resetPeer) { _ in }
    #expect(reset.take(5, now: 0) == .lost && reset.endsAfter == 0)
    #expect(flow(.timeout) { $0.timeout = .zero }.endsAfter == nil, "0 is for ever")
    #expect(flow(.slowClose) { $0.delay = Nanoseconds(7) }.closesAfter == 7)
  }
}

/// Each toxic on real sockets: counts, or times with a bound that a slow machine cannot break.
@Suite struct ToxicSocketTests {
  private static let size = 40_000
  private static let ask = "GET /page HTTP/1.1\r\nHost: lab\r\n\r\n"
  private static let askOnce = "GET /page HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n"

  private func with(_ fault: String?, _ work: (_ client: () throws -> LabClient, _ control: LabClient) throws -> Void) throws {
    let page = StageSpec(name: "body", work: .bytes(BytesSpec(size: Self.size, etag: false)))
    let server = try LabServer(
      Sample.system(rows: 0, routes: [RouteSpec(method: "GET", path: "/page", stages: [page])]), port: 0, pid: getpid())
    defer { server.stop() }
    let control = try LabClient(port: server.ready.port)
    if let fault {
      let reply = try control.request("POST", "/_nb/fault", body: fault)
      #expect(reply.status == 200, "\(reply.body)")
    }
    try work({ try LabClient(port: server.ready.port) }, control)
  }

  /// A healthy answer, whole.
  private func isHealthy(_ client: LabClient) throws -> Bool {
    let reply = try client.request("GET", "/page")
    return reply.status == 200 && reply.body.utf8.count == Self.size
  }

  @Test func latencyIsAtLeastWhatWasDeclaredAndGoesWhenCleared() throws {
    try with(#"{"target":"origin","toxic":"latency","latency":80000000,"jitter":20000000}"#) { client, control in
      let seen = try client().reads(after: Self.ask, most: Self.size)
      #expect(seen.times[0] >= 60_000_000)
      let waiting = try client()
      waiting.send(Self.ask)
      // An answer that is held goes out when the toxic is lifted; the connection goes on.
      #expect(try control.request("DELETE", "/_nb/fault").status == 200)
      #expect(try waiting.receive().status == 200 && isHealthy(waiting))
      #expect(try control.request("GET", "/_nb/fault").body == "[]")
      #expect(try control.counters()["faults.connections"]! >= 1)
    }
  }

  @Test func aConnectionThatIsThereMeetsTheToxicTooAndTheControlPlaneNever() throws {
    try with(nil) { client, control in
      let old = try client()
      #expect(try isHealthy(old))
      #expect(try control.request("POST", "/_nb/fault", body: #"{"target":"origin","toxic":"reset_peer"}"#).status == 200)
      #expect(old.endsWithReset)
      let new = try client().reads(after: Self.ask)
      #expect(new.isReset && new.sizes.isEmpty)
      // Also one that is opened under the toxic.
      #expect(try client().request("DELETE", "/_nb/fault").status == 200)
      #expect(try isHealthy(client()))
    }
  }

  @Test func bandwidthIsKept() throws {
    try with(#"{"target":"origin","toxic":"bandwidth","rate":200000}"#) { client, _ in
      let seen = try client().reads(after: Self.ask, most: Self.size)
      // All but the piece that was through first took its time.
      var sum = 0
      for (size, time) in zip(seen.sizes, seen.times) {
        sum += size
        #expect(Double(sum) <= 200_000 * Double(time) / 1e9)
      }
      #expect(sum >= Self.size)
    }
  }

  @Test func limitDataEndsAfterExactlySoManyBytes() throws {
    try with(#"{"target":"origin","toxic":"limit_data","bytes":12345}"#) { client, _ in
      let seen = try client().reads(after: Self.ask)
      #expect(seen.sizes.reduce(0, +) == 12_345 && !seen.isReset)
      #expect(try client().reads(after: Self.ask).sizes.reduce(0, +) == 12_345, "each connection has its own count")
    }
  }

  @Test func slicesArriveOneByOne() throws {
    try with(#"{"target":"origin","toxic":"slicer","average_size":2000,"delay":2000000}"#) { client, _ in
      let seen = try client().reads(after: Self.ask, most: Self.size)
      // 20 slices and the head, 2 ms apart; a reader that was late sees some together.
      #expect(seen.times.last! >= 19 * 2_000_000 && seen.sizes.count >= 4)
      #expect(seen.sizes.reduce(0, +) >= Self.size)
    }
  }

  @Test func timeoutLosesAnswersThenCloses() throws {
    try with(#"{"target":"origin","toxic":"timeout","timeout":100000000}"#) { client, _ in
      let seen = try client().reads(after: Self.ask)
      #expect(seen.sizes.isEmpty && !seen.isReset && seen.times[0] >= 100_000_000)
    }
    try with(#"{"target":"origin","toxic":"timeout","timeout":0}"#) { client, control in
      let lost = try client()
      lost.send(Self.ask)
      for _ in 0..<200 where try control.counters()["origin.requests"] == 0 { usleep(5_000) }
      #expect(try control.request("DELETE", "/_nb/fault").status == 200)
      #expect(lost.isClosedByPeer, "an answer was lost: the connection cannot go on")
      #expect(try isHealthy(client()))
    }
  }

  @Test func slowCloseHoldsTheEndAndNothingElse() throws {
    try with(#"{"target":"origin","toxic":"slow_close","delay":150000000}"#) { client, _ in
      let seen = try client().reads(after: Self.askOnce)
      #expect(seen.sizes.reduce(0, +) >= Self.size && seen.times.last! >= 150_000_000)
    }
  }

  @Test func aFaultEndsByItself() throws {
    try with(#"{"target":"origin","toxic":"reset_peer","duration":100000000}"#) { client, control in
      #expect(try client().reads(after: Self.ask).isReset)
      for _ in 0..<400 where try control.request("GET", "/_nb/fault").body != "[]" { usleep(5_000) }
      #expect(try isHealthy(client()))
    }
  }

  @Test func toxicityIsAShareOfConnections() throws {
    try with(#"{"target":"origin","toxic":"limit_data","bytes":10,"toxicity":0.5}"#) { client, _ in
      let hit = try (0..<100).count { _ in try client().reads(after: Self.askOnce).sizes.reduce(0, +) == 10 }
      // Binomial, 5 standard deviations; the seed is fixed.
      #expect((25...75).contains(hit))
    }
  }

  @Test func toxicsPassThroughEachOther() throws {
    try with(#"{"target":"origin","toxic":"latency","latency":50000000}"#) { client, control in
      #expect(try control.request("POST", "/_nb/fault", body: #"{"target":"origin","toxic":"limit_data","bytes":500}"#).status == 200)
      let seen = try client().reads(after: Self.ask)
      #expect(seen.sizes.reduce(0, +) == 500 && seen.times[0] >= 50_000_000)
    }
  }

  @Test func aKillWithoutATimeLastsUntilItIsCleared() throws {
    try with(nil) { client, control in
      let old = try client()
      #expect(try isHealthy(old))
      #expect(try control.request("POST", "/_nb/fault", body: #"{"target":"origin","toxic":"kill"}"#).status == 200)
      #expect(old.endsWithReset)
      #expect((try? client()) == nil)
      #expect(try control.request("DELETE", "/_nb/fault").status == 200)
      var back: LabClient?
      for _ in 0..<200 where back == nil {
        back = try? client()
        if back == nil { usleep(5_000) }
      }
      #expect(try isHealthy(try #require(back)))
    }
  }

  @Test func aRestartResetsAndRefusesNobody() throws {
    try with(nil) { client, control in
      let old = try client()
      #expect(try isHealthy(old))
      #expect(try control.request("POST", "/_nb/fault", body: #"{"target":"origin","toxic":"restart"}"#).status == 200)
      #expect(old.endsWithReset)
      #expect(try isHealthy(client()))
    }
  }

  @Test func aPoolHeldOpenWithAToxicOnIt() throws {
    // A client that goes away while its answer is held is no trouble.
    try with(#"{"target":"origin","toxic":"latency","latency":50000000}"#) { client, control in
      for _ in 0..<20 { try client().send(Self.ask) }
      usleep(120_000)
      #expect(try control.request("DELETE", "/_nb/fault").status == 200)
      #expect(try isHealthy(client()))
    }
  }
}

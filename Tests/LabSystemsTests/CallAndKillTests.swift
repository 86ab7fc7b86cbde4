import ExperimentModel
import Foundation
import Testing

@testable import LabSystems

/// Answers after a fixed time on the virtual clock.
private final class FakePeer: Peer {
  let environment: VirtualEnvironment
  let time: Int64
  var statuses: [Int] = []
  private(set) var paths: [String] = []
  private(set) var openMost = 0
  private var open = 0
  init(_ environment: VirtualEnvironment, time: Int64) { self.environment = environment; self.time = time }

  func get(_ path: String, of role: String, fields: String, answered: @escaping (Int) -> Void) -> Int {
    paths.append(path)
    open += 1
    openMost = max(openMost, open)
    let status = statuses.isEmpty ? 200 : statuses.removeFirst()
    environment.at(environment.now + time) { [self] in
      open -= 1
      answered(status)
    }
    return 0
  }
}

@Suite struct CallStageTests {
  private func run(_ mode: CallSpec.Mode, k: Int, statuses: [Int] = []) throws -> (peer: FakePeer, seen: Collector.Seen, core: LabCore) {
    let environment = VirtualEnvironment()
    let peer = FakePeer(environment, time: 1_000_000)
    peer.statuses = statuses
    let call = StageSpec(name: "fan", work: .call(CallSpec(role: "origin", path: "/product/{id}", k: k, mode: mode)))
    let system = Sample.system(
      rows: 0,
      routes: [
        RouteSpec(method: "GET", path: "/page/{id}", stages: [call, StageSpec(name: "html", work: .bytes(BytesSpec(size: 10, etag: false)))]),
        RouteSpec(method: "GET", path: "/product/{id}", stages: [Sample.wait(1)]),
      ])
    let core = try LabCore(system, environment: environment, peer: peer)
    let collector = Collector(environment)
    collector.send(core, "GET", "/page/7", tag: 1)
    environment.advance(by: 1_000_000_000)
    return (peer, try #require(collector.seen.first), core)
  }

  @Test func inParallelTheSlowestDecides() throws {
    let (peer, seen, core) = try run(.parallel, k: 10)
    #expect(seen.status == 200 && seen.at == 1_001_000_000 && peer.openMost == 10)
    #expect(Set(peer.paths) == ["/product/7"])
    #expect(core.counter("fan.calls") == 10 && core.counter("fan.failed") == 0)
  }

  @Test func inSeriesTimesAddUp() throws {
    let (peer, seen, _) = try run(.serial, k: 10)
    #expect(seen.status == 200 && seen.at == 1_010_000_000 && peer.openMost == 1 && peer.paths.count == 10)
  }

  @Test func oneFailureFailsThePage() throws {
    let (peer, seen, core) = try run(.parallel, k: 3, statuses: [200, 503, 200])
    #expect(seen.status == 502 && peer.paths.count == 3 && core.counter("fan.failed") == 1)
    // A serial caller does not ask for the rest.
    let serial = try run(.serial, k: 3, statuses: [200, 0, 200])
    #expect(serial.seen.status == 502 && serial.peer.paths.count == 2)
  }

  @Test func pagesOverRealSockets() throws {
    let call = StageSpec(name: "fan", work: .call(CallSpec(role: "origin", path: "/product/7", k: 5, mode: .parallel)))
    let system = Sample.system(
      rows: 100,
      routes: [
        RouteSpec(method: "GET", path: "/page", stages: [call]),
        RouteSpec(method: "GET", path: "/product/{id}", stages: [Sample.sql(Sample.select), Sample.wait(1)]),
      ])
    let server = try LabServer(system, port: 0, pid: getpid())
    defer { server.stop() }
    let client = try LabClient(port: server.ready.port)
    for _ in 0..<20 { #expect(try client.request("GET", "/page").status == 200) }
    let counters = try client.counters()
    #expect(counters["fan.calls"] == 100 && counters["fan.failed"] == 0)
    #expect(counters["origin.requests"] == 120)
  }
}

@Suite struct KillTests {
  @Test func whatWaitsOrRunsIsLostAndTheNextLifeHasAllWorkers() throws {
    let environment = VirtualEnvironment()
    let system = Sample.system(workers: 2, rows: 0, routes: [RouteSpec(method: "GET", path: "/slow", stages: [Sample.wait(100)])])
    let core = try LabCore(system, environment: environment)
    let collector = Collector(environment)
    for tag in 1...4 { collector.send(core, "GET", "/slow", tag: tag) }
    environment.advance(by: 10_000_000)
    core.kill(core.roles[0], 50_000_000)
    environment.advance(by: 60_000_000)
    // Two of the first life are still under way; both workers are free all the same.
    for tag in 5...6 { collector.send(core, "GET", "/slow", tag: tag) }
    environment.advance(by: 1_000_000_000)
    #expect(collector.seen.map(\.tag) == [5, 6])
    #expect(collector.seen.allSatisfy { $0.status == 200 && $0.at == 1_170_000_000 })
  }

  @Test func connectionsAreResetThenRefusedThenWelcome() throws {
    let system = Sample.system(rows: 0, routes: [RouteSpec(method: "GET", path: "/slow", stages: [Sample.wait(2_000)])])
    let server = try LabServer(system, port: 0, pid: getpid())
    defer { server.stop() }
    let port = server.ready.port
    let control = try LabClient(port: port)
    _ = try control.counters()
    let waiting = try LabClient(port: port)
    waiting.send("GET /slow HTTP/1.1\r\nHost: lab\r\n\r\n")
    // The request is inside before the process dies.
    for _ in 0..<200 where try control.counters()["origin.requests"] == 0 { usleep(10_000) }
    let body = #"{"target":"origin","toxic":"kill","duration":400000000}"#
    #expect(try control.request("POST", "/_nb/fault", body: body).status == 200)
    #expect(waiting.endsWithReset)
    #expect((try? LabClient(port: port)) == nil, "a killed process listens to nobody")
    // The control plane outlives it.
    #expect(try control.counters()["origin.requests"] == 1)
    var reborn: LabClient?
    for _ in 0..<200 where reborn == nil {
      usleep(10_000)
      reborn = try? LabClient(port: port)
    }
    #expect(try #require(reborn).request("GET", "/nowhere").status == 404)
  }
}

@Suite struct MixtureAndMemoryTests {
  @Test func aMixtureHasItsShareOfSlowCalls() throws {
    let environment = VirtualEnvironment()
    let mixture = WaitDistribution.mixture(
      mean: Nanoseconds(8_000_000), slowShare: 0.02, slowMin: Nanoseconds(200_000_000), slowMean: Nanoseconds(20_000_000))
    let stage = StageSpec(name: "replica", work: .wait(WaitSpec(distribution: mixture, standsFor: "test")))
    let core = try LabCore(
      Sample.system(workers: 100_000, rows: 0, routes: [RouteSpec(method: "GET", path: "/p", stages: [stage])]), environment: environment)
    let collector = Collector(environment)
    let start = environment.now
    for tag in 1...20_000 { collector.send(core, "GET", "/p", tag: tag) }
    environment.advance(by: 10_000_000_000)
    let waits = collector.seen.map { Double($0.at - start) / 1e6 }
    let slow = waits.filter { $0 >= 200 }
    #expect(abs(Double(slow.count) / 20_000 - 0.02) < 0.003)
    #expect(abs(waits.reduce(0, +) / 20_000 - 12.24) < 0.6)
    #expect(abs(slow.reduce(0, +) / Double(slow.count) - 220) < 4)
  }

  @Test func concurrencyIsTheIntegralOfWhatIsInside() throws {
    let environment = VirtualEnvironment()
    let core = try LabCore(
      Sample.system(workers: 1, rows: 0, routes: [RouteSpec(method: "GET", path: "/p", stages: [Sample.wait(10)])]), environment: environment)
    let collector = Collector(environment)
    // Two at once before one worker: 10 ms and 20 ms inside.
    for tag in 1...2 { collector.send(core, "GET", "/p", tag: tag) }
    environment.advance(by: 100_000_000)
    #expect(core.counter("origin.inside_ns") == 30_000_000)
    core.roles[0].resetCounters()
    environment.advance(by: 100_000_000)
    #expect(core.counter("origin.inside_ns") == 0)
  }

  @Test func aLeakIsResidentAndStays() throws {
    let stage = StageSpec(name: "session", work: .alloc(AllocSpec(perRequest: 262_144, leak: 262_144)))
    let server = try LabServer(
      Sample.system(rows: 0, routes: [RouteSpec(method: "GET", path: "/p", stages: [stage])]), port: 0, pid: getpid())
    defer { server.stop() }
    let client = try LabClient(port: server.ready.port)
    let before = try client.counters()
    for _ in 0..<400 { _ = try client.request("GET", "/p") }
    let after = try client.counters()
    #expect(after["session.leaked_bytes"] == 400 * 262_144)
    // Other tests of this process allocate too; a leak of 100 MiB is larger than what they free.
    #expect(after["process.rss_bytes"]! - before["process.rss_bytes"]! > 8 << 20)
  }
}

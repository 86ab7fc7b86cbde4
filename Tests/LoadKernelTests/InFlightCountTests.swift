import ExperimentModel
import Testing

@testable import LoadKernel

@Suite(.serialized) struct InFlightCountTests {
  @Test("the integral of three overlapping requests, also with ends that come out of order")
  func integral() {
    var ordered = InFlightCount()
    ordered.observe(from: 0, to: .max)
    ordered.begin(at: 0)
    ordered.begin(at: 10)
    ordered.end(at: 20)
    ordered.begin(at: 25)
    ordered.end(at: 40)
    ordered.end(at: 45)
    // 20 + 30 + 20, whoever ended when.
    #expect(ordered.total(at: 50) == 70 && ordered.count == 0)
    var late = InFlightCount()
    late.observe(from: 0, to: .max)
    for (time, isBegin) in [(0, true), (10, true), (25, true), (45, false), (20, false), (40, false)] as [(Int64, Bool)] {
      if isBegin { late.begin(at: time) } else { late.end(at: time) }
    }
    #expect(late.total(at: 50) == 70)
  }

  @Test("what lies before or after the window is cut off, of the count and of the times alike")
  func cut() {
    var count = InFlightCount()
    count.observe(from: 100, to: 200)
    count.begin(at: 50)
    count.begin(at: 150)
    count.end(at: 160)
    count.end(at: 900)
    #expect(count.total(at: 1_000) == 110)
    #expect(count.inside(from: 50, to: 900) + count.inside(from: 150, to: 160) == 110)
  }

  private let request = RequestSpec(name: "get", method: "GET", path: "/")

  @Test("a real run, good and failed answers alike, obeys Little's law to a thousandth", arguments: [0, 3])
  func law(_ failing: Int) throws {
    let server = ScriptedServer { i, _ in
      failing > 0 && i % failing == 0 ? .answer("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n") : .slowly(ScriptedServer.ok, 20)
    }
    defer { server.stop() }
    let profile = LoadProfile(executor: .constantVUs, duration: Nanoseconds(seconds: 0.3), vus: 4, requests: [request])
    let record = try LoadEngine(profile: profile, target: LoadTarget(server)).run()
    let residual = try #require(record.littleResidual)
    #expect(residual < 0.001, "\(residual)")
    // Four users without a pause: four in flight, but for the moments of starting and of the last answers.
    #expect((3.0...4.0).contains(record.inFlightCounted), "\(record.inFlightCounted)")
    #expect((record.countError ?? 1) < 1e-9)
  }

  @Test("a queue that outlasts the plan is in λW and not in L; the count itself is right")
  func growing() throws {
    let server = ScriptedServer(stall: (from: 0.1, length: 0.6))
    defer { server.stop() }
    let profile = LoadProfile(
      executor: .constantArrivalRate, arrivals: .uniform, rate: 200, duration: Nanoseconds(seconds: 0.4), requests: [request])
    let record = try LoadEngine(profile: profile, target: LoadTarget(server)).run()
    #expect((record.littleResidual ?? 0) > 0.5 && (record.countError ?? 1) < 1e-9)
    #expect(!record.reasons.contains { $0.contains("contradicts") })
  }

  @Test("a wrong count is found: one begin without an end makes the run DEGRADED, with both numbers")
  func wrong() throws {
    let server = ScriptedServer()
    defer { server.stop() }
    let profile = LoadProfile(executor: .constantArrivalRate, arrivals: .uniform, rate: 500, duration: Nanoseconds(seconds: 0.2), requests: [request])
    let target = LoadTarget(server)
    let loop = try LoadLoop(profile, Scenario(profile, target: target), target, LoadOptions(), count: 4, shared: SharedCounters(loops: 1))
    #expect(loop.connectAll() == 4)
    loop.rules.inFlight.begin(at: 0)
    var record = loop.run(from: loop.clock.now(), nil, { false })
    record.judge()
    #expect((record.countError ?? 0) > 0.5 && (record.littleResidual ?? 0) > 0.5)
    #expect(record.verdict != .valid && record.reasons.contains { $0.hasPrefix("the generator contradicts itself: it counted") })
  }
}

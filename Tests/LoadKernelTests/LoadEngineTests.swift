import CKernelShims
import ExperimentModel
import Foundation
import Testing

@testable import LoadKernel

@Suite(.serialized) struct LoadEngineTests {
  private func run(_ profile: LoadProfile, _ server: ScriptedServer) throws -> LoadRecord {
    try LoadEngine(profile: profile, target: LoadTarget(server)).run()
  }
  private let request = RequestSpec(name: "get", method: "GET", path: "/item/{id}", key: .uniform(n: 9))

  @Test("shared iterations send exactly their number, and every answer is counted once")
  func counts() throws {
    let server = ScriptedServer()
    defer { server.stop() }
    let record = try run(LoadProfile(executor: .sharedIterations, vus: 8, iterations: 1_000, requests: [request]), server)
    #expect(record.sent == 1_000 && record.completed == 1_000 && record.failed == 0)
    #expect(server.count == 1_000)
    #expect(record.hits == 1_000 && record.response.count == 1_000)
    #expect(record.windows.reduce(0) { $0 + $1.completed } == 1_000)
  }

  @Test("an open plan is sent in full, none dropped, none added")
  func open() throws {
    let server = ScriptedServer()
    defer { server.stop() }
    let profile = LoadProfile(executor: .constantArrivalRate, arrivals: .uniform, rate: 1_000, duration: Nanoseconds(seconds: 0.5), requests: [request])
    let record = try run(profile, server)
    #expect(record.sent == 500 && record.completed == 500 && server.count == 500)
  }

  @Test("a plan that ends with nothing due lasts its time all the same")
  func quietEnd() throws {
    let server = ScriptedServer()
    defer { server.stop() }
    var profile = LoadProfile(executor: .rampingArrivalRate, arrivals: .uniform, requests: [request])
    profile.stages = [
      RampStage(target: 500, duration: Nanoseconds(seconds: 0.1), jump: true), RampStage(target: 0, duration: Nanoseconds(seconds: 0.4), jump: true),
    ]
    let begun = ContinuousClock.now
    let record = try run(profile, server)
    #expect(record.completed == 50 && record.elapsed == Nanoseconds(seconds: 0.5) && begun.duration(to: .now) >= .milliseconds(500))
    #expect(abs(record.achievedRate - 100) < 0.01)
  }

  @Test("a stall is in the response time of everyone who should have been served, not only of the one who was")
  func coordinatedOmission() throws {
    let server = ScriptedServer(stall: (from: 0.5, length: 0.4))
    defer { server.stop() }
    var profile = LoadProfile(executor: .constantArrivalRate, arrivals: .uniform, rate: 500, duration: Nanoseconds(seconds: 2), requests: [request])
    profile.connections = 4
    let record = try run(profile, server)
    // 200 of 1,000 arrivals fall into the stall; their delays are spread evenly over 0…400 ms, so the
    // 90th percentile of all lies near 200 ms. With four connections the service time hides most of it.
    let p90 = Double(record.response.quantile(0.9)) / 1e6
    #expect((150...260).contains(p90), "p90 \(p90) ms")
    #expect(record.service.quantile(0.9) < record.response.quantile(0.9) / 4)
    #expect(record.sent == 1_000 && record.completed == 1_000)
  }

  @Test("failures are counted by kind and the run goes on", arguments: [
    ("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", "status"), ("nonsense that is not http\r\n\r\n", "malformed"),
  ])
  func failures(_ answer: String, _ kind: String) throws {
    let server = ScriptedServer { _, _ in .answer(answer) }
    defer { server.stop() }
    let record = try run(LoadProfile(executor: .sharedIterations, vus: 2, iterations: 50, requests: [request]), server)
    #expect(record.failed == 50 && record.errors[kind] == 50 && record.completed == 0)
    #expect(record.verdict == .invalid)
  }

  @Test("a server that closes after each answer costs connections, not requests")
  func closing() throws {
    let server = ScriptedServer { _, _ in .answerAndClose("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n") }
    defer { server.stop() }
    let record = try run(LoadProfile(executor: .sharedIterations, vus: 4, iterations: 200, requests: [request]), server)
    #expect(record.completed == 200 && record.failed == 0)
  }

  @Test("nobody listening is one error with a remedy; another host is refused before a byte is sent")
  func noTarget() {
    let profile = LoadProfile(executor: .sharedIterations, vus: 1, iterations: 1, requests: [request])
    let refused = #expect(throws: LoadError.self) {
      _ = try LoadEngine(profile: profile, target: LoadTarget(host: "127.0.0.1", port: 1)).run()
    }
    #expect(refused?.id == "connect-failed" && refused?.remedy != nil)
    let foreign = #expect(throws: LoadError.self) {
      _ = try LoadEngine(profile: profile, target: LoadTarget(host: "192.0.2.1", port: 80)).run()
    }
    #expect(foreign?.id == "target-not-loopback")
  }
}

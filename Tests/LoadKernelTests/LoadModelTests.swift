// Executors, targets, threads, limits: counts that must be exact whatever the machine does.

import CKernelShims
import ExperimentModel
import Foundation
import Testing

@testable import LoadKernel

@Suite(.serialized) struct LoadModelTests {
  private let request = RequestSpec(name: "get", method: "GET", path: "/")
  private let millisecond = Nanoseconds(1_000_000)

  private func run(_ profile: LoadProfile, _ options: LoadOptions = LoadOptions()) throws -> (LoadRecord, ScriptedServer) {
    let server = ScriptedServer()
    defer { server.stop() }
    return (try LoadEngine(profile: profile, target: LoadTarget(server)).run(options), server)
  }

  @Test("iterations per user")
  func perUser() throws {
    var profile = LoadProfile(executor: .sharedIterations, vus: 5, iterations: 7, requests: [request])
    profile.iterationsPerUser = true
    for threads in [1, 2] {
      var options = LoadOptions()
      options.threads = threads
      let (record, server) = try run(profile, options)
      #expect(record.completed == 35 && server.count == 35 && record.connections == 5)
    }
  }

  @Test("think time of every kind, from one queue", arguments: [
    ThinkTime.constant(Nanoseconds(2_000_000)), .exponential(mean: Nanoseconds(2_000_000)),
    .uniform(low: .zero, high: Nanoseconds(4_000_000)),
  ])
  func think(_ think: ThinkTime) throws {
    var profile = LoadProfile(executor: .sharedIterations, vus: 10, iterations: 200, requests: [request])
    profile.think = think
    let (record, _) = try run(profile)
    #expect(record.completed == 200 && record.failed == 0)
    // 20 iterations a user with 2 ms between them.
    #expect(record.elapsed.seconds > 0.02)
  }

  @Test("sessions of an open plan make all their requests")
  func sessions() throws {
    var profile = LoadProfile(
      executor: .constantArrivalRate, arrivals: .uniform, rate: 200, duration: Nanoseconds(seconds: 0.3), requests: [request])
    profile.sessionLength = 4
    profile.think = .constant(millisecond)
    let (record, _) = try run(profile)
    #expect(record.planned == 60 && record.begun == 60 && record.completed == 240)
  }

  @Test("bursts and replays are sent in full")
  func shapes() throws {
    var profile = LoadProfile(executor: .constantArrivalRate, duration: Nanoseconds(seconds: 0.2), connections: 8, requests: [request])
    profile.burst = BurstSpec(size: 50, every: Nanoseconds(seconds: 0.1))
    #expect(try run(profile).0.completed == 100)
    profile.burst = nil
    profile.replay = (0..<120).map { Nanoseconds(Int64($0 / 3) * 1_000_000) }
    #expect(try run(profile).0.completed == 120)
  }

  @Test("ramping users come and go; without users nothing is sent")
  func rampingUsers() throws {
    let half = Nanoseconds(seconds: 0.15)
    var profile = LoadProfile(
      executor: .rampingVUs, stages: [RampStage(target: 6, duration: half), RampStage(target: 0, duration: half)], thinkTime: millisecond,
      requests: [request])
    let (record, server) = try run(profile)
    #expect(record.completed > 0 && record.failed == 0 && server.connections == 6)
    profile.stages = [RampStage(target: 0, duration: half)]
    #expect(try run(profile).0.sent == 0)
  }

  @Test("two loops share one plan and one count", arguments: [2, 3])
  func threads(_ threads: Int) throws {
    var options = LoadOptions()
    options.threads = threads
    let open = LoadProfile(executor: .constantArrivalRate, rate: 2_000, duration: Nanoseconds(seconds: 0.3), requests: [request], seed: 5)
    let alone = try run(open).0
    let (record, server) = try run(open, options)
    #expect(record.planned == alone.planned && record.completed == alone.completed && server.count == record.completed)
    #expect(record.connections == 64)
    let counted = LoadProfile(executor: .sharedIterations, vus: 7, iterations: 1_001, requests: [request])
    #expect(try run(counted, options).0.completed == 1_001)
  }

  @Test("Unix sockets and IPv6")
  func targets() throws {
    let path = "/tmp/nb-load-\(getpid()).sock"
    let server = ScriptedServer(unix: path)
    defer { server.stop(); unlink(path) }
    let profile = LoadProfile(executor: .sharedIterations, vus: 3, iterations: 60, requests: [request])
    let record = try LoadEngine(profile: profile, target: LoadTarget(unixSocket: path)).run()
    #expect(record.completed == 60 && server.requests[0].contains("Host: localhost\r\n"))
    #expect(LoadTarget(host: "::1", port: 80).text == "[::1]:80")
    #expect(throws: Never.self) { _ = try LoadTarget(host: "::1", port: 80).address() }
    #expect(try LoadTarget.resolve("127.0.0.1") == ["127.0.0.1"])
    let unknown = #expect(throws: LoadError.self) { _ = try LoadTarget.resolve("no-such-host.invalid") }
    #expect(unknown?.id == "dns")
  }

  @Test("another host needs permission, and its name must have been resolved")
  func permission() {
    var target = LoadTarget(host: "192.0.2.1", port: 80)
    #expect(throws: LoadError.self) { _ = try target.address() }
    target.permitted = true
    #expect(throws: Never.self) { _ = try target.address() }
    let name = #expect(throws: LoadError.self) { _ = try LoadTarget(host: "example.com", port: 80).address() }
    #expect(name?.id == "dns")
  }

  @Test("a plan above the cap is refused; closed users are slowed down to it")
  func cap() throws {
    var options = LoadOptions()
    options.maxRate = 500
    let open = LoadProfile(executor: .constantArrivalRate, rate: 1_000, duration: Nanoseconds(seconds: 1), requests: [request])
    let error = #expect(throws: LoadError.self) { _ = try run(open, options) }
    #expect(error?.id == "rate-over-cap")
    let closed = LoadProfile(executor: .sharedIterations, vus: 8, iterations: 100, requests: [request])
    let (record, _) = try run(closed, options)
    #expect(record.completed == 100 && record.elapsed.seconds > 0.19)
  }

  @Test("a cancelled run is marked partial")
  func cancelled() throws {
    let server = ScriptedServer()
    defer { server.stop() }
    let profile = LoadProfile(executor: .constantVUs, duration: Nanoseconds(seconds: 60), vus: 2, requests: [request])
    var options = LoadOptions()
    options.threads = 2
    let record = try LoadEngine(profile: profile, target: LoadTarget(server)).run(options, cancelled: { server.count > 100 })
    #expect(record.isPartial && record.completed > 100 && record.elapsed.seconds < 30)
  }

  @Test("the stop rule looks only when it said it would, and ends a run whose interval is narrow")
  func stopping() throws {
    let rule = StopRule(quantile: 0.5, relativeHalfWidth: 0.05, looks: [25, 50])
    let series = (0..<50).map { 100 + Double($0 % 3) }
    #expect(rule.decide(Array(series.prefix(25))) != nil)
    #expect(rule.decide(Array(series.prefix(26))) == nil)
    #expect(rule.decide(series.prefix(25).enumerated().map { $0 == 4 ? 5_000 : $1 }) == nil)
    var options = LoadOptions()
    options.windowLength = Nanoseconds(5_000_000)
    options.stopWhen = StopRule(quantile: 0.5, relativeHalfWidth: 10, looks: [25, 50, 100, 200])
    let profile = LoadProfile(executor: .constantVUs, duration: Nanoseconds(seconds: 2), vus: 2, requests: [request])
    let (record, _) = try run(profile, options)
    // Whether the series forgets itself is this machine's affair; that the rule's answer and the run's length agree is not.
    #expect((record.stopped != nil) == (record.elapsed.seconds < 1.9) && !record.isPartial)
  }

  @Test("kernel stamps are taken where the system gives them, and never before the send")
  func stamps() throws {
    var options = LoadOptions()
    options.kernelStamps = true
    let (record, _) = try run(LoadProfile(executor: .sharedIterations, vus: 2, iterations: 200, requests: [request]), options)
    #expect(record.completed == 200 && record.service.min >= 0 && record.stamped <= 200)
  }

  @Test("2,000 idle users need less than 8 KB each")
  func memory() throws {
    func resident() throws -> Int {
      let text = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
      return (Int(text.split(separator: " ")[1]) ?? 0) * 4_096
    }
    let before = try resident()
    let profile = LoadProfile(
      executor: .constantVUs, duration: Nanoseconds(seconds: 0.3), vus: 2_000, thinkTime: Nanoseconds(seconds: 60), requests: [request])
    var grown = 0
    let server = ScriptedServer()
    defer { server.stop() }
    let record = try LoadEngine(profile: profile, target: LoadTarget(server)).run(
      LoadOptions(), cancelled: { grown = max(grown, ((try? resident()) ?? 0) - before); return false })
    #expect(record.completed > 0 && record.connections == 2_000)
    // With the histograms of the record, and what other tests allocate at the same time.
    #expect(grown < 2_000 * 8_192 + 16_000_000, "\(grown)")
  }

  @Test("the due queue gives the earliest first, each once")
  func dueQueue() {
    var queue = DueQueue(capacity: 500)
    var state: UInt64 = 3
    var expected: [Int64] = []
    for slot in 0..<500 {
      state = state &* 6_364_136_223_846_793_005 &+ 1
      let time = Int64(state >> 50)
      queue.push(time, slot)
      expected.append(time)
    }
    var found: [Int64] = []
    while queue.count > 0 { found.append(queue.pop().time) }
    #expect(found == expected.sorted() && queue.first == .max)
  }
}

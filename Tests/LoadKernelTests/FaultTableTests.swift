// Injected faults with the verdict that each must have, the table before the code. On a machine that does
// other things the generator may be late as well, so a verdict may be graver than listed, never milder; the reason
// listed must be among the reasons.

import CKernelShims
import ExperimentModel
import Foundation
import Testing

@testable import LoadKernel

struct Fault: Sendable, CustomTestStringConvertible {
  var name: String
  var verdict: RunValidity
  /// The reason's beginning; nil: no reason is needed.
  var reason: String?
  /// A kind of error that must be counted and have an example; nil: none.
  var kind: ErrorKind?
  var run: @Sendable () throws -> LoadRecord
  var testDescription: String { name }
}

private let get = RequestSpec(name: "get", method: "GET", path: "/")
private func users(_ n: Int, _ seconds: Double, _ request: RequestSpec = get) -> LoadProfile {
  var profile = LoadProfile(executor: .constantVUs, duration: Nanoseconds(seconds: seconds), vus: n, requests: [request])
  profile.timeout = Nanoseconds(seconds: 0.15)
  return profile
}
private func iterations(_ n: Int, _ request: RequestSpec = get) -> LoadProfile {
  LoadProfile(executor: .sharedIterations, vus: 4, iterations: n, requests: [request], timeout: Nanoseconds(seconds: 0.15))
}
private func arrivals(_ rate: Double, _ seconds: Double, connections: Int) -> LoadProfile {
  LoadProfile(
    executor: .constantArrivalRate, arrivals: .uniform, rate: rate, duration: Nanoseconds(seconds: seconds), connections: connections,
    requests: [get], timeout: Nanoseconds(seconds: 0.15))
}
private func at(
  _ profile: LoadProfile, _ options: LoadOptions = LoadOptions(), script: @escaping @Sendable (Int, String) -> Behaviour
) throws -> LoadRecord {
  let server = ScriptedServer(script: script)
  defer { server.stop() }
  return try LoadEngine(profile: profile, target: LoadTarget(server)).run(options)
}
private func closedPort(_ profile: LoadProfile) throws -> LoadRecord {
  var options = LoadOptions()
  options.requiresConnection = false
  return try LoadEngine(profile: profile, target: LoadTarget(host: "127.0.0.1", port: 1)).run(options)
}
private func judged(_ change: (inout LoadRecord) -> Void) -> LoadRecord {
  var record = LoadRecord()
  record.sent = 100
  record.completed = 100
  change(&record)
  record.judge()
  return record
}
/// Nanoseconds that the stepping clock is ahead.
private let step: SharedCounters = SharedCounters(loops: 1)

private let faults: [Fault] = [
  Fault(name: "nobody listens, open", verdict: .invalid, reason: "every request failed (refused)", kind: .refused) {
    try closedPort(arrivals(2_000, 0.2, connections: 4))
  },
  Fault(name: "nobody listens, closed", verdict: .invalid, reason: "every request failed (refused)", kind: .refused) {
    try closedPort(users(8, 0.3))
  },
  Fault(name: "accepted, never answered", verdict: .invalid, reason: "every request failed (timeout)", kind: .timeout) {
    try at(users(4, 0.3)) { _, _ in .silence }
  },
  Fault(name: "never accepted", verdict: .invalid, reason: "every request failed", kind: nil) {
    let server = ScriptedServer(accepts: false)
    defer { server.stop() }
    return try LoadEngine(profile: users(4, 0.3), target: LoadTarget(server)).run()
  },
  Fault(name: "accept queue full", verdict: .valid, reason: nil, kind: .connectTimeout) {
    let server = ScriptedServer(backlog: 0, accepts: false)
    defer { server.stop() }
    var profile = users(6, 0.6)
    profile.connectTimeout = Nanoseconds(seconds: 0.1)
    return try LoadEngine(profile: profile, target: LoadTarget(server)).run()
  },
  Fault(name: "every request reset", verdict: .invalid, reason: "every request failed (reset)", kind: .reset) {
    try at(iterations(30)) { _, _ in .reset }
  },
  Fault(name: "closed without an answer", verdict: .invalid, reason: "every request failed (closed)", kind: .closed) {
    try at(iterations(30)) { _, _ in .close }
  },
  Fault(name: "half an answer, then closed", verdict: .invalid, reason: "every request failed (closed)", kind: .closed) {
    try at(iterations(30)) { _, _ in .answerAndClose("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf") }
  },
  Fault(name: "half an answer, then nothing", verdict: .invalid, reason: "every request failed (timeout)", kind: .timeout) {
    try at(iterations(8)) { _, _ in .answer("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf") }
  },
  Fault(name: "not HTTP", verdict: .invalid, reason: "every request failed (malformed)", kind: .malformed) {
    try at(iterations(30)) { _, _ in .answer("220 mail.example ESMTP\r\n") }
  },
  Fault(name: "a bad status line", verdict: .invalid, reason: "every request failed (malformed)", kind: .malformed) {
    try at(iterations(8)) { _, _ in .answer("HTTP/1.1 2OO OK\r\nContent-Length: 0\r\n\r\n") }
  },
  Fault(name: "two different lengths", verdict: .invalid, reason: "every request failed (malformed)", kind: .malformed) {
    try at(iterations(8)) { _, _ in .answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok") }
  },
  Fault(name: "a chunk size that overflows", verdict: .invalid, reason: "every request failed (malformed)", kind: .malformed) {
    try at(iterations(8)) { _, _ in .answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff1\r\n") }
  },
  Fault(name: "a head that ends, but late", verdict: .invalid, reason: "every request failed (too-large)", kind: .tooLarge) {
    let filler = String(repeating: "X-Filler: aaaaaaaaaaaaaaaaaaaaaaaa\r\n", count: 1_000)
    return try at(iterations(8)) { _, _ in .answer("HTTP/1.1 200 OK\r\n" + filler + "Content-Length: 0\r\n\r\n") }
  },
  Fault(name: "a byte a millisecond, and no end", verdict: .invalid, reason: "every request failed (timeout)", kind: .timeout) {
    let record = try at(iterations(4)) { _, _ in .slowly("HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n" + String(repeating: "x", count: 9_000), 1) }
    #expect(record.examples["timeout"] == "the answer did not end")
    return record
  },
  Fault(name: "a redirect to itself", verdict: .valid, reason: nil, kind: nil) {
    let record = try at(iterations(30)) { _, _ in .answer("HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n") }
    #expect(record.statuses == [302: 30] && record.completed == 30)
    return record
  },
  Fault(name: "closed after each answer without saying so", verdict: .valid, reason: nil, kind: nil) {
    let record = try at(iterations(100)) { _, _ in .answerAndClose(ScriptedServer.ok) }
    // A close that crosses a request on its way costs that request, and is told as what it is.
    #expect(record.completed + record.failed == 100 && Set(record.errors.keys).isSubset(of: ["closed", "reset"]))
    return record
  },
  Fault(name: "a head without end", verdict: .invalid, reason: "every request failed (too-large)", kind: .tooLarge) {
    let filler = String(repeating: "X-Filler: aaaaaaaaaaaaaaaaaaaaaaaa\r\n", count: 2_000)
    return try at(iterations(8)) { _, _ in .answer("HTTP/1.1 200 OK\r\n" + filler) }
  },
  Fault(name: "503 for everything", verdict: .invalid, reason: "every request failed (status)", kind: .status) {
    try at(iterations(30)) { _, _ in .answer("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n") }
  },
  Fault(name: "200 with an error page", verdict: .invalid, reason: "every request failed (check)", kind: .check) {
    var request = get
    request.checks = ["body~welcome"]
    return try at(iterations(30, request)) { _, _ in .answer(ScriptedServer.ok) }
  },
  Fault(name: "out of descriptors", verdict: .invalid, reason: "out of descriptors", kind: nil) {
    judged { $0.errors[ErrorKind(connect: EMFILE).name] = 3 }
  },
  Fault(name: "out of local ports", verdict: .invalid, reason: "out of local ports", kind: nil) {
    judged { $0.errors[ErrorKind(connect: EADDRNOTAVAIL).name] = 1 }
  },
  Fault(name: "out of local ports before a request was on the connection", verdict: .invalid, reason: "out of local ports: 2", kind: nil) {
    judged { $0.connectErrors[ErrorKind(connect: EADDRNOTAVAIL).name] = 2 }
  },
  Fault(name: "the clock steps by a second", verdict: .invalid, reason: "the clock stepped", kind: nil) {
    var options = LoadOptions()
    options.clock = LoadClock(now: { nb_now() + Int64(step.answered) }, reference: { nb_boot_now() })
    return try at(users(2, 0.4), options) { index, _ in
      if index == 200 { step.publish(0, answered: 100_000_000, failed: 0) }
      return .answer(ScriptedServer.ok)
    }
  },
  Fault(name: "a rate far above the target's", verdict: .invalid, reason: "rate not reached", kind: .timeout) {
    var options = LoadOptions()
    options.drain = Nanoseconds(seconds: 0.05)
    return try at(arrivals(5_000, 0.2, connections: 1), options) { _, _ in .slowly(ScriptedServer.ok, 4) }
  },
  Fault(name: "a stall with few connections", verdict: .degraded, reason: nil, kind: nil) {
    let server = ScriptedServer(stall: (from: 0.1, length: 0.1))
    defer { server.stop() }
    var profile = arrivals(500, 0.5, connections: 1)
    profile.timeout = Nanoseconds(seconds: 5)
    let record = try LoadEngine(profile: profile, target: LoadTarget(server)).run()
    #expect(record.reasons.contains { $0.contains("waited for one of 1 connections") })
    return record
  },
  Fault(name: "the generator is held up", verdict: .invalid, reason: "sends were late", kind: nil) {
    let server = ScriptedServer()
    defer { server.stop() }
    return try LoadEngine(profile: arrivals(2_000, 0.5, connections: 64), target: LoadTarget(server)).run(
      LoadOptions(), cancelled: { usleep(20_000); return false })
  },
  Fault(name: "slow answers are the target's, not the generator's", verdict: .valid, reason: nil, kind: nil) {
    let record = try at(iterations(12)) { _, _ in .slowly(ScriptedServer.ok, 9) }
    #expect(record.completed == 12)
    return record
  },
  Fault(name: "bytes after the answer cost the connection, not the request", verdict: .degraded, reason: "answers nobody asked for", kind: nil) {
    let record = try at(iterations(40)) { _, _ in .answer(ScriptedServer.ok + "HTTP/1.1 200 OK\r\n") }
    #expect(record.completed == 40 && record.failed == 0 && record.unasked == 40)
    #expect(record.unaskedExample == "HTTP/1.1 200 OK⏎")
    return record
  },
  Fault(name: "the target dies half-way", verdict: .valid, reason: nil, kind: nil) {
    let server = ScriptedServer()
    let stopper = Thread { usleep(150_000); server.stop() }
    stopper.start()
    let record = try LoadEngine(profile: users(4, 0.5), target: LoadTarget(server)).run()
    #expect(record.completed > 0 && record.errors["refused"] ?? 0 > 0)
    return record
  },
]

@Suite(.serialized) struct FaultTableTests {
  @Test("injected faults", arguments: faults)
  func fault(_ fault: Fault) throws {
    let record = try fault.run()
    let order: [RunValidity] = [.valid, .degraded, .invalid]
    let rank = { (verdict: RunValidity) in order.firstIndex(of: verdict) ?? 0 }
    #expect(rank(record.verdict) >= rank(fault.verdict), "\(record.verdict): \(record.reasons) \(record.errors)")
    if let reason = fault.reason { #expect(record.reasons.contains { $0.hasPrefix(reason) }, "\(record.reasons)") }
    if let kind = fault.kind {
      #expect(record.errors[kind.name] ?? 0 > 0, "\(record.errors)")
      #expect(record.examples[kind.name] != nil, "\(record.examples)")
    }
    #expect(record.errors.values.reduce(0, +) == record.failed || record.connections == 0)
    // However requests end, each that was counted in is counted out, with its time.
    if record.clockSteps == 0 { #expect(record.countError ?? 0 < 1e-9) }
    // A target that refuses sees attempts, not a storm.
    #expect(record.connectionsFailed < 200)
  }

  @Test("a plan's arrivals are all accounted for while the target is down")
  func accounts() throws {
    let record = try closedPort(arrivals(2_000, 0.2, connections: 4))
    #expect(record.planned == 400 && record.failed == 400 && record.unsent == 400 && record.sent == 0)
  }
}

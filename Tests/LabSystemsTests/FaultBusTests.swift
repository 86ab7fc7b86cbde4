import ExperimentModel
import Foundation
import Testing

@testable import LabSystems

@Suite struct FaultBusTests {
  private func core(_ environment: VirtualEnvironment, cache: Bool = false) throws -> LabCore {
    let stages = (cache ? [Sample.cache(CacheSpec(key: "{id}", capacity: 10))] : []) + [Sample.wait(1)]
    return try LabCore(
      Sample.system(rows: 0, routes: [RouteSpec(method: "GET", path: "/p/{id}", stages: stages)]), environment: environment)
  }

  private func fault(_ toxic: Toxic, _ target: String = "origin", seconds: Double = 0, _ change: (inout ToxicParameters) -> Void = { _ in }) -> FaultSpec {
    var fault = FaultSpec(at: .zero, duration: Nanoseconds(seconds: seconds), target: target, toxic: toxic)
    change(&fault.parameters)
    return fault
  }

  @Test func theShareOfErrorsIsBinomialAndTheRestIsServed() throws {
    let environment = VirtualEnvironment()
    let core = try core(environment)
    try core.faults.inject(fault(.errorRate) { ($0.share, $0.status) = (0.2, 500) })
    let collector = Collector(environment)
    for tag in 0..<5_000 { collector.send(core, "GET", "/p/1", tag: tag) }
    environment.advance(by: 10_000_000_000)
    let failed = collector.seen.count { $0.status == 500 }
    // 1,000 expected, standard deviation 28.
    #expect((860...1_140).contains(failed) && collector.seen.count { $0.status == 200 } == 5_000 - failed)
    #expect(core.counter("faults.errors") == failed && core.counter("origin.requests") == 5_000)
    core.faults.clear()
    for tag in 5_000..<5_100 { collector.send(core, "GET", "/p/1", tag: tag) }
    environment.advance(by: 10_000_000_000)
    #expect(collector.seen.suffix(100).allSatisfy { $0.status == 200 })
    // The same seed draws the same.
    let again = VirtualEnvironment()
    let second = try self.core(again)
    try second.faults.inject(fault(.errorRate) { $0.share = 0.2 })
    let other = Collector(again)
    for tag in 0..<5_000 { other.send(second, "GET", "/p/1", tag: tag) }
    again.advance(by: 10_000_000_000)
    #expect(other.seen.count { $0.status == 503 } == failed)
  }

  @Test func aStallWithoutATimeEndsWhenItIsCleared() throws {
    let environment = VirtualEnvironment()
    let core = try core(environment)
    try core.faults.inject(fault(.stall))
    // A shorter one beside it ends nothing.
    try core.faults.inject(fault(.stall, seconds: 1))
    let collector = Collector(environment)
    collector.send(core, "GET", "/p/1", tag: 1)
    var isHealthy = false
    core.roles[0].whenAwake { isHealthy = true }
    environment.advance(by: 5_000_000_000)
    #expect(collector.seen.isEmpty && !isHealthy && core.faults.list.count == 1)
    core.faults.clear()
    environment.advance(by: 1_000_000)
    #expect(collector.seen.map(\.at) == [6_001_000_000] && isHealthy && core.faults.list.isEmpty)
    // What is cleared does not come back when its time would have ended.
    try core.faults.inject(fault(.stall, seconds: 1))
    core.faults.clear()
    collector.send(core, "GET", "/p/1", tag: 2)
    environment.advance(by: 1_000_000)
    #expect(collector.seen.count == 2)
  }

  @Test func aRestartLosesWhatRanAndWhatWasCached() throws {
    let environment = VirtualEnvironment()
    let core = try core(environment, cache: true)
    let collector = Collector(environment)
    collector.send(core, "GET", "/p/1", tag: 1)
    environment.advance(by: 10_000_000)
    collector.send(core, "GET", "/p/1", tag: 2)
    #expect(collector.seen.last?.cache == .hit)
    collector.send(core, "GET", "/p/2", tag: 3)
    try core.faults.inject(fault(.restart))
    environment.advance(by: 10_000_000)
    #expect(!collector.seen.contains { $0.tag == 3 })
    collector.send(core, "GET", "/p/1", tag: 4)
    environment.advance(by: 10_000_000)
    #expect(collector.seen.last?.tag == 4 && collector.seen.last?.cache == .miss)
    #expect(core.faults.list.isEmpty, "an event lasts no time")
  }

  @Test func whatCannotBeDoneIsRefusedWithItsCause() throws {
    let core = try core(VirtualEnvironment())
    func refusal(_ fault: FaultSpec) -> String {
      do throws(FaultBus.Refusal) {
        try core.faults.inject(fault)
        return ""
      } catch { return "\(error.cause); \(error.remedy)" }
    }
    #expect(refusal(fault(.latency)).contains("needs `latency`"))
    #expect(refusal(fault(.stall) { $0.latency = Nanoseconds(1) }).contains("does nothing with the toxic `stall`"))
    #expect(refusal(fault(.errorRate) { $0.share = 1.5 }).contains("between 0 and 1"))
    #expect(refusal(fault(.latency, "orgin") { $0.latency = Nanoseconds(1) }).contains("no port of a role or an edge `orgin`; use one of origin"))
    #expect(refusal(fault(.expire)).contains("has no cache"))
    #expect(refusal(fault(.slicer) { ($0.averageSize, $0.sizeVariation) = (10, 10) }).contains("not below"))
    #expect(refusal(fault(.kill, seconds: 4_000)).contains("4000"))
    #expect(core.faults.list.isEmpty)
  }

  @Test func rolesThatShareAPortShareItsConnections() throws {
    let role = Sample.system(rows: 0, routes: [RouteSpec(method: "GET", path: "/p", stages: [Sample.wait(1)])]).roles[0]
    var other = role
    (other.name, other.routes[0].path) = ("catalogue", "/q")
    let core = try LabCore(SystemSpec(id: "two", seed: 1, roles: [role, other], data: []), environment: VirtualEnvironment())
    #expect {
      try core.faults.inject(fault(.latency, "catalogue") { $0.latency = Nanoseconds(1) })
    } throws: { ($0 as? FaultBus.Refusal)?.cause.contains("shares its port") == true }
    #expect {
      try core.faults.inject(fault(.cpuLimit, "catalogue") { $0.cpus = 1 })
    } throws: { ($0 as? FaultBus.Refusal)?.remedy.contains("`lab`") == true }
  }

  @Test func memoryAboveTheLimitRestartsAndIsGivenBack() throws {
    let stage = StageSpec(name: "session", work: .alloc(AllocSpec(perRequest: 65_536, leak: 1 << 20)))
    let server = try LabServer(
      Sample.system(rows: 0, routes: [RouteSpec(method: "GET", path: "/p", stages: [stage])]), port: 0, pid: getpid())
    defer { server.stop() }
    let control = try LabClient(port: server.ready.port)
    // Far above what other tests of this process take meanwhile, or the limit would be theirs.
    let resident = try control.counters()["process.rss_bytes"]!
    let limit = resident + (192 << 20)
    #expect(try control.request("POST", "/_nb/fault", body: #"{"target":"lab","toxic":"mem_limit","bytes":\#(limit)}"#).status == 200)
    for _ in 0..<3_000 {
      if let client = try? LabClient(port: server.ready.port) { _ = try? client.request("GET", "/p") }
      if try control.counters()["faults.oom_kills"]! > 0 { break }
    }
    let after = try control.counters()
    #expect(after["faults.oom_kills"]! >= 1 && after["session.leaked_bytes"]! < limit - resident)
  }

  @Test func theFormOnTheWireIsThatOfABlock() throws {
    let text = #"{"target":"edge","toxic":"slow_close","delay":1000000,"toxicity":0.5}"#
    let fault = try JSONDecoder().decode(FaultSpec.self, from: Data(text.utf8))
    #expect(fault.toxic == .slowClose && fault.parameters.delay == Nanoseconds(1_000_000) && fault.parameters.toxicity == 0.5)
    #expect(fault.duration == .zero && fault.problems.isEmpty)
    #expect(try JSONDecoder().decode(FaultSpec.self, from: JSONEncoder().encode(fault)) == fault)
    // Each toxic knows its parameters, and each parameter a toxic.
    let used = Set(Toxic.allCases.flatMap { $0.parameters.map(\.name) })
    #expect(used == Set(ToxicParameters.names))
  }
}

@Suite struct ThrottleTests {
  private func cpu(_ pid: pid_t) -> Int64 {
    var clock = clockid_t()
    var time = timespec()
    guard clock_getcpuclockid(pid, &clock) == 0, clock_gettime(clock, &time) == 0 else { return -1 }
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }

  private func now() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }

  /// A child that nobody else waits for, ended with the closure.
  private func withChild(_ words: [String], _ work: (pid_t) throws -> Void) throws {
    var arguments = words.map { strdup($0) } + [nil]
    defer { arguments.forEach { free($0) } }
    var pid = pid_t()
    try #require(posix_spawn(&pid, words[0], nil, nil, &arguments, environ) == 0)
    defer {
      kill(pid, SIGKILL)
      waitpid(pid, nil, 0)
    }
    try work(pid)
  }

  @Test(arguments: [0.2, 0.5]) func aBusyChildGetsItsShareAndNoMore(cpus: Double) throws {
    try withChild(["/bin/sh", "-c", "while :; do :; done"]) { pid in
      var throttle = try #require(Throttle(pid, cpus: cpus, period: 50_000_000))
      let (start, before) = (now(), cpu(pid))
      var periods = 0
      throttle.run { nanoseconds in
        usleep(UInt32(max(1, nanoseconds / 1_000)))
        return periods < 24
      } periodEnded: { periods = $0.periods }
      let (wall, used) = (Double(now() - start), Double(cpu(pid) - before))
      #expect(used / wall <= cpus * 1.15, "\(used / wall) of a CPU")
      // On a crowded machine it may never get as much as it is allowed.
      #expect(throttle.periods >= 24 && (throttle.throttled > 0 || used / wall < cpus * 0.8), "\(used / wall) of a CPU")
      // It goes on when the limit is over.
      let end = cpu(pid)
      for _ in 0..<1_000 where cpu(pid) - end < 20_000_000 { usleep(5_000) }
      #expect(cpu(pid) - end >= 20_000_000)
    }
  }

  @Test func anIdleChildIsNotStopped() throws {
    try withChild(["/bin/sleep", "100"]) { pid in
      var throttle = try #require(Throttle(pid, cpus: 0.5, period: 20_000_000))
      var periods = 0
      throttle.run { nanoseconds in
        usleep(UInt32(max(1, nanoseconds / 1_000)))
        return periods < 5
      } periodEnded: { periods = $0.periods }
      #expect(throttle.throttled == 0)
    }
  }
}

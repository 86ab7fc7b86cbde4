// The scenario kernel against what is known in closed form, one mechanism at a time.

import ExperimentModel
import Statistics
import Testing

@testable import SimulationKernel

@Suite struct ScenarioTests {
  private static let second = Nanoseconds(seconds: 1)

  private func wait(_ distribution: WaitDistribution, async: Bool = false) -> StageSpec {
    StageSpec(name: "w", work: .wait(WaitSpec(distribution: distribution, standsFor: "x", isAsync: async)))
  }

  private func exponential(_ ms: Double, async: Bool = false) -> StageSpec { wait(.exponential(mean: Nanoseconds(seconds: ms / 1e3)), async: async) }

  private func role(_ name: String = "origin", workers: Int, limit: Int = 100_000, timeout: Double = 1e6, path: String = "/", _ stages: [StageSpec]) -> RoleSpec {
    RoleSpec(name: name, workers: workers, queueLimit: limit, timeout: Nanoseconds(seconds: timeout), routes: [RouteSpec(method: "GET", path: path, stages: stages)])
  }

  private func arm(_ roles: [RoleSpec], rate: Double = 100, seconds: Double = 100, path: String = "/", _ change: (inout LoadProfile) -> Void = { _ in }) -> LoadArm {
    var profile = LoadProfile(
      executor: .constantArrivalRate, rate: rate, duration: Nanoseconds(seconds: seconds), connections: 1_000_000,
      requests: [RequestSpec(name: "r", method: "GET", path: path)], seed: 5)
    change(&profile)
    return LoadArm(name: "a", system: SystemSpec(id: "s", seed: 0, roles: roles, data: []), profile: profile)
  }

  private func figures(_ arm: LoadArm, stretches: Int = 1, replications: Int = 20) throws -> [String: TwinFigure] {
    try Scenario(arm, stretches: stretches).simulate(replications: replications, cancelled: { false }).figures
  }

  /// The mean over 20 replications is √20 times as sure as one of them.
  private func agrees(_ figure: TwinFigure?, _ known: Double, _ place: SourceLocation = #_sourceLocation) {
    guard let figure else { return #expect(Bool(false), "no figure", sourceLocation: place) }
    let reach = (figure.high - figure.low) / 2 / 4
    #expect(abs(figure.value - known) <= max(reach, 1e-6 * known), "\(figure) against \(known)", sourceLocation: place)
  }

  @Test("one exponential wait before four workers: Erlang C, with its quantiles")
  func erlangC() throws {
    let found = try figures(arm([role(workers: 4, [exponential(20)])], rate: 160))
    agrees(found["mean"], (mmcWait(servers: 4, arrivalRate: 160, serviceRate: 50) + 0.02) * 1e9)
    for (name, q) in responseQuantiles.prefix(4) { agrees(found[name], mmcSojourn(quantile: q, servers: 4, arrivalRate: 160, serviceRate: 50) * 1e9) }
    #expect(found["http_req_failed"]?.value == 0)
  }

  @Test("a queue with room for six behind two workers sheds what M/M/2/8 sheds")
  func shedding() throws {
    let found = try figures(arm([role(workers: 2, limit: 6, [exponential(20)])], rate: 120))
    agrees(found["http_req_failed"], MMcK(servers: 2, room: 8, offered: 2.4).blocked)
  }

  @Test("who loses patience fails: a deterministic overload answers exactly what it can")
  func patience() throws {
    // Ten a second arrive, five are served; patience is one second. In the long run half of them fail.
    let found = try figures(arm([role(workers: 1, timeout: 1, [wait(.constant(mean: Nanoseconds(seconds: 0.2)))])], rate: 10) { $0.arrivals = .uniform })
    #expect(abs((found["http_req_failed"]?.value ?? 0) - 0.5) < 0.01)
  }

  @Test("an asynchronous wait holds no worker: one worker and ten requests at once take no longer than one")
  func asynchronous() throws {
    let found = try figures(arm([role(workers: 1, [exponential(100, async: true)])], rate: 100))
    agrees(found["mean"], 0.1 * 1e9)
  }

  @Test("calls: the slowest of five in parallel, the sum of five in a row")
  func calls() throws {
    func page(_ mode: CallSpec.Mode) -> [RoleSpec] {
      let call = StageSpec(name: "c", work: .call(CallSpec(role: "price", path: "/price", k: 5, mode: mode)))
      return [role(workers: 1_000, [call]), role("price", workers: 10_000, path: "/price", [exponential(10)])]
    }
    agrees(try figures(arm(page(.parallel), rate: 20))["mean"], 0.01 * harmonic(5) * 1e9)
    agrees(try figures(arm(page(.serial), rate: 20))["mean"], 0.05 * 1e9)
  }

  @Test("a failed call fails the page, and a serial caller makes no further one")
  func failedCalls() throws {
    let call = StageSpec(name: "c", work: .call(CallSpec(role: "price", path: "/price", k: 3, mode: .serial)))
    let error = StageSpec(name: "e", work: .error(ErrorSpec(share: 0.2)))
    let found = try figures(arm([role(workers: 10, [call]), role("price", workers: 10, path: "/price", [error])], rate: 50))
    agrees(found["http_req_failed"], 1 - 0.8 * 0.8 * 0.8)
  }

  @Test("a lock makes one server of many workers")
  func lock() throws {
    let spec = LockSpec(lock: "l")
    let stages = [StageSpec(name: "l", work: .lock(spec)), exponential(10), StageSpec(name: "l", work: .unlock(spec))]
    agrees(try figures(arm([role(workers: 5_000, stages)], rate: 70))["mean"], 0.01 / (1 - 0.7) * 1e9)
  }

  @Test("users who think: the machine repair model")
  func users() throws {
    let found = try figures(
      arm([role(workers: 1, [exponential(20)])]) {
        $0.executor = .constantVUs
        $0.vus = 8
        $0.think = .exponential(mean: Nanoseconds(seconds: 0.1))
      })
    // Mean value analysis of one queue with eight users.
    var queue = 0.0
    var response = 0.0
    for n in 1...8 {
      response = 0.02 * (1 + queue)
      queue = Double(n) / (response + 0.1) * response
    }
    agrees(found["mean"], response * 1e9)
  }

  @Test("a cache over Zipf keys: Che; it is warm when the warm-up has filled it, and a hit takes no time")
  func cache() throws {
    let stages = [StageSpec(name: "k", work: .cache(CacheSpec(key: "{id}", capacity: 500))), wait(.constant(mean: Nanoseconds(seconds: 0.01)))]
    var one = arm([role(workers: 64, path: "/p/{id}", stages)], rate: 200, seconds: 100, path: "/p/{id}") { $0.requests[0].key = .zipf(n: 5_000, s: 0.9) }
    one.warm = .requests(20_000)
    let found = try figures(one)
    let che = Che.hitRatio(n: 5_000, s: 0.9, capacity: 500)
    #expect(abs((found["hit_ratio"]?.value ?? 0) - che) < 0.01)
    #expect(abs((found["mean"]?.value ?? 0) / 1e7 - (1 - che)) < 0.01)
    #expect((found["p50"]?.value ?? 1) < 1 && (found["p99"]?.value ?? 0) > 0.99e7)
  }

  @Test("a cache before a path without a variable has one key: the first request misses, and nobody after it")
  func oneKey() throws {
    let stages = [StageSpec(name: "k", work: .cache(CacheSpec(key: "", capacity: 10))), wait(.constant(mean: Nanoseconds(seconds: 1e-6)))]
    let found = try figures(arm([role(workers: 8, stages)], rate: 100, seconds: 10), replications: 4)
    #expect((found["hit_ratio"]?.value ?? 0) > 0.998 && (found["hit_ratio"]?.value ?? 1) < 1)
  }

  @Test("single flight: of all who miss the one key together, one loads")
  func singleFlight() throws {
    func loads(_ single: Bool) throws -> Double {
      let cache = CacheSpec(key: "{id}", capacity: 10, ttl: Nanoseconds(seconds: 1), singleFlight: single)
      // A load takes a second with one worker, so that without single flight the requests pass one after the other.
      let stages = [StageSpec(name: "k", work: .cache(cache)), wait(.constant(mean: Nanoseconds(seconds: 0.5)))]
      let found = try figures(arm([role(workers: 1_000, path: "/p/{id}", stages)], rate: 100, path: "/p/{id}") { $0.requests[0].key = .uniform(n: 1) })
      return try #require(found["mean"]).value / 1e9
    }
    // Alone a miss takes 0.5 s. Together with another's load it takes what is left of it: 0.25 s in the middle.
    // Of each 1.5 s the entry is there for one second.
    #expect(abs(try loads(true) - 0.25 / 3) < 0.01)
    #expect(try loads(false) > 0.25 / 2)
  }

  @Test("a ramp: as many arrivals as the area under it, and they follow it", arguments: [true, false])
  func ramp(isPoisson: Bool) {
    var arrivals = ScenarioArrivals(
      [ScenarioPiece(length: 10, from: 0, to: 1_000), ScenarioPiece(length: 10, from: 1_000, to: 1_000), ScenarioPiece(length: 5, from: 200, to: 0)], isPoisson: isPoisson)
    var stream = Stream(seed: 1, replication: 0, source: 0)
    var counts = [0, 0, 0, 0]
    var last = 0.0
    while let time = arrivals.next(&stream) {
      #expect(time >= last && time < 25)
      last = time
      counts[time < 5 ? 0 : time < 10 ? 1 : time < 20 ? 2 : 3] += 1
    }
    for (count, expected) in zip(counts, [1_250.0, 3_750, 10_000, 500]) {
      #expect(abs(Double(count) - expected) <= (isPoisson ? 4 * expected.squareRoot() : 1), "\(count) against \(expected)")
    }
  }

  @Test("slices begin with empty queues: an overload of ten short runs is not one of a long one")
  func stretches() throws {
    let busy = arm([role(workers: 1, [wait(.constant(mean: Nanoseconds(seconds: 0.02)))])], rate: 100, seconds: 10) { $0.arrivals = .uniform }
    var short = busy
    short.profile.duration = Self.second
    // Twice the capacity: the k-th of n requests waits k services less k gaps.
    agrees(try figures(short, stretches: 10)["mean"], (0.02 + 0.01 * 99 / 2) * 1e9)
    agrees(try figures(busy)["mean"], (0.02 + 0.01 * 999 / 2) * 1e9)
  }

  @Test("one more run lies inside the band in 95 % of cases")
  func coverage() throws {
    var inside = 0
    for seed in 1...60 {
      let one = arm([role(workers: 1, [exponential(10)])], rate: 70, seconds: 20) { $0.seed = UInt64(seed) }
      let twin = try Scenario(one).simulate(replications: 20, cancelled: { false })
      // A replication of another seed is such a run.
      let fresh = arm([role(workers: 1, [exponential(10)])], rate: 70, seconds: 20) { $0.seed = UInt64(seed + 1_000) }
      var machine = ScenarioMachine(try Scenario(fresh), replication: 0)
      _ = try run(&machine, cancelled: { false })
      let mean = machine.record.responses.mean
      let single = try #require(mean) * 1e9
      let figure = try #require(twin.figures["mean"])
      if single >= figure.low, single <= figure.high { inside += 1 }
    }
    #expect(inside >= 53)
  }

  @Test("what it cannot follow is refused with its name; real work is named")
  func refusals() throws {
    func cause(_ change: (inout LoadArm) -> Void) -> String {
      var one = arm([role(workers: 1, [exponential(10)])])
      change(&one)
      do throws(SimulationError) { _ = try Scenario(one) } catch { return error.cause }
      return "accepted"
    }
    #expect(cause { $0.faults = [FaultSpec(at: .zero, duration: .zero, target: "origin", toxic: .stall)] } == "the simulated twin cannot follow faults")
    #expect(cause { $0.profile.journeys = [] } == "the simulated twin cannot follow journeys")
    #expect(cause { $0.profile.executor = .sharedIterations } == "the simulated twin cannot follow the executor `shared-iterations`")
    #expect(cause { $0.system.roles[0].count = 2 } == "the simulated twin cannot follow several instances of `origin`")
    #expect(cause { $0.profile.requests[0].path = "/nowhere" } == "no route answers GET /nowhere")
    #expect(
      cause { $0.system.roles[0].routes[0].stages = [StageSpec(name: "c", work: .call(CallSpec(role: "origin", path: "/", k: 1, mode: .serial)))] }
        == "a route of this system calls itself")
    let sql = StageSpec(name: "db", work: .sql(SQLSpec(statement: "SELECT 1", pool: 1)))
    #expect(try Scenario(arm([role(workers: 1, [exponential(10), sql])])).unknown == ["db"])
  }
}

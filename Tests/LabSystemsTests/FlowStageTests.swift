import ExperimentModel
import Testing

@testable import LabSystems

@Suite struct LockStageTests {
  private func lock(_ name: String, as stage: String, _ inside: StageSpec...) -> [StageSpec] {
    [StageSpec(name: stage, work: .lock(LockSpec(lock: name)))] + inside + [StageSpec(name: stage, work: .unlock(LockSpec(lock: name)))]
  }

  private func core(_ routes: [String: [StageSpec]], _ environment: VirtualEnvironment, workers: Int = 1_000) throws -> LabCore {
    let routes = routes.sorted { $0.key < $1.key }.map { RouteSpec(method: "GET", path: $0.key, stages: $0.value) }
    return try LabCore(Sample.system(workers: workers, queueLimit: 100_000, rows: 0, routes: routes), environment: environment)
  }

  @Test func oneAtATimeInTheOrderOfArrivalOverRoutes() throws {
    let environment = VirtualEnvironment()
    // Two routes and two stages, one lock.
    let core = try core(
      ["/a": lock("stock", as: "first", Sample.wait(10, name: "wa")), "/b": lock("stock", as: "second", Sample.wait(10, name: "wb"))],
      environment)
    let client = Collector(environment)
    for tag in 0..<6 { client.send(core, "GET", tag % 2 == 0 ? "/a" : "/b", tag: tag) }
    environment.advance(by: 1_000_000_000)
    #expect(client.seen.map(\.tag) == [0, 1, 2, 3, 4, 5])
    #expect(client.seen.map { ($0.at - 1_000_000_000) / 1_000_000 } == [10, 20, 30, 40, 50, 60])
    #expect(core.counter("first.calls") == 3 && core.counter("first.contended") == 2)
    #expect(core.counter("first.waited_ns") + core.counter("second.waited_ns") == (10 + 20 + 30 + 40 + 50) * 1_000_000)
    #expect(core.counter("first.held_ns") == 30_000_000 && core.counter("second.waiting_peak") == 5)
  }

  @Test func aFailureInsideGivesItBackAndAThousandFitOnTheStack() throws {
    let environment = VirtualEnvironment()
    let broken = StageSpec(name: "broken", work: .error(ErrorSpec(share: 1)))
    let core = try core(["/a": lock("stock", as: "lock", Sample.wait(1), broken)], environment, workers: 20_000)
    let client = Collector(environment)
    for tag in 0..<10_000 { client.send(core, "GET", "/a", tag: tag) }
    environment.advance(by: 20_000_000_000)
    #expect(client.seen.map(\.tag) == Array(0..<10_000) && client.seen.allSatisfy { $0.status == 500 })
    #expect(core.counter("lock.held_ns") == 10_000 * 1_000_000)
  }

  @Test func nestedLocksAndTheDeathOfTheHolder() throws {
    let environment = VirtualEnvironment()
    let inner = lock("inner", as: "in", Sample.wait(10))
    let stages = [StageSpec(name: "out", work: .lock(LockSpec(lock: "outer")))] + inner + [StageSpec(name: "out", work: .unlock(LockSpec(lock: "outer")))]
    let core = try core(["/a": stages, "/b": lock("inner", as: "alone", Sample.wait(1, name: "short"))], environment)
    let client = Collector(environment)
    for tag in 0..<2 { client.send(core, "GET", "/a", tag: tag) }
    client.send(core, "GET", "/b", tag: 2)
    environment.advance(by: 5_000_000)
    core.kill(core.roles[0], 1_000_000)
    environment.advance(by: 2_000_000)
    client.send(core, "GET", "/b", tag: 3)
    client.send(core, "GET", "/a", tag: 4)
    environment.advance(by: 100_000_000)
    #expect(client.seen.map(\.tag) == [3, 4] && client.seen.allSatisfy { $0.status == 200 })
  }

  /// The machine-repairman model with a shared tool: n users who each need 8 ms alone and 2 ms of the lock. Throughput is
  /// bounded by both, and the lock's share of the work is what a fit calls contention.
  @Test func contentionBoundsThroughput() throws {
    func throughput(users: Int, locked: Bool) throws -> Double {
      let environment = VirtualEnvironment()
      let inside = Sample.wait(2, name: "inside")
      let stages = [Sample.wait(8, name: "alone")] + (locked ? lock("tool", as: "lock", inside) : [inside])
      let core = try core(["/a": stages], environment)
      let client = Collector(environment)
      for round in 0..<50 {
        for user in 0..<users { client.send(core, "GET", "/a", tag: round * users + user) }
        // A closed loop in rounds: everybody waits for the slowest.
        while client.seen.count < (round + 1) * users { environment.advance(by: 1_000_000) }
      }
      return Double(50 * users) / Double(environment.now - 1_000_000_000) * 1e6
    }
    // In rounds the slowest of n leaves after 8 + 2n ms.
    for users in [1, 2, 4, 8, 16] {
      #expect(abs(try throughput(users: users, locked: true) - Double(users) / Double(8 + 2 * users)) < 1e-9)
      #expect(abs(try throughput(users: users, locked: false) - Double(users) / 10) < 1e-9)
    }
  }
}

@Suite struct LimitStageTests {
  /// Against the plain definition in exact fractions: tokens = min(burst, tokens + rate·dt).
  @Test(arguments: [(1, 1), (333, 3), (10_000, 20), (1_000_000_000, 1_000_000)]) func bucketsAreExact(rate: Int, burst: Int) {
    var random = SeededRandom(seed: UInt64(rate))
    var buckets = TokenBuckets(milliTokensPerSecond: rate, burst: burst)
    var now: Int64 = 5
    var start: Int64?
    var admitted = 0
    let step = 3_000_000_000_000 / UInt64(rate)
    for _ in 0..<3_000 {
      now += Int64(random.next(upperBound: step))
      start = start ?? now
      let decision = buckets.take("k", now: now)
      if decision.isAdmitted { admitted += 1 }
      // Never more than rt + b, in whole numbers without rounding.
      let bound = Double(burst) + Double(rate) * Double(now - start!) / 1e12
      #expect(Double(admitted) <= bound + 1e-9)
      // Who waits as long as told is admitted, and not a nanosecond earlier.
      if !decision.isAdmitted {
        var copy = buckets
        #expect(!copy.take("k", now: now + Int64(decision.wait) - 1).isAdmitted || decision.wait == 0)
        copy = buckets
        #expect(copy.take("k", now: now + Int64(decision.wait)).isAdmitted)
      }
    }
  }

  /// Day 22: r = 10/s, b = 20, ten seconds of too many requests: rt + b, to the token.
  @Test func tenSecondsAdmitRatePlusBurst() {
    var buckets = TokenBuckets(milliTokensPerSecond: 10_000, burst: 20)
    let admitted = (0...100_000).count { buckets.take("k", now: Int64($0) * 100_000).isAdmitted }
    #expect(admitted == 120)
  }

  @Test func anIdleAgeDoesNotOverflow() {
    var buckets = TokenBuckets(milliTokensPerSecond: 1_000_000_000, burst: 1_000_000)
    #expect(buckets.take("k", now: 0).remaining == 999_999)
    #expect(buckets.take("k", now: .max / 2).remaining == 999_999)
    #expect(buckets.window == 1_000_000_000)
  }

  @Test func memoryIsBoundedHoweverManyKeysCome() {
    var buckets = TokenBuckets(milliTokensPerSecond: 1_000, burst: 2, keysMax: 100)
    for key in 0..<10_000 { _ = buckets.take("\(key)", now: 0) }
    #expect(buckets.count == 100 && buckets.forgotten == 9_900)
    // Full ones are forgotten without a loss: after 1 s all are.
    for key in 0..<10_000 { _ = buckets.take("n\(key)", now: 2_000_000_000 + Int64(key) * 1_000_000_000) }
    #expect(buckets.forgotten == 9_900 && buckets.count <= 3)
  }

  private func core(_ spec: LimitSpec, _ environment: VirtualEnvironment) throws -> LabCore {
    try LabCore(
      Sample.system(
        rows: 0, routes: [RouteSpec(method: "GET", path: "/api/{client}", stages: [StageSpec(name: "quota", work: .limit(spec)), Sample.wait(1)])]),
      environment: environment)
  }

  @Test func keysAreApartAndAnswersSayWhenToComeBack() throws {
    let environment = VirtualEnvironment()
    let core = try core(LimitSpec(milliTokensPerSecond: 500, burst: 2, key: "{client}", headers: true), environment)
    final class Fields: ExchangeOwner {
      var seen: [(status: Int, fields: String)] = []
      func answered(_ exchange: Exchange) { seen.append((exchange.answer.status, exchange.fields)) }
    }
    let owner = Fields()
    for client in ["a", "a", "a", "b"] {
      let exchange = Exchange()
      exchange.route = core.table.routes[0]
      exchange.variables = [client]
      exchange.owner = owner
      exchange.route.role.submit(exchange)
      environment.advance(by: 10_000_000)
    }
    #expect(owner.seen.map(\.status) == [200, 200, 429, 200])
    let policy = "RateLimit-Policy: \"quota\";q=2;w=4\r\n"
    #expect(owner.seen[0].fields == policy + "RateLimit: \"quota\";r=1\r\n")
    #expect(owner.seen[1].fields == policy + "RateLimit: \"quota\";r=0;t=2\r\n")
    #expect(owner.seen[2].fields == policy + "RateLimit: \"quota\";r=0;t=2\r\nRetry-After: 2\r\n")
    #expect(core.counter("quota.admitted") == 3 && core.counter("quota.limited") == 1 && core.counter("quota.keys") == 2)
  }
}

@Suite struct ErrorStageTests {
  @Test func sharesAreExactAtEveryThousand() {
    for share in [0, 0.0004, 0.01, 0.02, 1.0 / 3, 0.5, 1] {
      var draw = ExactShare(share, seed: 9, stream: "s")
      var again = ExactShare(share, seed: 9, stream: "s")
      var chosen = 0
      for thousand in 1...10 {
        for _ in 0..<1_000 {
          let next = draw.next()
          #expect(next == again.next())
          if next { chosen += 1 }
        }
        #expect(chosen == Int((Double(thousand) * 1_000 * share).rounded()), "\(share)")
      }
    }
    // Places differ by seed and are not evenly spaced.
    func places(_ seed: UInt64) -> [Int] {
      var draw = ExactShare(0.05, seed: seed, stream: "s")
      return (0..<1_000).filter { _ in draw.next() }
    }
    #expect(places(1) != places(2) && Set(zip(places(1), places(1).dropFirst()).map { $1 - $0 }).count > 5)
  }

  private func run(_ spec: ErrorSpec, paths: [String]) throws -> (client: Collector, core: LabCore, start: Int64) {
    let environment = VirtualEnvironment()
    let core = try LabCore(
      Sample.system(
        workers: 100_000, rows: 0,
        routes: [RouteSpec(method: "GET", path: "/p/{id}", stages: [StageSpec(name: "fault", work: .error(spec)), StageSpec(name: "body", work: .bytes(BytesSpec(size: 3, etag: false)))])]),
      environment: environment)
    let client = Collector(environment)
    let start = environment.now
    for (tag, path) in paths.enumerated() { client.send(core, "GET", path, tag: tag) }
    environment.advance(by: 10_000_000_000)
    return (client, core, start)
  }

  @Test func theSameKeysFailEveryTime() throws {
    let paths = (0..<4_000).map { "/p/\($0 % 2_000)" }
    let (client, core, _) = try run(ErrorSpec(share: 0.05, status: 503, seed: 4, key: "{id}"), paths: paths)
    let failed = Set(client.seen.filter { $0.status == 503 }.map(\.tag))
    #expect((0..<2_000).allSatisfy { failed.contains($0) == failed.contains($0 + 2_000) })
    #expect((60...140).contains(failed.count / 2) && core.counter("fault.failed") == failed.count)
    #expect(client.seen.count == 4_000 && client.seen.filter { $0.status == 200 }.allSatisfy { $0.body.utf8.count == 3 })
  }

  @Test func theSlowOnesTakeLongerAndMayFailToo() throws {
    let slow = ErrorSpec.Slow(share: 0.03, by: Nanoseconds(120_000_000), standsFor: "test")
    let (client, core, start) = try run(ErrorSpec(share: 0.5, seed: 4, slow: slow), paths: (0..<2_000).map { "/p/\($0)" })
    let late = client.seen.filter { $0.at > start }
    #expect(late.count == 60 && late.allSatisfy { $0.at == start + 120_000_000 } && core.counter("fault.slow") == 60)
    #expect(client.seen.count { $0.status == 500 } == 1_000 && (15...45).contains(late.count { $0.status == 500 }))
  }
}

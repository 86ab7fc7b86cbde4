import ExperimentModel
#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif
import Testing

@testable import LabSystems

@Suite struct CacheStageTests {
  let environment = VirtualEnvironment()

  private func burst(_ spec: CacheSpec) throws -> (LabCore, Collector) {
    let core = try LabCore(Sample.shop(spec, wait: 20), environment: environment)
    let client = Collector(environment)
    for tag in 0..<200 { client.send(core, "GET", "/product/7", tag: tag) }
    environment.advance(by: 1_000_000_000)
    return (core, client)
  }

  @Test func singleFlightTurnsTwoHundredLoadsIntoOne() throws {
    let (core, client) = try burst(CacheSpec(key: "{id}", capacity: 10, singleFlight: true))
    #expect(client.seen.count == 200)
    #expect(client.seen.allSatisfy { $0.status == 200 && $0.cache == .miss })
    #expect(Set(client.seen.map(\.body)).count == 1)
    #expect(core.counter("product-cache.misses") == 200)
    #expect(core.counter("product-cache.loads") == 1)
    #expect(core.counter("db.calls") == 1)
    #expect(core.counter("primary.calls") == 1)
  }

  @Test func withoutSingleFlightEveryMissLoads() throws {
    let (core, _) = try burst(CacheSpec(key: "{id}", capacity: 10))
    #expect(core.counter("product-cache.loads") == 200)
    #expect(core.counter("product-cache.entries") == 1)
  }

  @Test func capacityZeroLetsEveryRequestThrough() throws {
    let (core, client) = try burst(CacheSpec(key: "{id}", capacity: 0, singleFlight: true))
    #expect(core.counter("primary.calls") == 200)
    #expect(core.counter("product-cache.misses") == 200)
    #expect(client.seen.allSatisfy { $0.cache == .miss })
  }

  @Test func aHitSkipsTheStagesBehindAndExpireMakesTheNextOneMiss() throws {
    let core = try LabCore(Sample.shop(CacheSpec(key: "{id}", capacity: 10), wait: 20), environment: environment)
    let client = Collector(environment)
    let start = environment.now
    client.send(core, "GET", "/product/7", tag: 0)
    environment.advance(by: 30_000_000)
    client.send(core, "GET", "/product/7", tag: 1)
    #expect(client.seen.map(\.cache) == [.miss, .hit])
    #expect(client.seen.map { $0.at - start } == [20_000_000, 30_000_000])
    #expect(client.seen[0].body == client.seen[1].body)
    core.caches[0].expireAll()
    client.send(core, "GET", "/product/7", tag: 2)
    environment.advance(by: 20_000_000)
    #expect(client.seen[2].cache == .miss)
    #expect(core.counter("product-cache.expired") == 1)
  }

  @Test func errorsAreNotStored() throws {
    let core = try LabCore(Sample.shop(CacheSpec(key: "{id}", capacity: 10)), environment: environment)
    let client = Collector(environment)
    for tag in 0..<2 { client.send(core, "GET", "/product/101", tag: tag) }
    #expect(client.seen.map(\.status) == [404, 404])
    #expect(core.counter("product-cache.loads") == 2)
    #expect(core.counter("product-cache.entries") == 0)
  }

  @Test func aSwitchedOffStageIsNotThere() throws {
    let core = try LabCore(Sample.shop(CacheSpec(key: "{id}", capacity: 10), wait: 20), environment: environment)
    core.stages.first { $0.name == "primary" }!.isOff = true
    let client = Collector(environment)
    client.send(core, "GET", "/product/7", tag: 0)
    #expect(client.seen.count == 1)
  }

  @Test func invalidationDropsTheKeyAndOnlyThat() throws {
    let core = try LabCore(
      Sample.shop(CacheSpec(key: "{id}", capacity: 10, invalidateOn: "PUT /product/{id}")), environment: environment)
    let client = Collector(environment)
    for path in ["/product/1", "/product/2"] { client.send(core, "GET", path, tag: 0) }
    client.send(core, "PUT", "/product/1", tag: 0)
    for path in ["/product/1", "/product/2"] { client.send(core, "GET", path, tag: 0) }
    #expect(client.seen.map(\.cache) == [.miss, .miss, .none, .miss, .hit])
    #expect(client.seen[3].body.contains("\"version\":2"))
    #expect(core.counter("product-cache.invalidations") == 1)
    #expect(core.counter("product-cache.stale_hits") == 0)
  }

  @Test func ttlJitterStaysInItsBand() throws {
    let core = try LabCore(
      Sample.shop(CacheSpec(key: "{id}", capacity: 100, ttl: Nanoseconds(seconds: 1), jitter: 0.2)),
      environment: environment)
    let client = Collector(environment)
    for id in 1...100 { client.send(core, "GET", "/product/\(id)", tag: id) }
    environment.advance(by: 799_000_000)
    for id in 1...100 { client.send(core, "GET", "/product/\(id)", tag: id) }
    #expect(core.counter("product-cache.hits") == 100)
    environment.advance(by: 201_000_000)
    for id in 1...100 { client.send(core, "GET", "/product/\(id)", tag: id) }
    let expired = core.counter("product-cache.expired")
    #expect((25...75).contains(expired), "about half have expired after one TTL, not \(expired)")
  }
}

@Suite struct StaleLawTests {
  let environment = VirtualEnvironment()

  @Test func aLoadThatRacesAWriteIsStaleAlthoughItIsStoredLater() throws {
    let core = try LabCore(
      Sample.shop(CacheSpec(key: "{id}", capacity: 10, invalidateOn: "PUT /product/{id}"), wait: 20),
      environment: environment)
    let client = Collector(environment)
    client.send(core, "GET", "/product/3", tag: 0)  // reads version 1, answers in 20 ms
    environment.advance(by: 5_000_000)
    client.send(core, "PUT", "/product/3", tag: 1)  // commits version 2 and invalidates nothing yet stored
    environment.advance(by: 20_000_000)
    client.send(core, "GET", "/product/3", tag: 2)  // hits version 1
    #expect(client.seen.map(\.tag) == [1, 0, 2])
    #expect(client.seen[2].cache == .hit)
    #expect(client.seen[2].body.contains("\"version\":1"))
    #expect(core.counter("product-cache.stale_hits") == 1)
  }

  @Test func aWriteOfAnotherRowMakesNothingStale() throws {
    let core = try LabCore(Sample.shop(CacheSpec(key: "{id}", capacity: 10)), environment: environment)
    let client = Collector(environment)
    client.send(core, "GET", "/product/3", tag: 0)
    client.send(core, "PUT", "/product/4", tag: 0)
    client.send(core, "GET", "/product/3", tag: 0)
    #expect(core.counter("product-cache.stale_hits") == 0)
    client.send(core, "PUT", "/product/3", tag: 0)
    client.send(core, "GET", "/product/3", tag: 0)
    #expect(core.counter("product-cache.stale_hits") == 1)
  }

  @Test func aCachedScanIsStaleAfterAnyWriteOfItsTable() throws {
    let system = Sample.system(routes: [
      RouteSpec(
        method: "GET", path: "/sum",
        stages: [Sample.cache(CacheSpec(key: "sum", capacity: 1)), Sample.sql("SELECT sum(version) AS s FROM product")]),
      RouteSpec(method: "PUT", path: "/product/{id}", stages: [Sample.sql(Sample.update)]),
    ])
    let core = try LabCore(system, environment: environment)
    let client = Collector(environment)
    client.send(core, "GET", "/sum", tag: 0)
    environment.advance(by: 1_000_000)
    client.send(core, "GET", "/sum", tag: 1)
    #expect(core.counter("product-cache.stale_hits") == 0)
    client.send(core, "PUT", "/product/9", tag: 2)
    client.send(core, "GET", "/sum", tag: 3)
    #expect(client.seen[0].body == "[{\"s\":100}]")
    #expect(core.counter("product-cache.stale_hits") == 1)
  }

  /// Stale share of hits under Poisson writes of rate w and reads dense in time: 1 − (1 − e^(−wT))/(wT) for a TTL of T.
  @Test(arguments: [10.0, 60, 300])
  func staleShareFollowsTheClosedForm(ttl: Double) throws {
    // One key and time scaled down: a write a minute, ten reads a second.
    let core = try LabCore(
      Sample.shop(CacheSpec(key: "{id}", capacity: 10, ttl: Nanoseconds(seconds: ttl)), rows: 1), environment: environment)
    let client = Collector(environment)
    var random = SeededRandom(seed: 21)
    for _ in 0..<400_000 {
      environment.advance(by: 100_000_000)
      client.send(core, "GET", "/product/1", tag: 0)
      if random.unit() < 0.1 / 60 { client.send(core, "PUT", "/product/1", tag: 1) }
    }
    let x = ttl / 60
    let law = 1 - (1 - exp(-x)) / x
    let share = Double(core.counter("product-cache.stale_hits")) / Double(core.counter("product-cache.hits"))
    #expect(abs(share - law) < 0.035, "\(share) against \(law)")
  }
}

import ExperimentModel
import Testing

@testable import LabSystems

/// What the lab refuses to serve, and that it says where, why and what to do.
@Suite struct SystemErrorTests {
  private func refusal(_ system: SystemSpec) -> LabError? {
    do {
      _ = try LabCore(system, environment: VirtualEnvironment())
      return nil
    } catch { return error as? LabError }
  }

  private func get(_ path: String, _ stages: StageSpec...) -> SystemSpec {
    Sample.system(routes: [RouteSpec(method: "GET", path: path, stages: stages)])
  }

  @Test func namesPlaceCauseAndRemedy() throws {
    let cases: [(SystemSpec, cause: String)] = [
      (get("/p/{id}", Sample.sql("SELEC 1")), "does not accept"),
      (get("/p/{id}", Sample.sql("SELECT * FROM nowhere")), "no such table"),
      (get("/p/{id}", Sample.sql("SELECT 1; SELECT 2")), "after the first statement"),
      (get("/p/{key}", Sample.sql(Sample.select)), ":id is no variable"),
      (get("/p/{id}", Sample.sql(Sample.select, pool: 0)), "a pool of 0"),
      (get("/p/{id}", Sample.cache(CacheSpec(key: "{sku}"))), "uses {sku}"),
      (get("/p/{id}", Sample.cache(CacheSpec(key: "{id"))), "open brace"),
      (get("/p/{id}", Sample.cache(CacheSpec(key: "{id}", invalidateOn: "PUT /x"))), "is no route"),
      (get("/p/{id}", Sample.cache(CacheSpec(key: "{id}", capacity: -1))), "negative capacity"),
      (get("p"), "does not start"), (get("/{a}/{a}"), "occurs twice"), (get("/_nb/x"), "control plane"),
      (Sample.system(workers: 0, routes: []), "0 workers"),
    ]
    for (system, cause) in cases {
      let error = try #require(refusal(system), "\(cause): nothing was refused")
      #expect(error.cause.contains(cause), "\(error)")
      #expect(!error.place.isEmpty && !error.remedy.isEmpty)
    }
    var edge = Sample.system(routes: [])
    edge.roles[0].kind = "edge"
    #expect(refusal(edge)?.cause.contains("edge") == true)
    var twice = Sample.system(routes: [])
    twice.data.append(twice.data[0])
    #expect(refusal(twice)?.cause.contains("twice") == true)
    var named = Sample.system(routes: [])
    named.data[0].name = "a\"; DROP"
    #expect(refusal(named)?.cause.contains("no table name") == true)
  }
}

@Suite struct RoutingTests {
  @Test func matchesPathsByWholeSegments() throws {
    let core = try LabCore(
      Sample.system(
        rows: 0,
        routes: ["/", "/product/{id}", "/product/{id}/reviews/{n}"].map { RouteSpec(method: "GET", path: $0, stages: []) }
          + [RouteSpec(method: "PUT", path: "/product/{id}", stages: [])]),
      environment: VirtualEnvironment())
    func match(_ method: String, _ path: String) -> String {
      var variables: [String] = []
      switch Array(path.utf8).withUnsafeBytes({ core.table.match(method: method, path: $0, into: &variables) }) {
      case .route(let route): return "\(route.method) \(route.path) \(variables)"
      case .wrongMethod(let allow): return "allow \(allow)"
      case .unknown: return "unknown"
      }
    }
    #expect(match("GET", "/") == "GET / [\"\"]" || match("GET", "/") == "GET / []")
    #expect(match("GET", "/product/42") == "GET /product/{id} [\"42\"]")
    #expect(match("HEAD", "/product/42") == "GET /product/{id} [\"42\"]")
    #expect(match("PUT", "/product/42") == "PUT /product/{id} [\"42\"]")
    #expect(match("DELETE", "/product/42") == "allow GET, PUT, HEAD")
    #expect(match("GET", "/product/4/reviews/2") == "GET /product/{id}/reviews/{n} [\"4\", \"2\"]")
    for path in ["/product", "/product/", "/product/4/", "/products/4", "/product/4/reviews", "product/4", "*"] {
      #expect(match("GET", path) == "unknown", "\(path)")
    }
  }
}

@Suite struct SQLStageTests {
  let environment = VirtualEnvironment()

  @Test func plansDecideWhatIsAPointLookup() throws {
    let database = try LabDatabase([DatasetSpec(name: "product", rows: 10, popularity: .uniform(n: 10))], seed: 1)
    let connection = try database.connect()
    for (text, isPoint) in [
      (Sample.select, true), (Sample.update, true), ("INSERT INTO product VALUES (11, 'a', 1, 1, 'b')", true),
      ("SELECT * FROM product", false), ("SELECT * FROM product WHERE name = 'x'", false),
      ("UPDATE product SET price = 0", false), ("SELECT count(*) FROM product WHERE id > 3", false),
    ] {
      #expect(try connection.prepare(text, place: "test").isPointLookup == isPoint, "\(text)")
    }
  }

  @Test func aPoolOfTwoMakesTheThirdScanWaitInOrder() throws {
    let scan = "SELECT count(*) AS n FROM product WHERE name LIKE '%tent%'"
    let core = try LabCore(
      Sample.system(routes: [RouteSpec(method: "GET", path: "/scan", stages: [Sample.sql(scan, pool: 2)])]),
      environment: environment)
    let client = Collector(environment)
    for tag in 0..<6 { client.send(core, "GET", "/scan", tag: tag) }
    environment.advance(by: 10_000)
    // On the virtual clock a scan takes 1 µs: two at a time start at 0, 1 and 2 µs.
    #expect(client.seen.map(\.tag) == Array(0..<6))
    #expect(client.seen.map { ($0.at - client.seen[0].at) / 1_000 } == [0, 0, 1, 1, 2, 2])
    #expect(core.counter("db.pool_wait_ns") == 2 * 1_000 + 2 * 2_000)
    #expect(core.counter("db.vm_steps") > 600)
  }

  @Test func seededRowsAreTheSameEverywhere() throws {
    let rows = DatasetRows(dataset: "product", seed: 7)
    let core = try LabCore(
      Sample.system(routes: [RouteSpec(method: "GET", path: "/p/{id}", stages: [Sample.sql(Sample.select)])]),
      environment: environment)
    let client = Collector(environment)
    client.send(core, "GET", "/p/42", tag: 0)
    let payload = String(decoding: rows.payload(42), as: UTF8.self)
    #expect(
      client.seen[0].body
        == "{\"id\":42,\"name\":\"\(rows.name(42))\",\"price\":\(rows.price(42)),\"version\":1,\"payload\":\"\(payload)\"}")
    client.send(core, "GET", "/p/none", tag: 1)
    #expect(client.seen[1].status == 404)
  }
}

@Suite struct WaitStageTests {
  @Test func drawsHaveTheirDeclaredMean() throws {
    for distribution in [
      WaitDistribution.constant(mean: Nanoseconds(20_000_000)),
      .uniform(min: Nanoseconds(18_000_000), max: Nanoseconds(22_000_000)),
      .exponential(mean: Nanoseconds(20_000_000)),
    ] {
      let environment = VirtualEnvironment()
      let stage = StageSpec(name: "primary", work: .wait(WaitSpec(distribution: distribution, standsFor: "test")))
      let core = try LabCore(
        Sample.system(rows: 0, routes: [RouteSpec(method: "GET", path: "/", stages: [stage])]), environment: environment)
      let client = Collector(environment)
      for _ in 0..<10 {
        for tag in 0..<200 { client.send(core, "GET", "/", tag: tag) }
        environment.advance(by: 1_000_000_000)
      }
      let mean = Double(core.counter("primary.declared_ns")) / 2_000
      #expect(abs(mean / 20_000_000 - 1) < 0.07, "\(distribution)")
      #expect(core.counter("primary.declared_ns") == core.counter("primary.waited_ns"))
      #expect(core.counter("primary.calls") == 2_000)
    }
  }
}

@Suite struct BenchSubjectTests {
  @Test func allSubjectsFetchTheSameBytes() throws {
    let system = Sample.shop(CacheSpec(key: "{id}", policy: .tinylfu, capacity: 10), rows: 500)
    func totals(_ work: SubjectWork, _ count: Int) throws -> BenchTotals {
      try makeSubject(BenchJob(subject: SubjectSpec(name: "s", work: work), system: system, seed: 3)).run(count)
    }
    for count in [1, 300] {
      let cache = try totals(.builtin("cache-get"), count)
      #expect(try totals(.builtin("memcached-get"), count).checksum == cache.checksum)
      let sql = try totals(.sql(Sample.select), count)
      #expect(sql.checksum == cache.checksum)
      #expect(try totals(.sql("SELECT payload FROM product WHERE id = :id"), count).checksum == cache.checksum)
      #expect(try #require(sql.vmSteps) >= count * 5)
    }
    #expect(try totals(.builtin("cache-get"), 10) != totals(.builtin("cache-get"), 11))
    #expect(throws: LabError.self) { try totals(.builtin("nothing"), 1) }
    #expect(throws: LabError.self) {
      try makeSubject(BenchJob(subject: SubjectSpec(name: "s", work: .sql("SELECT 1")), system: nil, seed: 1))
    }
  }

  @Test(arguments: [1, 7, 100])
  func aCommitCostsOneSyncWhateverItsBatch(batch: Int) throws {
    let system = Workshop.system(WorkerSpec(consumes: "orders", batch: batch), 1, PublishSpec(topic: "orders", size: 50), [])
    let subject = try makeSubject(BenchJob(subject: SubjectSpec(name: "commit", work: .builtin("commit")), system: system, seed: 1))
    for count in [1, 20] {
      let totals = try subject.run(count)
      #expect(totals.counts == [.init(name: "messages", value: count * batch), .init(name: "fsyncs", value: count)])
    }
    #expect(throws: LabError.self) {
      try makeSubject(BenchJob(subject: SubjectSpec(name: "commit", work: .builtin("commit")), system: nil, seed: 1))
    }
  }

  @Test(arguments: [1.25, 2, 8])
  func collectionsOfTheAllocSubjectFollowFromTheHeadroom(ratio: Double) throws {
    let heap = ObjectHeap(kind: .markSweep, live: 64_000, heap: Int(ratio * 64_000))
    let stage = StageSpec(name: "heap", work: .alloc(AllocSpec(perRequest: 640_000, leak: 0, objects: heap)))
    let system = Sample.system(workers: 1, rows: 0, routes: [RouteSpec(method: "GET", path: "/", stages: [stage])])
    let subject = try makeSubject(BenchJob(subject: SubjectSpec(name: "alloc", work: .builtin("alloc")), system: system, seed: 1))
    var found: [String: Int] = [:]
    for count in [1, 3, 2] {
      for one in try subject.run(count).counts { found[one.name, default: 0] += one.value }
    }
    #expect(found["objects"] == 60_000)
    #expect(abs(Double(found["collections"] ?? 0) - 60_000 / Double(heap.headroom ?? 0)) <= 1, "\(found)")
  }

  @Test func aRunStartsAtTheBeginningOfTheStream() throws {
    let job = BenchJob(
      subject: SubjectSpec(name: "spin", work: .builtin("spin")), system: nil, seed: 3)
    let subject = try makeSubject(job)
    #expect(try subject.run(50) == subject.run(50))
    #expect(try Lab.answer(subject, 5).split(separator: " ").map { $0.prefix { $0 != "=" } } == ["ns", "cpu", "checksum"])
  }
}

import ExperimentModel
import Foundation
import NIOCore
import TelemetryModel
import Testing

@testable import LabSystems

private let ms: Int64 = 1_000_000

/// Calls other routes of the same core on the virtual clock, with the header lines that a socket would carry.
private final class CorePeer: Peer, ExchangeOwner {
  weak var core: LabCore?
  private(set) var fields: [String] = []
  private var waiting: [ObjectIdentifier: (Exchange, (Int) -> Void)] = [:]

  func get(_ path: String, of role: String, fields: String, answered: @escaping (Int) -> Void) -> Int {
    self.fields.append(fields)
    guard let core else { return 0 }
    let exchange = core.exchange("GET", path, fields: fields, owner: self)
    waiting[ObjectIdentifier(exchange)] = (exchange, answered)
    core.environment.at(core.environment.now) { exchange.route.role.submit(exchange) }
    return 4_711
  }

  func answered(_ exchange: Exchange) { waiting.removeValue(forKey: ObjectIdentifier(exchange))?.1(exchange.answer.status) }
}

/// What an edge asks: the same core, as if its instances listened.
private final class CoreUpstream: Upstream, ExchangeOwner {
  final class Call: UpstreamCall { var isCancelled = false }
  weak var core: LabCore?
  /// Attempts, by number from 0, that nobody answers.
  var refused: Set<Int> = []
  private(set) var sent: [ProxyRequest] = []
  private var waiting: [ObjectIdentifier: (Exchange, Call, (UpstreamResult) -> Void)] = [:]

  func send(_ request: ProxyRequest, to backend: Int, ended: @escaping (UpstreamResult) -> Void) -> UpstreamCall {
    let call = Call()
    sent.append(request)
    guard let core else { return call }
    if refused.contains(sent.count - 1) {
      core.environment.at(core.environment.now + ms) { ended(.refused) }
      return call
    }
    let fields = request.fields.all.map { "\($0.name): \($0.value)\r\n" }.joined()
    let exchange = core.exchange(request.method, request.target, fields: fields, owner: self)
    waiting[ObjectIdentifier(exchange)] = (exchange, call, ended)
    core.environment.at(core.environment.now) { exchange.route.role.submit(exchange) }
    return call
  }

  func cancel(_ call: UpstreamCall) { (call as? Call)?.isCancelled = true }

  func answered(_ exchange: Exchange) {
    guard let (_, call, ended) = waiting.removeValue(forKey: ObjectIdentifier(exchange)), !call.isCancelled else { return }
    ended(.answer(ProxyResponse(status: exchange.answer.status, body: exchange.answer.body)))
  }
}

extension LabCore {
  /// An exchange as a connection makes it of a request with these header lines.
  fileprivate func exchange(_ method: String, _ path: String, fields: String, owner: any ExchangeOwner) -> Exchange {
    let exchange = Exchange()
    guard case .route(let route) = Array(path.utf8.prefix { $0 != UInt8(ascii: "?") }).withUnsafeBytes({ table.match(method: method, path: $0, into: &exchange.variables) }) else {
      fatalError("no route \(path)")
    }
    (exchange.route, exchange.owner) = (route, owner)
    Array("\(method) \(path) HTTP/1.1\r\nHost: lab\r\n\(fields)\r\n".utf8).withUnsafeBytes { telemetry?.reader?.read($0, into: exchange) }
    return exchange
  }

  fileprivate func fetched() throws -> [OriginatedSpan] {
    let batch = try OTLPDecoder().traces(telemetry?.fetch(.traces).bytes ?? [], as: .protobuf).batch
    var store = SpanStore()
    store.append(batch)
    return store.spans { _ in true }
  }
}

/// One system on the virtual clock, with whoever asks it.
private final class Site: ExchangeOwner {
  let environment = VirtualEnvironment()
  let core: LabCore
  let peer = CorePeer()
  let upstream = CoreUpstream()
  private(set) var statuses: [Int] = []
  private var open: [Exchange] = []

  init(_ system: SystemSpec, epoch: Int64 = 0) throws {
    let upstream = upstream
    core = try LabCore(system, environment: environment, peer: peer, epoch: epoch) { _, _, _ in upstream }
    (peer.core, upstream.core) = (core, core)
  }

  func send(_ method: String = "GET", _ path: String, fields: String = "") {
    let exchange = core.exchange(method, path, fields: fields, owner: self)
    open.append(exchange)
    exchange.route.role.submit(exchange)
  }

  func answered(_ exchange: Exchange) { statuses.append(exchange.answer.status) }

  func spans(after milliseconds: Int64 = 1_000) throws -> [OriginatedSpan] {
    environment.advance(by: milliseconds * ms)
    return try core.fetched()
  }
}

extension Array where Element == OriginatedSpan {
  fileprivate func named(_ name: String) -> [TelemetryModel.Span] { map(\.span).filter { $0.name == name } }
  fileprivate func only(_ name: String) throws -> TelemetryModel.Span {
    let those = named(name)
    try #require(those.count == 1, "\(those.count) spans \(name) among \(map(\.span.name))")
    return those[0]
  }
}

private func everything(_ attributes: [RequestAttribute] = []) -> TelemetrySpec {
  TelemetrySpec(traces: 1, logs: true, metrics: true, attributes: attributes)
}
private let tenant = RequestAttribute(name: "tenant", source: .header("X-Tenant"))

@Suite struct TraceOfARequestTests {
  /// edge → origin (cache, sql, two calls) → catalog (wait).
  private func shop() -> SystemSpec {
    var system = Sample.system(
      rows: 100,
      routes: [
        RouteSpec(
          method: "GET", path: "/product/{id}",
          stages: [
            Sample.cache(CacheSpec(key: "{id}", capacity: 10)), Sample.sql(Sample.select),
            StageSpec(name: "ask", work: .call(CallSpec(role: "catalog", path: "/price/{id}", k: 2, mode: .serial))),
          ])
      ])
    system.roles.append(
      RoleSpec(
        name: "catalog", workers: 1, queueLimit: 10, timeout: Nanoseconds(seconds: 9),
        routes: [RouteSpec(method: "GET", path: "/price/{id}", stages: [Sample.wait(20, name: "supplier")])]))
    var edge = RoleSpec(name: "edge", kind: "edge", workers: 0, queueLimit: 0, timeout: .zero, routes: [])
    edge.edge = EdgeSpec(upstream: "origin")
    edge.edge?.retry = RetrySpec(max: 1)
    system.roles.append(edge)
    system.telemetry = everything([tenant, RequestAttribute(name: "product", source: .variable("id"))])
    return system
  }

  @Test func aTreeFromTheEdgeToTheLastStage() throws {
    let site = try Site(shop(), epoch: 5_000)
    site.upstream.refused = [0]
    let start = site.environment.now
    let edge = site.core.edges[0]
    edge.submit(ProxyRequest(method: "GET", target: "/product/7?x=1", fields: HeaderFields([HeaderField("X-Tenant", "t7")])), isNewConnection: true) { _ in }
    let spans = try site.spans()
    let tree = TraceTree(spans)
    #expect(tree.isWhole && Set(spans.map(\.span.traceID)).count == 1)
    #expect(spans.count == 11, "\(spans.map(\.span.name))")

    let server = spans.named("GET /product/{id}")
    let atEdge = try #require(spans.first { $0.origin.service == "edge" && $0.span.kind == .server }?.span)
    let atOrigin = try #require(spans.first { $0.origin.service == "origin" && $0.span.kind == .server }?.span)
    #expect(server.count == 2 && atEdge.isRoot && atEdge.attributes["tenant"] == "t7" && atEdge.attributes["product"] == "7")
    // The instance refused once; the second attempt says that it is one.
    let attempts = spans.named("GET")
    try #require(attempts.map(\.parentSpanID) == [atEdge.spanID, atEdge.spanID] && attempts.allSatisfy { $0.kind == .client })
    #expect(attempts[0].attributes["error.type"] == "connection refused" && attempts[0].status.code == .error)
    #expect(attempts[1].attributes["http.request.resend_count"] == 1 && attempts[1].links.map(\.spanID) == [attempts[0].spanID])
    #expect(attempts[1].attributes["http.response.status_code"] == 200)
    #expect(atOrigin.parentSpanID == attempts[1].spanID)
    #expect(site.upstream.sent[1].fields["traceparent"]?.contains(attempts[1].spanID.hex) == true)

    #expect(atOrigin.attributes["http.route"] == "/product/{id}" && atOrigin.attributes["url.path"] == "/product/7")
    #expect(atOrigin.attributes["nb.cache"] == "miss" && atOrigin.attributes["http.response.status_code"] == 200)
    let sql = try spans.only("SELECT product")
    #expect(sql.kind == .client && sql.parentSpanID == atOrigin.spanID && sql.attributes["db.system.name"] == "sqlite")
    #expect(sql.attributes["db.query.text"]?.string == Sample.select)
    let calls = spans.named("GET /price/{id}")
    let callers = calls.filter { $0.kind == .client }
    try #require(callers.map(\.parentSpanID) == [atOrigin.spanID, atOrigin.spanID])
    #expect(callers[0].attributes["url.full"] == "http://127.0.0.1:4711/price/7" && callers[0].attributes["server.port"] == 4711)
    #expect(calls.filter { $0.kind == .server }.map(\.parentSpanID) == callers.map(\.spanID))
    // What came in with the request went on with the calls.
    #expect(calls.filter { $0.kind == .server }.allSatisfy { $0.attributes["tenant"] == "t7" })
    #expect(site.peer.fields.allSatisfy { $0.contains("X-Tenant: t7\r\n") })
    let waits = spans.named("supplier")
    #expect(waits.map(\.duration) == [20 * ms, 20 * ms] && waits.allSatisfy { $0.kind == .client && $0.attributes["nb.stands_for"] == "test" })
    #expect(atEdge.startUnixNano == UInt64(start + 5_000) && atEdge.duration == 41 * ms && atOrigin.duration == 40 * ms)

    for one in spans { #expect(SemanticConventions.check(one.span).allSatisfy { $0.kind == .recommended }, "\(one.span.name)") }
    #expect(spans.allSatisfy { SemanticConventions.check($0.origin.resource).isEmpty })
    #expect(try site.core.fetched().isEmpty, "what was fetched is gone")
  }

  /// The same requests under the names of before: what a check of the conventions is there to find.
  @Test func namesOfOld() throws {
    var system = shop()
    for i in 0..<2 { system.roles[i].conventions = .old }
    system.roles[1].routes[0].stages.append(StageSpec(name: "failing", work: .error(ErrorSpec(share: 1, status: 503, seed: 1, key: ""))))
    let site = try Site(system)
    site.send("GET", "/product/7")
    let spans = try site.spans()
    let sql = try spans.only("SELECT product")
    #expect(sql.attributes["db.system"] == "sqlite" && sql.attributes["db.statement"]?.string == Sample.select)
    #expect(sql.attributes["db.operation"] == "SELECT" && sql.attributes["db.sql.table"] == "product")
    let server = try spans.only("GET /product/{id}")
    #expect(server.attributes["http.method"] == "GET" && server.attributes["http.target"] == "/product/7" && server.attributes["http.scheme"] == "http")
    #expect(server.attributes["http.status_code"] == 502 && server.attributes["net.host.name"] == "127.0.0.1" && server.attributes["net.host.port"] != nil)
    let client = try #require(spans.named("GET /price/{id}").first { $0.kind == .client })
    #expect(client.attributes["http.url"] == "http://127.0.0.1:4711/price/7" && client.attributes["net.peer.name"] == "127.0.0.1")
    #expect(client.attributes["net.peer.port"] == 4711 && client.attributes["http.status_code"] == 503)
    // Failed all the same, and named by nobody.
    #expect(server.status.code == .error && client.status.code == .error)
    for one in spans {
      let names = one.span.attributes.map(\.key)
      #expect(!names.contains { name in name == "error.type" || ["http.re", "url.", "server."].contains { name.hasPrefix($0) } })
      let isUnderAny = SpanConvention(one.span) != .none
      let isOld = SemanticConventions.check(one.span).contains { if case .deprecated = $0.kind { true } else { false } }
      #expect(isOld == isUnderAny, "\(one.span.name): \(names)")
    }
    #expect(SemanticConventions.conformance(spans.map(\.span)) == 0)
  }

  @Test func aStageWithoutASpanIsTimeOfNobody() throws {
    var system = shop()
    for i in 1...2 { system.roles[0].routes[0].stages[i].span = false }
    system.roles[1].routes[0].stages[0].span = false
    let site = try Site(system)
    site.send("GET", "/product/7", fields: "X-Tenant: t7\r\n")
    let spans = try site.spans()
    let server = try spans.only("GET /product/{id}")
    let asked = spans.named("GET /price/{id}")
    // Of the calls only what those see who are asked; the context has gone on with them.
    #expect(spans.count == 3 && asked.count == 2 && asked.allSatisfy { $0.kind == .server && $0.parentSpanID == server.spanID })
    #expect(asked.allSatisfy { $0.attributes["tenant"] == "t7" && $0.duration == 20 * ms })
    #expect(Set(spans.map(\.span.traceID)).count == 1 && TraceTree(spans).isWhole)
  }

  @Test func waitingIsVisible() throws {
    var system = Sample.system(workers: 1, rows: 0, routes: [RouteSpec(method: "GET", path: "/a", stages: [Sample.wait(10)])])
    system.telemetry = everything()
    let site = try Site(system)
    site.send("GET", "/a")
    site.send("GET", "/a")
    let spans = try site.spans()
    let queue = try spans.only("queue")
    let second = try #require(spans.named("GET /a").max { $0.duration < $1.duration })
    #expect(queue.duration == 10 * ms && queue.parentSpanID == second.spanID && queue.kind == .internal && second.duration == 20 * ms)
  }

  @Test func aPoolAndALockAreWaitedForInTheOpen() throws {
    let lock = LockSpec(lock: "stock")
    var system = Sample.system(
      rows: 10,
      routes: [
        RouteSpec(
          method: "GET", path: "/a/{id}",
          stages: [StageSpec(name: "one", work: .lock(lock)), Sample.wait(5), StageSpec(name: "one", work: .unlock(lock))]),
        RouteSpec(method: "GET", path: "/b", stages: [Sample.sql("SELECT count(*) FROM product WHERE version > 0", pool: 1)]),
      ])
    system.telemetry = everything()
    let site = try Site(system)
    site.send("GET", "/a/1")
    site.send("GET", "/a/2")
    site.send("GET", "/b")
    site.send("GET", "/b")
    let spans = try site.spans()
    // The first finds it free: nothing to see.
    #expect(try spans.only("lock stock").duration == 5 * ms)
    let pool = try spans.only("pool wait")
    #expect(spans.named("SELECT product").contains { $0.spanID == pool.parentSpanID } && pool.duration == 1_000)
  }

  @Test func theCallerDecidesAndItsStateGoesOn() throws {
    var system = shop()
    system.telemetry?.traces = 0.25
    let site = try Site(system)
    site.send("GET", "/product/1", fields: "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00\r\n")
    #expect(try site.spans().isEmpty)
    #expect(site.peer.fields[0].contains("traceparent: 00-0af7651916cd43dd8448eb211c80319c-") && site.peer.fields[0].contains("-00\r\n"))
    site.send("GET", "/product/2", fields: "TraceParent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\ntracestate: a=1\r\ntracestate: b=2\r\n")
    let spans = try site.spans()
    #expect(spans.count == 8 && spans.allSatisfy { $0.span.traceID.hex == "0af7651916cd43dd8448eb211c80319c" })
    #expect(try #require(spans.named("GET /product/{id}").first).parentSpanID.hex == "b7ad6b7169203331")
    #expect(site.peer.fields[2].contains("tracestate: a=1,b=2\r\n"))
    // Not readable: a trace of its own, which may be dropped.
    site.send("GET", "/product/3", fields: "traceparent: 00-zz\r\ntracestate: a=1\r\n")
    let own = try site.spans()
    #expect(own.allSatisfy { $0.span.traceID.hex != "0af7651916cd43dd8448eb211c80319c" } && !site.peer.fields[4].contains("a=1"))
  }

  @Test func aShareOfTheTracesIsKeptWhole() throws {
    var system = shop()
    system.telemetry?.traces = 0.25
    let site = try Site(system)
    for id in 0..<400 {
      site.send("GET", "/product/\(id % 100)")
      site.environment.advance(by: 50 * ms)
    }
    let spans = try site.spans()
    let roots = spans.filter(\.span.isRoot)
    // 100 expected, standard deviation 8.7.
    #expect((60...140).contains(roots.count) && roots.allSatisfy { $0.span.adjustedCount == 4 }, "\(roots.count)")
    #expect(Dictionary(grouping: spans, by: \.span.traceID).values.allSatisfy { TraceTree($0).isWhole })
  }

  @Test func offRecordsNothing() throws {
    var system = shop()
    system.telemetry = nil
    let site = try Site(system)
    site.send("GET", "/product/1", fields: "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\nX-Tenant: t1\r\n")
    site.environment.advance(by: 100 * ms)
    #expect(site.statuses == [200] && site.core.telemetry == nil && site.peer.fields == ["", ""])
    #expect(site.core.control(method: "GET", path: "/_nb/telemetry/traces", body: ByteBuffer()).status == 404)
    #expect(!String(decoding: try JSONEncoder().encode(system), as: UTF8.self).contains("telemetry"))
  }

  @Test func aKilledRequestEndsItsSpans() throws {
    var system = Sample.system(workers: 1, rows: 0, routes: [RouteSpec(method: "GET", path: "/a", stages: [Sample.wait(10)])])
    system.telemetry = everything()
    let site = try Site(system)
    let exchange = site.core.exchange("GET", "/a", fields: "", owner: site)
    exchange.route.role.submit(exchange)
    site.core.kill(site.core.roles[0], 5 * ms)
    // Its connection is gone, and takes the next request.
    exchange.reset()
    let spans = try site.spans()
    #expect(try spans.only("GET /a").attributes["error.type"] == "cut off")
    #expect(site.core.counter("origin.spans_dropped") == 0 && site.core.telemetry?.services[0].lines.allSatisfy { $0.active == 0 } == true)
  }

  @Test func messagesGoOnInTheTraceThatPublishedThem() throws {
    for isPerBatch in [false, true] {
      var stage = Sample.wait(5, name: "mail")
      stage.when = isPerBatch ? nil : StageCondition("tenant==t1")
      var system = Workshop.system(WorkerSpec(consumes: "orders", batch: 2, linger: Nanoseconds(5 * ms)), 1, PublishSpec(topic: "orders"), [stage], rows: -1)
      if isPerBatch { system.roles[1].routes[0].stages[0].scope = .batch }
      system.telemetry = everything([tenant])
      let site = try Site(system)
      site.send("POST", "/checkout/1", fields: "X-Tenant: t1\r\n")
      site.send("POST", "/checkout/2", fields: "X-Tenant: t2\r\n")
      let spans = try site.spans()
      let sent = spans.named("send orders")
      #expect(sent.count == 2 && sent.allSatisfy { $0.kind == .producer })
      let processed = spans.named("process orders")
      #expect(processed.allSatisfy { $0.kind == .consumer && $0.attributes["messaging.destination.name"] == "orders" })
      if isPerBatch {
        #expect(processed.count == 1 && processed[0].isRoot && Set(processed[0].links.map(\.spanID)) == Set(sent.map(\.spanID)))
      } else {
        #expect(processed.count == 2 && Set(processed.map(\.parentSpanID)) == Set(sent.map(\.spanID)))
        #expect(Set(processed.compactMap { $0.attributes["tenant"]?.string }) == ["t1", "t2"])
        // Only the first one's tenant is mailed.
        let mail = try spans.only("mail")
        #expect(processed.first { $0.spanID == mail.parentSpanID }?.attributes["tenant"] == "t1")
      }
      #expect(site.core.counter("worker.acked") == 2)
    }
  }
}

@Suite struct ConditionTests {
  private func system(_ telemetry: TelemetrySpec?) -> SystemSpec {
    var slow = Sample.wait(120, name: "pricing")
    slow.when = StageCondition("tenant==t7")
    var system = Sample.system(rows: 0, routes: [RouteSpec(method: "GET", path: "/a/{id}", stages: [Sample.wait(5), slow])])
    system.telemetry = telemetry
    return system
  }

  @Test func onlyThoseOfOneTenantAreSlow() throws {
    for spec in [TelemetrySpec(attributes: [tenant]), everything([tenant])] {
      let site = try Site(system(spec))
      for who in ["t7", "t8", "t77", ""] { site.send("GET", "/a/1", fields: who.isEmpty ? "" : "x-tenant: \(who)\r\n") }
      site.environment.advance(by: 6 * ms)
      #expect(site.statuses.count == 3 && site.core.counter("pricing.calls") == 0)
      site.environment.advance(by: 200 * ms)
      #expect(site.statuses.count == 4 && site.core.counter("pricing.calls") == 1)
    }
  }

  @Test func anAttributeIsDeclared() {
    for spec in [nil, TelemetrySpec(), TelemetrySpec(traces: 1)] {
      #expect(throws: LabError.self) { try LabCore(system(spec), environment: VirtualEnvironment()) }
    }
    #expect(StageCondition("a == b c")?.value == "b c" && StageCondition("a=b") == nil && StageCondition("==b") == nil && StageCondition("a==") == nil)
  }
}

@Suite struct LogsAndMetricsTests {
  private func site() throws -> Site {
    var system = Sample.shop(CacheSpec(key: "{id}", capacity: 10), wait: 8)
    system.roles[0].routes.append(
      RouteSpec(method: "GET", path: "/fail", stages: [StageSpec(name: "no", work: .error(ErrorSpec(share: 1, status: 503)))]))
    system.telemetry = everything([tenant])
    return try Site(system)
  }

  @Test func oneRecordForEachRequest() throws {
    let site = try site()
    site.send("GET", "/product/1", fields: "X-Tenant: t1\r\n")
    site.send("GET", "/product/1000")
    site.send("GET", "/fail")
    site.environment.advance(by: 100 * ms)
    let logs = try OTLPDecoder().logs(try #require(site.core.telemetry).fetch(.logs).bytes, as: .protobuf).batch.records
    #expect(logs.map(\.severity) == [.error, .info, .warn] || Set(logs.map(\.severityText)) == ["INFO", "WARN", "ERROR"])
    let first = try #require(logs.first { $0.severity == .info })
    #expect(first.attributes["tenant"] == "t1" && first.attributes["http.route"] == "/product/{id}" && first.attributes["nb.duration"] == 0.008)
    let span = try #require(try site.core.fetched().map(\.span).first { $0.spanID == first.spanID })
    #expect(span.kind == .server && span.traceID == first.traceID && span.attributes["tenant"] == "t1")
    #expect(try #require(site.core.telemetry).fetch(.logs).bytes.isEmpty)
  }

  @Test func durationsByRouteAndStatus() throws {
    let site = try site()
    for _ in 0..<3 {
      site.send("GET", "/product/1")
      site.environment.advance(by: 20 * ms)
    }
    site.send("GET", "/fail")
    site.send("GET", "/product/2")
    let telemetry = try #require(site.core.telemetry)
    let metrics = try OTLPDecoder().metrics(telemetry.fetch(.metrics).bytes, as: .protobuf).batch.records
    #expect(metrics.allSatisfy { SemanticConventions.check($0).isEmpty })
    func numbers(_ name: String) -> [NumberPoint] {
      switch metrics.first(where: { $0.name == name })?.data {
      case .gauge(let points)?, .sum(let points, _, _)?: points
      default: []
      }
    }
    guard case .histogram(let points, .delta)? = metrics.first(where: { $0.name == "http.server.request.duration" })?.data else {
      Issue.record("no durations")
      return
    }
    let ok = try #require(points.first { $0.attributes["http.response.status_code"] == 200 })
    // One miss of 8 ms, two hits; the one that is under way does not count yet.
    #expect(ok.count == 3 && ok.bucketCounts[0] == 2 && ok.bucketCounts[1] == 1 && ok.bounds == ExplicitHistogram.httpSeconds)
    #expect(abs((ok.sum ?? 0) - 0.008) < 1e-9 && ok.exemplars.count == 2)
    let spans = try site.core.fetched()
    #expect(ok.exemplars.allSatisfy { exemplar in spans.contains { $0.span.spanID == exemplar.spanID && $0.span.kind == .server } })
    let bad = try #require(points.first { $0.attributes["http.response.status_code"] == 503 })
    #expect(bad.count == 1 && bad.attributes["error.type"] == "503" && bad.attributes["http.route"] == "/fail")
    #expect(numbers("http.server.active_requests").first { $0.attributes["http.request.method"] == "GET" }?.value == .int(1))
    #expect(numbers("nb.cache.lookups").map(\.value) == [.int(2), .int(1)])
    #expect(numbers("nb.workers.pending").map(\.value) == [.int(0)] && numbers("nb.workers.busy").map(\.value) == [.int(1)])
    #expect(numbers("db.client.connection.count").map(\.value) == [.int(0), .int(4)] || numbers("db.client.connection.count").map(\.value) == [.int(1), .int(3)])
    // The next drain begins anew; a scraper goes on summing.
    site.environment.advance(by: 50 * ms)
    guard case .histogram(let next, _)? = try OTLPDecoder().metrics(telemetry.fetch(.metrics).bytes, as: .protobuf).batch.records
      .first(where: { $0.name == "http.server.request.duration" })?.data
    else {
      Issue.record("no durations")
      return
    }
    #expect(next.map(\.count) == [1])
    let text = site.core.control(method: "GET", path: "/_nb/metrics", body: ByteBuffer()).json
    #expect(text.contains("http_route=\"/product/{id}\",http_response_status_code=\"200\",le=\"0.01\"} 4\n"), "\(text)")
  }

  @Test func prometheusTextIsEscaped() {
    #expect(PrometheusText.escaped("a\\b\"c\nd", quotes: true) == "a\\\\b\\\"c\\nd" && PrometheusText.escaped("\"", quotes: false) == "\"")
    #expect(PrometheusText.name("http.request.method") == "http_request_method" && PrometheusText.name("1.x") == "_1_x")
  }

  @Test func resetForgetsWhatNobodyFetched() throws {
    let site = try site()
    site.send("GET", "/product/1")
    site.environment.advance(by: 50 * ms)
    #expect(site.core.control(method: "POST", path: "/_nb/reset", body: ByteBuffer()).status == 200)
    #expect(try site.core.fetched().isEmpty && site.core.telemetry?.fetch(.logs).bytes.isEmpty == true)
  }

  @Test func aFullOutboxDropsAndCounts() {
    let outbox = Outbox()
    for _ in 0..<9 { outbox.fill { ([UInt8](repeating: 0, count: 8 << 20), 10) } }
    #expect(outbox.counts.records == 80 && outbox.counts.dropped == 10)
    #expect(outbox.fetch().bytes.count == 8 << 20 && outbox.fetch(atMost: 100).bytes.isEmpty)
    outbox.fill { ([1], 1) }
    #expect(outbox.counts.dropped == 10)
  }
}

@Suite struct TelemetryOverSocketsTests {
  @Test func anEdgeAnOriginAndACallShareATrace() throws {
    var system = Sample.system(
      rows: 10,
      routes: [
        RouteSpec(
          method: "GET", path: "/page/{id}", stages: [StageSpec(name: "ask", work: .call(CallSpec(role: "origin", path: "/product/{id}", k: 2, mode: .parallel)))]),
        RouteSpec(method: "GET", path: "/product/{id}", stages: [Sample.sql(Sample.select)]),
      ])
    var edge = RoleSpec(name: "edge", kind: "edge", workers: 0, queueLimit: 0, timeout: .zero, routes: [])
    edge.edge = EdgeSpec(upstream: "origin")
    system.roles.append(edge)
    system.telemetry = everything([tenant])
    let server = try LabServer(system, port: 0, pid: getpid())
    defer { server.stop() }
    let client = try LabClient(port: server.ready.port)
    for id in 1...5 { #expect(try client.request("GET", "/page/\(id)", headers: "X-Tenant: t\(id)\r\n").status == 200) }
    let reply = try client.request("GET", "/_nb/telemetry/traces")
    #expect(reply.headers["Content-Type"] == "application/json")
    var store = SpanStore()
    store.append(try OTLPDecoder().traces(Array(reply.body.utf8), as: .json).batch)
    let traces = store.traceIDs().map { store.trace($0) }
    #expect(traces.count == 5)
    for spans in traces {
      // Edge: 2; page: 1; calls: 2; products: 2, each with its statement.
      #expect(TraceTree(spans).isWhole && spans.count == 9, "\(spans.map(\.span.name))")
      #expect(Set(spans.filter { $0.span.kind == .server }.compactMap { $0.span.attributes["tenant"]?.string }).count == 1)
      #expect(spans.filter { $0.span.kind == .server }.allSatisfy { $0.span.attributes["server.port"] != 0 })
      #expect(spans.allSatisfy { SemanticConventions.check($0.span).allSatisfy { $0.kind == .recommended } })
      // One clock for all of them: a child lies in its parent.
      let tree = TraceTree(spans)
      for (place, children) in tree.children.enumerated() {
        for child in children { #expect(tree.spans[child].span.startUnixNano >= tree.spans[place].span.startUnixNano) }
      }
    }
    let now = UInt64(Date().timeIntervalSince1970 * 1e9)
    #expect(traces.joined().allSatisfy { $0.span.endUnixNano <= now && now - $0.span.endUnixNano < 600_000_000_000 })
    let scraped = try client.request("GET", "/metrics")
    #expect(scraped.status == 200 && scraped.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8")
    #expect(scraped.body.contains("http_server_request_duration_seconds_count{service_name=\"edge\"") && !scraped.body.contains("# EOF"))
    let open = try client.request("GET", "/metrics", headers: "Accept: application/openmetrics-text\r\n")
    #expect(open.body.hasSuffix("# EOF\n") && open.body.contains("# {trace_id=\""))
  }
}

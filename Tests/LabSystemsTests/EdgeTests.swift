import ExperimentModel
import Foundation
import NIOCore
import Testing

@testable import LabSystems

private let ms: Int64 = 1_000_000

/// Instances with one worker each on the virtual clock. What the edge gives up goes on being worked at, as real servers do.
private final class FakeUpstream: Upstream {
  final class Call: UpstreamCall { var isCancelled = false }
  let environment: VirtualEnvironment
  var service: (ProxyRequest, Int) -> Int64 = { _, _ in 10 * ms }
  var answer: (ProxyRequest, Int) -> ProxyResponse = { _, _ in ProxyResponse(status: 200, reason: "ok") }
  var refuses: Set<Int> = []
  var stall: Range<Int64>?
  private(set) var sent: [(request: ProxyRequest, backend: Int)] = []
  private(set) var cancelled = 0
  private var freeAt: [Int: Int64] = [:]
  init(_ environment: VirtualEnvironment) { self.environment = environment }

  func send(_ request: ProxyRequest, to backend: Int, ended: @escaping (UpstreamResult) -> Void) -> UpstreamCall {
    let call = Call()
    sent.append((request, backend))
    let now = environment.now
    if refuses.contains(backend) {
      environment.at(now) { if !call.isCancelled { ended(.refused) } }
      return call
    }
    var start = max(now, freeAt[backend] ?? 0)
    if let stall, stall.contains(start) { start = stall.upperBound }
    let end = start + service(request, backend)
    freeAt[backend] = end
    environment.at(end) { [self] in if !call.isCancelled { ended(.answer(answer(request, backend))) } }
    return call
  }

  func cancel(_ call: UpstreamCall) {
    cancelled += 1
    (call as? Call)?.isCancelled = true
  }
}

private struct Bench {
  let environment = VirtualEnvironment()
  let upstream: FakeUpstream
  let edge: Edge
  final class Seen { var all: [(at: Int64, response: ProxyResponse)] = [] }
  let seen = Seen()

  init(backends: Int = 1, _ change: (inout EdgeSpec) -> Void) {
    var spec = EdgeSpec(upstream: "origin")
    change(&spec)
    upstream = FakeUpstream(environment)
    edge = Edge(
      "edge", spec, backends: backends, routes: [RouteSpec(method: "GET", path: "/p/{id}", stages: [])], seed: 3, upstream: upstream,
      checks: upstream, environment: environment)
  }

  func send(_ method: String = "GET", _ target: String = "/p/1", _ fields: [HeaderField] = []) {
    let (environment, seen) = (environment, seen)
    edge.submit(ProxyRequest(method: method, target: target, fields: HeaderFields(fields)), isNewConnection: false) {
      seen.all.append((environment.now, $0))
    }
  }
  var statuses: [Int] { seen.all.map(\.response.status) }
  func run(_ milliseconds: Int64) { environment.advance(by: milliseconds * ms) }
}

@Suite struct EdgeAttemptTests {
  @Test func retriesGoElsewhereAndOnlyWhereTwiceIsOnce() {
    let bench = Bench(backends: 3) { $0.retry = RetrySpec(max: 2) }
    bench.upstream.answer = { _, backend in ProxyResponse(status: backend == 2 ? 200 : 503, reason: "x") }
    bench.send()
    bench.run(100)
    #expect(bench.statuses == [200] && bench.upstream.sent.map(\.backend) == [0, 1, 2] && bench.edge.counts.retries == 2)
    bench.upstream.answer = { _, _ in ProxyResponse(status: 503, reason: "x") }
    bench.send("POST")
    bench.run(100)
    #expect(bench.statuses == [200, 503] && bench.upstream.sent.count == 4, "a POST that was seen is not sent again")
    // Refused before anyone saw it: sent again all the same. A 500 is an answer.
    bench.upstream.refuses = [1, 2]
    bench.upstream.answer = { _, _ in ProxyResponse(status: 500, reason: "x") }
    bench.send("POST")
    bench.run(100)
    #expect(bench.statuses.last == 500 && bench.edge.counts.refused == 2)
  }

  @Test func timeoutsAre504AndAbandonedWorkGoesOn() {
    let bench = Bench { $0.timeout = Nanoseconds(50 * ms); $0.retry = RetrySpec(max: 1) }
    bench.upstream.service = { _, _ in 80 * ms }
    let start = bench.environment.now
    bench.send()
    bench.run(1_000)
    #expect(bench.statuses == [504] && bench.seen.all[0].at - start == 100 * ms && bench.edge.counts.timeouts == 2 && bench.upstream.cancelled == 2)
  }

  @Test func theFirstAnswerWinsAndTheOtherIsCalledOff() {
    let bench = Bench(backends: 2) { $0.hedge = .time(Nanoseconds(30 * ms)) }
    bench.upstream.service = { _, backend in backend == 0 ? 500 * ms : 10 * ms }
    let start = bench.environment.now
    bench.send()
    bench.run(1_000)
    #expect(bench.statuses == [200] && bench.seen.all[0].at - start == 40 * ms)
    #expect(bench.edge.counts.hedges == 1 && bench.edge.counts.hedgeWins == 1 && bench.upstream.cancelled == 1)
    #expect(bench.edge.backends.allSatisfy { $0.candidate.inFlight == 0 })
    bench.send("POST")
    bench.send("POST")
    bench.run(1_000)
    #expect(bench.edge.counts.hedges == 1, "a POST is not hedged")
  }

  @Test func hedgingAfterThe95thPercentileCostsAFewPercentAndCutsTheTail() {
    func p99(_ hedge: HedgeSpec?) -> (p99: Int64, attempts: Int) {
      let bench = Bench(backends: 4) { $0.hedge = hedge }
      var random = SeededRandom(seed: 8)
      bench.upstream.service = { _, _ in random.unit() < 0.04 ? 200 * ms : 5 * ms + Int64(random.unit() * 5e6) }
      var times: [Int64] = []
      for _ in 0..<2_000 {
        let start = bench.environment.now
        bench.send()
        bench.run(250)
        times.append(bench.seen.all.last!.at - start)
      }
      return (times.sorted()[1_980], bench.edge.counts.attempts)
    }
    let (without, with) = (p99(nil), p99(.quantile(0.95)))
    #expect(without.p99 >= 200 * ms && with.p99 < 40 * ms)
    #expect(without.attempts == 2_000 && (2_040...2_200).contains(with.attempts), "\(with.attempts)")
  }

  @Test func aBreakerStopsAskingAndTriesAgain() {
    let bench = Bench { $0.breaker = BreakerSpec(failures: 2, cooldown: Nanoseconds(500 * ms)) }
    bench.upstream.refuses = [0]
    for _ in 0..<5 { bench.send(); bench.run(10) }
    #expect(bench.statuses == [502, 502, 503, 503, 503] && bench.upstream.sent.count == 2 && bench.edge.counts.breakerDenied == 3)
    bench.upstream.refuses = []
    bench.run(500)
    bench.send()
    bench.run(20)
    #expect(bench.statuses.last == 200)
  }

  @Test func aDeadInstanceGetsNothingUntilItHasRisen() {
    let bench = Bench(backends: 2) { $0.health = HealthSpec(interval: Nanoseconds(100 * ms), fall: 2, rise: 2, passive: false) }
    bench.edge.startChecks()
    bench.upstream.refuses = [1]
    bench.run(260)
    #expect(!bench.edge.backends[1].health.isUp && bench.edge.backends[1].health.falls == 1)
    for _ in 0..<10 { bench.send(); bench.run(1) }
    bench.run(120)
    #expect(bench.statuses == Array(repeating: 200, count: 10))
    bench.upstream.refuses = []
    bench.run(90)
    #expect(!bench.edge.backends[1].health.isUp, "one check is not enough")
    bench.run(200)
    #expect(bench.edge.backends[1].health.isUp)
  }

  /// Day 20: 50 requests a second at a worker that does 100, a stall of 1.5 s, timeouts of 150 ms.
  @Test func naiveRetriesKeepTheOutageAndABudgetEndsIt() {
    func good(_ change: (inout EdgeSpec) -> Void) -> Double {
      let bench = Bench { $0.timeout = Nanoseconds(150 * ms); change(&$0) }
      var random = SeededRandom(seed: 20, stream: "storm")
      bench.upstream.service = { _, _ in Int64(-10e6 * log(1 - random.unit())) }
      let start = bench.environment.now
      bench.upstream.stall = start + 2_000 * ms..<start + 3_500 * ms
      var arrivals = SeededRandom(seed: 21, stream: "storm")
      var asked = 0
      var before = 0
      for _ in 0..<9_000 {
        if arrivals.unit() < 0.05 { bench.send(); if bench.environment.now - start >= 7_000 * ms { asked += 1 } }
        bench.run(1)
        if bench.environment.now - start == 7_000 * ms { before = bench.statuses.count { $0 == 200 } }
      }
      return Double(bench.statuses.count { $0 == 200 } - before) / Double(asked)
    }
    #expect(good { $0.retry = RetrySpec(max: 3) } < 0.1)
    #expect(good { $0.retry = RetrySpec(max: 3, budget: 0.1, backoff: .fullJitter) } > 0.9)
    #expect(good { $0.retry = RetrySpec(max: 3); $0.shed = ShedSpec(queueDelay: Nanoseconds(100 * ms)) } > 0.9)
  }
}

@Suite struct EdgeCacheTests {
  private func bench(_ control: String?, _ more: [HeaderField] = [], etag: String? = "\"v1\"", _ spec: EdgeCacheSpec = EdgeCacheSpec(capacity: 10)) -> Bench {
    let bench = Bench { $0.cache = spec }
    bench.upstream.answer = { request, _ in
      if let etag, request.fields["If-None-Match"] == etag { return ProxyResponse(status: 304, fields: HeaderFields([HeaderField("ETag", etag)])) }
      var response = ProxyResponse(status: 200, reason: "body")
      if let control { response.fields.append("Cache-Control", control) }
      if let etag { response.fields.append("ETag", etag) }
      response.fields.append(more)
      return response
    }
    return bench
  }

  @Test func freshThenRevalidatedWithItsAge() throws {
    let bench = bench("max-age=60")
    bench.send(); bench.run(1_000)
    bench.send(); bench.run(9_000)
    bench.send()
    let last = try #require(bench.seen.all.last?.response)
    #expect(last.fields["Age"] == "10" && last.fields["X-Cache"] == "HIT" && last.fields["Cache-Status"] == "edge; hit")
    bench.send("GET", "/p/1", [HeaderField("If-None-Match", "\"v1\"")])
    #expect(bench.statuses == [200, 200, 200, 304] && bench.upstream.sent.count == 1)
    bench.run(60_000)
    bench.send(); bench.run(20)
    #expect(bench.edge.counts.revalidated == 1 && bench.statuses.last == 200 && bench.seen.all.last!.response.fields["Age"] == "0")
    #expect(String(buffer: bench.seen.all.last!.response.body) == "body\n")
    bench.send("PUT"); bench.run(20)
    bench.send(); bench.run(20)
    #expect(bench.edge.counts.loads == 3, "a change makes what is stored untrue")
  }

  @Test(arguments: [
    "no-store", "private, max-age=60", "max-age=0, must-revalidate", "no-cache", "private=\"X, Y\", max-age=9", "max-age=oops",
  ])
  func neverAnsweredWithoutAsking(_ control: String) {
    let bench = bench(control)
    for _ in 0..<2 { bench.send(); bench.run(20) }
    #expect(bench.edge.counts.hits == 0 && bench.edge.counts.loads == 2)
  }

  @Test func whatIsSomebodysOwnIsNotStored() {
    for (fields, request) in [
      ([HeaderField("Set-Cookie", "a=b")], []), ([HeaderField("Vary", "*")], []), ([], [HeaderField("Authorization", "x")]),
      ([], [HeaderField("Cache-Control", "no-store")]),
    ] {
      let bench = bench("max-age=60", fields)
      for _ in 0..<2 { bench.send("GET", "/p/1", request); bench.run(20) }
      #expect(bench.edge.counts.hits == 0 && bench.edge.cache?.entries == 0)
    }
    let shared = bench("s-maxage=60")
    for _ in 0..<2 { shared.send("GET", "/p/1", [HeaderField("Authorization", "x")]); shared.run(20) }
    #expect(shared.edge.counts.hits == 1)
  }

  @Test func variantsAndQueryParameters() {
    let bench = bench("max-age=60", [HeaderField("Vary", "Accept-Language")], EdgeCacheSpec(capacity: 10, ignoreQuery: ["utm_*", "gclid"]))
    for language in ["de", "en", "de", "en"] { bench.send("GET", "/p/1", [HeaderField("accept-language", language)]); bench.run(20) }
    #expect(bench.edge.counts.hits == 2 && bench.edge.cache?.entries == 1)
    for target in ["/p/2?b=1&a=2", "/p/2?utm_source=x&a=2&b=1", "/p/2?a=2&gclid=7&b=1"] { bench.send("GET", target); bench.run(20) }
    #expect(bench.edge.counts.hits == 4 && bench.edge.cache?.entries == 2)
    bench.send("HEAD", "/p/2?a=2&b=1")
    #expect(bench.edge.counts.hits == 5)
  }

  @Test func staleWhileItRevalidatesAndWhenTheOriginFails() {
    let bench = bench("max-age=1, stale-while-revalidate=5, stale-if-error=100")
    bench.send(); bench.run(3_000)
    bench.send()
    #expect(bench.statuses == [200, 200] && bench.edge.counts.staleServed == 1)
    bench.run(20)
    #expect(bench.edge.counts.revalidated == 1)
    bench.run(20_000)
    bench.upstream.refuses = [0]
    bench.send(); bench.run(20)
    #expect(bench.statuses == [200, 200, 200] && bench.edge.counts.staleServed == 2)
    bench.run(200_000)
    bench.send(); bench.run(20)
    #expect(bench.statuses.last == 502, "after its grace an error is an error")
  }

  @Test func concurrentMissesShareOneLoad() {
    let together = bench("max-age=60", [], EdgeCacheSpec(capacity: 10, singleFlight: true))
    for _ in 0..<50 { together.send() }
    together.run(1_000)
    #expect(together.upstream.sent.count == 1 && together.statuses == Array(repeating: 200, count: 50) && together.edge.counts.collapsed == 49)
    let own = bench("private", [], EdgeCacheSpec(capacity: 10, singleFlight: true))
    for _ in 0..<5 { own.send() }
    own.run(1_000)
    #expect(own.upstream.sent.count == 5 && own.statuses.count == 5, "what may not be shared is asked for by each")
    let apart = bench("max-age=60")
    for _ in 0..<5 { apart.send() }
    apart.run(1_000)
    #expect(apart.upstream.sent.count == 5)
  }
}

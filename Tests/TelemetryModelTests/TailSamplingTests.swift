import Foundation
import Testing

@testable import TelemetryModel

@Suite struct TailSamplingTests {
  private static let second: UInt64 = 1_000_000_000

  /// A trace of `spans` spans over `duration` milliseconds.
  private func trace(
    _ id: TraceID, spans: Int = 3, duration: UInt64 = 10, status: SpanStatus = .unset, attributes: [Attribute] = [], traceState: String = "",
    resource: Resource = Resource()
  ) -> TraceBatch {
    let records = (0..<spans).map { i in
      Span(
        traceID: id, spanID: SpanID(UInt64(i + 1)), parentSpanID: i == 0 ? .none : SpanID(1), name: "s\(i)", startUnixNano: 1000,
        endUnixNano: 1000 + duration * 1_000_000, attributes: i == spans - 1 ? attributes : [], status: i == spans - 1 ? status : .unset,
        traceState: traceState)
    }
    return TraceBatch(resource: resource, records: records)
  }

  private func id(_ n: UInt64, randomness: UInt64 = 0) -> TraceID { TraceID(high: n + 1, low: randomness) }

  private func keeps(_ rule: TailRule, _ batch: TraceBatch) -> Bool {
    let sampler = TailSampler(.init(policies: [TailPolicy("p", rule)]))
    _ = sampler.add(batch, at: 0)
    return !sampler.flush(at: 1).isEmpty
  }

  @Test("each policy, on both sides of its border")
  func policies() throws {
    let ms: UInt64 = 1_000_000
    let half = try #require(SamplingThreshold(probability: 0.5))
    let low = id(0), high = id(0, randomness: 1 << 55)
    for (rule, batch, expected) in [
      (TailRule.alwaysSample, trace(low), true),
      (.latency(min: 100 * ms), trace(low, duration: 99), false), (.latency(min: 100 * ms), trace(low, duration: 100), true),
      (.latency(min: 100 * ms, max: 200 * ms), trace(low, duration: 100), false),
      (.latency(min: 100 * ms, max: 200 * ms), trace(low, duration: 200), true),
      (.latency(min: 100 * ms, max: 200 * ms), trace(low, duration: 201), false),
      (.statusCode([.error]), trace(low), false), (.statusCode([.error]), trace(low, status: .error()), true),
      (.statusCode([.error, .ok]), trace(low, status: .ok), true),
      (.stringAttribute(key: "tenant", values: ["t7"]), trace(low, attributes: [Attribute("tenant", "t7")]), true),
      (.stringAttribute(key: "tenant", values: ["t7"]), trace(low, attributes: [Attribute("tenant", "t8")]), false),
      (.stringAttribute(key: "tenant", values: ["t7"], invert: true), trace(low, attributes: [Attribute("tenant", "t8")]), true),
      (
        .stringAttribute(key: "service.name", values: ["cart"]), trace(low, resource: Resource(attributes: [Attribute("service.name", "cart")])), true
      ),
      (.numericAttribute(key: "code", range: 500...599), trace(low, attributes: [Attribute("code", 599)]), true),
      (.numericAttribute(key: "code", range: 500...599), trace(low, attributes: [Attribute("code", 499)]), false),
      (.numericAttribute(key: "code", range: 500...599, invert: true), trace(low), true),
      (.booleanAttribute(key: "b", value: true), trace(low, attributes: [Attribute("b", true)]), true),
      (.booleanAttribute(key: "b", value: true), trace(low, attributes: [Attribute("b", "true")]), false),
      (.probabilistic(half), trace(low), false), (.probabilistic(half), trace(high), true),
      (.probabilistic(half), trace(low, traceState: "ot=rv:ffffffffffffff"), true),
      (.spanCount(min: 3), trace(low), true), (.spanCount(min: 4), trace(low), false), (.spanCount(min: 1, max: 2), trace(low), false),
      (.traceState(key: "v", values: ["1"]), trace(low, traceState: "v=1"), true), (.traceState(key: "v", values: ["1"]), trace(low), false),
      (.rateLimiting(spansPerSecond: 3), trace(low), true), (.rateLimiting(spansPerSecond: 2), trace(low), false),
      (.and([.spanCount(min: 3), .statusCode([.error])]), trace(low), false),
      (.and([.spanCount(min: 3), .statusCode([.error])]), trace(low, status: .error()), true),
      (.not(.statusCode([.error])), trace(low), true), (.not(.alwaysSample), trace(low), false),
      (.composite(spansPerSecond: 4, parts: [TailPart(.statusCode([.error]), percent: 50), TailPart(.alwaysSample, percent: 50)]), trace(low), false),
      (.composite(spansPerSecond: 6, parts: [TailPart(.statusCode([.error]), percent: 50), TailPart(.alwaysSample, percent: 50)]), trace(low), true),
    ] {
      #expect(keeps(rule, batch) == expected, "\(rule)")
    }
  }

  @Test("a drop policy outweighs every other")
  func drop() {
    let health = TailRule.drop([.stringAttribute(key: "route", values: ["/health"])])
    let sampler = TailSampler(.init(policies: [TailPolicy("all", .alwaysSample), TailPolicy("health", health)]))
    _ = sampler.add(trace(id(1), attributes: [Attribute("route", "/health")]), at: 0)
    _ = sampler.add(trace(id(2)), at: 0)
    #expect(sampler.flush(at: 1).map(\.traceID) == [id(2)])
  }

  @Test("of 10,000 traces all errors and all slow ones are kept, the rest at 1 %, and the counts are unbiased")
  func volume() throws {
    let base = try #require(SamplingThreshold(probability: 0.01))
    var configuration = TailSampler.Configuration(policies: [
      TailPolicy("errors", .statusCode([.error])), TailPolicy("slow", .latency(min: 100_000_000)), TailPolicy("base", .probabilistic(base)),
    ])
    configuration.decisionWait = 10 * Self.second
    let sampler = TailSampler(configuration)
    var ids = IDGenerator(seed: 42)
    var random = RandomTelemetry(seed: 5)
    var truth = (errors: 0, slow: 0, waitingMax: 0)
    var kept: [TailSampler.Kept] = []
    for n in 0..<10_000 {
      let isError = random.chance(1), isSlow = random.chance(2)
      truth.errors += isError ? 1 : 0
      truth.slow += isSlow ? 1 : 0
      let now = UInt64(n) * Self.second / 100
      // Spans come in two requests, as services send for themselves.
      let whole = trace(ids.traceID(), spans: 7, duration: isSlow ? 150 : 20, status: isError ? .error() : .unset).records
      kept += sampler.add(TraceBatch(resource: Resource(), records: Array(whole[..<3])), at: now)
      kept += sampler.add(TraceBatch(resource: Resource(), records: Array(whole[3...])), at: now + 1)
      kept += sampler.decide(at: now)
      truth.waitingMax = max(truth.waitingMax, sampler.waitingTraces)
    }
    kept += sampler.flush(at: 200 * Self.second)
    func isError(_ trace: TailSampler.Kept) -> Bool { trace.spans.contains { $0.span.status.code == .error } }
    func isSlow(_ trace: TailSampler.Kept) -> Bool { trace.spans.contains { $0.span.duration >= 100_000_000 } }
    #expect(kept.filter(isError).count == truth.errors && kept.filter(isSlow).count == truth.slow)
    #expect(kept.allSatisfy { $0.spans.count == 7 && !$0.isLate })
    let share = Double(kept.count) / 10_000
    #expect(share > 0.03 && share < 0.05)
    // Memory: 100 traces a second for ten seconds.
    #expect((1000...1001).contains(truth.waitingMax))
    let estimate = kept.reduce(0) { $0 + ($1.adjustedCount ?? .nan) }
    // About 100 base traces stand for 100 each: deviation of the sum ≈ 100·√97.
    #expect(abs(estimate - 10_000) < 3.3 * 100 * (97.0).squareRoot(), "\(estimate)")
    #expect(sampler.counts.keptTraces == kept.count && sampler.counts.keptTraces + sampler.counts.droppedTraces == 10_000)
    #expect(sampler.counts.spans == 70_000 && sampler.counts.evictedTraces == 0)
  }

  @Test("what head sampling kept counts once: the rarer of the two decisions, not their product")
  func headAndTail() throws {
    let tenth = try #require(SamplingThreshold(probability: 0.1))
    let sampler = TailSampler(.init(policies: [TailPolicy("errors", .statusCode([.error])), TailPolicy("base", .probabilistic(tenth))]))
    let high = id(1, randomness: SamplingThreshold.range - 1)
    _ = sampler.add(trace(high, traceState: "ot=th:c"), at: 0)
    _ = sampler.add(trace(id(2, randomness: 3 << 54), status: .error(), traceState: "ot=th:c"), at: 0)
    let kept = sampler.flush(at: 1)
    #expect(kept.map(\.policy) == ["base", "errors"] && abs(kept[0].adjustedCount! - 10) < 1e-9 && kept[1].adjustedCount == 4)
    // A rate has no probability.
    let rate = TailSampler(.init(policies: [TailPolicy("rate", .rateLimiting(spansPerSecond: 100))]))
    _ = rate.add(trace(high), at: 0)
    #expect(rate.flush(at: 1).map(\.adjustedCount) == [nil])
  }

  @Test("memory is bounded: the oldest trace goes undecided and is counted, spans over the limit are cut")
  func bounds() {
    var configuration = TailSampler.Configuration(policies: [TailPolicy("all", .alwaysSample)])
    configuration.tracesMax = 100
    configuration.spansPerTraceMax = 2
    configuration.decisionsMax = 10
    let sampler = TailSampler(configuration)
    for n in 0..<250 { _ = sampler.add(trace(id(UInt64(n))), at: 0) }
    #expect(sampler.waitingTraces == 100 && sampler.counts.evictedTraces == 150 && sampler.counts.evictedSpans == 300 && sampler.counts.cutSpans == 250)
    let kept = sampler.flush(at: 1)
    #expect(kept.map(\.traceID) == (150..<250).map { id(UInt64($0)) } && kept.allSatisfy { $0.spans.count == 2 })
    let counts = sampler.counts
    #expect(counts.spans == counts.keptSpans + counts.droppedSpans + counts.evictedSpans + counts.cutSpans)
  }

  @Test("decisions come after the wait, oldest first; late spans share the fate of their trace")
  func late() {
    var configuration = TailSampler.Configuration(policies: [TailPolicy("errors", .statusCode([.error]))])
    configuration.decisionWait = 5
    let sampler = TailSampler(configuration)
    #expect(sampler.add(trace(id(1), status: .error()), at: 10).isEmpty && sampler.add(trace(id(2)), at: 12).isEmpty)
    #expect(sampler.decide(at: 14).isEmpty && sampler.decide(at: 15).map(\.traceID) == [id(1)] && sampler.waitingTraces == 1)
    #expect(sampler.decide(at: 17).isEmpty && sampler.waitingTraces == 0)
    let late = sampler.add(trace(id(1), spans: 1), at: 20)
    #expect(late.map(\.isLate) == [true] && late[0].spans.count == 1 && late[0].policy == "errors")
    #expect(sampler.add(trace(id(2), spans: 2), at: 20).isEmpty)
    #expect(sampler.counts.lateSpans == 3 && sampler.counts.keptSpans == 4 && sampler.counts.droppedSpans == 5)
  }

  @Test("kept traces go on with the resource and scope they came with")
  func origins() {
    let sampler = TailSampler(.init(policies: [TailPolicy("all", .alwaysSample)]))
    var sent = trace(id(1), resource: Resource(attributes: [Attribute("service.name", "cart")]))
    sent.resources[0].schemaURL = "u"
    sent.resources[0].scopes[0].scope.name = "lib"
    _ = sampler.add(sent, at: 0)
    #expect(TraceBatch(sampler.flush(at: 1).flatMap(\.spans)) == sent)
  }
}

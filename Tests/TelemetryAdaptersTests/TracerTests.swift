import Synchronization
import TelemetryAdapters
import TelemetryModel
import Testing
import Tracing

private struct Failure: Error, CustomStringConvertible { let description = "card declined" }

private struct Fields: Injector, Extractor {
  func inject(_ value: String, forKey key: String, into carrier: inout [String: String]) { carrier[key] = value }
  func extract(key: String, from carrier: [String: String]) -> String? { carrier[key] }
}

/// A moment, in nanoseconds.
private struct Moment: TracerInstant {
  var nanosecondsSinceEpoch: UInt64
  static func < (a: Self, b: Self) -> Bool { a.nanosecondsSinceEpoch < b.nanosecondsSinceEpoch }
}

private func tracer(_ change: (inout TelemetryTracer.Options) -> Void = { _ in }) -> TelemetryTracer {
  var options = TelemetryTracer.Options()
  change(&options)
  return TelemetryTracer(options)
}

@Suite struct TracerTests {
  @Test("spans nested over await and over child tasks have the right parents") func nesting() async throws {
    let tracer = tracer()
    await tracer.withSpan("request", ofKind: .server) { _ in
      await Task.yield()
      await tracer.withSpan("load") { _ in await Task.yield() }
      await withTaskGroup(of: Void.self) { group in
        for i in 0..<3 { group.addTask { await tracer.withSpan("part \(i)") { _ in await Task.yield() } } }
      }
    }
    let spans = tracer.drain()
    let root = try #require(spans.last)
    #expect(root.name == "request" && root.kind == .server && root.isRoot && spans.count == 5)
    #expect(spans.dropLast().map(\.name).sorted() == ["load", "part 0", "part 1", "part 2"])
    #expect(spans.dropLast().allSatisfy { $0.parentSpanID == root.spanID && $0.traceID == root.traceID && $0.kind == .internal })
    #expect(Set(spans.map(\.spanID)).count == 5 && spans.allSatisfy { $0.endUnixNano >= $0.startUnixNano && $0.startUnixNano >= root.startUnixNano })
    #expect(tracer.drain().isEmpty)
  }

  @Test("many tasks lose nothing, and each child has its own parent") func concurrency() async {
    let tracer = tracer { $0.spansMax = 100_000 }
    let (tasks, each) = (16, 500)
    await withTaskGroup(of: Void.self) { group in
      for task in 0..<tasks {
        group.addTask {
          for i in 0..<each {
            await tracer.withSpan("outer") { outer in
              outer.attributes["key"] = task * each + i
              await tracer.withSpan("inner") { inner in
                if i % 50 == 0 { await Task.yield() }
                inner.attributes["key"] = task * each + i
              }
            }
          }
        }
      }
    }
    let spans = tracer.drain()
    #expect(spans.count == 2 * tasks * each && tracer.counts == TelemetryBufferCounts(recorded: spans.count, dropped: 0))
    #expect(Set(spans.map(\.spanID)).count == spans.count)
    let outer = Dictionary(uniqueKeysWithValues: spans.filter { $0.name == "outer" }.map { ($0.spanID, $0) })
    #expect(Set(outer.values.compactMap { $0.attributes["key"]?.int }).count == tasks * each)
    for inner in spans where inner.name == "inner" {
      #expect(outer[inner.parentSpanID]?.attributes == inner.attributes && outer[inner.parentSpanID]?.traceID == inner.traceID)
    }
  }

  @Test("a buffer that nobody drains drops and counts; what is drained makes room") func bounded() {
    let tracer = tracer { $0.spansMax = 3 }
    for i in 0..<5 { tracer.withSpan("s\(i)") { _ in } }
    #expect(tracer.drain().map(\.name) == ["s0", "s1", "s2"] && tracer.counts == TelemetryBufferCounts(recorded: 3, dropped: 2))
    tracer.withSpan("s5") { _ in }
    #expect(tracer.drain().map(\.name) == ["s5"])
  }

  @Test("everything that a span may hold is equal after OTLP in both formats", arguments: OTLPFormat.allCases)
  func everything(format: OTLPFormat) throws {
    let tracer = tracer()
    let other = tracer.startSpan("other")
    other.end()
    let span = tracer.startSpan("POST", ofKind: .client, at: Moment(nanosecondsSinceEpoch: 1_000))
    span.operationName = "POST /cart"
    span.updateAttributes { attributes in
      attributes["text"] = String(repeating: "ü", count: 300)
      attributes["int"] = 7
      attributes["half"] = 0.5
      attributes["yes"] = true
      attributes["list"] = ["a", "b"]
      attributes["numbers"] = [1, 2, 3]
      attributes["doubles"] = [0.5]
      attributes["flags"] = [true, false]
    }
    span.addEvent(SpanEvent(name: "sent", at: Moment(nanosecondsSinceEpoch: 1_500), attributes: ["bytes": 12]))
    span.addLink(SpanLink(context: other.context, attributes: ["why": "retry"]))
    span.addLink(SpanLink(context: .topLevel, attributes: [:]))
    span.recordError(Failure(), attributes: ["try": 2], at: Moment(nanosecondsSinceEpoch: 1_800))
    span.setStatus(SpanStatus(code: .error, message: "declined"))
    span.end(at: Moment(nanosecondsSinceEpoch: 2_000))
    span.attributes["late"] = 1
    span.end()

    let batch = tracer.drain(resource: Resource(attributes: [Attribute("service.name", "shop")]), scope: InstrumentationScope(name: "test"))
    #expect(batch.recordCount == 2)
    let found = try #require(batch.records.last)
    #expect(found.name == "POST /cart" && found.kind == .client && found.startUnixNano == 1_000 && found.endUnixNano == 2_000)
    #expect(found.attributes.map(\.key) == ["doubles", "flags", "half", "int", "list", "numbers", "text", "yes"])
    #expect(found.attributes["list"] == .array(["a", "b"]) && found.attributes["numbers"] == .array([1, 2, 3]) && found.attributes["half"] == 0.5)
    #expect(found.attributes["text"]?.string?.utf8.count == 600)
    #expect(found.events.map(\.name) == ["sent", "exception"] && found.events.map(\.unixNano) == [1_500, 1_800])
    #expect(found.events[1].attributes["exception.message"] == "card declined" && found.events[1].attributes["try"] == 2)
    #expect(found.events[1].attributes["exception.type"]?.string?.hasSuffix("Failure") == true)
    #expect(found.links.map(\.spanID) == [other.spanContext.spanID] && found.links[0].attributes["why"] == "retry" && found.droppedLinks == 1)
    #expect(found.status == .error("declined") && found.droppedAttributes == 0)
    let received = try OTLPDecoder().traces(batch.encoded(as: format), as: format)
    #expect(received.batch == batch)
  }

  @Test("limits of a span drop and count") func limits() throws {
    let tracer = tracer { ($0.attributesMax, $0.eventsMax, $0.linksMax) = (2, 1, 1) }
    tracer.withSpan("s") { span in
      span.updateAttributes { for key in ["a", "b", "c", "d"] { $0[key] = 1 } }
      for _ in 0..<3 { span.addEvent("e") }
      for _ in 0..<3 { span.addLink(SpanLink(context: span.context, attributes: [:])) }
    }
    let span = try #require(tracer.drain().first)
    #expect(span.attributes.map(\.key) == ["a", "b"] && span.droppedAttributes == 2)
    #expect(span.events.count == 1 && span.droppedEvents == 2 && span.links.count == 1 && span.droppedLinks == 2)
  }

  @Test("an error that leaves withSpan is an event and the status") func thrown() throws {
    let tracer = tracer()
    #expect(throws: Failure.self) { try tracer.withSpan("s") { _ in throw Failure() } }
    let span = try #require(tracer.drain().first)
    #expect(span.status.code == .error && span.events.map(\.name) == ["exception"])
  }

  @Test("inject and extract carry trace, tracestate and baggage to the next service") func propagation() throws {
    let (shop, stock) = (tracer(), tracer { $0.seed = 2 })
    var context = ServiceContext.topLevel
    context.baggage = Baggage("tenant=a%20b")
    var sent: [String: String] = [:]
    let client = shop.startSpan("call", context: context, ofKind: .client)
    shop.inject(client.context, into: &sent, using: Fields())
    client.end()
    #expect(sent["traceparent"] == client.spanContext.traceparent && sent["baggage"] == "tenant=a%20b" && sent["tracestate"] == "ot=th:0")

    sent["tracestate"] = "vendor=x," + (sent["tracestate"] ?? "")
    var received = ServiceContext.topLevel
    stock.extract(sent, into: &received, using: Fields())
    #expect(received.baggage?["tenant"] == "a b" && received.spanContext?.spanID == client.spanContext.spanID)
    stock.withSpan("serve", context: received, ofKind: .server) { _ in stock.withSpan("read") { _ in } }
    let (caller, spans) = (try #require(shop.drain().first), stock.drain())
    let server = try #require(spans.last)
    #expect(server.traceID == caller.traceID && server.parentSpanID == caller.spanID && server.traceState == "vendor=x,ot=th:0")
    #expect(server.flags == 0x303 && spans[0].flags == 0x103 && spans[0].traceState == server.traceState && caller.flags == 0x003)

    // What cannot be read begins a trace; nothing is injected of a context outside any.
    var broken = ServiceContext.topLevel
    stock.extract(["traceparent": "00-xyz"], into: &broken, using: Fields())
    var empty: [String: String] = [:]
    stock.inject(broken, into: &empty, using: Fields())
    #expect(broken.spanContext == nil && empty.isEmpty)
  }

  @Test("a ratio keeps whole traces: about its share, the threshold told, children with their parents") func sampling() throws {
    let tracer = tracer { ($0.sampler, $0.spansMax) = (.parentBased(root: .ratio(0.25)), 100_000) }
    for _ in 0..<2_000 {
      tracer.withSpan("root") { root in
        tracer.withSpan("child") { child in #expect(child.isRecording == root.isRecording && child.spanContext.traceID == root.spanContext.traceID) }
      }
    }
    let spans = tracer.drain()
    let roots = spans.count { $0.isRoot }
    // Binomial: mean 500, standard deviation 19.4.
    #expect((400...600).contains(roots) && spans.count == 2 * roots)
    #expect(spans.allSatisfy { $0.traceState == "ot=th:c" && $0.traceID.randomness >= 0xC0_0000_0000_0000 })
    // A caller who does not sample is followed, and told on.
    var context = ServiceContext.topLevel
    tracer.extract(["traceparent": "00-00000000000000010000000000000001-0000000000000002-00"], into: &context, using: Fields())
    let span = tracer.startSpan("quiet", context: context)
    #expect(!span.isRecording && !span.spanContext.isSampled && span.spanContext.traceID.low == 1)
    span.end()
    #expect(tracer.drain().isEmpty)
  }

  @Test("the active span is found from its context until it ends") func active() {
    let tracer = tracer()
    let span = tracer.startSpan("s")
    tracer.activeSpan(identifiedBy: span.context)?.attributes["from"] = "context"
    span.end()
    #expect(tracer.activeSpan(identifiedBy: span.context) == nil && tracer.activeSpan(identifiedBy: .topLevel) == nil)
    #expect(tracer.drain().first?.attributes["from"] == "context")
  }

  @Test("the older face of the API records the same") func legacy() {
    let tracer: any Tracer = tracer()
    tracer.withAnySpan("any") { $0.attributes["a"] = 1 }
    #expect((tracer as? TelemetryTracer)?.drain().map(\.name) == ["any"])
  }
}

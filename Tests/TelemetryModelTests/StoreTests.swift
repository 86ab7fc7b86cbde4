import Testing

@testable import TelemetryModel

@Suite struct StoreTests {
  private func span(_ trace: UInt64, _ id: UInt64, parent: UInt64 = 0, _ start: UInt64 = 0, _ end: UInt64 = 10, name: String = "s") -> Span {
    Span(
      traceID: TraceID(high: trace, low: 1), spanID: SpanID(id), parentSpanID: SpanID(parent), name: name, startUnixNano: start, endUnixNano: end)
  }

  private func origin(_ service: String = "a") -> SpanOrigin { SpanOrigin(resource: Resource(attributes: [Attribute("service.name", .string(service))])) }

  @Test("what came last is kept, the oldest goes first, whole traces are found before and after", arguments: [100, 5_000, 20_000])
  func bounded(spansMax: Int) {
    var limits = SpanStore.Limits()
    limits.spansMax = spansMax
    var store = SpanStore(limits: limits)
    for i in 0..<50_000 as Range<UInt64> {
      store.append(TraceBatch(resource: Resource(), records: [span(i / 5 + 1, i + 1, i)]))
      if i % 7_777 == 0 { _ = store.trace(TraceID(high: 1, low: 1)) }
    }
    #expect(store.count <= spansMax && store.count + store.evicted == 50_000 && store.count >= min(spansMax / 2, spansMax - 4096))
    var all: [Span] = []
    store.forEach { all.append($0.span) }
    #expect(all.map(\.startUnixNano) == Array(UInt64(store.evicted)..<50_000))
    #expect(store.bytes == all.reduce(0) { $0 + $1.approximateBytes })
    for trace in [UInt64(1), 5_000, 9_990, 10_000] {
      let id = TraceID(high: trace, low: 1)
      let expected = all.filter { $0.traceID == id }
      #expect(store.trace(id).map(\.span) == expected)
    }
    #expect(Set(store.traceIDs()) == Set(all.map(\.traceID)))
    #expect(store.trace(TraceID(high: 99_999, low: 1)).isEmpty)
    #expect(store.spans(max: 3) { $0.span.spanID.value % 2 == 0 }.count == 3)
  }

  @Test("bytes bound it too")
  func bytes() {
    var limits = SpanStore.Limits()
    limits.bytesMax = 100_000
    var store = SpanStore(limits: limits)
    var one = span(1, 1)
    one.attributes = [Attribute("key", .string(String(repeating: "x", count: 1000)))]
    for _ in 0..<1000 { store.append(TraceBatch(resource: Resource(), records: [one])) }
    #expect(store.bytes <= 100_000 && store.count > 10 && store.evicted + store.count == 1000)
    one.attributes = [Attribute("key", .string(String(repeating: "x", count: 200_000)))]
    store.append(TraceBatch(resource: Resource(), records: [one]))
    #expect(store.count == 0 && store.bytes == 0)
  }

  @Test("equal resources are one origin; spans go back into batches as they came")
  func origins() {
    var random = RandomTelemetry(seed: 11)
    var store = SpanStore()
    let batch = random.batch { $0.span() }
    store.append(batch)
    store.append(batch)
    var spans: [OriginatedSpan] = []
    store.forEach { spans.append($0) }
    let half = spans.count / 2
    #expect((0..<half).allSatisfy { spans[$0].origin === spans[$0 + half].origin } && half == batch.recordCount)
    #expect(TraceBatch(Array(spans[..<half])).records == batch.records)
  }

  @Test("roots, orphans, children; a repeated span counts once, a cycle is no whole trace")
  func trees() {
    let a = origin()
    func tree(_ spans: [Span]) -> TraceTree { TraceTree(spans.map { OriginatedSpan($0, a) }) }
    let whole = tree([span(1, 2, parent: 1, 5), span(1, 1), span(1, 3, parent: 1, 2), span(1, 2, parent: 1, 5)])
    #expect(whole.isWhole && whole.roots == [1] && whole.orphans == [] && whole.children[1] == [2, 0] && whole.spans.count == 3)
    let broken = tree([span(1, 1), span(1, 3, parent: 9)])
    #expect(!broken.isWhole && broken.orphans == [1])
    #expect(!tree([span(1, 1), span(1, 2)]).isWhole && !tree([]).isWhole && tree([]).criticalPath().isEmpty)
    let cycle = tree([span(1, 1), span(1, 2, parent: 3), span(1, 3, parent: 2)])
    #expect(!cycle.isWhole && cycle.criticalPath().map(\.place) == [0])
  }

  @Test("self time is what no child covers; the critical path adds up to the root's duration")
  func times() {
    let a = origin()
    // root 0–100: a 10–40 (with a1 20–30), b 35–60, c 50–90, outside 90–130.
    let spans = [
      span(1, 1, 0, 100, name: "root"), span(1, 2, parent: 1, 10, 40, name: "a"), span(1, 3, parent: 2, 20, 30, name: "a1"),
      span(1, 4, parent: 1, 35, 60, name: "b"), span(1, 5, parent: 1, 50, 90, name: "c"),
    ]
    let tree = TraceTree(spans.map { OriginatedSpan($0, a) })
    #expect(tree.selfTime(0) == 20 && tree.selfTime(1) == 20 && tree.selfTime(2) == 10)
    let path = tree.criticalPath().map { "\(tree.spans[$0.place].span.name) \($0.start)-\($0.end)" }
    #expect(path == ["root 0-10", "a 10-20", "a1 20-30", "a 30-35", "b 35-50", "c 50-90", "root 90-100"])
    let skewed = TraceTree([span(1, 1, 0, 100), span(1, 2, parent: 1, 90, 130)].map { OriginatedSpan($0, a) })
    #expect(skewed.selfTime(0) == 90 && skewed.criticalPath().map { $0.end - $0.start } == [90, 10])
    for seed in 1...100 {
      var random = RandomTelemetry(seed: UInt64(seed))
      let spans = (1...30).map { i -> Span in
        let start = UInt64(random.below(1000))
        return span(1, UInt64(i), parent: i == 1 ? 0 : UInt64(1 + random.below(i - 1)), i == 1 ? 0 : start, i == 1 ? 1000 : start + UInt64(random.below(400)))
      }
      let tree = TraceTree(spans.map { OriginatedSpan($0, a) })
      let path = tree.criticalPath()
      #expect(path.reduce(0) { $0 + $1.end - $1.start } == 1000 && path.first?.start == 0 && path.last?.end == 1000)
      #expect(zip(path, path.dropFirst()).allSatisfy { $0.end == $1.start })
    }
    // A chain as long as a trace may be.
    let chain = TraceTree((1...100_000).map { OriginatedSpan(span(1, UInt64($0), parent: UInt64($0 - 1), UInt64($0), 300_000 - UInt64($0)), a) })
    #expect(chain.isWhole && chain.criticalPath().count == 199_999)
  }
}

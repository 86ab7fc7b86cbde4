import ExperimentModel
import Testing

@testable import TelemetryModel

private let ms: UInt64 = 1_000_000

/// Spans written down as they are thought of: times in milliseconds.
private struct Sketch {
  var spans: [OriginatedSpan] = []
  private var origins: [String: SpanOrigin] = [:]

  mutating func add(
    _ trace: UInt64, _ id: UInt64, under parent: UInt64 = 0, _ service: String, _ name: String, _ start: UInt64, _ end: UInt64,
    kind: SpanKind = .server, error: String? = nil, state: String = "", _ attributes: [Attribute] = []
  ) {
    let origin = origins[service] ?? SpanOrigin(resource: Resource(attributes: [Attribute("service.name", .string(service))]))
    origins[service] = origin
    spans.append(
      OriginatedSpan(
        Span(
          traceID: TraceID(high: trace, low: trace << 40), spanID: SpanID(id), parentSpanID: SpanID(parent), name: name, kind: kind, startUnixNano: start * ms,
          endUnixNano: end * ms, attributes: attributes, status: error.map { .error($0) } ?? .unset, traceState: state), origin))
  }

  var capture: TelemetryCapture { TelemetryCapture(spans: spans) }
}

private func route(_ text: String) -> [Attribute] { [Attribute("http.route", .string(text))] }

@Suite struct QueryTests {
  /// Two routes; /a: 10, 20, … 100 ms, two of ten fail; /b: one of 5 ms that stands for four.
  private var requests: TelemetryCapture {
    var sketch = Sketch()
    for i in 1...10 as ClosedRange<UInt64> { sketch.add(i, 1, "shop", "GET /a", i * 100, i * 110, error: i > 8 ? "no \(i)" : nil, route("/a")) }
    // ot=th:c: kept with probability 1/4.
    sketch.add(11, 1, "shop", "GET /b", 1095, 1100, state: "ot=th:c", route("/b"))
    sketch.add(12, 1, "shop", "inner", 0, 4000, kind: .internal)
    return sketch.capture
  }

  @Test("rate, errors and duration by route, adjusted for sampling")
  func red() {
    let rows = requests.red()
    #expect(rows.map(\.group) == [["shop", "/a"], ["shop", "/b"]])
    // The capture's window is 4 s.
    #expect(rows[0].requests == 10 && rows[0].errors == 2 && rows[0].errorShare == 0.2 && rows[0].rate == 2.5)
    #expect(rows[0].p50 == 50e6 && rows[0].p95 == 100e6 && rows[0].mean == 55e6 && rows[0].errorP95 == 100e6)
    #expect(rows[1].requests == 4 && rows[1].p99 == 5e6 && rows[1].errorP95 == nil)
    #expect(requests.red(where: filter("duration>p(80)"), groupBy: ["status"]).map { [$0.group[0], "\($0.requests)"] } == [["error", "2.0"]])
    // T = 40 ms: 4 satisfied, 4 more tolerated that did not fail, and the four of /b.
    let apdex = requests.apdex(threshold: 40e6)
    #expect(apdex == ApdexScore(satisfied: 8, tolerating: 4, frustrated: 2) && apdex.score == 10.0 / 14)
  }

  @Test("a log takes as long as its trace; where spans were not captured, as long as it says itself")
  func logDurations() {
    let origin = SpanOrigin(resource: Resource(attributes: [Attribute("service.name", .string("shop"))]))
    func log(_ trace: UInt64) -> TelemetryCapture.Log {
      var record = LogRecord(unixNano: 1)
      record.attributes = [Attribute("nb.duration", .double(0.25))]
      record.traceID = TraceID(high: trace, low: trace << 40)
      return TelemetryCapture.Log(record, origin)
    }
    #expect(TelemetryCapture(spans: requests.spans, logs: [log(1), log(99)]).logs.map(\.duration) == [10_000_000, 250_000_000])
  }

  @Test("metrics from spans agree with the generator's count, and with its quantile to a bucket")
  func spanMetrics() {
    let metrics = requests.spanMetrics()
    #expect(metrics[0].calls == 10 && metrics[0].buckets[1...6] == [1, 1, 3, 2, 3, 0] && metrics[0].bucket(ofQuantile: 0.95) == 5)
    #expect(TelemetryCapture.agreement(metrics, count: 14, value: 0.1) == SpanMetricAgreement(countDifference: 0, bucketDistance: 0))
    #expect(TelemetryCapture.agreement(metrics, count: 14, value: 0.12).agrees)
    #expect(!TelemetryCapture.agreement(metrics, count: 14, value: 0.4).agrees && !TelemetryCapture.agreement(metrics, count: 13, value: 0.1).agrees)
  }

  @Test("errors are one group by type, route and what is left of the message")
  func errors() {
    let groups = requests.errorGroups()
    #expect(groups.count == 1 && groups[0].count == 2 && groups[0].message == "no #" && groups[0].route == "/a" && groups[0].traces.count == 2)
    #expect(groups[0].fingerprint.count == 16 && groups[0].firstUnixNano == 900 * ms)
    #expect(maskedMessage("user 4711 not found in shard-7\n  at Shop.find(Shop.java:12)") == "user # not found in #")
    #expect(maskedMessage("deadbeefcafe [1, 2, 3] café") == "# [#] café" && maskedMessage("").isEmpty)
    #expect(maskedMessage(String(repeating: "x", count: 5_000_000)).count <= 201)
  }

  /// Ten traces: edge 0–60, pricing within; in the two slow ones pricing takes 100 ms more and catalog 20 ms.
  private var slowAndFast: TelemetryCapture {
    var sketch = Sketch()
    for i in 1...10 as ClosedRange<UInt64> {
      let extra: UInt64 = i > 8 ? 100 : 0, more: UInt64 = i > 8 ? 20 : 0
      sketch.add(i, 1, "edge", "GET /", 0, 60 + extra + more, route("/"))
      sketch.add(i, 2, under: 1, "pricing", "price", 10, 30 + extra)
      sketch.add(i, 3, under: 1, "catalog", "items", 30 + extra, 50 + extra + more, kind: .client, i == 10 ? [Attribute("db.system.name", "postgresql")] : [])
    }
    return sketch.capture
  }

  @Test("the excess of slow traces is divided among spans without a rest")
  func criticalPath() {
    let report = slowAndFast.criticalPath(where: filter("duration>p(80)"), versus: filter("duration<p(50)"))
    // No trace is faster than the median of equal ones.
    #expect(report.chosen == 2 && report.base == 0)
    let split = slowAndFast.criticalPath(where: filter("duration>100ms"), versus: filter("duration<=p(50)"))
    #expect(split.chosen == 2 && split.base == 8 && split.excess == 120e6)
    #expect(split.rows.map { "\($0.service) \($0.name)" } == ["pricing price", "catalog items", "edge GET /"])
    #expect(split.rows.map(\.delta) == [100e6, 20e6, 0] && split.rows.map(\.share) == [100.0 / 120, 20.0 / 120, 0])
    let unaccounted = slowAndFast.unaccounted()
    #expect(unaccounted.share == 200.0 / 840 && unaccounted.traces == 10 && unaccounted.services.map(\.service) == ["edge"])
  }

  @Test("a root without children is unaccounted for as a whole")
  func aRootAlone() {
    var sketch = Sketch()
    sketch.add(1, 1, "edge", "GET /", 0, 60, route("/"))
    sketch.add(1, 2, under: 1, "pricing", "price", 10, 50)
    sketch.add(2, 1, "edge", "GET /", 0, 40, route("/"))
    let found = sketch.capture.unaccounted()
    #expect(found.share == 0.6 && found.traces == 2)
  }

  @Test("the service map has an edge for each pair that calls, and one to what sends no spans")
  func serviceMap() throws {
    let map = slowAndFast.serviceMap()
    #expect(map.nodes.map(\.name) == ["clients", "catalog", "edge", "pricing", "postgresql"] && map.nodes.last?.kind == .outside)
    let edges = map.edges.map { "\(map.nodes[$0.from].name)→\(map.nodes[$0.to].name) \(Int($0.calls)) \(Int($0.p95 / 1e6))" }
    #expect(edges == ["clients→edge 10 180", "catalog→postgresql 1 40", "edge→catalog 10 40", "edge→pricing 10 120"])
  }

  @Test("an example is the median of what was asked for; its gaps are where no child ran")
  func waterfall() throws {
    let capture = slowAndFast
    let trace = try #require(capture.exampleTrace(where: filter("duration>100ms")))
    let waterfall = capture.waterfall(trace)
    #expect(waterfall.duration == 180e6 && waterfall.bars.map(\.name) == ["GET /", "price", "items"] && waterfall.bars.map(\.depth) == [0, 1, 1])
    #expect(waterfall.gaps == [.init(0, 10e6), .init(170e6, 180e6)] && waterfall.bars[0].selfTime == 20e6)
    #expect(waterfall.bars[1].critical == [.init(10e6, 130e6)] && waterfall.omitted == 0)
    let flame = capture.flameProfile(where: filter("duration>100ms"))
    #expect(flame.traces == 2 && flame.profile.samples == 360_000)
    #expect(flame.profile.stacks.map(\.count) == [40_000, 80_000, 240_000])
  }

  @Test("lifts count traces, not spans, and leave out what was asked for")
  func lifts() throws {
    var sketch = Sketch()
    for i in 1...1000 as ClosedRange<UInt64> {
      let isSlow = i % 20 == 0
      sketch.add(i, 1, "edge", "", 0, isSlow ? 200 : 10 + i % 5, route("/"))
      for child in 2...4 as ClosedRange<UInt64> {
        sketch.add(i, child, under: 1, "db", "", 0, 5, [Attribute("shard", .int(Int64(isSlow ? 7 : i % 20))), Attribute("half", .int(Int64(i % 2)))])
      }
    }
    let found = sketch.capture.lifts(.traces, where: filter("http.route==/", "duration>p(95)"))
    #expect(found.chosen == 50 && found.total == 1000)
    // Shard 7: all 50 slow ones and 50 of the others.
    let row = try #require(found.rows.first)
    #expect(row.attribute == "shard" && row.value == "7" && row.hits == 50 && row.marked == 100 && row.lift.value == 10 && row.isFound)
    #expect(found.rows.map { "\($0.attribute)=\($0.value)" } == ["shard=7", "half=0"] && found.rows[1].lift.value == 2)
    #expect(!found.rows.contains { $0.attribute == "http.route" })
    let versus = sketch.capture.lifts(.traces, where: filter("duration>p(95)"), versus: filter("duration<p(50)"))
    #expect(versus.chosen == 50 && versus.total < 600 && versus.rows[0].value == "7")
  }

  @Test("series are label sets; their product is what the labels can span")
  func cardinality() throws {
    let origin = SpanOrigin(resource: Resource(attributes: [Attribute("service.name", "a")]))
    func point(_ route: Int64, _ code: Int64, user: Int64? = nil) -> HistogramPoint {
      var point = HistogramPoint()
      point.attributes = [Attribute("route", .int(route)), Attribute("code", .int(code))] + (user.map { [Attribute("user", .int($0))] } ?? [])
      point.bucketCounts = [0, 0, 0]
      point.bounds = [1, 2]
      return point
    }
    // The same label set twice, in another order, and in another export.
    var swapped = point(1, 200)
    swapped.attributes.reverse()
    let first = TelemetryMetric(name: "d", data: .histogram([point(1, 200), point(2, 200), point(3, 200), point(1, 500)], .delta))
    let second = TelemetryMetric(name: "d", data: .histogram([swapped, point(1, 200, user: 9)], .delta))
    let capture = TelemetryCapture(metrics: [.init(first, origin), .init(second, origin)])
    let series = try #require(capture.seriesCardinality().first)
    // Routes 3 × codes 2 × (users 1 + none) × service 1; a histogram of 3 buckets is kept as 5.
    #expect(series.series == 5 && series.product == 12 && series.stored == 25 && series.labels.map(\.values) == [3, 2, 1, 1])
    #expect(requests.attributeCardinality().map { "\($0.attribute) \($0.values) \($0.records)" } == ["http.route 2 11", "service.name 1 12"])
  }

  @Test("head sampling loses errors with the rest; a tail policy keeps them")
  func sampling() {
    var sketch = Sketch()
    var random = RandomTelemetry(seed: 3)
    for i in 1...2_000 as ClosedRange<UInt64> {
      sketch.add(i, 1, "edge", "", i * 5, i * 5 + (i % 50 == 0 ? 300 : 10), error: i % 100 == 1 ? "e" : nil)
      sketch.spans[sketch.spans.count - 1].span.traceID.low = random.next()
    }
    let slow = filter("duration>100ms")
    let capture = sketch.capture
    let head = capture.replay(.ratio(0.05), slow: slow)
    #expect(head.errors == 20 && head.slow == 40 && (70...130).contains(head.keptTraces) && head.keptErrors <= 4)
    var configuration = TailSampler.Configuration(policies: [
      TailPolicy("slow", .latency(min: 100 * ms)), TailPolicy("errors", .statusCode([.error])),
      TailPolicy("some", .probabilistic(SamplingThreshold(probability: 0.01)!)),
    ])
    configuration.decisionWait = 1_000_000_000
    let tail = capture.replay(configuration, slow: slow)
    #expect(tail.keptErrorShare == 1 && tail.keptSlowShare == 1 && (60...95).contains(tail.keptTraces) && tail.keptSpans == tail.keptTraces)
    configuration.tracesMax = 10
    #expect(capture.replay(configuration, slow: slow).evictedTraces > 1000)
  }

  @Test("cells hold every request once; the slowest are marked")
  func heatMap() {
    let map = requests.heatMap(columns: 10)
    #expect(map.counts.count == 10 && map.counts.allSatisfy { $0.count == map.edges.count - 1 })
    #expect(map.counts.reduce(0) { $0 + $1.reduce(0, +) } == 11 && map.omitted == 0)
    #expect(map.edges.first! < 5e6 && map.edges.last! >= 100e6 && map.exemplars.count == 8)
    #expect(TelemetryCapture().heatMap() == LatencyHeatMap(columnWidth: 0, edges: [], counts: []))
    for (least, most) in [(1.0, 1.0), (1, 1e12), (4.9e6, 5e6), (5e6, 5e6), (0.5, 9e18)] {
      let edges = TelemetryCapture.heatEdges(least, most)
      #expect(edges.count >= 2 && zip(edges, edges.dropFirst()).allSatisfy { $0 < $1 } && edges.last! >= most && (edges[0] < least || edges[0] == 1))
    }
  }

  @Test("utilisation, saturation and errors of a pool")
  func use() {
    let origin = SpanOrigin(resource: Resource(attributes: [Attribute("service.name", "a")]))
    let pool = Attribute("pool", "main")
    func metric(_ name: String, _ data: MetricData) -> TelemetryCapture.Metric { .init(TelemetryMetric(name: name, unit: "s", data: data), origin) }
    func number(_ time: UInt64, _ value: Int64, state: String? = nil) -> NumberPoint {
      NumberPoint(attributes: [pool] + (state.map { [Attribute("state", .string($0))] } ?? []), unixNano: time, value: .int(value))
    }
    var wait = HistogramPoint()
    wait.attributes = [pool]
    wait.count = 4
    wait.sum = 0.02
    let capture = TelemetryCapture(metrics: [
      metric("db.pool.count", .gauge([number(1, 2, state: "used"), number(1, 6, state: "idle")])),
      metric("db.pool.count", .gauge([number(2, 8, state: "used")])),
      metric("db.pool.max", .gauge([number(1, 8)])), metric("db.pool.pending_requests", .gauge([number(1, 0), number(2, 5)])),
      metric("db.pool.timeouts", .sum([number(1, 3), number(2, 7), number(3, 1)], .cumulative, isMonotonic: true)),
      metric("db.pool.wait_time", .histogram([wait], .cumulative)), metric("unknown.thing", .gauge([number(1, 1)])),
    ])
    let rows = capture.use()
    #expect(rows.count == 1 && rows[0].resource == "db.pool{pool=main}" && rows[0].utilization == 0.625 && rows[0].utilizationMax == 1)
    #expect(rows[0].saturation == 2.5 && rows[0].saturationMax == 5 && rows[0].wait == 5e6 && rows[0].errors == 8)
  }

  @Test("what was busy and what waited is exact where times say so; another start is another count")
  func exactUse() {
    let origin = SpanOrigin(resource: Resource(attributes: [Attribute("service.name", "a")]))
    func metric(_ name: String, _ data: MetricData) -> TelemetryCapture.Metric { .init(TelemetryMetric(name: name, unit: "s", data: data), origin) }
    func time(_ start: UInt64, _ end: UInt64, _ sum: Double, _ count: UInt64) -> HistogramPoint {
      var point = HistogramPoint()
      (point.startUnixNano, point.unixNano, point.sum, point.count) = (start * 1_000_000_000, end * 1_000_000_000, sum, count)
      return point
    }
    // 4 workers: 12 s of work in 10 s and 3 s of work in 5 s; 2 s and 1 s of waiting.
    let capture = TelemetryCapture(metrics: [
      metric("nb.workers.max", .gauge([NumberPoint(unixNano: 1, value: .int(4))])), metric("nb.workers.busy", .gauge([NumberPoint(unixNano: 1, value: .int(0))])),
      metric("nb.workers.use_time", .histogram([time(1, 6, 5, 50), time(1, 11, 12, 120), time(11, 16, 3, 30)], .cumulative)),
      metric("nb.workers.wait_time", .histogram([time(1, 11, 2, 120), time(11, 16, 1, 30)], .cumulative)),
    ])
    let rows = capture.use()
    #expect(rows.count == 1 && rows[0].resource == "nb.workers" && rows[0].utilization == 15 / 15 / 4 && rows[0].utilizationMax == nil)
    #expect(rows[0].saturation == 3 / 15.0 && rows[0].wait == 3e9 / 150)
  }

  @Test("a request counts where it came in; with a condition, where it came to what is looked at")
  func entries() {
    func span(_ id: UInt64, _ parent: UInt64, _ service: String, _ kind: SpanKind, _ ms: UInt64) -> OriginatedSpan {
      var span = Span(traceID: TraceID(high: 1, low: 1), spanID: SpanID(id), name: "x", kind: kind, startUnixNano: 0, endUnixNano: ms * 1_000_000)
      span.parentSpanID = SpanID(parent)
      return OriginatedSpan(span, SpanOrigin(resource: Resource(attributes: [Attribute("service.name", .string(service))])))
    }
    let capture = TelemetryCapture(spans: [
      span(1, 0, "edge", .server, 100), span(2, 1, "edge", .client, 90), span(3, 2, "origin", .server, 80), span(4, 3, "origin", .client, 70),
      span(5, 4, "pricing", .server, 60), span(6, 5, "origin", .server, 5),
    ])
    func seen(_ filter: TelemetryFilter) -> [Double] { capture.red(where: filter, groupBy: [], entries: true).map(\.p95) }
    #expect(seen(.all) == [100e6])
    let origin = TelemetryFilter([TelemetryCondition("service.name", .equal, .text("origin"))])
    // The call back into origin is led to by the first one.
    #expect(seen(origin) == [80e6] && capture.red(where: origin, groupBy: []).map(\.requests) == [2])
    #expect(seen(TelemetryFilter([TelemetryCondition("duration", .less, .quantity(Quantity(70e6, .nanoseconds)))])) == [])
    #expect(capture.heatMap().counts.joined().reduce(0, +) == 1 && capture.exemplars().rows.reduce(0) { $0 + $1.count } == 1)
  }

  @Test("exemplars lead from a bucket to traces of its height")
  func exemplars() {
    let rows = requests.exemplars(perBucket: 2).rows
    #expect(rows.map(\.count).reduce(0, +) == 14 && rows[0].traceIDs == [TraceID(high: 11, low: 11 << 40).hex] && rows[0].high == 5e6)
    #expect(rows[5].traceIDs.count == 2 && rows[5].low == 75e6 && rows.last?.high == nil)
    var histogram = ExplicitHistogram(bounds: [0.01, 0.1])
    for value in [0.005, 0.05, 0.05] { histogram.record(value) }
    var point = histogram.point()
    point.exemplars = [
      Exemplar(unixNano: 1, value: .double(0.05), traceID: TraceID(high: 3, low: 3 << 40)),
      Exemplar(unixNano: 1, value: .double(0.05), traceID: TraceID(high: 99, low: 1)),
    ]
    let metric = TelemetryMetric(name: "m", unit: "s", data: .histogram([point], .cumulative))
    let origin = SpanOrigin(resource: Resource())
    let found = TelemetryCapture(spans: requests.spans, metrics: [.init(metric, origin), .init(metric, origin)]).exemplars(metric: "m")
    #expect(found.rows.map(\.count) == [1, 2, 0] && found.rows.map(\.traceIDs.count) == [0, 1, 0])
  }
}

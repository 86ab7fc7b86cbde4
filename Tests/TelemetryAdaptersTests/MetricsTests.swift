import CoreMetrics
import TelemetryAdapters
import TelemetryModel
import Testing

private func metrics(_ change: (inout TelemetryMetrics.Options) -> Void = { _ in }) -> TelemetryMetrics {
  var options = TelemetryMetrics.Options()
  change(&options)
  return TelemetryMetrics(options, since: 100)
}

private func sums(_ metric: TelemetryMetric?) -> [NumberPoint] {
  if case .sum(let points, _, _)? = metric?.data { points } else { [] }
}

@Suite struct MetricsTests {
  @Test("counters from many tasks add up; the same label and dimensions are one instrument") func totals() async {
    let factory = metrics()
    await withTaskGroup(of: Void.self) { group in
      for task in 0..<8 {
        group.addTask {
          for i in 1...1_000 {
            Counter(label: "requests", dimensions: [("route", "/\(task % 2)"), ("method", "GET")], factory: factory).increment()
            FloatingPointCounter(label: "kilobytes", factory: factory).increment(by: 0.5)
            Timer(label: "latency", factory: factory).recordNanoseconds(Int64(i) * 1_000_000)
          }
        }
      }
    }
    let found = Dictionary(uniqueKeysWithValues: factory.drain(at: 200).map { ($0.name, $0) })
    let requests = sums(found["requests"])
    #expect(requests.map(\.value) == [.int(4_000), .int(4_000)] && requests.allSatisfy { $0.startUnixNano == 100 && $0.unixNano == 200 })
    #expect(Set(requests.map { $0.attributes["route"]?.string }) == ["/0", "/1"] && requests[0].attributes.map(\.key) == ["method", "route"])
    #expect(sums(found["kilobytes"]).map(\.value) == [.double(4_000)])
    guard case .exponentialHistogram(let points, .cumulative)? = found["latency"]?.data, let point = points.first else {
      Issue.record("no histogram")
      return
    }
    #expect(found["latency"]?.unit == "s" && point.count == 8_000 && point.min == 0.001 && point.max == 1)
    // 8 · Σ i/1000 for i = 1…1000.
    #expect(abs((point.sum ?? 0) - 8 * 500.5) < 1e-6)
    // The median of 1…1000 ms lies in its bucket, at most a bucket's width away.
    let histogram = ExponentialHistogram(point)
    #expect(abs((histogram?.quantile(0.5) ?? 0) / 0.5 - 1) < (histogram?.base ?? 0) - 1)
  }

  @Test("illegal values are ignored, and a total never runs over") func illegal() {
    let factory = metrics()
    let counter = factory.makeCounter(label: "c", dimensions: [])
    for amount in [5, -3, 0] as [Int64] { counter.increment(by: amount) }
    let floating = factory.makeFloatingPointCounter(label: "f", dimensions: [])
    for amount in [1.5, -1, .nan, .infinity] { floating.increment(by: amount) }
    let full = factory.makeCounter(label: "full", dimensions: [])
    for _ in 0..<2 { full.increment(by: .max) }
    let recorder = factory.makeRecorder(label: "r", dimensions: [], aggregate: true)
    for value in [1, .nan, .infinity, -3] { recorder.record(value) }
    let found = factory.drain(at: 200)
    #expect(found.prefix(3).flatMap { sums($0) }.map(\.value) == [.int(5), .double(1.5), .int(.max)])
    guard case .exponentialHistogram(let points, _)? = found.last?.data else { Issue.record("no histogram"); return }
    // Values of both signs have no sum.
    #expect(points.first?.count == 2 && points.first?.sum == nil && points.first?.min == -3)
  }

  @Test("meters and gauges tell the last value, and nothing before the first") func gauges() {
    let factory = metrics()
    let meter = factory.makeMeter(label: "pool", dimensions: [])
    let gauge = factory.makeRecorder(label: "depth", dimensions: [], aggregate: false)
    #expect(factory.drain(at: 150).isEmpty)
    meter.set(4 as Int64)
    meter.increment(by: 2)
    meter.decrement(by: 0.5)
    gauge.record(7 as Int64)
    gauge.record(9 as Int64)
    let values = factory.drain(at: 200).map { metric -> [MetricNumber?] in
      if case .gauge(let points) = metric.data { points.map(\.value) } else { [] }
    }
    #expect(values == [[.double(5.5)], [.int(9)]])
  }

  @Test("a reset begins a new total; delta begins one at each drain") func starts() {
    let cumulative = metrics(), delta = metrics { $0.temporality = .delta }
    for factory in [cumulative, delta] {
      let counter = factory.makeCounter(label: "c", dimensions: [])
      counter.increment(by: 3)
      _ = factory.drain(at: 200)
      counter.increment(by: 4)
    }
    let (whole, part) = (sums(cumulative.drain(at: 300).first), sums(delta.drain(at: 300).first))
    #expect(whole.map(\.value) == [.int(7)] && whole[0].startUnixNano == 100)
    #expect(part.map(\.value) == [.int(4)] && part[0].startUnixNano == 200)
    cumulative.makeCounter(label: "c", dimensions: []).reset()
    cumulative.makeCounter(label: "c", dimensions: []).increment(by: 1)
    let after = sums(cumulative.drain(at: 400).first)
    #expect(after.map(\.value) == [.int(1)] && after[0].startUnixNano == 300)
  }

  @Test("what is destroyed is told once more, then gone; made again it goes on") func destroyed() {
    let factory = metrics()
    let gone = factory.makeCounter(label: "gone", dimensions: []), kept = factory.makeCounter(label: "kept", dimensions: [])
    gone.increment(by: 1)
    kept.increment(by: 2)
    factory.destroyCounter(gone)
    factory.destroyCounter(kept)
    factory.makeCounter(label: "kept", dimensions: []).increment(by: 3)
    #expect(factory.drain(at: 200).map(\.name) == ["gone", "kept"])
    let later = factory.drain(at: 300)
    #expect(later.map(\.name) == ["kept"] && sums(later.first).map(\.value) == [.int(5)])
    factory.makeCounter(label: "gone", dimensions: []).increment(by: 1)
    #expect(sums(factory.drain(at: 400).last).map(\.startUnixNano) == [300])
  }

  @Test("too many combinations share one series and lose no count") func overflow() {
    let factory = metrics { $0.seriesMax = 10 }
    for user in 0..<1_000 { factory.makeCounter(label: "c", dimensions: [("user", "\(user)")]).increment(by: 1) }
    let points = sums(factory.drain(at: 200).first)
    #expect(points.count == 11 && points.last?.attributes == [Attribute("otel.metric.overflow", true)] && points.last?.value == .int(990))
  }

  @Test("equal after OTLP in both formats, with either kind of buckets", arguments: OTLPFormat.allCases, [
    TelemetryMetrics.Buckets.exponential(), .explicit(bounds: [1, 10, 100]),
  ])
  func otlp(format: OTLPFormat, buckets: TelemetryMetrics.Buckets) throws {
    let factory = metrics { $0.buckets = buckets }
    factory.makeCounter(label: "c", dimensions: [("k", "v")]).increment(by: 3)
    factory.makeFloatingPointCounter(label: "f", dimensions: []).increment(by: 0.25)
    factory.makeMeter(label: "m", dimensions: []).set(-1.5)
    for value in 1...50 { factory.makeRecorder(label: "r", dimensions: [], aggregate: true).record(Double(value)) }
    factory.makeTimer(label: "t", dimensions: []).recordNanoseconds(2_500_000_000)
    let batch = factory.drain(at: 200, resource: Resource(attributes: [Attribute("service.name", "shop")]))
    #expect(try OTLPDecoder().metrics(batch.encoded(as: format), as: format).batch == batch)
    guard case .explicit = buckets, case .histogram(let points, _)? = batch.records.first(where: { $0.name == "r" })?.data else { return }
    #expect(points[0].bucketCounts == [1, 9, 40, 0] && points[0].sum == 1_275)
  }
}

import ExperimentModel
import Foundation
import Testing

@testable import TelemetryModel

private func span(_ trace: UInt64, _ id: UInt64, _ parent: UInt64, _ start: UInt64, _ end: UInt64, _ attributes: [Attribute] = []) -> Span {
  Span(
    traceID: TraceID(high: trace, low: trace), spanID: SpanID(id), parentSpanID: SpanID(parent), name: "s\(id % 7)", kind: .server,
    startUnixNano: start, endUnixNano: end, attributes: attributes)
}

private let origin = SpanOrigin(resource: Resource(attributes: [Attribute("service.name", "a")]))

private func capture(_ spans: [Span]) -> TelemetryCapture { TelemetryCapture(spans: spans.map { OriginatedSpan($0, origin) }) }

/// Every kind of question, with a filter that divides and one that does not.
private var questions: [TelemetryQuery] {
  TelemetryQuery.Kind.allCases.flatMap { kind in
    [TelemetryFilter.all, TelemetryFilter([TelemetryCondition("duration", .greater, .quantile(0.5))])].flatMap { filter in
      TelemetryQuery.Source.allCases.map { source in
        TelemetryQuery(
          kind, source: source, where: filter, versus: TelemetryFilter([TelemetryCondition("status", .equal, .text("unset"))]), metric: "m",
          sampling: SamplingSpec(
            tail: [.latency(Nanoseconds(5)), .statusError, .probabilistic(0), .rateLimiting(spansPerSecond: 3)], decisionWait: Nanoseconds(1)))
      }
    }
  }
}

@Suite struct HostileCaptureTests {
  private static let captures: [(String, TelemetryCapture)] = [
    ("nothing", TelemetryCapture()),
    ("a cycle of parents", capture([span(1, 1, 2, 0, 10), span(1, 2, 1, 5, 20), span(2, 1, 1, 3, 9)])),
    ("a cycle beside a root", capture([span(1, 1, 0, 0, 10), span(1, 2, 3, 1, 2), span(1, 3, 2, 1, 2)])),
    ("parents that are not here", capture((1...50).map { span($0 % 5 + 1, $0, 1_000 + $0, $0, $0 + 10) })),
    ("two roots", capture([span(1, 1, 0, 0, 10), span(1, 2, 0, 3, 30), span(1, 3, 1, 4, 6)])),
    ("ends before starts", capture((1...20).map { span($0, 1, 0, 1_000, 1_000 - $0) } + [span(1, 2, 1, 990, 980)])),
    ("the ends of time", capture([span(1, 1, 0, 0, .max), span(1, 2, 1, .max, 0), span(2, 1, 0, .max, .max), span(3, 1, 0, .max - 1, 1)])),
    ("every span twice", capture((1...40).map { span($0 % 4 + 1, $0 / 2 % 10 + 1, $0 / 2 % 10, $0 / 2, 100) })),
    ("a chain", capture((1...5_000).map { span(1, $0, $0 - 1, $0, 20_000 - $0) })),
    ("a wide root", capture([span(1, 1, 0, 0, 10_000)] + (2...3_000).map { span(1, $0, 1, $0, $0 + 5) })),
  ]

  @Test("every question has an answer of bounded size, the same each time, that can be saved", arguments: 0..<10)
  func answered(index: Int) throws {
    let (name, capture) = Self.captures[index]
    for query in questions {
      let answer = capture.answer(query)
      let encoder = JSONEncoder()
      encoder.outputFormatting = .sortedKeys
      // JSON has no NaN and no infinity: encoding fails where a number is none.
      let data = try encoder.encode(answer)
      #expect(data.count < 400_000 && answer.rows.count <= 100, "\(name), \(query.kind)")
      #expect(try encoder.encode(capture.answer(query)) == data, "\(name), \(query.kind)")
      #expect(answer.rows.allSatisfy { $0.labels.count == answer.labels.count && $0.values.keys.allSatisfy(answer.columns.contains) })
      #expect(Set(answer.whole.keys).isSubset(of: query.kind.wholeColumns.map(\.name)))
      #expect(try JSONDecoder().decode(TelemetryAnswer.self, from: data) == answer)
    }
  }

  @Test("random telemetry with every kind of value is answered too", arguments: 1...10)
  func random(seed: UInt64) throws {
    var random = RandomTelemetry(seed: seed)
    let spans = (0..<20).map { _ in random.batch { $0.span() } }
    let logs = (0..<20).map { _ in random.batch { $0.logRecord() } }
    let capture = TelemetryCapture(traces: spans, logs: logs)
    for query in questions { _ = try JSONEncoder().encode(capture.answer(query)) }
  }

  @Test("a chain of calls and a wide root fit into a picture of 200 spans")
  func pictures() {
    let chain = Self.captures[8].1, wide = Self.captures[9].1
    let deep = chain.waterfall(chain.traces[0])
    #expect(deep.bars.count == 200 && deep.omitted == 4_800 && deep.bars.map(\.depth) == Array(0..<200))
    let flat = wide.waterfall(wide.traces[0])
    #expect(flat.bars.count == 200 && flat.omitted == 2_800 && flat.gaps.count <= 200 && flat.bars.dropFirst().allSatisfy { $0.depth == 1 })
    let cycle = Self.captures[1].1
    #expect(cycle.waterfall(cycle.traces[0]).bars.isEmpty && cycle.waterfall(cycle.traces[0]).omitted == 2)
  }

  @Test("a hundred thousand values of one attribute hide nothing and are counted")
  func floods() throws {
    // Every record has values of its own, more of them than are kept; the fault comes last among the slow ones.
    let spans = (1...100_000 as ClosedRange<UInt64>).map { i in
      let isSlow = i % 25 == 0, isFaulty = isSlow && i > 40_000
      return span(
        i, 1, 0, i, i + (isSlow ? 1_000 : 10 + i % 7),
        [
          Attribute("request", .string("request-\(i)")), Attribute("session", .int(Int64(i))), Attribute("page", .int(Int64(i / 3))),
          Attribute("tenant", .string(isFaulty ? "bad" : "good-\(i / 25 % 50)")),
        ])
    }
    let capture = capture(spans)
    let found = capture.lifts(.traces, where: TelemetryFilter([TelemetryCondition("duration", .greater, .quantile(0.95))]))
    let top = try #require(found.rows.first)
    #expect(top.attribute == "tenant" && top.value == "bad" && top.hits == 2_400 && top.marked == 2_400 && abs(top.lift.value - 25) < 1e-9)
    // Three floods and the tenants; what had no room counts each time it came.
    #expect(found.rows.count { $0.isFound } == 1 && found.tried > 233_000)
    let cardinality = capture.attributeCardinality()
    #expect(cardinality.map(\.values) == [100_000, 100_000, 33_334, 51, 1] && cardinality.allSatisfy { !$0.isCut })
  }

  @Test("values that are frequent are kept in bounded memory, in any order")
  func frequent() {
    for order in 0..<3 {
      var stream = (0..<9_000).map { AttributeValue.int(Int64($0)) } + [AttributeValue](repeating: "often", count: 1_001)
      if order == 1 { stream.reverse() }
      if order == 2 { stream = stream.enumerated().sorted { ($0.offset * 7919 % 10_001) < ($1.offset * 7919 % 10_001) }.map(\.element) }
      var values = FrequentValues(room: 9)
      for value in stream { values.add(value) }
      #expect(Array(values.values).contains("often") && Array(values.values).count <= 9)
    }
  }
}

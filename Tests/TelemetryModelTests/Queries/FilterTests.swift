import ExperimentModel
import Testing

@testable import TelemetryModel

/// A planner's quantities, as far as these tests write them.
private func quantity(_ text: String) -> Quantity? {
  for (suffix, factor) in [("ms", 1e6), ("us", 1e3), ("ns", 1), ("s", 1e9)] where text.hasSuffix(suffix) {
    return Double(text.dropLast(suffix.count)).map { Quantity($0 * factor, .nanoseconds) }
  }
  return Double(text).map { Quantity($0, .plain) }
}

private func parse(_ text: String) throws(TelemetryFilterProblem) -> TelemetryCondition {
  try TelemetryCondition(parsing: text, quantity: quantity)
}

func filter(_ texts: String...) -> TelemetryFilter {
  TelemetryFilter(texts.map { text in
    guard let condition = try? parse(text) else { preconditionFailure("`\(text)` is no condition") }
    return condition
  })
}

@Suite struct FilterTests {
  @Test("conditions are read and written", arguments: [
    ("duration>p(95)", "duration>p(95)"), (" duration <= 100ms ", "duration<=100000000ns"), ("http.route==/checkout", "http.route==/checkout"),
    ("status==Error", "status==error"), ("service.name!=edge", "service.name!=edge"), ("http.response.status_code>=500", "http.response.status_code>=500"),
    ("severity>=warn", "severity>=warn"), ("tenant==\"a b\"", "tenant==\"a b\""), ("tenant==\"\"", "tenant==\"\""), ("x==\"p(5)\"", "x==\"p(5)\""),
    ("rows<p(12.5)", "rows<p(12.5)"), ("url.query==a=b", "url.query==a=b"), ("kind==server", "kind==server"),
  ])
  func read(text: String, written: String) throws {
    let condition = try parse(text)
    #expect(condition.text == written)
  }

  @Test("what cannot be read says why and what to write", arguments: [
    ("duration", "compares nothing"), ("", "compares nothing"), ("duration=5ms", "no operator"), ("a!b", "no operator"), (">5", "names no field"),
    ("a b==c", "names no field"), ("a==", "compares with nothing"), ("a===b", "two operators"), ("duration>100", "no duration"),
    ("duration==5ms", "no two durations"), ("duration==p(50)", "by luck"), ("duration>p(0)", "no quantile"), ("duration>p(100)", "no quantile"),
    ("duration>p(x)", "no quantile"), ("status==bad", "no status"), ("status>error", "no order"), ("kind==edge", "no kind"), ("rows>many", "compares numbers"),
    ("rows>\"5\"", "compares numbers"),
  ])
  func refused(text: String, cause: String) {
    let problem = #expect(throws: TelemetryFilterProblem.self) { try parse(text) }
    #expect(problem?.cause.contains(cause) ?? false && problem?.remedy.hasPrefix("write") ?? false, "\(String(describing: problem))")
  }

  private func capture() -> TelemetryCapture {
    let a = SpanOrigin(resource: Resource(attributes: [Attribute("service.name", "a"), Attribute("zone", "z1")]))
    return TelemetryCapture(spans: (1...10).map { i in
      OriginatedSpan(
        Span(
          traceID: TraceID(high: 1, low: i), spanID: SpanID(i), name: "s\(i)", kind: i % 2 == 0 ? .server : .client, startUnixNano: 1_000,
          endUnixNano: 1_000 + i * 100, attributes: [Attribute("route", .string(i <= 5 ? "/x" : "/y")), Attribute("rows", .int(Int64(i)))],
          status: i == 9 ? .error() : .unset), a)
    })
  }

  @Test("conditions hold for what they say", arguments: [
    ("duration>p(80)", [9, 10]), ("duration<p(50)", [1, 2, 3, 4]), ("duration>=700ns", [7, 8, 9, 10]), ("rows>p(90)", [10]), ("rows<=2", [1, 2]),
    ("rows==3", [3]), ("status==error", [9]), ("kind==server", [2, 4, 6, 8, 10]), ("name!=s1", Array(2...10)), ("zone==z1", Array(1...10)),
    ("nothing==x", []), ("nothing!=x", Array(1...10)), ("nothing>1", []), ("nothing>p(50)", []), ("service.name==b", []), ("severity>=warn", []),
  ])
  func holds(text: String, expected: [UInt64]) {
    let capture = capture()
    let selection = TelemetrySelection(filter(text), over: capture.spans)
    #expect(capture.spans.filter { selection.contains($0) }.map(\.span.spanID.value) == expected)
  }

  @Test("a quantile is of what the conditions on attributes leave")
  func scope() {
    let capture = capture()
    let selection = TelemetrySelection(filter("route==/x", "duration>p(80)"), over: capture.spans)
    #expect(capture.spans.filter { selection.contains($0) }.map(\.span.spanID.value) == [5])
    #expect(capture.spans.count { selection.isInScope($0) } == 5)
  }
}

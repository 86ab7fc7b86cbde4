import Testing

@testable import TelemetryModel

@Suite struct ConventionTests {
  private func span(_ kind: SpanKind, _ attributes: [Attribute], name: String = "GET /x", status: SpanStatus = .unset) -> Span {
    Span(
      traceID: TraceID(high: 1, low: 1), spanID: SpanID(1), name: name, kind: kind, startUnixNano: 0, endUnixNano: 1, attributes: attributes,
      status: status)
  }

  private let good = [
    Attribute("http.request.method", "GET"), Attribute("url.path", "/x"), Attribute("url.scheme", "http"), Attribute("http.route", "/x"),
    Attribute("http.response.status_code", 200), Attribute("server.address", "a"),
  ]

  private func findings(_ span: Span) -> [String] { SemanticConventions.check(span).map(\.description) }

  @Test("a span that has all is silent; what is missing, of old or of another type is named")
  func spans() {
    #expect(findings(span(.server, good)).isEmpty)
    #expect(findings(span(.server, Array(good.dropFirst()))) == ["http.request.method is missing; the conventions require it"])
    #expect(findings(span(.server, good.filter { $0.key != "http.route" })) == ["http.route is missing; the conventions recommend it"])
    #expect(findings(span(.server, good, status: .error())) == ["error.type is missing; the conventions require it"])
    func answering(_ code: AttributeValue) -> [String] {
      findings(span(.server, good.map { $0.key == "http.response.status_code" ? Attribute($0.key, code) : $0 }))
    }
    #expect(answering(500) == ["error.type is missing; the conventions require it"] && answering(404).isEmpty)
    #expect(answering("200") == ["http.response.status_code has another type; write it as int"])
    #expect(findings(span(.server, good + [Attribute("http.method", "GET")])) == ["http.method is a name of old; write http.request.method"])
    let query = [Attribute("db.system.name", "sqlite"), Attribute("db.operation.name", "SELECT"), Attribute("server.address", "a")]
    #expect(findings(span(.client, query)).isEmpty)
    // Nothing at all, but named by a method; and nothing to do with HTTP.
    #expect(SpanConvention(span(.server, [])) == .httpServer && findings(span(.server, [])).count == 6)
    #expect(findings(span(.internal, [Attribute("my.own", 1)], name: "work")).isEmpty)
    #expect(SpanConvention(span(.producer, [Attribute("messaging.system", "kafka")])) == .messaging)
  }

  @Test("conformance counts spans under a convention; a recommendation is none")
  func conformance() {
    let spans = [span(.server, good), span(.server, good.filter { $0.key != "http.route" }), span(.server, []), span(.internal, [], name: "work")]
    #expect(SemanticConventions.conformance(spans) == 2.0 / 3)
    #expect(SemanticConventions.conformance([spans[3]]) == nil)
  }

  @Test("metrics by name, unit and instrument; a resource by its service")
  func metrics() {
    func found(_ name: String, _ unit: String, _ data: MetricData) -> [ConventionFinding.Kind] {
      SemanticConventions.check(TelemetryMetric(name: name, unit: unit, data: data)).map(\.kind)
    }
    #expect(found("http.server.request.duration", "s", .histogram([], .delta)).isEmpty)
    #expect(found("http.server.request.duration", "s", .exponentialHistogram([], .delta)).isEmpty)
    #expect(found("http.server.request.duration", "ms", .gauge([])) == [.wrongUnit(expected: "s"), .wrongInstrument(expected: "histogram")])
    #expect(found("http.server.active_requests", "{request}", .sum([], .cumulative, isMonotonic: true)) == [.wrongInstrument(expected: "upDownCounter")])
    #expect(found("my.own", "parsec", .none).isEmpty)
    #expect(SemanticConventions.check(Resource()).map(\.name) == ["service.name"])
    #expect(SemanticConventions.check(Resource(attributes: [Attribute("service.name", "a"), Attribute("deployment.environment", "prod")])).count == 1)
  }
}

import TelemetryModel

/// Telemetry with every field and every kind of value somewhere, from a seed.
struct RandomTelemetry {
  var state: UInt64

  init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

  mutating func next() -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state &* 0x2545_F491_4F6C_DD1D
  }

  mutating func below(_ bound: Int) -> Int { Int(next() >> 33) % bound }
  mutating func chance(_ percent: Int) -> Bool { below(100) < percent }

  mutating func text() -> String {
    let pieces = ["", "GET", "http.request.method", "a name of more than fifteen bytes", "züge", "\"\\\n\t\u{1}", "😀", "server.address"]
    return pieces[below(pieces.count)] + (chance(20) ? String(next()) : "")
  }

  mutating func traceID() -> TraceID { TraceID(high: next(), low: next() | 1) }
  mutating func spanID() -> SpanID { SpanID(next() | 1) }

  mutating func value(_ depth: Int = 0) -> AttributeValue {
    switch below(depth < 3 ? 9 : 6) {
    case 0, 1: .string(text())
    case 2: .int(Int64(bitPattern: next()) >> Int64(below(64)))
    case 3: .double([0, -0.5, 1e-300, .infinity, 3.141592653589793, Double(bitPattern: next() & 0x7FEF_FFFF_FFFF_FFFF)][below(6)])
    case 4: .bool(chance(50))
    case 5: .bytes((0..<below(6)).map { _ in UInt8(truncatingIfNeeded: next()) })
    case 6: .array((0..<below(4)).map { _ in value(depth + 1) })
    case 7: .map((0..<below(4)).map { _ in Attribute(text(), value(depth + 1)) })
    default: .empty
    }
  }

  mutating func attributes() -> [Attribute] { (0..<below(8)).map { _ in Attribute(text(), value()) } }
  mutating func count() -> UInt32 { chance(20) ? UInt32(below(1000)) : 0 }

  mutating func span() -> Span {
    var span = Span(
      traceID: traceID(), spanID: spanID(), parentSpanID: chance(50) ? spanID() : .none, name: text(), kind: SpanKind(rawValue: UInt8(below(6)))!,
      startUnixNano: next(), endUnixNano: next(), attributes: attributes(),
      status: SpanStatus(SpanStatus.Code(rawValue: UInt8(below(3)))!, message: chance(30) ? text() : ""),
      traceState: chance(20) ? "ot=th:8" : "", flags: chance(50) ? UInt32(truncatingIfNeeded: next()) : 0)
    for _ in 0..<below(3) { span.events.append(SpanEvent(unixNano: next(), name: text(), attributes: attributes(), droppedAttributes: count())) }
    for _ in 0..<below(3) {
      span.links.append(
        SpanLink(traceID: traceID(), spanID: spanID(), traceState: text(), attributes: attributes(), droppedAttributes: count(), flags: count()))
    }
    span.droppedAttributes = count()
    span.droppedEvents = count()
    span.droppedLinks = count()
    return span
  }

  mutating func logRecord() -> LogRecord {
    LogRecord(
      unixNano: next(), observedUnixNano: next(), severity: LogSeverity(UInt8(below(25))), severityText: text(), eventName: text(), body: value(),
      attributes: attributes(), droppedAttributes: count(), flags: count(), traceID: chance(50) ? traceID() : .none,
      spanID: chance(50) ? spanID() : .none)
  }

  mutating func batch<Record: TelemetryRecord>(_ record: (inout Self) -> Record) -> TelemetryBatch<Record> {
    TelemetryBatch(
      resources: (0..<1 + below(2)).map { _ in
        ResourceRecords(
          resource: Resource(attributes: attributes(), droppedAttributes: count()),
          scopes: (0..<below(3)).map { _ in
            ScopeRecords(
              scope: InstrumentationScope(name: text(), version: text(), attributes: attributes(), droppedAttributes: count()),
              records: (0..<below(5)).map { _ in record(&self) }, schemaURL: chance(30) ? text() : "")
          }, schemaURL: text())
      })
  }
}

import TelemetryModel
import Testing

@testable import TelemetryCollector

struct TelemetryFilesTests {
  private let texts = [#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"a } ] \" {"}]}]}]}"#, "{ }", #"{"resourceLogs": [ ],"x":"\\"}"#]

  private func cut(_ text: String, by size: Int, bytesMax: Int = 1_000) -> [JSONObjects.Object]? {
    var objects = JSONObjects(bytesMax: bytesMax)
    var found: [JSONObjects.Object] = []
    let bytes = Array(text.utf8)
    for start in stride(from: 0, to: bytes.count, by: size) {
      if !objects.add(Array(bytes[start..<min(start + size, bytes.count)]), to: &found) { return nil }
    }
    return objects.isBetween ? found : nil
  }

  @Test("objects end where their brackets do, wherever the chunks are cut and whatever stands in texts", arguments: [1, 2, 7, 1_000])
  func objects(_ size: Int) throws {
    let found = try #require(cut(texts.joined(separator: "\n\r \t") + texts.joined(), by: size))
    #expect(found.map { String(decoding: $0.bytes, as: UTF8.self) } == texts + texts)
    #expect(found.map(\.firstKey) == ["resourceSpans", "", "resourceLogs", "resourceSpans", "", "resourceLogs"])
  }

  @Test("what is no object, ends within one, or is too large is none")
  func notObjects() {
    #expect(cut("{}, {}", by: 4) == nil && cut(#"{"a": "}"#, by: 4) == nil && cut("{\"a\": 1}", by: 4, bytesMax: 7) == nil)
    #expect(cut(#"{"a": "long"#, by: 4, bytesMax: 8) == nil && JSONObjects(bytesMax: 8).isBetween)
    #expect(cut("{\"a\": 1}", by: 4, bytesMax: 8)?.count == 1)
  }

  private func request(_ number: UInt64) -> TraceBatch {
    let span = Span(
      traceID: TraceID(high: 1, low: number), spanID: SpanID(number), parentSpanID: .none, name: "s", kind: .server, startUnixNano: 10, endUnixNano: 20)
    return TraceBatch([OriginatedSpan(span, SpanOrigin(resource: Resource(attributes: [Attribute("service.name", .string("shop"))])))])
  }

  @Test("a capture is read as far as there is room, and what is left out is counted")
  func captures() throws {
    let file = TemporaryFile()
    let payloads = (1...5).map { request($0).encoded(as: .protobuf) }
    let writer = try CaptureWriter(file.path, now: 9)
    for payload in payloads { #expect(writer.append(payload, .traces, records: 1, at: 1) == .stored) }
    var whole = TelemetryFiles(bytesMax: 1 << 20)
    try whole.add(file.path)
    #expect(whole.capture.spans.map(\.span.spanID) == (1...5).map { SpanID($0) } && whole.requestsLeftOut == 0)
    var part = TelemetryFiles(bytesMax: payloads[0].count + payloads[1].count)
    try part.add(file.path)
    #expect(part.capture.spans.count == 2 && part.requestsLeftOut == 3)
    // Protobuf does not say what it holds.
    let bare = TemporaryFile()
    bare.bytes = payloads.flatMap { $0 }
    var plain = TelemetryFiles(bytesMax: 1 << 20)
    #expect(throws: CollectorError.self) { try plain.add(bare.path) }
    try plain.add(bare.path, signal: .traces)
    #expect(plain.capture.spans.count == 5)
  }
}

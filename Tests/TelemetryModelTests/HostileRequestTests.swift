import Testing

@testable import TelemetryModel

/// Requests that want to hurt: each is refused with its cause, or taken with what was left out counted. Memory is bounded by
/// `OTLPLimits`, which are checked here by what comes out.
@Suite struct HostileRequestTests {
  private let decoder = OTLPDecoder()

  private func refusal(_ body: () throws -> Void) -> OTLPError? {
    do {
      try body()
      return nil
    } catch {
      return error as? OTLPError
    }
  }

  private func varint(_ value: UInt64) -> [UInt8] { WireBytes.varint(value) }
  private func message(_ field: UInt8, _ body: [UInt8]) -> [UInt8] { WireBytes.message(field, body) }
  private func request(span fields: [UInt8]) -> [UInt8] { WireBytes.request(span: fields) }

  @Test("protobuf cut off at any byte is refused, or is a shorter request that SwiftProtobuf also reads")
  func truncation() throws {
    let traces = try decoder.traces(ExampleFile.traces.bytes, as: .json).batch.encoded(as: .protobuf)
    let metrics = try decoder.metrics(ExampleFile.metrics.bytes, as: .json).batch.encoded(as: .protobuf)
    let logs = try decoder.logs(ExampleFile.logs.bytes, as: .json).batch.encoded(as: .protobuf)
    var taken = 0
    for end in 1..<traces.count {
      let bytes = Array(traces[..<end])
      let theirs = (try? PB.TraceRequest(serializedBytes: bytes)) != nil
      let ours = refusal { _ = try decoder.traces(bytes, as: .protobuf) } == nil
      #expect(ours == theirs, "\(end)")
      taken += ours ? 1 : 0
    }
    // Only where one of the two resources ends.
    #expect(taken == 1)
    for end in 1..<metrics.count { #expect(refusal { _ = try decoder.metrics(Array(metrics[..<end]), as: .protobuf) }?.kind == .malformed) }
    for end in 1..<logs.count { #expect(refusal { _ = try decoder.logs(Array(logs[..<end]), as: .protobuf) }?.kind == .malformed) }
  }

  @Test("JSON cut off at any byte is refused, with a place within the text")
  func truncatedText() throws {
    let text = try decoder.traces(ExampleFile.traces.bytes, as: .json).batch.encoded(as: .json)
    for end in 0..<text.count {
      let error = refusal { _ = try decoder.traces(Array(text[..<end]), as: .json) }
      #expect(error?.kind == .malformed && error?.offset.map { $0 <= end } == true, "\(end): \(error?.description ?? "taken")")
    }
  }

  @Test("a length of 1 GB, or of 2⁶⁴ − 1, in a request of a few bytes takes no memory")
  func declaredLengths() {
    for length in [UInt64(1) << 30, UInt64(Int64.max), .max, 1 << 32] {
      for bytes in [[10] + varint(length), message(1, [18] + varint(length)), request(span: [0x4A] + varint(length)), request(span: [0x2A] + varint(length))] {
        #expect(refusal { _ = try decoder.traces(bytes, as: .protobuf) }?.message.contains("a length of \(length) bytes") == true)
        #expect(refusal { _ = try decoder.metrics([10] + varint(length), as: .protobuf) }?.kind == .malformed)
      }
    }
    // Eleven bytes that never end their number.
    let endless = [UInt8](repeating: 0xFF, count: 11)
    #expect(refusal { _ = try decoder.traces(endless, as: .protobuf) }?.message == "a number longer than ten bytes")
    #expect(refusal { _ = try decoder.logs(endless, as: .protobuf) }?.kind == .malformed)
  }

  @Test("values within values: refused from the 65th bracket or message on, however many there are")
  func depth() {
    /// An attribute whose value is `depth` lists around nothing.
    func nested(_ depth: Int) -> [UInt8] {
      var value: [UInt8] = []
      for _ in 0..<depth { value = message(5, message(1, value)) }
      return message(1, Array("k".utf8)) + message(2, value)
    }
    for (depth, kind) in [(20, nil), (60, .overLimit), (2000, .overLimit)] as [(Int, OTLPError.Kind?)] {
      #expect(refusal { _ = try decoder.traces(request(span: message(9, nested(depth))), as: .protobuf) }?.kind == kind)
      let log = message(1, message(2, message(2, message(6, nested(depth)))))
      #expect(refusal { _ = try decoder.logs(log, as: .protobuf) }?.kind == kind)
      let metric = message(1, message(2, message(2, message(12, nested(depth)))))
      #expect(refusal { _ = try decoder.metrics(metric, as: .protobuf) }?.kind == kind)
    }
    for text in [String(repeating: "[", count: 1_000_000), String(repeating: "{\"a\":", count: 1_000_000)] {
      let wrapped = Array(("{\"unknown\":" + text).utf8)
      #expect(refusal { _ = try decoder.traces(wrapped, as: .json) }?.kind == .overLimit)
    }
  }

  @Test("10⁶ attributes: beyond 1024 of a span they are dropped and counted, beyond the request's million it is refused")
  func attributes() throws {
    // An attribute may be two bytes long.
    func empty(_ count: Int) -> [UInt8] { [UInt8]((0..<count).flatMap { _ in [0x4A as UInt8, 0] }) }
    let received = try decoder.traces(request(span: empty(500_000)), as: .protobuf)
    #expect(received.batch.records[0].attributes.count == 1024 && received.batch.records[0].droppedAttributes == 498_976)
    #expect(received.report.droppedAttributes == 498_976 && received.report.accepted == 1)
    #expect(refusal { _ = try decoder.traces(request(span: empty(1_000_000)), as: .protobuf) }?.kind == .overLimit)
    let ids = #""traceId":"00000000000000000000000000000001","spanId":"0000000000000001""#
    let many = #"{"resourceSpans":[{"scopeSpans":[{"spans":[{\#(ids),"attributes":["# + String(repeating: "{},", count: 300_000) + "{}]}]}]}]}"
    let read = try decoder.traces(Array(many.utf8), as: .json)
    #expect(read.batch.records[0].attributes.count == 1024 && read.report.droppedAttributes == 300_001 - 1024)
    // Metrics and logs: counted before SwiftProtobuf takes memory.
    let log = message(1, message(2, message(2, [UInt8]((0..<1_000_001).flatMap { _ in [0x32 as UInt8, 0] }))))
    #expect(refusal { _ = try decoder.logs(log, as: .protobuf) }?.kind == .overLimit)
    let counts = message(1, message(2, message(2, message(10, message(1, message(8, message(2, [UInt8](repeating: 0, count: 1_000_001))))))))
    #expect(refusal { _ = try decoder.metrics(counts, as: .protobuf) }?.kind == .overLimit)
  }

  @Test("too many records, events, links; too large a request")
  func numbers() throws {
    var limits = OTLPLimits()
    limits.recordsMax = 10
    limits.eventsMax = 3
    limits.linksMax = 2
    limits.requestBytesMax = 20_000
    let small = OTLPDecoder(limits: limits)
    var random = RandomTelemetry(seed: 4)
    var span = random.span()
    span.events = (0..<5).map { SpanEvent(unixNano: UInt64($0), name: "e") }
    span.links = (0..<5).map { _ in SpanLink(traceID: random.traceID(), spanID: random.spanID()) }
    span.droppedEvents = 1
    span.droppedLinks = 0
    span.attributes = []
    for format in OTLPFormat.allCases {
      let one = try small.traces(TraceBatch(resource: Resource(), records: [span]).encoded(as: format), as: format)
      #expect(one.batch.records[0].events.count == 3 && one.batch.records[0].droppedEvents == 3 && one.report.droppedEvents == 2)
      #expect(one.batch.records[0].links == Array(span.links[..<2]) && one.batch.records[0].droppedLinks == 3 && one.report.droppedLinks == 3)
      let bare = Span(traceID: span.traceID, spanID: span.spanID, name: "", startUnixNano: 0, endUnixNano: 0)
      let ten = TraceBatch(resource: Resource(), records: [Span](repeating: bare, count: 10))
      #expect(try small.traces(ten.encoded(as: format), as: format).report.accepted == 10)
      let eleven = TraceBatch(resource: Resource(), records: [Span](repeating: bare, count: 11))
      #expect(refusal { _ = try small.traces(eleven.encoded(as: format), as: format) }?.kind == .overLimit)
      let large = [UInt8](repeating: 32, count: 20_001)
      #expect(refusal { _ = try small.traces(large, as: format) }?.httpStatus == 413)
    }
  }

  @Test("ids of a wrong length or all zero: the span is rejected and counted, its neighbours are taken")
  func ids() throws {
    let good = message(1, [UInt8](repeating: 1, count: 16)) + message(2, [UInt8](repeating: 2, count: 8))
    var bad: [[UInt8]] = [[], message(1, [UInt8](repeating: 1, count: 16)), message(2, [UInt8](repeating: 2, count: 8))]
    for length in [1, 7, 9, 15, 17, 32] { bad.append(good + message(1, [UInt8](repeating: 1, count: length))) }
    for length in [1, 7, 9, 16] {
      bad.append(good + message(2, [UInt8](repeating: 1, count: length)))
      bad.append(good + message(4, [UInt8](repeating: 1, count: length)))
    }
    bad.append(message(1, [UInt8](repeating: 0, count: 16)) + message(2, [UInt8](repeating: 2, count: 8)))
    let spans = (bad + [good]).flatMap { message(2, $0) }
    let received = try decoder.traces(message(1, message(2, spans)), as: .protobuf)
    #expect(received.report.accepted == 1 && received.report.rejectedIDs == bad.count && received.batch.recordCount == 1)
    #expect(OTLPResponse(received.report).rejected == Int64(bad.count) && OTLPResponse(received.report).message.contains("not 16 or 8 bytes"))
    for (ids, accepted) in [
      (#""traceId":"01","spanId":"0000000000000001""#, 0), (#""traceId":"0000000000000000000000000000000g","spanId":"0000000000000001""#, 0),
      (#""traceId":"00000000000000000000000000000000","spanId":"0000000000000001""#, 0), (#""traceId":"AAAAAAAAAAAAAAAAAAAAAQ==","spanId":"AAAAAAAAAAE=""#, 0),
      (#""traceId":"000000000000000000000000000000AB","spanId":"00000000000000CD""#, 1),
      (#""traceId":"000000000000000000000000000000AB","spanId":"00000000000000CD","parentSpanId":"""#, 1),
      (#""traceId":"000000000000000000000000000000AB","spanId":"00000000000000CD","parentSpanId":"1""#, 0),
    ] {
      let report = try decoder.traces(Array(#"{"resourceSpans":[{"scopeSpans":[{"spans":[{\#(ids)}]}]}]}"#.utf8), as: .json).report
      #expect(report.accepted == accepted && report.rejectedIDs == 1 - accepted, "\(ids)")
    }
    // A log record without ids is one; with a wrong one it is not. Links and exemplars are left out alone.
    let logs = message(1, message(2, message(2, []) + message(2, message(9, [1, 2, 3]))))
    #expect(try decoder.logs(logs, as: .protobuf).report.accepted == 1 && decoder.logs(logs, as: .protobuf).report.rejectedIDs == 1)
    let link = try decoder.traces(request(span: message(13, message(1, [1]))), as: .protobuf)
    #expect(link.report.droppedLinks == 1 && link.batch.records[0].droppedLinks == 1 && link.batch.records[0].links.isEmpty)
  }

  @Test("clocks that were set: a span that ends before it begins is kept, counted, and has a negative duration")
  func clocks() throws {
    let id = TraceID(high: 1, low: 1)
    let spans = [(UInt64(10), UInt64(5)), (.max, 0), (0, .max), (5, 5)].map {
      Span(traceID: id, spanID: SpanID(1), name: "", startUnixNano: $0.0, endUnixNano: $0.1)
    }
    let received = try decoder.traces(TraceBatch(resource: Resource(), records: spans).encoded(as: .protobuf), as: .protobuf)
    #expect(received.report.negativeDurations == 2 && received.report.accepted == 4)
    #expect(received.batch.records.map(\.duration) == [-5, -Int64.max, Int64.max, 0])
  }

  @Test("points whose buckets contradict their bounds or count are rejected and counted")
  func points() throws {
    var histogram = HistogramPoint()
    histogram.count = 3
    histogram.bucketCounts = [1, 2]
    histogram.bounds = [1]
    var exponential = ExponentialHistogramPoint()
    exponential.count = 3
    exponential.positive.counts = [3]
    func accepted(_ data: MetricData) throws -> (Int, Int) {
      let batch = MetricBatch(resource: Resource(), records: [TelemetryMetric(name: "m", data: data)])
      let reports = try OTLPFormat.allCases.map { try decoder.metrics(batch.encoded(as: $0), as: $0).report }
      #expect(reports[0] == reports[1])
      return (reports[0].accepted, reports[0].rejectedPoints)
    }
    let changes: [(inout HistogramPoint) -> Void] = [
      { $0.count = 4 }, { $0.bounds = [] }, { $0.bounds = [1, 2] }, { $0.bucketCounts = [] }, { $0.bucketCounts = [.max, 4] },
      { $0.bucketCounts = [1, 1, 1]; $0.bounds = [2, 1] }, { $0.bucketCounts = [1, 1, 1]; $0.bounds = [1, 1] },
      { $0.bucketCounts = [UInt64](repeating: 0, count: 5000) + [3]; $0.bounds = (0..<5000).map(Double.init) },
    ]
    #expect(try accepted(.histogram([histogram], .delta)) == (1, 0))
    for change in changes {
      var point = histogram
      change(&point)
      #expect(try accepted(.histogram([point, histogram], .delta)) == (1, 1))
    }
    let exponentialChanges: [(inout ExponentialHistogramPoint) -> Void] = [
      { $0.count = 4 }, { $0.zeroCount = 1 }, { $0.scale = 21 }, { $0.scale = -11 }, { $0.positive.offset = .max }, { $0.zeroThreshold = -1 },
      { $0.zeroThreshold = .nan }, { $0.negative.counts = [.max, 1] }, { $0.positive.counts = [3] + [UInt64](repeating: 0, count: 5000) },
    ]
    #expect(try accepted(.exponentialHistogram([exponential], .delta)) == (1, 0))
    for (i, change) in exponentialChanges.enumerated() {
      var point = exponential
      change(&point)
      #expect(try accepted(.exponentialHistogram([point, exponential], .delta)) == (1, 1), "change \(i)")
    }
  }

  @Test("strings that are no UTF-8 are refused in both encodings")
  func text() {
    #expect(refusal { _ = try decoder.traces(request(span: message(5, [0xFF, 0xFE])), as: .protobuf) }?.message.contains("UTF-8") == true)
    let long = [UInt8](repeating: 0x61, count: 40) + [0xC3]
    #expect(refusal { _ = try decoder.traces(request(span: message(5, long)), as: .protobuf) }?.message.contains("UTF-8") == true)
    #expect(refusal { _ = try decoder.logs(message(1, message(2, message(2, message(3, [0xC0, 0x80])))), as: .protobuf) }?.kind == .malformed)
  }

  @Test("the table of strings tells equal hashes apart, and holds no more than its places")
  func strings() {
    let table = StringTable()
    for round in 0..<3 {
      for i in 0..<20_000 {
        let text = "a text of some length, number \(i)"
        let found = Array(text.utf8).withUnsafeBufferPointer { table.string($0.baseAddress!, $0.count) }
        #expect(found == text, "round \(round)")
      }
    }
  }
}

import Testing

@testable import TelemetryModel

/// JSON → model → JSON and protobuf → model: always the same model.
@Suite struct RoundTripTests {
  let decoder = OTLPDecoder()

  @Test("the example of traces says what it says, and survives both encodings")
  func traces() throws {
    let received = try decoder.traces(ExampleFile.traces.bytes, as: .json)
    #expect(received.report.accepted == 2 && received.report.rejected == 0 && received.report.negativeDurations == 0)
    let batch = received.batch
    #expect(batch.resources.count == 2 && batch.resources[0].scopes.count == 2 && batch.recordCount == 2)
    #expect(batch.resources[0].resource.serviceName == "checkout" && batch.resources[0].resource.droppedAttributes == 1)
    let span = batch.records[0]
    #expect(span.traceID.hex == "4bf92f3577b34da6a3ce929d0e0e4736" && span.spanID.hex == "00f067aa0ba902b7" && span.isRoot)
    #expect(span.kind == .server && span.flags == 257 && span.duration == 125_000_000 && span.traceState == "ot=th:8,vendor=a1")
    #expect(span.attributes["http.response.status_code"] == 500 && span.attributes["negative"]?.int == Int64.min)
    #expect(span.attributes["digest"] == .bytes([0, 1, 2, 0xFD, 0xFE, 0xFF]) && span.attributes["retried"] == false)
    #expect(span.attributes["text \"quoted\" \\ é\n😀"] == "züge\t\u{1}")
    #expect(
      span.attributes["nested"] == .map([Attribute("list", .array([1, "", .empty])), Attribute("nothing", .empty)]))
    let type = [Attribute("exception.type", "Timeout")]
    #expect(span.events == [SpanEvent(unixNano: 1_764_000_000_100_000_000, name: "exception", attributes: type, droppedAttributes: 3)])
    #expect(span.links.first?.traceID.hex == "4bf92f3577b34da6a3ce929d0e0e4737" && span.links.first?.flags == 1)
    #expect((span.droppedAttributes, span.droppedEvents, span.droppedLinks) == (2, 4, 5))
    #expect(span.status == .error("inventory did not answer") && batch.records[1].status == .unset)
    #expect(batch.records[1].parentSpanID == span.spanID)
    for format in OTLPFormat.allCases {
      let again = try decoder.traces(batch.encoded(as: format), as: format)
      #expect(again.batch == batch, "\(format)")
      #expect(again.report == received.report)
    }
  }

  @Test("the example of metrics says what it says, and survives both encodings")
  func metrics() throws {
    let received = try decoder.metrics(ExampleFile.metrics.bytes, as: .json)
    #expect(received.report.accepted == 7 && received.report.rejected == 0)
    let metrics = received.batch.records
    guard case .histogram(let points, .cumulative) = metrics[0].data else { Issue.record("no histogram"); return }
    #expect(points[0].bucketCounts == [1, 2, 3] && points[0].bounds == [0.005, 0.25] && points[0].sum == 1.25 && points[0].max == 0.5)
    #expect(points[0].exemplars[0].value == .double(0.5) && points[0].exemplars[0].traceID.hex == "4bf92f3577b34da6a3ce929d0e0e4736")
    guard case .exponentialHistogram(let exponential, .delta) = metrics[1].data else { Issue.record("no exponential histogram"); return }
    #expect(exponential[0].scale == -1 && exponential[0].positive == ExponentialBuckets(offset: -3, counts: [1, 0, 9]))
    guard case .sum(let sums, .cumulative, isMonotonic: true) = metrics[2].data else { Issue.record("no sum"); return }
    #expect(sums[0].value == .int(9_007_199_254_740_993))  // not a double
    guard case .gauge(let gauges) = metrics[3].data else { Issue.record("no gauge"); return }
    #expect(gauges.map(\.value) == [.double(0), .int(0), nil] && gauges[2].flags == 1)
    #expect(metrics[4].data.pointCount == 1 && metrics[5].data == .none)
    for format in OTLPFormat.allCases {
      let again = try decoder.metrics(received.batch.encoded(as: format), as: format)
      #expect(again.batch == received.batch, "\(format)")
      #expect(again.report == received.report)
    }
  }

  @Test("the example of logs says what it says, and survives both encodings")
  func logs() throws {
    let received = try decoder.logs(ExampleFile.logs.bytes, as: .json)
    let records = received.batch.records
    #expect(received.report.accepted == 2 && records[0].severity == .error && records[0].severity.name == "ERROR" && records[1].severity.name == "INFO2")
    #expect(records[0].body == "inventory did not answer" && records[0].attributes["attempt"] == 3 && records[1].traceID.isNone)
    #expect(records[1].eventName == "device.app.lifecycle")
    for format in OTLPFormat.allCases {
      #expect(try decoder.logs(received.batch.encoded(as: format), as: format).batch == received.batch, "\(format)")
    }
  }

  @Test("300 random batches of spans and logs survive both encodings")
  func random() throws {
    for seed in 1...300 {
      var random = RandomTelemetry(seed: UInt64(seed))
      let spans = random.batch { $0.span() }
      let logs = random.batch { $0.logRecord() }
      for format in OTLPFormat.allCases {
        #expect(try decoder.traces(spans.encoded(as: format), as: format).batch == spans, "seed \(seed), \(format)")
        #expect(try decoder.logs(logs.encoded(as: format), as: format).batch == logs, "seed \(seed), \(format)")
      }
    }
  }

  @Test("JSON is written as OTLP wants it: lower-case hexadecimal ids, 64-bit integers in quotes, enums as integers, base64")
  func spelling() throws {
    let span = Span(
      traceID: TraceID(high: 0xAB, low: 0xCD), spanID: SpanID(0xEF), name: "n", kind: .client, startUnixNano: 1, endUnixNano: 2,
      attributes: [Attribute("i", 7), Attribute("b", .bytes([255, 254, 253, 252]))], status: .error())
    let json = String(decoding: TraceBatch(resource: Resource(), records: [span]).encoded(as: .json), as: UTF8.self)
    #expect(
      json == """
        {"resourceSpans":[{"resource":{},"scopeSpans":[{"scope":{},"spans":[{"traceId":"00000000000000ab00000000000000cd",\
        "spanId":"00000000000000ef","name":"n","kind":3,"startTimeUnixNano":"1","endTimeUnixNano":"2","attributes":[\
        {"key":"i","value":{"intValue":"7"}},{"key":"b","value":{"bytesValue":"//79/A=="}}],"status":{"code":2}}]}]}]}
        """)
  }

  @Test("content types name the encoding, with parameters and in any case")
  func contentTypes() {
    #expect(OTLPFormat(contentType: "application/json; charset=utf-8") == .json)
    #expect(OTLPFormat(contentType: "Application/X-Protobuf") == .protobuf)
    #expect(OTLPFormat(contentType: "text/plain") == nil && OTLPFormat(contentType: "") == nil)
  }

  @Test("answers carry what was rejected, both ways")
  func responses() throws {
    for signal in TelemetrySignal.allCases {
      for format in OTLPFormat.allCases {
        for answer in [OTLPResponse(), OTLPResponse(rejected: 3, message: "3 without ids"), OTLPResponse(message: "a warning")] {
          let bytes = answer.encoded(signal, as: format)
          #expect(try bytes.withUnsafeBytes { try OTLPResponse(decoding: $0, signal, as: format) } == answer)
        }
      }
    }
    #expect(OTLPResponse().encoded(.traces, as: .protobuf).isEmpty)
    #expect(String(decoding: OTLPResponse(rejected: 2).encoded(.logs, as: .json), as: UTF8.self) == #"{"partialSuccess":{"rejectedLogRecords":"2"}}"#)
    #expect(OTLPResponse.status(message: "no", as: .protobuf) == [0x12, 2, 110, 111])
  }
}

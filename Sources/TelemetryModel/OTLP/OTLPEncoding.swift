// The sending end: a batch into the bytes of an OTLP request. Encoding never fails.

extension TelemetryBatch where Record == Span {
  public func encoded(as format: OTLPFormat) -> [UInt8] {
    switch format {
    case .protobuf:
      // A span of six attributes is about 270 bytes.
      var out = WireWriter(capacity: recordCount * 300)
      out.batch(self)
      return out.bytes
    case .json:
      var json = JSONWriter()
      json.batch(self, .traces) { json, span in json.span(span) }
      return json.bytes
    }
  }
}

extension TelemetryBatch where Record == TelemetryMetric {
  public func encoded(as format: OTLPFormat) -> [UInt8] {
    switch format {
    case .protobuf: return ProtobufEncoding.bytes(of: ProtobufEncoding.request(self))
    case .json:
      var json = JSONWriter()
      json.batch(self, .metrics) { json, metric in json.metric(metric) }
      return json.bytes
    }
  }
}

extension TelemetryBatch where Record == LogRecord {
  public func encoded(as format: OTLPFormat) -> [UInt8] {
    switch format {
    case .protobuf: return ProtobufEncoding.bytes(of: ProtobufEncoding.request(self))
    case .json:
      var json = JSONWriter()
      json.batch(self, .logs) { json, record in json.logRecord(record) }
      return json.bytes
    }
  }
}

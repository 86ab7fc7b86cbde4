// The receiving end: bytes into a batch, or a refusal. One decoder for each loop or thread: it remembers strings between
// requests. Nothing here reads a clock or a socket.

/// The two encodings of OTLP/HTTP.
public enum OTLPFormat: String, Sendable, CaseIterable {
  case json = "application/json"
  case protobuf = "application/x-protobuf"

  public var contentType: String { rawValue }

  /// - Parameter contentType: the field of that name, with or without parameters, in any case.
  /// - Returns: nil for anything that OTLP/HTTP does not have.
  public init?(contentType: String) {
    let name = contentType.prefix { $0 != ";" }.lowercased()
    self.init(rawValue: name.trimmingSpaces)
  }
}

extension String {
  fileprivate var trimmingSpaces: String {
    var text = Substring(self)
    while let last = text.last, last == " " || last == "\t" { text.removeLast() }
    return String(text.drop { $0 == " " || $0 == "\t" })
  }
}

public struct OTLPDecoder {
  public let limits: OTLPLimits
  private let strings = StringTable()

  public init(limits: OTLPLimits = .standard) { self.limits = limits }

  /// Spans. Those that cannot be (ids) are counted in the report and missing in the batch.
  /// - Throws: `OTLPError`, with the byte, for bytes that are not such a request or ask for more than the limits allow.
  public func traces(_ bytes: UnsafeRawBufferPointer, as format: OTLPFormat) throws(OTLPError) -> Received<Span> {
    guard let context = try context(bytes, format) else { return Received(batch: TraceBatch(), report: IngestReport()) }
    switch format {
    case .protobuf:
      var wire = WireReader(bytes, context: context)
      let batch = try wire.traceBatch()
      return Received(batch: batch, report: wire.context.report)
    case .json: return try json(bytes, context, .traces) { json throws(OTLPError) in try json.span() }
    }
  }

  public func metrics(_ bytes: UnsafeRawBufferPointer, as format: OTLPFormat) throws(OTLPError) -> Received<TelemetryMetric> {
    guard let context = try context(bytes, format) else { return Received(batch: MetricBatch(), report: IngestReport()) }
    switch format {
    case .protobuf: return try ProtobufDecoding.metrics(bytes, context)
    case .json: return try json(bytes, context, .metrics) { json throws(OTLPError) in try json.metric() }
    }
  }

  public func logs(_ bytes: UnsafeRawBufferPointer, as format: OTLPFormat) throws(OTLPError) -> Received<LogRecord> {
    guard let context = try context(bytes, format) else { return Received(batch: LogBatch(), report: IngestReport()) }
    switch format {
    case .protobuf: return try ProtobufDecoding.logs(bytes, context)
    case .json: return try json(bytes, context, .logs) { json throws(OTLPError) in try json.logRecord() }
    }
  }

  /// nil for an empty protobuf message, which is a request without records. An empty text is no JSON.
  private func context(_ bytes: UnsafeRawBufferPointer, _ format: OTLPFormat) throws(OTLPError) -> IngestContext? {
    if bytes.count > limits.requestBytesMax {
      throw OTLPError(.overLimit, "a request of \(bytes.count) bytes, more than \(limits.requestBytesMax); send smaller batches")
    }
    if bytes.count == 0 {
      if format == .protobuf { return nil }
      throw OTLPError(.malformed, at: 0, "an empty text, where a JSON object was expected")
    }
    return IngestContext(limits: limits, strings: strings)
  }

  private func json<Record: TelemetryRecord>(
    _ bytes: UnsafeRawBufferPointer, _ context: IngestContext, _ names: OTLPFieldNames,
    _ record: (inout JSONReader) throws(OTLPError) -> Record?
  ) throws(OTLPError) -> Received<Record> {
    var reader = JSONReader(bytes.assumingMemoryBound(to: UInt8.self), context: context)
    let batch = try reader.batch(names, record)
    return Received(batch: batch, report: reader.context.report)
  }
}

extension OTLPDecoder {
  public func traces(_ bytes: [UInt8], as format: OTLPFormat) throws(OTLPError) -> Received<Span> {
    try bytes.withUnsafeBufferPointer { typed throws(OTLPError) in try traces(UnsafeRawBufferPointer(typed), as: format) }
  }

  public func metrics(_ bytes: [UInt8], as format: OTLPFormat) throws(OTLPError) -> Received<TelemetryMetric> {
    try bytes.withUnsafeBufferPointer { typed throws(OTLPError) in try metrics(UnsafeRawBufferPointer(typed), as: format) }
  }

  public func logs(_ bytes: [UInt8], as format: OTLPFormat) throws(OTLPError) -> Received<LogRecord> {
    try bytes.withUnsafeBufferPointer { typed throws(OTLPError) in try logs(UnsafeRawBufferPointer(typed), as: format) }
  }
}

// The answer to a request: empty when everything was taken, `partial_success` when records were rejected. A sender must not
// send those again; so says OTLP.

/// Both what a receiver answers and what a sender reads.
public struct OTLPResponse: Hashable, Sendable {
  /// Spans, points or log records that were not taken.
  public var rejected: Int64
  public var message: String

  public init(rejected: Int64 = 0, message: String = "") {
    self.rejected = rejected
    self.message = message
  }

  public init(_ report: IngestReport) {
    self.init(rejected: Int64(report.rejected), message: report.rejectionMessage)
  }

  /// The three signals differ only in the name of the count.
  private static func countName(_ signal: TelemetrySignal) -> StaticString {
    switch signal {
    case .traces: "rejectedSpans"
    case .metrics: "rejectedDataPoints"
    case .logs: "rejectedLogRecords"
    }
  }

  public func encoded(_ signal: TelemetrySignal, as format: OTLPFormat) -> [UInt8] {
    let isEmpty = rejected == 0 && message.isEmpty
    switch format {
    case .protobuf:
      var out = WireWriter()
      if !isEmpty {
        out.message(1) { out in
          out.field(1, varint: UInt64(bitPattern: rejected))
          out.field(2, message)
        }
      }
      return out.bytes
    case .json:
      var json = JSONWriter()
      json.object { json in
        if isEmpty { return }
        json.key("partialSuccess")
        json.object { json in
          if rejected != 0 {
            json.key(Self.countName(signal))
            json.quoted(rejected)
          }
          json.field("errorMessage", message)
        }
      }
      return json.bytes
    }
  }

  /// - Throws: `OTLPError` when the bytes are no such answer.
  public init(decoding bytes: UnsafeRawBufferPointer, _ signal: TelemetrySignal, as format: OTLPFormat) throws(OTLPError) {
    self.init()
    guard bytes.count > 0 else { return }
    let context = IngestContext(limits: .standard, strings: StringTable())
    switch format {
    case .protobuf:
      var wire = WireReader(bytes, context: context)
      while let tag = try wire.nextTag() {
        guard tag.raw == WireReader.T.length(1) else { try wire.skip(tag); continue }
        let outer = try wire.enter()
        while let tag = try wire.nextTag() {
          switch tag.raw {
          case WireReader.T.varint(1): rejected = Int64(bitPattern: try wire.varint())
          case WireReader.T.length(2): message = try wire.string()
          default: try wire.skip(tag)
          }
        }
        wire.leave(outer)
      }
    case .json:
      var json = JSONReader(bytes.assumingMemoryBound(to: UInt8.self), context: context)
      let name = Self.countName(signal)
      var rejected: Int64 = 0
      var message = ""
      try json.fields { json, key throws(OTLPError) in
        guard key == "partialSuccess" else { return try json.skip() }
        try json.fields { json, key throws(OTLPError) in
          if key == name { rejected = try json.integer() } else if key == "errorMessage" { message = try json.string() } else { try json.skip() }
        }
      }
      try json.finish()
      self.rejected = rejected
      self.message = message
    }
  }

  /// The body of an answer with an error's status: a `google.rpc.Status`, as OTLP/HTTP asks for.
  public static func status(message: String, as format: OTLPFormat) -> [UInt8] {
    switch format {
    case .protobuf:
      var out = WireWriter()
      out.field(2, message)
      return out.bytes
    case .json:
      var json = JSONWriter()
      json.object { $0.field("message", message) }
      return json.bytes
    }
  }
}

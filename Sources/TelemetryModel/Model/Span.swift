// One operation of a trace, as OTLP describes it. Times are nanoseconds since 1970-01-01T00:00:00Z; a file that also needs the
// standard library's `Span` writes `Swift.Span`.

public struct Span: TelemetryRecord {
  public static var signal: TelemetrySignal { .traces }

  public var traceID: TraceID
  public var spanID: SpanID
  /// `.none` for the root of a trace.
  public var parentSpanID: SpanID
  public var startUnixNano: UInt64
  public var endUnixNano: UInt64
  public var name: String
  /// W3C tracestate, as it came.
  public var traceState: String
  public var attributes: [Attribute]
  public var events: [SpanEvent]
  public var links: [SpanLink]
  /// Bits 0–7 are the W3C trace flags; bits 8 and 9 say whether it is known that the parent is remote, and whether it is.
  public var flags: UInt32
  public var droppedAttributes: UInt32
  public var droppedEvents: UInt32
  public var droppedLinks: UInt32
  public var kind: SpanKind
  public var status: SpanStatus

  public init(
    traceID: TraceID, spanID: SpanID, parentSpanID: SpanID = .none, name: String, kind: SpanKind = .unspecified,
    startUnixNano: UInt64, endUnixNano: UInt64, attributes: [Attribute] = [], status: SpanStatus = .unset,
    events: [SpanEvent] = [], links: [SpanLink] = [], traceState: String = "", flags: UInt32 = 0
  ) {
    self.traceID = traceID
    self.spanID = spanID
    self.parentSpanID = parentSpanID
    self.startUnixNano = startUnixNano
    self.endUnixNano = endUnixNano
    self.name = name
    self.traceState = traceState
    self.attributes = attributes
    self.events = events
    self.links = links
    self.flags = flags
    droppedAttributes = 0
    droppedEvents = 0
    droppedLinks = 0
    self.kind = kind
    self.status = status
  }

  /// Nanoseconds. Negative when the end lies before the start (a clock that was set); saturates at the ends of Int64.
  public var duration: Int64 {
    endUnixNano >= startUnixNano
      ? Int64(clamping: endUnixNano - startUnixNano) : -Int64(clamping: startUnixNano - endUnixNano)
  }

  public var isRoot: Bool { parentSpanID.isNone }
}

public enum SpanKind: UInt8, Sendable, CaseIterable {
  case unspecified = 0, `internal`, server, client, producer, consumer
}

/// Ok and error carry meaning; unset is the default and counts as success.
public struct SpanStatus: Hashable, Sendable {
  public enum Code: UInt8, Sendable, CaseIterable { case unset = 0, ok, error }
  public var code: Code
  public var message: String

  public init(_ code: Code, message: String = "") {
    self.code = code
    self.message = message
  }

  public static let unset = SpanStatus(.unset)
  public static let ok = SpanStatus(.ok)
  public static func error(_ message: String = "") -> SpanStatus { SpanStatus(.error, message: message) }
}

/// Something that happened at one moment of a span.
public struct SpanEvent: Hashable, Sendable {
  public var unixNano: UInt64
  public var name: String
  public var attributes: [Attribute]
  public var droppedAttributes: UInt32

  public init(unixNano: UInt64, name: String, attributes: [Attribute] = [], droppedAttributes: UInt32 = 0) {
    self.unixNano = unixNano
    self.name = name
    self.attributes = attributes
    self.droppedAttributes = droppedAttributes
  }
}

/// A pointer to a span of the same or another trace, such as the message that caused a batch.
public struct SpanLink: Hashable, Sendable {
  public var traceID: TraceID
  public var spanID: SpanID
  public var traceState: String
  public var attributes: [Attribute]
  public var droppedAttributes: UInt32
  public var flags: UInt32

  public init(
    traceID: TraceID, spanID: SpanID, traceState: String = "", attributes: [Attribute] = [], droppedAttributes: UInt32 = 0, flags: UInt32 = 0
  ) {
    self.traceID = traceID
    self.spanID = spanID
    self.traceState = traceState
    self.attributes = attributes
    self.droppedAttributes = droppedAttributes
    self.flags = flags
  }
}

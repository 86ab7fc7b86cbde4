// A line of a log, as OTLP describes it: with the trace it belongs to, so that the two join without searching text.

public struct LogRecord: TelemetryRecord {
  public static var signal: TelemetrySignal { .logs }

  /// When it happened; 0 when only `observedUnixNano` is known.
  public var unixNano: UInt64
  /// When the collector saw it.
  public var observedUnixNano: UInt64
  public var severity: LogSeverity
  /// The severity in the words of the source.
  public var severityText: String
  public var eventName: String
  public var body: AttributeValue
  public var attributes: [Attribute]
  public var droppedAttributes: UInt32
  public var flags: UInt32
  public var traceID: TraceID
  public var spanID: SpanID

  public init(
    unixNano: UInt64, observedUnixNano: UInt64 = 0, severity: LogSeverity = .unspecified, severityText: String = "", eventName: String = "",
    body: AttributeValue = .empty, attributes: [Attribute] = [], droppedAttributes: UInt32 = 0, flags: UInt32 = 0,
    traceID: TraceID = .none, spanID: SpanID = .none
  ) {
    self.unixNano = unixNano
    self.observedUnixNano = observedUnixNano
    self.severity = severity
    self.severityText = severityText
    self.eventName = eventName
    self.body = body
    self.attributes = attributes
    self.droppedAttributes = droppedAttributes
    self.flags = flags
    self.traceID = traceID
    self.spanID = spanID
  }
}

/// 1…24 in six ranges of four; 0 when it is not said.
public struct LogSeverity: Hashable, Comparable, Sendable {
  public var number: UInt8
  public init(_ number: UInt8) { self.number = number }

  public static let unspecified = LogSeverity(0)
  public static let trace = LogSeverity(1)
  public static let debug = LogSeverity(5)
  public static let info = LogSeverity(9)
  public static let warn = LogSeverity(13)
  public static let error = LogSeverity(17)
  public static let fatal = LogSeverity(21)

  public static func < (a: Self, b: Self) -> Bool { a.number < b.number }

  /// `INFO`, `ERROR2`; empty when unspecified or outside 1…24.
  public var name: String {
    guard (1...24).contains(number) else { return "" }
    let names = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"]
    let step = (number - 1) % 4
    return names[Int(number - 1) / 4] + (step == 0 ? "" : String(step + 1))
  }
}

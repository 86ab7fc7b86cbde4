// What travels with a request from one service to the next: W3C Trace Context's `traceparent` and `tracestate`.
//
//   traceparent  00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
//                version, trace, parent span, flags: lower-case hexadecimal, 55 bytes
//
// A receiver that cannot read a traceparent starts a new trace; nothing is guessed.

/// The flags of W3C Trace Context, level 2.
public struct TraceFlags: OptionSet, Hashable, Sendable, BitwiseCopyable {
  public let rawValue: UInt8
  public init(rawValue: UInt8) { self.rawValue = rawValue }
  /// The caller may have recorded the trace.
  public static let sampled = TraceFlags(rawValue: 1)
  /// The last seven bytes of the trace id are random, as consistent sampling needs them.
  public static let random = TraceFlags(rawValue: 2)
}

/// Where in which trace a caller stands.
public struct SpanContext: Hashable, Sendable {
  public var traceID: TraceID
  public var spanID: SpanID
  public var flags: TraceFlags
  public var traceState: TraceState

  public init(traceID: TraceID, spanID: SpanID, flags: TraceFlags = [], traceState: TraceState = TraceState()) {
    self.traceID = traceID
    self.spanID = spanID
    self.flags = flags
    self.traceState = traceState
  }

  public var isSampled: Bool { flags.contains(.sampled) }

  /// Length of a traceparent of version 00, the only one written.
  public static let traceparentBytes = 55

  /// Version 00, with the two flags that are known; others are not passed on, as level 2 asks.
  public var traceparent: String {
    String(unsafeUninitializedCapacity: Self.traceparentBytes) { out in
      writeTraceparent(to: out.baseAddress!)
      return Self.traceparentBytes
    }
  }

  /// The same into a buffer of `traceparentBytes`, without an allocation.
  public func writeTraceparent(to out: UnsafeMutablePointer<UInt8>) {
    let dash = UInt8(ascii: "-")
    out[0] = UInt8(ascii: "0")
    out[1] = UInt8(ascii: "0")
    out[2] = dash
    Hex.write(traceID.high, to: out + 3)
    Hex.write(traceID.low, to: out + 19)
    out[35] = dash
    Hex.write(spanID.value, to: out + 36)
    out[52] = dash
    out[53] = UInt8(ascii: "0")
    out[54] = UInt8(ascii: "0") + flags.rawValue & 3
  }

  /// Reads a traceparent. `tracestate` may be the values of several fields, joined by commas; one that is invalid is empty.
  /// - Returns: nil when the traceparent is invalid: the caller starts a new trace.
  public init?(traceparent: String, tracestate: String = "") {
    var text = traceparent
    guard let context = text.withUTF8({ SpanContext(traceparent: $0) }) else { return nil }
    self = context
    if !tracestate.isEmpty { traceState = TraceState(tracestate) ?? TraceState() }
  }

  /// The same from a field's bytes; `traceState` is empty.
  public init?(traceparent text: UnsafeBufferPointer<UInt8>) {
    guard text.count >= Self.traceparentBytes else { return nil }
    let dash = UInt8(ascii: "-")
    guard text[2] == dash, text[35] == dash, text[52] == dash else { return nil }
    guard let version = Self.byte(text, 0), version != 0xFF else { return nil }
    // Version 00 ends here; a later one may go on after a dash.
    if text.count > Self.traceparentBytes, version == 0 || text[55] != dash { return nil }
    guard let high = Hex.value(text, 3, lowerCaseOnly: true), let low = Hex.value(text, 19, lowerCaseOnly: true),
      let span = Hex.value(text, 36, lowerCaseOnly: true), let flags = Self.byte(text, 53), high | low != 0, span != 0
    else { return nil }
    self.init(traceID: TraceID(high: high, low: low), spanID: SpanID(span), flags: TraceFlags(rawValue: flags))
  }

  private static func byte(_ text: UnsafeBufferPointer<UInt8>, _ at: Int) -> UInt8? {
    guard let high = Hex.digit(text[at], lowerCaseOnly: true), let low = Hex.digit(text[at + 1], lowerCaseOnly: true) else { return nil }
    return high << 4 | low
  }
}

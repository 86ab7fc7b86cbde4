// What a system says of itself while it serves: spans, log records and metrics; and what of a request they carry, which a stage
// may also decide by.

public struct TelemetrySpec: Codable, Hashable, Sendable {
  /// Share of the traces that begin here and are recorded, 0…1; who calls with a traceparent has decided for his.
  public var traces: Double
  /// One record for each request.
  public var logs: Bool
  /// Histograms, gauges and counters by route.
  public var metrics: Bool
  public var attributes: [RequestAttribute]
  public init(traces: Double = 0, logs: Bool = false, metrics: Bool = false, attributes: [RequestAttribute] = []) {
    self.traces = traces; self.logs = logs; self.metrics = metrics; self.attributes = attributes
  }

  public var signals: TelemetrySignals {
    var all: TelemetrySignals = []
    if traces > 0 { all.insert(.traces) }
    if logs { all.insert(.logs) }
    if metrics { all.insert(.metrics) }
    return all
  }

  /// Nothing is recorded; attributes are still there for conditions.
  public var isSilent: Bool { traces == 0 && !logs && !metrics }
}

/// A name under which something of a request is known: on its spans and logs, and in conditions.
public struct RequestAttribute: Codable, Hashable, Sendable {
  public enum Source: Codable, Hashable, Sendable {
    /// A header's value; it goes along with calls and messages.
    case header(String)
    /// A variable of the route's path.
    case variable(String)
  }
  public var name: String
  public var source: Source
  public init(name: String, source: Source) { self.name = name; self.source = source }

  /// - Parameter text: `header:NAME` or `{variable}`; nil for anything else.
  public static func source(_ text: String) -> Source? {
    if text.hasPrefix("header:"), text.utf8.count > 7, text.utf8.dropFirst(7).allSatisfy(isTokenByte) { return .header(String(text.dropFirst(7))) }
    if text.hasPrefix("{"), text.hasSuffix("}"), text.utf8.count > 2 { return .variable(String(text.dropFirst().dropLast())) }
    return nil
  }

  /// RFC 9110, 5.6.2, without the marks that no field's name has.
  private static func isTokenByte(_ byte: UInt8) -> Bool {
    (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
  }
}

/// Which requests pass a stage.
public struct StageCondition: Codable, Hashable, Sendable {
  public var attribute: String
  public var value: String
  public init(attribute: String, value: String) { self.attribute = attribute; self.value = value }

  /// - Parameter text: `ATTRIBUTE==VALUE`; spaces around both do not count.
  public init?(_ text: String) {
    var rest = Substring(text)
    let name = rest.prefix { $0 != "=" }
    rest = rest.dropFirst(name.count)
    guard rest.hasPrefix("==") else { return nil }
    func trimmed(_ text: Substring) -> String {
      var text = text
      while text.last == " " { text.removeLast() }
      return String(text.drop { $0 == " " })
    }
    self.init(attribute: trimmed(name), value: trimmed(rest.dropFirst(2)))
    guard !attribute.isEmpty, !value.isEmpty else { return nil }
  }
}

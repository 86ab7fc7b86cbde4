@testable import TelemetryModel

/// Protobuf written by hand, for requests that no encoder would write.
enum WireBytes {
  static func varint(_ value: UInt64) -> [UInt8] {
    var out = WireWriter()
    out.varint(value)
    return out.bytes
  }

  /// A field below 16 that holds a message, text or bytes.
  static func message(_ field: UInt8, _ body: [UInt8]) -> [UInt8] { [field << 3 | 2] + varint(UInt64(body.count)) + body }

  /// A request with one span that consists of ids and `fields`.
  static func request(span fields: [UInt8]) -> [UInt8] {
    let ids = message(1, [UInt8](repeating: 1, count: 16)) + message(2, [UInt8](repeating: 2, count: 8))
    return message(1, message(2, message(2, ids + fields)))
  }
}

/// What is published: when, the variables of the route that did, and padding to the size that was asked for.
struct Message: Sendable, Equatable {
  /// Of the monotonic clock, which goes on when the process dies and starts anew with the machine.
  var publishedAt: Int64
  var names: [String]
  var values: [String]
  /// Bytes of payload beside the variables.
  var padding = 0

  func value(of name: String) -> String? { names.firstIndex(of: name).map { values[$0] } }

  var encoded: [UInt8] {
    var bytes: [UInt8] = []
    bytes.appendInteger(publishedAt)
    bytes.appendInteger(UInt16(names.count))
    for (name, value) in zip(names, values) {
      for text in [name, value] {
        bytes.appendInteger(UInt32(text.utf8.count))
        bytes += text.utf8
      }
    }
    bytes += repeatElement(UInt8(ascii: "."), count: padding)
    return bytes
  }

  init(publishedAt: Int64, names: [String], values: [String], padding: Int = 0) {
    precondition(names.count == values.count)
    self.publishedAt = publishedAt; self.names = names; self.values = values; self.padding = padding
  }

  /// nil when the bytes are none of ours, which a checksum cannot tell.
  init?(_ bytes: [UInt8]) {
    var reader = ByteReader(bytes)
    guard let time = reader.integer(Int64.self), let count = reader.integer(UInt16.self) else { return nil }
    var texts: [String] = []
    for _ in 0..<2 * Int(count) {
      guard let length = reader.integer(UInt32.self), let text = reader.text(length: Int(length)) else { return nil }
      texts.append(text)
    }
    publishedAt = time
    names = stride(from: 0, to: texts.count, by: 2).map { texts[$0] }
    values = stride(from: 1, to: texts.count, by: 2).map { texts[$0] }
    padding = bytes.count - 10 - texts.reduce(0) { $0 + 4 + $1.utf8.count }
  }
}

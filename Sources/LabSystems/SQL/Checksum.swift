/// Folds byte strings in order. Four lanes of eight bytes, because a bench subject must not spend longer on
/// its checksum than on its work: 1 KiB costs some tens of nanoseconds. Not cryptographic.
struct Checksum {
  private(set) var value: UInt64
  private static let k: UInt64 = 0xBF58_476D_1CE4_E5B9

  init(value: UInt64 = 0x9E37_79B9_7F4A_7C15) { self.value = value }

  /// Whether the order of a statement's rows is part of its answer.
  static func isOrdered(_ statement: String) -> Bool {
    let words = statement.uppercased().split(whereSeparator: \.isWhitespace)
    return zip(words, words.dropFirst()).contains { $0.hasSuffix("ORDER") && $1 == "BY" }
  }

  mutating func add(_ bytes: UnsafeRawBufferPointer) {
    var lanes = (value, value ^ 1, value ^ 2, value ^ 3)
    var i = 0
    while i + 32 <= bytes.count {
      lanes.0 = (lanes.0 ^ bytes.loadUnaligned(fromByteOffset: i, as: UInt64.self)) &* Self.k
      lanes.1 = (lanes.1 ^ bytes.loadUnaligned(fromByteOffset: i + 8, as: UInt64.self)) &* Self.k
      lanes.2 = (lanes.2 ^ bytes.loadUnaligned(fromByteOffset: i + 16, as: UInt64.self)) &* Self.k
      lanes.3 = (lanes.3 ^ bytes.loadUnaligned(fromByteOffset: i + 24, as: UInt64.self)) &* Self.k
      i += 32
    }
    while i < bytes.count {
      lanes.0 = (lanes.0 ^ UInt64(bytes[i])) &* Self.k
      i += 1
    }
    value = mix64(lanes.0 &+ (lanes.1 << 1) &+ (lanes.2 << 2) &+ (lanes.3 << 3) &+ UInt64(bytes.count))
  }
}

/// The frame of one record of a log: a length, a checksum, the payload.
///
///     | u32 length | u32 CRC-32C of (place, payload) | payload … |      little-endian
///
/// The place is the number of the record in its log. It is summed and not stored, so that intact bytes at a wrong place,
/// such as what an old segment left on a reused page, are not taken for a record.
enum LogRecord {
  static let headLength = 8
  /// Far above any message; a longer length is damage.
  static let payloadMax = 16 << 20

  enum Parsed: Equatable {
    case record(payload: Range<Int>)
    /// The bytes end inside the record: more may be there, or the writer died here.
    case incomplete
    case damaged
  }

  static func append(_ payload: [UInt8], place: UInt64, to out: inout [UInt8]) {
    precondition(!payload.isEmpty && payload.count <= payloadMax, "a record of \(payload.count) bytes")
    out.appendInteger(UInt32(payload.count))
    out.appendInteger(checksum(payload[...], place))
    out += payload
  }

  static func parse(_ bytes: [UInt8], at start: Int, place: UInt64) -> Parsed {
    guard bytes.count - start >= headLength else { return .incomplete }
    let length = Int(bytes.integer(at: start, UInt32.self))
    guard (1...payloadMax).contains(length) else { return .damaged }
    let payload = start + headLength..<start + headLength + length
    guard payload.upperBound <= bytes.count else { return .incomplete }
    let isIntact = checksum(bytes[payload], place) == bytes.integer(at: start + 4, UInt32.self)
    return isIntact ? .record(payload: payload) : .damaged
  }

  private static func checksum(_ payload: ArraySlice<UInt8>, _ place: UInt64) -> UInt32 {
    let head = CRC32C.of((0..<8).map { UInt8(truncatingIfNeeded: place >> (8 * UInt64($0))) })
    return CRC32C.of(payload, after: head)
  }
}

/// Fixed-width integers, little-endian.
extension [UInt8] {
  mutating func appendInteger<Integer: FixedWidthInteger>(_ value: Integer) {
    for byte in 0..<Integer.bitWidth / 8 { append(UInt8(truncatingIfNeeded: value >> Integer(8 * byte))) }
  }

  /// The caller has made sure that the bytes are there.
  func integer<Integer: FixedWidthInteger>(at start: Int, _: Integer.Type) -> Integer {
    (0..<Integer.bitWidth / 8).reduce(0) { $0 | Integer(truncatingIfNeeded: self[start + $1]) << Integer(8 * $1) }
  }
}

/// Reads what `appendInteger` wrote, in order; nil where the bytes end, so that a short payload is an answer and no crash.
struct ByteReader {
  private let bytes: [UInt8]
  private var at = 0
  init(_ bytes: [UInt8]) { self.bytes = bytes }

  mutating func integer<Integer: FixedWidthInteger>(_ type: Integer.Type) -> Integer? {
    guard at + Integer.bitWidth / 8 <= bytes.count else { return nil }
    defer { at += Integer.bitWidth / 8 }
    return bytes.integer(at: at, type)
  }

  mutating func text(length: Int) -> String? {
    guard length <= bytes.count - at else { return nil }
    defer { at += length }
    return String(decoding: bytes[at..<at + length], as: UTF8.self)
  }
}

// Base64 (RFC 4648), without Foundation. Written with padding in the standard alphabet; read with or without padding in either
// alphabet, as protobuf's JSON mapping asks.

enum Base64 {
  private static let alphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

  static func append(_ bytes: [UInt8], to out: inout [UInt8]) {
    let digits = alphabet.utf8Start
    var i = 0
    while i < bytes.count {
      let left = bytes.count - i
      let word = UInt32(bytes[i]) << 16 | (left > 1 ? UInt32(bytes[i + 1]) << 8 : 0) | (left > 2 ? UInt32(bytes[i + 2]) : 0)
      out.append(digits[Int(word >> 18)])
      out.append(digits[Int(word >> 12 & 63)])
      out.append(left > 1 ? digits[Int(word >> 6 & 63)] : UInt8(ascii: "="))
      out.append(left > 2 ? digits[Int(word & 63)] : UInt8(ascii: "="))
      i += 3
    }
  }

  /// nil for a byte outside the alphabets, a lone last digit, or padding in the wrong place.
  static func decode(_ text: [UInt8]) -> [UInt8]? {
    var digits = text[...]
    let padding = digits.suffix(2).reversed().prefix { $0 == UInt8(ascii: "=") }.count
    if padding > 0, text.count % 4 != 0 { return nil }
    digits = digits.dropLast(padding)
    guard digits.count % 4 != 1 else { return nil }
    var out: [UInt8] = []
    out.reserveCapacity(digits.count / 4 * 3 + 2)
    var word: UInt32 = 0
    var bits = 0
    for byte in digits {
      guard let digit = value(byte) else { return nil }
      word = word << 6 | digit
      bits += 6
      if bits >= 8 {
        bits -= 8
        out.append(UInt8(truncatingIfNeeded: word >> UInt32(bits)))
      }
    }
    return out
  }

  private static func value(_ byte: UInt8) -> UInt32? {
    switch byte {
    case 65...90: UInt32(byte) - 65
    case 97...122: UInt32(byte) - 71
    case 48...57: UInt32(byte) + 4
    case UInt8(ascii: "+"), UInt8(ascii: "-"): 62
    case UInt8(ascii: "/"), UInt8(ascii: "_"): 63
    default: nil
    }
  }
}

// Strings of JSON: found without copying, copied only as values.

import Glibc

/// A string between its quotes, as written.
struct JSONStringBytes {
  var start: Int
  var count: Int
  var hasEscapes: Bool
}

extension JSONReader {
  /// Reads a string and says where its bytes stand. Control characters and unknown escapes are refused; UTF-8 is judged when
  /// a value is made of it.
  @inline(__always)
  mutating func stringBytes() throws(OTLPError) -> JSONStringBytes {
    guard peek() == UInt8(ascii: "\"") else { throw expected("a string") }
    let start = at + 1
    var i = start
    var hasEscapes = false
    let raw = UnsafeRawPointer(bytes)
    while true {
      // Eight bytes at a time while none of them is a quote, a backslash or a control character.
      while i + 8 <= end, !Self.hasSpecial(raw.loadUnaligned(fromByteOffset: i, as: UInt64.self)) { i += 8 }
      guard i < end else { throw OTLPError(.malformed, at: at, "a string without a closing quote") }
      let byte = bytes[i]
      if byte == UInt8(ascii: "\"") { break }
      if byte == UInt8(ascii: "\\") {
        hasEscapes = true
        i += 2
        continue
      }
      if byte < 32 { throw OTLPError(.malformed, at: i, "a control character in a string; write it as an escape") }
      i += 1
    }
    at = i + 1
    return JSONStringBytes(start: start, count: i - start, hasEscapes: hasEscapes)
  }

  /// The classic trick: a byte of a word is below 32, or equal to a quote or a backslash. May also say yes for a byte that
  /// follows such a byte; the caller then looks at single bytes.
  @inline(__always)
  private static func hasSpecial(_ word: UInt64) -> Bool {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let highs: UInt64 = 0x8080_8080_8080_8080
    let quote = word ^ (ones &* 0x22)
    let backslash = word ^ (ones &* 0x5C)
    let below = (word &- ones &* 0x20) & ~word
    return (below | ((quote &- ones) & ~quote) | ((backslash &- ones) & ~backslash)) & highs != 0
  }

  /// A string value; `null` is the empty string, as in every proto3 field.
  @inline(__always)
  mutating func string() throws(OTLPError) -> String {
    if try null() { return "" }
    let found = try stringBytes()
    if found.hasEscapes { return try unescaped(found) }
    guard let text = context.strings.string(bytes + found.start, found.count) else {
      throw OTLPError(.malformed, at: found.start, "a string that is not UTF-8")
    }
    return text
  }

  /// The string that escapes stand for.
  func unescaped(_ found: JSONStringBytes) throws(OTLPError) -> String {
    var out: [UInt8] = []
    out.reserveCapacity(found.count)
    var i = found.start
    let stop = found.start + found.count
    while i < stop {
      let byte = bytes[i]
      guard byte == UInt8(ascii: "\\") else {
        out.append(byte)
        i += 1
        continue
      }
      guard i + 1 < stop else { throw OTLPError(.malformed, at: i, "an escape without its letter") }
      i += 2
      switch bytes[i - 1] {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): out.append(bytes[i - 1])
      case UInt8(ascii: "b"): out.append(8)
      case UInt8(ascii: "t"): out.append(9)
      case UInt8(ascii: "n"): out.append(10)
      case UInt8(ascii: "f"): out.append(12)
      case UInt8(ascii: "r"): out.append(13)
      case UInt8(ascii: "u"): out.append(contentsOf: Array(String(Character(try scalar(&i, stop))).utf8))
      default: throw OTLPError(.malformed, at: i - 2, "an escape that JSON does not have")
      }
    }
    guard let text = String(validating: out, as: UTF8.self) else {
      throw OTLPError(.malformed, at: found.start, "a string that is not UTF-8")
    }
    return text
  }

  /// The character of `\uXXXX` or of a surrogate pair; `i` stands after the `u`.
  private func scalar(_ i: inout Int, _ stop: Int) throws(OTLPError) -> Unicode.Scalar {
    let start = i - 2
    func four(_ from: Int) -> UInt32? {
      guard from + 4 <= stop else { return nil }
      var value: UInt32 = 0
      for k in from..<from + 4 {
        guard let digit = Hex.digit(bytes[k]) else { return nil }
        value = value << 4 | UInt32(digit)
      }
      return value
    }
    guard let first = four(i) else { throw OTLPError(.malformed, at: start, "\\u without four hexadecimal digits") }
    i += 4
    if let scalar = Unicode.Scalar(first) { return scalar }
    if first < 0xDC00, i + 6 <= stop, bytes[i] == UInt8(ascii: "\\"), bytes[i + 1] == UInt8(ascii: "u"),
      let second = four(i + 2), (0xDC00...0xDFFF).contains(second),
      let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
    {
      i += 6
      return scalar
    }
    throw OTLPError(.malformed, at: start, "half of a surrogate pair")
  }
}

// Numbers of protobuf's JSON: 64-bit integers as strings or numbers, every number also within quotes, and the three values
// that JSON has no number for as words.

import Glibc

extension JSONReader {
  /// Reads the text of a number in JSON's grammar and says where it stands. `isInteger`: no point and no exponent.
  mutating func numberText() throws(OTLPError) -> (start: Int, count: Int, isInteger: Bool) {
    _ = peek()
    let start = at
    guard let found = Self.number(bytes, start, end) else { throw expected("a value") }
    at = found.end
    return (start, found.end - start, found.isInteger)
  }

  private static func number(_ bytes: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> (end: Int, isInteger: Bool)? {
    var i = start
    func digits() -> Bool {
      let from = i
      while i < end, bytes[i] &- 48 < 10 { i += 1 }
      return i > from
    }
    if i < end, bytes[i] == UInt8(ascii: "-") { i += 1 }
    let first = i
    guard digits() else { return nil }
    if bytes[first] == 48, i - first > 1 { return nil }
    var isInteger = true
    if i < end, bytes[i] == UInt8(ascii: ".") {
      i += 1
      isInteger = false
      guard digits() else { return nil }
    }
    if i < end, bytes[i] | 32 == UInt8(ascii: "e") {
      i += 1
      isInteger = false
      if i < end, bytes[i] == UInt8(ascii: "+") || bytes[i] == UInt8(ascii: "-") { i += 1 }
      guard digits() else { return nil }
    }
    return (i, isInteger)
  }

  /// The text of a number, with or without quotes; nil for `null`.
  private mutating func numberOrQuoted() throws(OTLPError) -> (start: Int, count: Int, isInteger: Bool)? {
    switch peek() {
    case UInt8(ascii: "\""):
      let found = try stringBytes()
      guard let number = Self.number(bytes, found.start, found.start + found.count), number.end == found.start + found.count else {
        throw OTLPError(.malformed, at: found.start, "expected a number in the quotes")
      }
      return (found.start, found.count, number.isInteger)
    case UInt8(ascii: "n"):
      _ = try null()
      return nil
    default: return try numberText()
    }
  }

  /// Any integer type. `1.0` and `1e3` count as integers, `1.5` does not; out of range is refused.
  mutating func integer<Value: FixedWidthInteger>(_: Value.Type = Value.self) throws(OTLPError) -> Value {
    guard let text = try numberOrQuoted() else { return 0 }
    guard text.isInteger else {
      guard let value = Value(exactly: double(text.start, text.count)) else { throw noInteger(Value.self, text.start) }
      return value
    }
    let isNegative = bytes[text.start] == UInt8(ascii: "-")
    var value: Value = 0
    for i in (isNegative ? text.start + 1 : text.start)..<text.start + text.count {
      let digit = Value(truncatingIfNeeded: bytes[i] - 48)
      let (scaled, over) = value.multipliedReportingOverflow(by: 10)
      let (sum, overAgain) = isNegative ? scaled.subtractingReportingOverflow(digit) : scaled.addingReportingOverflow(digit)
      if over || overAgain { throw noInteger(Value.self, text.start) }
      value = sum
    }
    return value
  }

  @inline(never)
  private func noInteger<Value: FixedWidthInteger>(_: Value.Type, _ place: Int) -> OTLPError {
    OTLPError(.malformed, at: place, "expected an integer from \(Value.min) to \(Value.max)")
  }

  mutating func double() throws(OTLPError) -> Double {
    if peek() == UInt8(ascii: "\"") {
      let before = at
      let found = try stringBytes()
      let text = UnsafeBufferPointer(start: bytes + found.start, count: found.count)
      if text.elementsEqual("NaN".utf8) { return .nan }
      if text.elementsEqual("Infinity".utf8) { return .infinity }
      if text.elementsEqual("-Infinity".utf8) { return -.infinity }
      at = before
    }
    guard let text = try numberOrQuoted() else { return 0 }
    let value = double(text.start, text.count)
    if !value.isFinite { throw OTLPError(.malformed, at: text.start, "a number larger than a double holds") }
    return value
  }

  private func double(_ start: Int, _ count: Int) -> Double {
    Double(String(decoding: UnsafeBufferPointer(start: bytes + start, count: count), as: UTF8.self)) ?? .nan
  }

  /// The digits of an id, without quotes; an empty string and `null` give none. `isWrong`: another length, or no hexadecimal digit.
  mutating func hexID(digits: Int) throws(OTLPError) -> (high: UInt64, low: UInt64, isWrong: Bool) {
    if try null() { return (0, 0, false) }
    let found = try stringBytes()
    if found.count == 0 { return (0, 0, false) }
    guard found.count == digits, !found.hasEscapes else { return (0, 0, true) }
    let text = UnsafeBufferPointer(start: bytes + found.start, count: found.count)
    if digits == 16 {
      guard let low = Hex.value(text, 0) else { return (0, 0, true) }
      return (0, low, false)
    }
    guard let high = Hex.value(text, 0), let low = Hex.value(text, 16) else { return (0, 0, true) }
    return (high, low, false)
  }
}

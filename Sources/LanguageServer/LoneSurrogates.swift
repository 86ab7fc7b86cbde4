// JSON text may hold half of a surrogate pair as an escape: JavaScript's strings can, Swift's cannot. One is written as U+FFFD instead, which
// takes one unit of UTF-16 as well, so that every later position still means the same place.

/// The message with `\ufffd` for every lone surrogate escape; the same bytes where there is none.
func withoutLoneSurrogates(_ message: [UInt8]) -> [UInt8] {
  var result = message
  var i = 0
  while i + 1 < message.count {
    guard message[i] == 0x5C else {
      i += 1
      continue
    }
    guard let first = unit(message, i) else {
      i += 2
      continue
    }
    if first & 0xFC00 == 0xD800, let second = unit(message, i + 6), second & 0xFC00 == 0xDC00 {
      i += 12
    } else {
      if first & 0xF800 == 0xD800 { result.replaceSubrange(i..<i + 6, with: Array("\\ufffd".utf8)) }
      i += 6
    }
  }
  return result
}

/// The UTF-16 unit of `\uXXXX` at an offset.
private func unit(_ bytes: [UInt8], _ at: Int) -> UInt16? {
  guard at + 6 <= bytes.count, bytes[at] == 0x5C, bytes[at + 1] == UInt8(ascii: "u") else { return nil }
  var value: UInt16 = 0
  for byte in bytes[at + 2..<at + 6] {
    let digit: UInt8
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
    default: return nil
    }
    value = value << 4 | UInt16(digit)
  }
  return value
}

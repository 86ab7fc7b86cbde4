// Searching in rendered pages, byte by byte: a page has a hundred kilobytes and is gone through several times, where
// String's searches by grapheme cost a hundred times more. All that is searched for is ASCII.

/// The bytes of some markup with searches that a scanner needs.
struct MarkupBytes {
  let bytes: UnsafeBufferPointer<UInt8>

  var count: Int { bytes.count }

  /// The next `byte` at or after `start`, before `end`.
  func find(_ byte: UInt8, from start: Int, before end: Int? = nil) -> Int? {
    var i = start
    let last = end ?? bytes.count
    while i < last {
      if bytes[i] == byte { return i }
      i += 1
    }
    return nil
  }

  func find(_ text: StaticString, from start: Int, before end: Int? = nil) -> Int? {
    var i = start
    let last = end ?? bytes.count
    while let found = find(text.utf8Start[0], from: i, before: last - text.utf8CodeUnitCount + 1) {
      if has(text, at: found) { return found }
      i = found + 1
    }
    return nil
  }

  func has(_ text: StaticString, at offset: Int) -> Bool {
    let length = text.utf8CodeUnitCount
    guard offset >= 0, offset + length <= bytes.count else { return false }
    for i in 0..<length where bytes[offset + i] != text.utf8Start[i] { return false }
    return true
  }

  func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }
}

extension String {
  /// Calls `body` with the text's UTF-8.
  func withMarkupBytes<T>(_ body: (MarkupBytes) throws -> T) rethrows -> T {
    var copy = self
    return try copy.withUTF8 { try body(MarkupBytes(bytes: $0)) }
  }
}

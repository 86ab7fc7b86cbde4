// Small questions about bytes that every scanner here asks. ASCII only; never decodes.

import TextModel

extension UInt8 {
  /// Space or tab.
  var isBlank: Bool { self == 0x20 || self == 0x09 }
  var isLineEnd: Bool { self == 0x0A || self == 0x0D }
  var isSpace: Bool { self == 0x20 || (0x09...0x0D).contains(self) }
  var isDigit: Bool { (0x30...0x39).contains(self) }
  var isLetter: Bool { (0x41...0x5A).contains(self & 0xDF) }
  var isWord: Bool { isLetter || isDigit }
  var lowercased: UInt8 { (0x41...0x5A).contains(self) ? self | 0x20 : self }
}

extension Array where Element == UInt8 {
  /// Whether `text` stands at `offset`, and ends before `limit`.
  func has(_ text: StaticString, at offset: Int, before limit: Int? = nil) -> Bool {
    let count = text.utf8CodeUnitCount
    guard offset >= 0, offset + count <= Swift.min(limit ?? self.count, self.count) else { return false }
    for i in 0..<count where self[offset + i] != text.utf8Start[i] { return false }
    return true
  }

  /// The first place of `text` in `range`.
  func find(_ text: StaticString, in range: Range<Int>) -> Int? {
    let first = text.utf8Start[0]
    var i = range.lowerBound
    while i < range.upperBound {
      if self[i] == first, has(text, at: i, before: range.upperBound) { return i }
      i += 1
    }
    return nil
  }

  func trimmed(_ range: SourceRange) -> SourceRange {
    var range = range
    while range.lower < range.upper, self[range.lower].isSpace { range.lower += 1 }
    while range.upper > range.lower, self[range.upper - 1].isSpace { range.upper -= 1 }
    return range
  }

  func text(_ range: SourceRange) -> String { String(decoding: self[range.lower..<range.upper], as: UTF8.self) }
}

extension Array {
  /// The first index where `isAtOrBehind` holds, by halving; it holds for all elements from some index on. `count` when for none.
  func firstIndexSorted(where isAtOrBehind: (Element) -> Bool) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if isAtOrBehind(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}

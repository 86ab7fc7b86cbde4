// Text with positions. A file is its bytes; nothing here decodes, normalises or re-prints them, so
// that `applying([])` gives the same bytes back. Lines end at \n, \r\n and lone \r, as CommonMark
// says; columns are 1-based byte columns, and a BOM is not counted.

/// A half-open range of byte offsets into one `SourceText`.
public struct SourceRange: Hashable, Sendable, Comparable {
  public var lower: Int
  public var upper: Int
  public init(_ lower: Int, _ upper: Int) {
    precondition(lower <= upper, "a range runs forward")
    self.lower = lower
    self.upper = upper
  }
  public var count: Int { upper - lower }
  public var isEmpty: Bool { lower == upper }
  public func contains(_ offset: Int) -> Bool { lower <= offset && offset < upper }
  public func contains(_ other: SourceRange) -> Bool { lower <= other.lower && other.upper <= upper }
  public static func < (a: Self, b: Self) -> Bool { (a.lower, a.upper) < (b.lower, b.upper) }
}

/// Where something is, as people count: from 1, columns in bytes.
public struct SourcePosition: Hashable, Sendable {
  public var line: Int
  public var column: Int
  public init(line: Int, column: Int) { self.line = line; self.column = column }
}

/// The bytes of one file and where its lines begin.
public struct SourceText: Sendable {
  /// As given on the command line; printed in diagnostics.
  public let path: String
  public let bytes: [UInt8]
  /// Offset of the first byte of every line; at least one line.
  public let lineStarts: [Int]
  /// 3 when the file begins with a UTF-8 byte order mark, else 0.
  public let bomLength: Int

  public init(path: String, bytes: [UInt8]) {
    self.path = path
    self.bytes = bytes
    bomLength = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    var starts = [0]
    bytes.withUnsafeBufferPointer { buffer in
      var i = 0
      let n = buffer.count
      while i < n {
        let byte = buffer[i]
        i += 1
        if byte == 0x0A {
          starts.append(i)
        } else if byte == 0x0D {
          if i < n && buffer[i] == 0x0A { i += 1 }
          starts.append(i)
        }
      }
    }
    lineStarts = starts
  }

  public init(path: String, text: String) { self.init(path: path, bytes: Array(text.utf8)) }

  public var lineCount: Int { lineStarts.count }

  /// The bytes of a line (from 1) with its line ending.
  public func lineRange(_ line: Int) -> SourceRange {
    let lower = lineStarts[line - 1]
    return SourceRange(lower, line < lineStarts.count ? lineStarts[line] : bytes.count)
  }

  /// The bytes of a line (from 1) without its line ending, and for line 1 without a BOM.
  public func contentRange(ofLine line: Int) -> SourceRange {
    let whole = lineRange(line)
    var upper = whole.upper
    while upper > whole.lower, bytes[upper - 1] == 0x0A || bytes[upper - 1] == 0x0D { upper -= 1 }
    return SourceRange(line == 1 ? min(upper, whole.lower + bomLength) : whole.lower, upper)
  }

  /// The line (from 1) that holds the byte at `offset`; the end of the file belongs to the last line.
  public func line(at offset: Int) -> Int {
    var low = 0
    var high = lineStarts.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if lineStarts[middle] <= offset { low = middle } else { high = middle }
    }
    return low + 1
  }

  public func position(at offset: Int) -> SourcePosition {
    let line = line(at: offset)
    let lower = lineStarts[line - 1] + (line == 1 ? bomLength : 0)
    return SourcePosition(line: line, column: max(1, offset - lower + 1))
  }

  /// The offset of a position; clamps a column beyond the line to the line's end.
  public func offset(of position: SourcePosition) -> Int {
    let line = min(max(position.line, 1), lineCount)
    let content = contentRange(ofLine: line)
    return min(content.lower + max(position.column, 1) - 1, content.upper)
  }

  /// The text of a range; bytes that are not UTF-8 print as U+FFFD.
  public func text(_ range: SourceRange) -> String {
    String(decoding: bytes[range.lower..<range.upper], as: UTF8.self)
  }

  /// How most lines end: "\r\n" when the first line does, else "\n".
  public var lineEnding: String {
    guard lineCount > 1 else { return "\n" }
    let first = lineRange(1)
    let end = first.upper
    if end >= 2, bytes[end - 1] == 0x0A, bytes[end - 2] == 0x0D { return "\r\n" }
    return bytes[end - 1] == 0x0D ? "\r" : "\n"
  }
}

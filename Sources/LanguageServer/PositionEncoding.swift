// Places as the protocol counts them: lines from 0, characters from 0 in units of UTF-16, or bytes where the client agreed to UTF-8. Lines end
// at \n, \r\n and lone \r, as in SourceText. Unlike there a byte order mark counts: it is a character of the text that the client sent.

import TextModel

enum PositionEncoding: String, Codable, Sendable {
  case utf8 = "utf-8"
  case utf16 = "utf-16"
}

struct Position: Codable, Hashable, Sendable {
  var line: Int
  var character: Int
}

struct TextRange: Codable, Hashable, Sendable {
  var start: Position
  var end: Position
}

extension SourceText {
  func lspPosition(_ offset: Int, _ encoding: PositionEncoding) -> Position {
    let line = line(at: offset)
    let start = lineStarts[line - 1]
    let count = encoding == .utf8 ? offset - start : utf16Count(start, offset)
    return Position(line: line - 1, character: count)
  }

  /// A position beyond its line is the line's end, as the protocol says; one beyond the text is the text's end; one inside a character is its start.
  func offset(_ position: Position, _ encoding: PositionEncoding) -> Int {
    guard position.line >= 0 else { return 0 }
    guard position.line < lineCount else { return bytes.count }
    let range = lineRange(position.line + 1)
    var end = range.upper
    while end > range.lower, bytes[end - 1] == 0x0A || bytes[end - 1] == 0x0D { end -= 1 }
    var offset = range.lower
    var left = max(0, position.character)
    while offset < end, left > 0 {
      let (length, units) = character(at: offset, before: end)
      let size = encoding == .utf8 ? length : units
      if size > left { break }
      left -= size
      offset += length
    }
    return offset
  }

  func lspRange(_ range: SourceRange, _ encoding: PositionEncoding) -> TextRange {
    TextRange(start: lspPosition(range.lower, encoding), end: lspPosition(range.upper, encoding))
  }

  func range(_ range: TextRange, _ encoding: PositionEncoding) -> SourceRange {
    let lower = offset(range.start, encoding)
    return SourceRange(lower, max(lower, offset(range.end, encoding)))
  }

  private func utf16Count(_ lower: Int, _ upper: Int) -> Int {
    var count = 0
    for i in lower..<upper {
      let byte = bytes[i]
      // A character's first byte counts one unit, and one of four bytes is a pair.
      if byte & 0xC0 != 0x80 { count += byte >= 0xF0 ? 2 : 1 }
    }
    return count
  }

  private func character(at offset: Int, before end: Int) -> (length: Int, units: Int) {
    let byte = bytes[offset]
    let length = byte < 0x80 ? 1 : byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1
    return (min(length, end - offset), byte >= 0xF0 ? 2 : 1)
  }
}

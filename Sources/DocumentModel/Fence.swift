// A top-level fenced block, read from its bytes. cmark says on which line a fence starts; its
// length, its end and its body are found here, because cmark's end positions cannot be trusted and
// its literals have other line endings than the file.

import TextModel

/// A fenced block: ```` ```swift #dedupe-fast edit n=4000 ````.
public struct Fence: Hashable, Sendable {
  /// The whole fence with its last line ending.
  public var range: SourceRange
  /// The info string, trimmed.
  public var infoRange: SourceRange
  /// First word of the info string, lowercase; "" without one.
  public var language: String
  /// `#id` of the info string.
  public var id: String?
  /// The other words: `edit` → `["edit": ""]`, `n=4000` → `["n": "4000"]`.
  public var attributes: [String: String]
  /// Body lines without the indentation that CommonMark strips and without line endings.
  public var lines: [SourceRange]
  /// `lines` joined with `\n`; no final one.
  public var text: String
  /// false: it runs to the end of the file.
  public var isClosed: Bool

  /// - Precondition: a fence opens on `line` at the left margin (indented at most 3 spaces).
  init(startingAt line: Int, in source: SourceText) {
    let bytes = source.bytes
    let opening = source.contentRange(ofLine: line)
    guard let mark = FenceMark(opening, in: bytes) else { preconditionFailure("no fence opens on line \(line)") }
    infoRange = bytes.trimmed(SourceRange(mark.end, opening.upper))
    let info = FenceInfo(bytes.text(infoRange))
    language = info.language
    id = info.id
    attributes = info.attributes
    lines = []
    isClosed = false
    var last = line
    while last < source.lineCount {
      last += 1
      let content = source.contentRange(ofLine: last)
      // The last "line" of a text that ends with a line ending is empty and not a line.
      if last == source.lineCount, content.isEmpty { break }
      if let close = FenceMark(content, in: bytes), close.byte == mark.byte, close.length >= mark.length,
        bytes[close.end..<content.upper].allSatisfy(\.isBlank)
      {
        isClosed = true
        break
      }
      var lower = content.lower
      while lower < content.upper, lower - content.lower < mark.indent, bytes[lower] == 0x20 { lower += 1 }
      lines.append(SourceRange(lower, content.upper))
    }
    range = SourceRange(opening.lower, source.lineRange(last).upper)
    text = lines.map { bytes.text($0) }.joined(separator: "\n")
  }
}

/// The words of an info string.
struct FenceInfo {
  var language = ""
  var id: String?
  var attributes: [String: String] = [:]

  init(_ text: String) {
    for (i, word) in text.split(whereSeparator: { $0 == " " || $0 == "\t" }).enumerated() {
      if word.hasPrefix("#"), word.count > 1 {
        id = String(word.dropFirst())
      } else if i == 0 {
        language = word.lowercased()
      } else if let equal = word.firstIndex(of: "=") {
        attributes[String(word[..<equal])] = String(word[word.index(after: equal)...])
      } else {
        attributes[String(word)] = ""
      }
    }
  }
}

/// Three or more backticks or tildes, indented at most 3 spaces.
struct FenceMark {
  var indent: Int
  var byte: UInt8
  var length: Int
  /// Offset after the marks.
  var end: Int

  init?(_ line: SourceRange, in bytes: [UInt8]) {
    var i = line.lower
    while i < line.upper, i - line.lower < 3, bytes[i] == 0x20 { i += 1 }
    indent = i - line.lower
    guard i < line.upper, bytes[i] == 0x60 || bytes[i] == 0x7E else { return nil }
    byte = bytes[i]
    let start = i
    while i < line.upper, bytes[i] == byte { i += 1 }
    length = i - start
    end = i
    if length < 3 { return nil }
  }
}

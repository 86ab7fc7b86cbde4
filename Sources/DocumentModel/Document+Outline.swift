// Headings with their places, for an editor's outline. What they become in HTML, anchors included, is Document+HTML.swift's.

import TextModel

/// A heading outside of results.
public struct OutlineHeading: Hashable, Sendable {
  /// 1 to 6.
  public var level: Int
  /// As written, without its marks.
  public var text: String
  /// The line, or for an underlined heading its first line.
  public var range: SourceRange
}

extension Document {
  /// Headings at the left margin, in order.
  public var outline: [OutlineHeading] {
    structure.leaves.compactMap { leaf in
      guard leaf.kind == .heading, leaf.isTopLevel else { return nil }
      let line = source.contentRange(ofLine: leaf.line)
      guard !regions.contains(where: { $0.range.contains(line.lower) }) else { return nil }
      let trimmed = source.bytes.trimmed(line)
      let marks = source.bytes[trimmed.lower..<trimmed.upper].prefix { $0 == UInt8(ascii: "#") }.count
      if marks > 0, marks <= 6 {
        var text = source.bytes.trimmed(SourceRange(trimmed.lower + marks, trimmed.upper))
        // A closing run of marks behind a blank is no part of the text.
        var end = text.upper
        while end > text.lower, source.bytes[end - 1] == UInt8(ascii: "#") { end -= 1 }
        if end == text.lower || end < text.upper && source.bytes[end - 1].isBlank { text = source.bytes.trimmed(SourceRange(text.lower, end)) }
        return OutlineHeading(level: marks, text: source.text(text), range: line)
      }
      // Underlined: `=` is the first level, `-` the second.
      let next = leaf.line < source.lineCount ? source.bytes.trimmed(source.contentRange(ofLine: leaf.line + 1)) : trimmed
      let isFirst = !next.isEmpty && source.bytes[next.lower] == UInt8(ascii: "=")
      return OutlineHeading(level: isFirst ? 1 : 2, text: source.text(trimmed), range: line)
    }
  }
}

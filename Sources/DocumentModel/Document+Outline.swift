// Headings with their places: what a rule about a lesson's parts asks. Anchors need the rendered text and are the
// renderer's (`html(_:)`).

import TextModel

/// A heading as it is written.
public struct OutlineHeading: Hashable, Sendable {
  /// 1 to 6.
  public var level: Int
  /// Between the marks; inline Markdown is left as it is.
  public var text: String
  /// The heading's first line without its line ending.
  public var range: SourceRange
  /// Up to the next heading of this level or a higher one, the heading's own line left out.
  public var body: SourceRange
}

extension Document {
  /// Every heading outside of results, in the order of the text; those in lists and quotes too.
  public var outline: [OutlineHeading] {
    var found: [OutlineHeading] = []
    var next = 0
    for leaf in structure.leaves where leaf.kind == .heading {
      let line = source.contentRange(ofLine: leaf.line)
      while next < regions.count, regions[next].range.upper <= line.lower { next += 1 }
      if next < regions.count, regions[next].range.contains(line.lower) { continue }
      let start = min(line.lower + leaf.column - 1, line.upper)
      var i = start
      while i < line.upper, source.bytes[i] == 0x23 { i += 1 }
      let marks = i - start
      var text = source.bytes.trimmed(SourceRange(i, line.upper))
      // Closing marks are not part of an ATX heading's text.
      while marks > 0, text.upper > text.lower, source.bytes[text.upper - 1] == 0x23 { text.upper -= 1 }
      text = source.bytes.trimmed(text)
      let level = marks > 0 ? marks : underline(of: leaf)
      found.append(
        OutlineHeading(
          level: level, text: source.text(text), range: line, body: SourceRange(source.lineRange(leaf.line).upper, source.bytes.count)))
    }
    for i in found.indices {
      if let end = found[(i + 1)...].first(where: { $0.level <= found[i].level }) { found[i].body.upper = max(found[i].body.lower, end.range.lower) }
    }
    return found
  }

  /// A setext heading's level is that of its underline.
  private func underline(of leaf: Structure.Leaf) -> Int {
    for line in stride(from: leaf.line + 1, through: min(leaf.extent, source.lineCount), by: 1) {
      let range = source.bytes.trimmed(source.contentRange(ofLine: line))
      guard !range.isEmpty else { continue }
      let bytes = source.bytes[range.lower..<range.upper]
      if bytes.allSatisfy({ $0 == 0x3D }) { return 1 }
      if bytes.allSatisfy({ $0 == 0x2D }) { return 2 }
    }
    return 2
  }
}

// Marks in running text: live values, footnote references, and the escapes that the renderer must
// still see after cmark has resolved them. Scans the bytes of paragraphs and headings, skipping code
// spans, tags and comments. One pass, linear: unmatched backticks and `<` are remembered.

import TextModel

struct Prose: Sendable {
  var values: [LiveValue] = []
  var footnotes: [(label: String, range: SourceRange)] = []
  /// `\~`, `\:` and `\[`: cmark drops the backslash, and our extensions must not see the character.
  var escapes: [(byte: UInt8, range: SourceRange)] = []
}

/// `{{ expr }}` or `<!--nb expr-->`.
struct LiveMark {
  var expression: String
  var end: Int

  /// The longest expression that is looked at, in bytes.
  static let lengthMax = 240

  /// `{{ expr }}` at `start`.
  init?(braces start: Int, in bytes: [UInt8], limit: Int) {
    guard bytes.has("{{", at: start, before: limit) else { return nil }
    self.init(start + 2, in: bytes, limit: limit, closing: "}}")
  }

  /// `<!--nb expr-->` at `start`.
  init?(opening start: Int, in bytes: [UInt8], limit: Int) {
    guard bytes.has("<!--nb ", at: start, before: limit) else { return nil }
    self.init(start + 7, in: bytes, limit: limit, closing: "-->")
  }

  static let shownEnd: StaticString = "<!--/nb-->"

  /// What a run wrote behind this opening mark, up to `shownEnd`; nil where that is not on the same line. It never holds `<`:
  /// see `LiveValue.written`.
  func shown(in bytes: [UInt8], limit: Int) -> SourceRange? {
    var i = end
    while i < limit, bytes[i] != 0x3C, !bytes[i].isLineEnd { i += 1 }
    return bytes.has(Self.shownEnd, at: i, before: limit) ? SourceRange(end, i) : nil
  }

  /// Only what an address can hold, so that other templates' braces stay as they are; no `--`,
  /// which would end the comment that the value becomes.
  private init?(_ start: Int, in bytes: [UInt8], limit: Int, closing: StaticString) {
    var i = start
    let stop = min(limit, start + Self.lengthMax)
    while i < stop, !bytes.has(closing, at: i, before: limit) {
      let byte = bytes[i]
      guard byte.isWord || byte.isBlank || [0x2E, 0x5F, 0x2D, 0x40, 0x3D, 0x2C, 0x2F].contains(byte) else { return nil }
      if byte == 0x2D, bytes.has("--", at: i, before: limit) { return nil }
      i += 1
    }
    let inner = bytes.trimmed(SourceRange(start, i))
    guard i < stop, !inner.isEmpty else { return nil }
    // A hyphen before the closing mark would read `--->`.
    guard bytes[inner.upper - 1] != 0x2D else { return nil }
    expression = bytes.text(inner)
    end = i + closing.utf8CodeUnitCount
  }
}

/// All marks in the prose of a document; nothing inside `regions`.
func scanProse(_ structure: Structure, _ source: SourceText, outside regions: [SourceRange]) -> Prose {
  var prose = Prose()
  var next = 0
  for leaf in structure.leaves where leaf.kind == .paragraph || leaf.kind == .heading {
    let lower = source.contentRange(ofLine: leaf.line).lower
    while next < regions.count, regions[next].upper <= lower { next += 1 }
    if next < regions.count, regions[next].contains(lower) { continue }
    var scanner = LeafScanner(source, SourceRange(lower, source.lineRange(leaf.extent).upper), isLoneLine: leaf.kind == .paragraph && leaf.isTopLevel && leaf.line == leaf.lastLine)
    scanner.scan(into: &prose)
  }
  return prose
}

private struct LeafScanner {
  let source: SourceText
  let bytes: [UInt8]
  let range: SourceRange
  /// A top-level paragraph of one line: a market table may take its place without changing what is around it.
  let isLoneLine: Bool
  /// Where the last run of so many backticks is; an opener behind it has no closer.
  private var lastRun: [Int: Int] = [:]
  /// Before this place nothing ends what such a mark opens.
  private var noEnd: [String: Int] = [:]

  init(_ source: SourceText, _ range: SourceRange, isLoneLine: Bool) {
    self.source = source
    bytes = source.bytes
    self.range = range
    self.isLoneLine = isLoneLine
    var i = range.lower
    while i < range.upper {
      let length = run(at: i)
      if length > 0 { lastRun[length] = i }
      i += max(length, 1)
    }
  }

  private func run(at start: Int) -> Int {
    var i = start
    while i < range.upper, bytes[i] == 0x60 { i += 1 }
    return i - start
  }

  mutating func scan(into prose: inout Prose) {
    var i = range.lower
    while i < range.upper {
      switch bytes[i] {
      case 0x5C:  // backslash
        let next = i + 1 < range.upper ? bytes[i + 1] : 0
        if next == 0x7E || next == 0x3A || (next == 0x5B && isTaskMark(i + 1)) {
          prose.escapes.append((next, SourceRange(i, i + 2)))
        }
        i += 2
      case 0x60:
        i = afterCodeSpan(i)
      case 0x3C:
        i = afterTag(i, into: &prose)
      case 0x7B:
        if let mark = LiveMark(braces: i, in: bytes, limit: range.upper), !bytes.has("](", at: i - 2) {
          add(mark.expression, SourceRange(i, mark.end), shown: nil, to: &prose)
          i = mark.end
        } else {
          i += 1
        }
      case 0x5B:
        if let end = footnoteEnd(i) {
          prose.footnotes.append((bytes.text(SourceRange(i + 2, end - 1)), SourceRange(i, end)))
          i = end
        } else {
          i += 1
        }
      default: i += 1
      }
    }
  }

  private func isTaskMark(_ i: Int) -> Bool {
    i + 2 < range.upper && bytes[i + 2] == 0x5D && [0x20, 0x78, 0x58].contains(bytes[i + 1])
  }

  private func afterCodeSpan(_ start: Int) -> Int {
    let length = run(at: start)
    var i = start + length
    // cmark takes runs of more than 80 as text.
    guard length <= 80, let last = lastRun[length], last >= i else { return i }
    while i <= last {
      let next = run(at: i)
      if next == length { return i + next }
      i += max(next, 1)
    }
    return start + length
  }

  /// Behind a tag, autolink or comment, which hold no prose; filled live values are taken.
  private mutating func afterTag(_ start: Int, into prose: inout Prose) -> Int {
    if let mark = LiveMark(opening: start, in: bytes, limit: range.upper) {
      guard let shown = mark.shown(in: bytes, limit: range.upper) else { return mark.end }
      let end = shown.upper + LiveMark.shownEnd.utf8CodeUnitCount
      add(mark.expression, SourceRange(start, end), shown: bytes.text(shown), to: &prose)
      return end
    }
    guard let closing = closing(of: start), start >= noEnd[closing.description] ?? 0 else { return start + 1 }
    var i = start + 2
    while i < range.upper {
      if bytes.has(closing, at: i, before: range.upper) { return i + closing.utf8CodeUnitCount }
      // No tag holds a value that a run wrote: it did not end when the value was still in braces.
      if bytes[i] == 0x3C, let mark = LiveMark(opening: i, in: bytes, limit: range.upper), mark.shown(in: bytes, limit: range.upper) != nil { break }
      i += 1
    }
    noEnd[closing.description] = i
    return start + 1
  }

  /// What ends the raw HTML or the address that begins here; nil: none does.
  private func closing(of start: Int) -> StaticString? {
    guard start + 1 < range.upper else { return nil }
    if bytes.has("<!--", at: start, before: range.upper) { return "-->" }
    if bytes.has("<![CDATA[", at: start, before: range.upper) { return "]]>" }
    let next = bytes[start + 1]
    if next == 0x3F { return "?>" }
    return next.isLetter || next == 0x2F || next == 0x21 ? ">" : nil
  }

  private func footnoteEnd(_ start: Int) -> Int? {
    guard bytes.has("[^", at: start, before: range.upper) else { return nil }
    var i = start + 2
    while i < range.upper, i - start < 80, bytes[i] != 0x5D {
      guard !bytes[i].isSpace, bytes[i] != 0x5B else { return nil }
      i += 1
    }
    guard i < range.upper, bytes[i] == 0x5D, i > start + 2 else { return nil }
    return i + 1
  }

  private func add(_ written: String, _ place: SourceRange, shown: String?, to prose: inout Prose) {
    var kind = LiveValue.Kind.value
    var expression = written
    let words = expression.split(separator: " ")
    if words.count == 2, words[0] == "claim" { kind = .claim }
    if words.count == 2, words[0] == "market", isLoneLine, shown == nil {
      let line = source.contentRange(ofLine: source.line(at: place.lower))
      let isAlone = line.lower == place.lower && bytes[place.upper..<line.upper].allSatisfy(\.isBlank)
      if isAlone, isRegionID(words[1].utf8) { (kind, expression) = (.marketRegion, "market \(words[1])") }
    }
    prose.values.append(LiveValue(expression: expression, range: place, shown: shown, kind: kind))
  }
}

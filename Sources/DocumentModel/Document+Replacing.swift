// Results into the notebook, as edits of bytes. A region replaces the one with its id or follows
// its fence; one that a person edited is refused. Nothing outside of regions and live values
// changes. `cleaned()` is the inverse.

import TextModel

/// What to write for one block.
public struct RegionText: Hashable, Sendable {
  public var id: String
  /// 10 hex digits.
  public var inputs: String
  public var markdown: String
  public var fence: SourceRange
  /// - Parameter fence: the block's `Fence.range`, or the `range` of a market value.
  public init(id: String, inputs: String, markdown: String, after fence: SourceRange) {
    self.id = id
    self.inputs = inputs
    self.markdown = markdown
    self.fence = fence
  }
}

/// A region that was left as it is, because a person edited it or its fence is not closed.
public struct RefusedRegion: Hashable, Sendable {
  public var id: String
  public var range: SourceRange
  /// `-` lines: what is in the notebook; `+` lines: what a run would write.
  public var diff: String
}

extension Document {
  /// The edits that bring regions and live values up to date; none for what is already so.
  ///
  /// - Parameters:
  ///   - values: the text to show by expression; other values are left as they are.
  ///   - overwrite: replace regions that were edited by hand, too.
  public func replacing(_ regions: [RegionText], values: [String: String], overwrite: Bool)
    -> (edits: [Edit], refused: [RefusedRegion])
  {
    var edits: [Edit] = []
    var refused: [RefusedRegion] = []
    var seen: Set<String> = []
    let existing = Dictionary(self.regions.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    let places = Set(self.values.filter { $0.kind == .marketRegion && $0.shown == nil }.map(\.range))
    let unclosed = (perfFences + codeFences).first { !$0.isClosed }
    for text in regions where seen.insert(text.id).inserted {
      let rendered = RenderedRegion(text, ending: source.lineEnding)
      if let old = existing[text.id] {
        let body = Array(source.bytes[old.body.lower..<old.body.upper])
        let isSame = seal(body) == seal(rendered.body)
        if isSame, old.isSealed, old.inputs == text.inputs { continue }
        if !isSame, !old.isSealed, !overwrite {
          refused.append(RefusedRegion(id: text.id, range: old.range, diff: lineDiff(body, rendered.body)))
        } else {
          edits.append(Edit(old.range, rendered.bytes))
        }
      } else if places.contains(text.fence) {
        edits.append(Edit(text.fence, rendered.bytes))
      } else if let open = unclosed, open.range == text.fence {
        refused.append(
          RefusedRegion(id: text.id, range: open.range, diff: "the fence is not closed: results after it would be inside it\n"))
      } else {
        edits.append(insertion(of: rendered.bytes, after: text.fence.upper))
      }
    }
    for value in self.values where value.kind != .marketRegion {
      guard let text = values[value.expression].map(LiveValue.written), text != value.shown else { continue }
      edits.append(Edit(value.range, "<!--nb \(value.expression)-->\(text)<!--/nb-->"))
    }
    return (edits, refused)
  }

  /// A blank line, the region, and its line ending; what follows stays the author's, so that
  /// `cleaned()` can tell. Behind a last line without an ending: two endings before, none after.
  private func insertion(of region: [UInt8], after offset: Int) -> Edit {
    let bytes = source.bytes
    let ending = Array(source.lineEnding.utf8)
    if offset > 0, !bytes[offset - 1].isLineEnd {
      return Edit(SourceRange(offset, offset), ending + ending + region)
    }
    // With mixed endings a lone \r must not meet a \n: together they would be one line ending.
    let before = offset > 0 && bytes[offset - 1] == 0x0D ? [0x0D] : ending
    let after = ending == [0x0D] && offset < bytes.count && bytes[offset] == 0x0A ? [0x0D, 0x0A] : ending
    return Edit(SourceRange(offset, offset), before + region + after)
  }
}

/// A region in its final form.
private struct RenderedRegion {
  /// Between the markers' lines.
  var body: [UInt8]
  /// From marker to marker.
  var bytes: [UInt8]

  init(_ text: RegionText, ending: String) {
    self.init(text, Self.lines(text.markdown), ending)
    // Markdown with, say, an open fence would swallow the end marker, or hold one of its own: then it is shown as it is.
    let check = Document(parsing: SourceText(path: "", bytes: bytes))
    let isWhole = check.regions.count == 1 && check.regions[0].range == SourceRange(0, bytes.count)
    if !isWhole || !check.diagnostics.isEmpty || check.frontMatter != nil {
      var longest = 2
      var run = 0
      for byte in text.markdown.utf8 {
        run = byte == 0x60 ? run + 1 : 0
        longest = max(longest, run)
      }
      let marks = String(repeating: "`", count: longest + 1)
      self.init(text, [marks] + Self.lines(text.markdown) + [marks], ending)
    }
  }

  private init(_ text: RegionText, _ lines: [String], _ ending: String) {
    body = Array((ending + lines.map { $0 + ending }.joined() + ending).utf8)
    bytes = Array("<!-- nb:result \(text.id) in=\(text.inputs) -->\(ending)".utf8) + body
    bytes += Array("<!-- nb:end \(text.id) sum=\(seal(body)) -->".utf8)
  }

  /// Without blank lines at either end. `---` gets a space before it, which means the same: at the left margin it would end the
  /// front matter of a notebook that begins with a line like it.
  private static func lines(_ markdown: String) -> [String] {
    let text = SourceText(path: "", text: markdown)
    var lines = (1...text.lineCount).map { (endsFrontMatter(text, $0) ? " " : "") + text.text(text.contentRange(ofLine: $0)) }
    while lines.last?.isEmpty == true { lines.removeLast() }
    return Array(lines.drop(while: \.isEmpty))
  }
}

extension LiveValue {
  /// A value's text on one line, and of what Markdown would read around it nothing but the text: `<` would end it early, a backtick
  /// begin code with another one, a backslash keep the end mark from being one.
  public static func written(_ text: String) -> String {
    var out = ""
    for scalar in text.unicodeScalars {
      if scalar == "\n" || scalar == "\r" {
        out += " "
      } else if let entity = shownEntities.first(where: { $0.character == scalar })?.entity {
        out += entity
      } else {
        out.unicodeScalars.append(scalar)
      }
    }
    return out
  }
}

/// Characters of a shown text that are written as entities.
let shownEntities: [(character: Unicode.Scalar, entity: String)] = [("&", "&amp;"), ("<", "&lt;"), ("`", "&#96;"), ("\\", "&#92;")]

/// What differs between two bodies: one block of `-` and `+` lines between what they share.
private func lineDiff(_ old: [UInt8], _ new: [UInt8]) -> String {
  func lines(_ bytes: [UInt8]) -> [String] {
    let text = SourceText(path: "", bytes: bytes)
    return (1...text.lineCount).map { text.text(text.contentRange(ofLine: $0)) }
  }
  var (a, b) = (lines(old)[...], lines(new)[...])
  while let x = a.first, x == b.first { a.removeFirst(); b.removeFirst() }
  while let x = a.last, x == b.last { a.removeLast(); b.removeLast() }
  return "--- in the notebook\n+++ of this run\n" + a.map { "-\($0)\n" }.joined() + b.map { "+\($0)\n" }.joined()
}

// A notebook as nb sees it: fences, result regions, live values, each a byte range of the source.
// It never prints Markdown again: every change is an `Edit` of bytes (Document+Replacing.swift),
// and what HTML it becomes is decided in HTMLRenderer.swift. Structure comes from libcmark
// (Structure.swift), which is given only what it reads in bounded time (ReadingCost.swift); nothing
// here throws, because any bytes are a Markdown document.

import TextModel

/// A parsed notebook. Its parts are in the order of the text.
public struct Document: Sendable {
  public let source: SourceText
  /// `---` … `---` at the top, with both lines; not Markdown.
  public var frontMatter: SourceRange?
  /// Top-level ```` ```perf ```` fences outside of results.
  public var perfFences: [Fence]
  /// Every other top-level fence outside of results.
  public var codeFences: [Fence]
  /// What `nb run` wrote; duplicates are here too, and in `diagnostics`.
  public var regions: [ResultRegion]
  /// Live values in prose. A written market table counts as one: its range is the region's.
  public var values: [LiveValue]
  /// `unclosed-fence`, `nested-perf-fence`, `region-without-end`, `region-without-start`,
  /// `duplicate-region`; or `costly-markdown` alone.
  public var diagnostics: [Diagnostic]

  /// Blocks and inline marks that the renderer needs.
  let structure: Structure
  let prose: Prose

  /// false: only shown as it is written; see `obstacle(toReading:)`.
  public let isReadable: Bool

  /// Reads any bytes; never fails. A text that would take too long (`obstacle(toReading:)`) has no parts, and
  /// one error.
  public init(parsing source: SourceText) {
    self.source = source
    frontMatter = findFrontMatter(source)
    let obstacle = obstacle(toReading: source)
    isReadable = obstacle == nil
    if let obstacle {
      (structure, prose, diagnostics) = (Structure(), Prose(), [obstacle])
      (perfFences, codeFences, regions, values) = ([], [], [], [])
      return
    }
    structure = Structure(source, bodyStart: frontMatter?.upper ?? 0)
    let found = findRegions(structure, source)
    regions = found.regions
    diagnostics = found.diagnostics
    perfFences = []
    codeFences = []
    var nextRegion = 0
    for leaf in structure.leaves where leaf.kind == .fence {
      let opening = source.contentRange(ofLine: leaf.line)
      guard leaf.isTopLevel else {
        if leaf.info.first == "perf" {
          diagnostics.append(
            Diagnostic(
              "nested-perf-fence", .error, "a perf block inside a list or quote has no place for its results",
              remedy: "move it to the left margin, outside of the list or quote", at: opening))
        }
        continue
      }
      while nextRegion < regions.count, regions[nextRegion].range.upper <= opening.lower { nextRegion += 1 }
      guard nextRegion == regions.count || !regions[nextRegion].range.contains(opening.lower) else { continue }
      let fence = Fence(startingAt: leaf.line, in: source)
      if !fence.isClosed {
        diagnostics.append(
          Diagnostic(
            "unclosed-fence", .error, "this fence is never closed: everything down to the end of the file is inside it",
            remedy: "add a line with the same fence marks where the block ends", at: opening))
      }
      if fence.language == "perf" { perfFences.append(fence) } else { codeFences.append(fence) }
    }
    prose = scanProse(structure, source, outside: regions.map(\.range))
    values = prose.values
    for region in regions where region.id.hasPrefix(marketPrefix) {
      values.append(
        LiveValue(
          expression: "market \(region.id.dropFirst(marketPrefix.count))", range: region.range,
          shown: source.text(region.body), kind: .marketRegion))
    }
    values.sort { $0.range < $1.range }
    diagnostics.sort { ($0.range?.lower ?? 0) < ($1.range?.lower ?? 0) }
  }
}

/// A value shown in prose: `{{ expr }}` as the author writes it, `<!--nb expr-->text<!--/nb-->`
/// once a run has filled it.
public struct LiveValue: Hashable, Sendable {
  public enum Kind: Sendable { case value, claim, marketRegion }
  /// Trimmed.
  public var expression: String
  /// The whole mark, braces or comments included.
  public var range: SourceRange
  /// nil while it is `{{ }}`.
  public var shown: String?
  /// `marketRegion`: `{{ market dayNN }}` alone in a paragraph at the left margin.
  public var kind: Kind
}

/// Region ids of market tables: `{{ market day08 }}` becomes the region `market-day08`.
let marketPrefix = "market-"

/// Front matter is a first line `---` up to the next line `---` or `...`; without that it is a
/// thematic break, as CommonMark says.
private func findFrontMatter(_ source: SourceText) -> SourceRange? {
  guard source.lineCount > 2, isFrontMatterMark(source, 1, of: 0x2D), !source.contentRange(ofLine: 2).isEmpty else { return nil }
  for line in 2...source.lineCount where endsFrontMatter(source, line) { return SourceRange(0, source.lineRange(line).upper) }
  return nil
}

/// A line `---` or `...`, whether there is front matter before it or not.
func endsFrontMatter(_ source: SourceText, _ line: Int) -> Bool {
  isFrontMatterMark(source, line, of: 0x2D) || isFrontMatterMark(source, line, of: 0x2E)
}

private func isFrontMatterMark(_ source: SourceText, _ line: Int, of byte: UInt8) -> Bool {
  var range = source.contentRange(ofLine: line)
  while range.upper > range.lower, source.bytes[range.upper - 1].isBlank { range.upper -= 1 }
  return range.count == 3 && source.bytes[range.lower..<range.upper].allSatisfy { $0 == byte }
}

// The notebook as its author wrote it: without results, live values as `{{ expr }}`. The inverse of
// Document+Replacing.swift; change the two together.

import TextModel

extension Document {
  /// Removes every region with exactly the line endings that a run added around it, and turns live
  /// values back. `clean(run(x)) == clean(x)` for every x.
  public func cleaned() -> SourceText {
    var edits: [Edit] = []
    for region in regions {
      if region.id.hasPrefix(marketPrefix) {
        edits.append(Edit(region.range, "{{ market \(region.id.dropFirst(marketPrefix.count)) }}"))
      } else {
        var range = withAddedLines(region.range)
        // Two results at the end of a file without a final line ending share the ending between them.
        while let last = edits.last, last.range.upper > range.lower {
          edits.removeLast()
          let line = source.line(at: last.range.lower)
          range.lower = line > 1 ? source.contentRange(ofLine: line - 1).upper : last.range.lower
        }
        edits.append(Edit(range, [UInt8]()))
      }
    }
    for value in values where !(value.kind == .marketRegion && value.shown != nil) {
      let text = "{{ \(value.expression) }}"
      if source.text(value.range) != text { edits.append(Edit(value.range, text)) }
    }
    return source.applying(edits)
  }

  /// The region, the blank line before it and its own line ending. At the end of a file without a
  /// final line ending a run adds two line endings before it and none after: see `insertion`.
  private func withAddedLines(_ region: SourceRange) -> SourceRange {
    let first = source.line(at: region.lower)
    let upper = source.lineRange(source.line(at: region.upper)).upper
    let endsFile = upper == source.contentRange(ofLine: source.line(at: region.upper)).upper
    var lower = source.lineRange(first).lower
    if first > 1, source.contentRange(ofLine: first - 1).isEmpty, lower > source.bomLength {
      lower = source.lineRange(first - 1).lower
      if endsFile, first > 2 { lower = source.contentRange(ofLine: first - 2).upper }
    }
    return SourceRange(lower, upper)
  }
}

// The layout of perf blocks: two spaces a level, one space where YAML wants one, no blanks at line ends. Everything is an edit
// of blanks inside a fence: words, quotes, comments, the order of keys and the author's choice between `{…}` and lines stay.
// Whatever comes out is read again: a block that would mean something else, or is not YAML, is left as it is.

import DocumentModel
import StrictYAML
import TextModel

/// The edits that lay out every perf block of a document; none for what is laid out already.
public func formattingEdits(_ document: Document) -> [Edit] { document.perfFences.filter(\.isClosed).flatMap { edits(of: $0, in: document.source) } }

private func edits(of fence: Fence, in source: SourceText) -> [Edit] {
  guard let node = parse(fence.lines, source), node.entries != nil else { return [] }
  var format = BlockFormat(source, fence)
  format.lines(of: node, indent: 0)
  format.gaps(of: node)
  let edits = format.edits(fence.lines)
  guard !edits.isEmpty else { return [] }
  // What is written anew must say the same.
  let changed = source.applying(edits)
  guard let again = Document(parsing: changed).perfFences.first(where: { $0.range.lower == fence.range.lower + shift(edits, before: fence.range.lower) }),
    let after = parse(again.lines, changed), said(after) == said(node)
  else { return [] }
  return edits
}

private func shift(_ edits: [Edit], before offset: Int) -> Int {
  edits.filter { $0.range.upper <= offset }.reduce(0) { $0 + $1.replacement.count - $1.range.count }
}

private func parse(_ lines: [SourceRange], _ source: SourceText) -> YAMLNode? {
  var diagnostics = Diagnostics()
  let node = YAMLNode(lines: lines, in: source, at: lines.first ?? SourceRange(0, 0), diagnostics: &diagnostics)
  return diagnostics.hasErrors ? nil : node
}

/// A node without its places.
private indirect enum Said: Equatable {
  case scalar(String, Bool)
  case list([Said])
  case mapping([String], [Said])
}

private func said(_ node: YAMLNode) -> Said {
  switch node.content {
  case .scalar(let scalar): .scalar(scalar.text, scalar.style == .quoted)
  case .sequence(let items): .list(items.map(said))
  case .mapping(let entries): .mapping(entries.map(\.key), entries.map { said($0.value) })
  }
}

private struct BlockFormat {
  let source: SourceText
  private let bytes: [UInt8]
  private let first: Int
  /// Where a key or a dash begins a line: its indent.
  private var indents: [Int: Int] = [:]
  /// Lines within a scalar of several lines, whose blanks may mean something.
  private var insides: Set<Int> = []
  private var inner: [Edit] = []
  /// Where a line's content begins, when a scalar says by a number how far it is indented: then no line is moved.
  private var isFixed = false

  init(_ source: SourceText, _ fence: Fence) {
    self.source = source
    bytes = source.bytes
    first = source.line(at: fence.lines.first?.lower ?? fence.range.lower)
  }

  // MARK: Indentation

  mutating func lines(of node: YAMLNode, indent: Int) {
    switch node.content {
    case .scalar: noteScalar(node)
    case .mapping(let entries):
      let isFlow = isFlow(node)
      for entry in entries {
        if !isFlow { begin(entry.keyRange.lower, indent) }
        lines(of: entry.value, indent: indent + 2)
      }
    case .sequence(let items):
      let isFlow = isFlow(node)
      for item in items {
        if !isFlow, let dash = dash(before: item) { begin(dash, indent) }
        lines(of: item, indent: indent + 2)
      }
    }
  }

  private func isFlow(_ node: YAMLNode) -> Bool { node.range.lower < bytes.count && (bytes[node.range.lower] == 0x7B || bytes[node.range.lower] == 0x5B) }

  private mutating func begin(_ offset: Int, _ indent: Int) {
    let line = source.line(at: offset)
    // A key behind a dash does not begin its line.
    if indents[line] == nil, bytes[source.lineRange(line).lower..<offset].allSatisfy({ $0 == 0x20 }) { indents[line] = indent }
  }

  private mutating func noteScalar(_ node: YAMLNode) {
    guard !node.range.isEmpty else { return }
    let start = source.line(at: node.range.lower)
    let end = source.line(at: max(node.range.lower, node.range.upper - 1))
    if end > start { for line in (start + 1)...end { insides.insert(line) } }
    let byte = bytes[node.range.lower]
    if byte == 0x7C || byte == 0x3E, node.range.lower + 1 < bytes.count {
      insides.insert(start)
      let header = bytes[node.range.lower..<source.contentRange(ofLine: start).upper]
      if header.contains(where: { $0 >= 0x31 && $0 <= 0x39 }) { isFixed = true }
    }
  }

  /// The dash that an item of a block list stands behind.
  private func dash(before item: YAMLNode) -> Int? {
    var i = item.range.lower - 1
    let line = source.line(at: item.range.lower)
    // An item on its own line, below its dash, keeps its place.
    guard i >= source.lineRange(line).lower else { return nil }
    while i >= source.lineRange(line).lower, bytes[i] == 0x20 { i -= 1 }
    return i >= source.lineRange(line).lower && bytes[i] == 0x2D ? i : nil
  }

  // MARK: Between words

  mutating func gaps(of node: YAMLNode) {
    let isFlow = isFlow(node)
    switch node.content {
    case .scalar: break
    case .mapping(let entries):
      for entry in entries {
        if entry.value.isNull, entry.value.range.isEmpty {
          close(entry.keyRange.upper)
        } else if sameLine(entry.keyRange.upper, entry.value.range.lower) {
          gap(entry.keyRange.upper, entry.value.range.lower, ":", ": ")
        } else {
          close(entry.keyRange.upper)
        }
        gaps(of: entry.value)
      }
      if isFlow { flow(node, entries.map { SourceRange($0.keyRange.lower, $0.value.range.isEmpty ? $0.keyRange.upper : $0.value.range.upper) }) }
    case .sequence(let items):
      for item in items {
        // A dash with nothing behind it ends its line.
        if !isFlow, !item.range.isEmpty, let dash = dash(before: item) { gap(dash + 1, item.range.lower, "", " ") }
        gaps(of: item)
      }
      if isFlow { flow(node, items.map(\.range)) }
    }
  }

  private func sameLine(_ a: Int, _ b: Int) -> Bool { source.line(at: a) == source.line(at: b) }

  /// `{a: 1, b: 2}`: no blank inside the brackets, one behind a comma.
  private mutating func flow(_ node: YAMLNode, _ parts: [SourceRange]) {
    guard let head = parts.first, let tail = parts.last else { return }
    gap(node.range.lower + 1, head.lower, "", "")
    for (a, b) in zip(parts, parts.dropFirst()) { gap(a.upper, b.lower, ",", ", ") }
    gap(tail.upper, node.range.upper - 1, "", "")
  }

  /// Blanks and at most one mark on one line, made what they should be; anything else stays.
  private mutating func gap(_ lower: Int, _ upper: Int, _ mark: String, _ wanted: String) {
    guard lower <= upper, sameLine(lower, upper) else { return }
    let between = bytes[lower..<upper]
    guard between.filter({ $0 != 0x20 }).elementsEqual(mark.utf8), !between.elementsEqual(wanted.utf8) else { return }
    inner.append(Edit(SourceRange(lower, upper), wanted))
  }

  /// `key :` at the end of a line.
  private mutating func close(_ end: Int) {
    var i = end
    while i < bytes.count, bytes[i] == 0x20 { i += 1 }
    if i > end, i < bytes.count, bytes[i] == 0x3A { inner.append(Edit(SourceRange(end, i), "")) }
  }

  // MARK: Lines

  /// All edits: indents, blanks at line ends, blank lines at either end and doubled ones.
  func edits(_ lines: [SourceRange]) -> [Edit] {
    var edits = inner
    var shift = 0
    var wasBlank = true
    for (i, content) in lines.enumerated() {
      let line = first + i
      let blank = bytes[content.lower..<content.upper].allSatisfy { $0 == 0x20 }
      if blank, !insides.contains(line) {
        let isLast = !lines[(i + 1)...].contains { !bytes[$0.lower..<$0.upper].allSatisfy { $0 == 0x20 } }
        if wasBlank || isLast {
          let whole = source.lineRange(line)
          edits.append(Edit(whole, ""))
        } else if !content.isEmpty {
          edits.append(Edit(content, ""))
        }
        wasBlank = true
        continue
      }
      if !blank { wasBlank = false }
      var text = content.lower
      while text < content.upper, bytes[text] == 0x20 { text += 1 }
      if !isFixed, !blank { indent(line, content, text, nextIndent(line, i, lines), &shift, &edits) }
      if !insides.contains(line) || !insides.contains(line + 1) { trim(line, content, &edits) }
    }
    return edits.sorted { ($0.range.lower, $0.range.upper) < ($1.range.lower, $1.range.upper) }
  }

  private func indent(_ line: Int, _ content: SourceRange, _ text: Int, _ next: Int?, _ shift: inout Int, _ edits: inout [Edit]) {
    let has = text - content.lower
    var wanted = has
    if let own = indents[line] {
      wanted = own
      shift = own - has
    } else if bytes[text] == 0x23, !insides.contains(line) {
      // A comment stands over what it is about.
      wanted = next ?? has
    } else {
      // A continuation moves with the line that it continues.
      wanted = max(0, has + shift)
    }
    if wanted != has { edits.append(Edit(SourceRange(content.lower, text), String(repeating: " ", count: wanted))) }
  }

  /// The indent of the next line that has one of its own.
  private func nextIndent(_ line: Int, _ i: Int, _ lines: [SourceRange]) -> Int? {
    for next in line..<(first + lines.count) where next > line { if let indent = indents[next] { return indent } }
    return nil
  }

  private func trim(_ line: Int, _ content: SourceRange, _ edits: inout [Edit]) {
    // The last line of a literal scalar and its header are the author's.
    guard !insides.contains(line) else { return }
    var end = content.upper
    while end > content.lower, bytes[end - 1] == 0x20 { end -= 1 }
    guard end < content.upper, end > content.lower, !edits.contains(where: { $0.range.upper > end && $0.range.lower < content.upper }) else { return }
    edits.append(Edit(SourceRange(end, content.upper), ""))
  }
}

// The Markdown that the renderer gives to cmark: the document with nb's marks, tables and footnotes
// replaced by tokens that cmark carries through as text or as an HTML comment. A token is framed by
// a private-use character that the document does not contain, so no author can write one. Every
// byte range is visited once.

import TextModel

struct RenderSource {
  enum Alignment: String { case none, left, center, right }
  struct Table {
    var alignments: [Alignment]
    /// Indices into `cells`, -1 for an empty one; the first row is the header.
    var rows: [[Int]]
  }

  let document: Document
  /// UTF-8 of the framing character.
  let mark: [UInt8]
  private(set) var main: [UInt8] = []
  private(set) var tables: [Table] = []
  private(set) var cells: [[UInt8]] = []
  private(set) var notes: [(label: String, text: [UInt8])] = []
  /// `document.values` that stand in prose, by token number.
  private(set) var values: [LiveValue] = []
  private(set) var references: [String] = []

  private var inline: [Edit] = []
  private var block: [Edit] = []
  private var filledCells = 0
  private var source: SourceText { document.source }

  init(_ document: Document, footnotes: Bool) {
    self.document = document
    mark = Self.unusedCharacter(in: document.source.bytes)
    let definitions = footnotes ? findNotes() : []
    collectInline(definitions)
    for (i, region) in document.regions.enumerated() {
      let first = source.contentRange(ofLine: source.line(at: region.range.lower))
      block.append(Edit(SourceRange(region.range.lower, first.upper), comment("r", i)))
      block.append(Edit(SourceRange(region.body.upper, region.range.upper), comment("x", i)))
    }
    for definition in definitions { block.append(Edit(definition.range, "\n")) }
    for leaf in document.structure.leaves where leaf.kind == .paragraph { addTable(leaf) }
    block.sort { $0.range < $1.range }
    let start = document.frontMatter?.upper ?? source.bomLength
    main = patched(SourceRange(start, source.bytes.count), blocks: true)
    for (i, definition) in definitions.enumerated() {
      var text: [UInt8] = []
      for line in definition.lines { text += patched(line, blocks: false) + [0x0A] }
      notes.append((definition.label, text))
      main += [0x0A, 0x0A] + Array(comment("f", i).utf8) + [0x0A, 0x0A] + text
    }
  }

  func token(_ kind: Character, _ number: Int) -> String {
    let frame = String(decoding: mark, as: UTF8.self)
    return "\(frame)\(kind)\(number)\(frame)"
  }

  private func comment(_ kind: Character, _ number: Int) -> String { "<!--\(token(kind, number))-->" }

  /// The kind and number of the token that starts at `offset`, and where it ends.
  func token(in text: UnsafeBufferPointer<UInt8>, at offset: Int) -> (kind: UInt8, number: Int, end: Int)? {
    func framed(_ i: Int) -> Bool { i + 3 <= text.count && text[i] == mark[0] && text[i + 1] == mark[1] && text[i + 2] == mark[2] }
    guard framed(offset), offset + 4 < text.count else { return nil }
    var number = 0
    var i = offset + 4
    while i < text.count, text[i].isDigit {
      number = number * 10 + Int(text[i] - 0x30)
      i += 1
    }
    return framed(i) ? (text[offset + 3], number, i + 3) : nil
  }

  private static func unusedCharacter(in bytes: [UInt8]) -> [UInt8] {
    // U+E000 … U+EFFF are EE 80 80 … EE BF BF. A document of 8 MiB could hold them all; then the
    // last one is taken, and that document may show a stray mark.
    var used = [Bool](repeating: false, count: 4096)
    var i = 0
    while i + 2 < bytes.count {
      if bytes[i] == 0xEE { used[Int(bytes[i + 1] & 0x3F) << 6 | Int(bytes[i + 2] & 0x3F)] = true }
      i += 1
    }
    let free = used.firstIndex(of: false) ?? 4095
    return [0xEE, 0x80 | UInt8(free >> 6), 0x80 | UInt8(free & 0x3F)]
  }

  private mutating func collectInline(_ definitions: [NoteDefinition]) {
    for value in document.prose.values {
      inline.append(Edit(value.range, token("v", values.count)))
      values.append(value)
    }
    let labels = Set(definitions.map(\.label))
    let starts = Set(definitions.map(\.range.lower))
    for reference in document.prose.footnotes
    where labels.contains(reference.label.lowercased()) && !starts.contains(reference.range.lower) {
      inline.append(Edit(reference.range, token("n", references.count)))
      references.append(reference.label.lowercased())
    }
    for escape in document.prose.escapes { inline.append(Edit(escape.range, token("e", Int(escape.byte)))) }
    inline.sort { $0.range < $1.range }
  }

  /// The bytes of a range with its edits applied; a block edit hides the inline edits in it.
  private func patched(_ range: SourceRange, blocks: Bool) -> [UInt8] {
    var out: [UInt8] = []
    out.reserveCapacity(range.count)
    var position = range.lower
    var i = inline.firstIndexSorted { $0.range.lower >= range.lower }
    var b = blocks ? block.firstIndexSorted { $0.range.lower >= range.lower } : block.count
    while true {
      let nextInline = i < inline.count ? inline[i].range.lower : Int.max
      let nextBlock = b < block.count ? block[b].range.lower : Int.max
      let isBlock = nextBlock <= nextInline
      let edit: Edit
      if isBlock {
        guard nextBlock < range.upper else { break }
        edit = block[b]
        b += 1
      } else {
        guard nextInline < range.upper else { break }
        edit = inline[i]
        i += 1
      }
      guard edit.range.lower >= position, edit.range.upper <= range.upper else { continue }
      out += source.bytes[position..<edit.range.lower]
      out += edit.replacement
      position = edit.range.upper
    }
    out += source.bytes[position..<range.upper]
    return out
  }
}

// MARK: Footnotes

private struct NoteDefinition {
  var label: String
  /// Whole lines.
  var range: SourceRange
  /// Content without `[^x]:` and without the indentation of continuation lines.
  var lines: [SourceRange]
}

extension RenderSource {
  /// `[^x]: text` at the left margin, with the lines that continue its paragraph and, after blank
  /// lines, those indented by four.
  private func findNotes() -> [NoteDefinition] {
    let bytes = source.bytes
    guard bytes.find("[^", in: 0..<bytes.count) != nil else { return [] }
    var opaque = [Bool](repeating: false, count: source.lineCount + 2)
    for leaf in document.structure.leaves where leaf.isTopLevel && (leaf.kind == .fence || leaf.kind == .html) {
      var last = leaf.lastLine
      if leaf.kind == .fence { last = source.line(at: max(Fence(startingAt: leaf.line, in: source).range.upper - 1, 0)) }
      for line in leaf.line...max(last, leaf.line) { opaque[line] = true }
    }
    var notes: [NoteDefinition] = []
    var seen: Set<String> = []
    var line = document.frontMatter.map { source.line(at: $0.upper) } ?? 1
    while line <= source.lineCount {
      let content = source.contentRange(ofLine: line)
      guard !opaque[line], let (label, start) = noteLabel(content), seen.insert(label).inserted else { line += 1; continue }
      var note = NoteDefinition(label: label, range: source.lineRange(line), lines: [SourceRange(start, content.upper)])
      note.range.lower = content.lower
      var isBlank = false
      var next = line + 1
      while next <= source.lineCount, !opaque[next] {
        let more = source.contentRange(ofLine: next)
        let text = bytes.trimmed(more)
        if text.isEmpty { isBlank = true; next += 1; continue }
        let isIndented = bytes.has("    ", at: more.lower, before: more.upper) || bytes[more.lower] == 0x09
        guard isIndented || (!isBlank && noteLabel(more) == nil && ![0x23, 0x3E, 0x3C].contains(bytes[text.lower])) else { break }
        if isBlank { note.lines.append(SourceRange(more.lower, more.lower)) }
        isBlank = false
        note.lines.append(SourceRange(isIndented ? more.lower + (bytes[more.lower] == 0x09 ? 1 : 4) : more.lower, more.upper))
        note.range.upper = source.lineRange(next).upper
        next += 1
      }
      notes.append(note)
      line = max(line + 1, source.line(at: note.range.upper))
      if note.range.upper == bytes.count { break }
    }
    return notes
  }

  /// The label, lowercase, and where the text begins.
  private func noteLabel(_ line: SourceRange) -> (String, Int)? {
    let bytes = source.bytes
    guard bytes.has("[^", at: line.lower, before: line.upper) else { return nil }
    var i = line.lower + 2
    while i < line.upper, bytes[i] != 0x5D, !bytes[i].isSpace, i - line.lower < 80 { i += 1 }
    guard i > line.lower + 2, bytes.has("]:", at: i, before: line.upper) else { return nil }
    return (bytes.text(SourceRange(line.lower + 2, i)).lowercased(), i + 2)
  }
}

// MARK: Tables

extension RenderSource {
  /// Empty cells that short rows are filled up with, over the document: a wide header above many
  /// short rows would otherwise be quadratic.
  private static let filledCellsMax = 200_000

  private mutating func addTable(_ leaf: Structure.Leaf) {
    guard leaf.lastLine > leaf.line else { return }
    for line in (leaf.line + 1)...leaf.lastLine {
      guard let alignments = delimiterRow(content(of: line, leaf)) else { continue }
      let header = split(content(of: line - 1, leaf))
      guard header.count == alignments.count else { continue }
      var table = Table(alignments: alignments, rows: [add(header)])
      if line < leaf.lastLine {
        for rowLine in (line + 1)...leaf.lastLine {
          var row = add(Array(split(content(of: rowLine, leaf)).prefix(alignments.count)))
          let missing = min(alignments.count - row.count, Self.filledCellsMax - filledCells)
          row += Array(repeating: -1, count: max(missing, 0))
          filledCells += max(missing, 0)
          table.rows.append(row)
        }
      }
      let range = SourceRange(content(of: line - 1, leaf).lower, source.contentRange(ofLine: leaf.lastLine).upper)
      block.append(Edit(range, comment("t", tables.count)))
      tables.append(table)
      return
    }
  }

  private mutating func add(_ row: [SourceRange]) -> [Int] {
    row.map { range in
      let text = patched(range, blocks: false)
      var cell: [UInt8] = []
      for (i, byte) in text.enumerated() where !(byte == 0x5C && i + 1 < text.count && text[i + 1] == 0x7C) { cell.append(byte) }
      cells.append(cell)
      return cells.count - 1
    }
  }

  /// A line of a paragraph without the marks of its quotes and lists, trimmed.
  private func content(of line: Int, _ leaf: Structure.Leaf) -> SourceRange {
    var range = source.contentRange(ofLine: line)
    if line == leaf.line {
      range.lower = min(range.lower + leaf.column - 1, range.upper)
    } else {
      for _ in 0..<leaf.quotes {
        let inner = source.bytes.trimmed(range)
        guard !inner.isEmpty, source.bytes[inner.lower] == 0x3E else { break }
        range.lower = inner.lower + 1
      }
    }
    return source.bytes.trimmed(range)
  }

  private func delimiterRow(_ line: SourceRange) -> [Alignment]? {
    let bytes = source.bytes
    guard line.count >= 1, bytes[line.lower..<line.upper].allSatisfy({ $0 == 0x7C || $0 == 0x2D || $0 == 0x3A || $0.isBlank }) else { return nil }
    // Bare dashes under a line are a heading or text to CommonMark, and stay so.
    guard bytes[line.lower..<line.upper].contains(where: { $0 == 0x7C || $0 == 0x3A }) else { return nil }
    var out: [Alignment] = []
    for cell in split(line) {
      guard !cell.isEmpty else { return nil }
      let left = bytes[cell.lower] == 0x3A
      let right = bytes[cell.upper - 1] == 0x3A && cell.count > 1
      let dashes = bytes[(cell.lower + (left ? 1 : 0))..<(cell.upper - (right ? 1 : 0))]
      guard !dashes.isEmpty, dashes.allSatisfy({ $0 == 0x2D }) else { return nil }
      out.append(left ? (right ? .center : .left) : (right ? .right : .none))
    }
    return out
  }

  /// Cells between unescaped pipes, also those in code spans, as GFM says.
  private func split(_ line: SourceRange) -> [SourceRange] {
    let bytes = source.bytes
    var cells: [SourceRange] = []
    var start = line.lower
    if start < line.upper, bytes[start] == 0x7C { start += 1 }
    var i = start
    while i < line.upper {
      if bytes[i] == 0x5C {
        i += 2
        continue
      }
      if bytes[i] == 0x7C {
        cells.append(bytes.trimmed(SourceRange(start, i)))
        start = i + 1
      }
      i += 1
    }
    if start < line.upper { cells.append(bytes.trimmed(SourceRange(start, line.upper))) }
    return cells
  }
}

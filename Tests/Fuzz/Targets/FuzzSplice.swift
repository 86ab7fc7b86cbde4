// Any text is a document. A cell put into it, results written for its cells, written again, replaced by others and cleaned away:
// nothing but regions and live values ever changes.

import DocumentModel
import TextModel

@Sendable public func fuzzSplice(_ bytes: UnsafeRawBufferPointer) throws {
  var choices = Choices(bytes)
  let source = SourceText(path: "a.md", bytes: Array(bytes))
  try require(source.applying([]).bytes == source.bytes, "no edit changes nothing")
  let document = Document(parsing: source)
  _ = document.outline
  for link in document.links() { try require(link.range.upper <= source.bytes.count, "a link lies in its text") }
  let hostile = String(decoding: bytes.prefix(choices.next(200)), as: UTF8.self)
  // A document with mistakes is never written to; what would be written must still be edits of it.
  _ = source.applying(document.replacing(results(document, hostile), values: [:], overwrite: true).edits)
  guard document.diagnostics.isEmpty else { return }
  try SpliceLaws(document: document, markdown: hostile, value: hostile).check()
  if let other = withCell(document, atLine: 1 + choices.next(source.lineCount)) {
    try SpliceLaws(document: other, markdown: "| a |\n| - |\n| 1 |", value: "21 ms").check()
  }
}

/// The document with one more perf block above a line; nil where that is no legal place for one: inside of a list, a fence, HTML.
public func withCell(_ document: Document, atLine line: Int) -> Document? {
  let source = document.source
  let end = source.lineEnding
  let place = source.lineRange(line).lower
  guard place >= document.frontMatter?.upper ?? source.bomLength else { return nil }
  let cell = ["", "```perf", "id: one-more", "```", "", ""].joined(separator: end)
  let other = Document(parsing: source.applying([Edit(SourceRange(place, place), cell)]))
  let isLegal = other.diagnostics.isEmpty && other.perfFences.count == document.perfFences.count + 1 && other.regions.count == document.regions.count
  return isLegal ? other : nil
}

private func results(_ document: Document, _ markdown: String) -> [RegionText] {
  document.perfFences.enumerated().map { RegionText(id: "r\($0.offset)", inputs: "0123456789", markdown: markdown, after: $0.element.range) }
    + document.values.filter { $0.kind == .marketRegion }.map {
      RegionText(id: "market-" + $0.expression.dropFirst("market ".count), inputs: "abcdef0123", markdown: "facts", after: $0.range)
    }
}

/// The laws of writing results, on one document without mistakes.
public struct SpliceLaws {
  let document: Document
  let markdown: String
  let value: String

  public init(document: Document, markdown: String, value: String) { (self.document, self.markdown, self.value) = (document, markdown, value) }

  public func check() throws {
    let values = Dictionary(document.values.map { ($0.expression, value) }, uniquingKeysWith: { a, _ in a })
    let author = document.cleaned()
    try require(Document(parsing: author).cleaned().bytes == author.bytes, "cleaning twice is cleaning once")

    let first = document.replacing(results(document, markdown), values: values, overwrite: false)
    // A region that a person edited is kept, and so is a fence that is not closed; then the laws below are about other texts.
    guard first.refused.isEmpty else { return }
    let once = Document(parsing: document.source.applying(first.edits))
    try require(once.diagnostics.isEmpty, "results bring no mistakes: \(once.diagnostics.map(\.cause)) in\n\(text(once))")
    try require(once.perfFences.count == document.perfFences.count, "results bring and take no blocks")
    try require(once.cleaned().bytes == author.bytes, "cleaning takes away what a run wrote, and nothing else:\n\(text(document))\nand\n\(text(once))")
    let again = once.replacing(results(once, markdown), values: values, overwrite: false)
    try require(again.edits.isEmpty && again.refused.isEmpty, "writing twice is writing once")

    let next = once.replacing(results(once, "*other* results"), values: values.mapValues { _ in "other" }, overwrite: false)
    let places = Set(once.regions.map(\.range) + once.values.map(\.range))
    for edit in next.edits { try require(places.contains(edit.range), "new results change regions and values only") }
    let twice = Document(parsing: once.source.applying(next.edits))
    try require(outside(twice) == outside(once), "every byte outside of regions and values stays:\n\(text(once))\nand\n\(text(twice))")
    try require(twice.cleaned().bytes == author.bytes, "cleaning new results leads to the same text")
  }

  private func text(_ document: Document) -> String { String(decoding: document.source.bytes.map { $0 == 0 ? 0x3F : $0 }, as: UTF8.self) }

  /// The bytes around regions and values.
  private func outside(_ document: Document) -> [[UInt8]] {
    var pieces: [[UInt8]] = []
    var position = 0
    for range in (document.regions.map(\.range) + document.values.filter { $0.kind != .marketRegion }.map(\.range)).sorted() {
      if range.lower < position { continue }
      pieces.append(Array(document.source.bytes[position..<range.lower]))
      position = range.upper
    }
    return pieces + [Array(document.source.bytes[position...])]
  }
}

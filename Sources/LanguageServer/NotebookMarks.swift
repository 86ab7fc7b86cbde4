// Every place of a notebook where something is named that has a definition: blocks, code fences, claims, market facts, blocks of other lessons.
// Found in the blocks' YAML and in the marks of prose, never by searching the text, so that a word that only looks like a name is none.

import DocumentModel
import Foundation
import PerfLanguage
import StrictYAML
import TextModel

/// What a name stands for.
enum NamedThing: Hashable {
  case block(String)
  case fence(String)
  case claim(String)
  case fact(String)
  /// A block of another lesson; nil: the lesson itself.
  case elsewhere(lesson: String, block: String?)
}

struct NameMark: Hashable {
  var thing: NamedThing
  /// Of the name alone.
  var range: SourceRange
  var isDefinition = false
}

struct NotebookMarks {
  private(set) var all: [NameMark] = []
  private let source: SourceText

  init(_ analysis: NotebookAnalysis) {
    source = analysis.document.source
    for block in analysis.blocks {
      add(.block(block.id), "\(block.id)", in: block.idPlace, isDefinition: true)
      visit(block.node, key: "", path: [], kind: block.kind)
    }
    for fence in analysis.document.codeFences {
      if let id = fence.id { add(.fence(id), "#\(id)", in: fence.infoRange, dropping: 1, isDefinition: true) }
    }
    for value in analysis.document.values where value.kind != .marketRegion { prose(value) }
    for region in analysis.document.regions {
      // The markers carry the block's id: a block that is renamed keeps its results.
      add(.block(region.id), region.id, in: SourceRange(region.range.lower, region.body.lower))
      add(.block(region.id), region.id, in: SourceRange(region.body.upper, region.range.upper))
    }
    all.sort { $0.range < $1.range }
  }

  func mark(at offset: Int) -> NameMark? { all.first { $0.range.lower <= offset && offset <= $0.range.upper } }

  func marks(of thing: NamedThing) -> [NameMark] { all.filter { $0.thing == thing } }

  // MARK: Blocks

  private mutating func visit(_ node: YAMLNode, key: String, path: [String], kind: String) {
    switch node.content {
    case .mapping(let entries): for entry in entries { visit(entry.value, key: entry.key, path: path + [entry.key], kind: kind) }
    case .sequence(let items): for item in items { visit(item, key: key, path: path, kind: kind) }
    case .scalar(let scalar): scalarMarks(scalar.text, node.range, key, path, kind)
    }
  }

  private mutating func scalarMarks(_ text: String, _ range: SourceRange, _ key: String, _ path: [String], _ kind: String) {
    switch (key, path.count) {
    case ("uses", 1), ("extends", 1), ("from", 1), ("links", 1): add(.block(text), text, in: range)
    case ("of", 2) where path[0] == "answer": add(.block(text), text, in: range)
    case ("fence", _): add(.fence(text), text, in: range)
    case ("id", 2) where kind == "lesson": add(.claim(text), text, in: range, isDefinition: true)
    case ("verified_by", _), ("gate", 1): address(text, in: range)
    case ("sources", 1): if text.hasPrefix("market.") { add(.fact(String(text.dropFirst(7))), text, in: range, dropping: 7) }
    default: break
    }
    // `${onoff.on.p99}` of money.
    if text.contains("${"), let start = text.range(of: "${"), let end = text[start.upperBound...].firstIndex(of: "}") {
      address(String(text[start.upperBound..<end]), in: range)
    }
  }

  /// The block, or the fact, that an address begins with.
  private mutating func address(_ text: String, in range: SourceRange) {
    if text.hasPrefix("market.") { return add(.fact(String(text.dropFirst(7))), text, in: range, dropping: 7) }
    let first = String(text.prefix { $0 != "." && $0 != "<" && $0 != ">" && $0 != "=" && $0 != " " && $0 != "@" })
    guard first.utf8.count < text.utf8.count, text.dropFirst(first.count).first == "." else { return }
    if let slash = first.firstIndex(of: "/") {
      return add(.elsewhere(lesson: String(first[..<slash]), block: String(first[first.index(after: slash)...])), first, in: range)
    }
    add(.block(first), first, in: range)
  }

  // MARK: Prose

  private mutating func prose(_ value: LiveValue) {
    // What is shown of a filled value may hold the same word; the expression stands before it.
    let shown = value.shown?.utf8.count ?? 0
    let range = SourceRange(value.range.lower, max(value.range.lower, value.range.upper - shown))
    if value.kind == .claim {
      let id = value.expression.split(separator: " ").last.map(String.init) ?? ""
      return add(.claim(id), id, in: range, isLast: true)
    }
    address(value.expression, in: range)
  }

  // MARK: Places

  /// Adds the name where `text` stands as a whole in `range`; escapes inside quotes make it unfindable, and then it is left out.
  private mutating func add(
    _ thing: NamedThing, _ text: String, in range: SourceRange, dropping: Int = 0, isLast: Bool = false, isDefinition: Bool = false
  ) {
    let wanted = Array(text.utf8)
    guard !wanted.isEmpty, range.count >= wanted.count else { return }
    let starts = Array(range.lower...(range.upper - wanted.count))
    for start in isLast ? starts.reversed() : starts
    where source.bytes[start..<start + wanted.count].elementsEqual(wanted) && !isName(start - 1, range) && !isName(start + wanted.count, range) {
      all.append(NameMark(thing: thing, range: SourceRange(start + dropping, start + wanted.count), isDefinition: isDefinition))
      return
    }
  }

  private func isName(_ offset: Int, _ range: SourceRange) -> Bool {
    guard range.contains(offset) else { return false }
    let byte = source.bytes[offset]
    return byte >= 0x61 && byte <= 0x7A || byte >= 0x30 && byte <= 0x39 || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
  }
}

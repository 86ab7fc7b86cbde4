// What may be written here: keys and values by the key table, names by what the notebook and the course have, addresses in prose.

import DocumentModel
import Foundation
import PerfLanguage
import TextModel

extension LanguageSession {
  func completion(at parameters: PlaceParams) throws -> CompletionList {
    let text = try text(parameters.textDocument)
    guard text.isNotebook else { return CompletionList(items: []) }
    let offset = text.source.offset(parameters.position, encoding)
    let analysis = text.analysis(desk)
    let writer = CompletionWriter(analysis: analysis, source: text.source, encoding: encoding, snippets: writesSnippets)
    if let fence = analysis.document.perfFences.first(where: { $0.range.lower <= offset && offset <= $0.range.upper }),
      let place = CursorPlace(fence.lines, in: text.source, at: offset)
    {
      return CompletionList(items: writer.items(at: place))
    }
    return CompletionList(items: writer.prose(at: offset))
  }
}

/// Writes the items for one place.
struct CompletionWriter {
  let analysis: NotebookAnalysis
  let source: SourceText
  let encoding: PositionEncoding
  let snippets: Bool

  func items(at place: CursorPlace) -> [CompletionItem] {
    if let key = place.key { return values(of: key, place) }
    var items = keys(place)
    if let key = place.listKey { items += values(of: key, place) }
    return items
  }

  // MARK: Keys

  private func keys(_ place: CursorPlace) -> [CompletionItem] {
    let notes = keyNotes(at: place.path, here: place.here, settings: analysis.settings)
    let begun = source.text(place.prefix)
    return notes.enumerated().compactMap { i, note in
      guard place.here[note.name] == nil || note.name == begun else { return nil }
      return keyItem(note, place.prefix, order: note.isRequired ? i : i + 1000)
    }
  }

  private func keyItem(_ note: KeyNote, _ range: SourceRange, order: Int) -> CompletionItem {
    let column = range.lower - lineStart(range.lower)
    let isInBrackets = source.bytes[lineStart(range.lower)..<range.lower].contains { $0 == UInt8(ascii: "{") }
    var text = yamlKey(note.name) + ":"
    switch note.form {
    case .scalar: text += " "
    case .mapping where !snippets || isInBrackets: text += isInBrackets ? " {}" : ""
    case .mapping: text += "\n" + String(repeating: " ", count: column + 2)
    case .list: text += snippets ? " [$1]" : " "
    }
    if snippets, note.form == .scalar, !note.words.isEmpty, note.words.count <= 12 {
      text += "${1|\(note.words.map { $0.replacing(",", with: "\\,").replacing("|", with: "\\|") }.joined(separator: ","))|}"
    }
    var item = CompletionItem(
      label: note.name, kind: ItemKind.property, detail: note.value, documentation: Markup(value: documentation(note)), textEdit: edit(range, text))
    if snippets { item.insertTextFormat = 2 }
    item.sortText = String(order + 10_000)
    return item
  }

  // MARK: Values

  private func values(of key: String, _ place: CursorPlace) -> [CompletionItem] {
    let root = place.path.first?.scalars ?? place.here
    let begun = source.text(place.prefix)
    if begun.contains("${") { return addresses(in: place.prefix, after: "${", money: true) }
    switch key {
    case "kind" where place.path.isEmpty: return blockKinds.map { item($0, place.prefix, ItemKind.enumeration) }
    case "uses", "extends":
      return analysis.systemNames.map { plain($0, place.prefix, ItemKind.module, presetNames.contains($0) ? "preset" : "system of this notebook") }
    case "of" where place.path.first?.key == "answer": return blocks(["system"], place.prefix)
    case "from": return blocks(root["query"] == "plan" ? ["bench"] : ["load"], place.prefix)
    case "links": return blocks([], place.prefix)
    case "fence":
      return analysis.document.codeFences.compactMap { fence in
        fence.id.map { plain($0, place.prefix, ItemKind.reference, fence.language) }
      }
    case "verified_by":
      return analysis.planned.plan.cells.flatMap { cell in
        [("expect", cell.expects.isEmpty), ("thresholds", cell.thresholds.isEmpty), ("gate", cell.gates.isEmpty)].filter { !$0.1 }.map {
          plain("\(cell.id).\($0.0)", place.prefix, ItemKind.reference, cell.title ?? "")
        }
      }
    case "gate": return addresses(in: place.prefix, after: nil, money: false)
    case "theory": return theoryNotes.map { item($0, place.prefix, ItemKind.constant) }
    case "metric", "y": return metrics(place.prefix, root)
    case "sources": return facts.map { plain("market.\($0.key)", place.prefix, ItemKind.constant, $0.value) }
    case "param": return analysis.settings(of: root["uses"] ?? "").map { item($0, place.prefix, ItemKind.property) }
    default: break
    }
    guard let note = keyNotes(at: place.path, here: place.here, settings: analysis.settings).first(where: { $0.name == key }) else { return [] }
    if !note.words.isEmpty {
      return note.words.map { plain($0, place.prefix, ItemKind.enumeration, $0 == note.standard ? "the default" : "") }
    }
    // A number that is begun gets its units.
    let number = begun.filter { $0 != " " }
    guard !note.units.isEmpty, number.first?.isNumber == true, Double(number) != nil else {
      return note.standard.map { [plain($0, place.prefix, ItemKind.value, "the default")] } ?? []
    }
    return note.units.map { plain(number + $0, place.prefix, ItemKind.unit, note.value) }
  }

  private func blocks(_ kinds: [String], _ range: SourceRange) -> [CompletionItem] {
    analysis.blocks.filter { kinds.isEmpty || kinds.contains($0.kind) }.map { plain($0.id, range, ItemKind.reference, "\($0.kind) block") }
  }

  private func metrics(_ range: SourceRange, _ root: [String: String]) -> [CompletionItem] {
    keyNotes(at: [BlockLevel("thresholds", root)], here: [:], settings: { _ in [] }).map { item($0, range, ItemKind.field) }
  }

  private var facts: [(key: String, value: String)] {
    analysis.context.facts.values.map { ($0.id, $0.value) }.sorted { $0.0 < $1.0 }
  }

  // MARK: Addresses

  /// `{{ ` in prose.
  func prose(at offset: Int) -> [CompletionItem] {
    let start = lineStart(offset)
    let before = source.text(SourceRange(start, offset))
    guard let open = before.range(of: "{{", options: .backwards), before[open.upperBound...].range(of: "}}") == nil else { return [] }
    let written = before[open.upperBound...]
    let blanks = written.prefix { $0 == " " }
    let range = SourceRange(offset - written.dropFirst(blanks.count).utf8.count, offset)
    let text = source.text(range)
    if text.hasPrefix("claim ") {
      return (analysis.planned.plan.lesson?.claims ?? []).map { plain("claim \($0.id)", range, ItemKind.constant, $0.text) }
    }
    var items = address(range, money: false)
    if !text.contains(".") {
      items += (analysis.planned.plan.lesson?.claims ?? []).map { plain("claim \($0.id)", range, ItemKind.constant, $0.text) }
      if let lesson = analysis.planned.plan.lesson { items.append(plain("market \(lesson.id)", range, ItemKind.constant, "the lesson's market facts")) }
    }
    return items
  }

  /// The address at the end of what is written, behind a mark in it or from its start.
  private func addresses(in range: SourceRange, after mark: String?, money: Bool) -> [CompletionItem] {
    let text = source.text(range)
    var rest = Substring(text)
    if let mark, let found = text.range(of: mark, options: .backwards) { rest = text[found.upperBound...] }
    rest = rest.drop { $0 == "'" || $0 == "\"" || $0 == " " }
    return address(SourceRange(range.upper - rest.utf8.count, range.upper), money: money)
  }

  private func address(_ range: SourceRange, money: Bool) -> [CompletionItem] {
    let text = source.text(range)
    if money, text.hasPrefix("market") || !text.contains(".") {
      let facts = facts.map { plain("market.\($0.key)", range, ItemKind.constant, $0.value) }
      if text.hasPrefix("market.") { return facts }
      return facts + analysis.valuedBlocks.map { plain($0, range, ItemKind.reference, "block") }
    }
    let parts = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard parts.count > 1, let block = parts.first else {
      return analysis.valuedBlocks.map { plain($0, range, ItemKind.reference, "\(analysis.block($0)?.kind ?? "") block") }
    }
    let (arms, metrics) = analysis.parts(of: block)
    let stem = parts.dropLast().joined(separator: ".")
    var items = metrics.map { metric in
      var item = metricNote(metric.name).map { self.item($0, range, ItemKind.field) } ?? plain(metric.name, range, ItemKind.field, "")
      item.label = metric.name
      item.textEdit = edit(range, "\(stem).\(metric.name)")
      item.filterText = "\(stem).\(metric.name)"
      return item
    }
    let isBehindArm = parts.count > 2 && !["ratio", "delta", "est"].contains(parts[parts.count - 2])
    if !isBehindArm {
      items += arms.map { arm in
        var item = plain("\(stem).\(arm)", range, ItemKind.enumeration, "arm of \(block)")
        item.label = arm
        item.filterText = "\(stem).\(arm)"
        return item
      }
    }
    return items
  }

  // MARK: Items

  private func item(_ note: KeyNote, _ range: SourceRange, _ kind: Int) -> CompletionItem {
    CompletionItem(label: note.name, kind: kind, detail: note.value, documentation: Markup(value: documentation(note)), textEdit: edit(range, note.name))
  }

  private func plain(_ text: String, _ range: SourceRange, _ kind: Int, _ detail: String) -> CompletionItem {
    CompletionItem(label: text, kind: kind, detail: detail.isEmpty ? nil : detail, textEdit: edit(range, text))
  }

  private func edit(_ range: SourceRange, _ text: String) -> TextEdit { TextEdit(range: source.lspRange(range, encoding), newText: text) }

  private func lineStart(_ offset: Int) -> Int { source.lineStarts[source.line(at: offset) - 1] }

  /// A name that YAML would read as something else, quoted.
  private func yamlKey(_ name: String) -> String { ["on", "off", "yes", "no"].contains(name) ? "'\(name)'" : name }
}

/// A row of the key table as Markdown.
func documentation(_ note: KeyNote) -> String {
  var text = "**`\(note.name)`**" + (note.isRequired ? " (required)" : "")
  if !note.meaning.isEmpty { text += "\n\n\(note.meaning)" }
  if !note.value.isEmpty { text += "\n\nValue: \(note.value)" }
  if let standard = note.standard { text += "\n\nDefault: `\(standard)`" }
  return text
}

// What a word means: a key by the key table, a value as `nb explain` resolves it, a block by its last result, a live value by what was measured.

import DocumentModel
import ExperimentModel
import PerfLanguage
import Reporting
import StrictYAML
import TextModel

extension LanguageSession {
  func hover(at parameters: PlaceParams) throws -> Hover? {
    let text = try text(parameters.textDocument)
    guard text.isNotebook else { return nil }
    let offset = text.source.offset(parameters.position, encoding)
    let analysis = text.analysis(desk)
    guard let (range, markdown) = HoverText(analysis: analysis, desk: desk, path: text.path).text(at: offset) else { return nil }
    return Hover(contents: Markup(value: markdown), range: text.source.lspRange(range, encoding))
  }
}

private struct HoverText {
  let analysis: NotebookAnalysis
  let desk: Desk
  let path: String

  func text(at offset: Int) -> (SourceRange, String)? {
    if let value = analysis.document.values.first(where: { $0.range.lower <= offset && offset < $0.range.upper }), value.kind != .marketRegion {
      return (value.range, liveValue(value))
    }
    if let mark = NotebookMarks(analysis).mark(at: offset), let text = named(mark.thing) { return (mark.range, text) }
    guard let block = analysis.block(at: offset) else { return nil }
    return inside(block, offset)
  }

  // MARK: Names

  private func named(_ thing: NamedThing) -> String? {
    switch thing {
    case .block(let id):
      guard let block = analysis.block(id) else {
        return presetSummaries.first { $0.name == id }.map { "**preset `\(id)`**: \($0.title)" }
      }
      var text = "**\(block.kind) block `\(id)`**"
      if ["lesson", "system", "runbook"].contains(block.kind) { return text + explanation(id) }
      if let result = desk.results(path)[id] {
        text += older(result) + "\n\n" + regionMarkdown(result)
      } else {
        text += "\n\nNot yet measured: `nb run \(fileName) --only \(id)`"
      }
      return text
    case .fence(let id):
      return analysis.document.codeFences.first { $0.id == id }.map { "**\($0.language) fence `#\(id)`**\n\n```\($0.language)\n\($0.text.prefix(1500))\n```" }
    case .claim(let id):
      return analysis.planned.plan.lesson?.claims.first { $0.id == id }.map { "**claim `\(id)`**: \($0.text)\n\nVerified by `\($0.verifiedBy)`" }
    case .fact(let id):
      return analysis.context.facts[id].map {
        "**\($0.value)**, \($0.statement)\n\nas of \($0.asOf)\($0.stale ? ", **STALE**" : "") · \($0.source) (\($0.sourceKind))"
      }
    case .elsewhere(let lesson, let block): return "block `\(block ?? "")` of the lesson `\(lesson)`"
    }
  }

  /// Of a result that answers another question than the block asks now.
  private func older(_ result: CellResult) -> String {
    analysis.inputs(of: result.id).map { $0 == result.inputs } == false ? "\n\n*Measured before the block was changed.*" : ""
  }

  private var fileName: String { path.split(separator: "/").last.map(String.init) ?? path }

  // MARK: Values in prose

  private func liveValue(_ value: LiveValue) -> String {
    if value.kind == .claim {
      let id = value.expression.split(separator: " ").last.map(String.init) ?? ""
      return named(.claim(id)) ?? "there is no claim `\(id)`"
    }
    guard case .success(let address) = parseAddress(value.expression), let block = address.block else { return "`\(value.expression)`" }
    var text = "**`\(value.expression)`**"
    if let metric = metricNote(address.metric) { text += ": \(metric.meaning)" }
    guard let result = desk.results(path)[block], result.hasNumbers, let measured = result.value(at: address) else {
      return text + "\n\nNot yet measured: `nb run \(fileName) --only \(block)`"
    }
    return text + older(result) + "\n\n" + format(measured.estimate, measured.unit, interval: true) + "\n\nevidence \(result.evidence.rawValue)" + (result.machine.map { ", machine \($0.rawValue)" } ?? "")
  }

  // MARK: Keys and values of a block

  private func inside(_ block: NotebookAnalysis.Block, _ offset: Int) -> (SourceRange, String)? {
    var node = block.node
    var path: [BlockLevel] = []
    while true {
      switch node.content {
      case .mapping(let entries):
        let scalars = scalars(of: entries)
        let found = entries.first { $0.keyRange.lower <= offset && offset <= max($0.value.range.upper, $0.keyRange.upper) }
        guard let entry = found else { return nil }
        if entry.keyRange.contains(offset) || entry.keyRange.upper == offset {
          let notes = keyNotes(at: path, here: scalars, settings: analysis.settings)
          return notes.first { $0.name == entry.key }.map { (entry.keyRange, documentation($0)) }
        }
        path.append(BlockLevel(entry.key, scalars))
        node = entry.value
      case .sequence(let items):
        guard let item = items.first(where: { $0.range.lower <= offset && offset <= $0.range.upper }) else { return nil }
        path.append(BlockLevel("-", [:]))
        node = item
      case .scalar:
        guard node.range.lower <= offset, offset <= node.range.upper, let top = path.first?.key, let text = section(top, of: block.id) else { return nil }
        return (node.range, "```yaml\n\(text)\n```")
      }
    }
  }

  private func scalars(of entries: [YAMLEntry]) -> [String: String] {
    var found: [String: String] = [:]
    for entry in entries { found[entry.key] = entry.value.text ?? "" }
    return found
  }

  /// What `nb explain` says of one key of a block: its line and what is indented below.
  private func section(_ key: String, of id: String) -> String? {
    guard let lines = analysis.explained(id)?.split(separator: "\n") else { return nil }
    guard let start = lines.firstIndex(where: { $0.hasPrefix("\(key):") }) else { return nil }
    let rest = lines[(start + 1)...].prefix { $0.hasPrefix(" ") }
    return ([lines[start]] + rest).joined(separator: "\n")
  }

  private func explanation(_ id: String) -> String { analysis.explained(id).map { "\n\n```yaml\n\($0)```" } ?? "" }
}

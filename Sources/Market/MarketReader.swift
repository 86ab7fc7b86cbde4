// What facts, feeds and incidents have in common: a YAML mapping with one list of entries, each with keys that it must and may have. Every mistake
// is reported at once, and an entry with one is left out.

import StrictYAML
import TextModel

/// The keys of one kind of entry.
struct EntryShape {
  /// "a fact"
  var noun: String
  /// Whose values are texts.
  var required: [String]
  var optional: [String]
  /// What each required key is, for messages.
  var meaning: [String: String]
}

/// An entry whose required texts are there.
struct MarketEntry {
  var node: YAMLNode
  var texts: [String: String]
  subscript(key: String) -> String { texts[key] ?? "" }
  func place(_ key: String) -> SourceRange { node[key]?.range ?? node.range }
}

struct MarketReader {
  var findings: [Diagnostic] = []

  mutating func report(_ id: DiagnosticID, _ cause: String, _ remedy: String, _ place: SourceRange) {
    findings.append(Diagnostic(id, .error, cause, remedy: remedy, at: place))
  }

  /// The items of the list under `key`; nil after a report.
  ///
  /// - Parameters:
  ///   - others: keys that may stand beside it.
  ///   - example: for a file without the list.
  mutating func items(_ root: YAMLNode, _ key: String, beside others: [String] = [], file: String, example: String) -> [YAMLNode]? {
    guard let entries = root.entries else {
      report(
        MarketDiagnosticID.wrongType, "\(file) is a mapping with `\(key):`, not \(root.kindName)", "begin with `\(key):` and a list", root.range)
      return nil
    }
    for entry in entries where entry.key != key && !others.contains(entry.key) {
      report(
        MarketDiagnosticID.unknownKey, "unknown key `\(entry.key)` of \(file)",
        "it has " + ([key] + others).map { "`\($0)`" }.joined(separator: " and "), entry.keyRange)
    }
    guard let list = root[key], let items = list.items else {
      report(
        root[key] == nil ? MarketDiagnosticID.missingKey : MarketDiagnosticID.wrongType, "\(file) needs `\(key):` with a list",
        "such as `\(key):` and `\(example)`", entries.first?.keyRange ?? root.range)
      return nil
    }
    return items
  }

  /// The entry's texts; nil after a report of what is missing or no text.
  mutating func entry(_ item: YAMLNode, _ shape: EntryShape) -> MarketEntry? {
    guard let entries = item.entries else {
      report(MarketDiagnosticID.wrongType, "\(shape.noun) is a mapping, not \(item.kindName)", "begin with `- \(shape.required[0]):`", item.range)
      return nil
    }
    let names = shape.required + shape.optional
    for entry in entries where !names.contains(entry.key) {
      let near = nearestName(to: entry.key, among: names).map { "did you mean `\($0)`?" }
      report(
        MarketDiagnosticID.unknownKey, "unknown key `\(entry.key)` of \(shape.noun)", near ?? "keys here: \(names.joined(separator: ", "))",
        entry.keyRange)
    }
    var texts: [String: String] = [:]
    var isWhole = true
    let noun = shape.noun.split(separator: " ").last.map(String.init) ?? shape.noun
    for name in shape.required {
      guard let node = item[name], !node.isNull else {
        report(
          MarketDiagnosticID.missingKey, "this \(noun) needs `\(name)`", shape.meaning[name] ?? "add it", entries.first?.keyRange ?? item.range)
        isWhole = false
        continue
      }
      guard let text = node.text else {
        report(MarketDiagnosticID.wrongType, "`\(name)` is text, not \(node.kindName)", shape.meaning[name] ?? "write text", node.range)
        isWhole = false
        continue
      }
      texts[name] = text
    }
    return isWhole ? MarketEntry(node: item, texts: texts) : nil
  }

  /// The day of a key; nil after a report.
  mutating func day(_ entry: MarketEntry, _ key: String) -> CalendarDay? {
    if let day = CalendarDay(entry[key]) { return day }
    report(MarketDiagnosticID.badDate, "`\(key)` is an ISO date, not `\(entry[key])`", "such as 2026-11-23", entry.place(key))
    return nil
  }

  mutating func reportDuplicate(_ noun: String, _ id: String, _ remedy: String, _ entry: MarketEntry) {
    report(MarketDiagnosticID.duplicate, "two \(noun) are called `\(id)`", remedy, entry.place("id"))
  }
}

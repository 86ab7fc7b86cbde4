// `market/facts.yml` → MarketFact values with their age judged. Offline: a fact is what a person wrote
// and dated; nothing here opens a socket or changes a number.

import ExperimentModel
import StrictYAML
import TextModel

/// Reads the course's dated outside facts. A fact with a mistake is left out and reported.
///
/// - Parameters:
///   - today: ISO date that ages are counted to.
///   - diagnostics: gets StrictYAML's findings, `fact-unknown-key`, `fact-missing-key`, `fact-wrong-type`,
///     `fact-bad-date` and `fact-duplicate`.
public func loadFacts(_ source: SourceText, today: String, diagnostics: inout Diagnostics) -> [MarketFact] {
  guard let root = YAMLNode(parsing: source, limits: YAMLLimits(bytes: 1 << 20), diagnostics: &diagnostics) else { return [] }
  var reader = FactReader(today: CalendarDay(today))
  if reader.today == nil {
    reader.report(
      MarketDiagnosticID.badDate, "today is `\(today)`, which is not a date", "set NB_TODAY to one such as 2026-11-23, or unset it",
      root.range)
  }
  let facts = reader.facts(root)
  diagnostics.add(contentsOf: reader.findings)
  return facts
}

/// Where each fact's id stands in the file; of a file that does not read, nothing.
public func factPlaces(_ source: SourceText) -> [String: SourceRange] {
  var ignored = Diagnostics()
  let root = YAMLNode(parsing: source, limits: YAMLLimits(bytes: 1 << 20), diagnostics: &ignored)
  let ids = (root?["facts"]?.items ?? []).compactMap { item in item["id"].flatMap { node in node.text.map { ($0, node.range) } } }
  return Dictionary(ids, uniquingKeysWith: { a, _ in a })
}

private struct FactReader {
  let today: CalendarDay?
  var findings: [Diagnostic] = []

  private static let required = ["id", "statement", "value", "as_of", "source", "source_kind", "ttl_days"]
  private static let optional = ["strength", "used_by", "check", "conflicts", "region", "note"]

  mutating func report(_ id: DiagnosticID, _ cause: String, _ remedy: String, _ place: SourceRange) {
    findings.append(Diagnostic(id, .error, cause, remedy: remedy, at: place))
  }

  mutating func facts(_ root: YAMLNode) -> [MarketFact] {
    guard let entries = root.entries else {
      report(
        MarketDiagnosticID.wrongType, "a facts file is a mapping with `facts:`, not \(root.kindName)", "begin with `facts:` and a list",
        root.range)
      return []
    }
    // `feeds` may stand in the same file; `nb market refresh` reads them.
    for entry in entries where entry.key != "facts" && entry.key != "feeds" {
      report(MarketDiagnosticID.unknownKey, "unknown key `\(entry.key)` of a facts file", "it has `facts` and `feeds`", entry.keyRange)
    }
    guard let list = root["facts"], let items = list.items else {
      report(
        root["facts"] == nil ? MarketDiagnosticID.missingKey : MarketDiagnosticID.wrongType, "a facts file needs `facts:` with a list",
        "such as `facts:` and `- id: aws.m7g-large.usd_per_hour`", entries.first?.keyRange ?? root.range)
      return []
    }
    var facts: [MarketFact] = []
    for item in items {
      guard let fact = fact(item) else { continue }
      if facts.contains(where: { $0.id == fact.id }) {
        report(
          MarketDiagnosticID.duplicate, "two facts are called `\(fact.id)`",
          "keep the newer one; a disagreeing source goes into `conflicts`", item["id"]?.range ?? item.range)
      } else {
        facts.append(fact)
      }
    }
    return facts
  }

  private mutating func fact(_ item: YAMLNode) -> MarketFact? {
    guard let entries = item.entries else {
      report(MarketDiagnosticID.wrongType, "a fact is a mapping, not \(item.kindName)", "begin with `- id:`", item.range)
      return nil
    }
    let names = Self.required + Self.optional
    for entry in entries where !names.contains(entry.key) {
      let near = nearestName(to: entry.key, among: names).map { "did you mean `\($0)`?" }
      report(
        MarketDiagnosticID.unknownKey, "unknown key `\(entry.key)` of a fact", near ?? "keys here: \(names.joined(separator: ", "))",
        entry.keyRange)
    }
    var texts: [String: String] = [:]
    var isWhole = true
    for name in Self.required {
      guard let node = item[name], !node.isNull else {
        report(
          MarketDiagnosticID.missingKey, "this fact needs `\(name)`", Self.meaning[name] ?? "add it", entries.first?.keyRange ?? item.range)
        isWhole = false
        continue
      }
      guard let text = node.text else {
        report(MarketDiagnosticID.wrongType, "`\(name)` is text, not \(node.kindName)", Self.meaning[name] ?? "write text", node.range)
        isWhole = false
        continue
      }
      texts[name] = text
    }
    guard isWhole, let asOf = CalendarDay(texts["as_of"] ?? "") else {
      if isWhole, let node = item["as_of"] {
        report(MarketDiagnosticID.badDate, "`as_of` is an ISO date, not `\(texts["as_of"] ?? "")`", "such as 2026-11-23", node.range)
      }
      return nil
    }
    guard let days = Int(texts["ttl_days"] ?? ""), days > 0 else {
      report(
        MarketDiagnosticID.wrongType, "`ttl_days` is a whole number of days above 0, not `\(texts["ttl_days"] ?? "")`", "such as 180",
        item["ttl_days"]?.range ?? item.range)
      return nil
    }
    let parsed = numberAndUnit(texts["value"] ?? "")
    return MarketFact(
      id: texts["id"] ?? "", statement: texts["statement"] ?? "", value: texts["value"] ?? "", number: parsed?.number,
      unit: parsed?.unit ?? .plain, asOf: texts["as_of"] ?? "", source: texts["source"] ?? "", sourceKind: texts["source_kind"] ?? "",
      strength: item["strength"]?.text, ttlDays: days, stale: today.map { $0.number - asOf.number > days } ?? false, usedBy: usedBy(item))
  }

  private mutating func usedBy(_ item: YAMLNode) -> [String] {
    guard let node = item["used_by"] else { return [] }
    guard let items = node.items, items.allSatisfy({ $0.text != nil }) else {
      report(MarketDiagnosticID.wrongType, "`used_by` is a list of lessons", "such as [day08]", node.range)
      return []
    }
    return items.compactMap(\.text)
  }

  private static let meaning = [
    "id": "what `${market.ID}` calls it, such as aws.m7g-large.usd_per_hour",
    "statement": "one sentence that says the fact", "value": "the value with its unit, such as 0.0816 USD/h",
    "as_of": "the day on which the source said it, such as 2026-11-23", "source": "where it can be read: an address, or a title",
    "source_kind": "primary or secondary", "ttl_days": "after how many days it is stale, such as 180",
  ]
}

// `market/facts.yml` → MarketFact values with their age judged. Offline: a fact is what a person wrote and dated; nothing here opens a socket or
// changes a number.

import ExperimentModel
import StrictYAML
import TextModel

/// What a feed must say for a fact to hold.
public struct FactCheck: Codable, Hashable, Sendable {
  public var feed: String
  /// Of what the feed says, such as `latest_release`.
  public var field: String
  /// A regular expression that is found in the field's text.
  public var expect: String
}

/// A fact with what only the market check needs.
public struct DatedFact: Sendable {
  public var fact: MarketFact
  /// Days since `as_of`; negative for one of the future, nil when today is not known.
  public var age: Int?
  public var check: FactCheck?
  /// Of `value:` and `as_of:` in the file.
  public var valuePlace: SourceRange
  public var datePlace: SourceRange
}

/// Reads the course's dated outside facts. A fact with a mistake is left out and reported.
///
/// - Parameters:
///   - today: ISO date that ages are counted to.
///   - diagnostics: gets StrictYAML's findings and those of `MarketDiagnosticID`.
public func loadFacts(_ source: SourceText, today: String, diagnostics: inout Diagnostics) -> [MarketFact] {
  datedFacts(source, today: today, feeds: nil, diagnostics: &diagnostics).map(\.fact)
}

/// The same with ages and checks.
///
/// - Parameter feeds: ids that a check may name; nil: they are not known here, and any may be named.
public func datedFacts(_ source: SourceText, today: String, feeds: Set<String>?, diagnostics: inout Diagnostics) -> [DatedFact] {
  guard let root = YAMLNode(parsing: source, limits: YAMLLimits(bytes: 1 << 20), diagnostics: &diagnostics) else { return [] }
  var reader = FactReader(today: CalendarDay(today), feeds: feeds)
  if reader.today == nil {
    reader.base.report(
      MarketDiagnosticID.badDate, "today is `\(today)`, which is not a date", "set NB_TODAY to one such as 2026-11-23, or unset it",
      root.range)
  }
  let facts = reader.facts(root)
  diagnostics.add(contentsOf: reader.base.findings)
  return facts
}

/// Where each fact's id stands in the file; of a file that does not read, nothing.
public func factPlaces(_ source: SourceText) -> [String: SourceRange] {
  var ignored = Diagnostics()
  let root = YAMLNode(parsing: source, limits: YAMLLimits(bytes: 1 << 20), diagnostics: &ignored)
  let ids = (root?["facts"]?.items ?? []).compactMap { item in item["id"].flatMap { node in node.text.map { ($0, node.range) } } }
  return Dictionary(ids, uniquingKeysWith: { a, _ in a })
}

/// The one rule of staleness, for `nb market`, `nb check`, lessons and costs: older than its time to live.
func isStale(age: Int, timeToLive: Int) -> Bool { age > timeToLive }

private struct FactReader {
  let today: CalendarDay?
  /// `feeds:` of the same file is added to them.
  var feeds: Set<String>?
  var base = MarketReader()

  init(today: CalendarDay?, feeds: Set<String>?) {
    self.today = today
    self.feeds = feeds
  }

  mutating func facts(_ root: YAMLNode) -> [DatedFact] {
    // Feeds and incidents may stand in the same file.
    if let own = root["feeds"] {
      let found = base.feeds(own)
      feeds = (feeds ?? []).union(found.map(\.id))
    }
    if let own = root["incidents"] { _ = base.incidents(own, lessons: nil) }
    guard
      let items = base.items(
        root, "facts", beside: ["feeds", "incidents"], file: "a facts file", example: "- id: aws.m7g-large.usd_per_hour")
    else { return [] }
    var facts: [DatedFact] = []
    for item in items {
      guard let entry = base.entry(item, Self.shape), let fact = fact(entry) else { continue }
      if facts.contains(where: { $0.fact.id == fact.fact.id }) {
        base.reportDuplicate("facts", fact.fact.id, "keep the newer one; a disagreeing source goes into `conflicts`", entry)
      } else {
        facts.append(fact)
      }
    }
    return facts
  }

  private mutating func fact(_ entry: MarketEntry) -> DatedFact? {
    guard let asOf = base.day(entry, "as_of") else { return nil }
    guard let days = Int(entry["ttl_days"]), days > 0 else {
      base.report(
        MarketDiagnosticID.wrongType, "`ttl_days` is a whole number of days above 0, not `\(entry["ttl_days"])`", "such as 180",
        entry.place("ttl_days"))
      return nil
    }
    let parsed = numberAndUnit(entry["value"])
    let age = today.map { $0.number - asOf.number }
    var fact = MarketFact(
      id: entry["id"], statement: entry["statement"], value: entry["value"], number: parsed?.number,
      unit: parsed?.unit ?? .plain, asOf: entry["as_of"], source: entry["source"], sourceKind: entry["source_kind"],
      strength: entry.node["strength"]?.text, ttlDays: days, stale: age.map { isStale(age: $0, timeToLive: days) } ?? false, usedBy: usedBy(entry.node))
    fact.conflicts = conflicts(entry.node)
    return DatedFact(fact: fact, age: age, check: check(entry.node), valuePlace: entry.place("value"), datePlace: entry.place("as_of"))
  }

  private mutating func usedBy(_ item: YAMLNode) -> [String] {
    guard let node = item["used_by"] else { return [] }
    guard let items = node.items, items.allSatisfy({ $0.text != nil }) else {
      base.report(MarketDiagnosticID.wrongType, "`used_by` is a list of lessons", "such as [day08]", node.range)
      return []
    }
    return items.compactMap(\.text)
  }

  /// Sources that disagree: a list with what each says, or a sentence.
  private mutating func conflicts(_ item: YAMLNode) -> [MarketFact.Conflict] {
    guard let node = item["conflicts"] else { return [] }
    if let text = node.text, !node.isNull { return [.init(source: "", sourceKind: "", value: "", resolution: text)] }
    guard let items = node.items else {
      base.report(
        MarketDiagnosticID.wrongType, "`conflicts` is a list of sources that disagree, or a sentence, not \(node.kindName)",
        "such as [{source: …, source_kind: secondary, value: 150 ms, resolution: not adopted}]", node.range)
      return []
    }
    return items.compactMap { item in
      base.entry(item, Self.conflict).map { .init(source: $0["source"], sourceKind: $0["source_kind"], value: $0["value"], resolution: $0["resolution"]) }
    }
  }

  private mutating func check(_ item: YAMLNode) -> FactCheck? {
    guard let node = item["check"], let entry = base.entry(node, Self.check) else { return nil }
    guard (try? Regex(entry["expect"])) != nil else {
      base.report(
        MarketDiagnosticID.badCheck, "`expect` is a regular expression, and `\(entry["expect"])` is none", "such as '^v2\\.'", entry.place("expect"))
      return nil
    }
    if let feeds, !feeds.contains(entry["feed"]) {
      let near = nearestName(to: entry["feed"], among: Array(feeds)).map { "did you mean `\($0)`?" }
      base.report(
        MarketDiagnosticID.badCheck, "there is no feed `\(entry["feed"])` to check this fact by", near ?? "add it to market/feeds.yml",
        entry.place("feed"))
      return nil
    }
    return FactCheck(feed: entry["feed"], field: entry["field"], expect: entry["expect"])
  }

  private static let shape = EntryShape(
    noun: "a fact", required: ["id", "statement", "value", "as_of", "source", "source_kind", "ttl_days"],
    optional: ["strength", "used_by", "check", "conflicts", "region", "note"],
    meaning: [
      "id": "what `${market.ID}` calls it, such as aws.m7g-large.usd_per_hour",
      "statement": "one sentence that says the fact", "value": "the value with its unit, such as 0.0816 USD/h",
      "as_of": "the day on which the source said it, such as 2026-11-23", "source": "where it can be read: an address, or a title",
      "source_kind": "primary or secondary", "ttl_days": "after how many days it is stale, such as 180",
    ])
  private static let conflict = EntryShape(
    noun: "a conflict", required: ["source", "source_kind", "value", "resolution"], optional: [],
    meaning: ["source": "who disagrees", "source_kind": "primary or secondary", "value": "what is said there", "resolution": "why it is not adopted"])
  private static let check = EntryShape(
    noun: "a check", required: ["feed", "field", "expect"], optional: [],
    meaning: ["feed": "an id of market/feeds.yml", "field": "such as latest_release", "expect": "a regular expression, such as '^v2\\.'"])
}

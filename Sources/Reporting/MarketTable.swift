// Dated outside facts as a table: what is said, by whom, as of when, and whether it has gone stale.

import ExperimentModel

/// A GFM table of facts in the given order; a sentence when there is none.
public func marketTable(_ facts: [MarketFact]) -> String {
  guard !facts.isEmpty else { return "*No market facts are used here.*" }
  var table = MarkdownTable(columns: [
    ("fact", .left), ("value", .right), ("as of", .left), ("source", .left), ("strength", .left), ("state", .left),
  ])
  for fact in facts {
    let source = fact.sourceKind.isEmpty ? fact.source : "\(fact.source) (\(fact.sourceKind))"
    let age = fact.stale ? "**STALE** (over \(days(fact.ttlDays)))" : fact.ttlDays >= historicDays ? "history" : "current for \(days(fact.ttlDays))"
    table.rows.append([
      escapedMarkdown(fact.statement), escapedMarkdown(fact.value), escapedMarkdown(fact.asOf), escapedMarkdown(source),
      escapedMarkdown(fact.strength ?? "–"),
      age + disagreement(fact),
    ])
  }
  return table.text
}

/// What other sources say, and why it is not believed; a conflict that is told in a sentence is a note for authors.
private func disagreement(_ fact: MarketFact) -> String {
  fact.conflicts.filter { !$0.value.isEmpty }.map { other in
    "; **conflict**: \(escapedMarkdown(other.value)) by \(escapedMarkdown(other.source)) (\(escapedMarkdown(other.sourceKind))), \(escapedMarkdown(other.resolution))"
  }.joined()
}

/// What was true once and is cited as such does not go stale: a study of 2006 stays a study of 2006.
private let historicDays = 3650

private func days(_ count: Int) -> String { count == 1 ? "1 day" : "\(fixed(Double(count), 0, grouped: true)) days" }

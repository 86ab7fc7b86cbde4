// A fact against what its feed said last, and what a person might change because of it. Nothing is changed here: a proposal is a text.

import ExperimentModel
import TextModel

/// What a snapshot says about a fact.
public enum FactOutcome: Hashable, Sendable {
  /// The fact has no check.
  case unchecked
  /// Its feed was never asked here.
  case noSnapshot
  /// The feed has no such field.
  case noField(fetched: String)
  case confirmed(said: String, fetched: String)
  case contradicted(said: String, fetched: String)

  /// In a word or two, for tables.
  public var text: String {
    switch self {
    case .unchecked: ""
    case .noSnapshot: "not asked yet"
    case .noField(let day): "no such field (\(day))"
    case .confirmed(_, let day): "confirmed \(day)"
    case .contradicted(let said, let day): "CONTRADICTED \(day): \(said)"
    }
  }
}

/// - Parameter snapshots: by feed.
public func judge(_ check: FactCheck?, _ snapshots: [String: FeedSnapshot]) -> FactOutcome {
  guard let check else { return .unchecked }
  guard let snapshot = snapshots[check.feed] else { return .noSnapshot }
  guard let said = snapshot.fields[check.field] else { return .noField(fetched: snapshot.fetched) }
  let holds = (try? Regex(check.expect)).flatMap { said.firstMatch(of: $0) } != nil
  return holds ? .confirmed(said: said, fetched: snapshot.fetched) : .contradicted(said: said, fetched: snapshot.fetched)
}

/// What the state column says: the worst first.
public func factState(_ fact: MarketFact, _ outcome: FactOutcome) -> String {
  var words: [String] = []
  if fact.stale { words.append("STALE") }
  if !fact.conflicts.isEmpty { words.append("conflict") }
  if case .contradicted = outcome { words.append("contradicted") }
  return words.isEmpty ? "fresh" : words.joined(separator: ", ")
}

/// Changes of the facts file that snapshots suggest, as a unified diff for each fact with the evidence above it; "" when there are none. `patch`
/// can apply it, and nothing else does.
///
/// - Parameter path: of the facts file, as the diff names it.
public func proposal(_ facts: [DatedFact], _ snapshots: [String: FeedSnapshot], in source: SourceText, path: String) -> String {
  facts.compactMap { dated in
    guard let check = dated.check, let snapshot = snapshots[check.feed], let said = snapshot.fields[check.field] else { return nil }
    let outcome = judge(check, snapshots)
    var edits: [Edit] = []
    let isSame = agrees(dated.fact.value, said)
    if !isSame { edits.append(Edit(dated.valuePlace, quotedLike(source.text(dated.valuePlace), said))) }
    if dated.fact.asOf < snapshot.fetched { edits.append(Edit(dated.datePlace, snapshot.fetched)) }
    if edits.isEmpty { return nil }
    var evidence = "# \(dated.fact.id): \(check.feed) said \(check.field) = \(said) on \(snapshot.fetched)"
    if let date = snapshot.fields["latest_date"], !date.isEmpty { evidence += " (of \(date), \(snapshot.fields["latest_link"] ?? ""))" }
    if case .contradicted = outcome {
      evidence += "\n# It is not what the fact expects, \(check.expect): read what has changed, and whether the statement still holds."
    }
    return evidence + "\n" + unifiedDiff(source, edits, path: path)
  }.joined(separator: "\n")
}

/// `2.3` and `v2.3.1` are the same release as far as the fact says.
func agrees(_ value: String, _ said: String) -> Bool {
  func bare(_ text: String) -> Substring { text.drop { !$0.isNumber } }
  let (mine, theirs) = (bare(value), bare(said))
  if value == said || !mine.isEmpty && mine == theirs { return true }
  return !mine.isEmpty && theirs.hasPrefix(mine) && [".", "-", "+"].contains(theirs.dropFirst(mine.count).first.map(String.init) ?? "")
}

/// The new scalar in the old one's quotes; in double quotes where plain text would be read as something else.
private func quotedLike(_ old: String, _ text: String) -> String {
  let escaped = text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
  let isPlain = text.first?.isLetter == true && !text.contains(": ") && !text.contains(" #") && text.allSatisfy { !"{}[],\"'\\".contains($0) }
  return old.hasPrefix("\"") || old.hasPrefix("'") || !isPlain ? "\"\(escaped)\"" : text
}

/// One hunk with three lines around the edits, which are inside of lines.
private func unifiedDiff(_ source: SourceText, _ edits: [Edit], path: String) -> String {
  let lines = edits.map { source.line(at: $0.range.lower) }
  guard let first = lines.min(), let last = lines.max() else { return "" }
  let changed = source.applying(edits)
  let (lower, upper) = (max(1, first - 3), min(source.lineCount, last + 3))
  func text(_ source: SourceText, _ line: Int) -> String { source.text(source.contentRange(ofLine: line)) }
  // The last line of a file that ends with a line ending is none.
  let end = upper == source.lineCount && source.contentRange(ofLine: upper).isEmpty ? upper - 1 : upper
  var out = "--- \(path)\n+++ \(path)\n@@ -\(lower),\(end - lower + 1) +\(lower),\(end - lower + 1) @@\n"
  for line in lower...end {
    if lines.contains(line) {
      out += "-\(text(source, line))\n+\(text(changed, line))\n"
    } else {
      out += " \(text(source, line))\n"
    }
  }
  return out
}

// Performance budgets as a table and as lines of a terminal: each with its limit, who owns it, and what is left of it.
// They were judged elsewhere (`judgeBudgets`); here they get their words.

import ExperimentModel

/// A GFM table of budgets in the given order, reasons as notes below it; a sentence when there is none.
public func budgetMarkdown(_ budgets: [JudgedBudget]) -> String {
  guard !budgets.isEmpty else { return "*No budgets are set.*" }
  var table = MarkdownTable(columns: [
    ("budget", .left), ("limit", .right), ("measured", .right), ("left", .right), ("outcome", .left), ("owner", .left),
    ("since", .left),
  ])
  var notes: [String] = []
  for one in budgets {
    var outcome = one.outcome == .fail ? "**fail**" : one.outcome.rawValue
    let reasons = reasons(one)
    if !reasons.isEmpty {
      notes.append("\(superscript(notes.count + 1)) \(escapedSentence(reasons))")
      outcome += " \(superscript(notes.count))"
    }
    table.rows.append([
      code(one.budget.metric), code(one.budget.limitText), measuredText(one) ?? "–", leftText(one.left) ?? "–", outcome,
      escapedMarkdown(one.budget.owner), escapedMarkdown(one.budget.since),
    ])
  }
  return notes.isEmpty ? table.text : table.text + "\n\n" + notes.joined(separator: "\\\n")
}

/// One line per budget, in columns: `pass  day08/onoff.on.p99  <=25ms  22.0 ms  12 % left  Ada, since 2026-11-01`.
public func budgetText(_ budgets: [JudgedBudget], style: TerminalStyle = TerminalStyle()) -> String {
  guard !budgets.isEmpty else { return "No budgets are set.\n" }
  let rows = budgets.map { one in
    [
      one.outcome.rawValue, style.text(one.budget.metric, limit: 60), style.text(one.budget.limitText, limit: 30),
      style.own(measuredText(one) ?? "not measured"), style.own(leftText(one.left) ?? ""),
      style.text("\(one.budget.owner), since \(one.budget.since)", limit: 60),
    ]
  }
  let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
  return zip(budgets, rows).map { one, row in
    let line = trimmedEnd(zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }.joined(separator: "  "))
    let reasons = reasons(one)
    let note = reasons.isEmpty ? "" : "  \(style.text(reasons, limit: 400))\n"
    return (one.outcome == .fail ? style.bold(line) : line) + "\n" + note
  }.joined()
}

/// One budget as texts, for a page.
public struct BudgetRow: Hashable, Sendable {
  /// nil where nothing was measured, or nothing can be said.
  public var measured, left: String?
  /// Why it is unmeasured or inconclusive; empty when there is nothing to say.
  public var reasons: String
  public init(_ one: JudgedBudget) {
    measured = measuredText(one)
    left = leftText(one.left)
    reasons = Reporting.reasons(one)
  }
}

private func measuredText(_ one: JudgedBudget) -> String? {
  one.measured.map { format($0.estimate, $0.unit, interval: true) }
}

private func reasons(_ one: JudgedBudget) -> String {
  [one.reason, one.quick ? "from a quick run" : nil].compactMap { $0 }.joined(separator: "; ")
}

/// `12 % left`, `3.4 % over`, `0 % left`; nil where nothing can be said.
func leftText(_ share: Double?) -> String? {
  guard let share, share.isFinite else { return nil }
  let percent = abs(share) * 100
  let text = fixed(percent, min(significantDecimals(percent, 2), 2), grouped: true)
  let isZero = text.allSatisfy { "0.".contains($0) }
  if isZero { return share < 0 ? "just over" : "0 % left" }
  return "\(text) % \(share < 0 ? "over" : "left")"
}

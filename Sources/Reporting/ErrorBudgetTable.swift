// The error budget of each objective: what the time window allows, what the recording used up of it, what is left.

import ExperimentModel

/// A figure that stands in this table and nowhere else; the burn rate and what is left are said below as well, where prose quotes them.
func isBudget(_ metric: String) -> Bool { ["budget", "spent", "budget_spent"].contains(metric) }

/// nil: the result has no budget, or is from before there was this table.
func budgetTable(_ result: CellResult) -> String? {
  let arms = result.arms.filter { $0.metrics["budget"] != nil }
  guard !arms.isEmpty else { return nil }
  var table = MarkdownTable(columns: [
    ("objective", .left), ("attained", .right), ("error budget", .right), ("spent", .right), ("left", .right),
  ])
  for arm in arms {
    func text(_ metric: String) -> String { arm.metrics[metric].map { format($0.estimate, $0.unit, interval: true) } ?? "–" }
    let target = text("objective")
    let name = arm.label ?? arm.name
    let spent = arm.metrics["spent"].map { "\(format($0)), \(text("budget_spent"))" } ?? text("budget_spent")
    table.rows.append([
      name.isEmpty || name == target ? target : "\(escapedMarkdown(name)): \(target)", text("attainment"), text("budget"), spent,
      text("budget_left"),
    ])
  }
  return table.text
}

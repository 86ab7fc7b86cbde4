// What a change returns, under the table of a `cost` block with `roi`: one row for each figure, one column for each end of the bracket.

import ExperimentModel

private let ends = CostFormula.bracketEnds

/// In the order in which one reads them.
private let rows = [
  ("gain", "gain"), ("net", "net at the horizon"), ("roi", "return of a month"), ("payback", "paid back after"),
  ("breakeven_hours", "breaks even at hours of work"), ("breakeven_delay", "breaks even at a delay"),
  ("breakeven_minutes", "breaks even at bad time"),
  ("breakeven_bad", "breaks even at bad requests"), ("breakeven_incidents", "breaks even at incidents a month"),
  ("breakeven_price", "breaks even at a vCPU price"),
]

/// A figure that stands in this table and nowhere else.
func isReturn(_ metric: String) -> Bool { rows.contains { row in ends.contains { metric == "\(row.0)_\($0)" } } }

/// nil: the block holds its money against nothing.
func returnsTable(_ result: CellResult) -> String? {
  guard result.kind == "cost", let figures = result.arms.first(where: { $0.name.isEmpty })?.metrics else { return nil }
  var shown = ends.filter { end in rows.contains { figures["\($0.0)_\(end)"] != nil } }
  guard !shown.isEmpty else { return nil }
  // Without a bracket its three ends are one.
  if rows.allSatisfy({ row in Set(shown.map { figures["\(row.0)_\($0)"] }).count == 1 }) { shown = ["base"] }
  var table = MarkdownTable(columns: [("return", .left)] + (shown.count == 1 ? [("value", .right)] : shown.map { ($0, .right) }))
  for (metric, title) in rows {
    let values = shown.map { figures["\(metric)_\($0)"] }
    // What has no end is left out of the figures: a loss is never paid back.
    let missing = metric == "payback" ? "never" : "–"
    guard metric == "payback" || values.contains(where: { $0 != nil }) else { continue }
    table.rows.append([title] + values.map { value in value.map { format($0.estimate, $0.unit, interval: true) } ?? missing })
  }
  return table.text
}

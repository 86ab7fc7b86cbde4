// The reference of blocks, keys, metrics, closed forms and units, printed from the tables that the
// parser uses.

import ExperimentModel

/// A Markdown page; the same text for the same version of nb.
public func referencePage() -> String {
  var page = """
    # Reference: perf blocks

    A block is strict YAML in a ```` ```perf ```` fence. A number that measures something has its unit:
    \(units()).

    """
  for shape in Shape.allCases where !shape.keys.isEmpty {
    let heading = Shape.blocks.contains(shape) ? "## kind: \(shape.rawValue)" : "### \(shape.title)"
    page += "\n\(heading)\n\n| key | value | default | meaning |\n| :-- | :-- | :-- | :-- |\n"
    for key in shape.keys {
      let standard = key.required ? "required" : key.standard.map { "`\($0)`" } ?? ""
      page += "| `\(key.name)` | \(cell(key.type.words)) | \(standard) | \(cell(key.meaning)) |\n"
    }
  }
  page += modelTables()
  page += costTables()
  page += queryTables()
  page += "\n## Metrics\n\n| metric | unit | better | of | meaning |\n| :-- | :-- | :-- | :-- | :-- |\n"
  for metric in Metric.all {
    page += "| `\(metric.name)` | \(metric.unit.rawValue) | \(metric.better.rawValue) | \(kinds(metric.name)) | \(cell(metric.meaning)) |\n"
  }
  page +=
    "\n## Closed forms\n\nAn expectation without `value` names one of these.\n\n| theory | predicts | formula |\n| :-- | :-- | :-- |\n"
  for theory in theories {
    page += "| `\(theory.name)` | \(theory.metrics.map { "`\($0)`" }.joined(separator: ", ")) | \(cell(theory.meaning)) |\n"
  }
  page += "\n## Preset systems\n\n" + presetSummaries.map { "- `\($0.name)`: \($0.title)" }.joined(separator: "\n") + "\n"
  return page
}

private func modelTables() -> String {
  var page = "\n## Models of simulations\n\nWhat stands in `params` of a `sim` block, and after `nb sim MODEL --set`.\n"
  for model in SimModel.all {
    page += "\n### model: \(model.name)\n\n\(model.title). Closed form: \(model.closedForm). Metrics: "
    page += (model.columns + model.others).map { "`\($0)`" }.joined(separator: ", ") + ".\n\n"
    page += "| parameter | value | default | meaning |\n| :-- | :-- | :-- | :-- |\n"
    for parameter in model.parameters {
      let standard = parameter.standard.map { "`\($0)`" } ?? ""
      page += "| `\(parameter.name)` | \(cell(parameter.kind.keyType.words)) | \(standard) | \(cell(parameter.meaning)) |\n"
    }
  }
  return page
}

private func costTables() -> String {
  var page = "\n## Money formulas\n\nWhat stands in `inputs` of a `cost` block, and in its `roi`. A month has 30 days, a GB of traffic 10⁹ bytes.\n"
  for formula in CostFormula.all {
    page += "\n### formula: \(formula.name)\n\n\(formula.title): \(formula.text)."
    if !formula.columns.isEmpty { page += " Metrics: \(formula.columns.map { "`\($0.name)`" }.joined(separator: ", "))." }
    page += "\n\n" + inputTable(formula.rows)
  }
  // F8 has every key of `roi`, and every figure but what is another formula's own.
  guard let all = CostFormula.named("F8") else { return page }
  page += "\n### roi\n\nMetrics: \(all.returns.map { "`\($0)`" }.joined(separator: ", "))"
  page += "; of other formulas " + CostFormula.all.compactMap { $0.name == "F8" ? nil : $0.breakeven.map { "`\($0)_base`" } }.joined(separator: ", ")
  page += ". `margin` is for revenue (F1, F2, F8), `per_month` for F8.\n\n" + inputTable(all.roiRows)
  return page
}

private func queryTables() -> String {
  var page = "\n## Queries of telemetry\n\nWhat the rows of an `observe` block are called by, and their columns; the first row is `top`, as in `top.lift`.\n\n"
  page += "| query | asks | rows | columns | figures of the whole |\n| :-- | :-- | :-- | :-- | :-- |\n"
  func names(_ all: [String]) -> String { all.map { "`\($0)`" }.joined(separator: ", ") }
  for kind in TelemetryQuery.Kind.allCases {
    let signals = kind == .lift ? "traces or logs" : kind == .exemplars ? "traces or metrics" : kind.signals(.traces, metric: nil) == .metrics ? "metrics" : "traces"
    page += "| `\(kind.rawValue)` | \(signals) | \(names(kind.labels)) | \(names(kind.columns.map(\.name))) | \(names(kind.wholeColumns.map(\.name))) |\n"
  }
  return page
}

private func inputTable(_ rows: [CostInputRow]) -> String {
  var page = "| input | value | default | meaning |\n| :-- | :-- | :-- | :-- |\n"
  for row in rows {
    let need =
      switch row.need {
      case .required: "required"
      case .optional: ""
      case .standard(let text): "`\(text)`"
      case .oneOf: "one of these"
      }
    page += "| `\(row.name)` | \(cell(spelling(of: row.unit).name))\(row.isBracket ? ", or {low, base, high}" : "") | \(need) | \(cell(row.meaning)) |\n"
  }
  return page
}

private func cell(_ text: String) -> String { text.replacing("|", with: "\\|") }

private func units() -> String { UnitSpelling.all.map { "`\($0.name)`" }.joined(separator: " ") }

private func kinds(_ metric: String) -> String {
  var names: [String] = []
  if MetricSets.load.union(MetricSets.loadWhole).contains(metric) { names.append("load") }
  if MetricSets.bench.union(MetricSets.benchWhole).contains(metric) { names.append("bench") }
  if MetricSets.sim.contains(metric) { names.append("sim") }
  if MetricSets.cost.contains(metric) { names.append("cost") }
  if TelemetryQuery.Kind.metrics.contains(where: { $0.name == metric }) { names.append("observe") }
  return names.isEmpty ? "shown only" : names.joined(separator: ", ")
}

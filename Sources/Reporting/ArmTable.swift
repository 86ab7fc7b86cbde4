// The table of a result's arms before it is Markdown or lines of a terminal: which columns there are, and every cell as text.

import ExperimentModel

/// One row per arm, one column per metric; a prediction stands right of what it predicts. Intervals stand in the cells only while
/// there are few columns: with many, the page would have to scroll, and every judged number shows its interval in the second
/// table anyway.
struct ArmTable {
  struct Column {
    var title: String
    var isNumber: Bool
    /// Its cells hold `<`, unlike those of other numbers.
    var isProbability = false
  }
  private(set) var columns: [Column]
  private(set) var rows: [[String]]

  /// nil without arms or figures.
  init?(_ result: CellResult) {
    var arms = result.arms.filter { !$0.name.isEmpty && !isFit($0, result) }
    // Objectives stand among the alerts, and have a table of their own.
    if result.kind == "slo" { arms.removeAll { $0.metrics["budget"] != nil } }
    let names = result.columns.filter { name in arms.contains { $0.metrics[name] != nil } }
    guard !arms.isEmpty, !names.isEmpty || result.labelColumns != nil else { return nil }
    // Money is one row, and its interval is what it is about.
    let showsIntervals = names.count <= 3 || result.kind == "cost"
    // Keys of attributes are names of their own and stay as they are.
    columns = (result.labelColumns ?? [metricTitle(result.rowLabel)]).map { Column(title: $0, isNumber: false) }
    let predicted = Set(names.filter { name in arms.contains { $0.theory[name] != nil } })
    for name in names {
      columns.append(Column(title: metricTitle(name), isNumber: true, isProbability: name == "p"))
      if predicted.contains(name) {
        columns.append(Column(title: predicted.count == 1 ? "predicted" : "predicted \(metricTitle(name))", isNumber: true))
      }
    }
    rows = arms.map { arm in
      var row = arm.labels.map { $0.map { $0.isEmpty ? "–" : cutName($0, 120) } } ?? [rowName(arm, among: arms)]
      for name in names {
        let value = arm.metrics[name]
        // Over a simulation says nothing without how far luck alone leads.
        let needsInterval = showsIntervals || name.hasSuffix("_over_sim") || name == "lift"
        row.append(value.map { name == "p" ? probabilityText($0.estimate.value) : format($0.estimate, $0.unit, interval: needsInterval) } ?? "–")
        if predicted.contains(name) {
          let unit = value?.unit ?? Metric.named(name)?.unit ?? .plain
          row.append(arm.theory[name].map { format(MetricValue(Estimate($0), unit)) } ?? "–")
        }
      }
      return row
    }
  }
}

/// A subject that is measured at several sizes has several rows: each says at which.
private func rowName(_ arm: ArmResult, among arms: [ArmResult]) -> String {
  guard !arm.params.isEmpty, arms.count(where: { $0.name == arm.name }) > 1 else { return arm.label ?? arm.name }
  return arm.name + pointText(arm.params)
}

/// `, n = 4,000`
func pointText(_ point: [String: Double]) -> String {
  point.sorted { $0.key < $1.key }.map { ", \($0.key) = \(format(MetricValue(Estimate($0.value), .count)))" }.joined()
}

/// A fit over all points of a subject: an arm of the same name without a point.
func isFit(_ arm: ArmResult, _ result: CellResult) -> Bool {
  !arm.name.isEmpty && arm.params.isEmpty && result.arms.contains { $0.name == arm.name && !$0.params.isEmpty }
}

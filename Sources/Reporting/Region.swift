// One result as the Markdown that stands in the notebook: the table of arms, what was judged, doubts,
// and the verdict line with its evidence letter. Numbers of an INVALID or failed run are never shown.
// Pure: what is written here depends on the result alone, so a second run with the same result writes the same bytes.

import ExperimentModel

/// The body of a result region, without its markers and without a final line ending.
public func regionMarkdown(_ result: CellResult) -> String {
  if let failure = result.failure { return failureNote(failure) }
  if result.validity == .invalid {
    return failureNote("the run was INVALID: \(result.validityReason ?? "the generator fell behind"). Its numbers are not shown")
  }
  let note = result.unmet.map(notRunNote)
  guard result.hasNumbers else { return note ?? "" }
  let parts = [note, armTable(result), requestTable(result), returnsTable(result), budgetTable(result), cellFigures(result), judgementTable(result), footnotes(result.doubts), verdictLine(result)]
  return parts.compactMap { $0 }.joined(separator: "\n\n")
}

/// What stands inside a region whose last run failed; the caller puts the last good table after it.
public func failureNote(_ reason: String) -> String {
  let sentence = escapedSentence(reason).trimmingSpaces
  let end = sentence.hasSuffix(".") ? "" : "."
  return "> [!WARNING]\n> **No new result:** \(sentence.isEmpty ? "the run failed" : sentence)\(end) What stands below, if anything, is from an earlier run."
}

/// The same for one that this machine could not run.
func notRunNote(_ unmet: String) -> String {
  "> [!NOTE]\n> **Not run here:** needs \(escapedSentence(unmet)). What stands below, if anything, is from an earlier run."
}

// MARK: Tables

/// One row per arm, one column per metric; a prediction stands right of what it predicts. Intervals
/// stand in the cells only while there are few columns: with many, the page would have to scroll,
/// and every judged number shows its interval in the second table anyway.
private func armTable(_ result: CellResult) -> String? {
  var arms = result.arms.filter { !$0.name.isEmpty && !isFit($0, result) }
  // Objectives stand among the alerts, and have a table of their own.
  if result.kind == "slo" { arms.removeAll { $0.metrics["budget"] != nil } }
  let columns = result.columns.filter { name in arms.contains { $0.metrics[name] != nil } }
  guard !arms.isEmpty, !columns.isEmpty || result.labelColumns != nil else { return nil }
  // Money is one row, and its interval is what it is about.
  let showsIntervals = columns.count <= 3 || result.kind == "cost"
  let marks = result.doubts.indices.map { superscript($0 + 1) }.joined(separator: "\u{2009}")
  // Keys of attributes are names of their own and stay as they are.
  let labels = result.labelColumns.map { $0.map(escapedMarkdown) } ?? [escapedMarkdown(metricTitle(result.rowLabel))]
  var table = MarkdownTable(columns: labels.enumerated().map { ($0.offset == 0 && !marks.isEmpty ? "\($0.element) \(marks)" : $0.element, .left) })
  let predicted = Set(columns.filter { name in arms.contains { $0.theory[name] != nil } })
  for name in columns {
    table.columns.append((escapedMarkdown(metricTitle(name)), .right))
    if predicted.contains(name) {
      table.columns.append((predicted.count == 1 ? "predicted" : "predicted \(escapedMarkdown(metricTitle(name)))", .right))
    }
  }
  for arm in arms {
    var row = arm.labels.map { $0.map { $0.isEmpty ? "–" : escapedMarkdown(cutName($0, 120)) } } ?? [escapedMarkdown(rowName(arm, among: arms))]
    for name in columns {
      let value = arm.metrics[name]
      // Over a simulation says nothing without how far luck alone leads.
      let needsInterval = showsIntervals || name.hasSuffix("_over_sim") || name == "lift"
      row.append(value.map { name == "p" ? probabilityText($0.estimate.value) : format($0.estimate, $0.unit, interval: needsInterval) } ?? "–")
      if predicted.contains(name) {
        let unit = value?.unit ?? Metric.named(name)?.unit ?? .plain
        row.append(arm.theory[name].map { format(MetricValue(Estimate($0), unit)) } ?? "–")
      }
    }
    table.rows.append(row)
  }
  return table.text
}

/// A subject that is measured at several sizes has several rows: each says at which.
private func rowName(_ arm: ArmResult, among arms: [ArmResult]) -> String {
  guard !arm.params.isEmpty, arms.count(where: { $0.name == arm.name }) > 1 else { return arm.label ?? arm.name }
  return arm.name + pointText(arm.params)
}

/// `, n = 4,000`
private func pointText(_ point: [String: Double]) -> String {
  point.sorted { $0.key < $1.key }.map { ", \($0.key) = \(format(MetricValue(Estimate($0.value), .count)))" }.joined()
}

/// A fit over all points of a subject: an arm of the same name without a point.
private func isFit(_ arm: ArmResult, _ result: CellResult) -> Bool {
  !arm.name.isEmpty && arm.params.isEmpty && result.arms.contains { $0.name == arm.name && !$0.params.isEmpty }
}

/// Figures of the whole block (`che_error`, `parity`), which live in the arm without a name, behind those of fits.
private func cellFigures(_ result: CellResult) -> String? {
  let fits = result.arms.filter { isFit($0, result) }.map { arm in
    arm.metrics.sorted { $0.key < $1.key }.map { name, value in
      "\(escapedMarkdown(metricTitle(name))) of \(escapedMarkdown(arm.name)): \(format(value.estimate, value.unit, interval: true))"
    }.joined(separator: " · ")
  }
  let figures = (result.arms.first(where: { $0.name.isEmpty })?.metrics ?? [:]).filter { !isReturn($0.key) && !isBudget($0.key) }
  guard !figures.isEmpty || !fits.isEmpty else { return nil }
  return (fits + wholeFigures(figures)).joined(separator: " · ")
}

private func wholeFigures(_ figures: [String: MetricValue]) -> [String] {
  figures.sorted { $0.key < $1.key }.map { name, value in
    let text =
      ["parity", "answered"].contains(name) ? (value.estimate.value == 1 ? "yes" : "no") : format(value.estimate, value.unit, interval: true)
    return "\(escapedMarkdown(name == "injected" ? "injected 2 %, measured" : metricTitle(name))): \(text)"
  }
}

private func judgementTable(_ result: CellResult) -> String? {
  guard !(result.thresholds + result.expects + result.gates).isEmpty else { return nil }
  var table = MarkdownTable(columns: [("judged", .left), ("condition", .left), ("measured", .right), ("outcome", .left)])
  func add(_ kind: String, _ judged: [JudgementResult], _ outcome: (JudgementResult) -> String) {
    for one in judged {
      let measured = one.measured.map { format($0.estimate, $0.unit, interval: true) } ?? "not measured"
      table.rows.append([kind, code(one.text), measured, outcome(one)])
    }
  }
  add("threshold", result.thresholds) { outcomeText($0.outcome) + ($0.place.map { " (\(escapedMarkdown($0)))" } ?? "") }
  add("prediction", result.expects) { outcomeText($0.outcome) }
  // A run shows a gate and does not grade its learner.
  add("gate", result.gates) { _ in "`nb grade` decides" }
  return table.text
}

private func outcomeText(_ outcome: Outcome) -> String {
  switch outcome {
  case .pass: "pass"
  case .fail: "**fail**"
  case .inconclusive: "inconclusive"
  }
}

// MARK: Under the tables

private func footnotes(_ doubts: [Doubt]) -> String? {
  guard !doubts.isEmpty else { return nil }
  return doubts.enumerated().map { "\(superscript($0.offset + 1)) \(escapedSentence($0.element.text))" }.joined(separator: "\\\n")
}

func superscript(_ number: Int) -> String {
  let digits: [Character] = ["⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"]
  return String(String(number).compactMap { $0.wholeNumberValue.map { digits[$0] } })
}

/// `*ratio of means 2.1 [1.9, 2.3] · A/A 1.00 [0.98, 1.02] · evidence W · machine busy · **faster***`
private func verdictLine(_ result: CellResult) -> String {
  var parts: [String] = []
  let isSingle = result.comparisons.count == 1
  for comparison in result.comparisons {
    let ratio = comparison.ratio[comparison.metric].map { " " + format($0, .ratio, interval: true) } ?? ""
    let name = ratioName(comparison.metric)
    parts.append(
      isSingle ? "\(name)\(ratio)" : "\(escapedMarkdown(comparison.candidate + pointText(comparison.at ?? [:]))): \(name)\(ratio) **\(comparison.verdict.rawValue)**")
  }
  if let control = result.control { parts.append("A/A \(format(control, .ratio, interval: true))") }
  parts.append("evidence \(result.evidence.rawValue)")
  if let real = result.components { parts.append("with " + real.map(escapedMarkdown).joined(separator: ", ")) }
  // What is simulated or computed is the same on any machine.
  if result.evidence != .simulated, result.evidence != .computed { parts.append("machine \(result.machine.rawValue)") }
  if result.quick { parts.append("quick run") }
  if result.validity == .degraded {
    parts.append("**DEGRADED**: \(escapedSentence(result.validityReason ?? "the generator was late"))")
  }
  if isSingle { parts.append("**\(result.comparisons[0].verdict.rawValue)**") }
  return "*\(parts.joined(separator: " · "))*"
}

private func ratioName(_ metric: String) -> String {
  switch metric {
  case "mean": "ratio of means"
  case "time": "ratio of times"
  default: "ratio of \(escapedMarkdown(metricTitle(metric)))"
  }
}

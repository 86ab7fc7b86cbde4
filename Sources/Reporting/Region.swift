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

/// The table of arms as Markdown; doubts are marked at its first title.
private func armTable(_ result: CellResult) -> String? {
  guard let table = ArmTable(result) else { return nil }
  let marks = result.doubts.indices.map { superscript($0 + 1) }.joined(separator: "\u{2009}")
  var out = MarkdownTable(
    columns: table.columns.enumerated().map { i, column in
      (escapedMarkdown(column.title) + (i == 0 && !marks.isEmpty ? " \(marks)" : ""), column.isNumber ? .right : .left)
    })
  out.rows = table.rows.map { row in zip(row, table.columns).map { $1.isNumber && !$1.isProbability ? $0 : escapedMarkdown($0) } }
  return out.text
}

/// Figures of the whole block (`che_error`, `parity`), which live in the arm without a name, behind those of fits.
private func cellFigures(_ result: CellResult) -> String? {
  let fits = result.arms.filter { isFit($0, result) }.map { arm in
    arm.metrics.sorted { $0.key < $1.key }.map { name, value in
      "\(escapedMarkdown(metricTitle(name))) of \(escapedMarkdown(arm.name)): \(format(value.estimate, value.unit, interval: true))"
    }.joined(separator: " · ")
  }
  let figures = (result.arms.first(where: { $0.name.isEmpty })?.metrics ?? [:]).filter { name, value in
    // Subjects that nobody compares may well do different work.
    !isReturn(name) && !isBudget(name) && !(name == "parity" && value.estimate.value != 1 && result.comparisons.isEmpty)
  }
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
  // Results that older versions kept name the machine of a simulation, too.
  if let machine = result.machine, result.evidence != .simulated, result.evidence != .computed { parts.append("machine \(machine.rawValue)") }
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

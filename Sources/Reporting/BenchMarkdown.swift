// `nb bench --export md`: the run as a GFM table that can stand in an issue or a page as it is.

import ExperimentModel

/// A table with one row per subject, the conditions in a line below it, and the doubts as notes.
public func benchMarkdown(_ report: BenchReport) -> String {
  let title = report.title.isEmpty ? "Bench" : report.title
  var parts = ["**\(escapedMarkdown(title))**", subjectTable(report), conditions(report)]
  if !report.doubts.isEmpty {
    let notes = report.doubts.enumerated().map { "\(superscript($0.offset + 1)) \(escapedSentence($0.element.text))" }
    parts.append(notes.joined(separator: "\\\n"))
  }
  return parts.joined(separator: "\n\n") + "\n"
}

private func subjectTable(_ report: BenchReport) -> String {
  let marks = report.doubts.indices.map { superscript($0 + 1) }.joined(separator: "\u{2009}")
  var table = MarkdownTable(columns: [
    ("subject" + (marks.isEmpty ? "" : " \(marks)"), .left), ("command", .left), ("median", .right), ("user", .right),
    ("system", .right), ("memory", .right), ("ratio", .right), ("verdict", .left),
  ])
  for (index, subject) in report.subjects.enumerated() {
    let comparison = report.comparisons.first { $0.candidate == index }
    table.rows.append([
      escapedMarkdown(subject.name), code(subject.source),
      subject.shownMedian.map { format($0, .nanoseconds, interval: true) } ?? "–",
      middleText(subject.user, .nanoseconds), middleText(subject.system, .nanoseconds), middleText(subject.residentMax, .bytes),
      index == report.baseline && !report.comparisons.isEmpty
        ? "1 (baseline)" : comparison?.ratio.map { format($0, .ratio, interval: true) } ?? "–",
      comparison.map { "**\($0.verdict.rawValue)**" } ?? "–",
    ])
  }
  return table.text
}

/// The median of what was read per sample, or a dash.
private func middleText(_ values: [Double], _ unit: MetricUnit) -> String {
  middle(values).map { format(MetricValue(Estimate($0), unit)) } ?? "–"
}

private func conditions(_ report: BenchReport) -> String {
  var parts: [String] = []
  if let pairs = report.comparisons.map(\.pairs).max() {
    parts.append("ratio: baseline ÷ candidate, from \(pairs == 1 ? "1 pair" : "\(pairs) pairs")")
  }
  if let control = report.control { parts.append("A/A \(format(control, .ratio, interval: true))") }
  parts.append("evidence \(report.evidence.rawValue)")
  parts.append("machine \(report.machine.rawValue)")
  if !oneLine(report.environment).trimmingSpaces.isEmpty { parts.append(escapedMarkdown(report.environment)) }
  return "*\(parts.joined(separator: " · "))*"
}

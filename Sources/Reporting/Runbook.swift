// The runbook of a course: every lesson's symptoms with their metrics, steps and the blocks that show them.

import ExperimentModel

/// All entries as one Markdown document. Links lead to the lesson's results.
public func runbookMarkdown(_ entries: [(lesson: String, RunbookSpec)]) -> String {
  var parts = ["# Runbook"]
  if entries.isEmpty { parts.append("No lesson has a runbook entry yet.") }
  for (lesson, entry) in entries {
    parts.append("## \(sentenceCase(escapedSentence(entry.symptom)))")
    let links = entry.links.map { "[\(escapedMarkdown($0))](\(target(lesson, $0)))" }
    let seen = links.isEmpty ? "" : " Seen in \(links.joined(separator: ", "))."
    parts.append("From lesson [\(escapedMarkdown(lesson))](\(pathSegment(lesson)).md), entry \(code(entry.id)).\(seen)")
    if !entry.metrics.isEmpty {
      var table = MarkdownTable(columns: [("metric", .left), ("warn", .right), ("page", .right), ("meaning", .left)])
      for metric in entry.metrics {
        table.rows.append([
          code(metric.name), metric.warn.map(escapedMarkdown) ?? "–", metric.page.map(escapedMarkdown) ?? "–",
          Metric.named(metric.name).map { escapedMarkdown($0.meaning) } ?? "–",
        ])
      }
      parts.append(table.text)
    }
    if !entry.steps.isEmpty {
      parts.append(entry.steps.enumerated().map { "\($0.offset + 1). \(escapedSentence($0.element))" }.joined(separator: "\n"))
    }
  }
  return parts.joined(separator: "\n\n") + "\n"
}

/// A block of this lesson, or `day08/hit-curve` of another.
private func target(_ lesson: String, _ link: String) -> String {
  let parts = link.split(separator: "/", maxSplits: 1).map(String.init)
  return parts.count == 2
    ? "\(pathSegment(parts[0])).md#result-\(pathSegment(parts[1]))" : "\(pathSegment(lesson)).md#result-\(pathSegment(link))"
}

/// Letters, digits, `-`, `_`, `.`: what ids consist of. Anything else cannot be part of a link.
func pathSegment(_ text: String) -> String {
  String(String.UnicodeScalarView(text.unicodeScalars.filter { $0.isASCII && ($0.properties.isAlphabetic || ("0"..."9").contains($0) || "-_.".unicodeScalars.contains($0)) }))
}

private func sentenceCase(_ text: String) -> String { text.prefix(1).uppercased() + text.dropFirst() }

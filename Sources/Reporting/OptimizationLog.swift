// The log file: one section per entry, each under a comment line that a program can read.

import ExperimentModel

/// One entry as Markdown, beginning with its machine-readable line and ending with a line ending.
public func logMarkdown(_ entry: LogEntry) -> String {
  var lines = [
    LogMark(entry).text, "",
    "## \(escapedMarkdown(entry.date)) · \(escapedMarkdown(entry.lesson)) · \(escapedMarkdown(entry.block)): \(escapedMarkdown(verdictText(entry.verdict)))",
    "", "- **changed:** \(escapedSentence(entry.change))",
  ]
  if let why = entry.why { lines.append("- **why:** \(escapedSentence(why))") }
  let ratio = entry.ratio.isEmpty ? "" : " (ratio \(escapedMarkdown(entry.ratio)))"
  lines.append("- **before → after:** \(escapedMarkdown(entry.before)) → \(escapedMarkdown(entry.after))\(ratio)")
  lines.append("- **evidence:** \(entry.evidence.rawValue), \(entry.evidence.meaning)\(entry.quick ? "; quick run" : "")")
  if let cost = entry.costEffect { lines.append("- **cost effect:** \(escapedSentence(cost))") }
  if let commit = entry.commit { lines.append("- **commit:** \(code(commit))") }
  lines.append("- **environment:** \(escapedMarkdown(entry.environment))")
  return lines.joined(separator: "\n") + "\n"
}

/// The log with those entries at its end whose inputs or verdict differ from the block's last entry.
/// Nothing that stands in it is changed; appending the same entries again gives the same text.
public func appendToLog(_ existing: String, _ entries: [LogEntry]) -> String {
  var last: [String: LogMark] = [:]
  // Lines are split as scalars: Swift counts "\r\n" as one Character.
  for line in existing.unicodeScalars.split(whereSeparator: { $0 == "\n" || $0 == "\r" }) {
    if let mark = LogMark(parsing: String(line)) { last[mark.key] = mark }
  }
  var added: [String] = []
  for entry in entries {
    let mark = LogMark(entry)
    guard last[mark.key] != mark else { continue }
    last[mark.key] = mark
    added.append(logMarkdown(entry))
  }
  guard !added.isEmpty else { return existing }
  var text = existing.isEmpty ? head : existing
  if !text.unicodeScalars.last.map({ $0 == "\n" || $0 == "\r" })! { text += "\n" }
  let usesCRLF = existing.unicodeScalars.contains("\r")
  var tail = added.map { "\n" + $0 }.joined()
  if usesCRLF { tail = tail.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\r\n") }
  return text + tail
}

private let head = """
  # Optimization log

  One entry for each comparison whose question or verdict was new. Written by `nb run`; the newest stands last.

  """

/// `<!-- nb:log day08 onoff in=3f9a1c2e77 verdict=faster -->`: what decides whether an entry is news.
struct LogMark: Equatable {
  var key: String
  var inputs: String
  var verdict: String

  init(_ entry: LogEntry) {
    key = "\(pathSegment(entry.lesson)) \(pathSegment(entry.block))"
    inputs = pathSegment(entry.inputs)
    verdict = String(String.UnicodeScalarView(entry.verdict.unicodeScalars.filter { $0 == ":" || $0 == "," || !pathSegment(String($0)).isEmpty }))
    // `--` would end the comment early for some readers.
    while let range = verdict.firstRange(of: "--") { verdict.replaceSubrange(range, with: "-") }
  }

  init?(parsing line: String) {
    let words = line.split(separator: " ")
    guard words.count == 7, words[0] == "<!--", words[1] == "nb:log", words[6] == "-->", words[4].hasPrefix("in="),
      words[5].hasPrefix("verdict=")
    else { return nil }
    key = "\(words[2]) \(words[3])"
    inputs = String(words[4].dropFirst(3))
    verdict = String(words[5].dropFirst(8))
  }

  var text: String { "<!-- nb:log \(key) in=\(inputs) verdict=\(verdict) -->" }
}

private func verdictText(_ verdict: String) -> String {
  verdict.split(separator: ",").map { $0.split(separator: ":").joined(separator: " ") }.joined(separator: ", ")
}

/// What is added to the log when a block gets another name; nil when the log has no entry of it.
///
/// A journal is not rewritten: entries keep the name under which they were made. The new name takes over the verdict, so that
/// the next run with the same one is no news.
public func renamedLogEntry(_ existing: String, lesson: String, old: String, new: String, inputs: String, date: String) -> String? {
  var last: LogMark?
  for line in existing.unicodeScalars.split(whereSeparator: { $0 == "\n" || $0 == "\r" }) {
    if let mark = LogMark(parsing: String(line)), mark.key == "\(lesson) \(old)" { last = mark }
  }
  guard var mark = last else { return nil }
  (mark.key, mark.inputs) = ("\(lesson) \(new)", inputs)
  let ending = existing.unicodeScalars.contains("\r") ? "\r\n" : "\n"
  let lines = [
    "", mark.text, "", "## \(date) · \(lesson) · \(new): another name", "",
    "\(code(old)) is called \(code(new)) from here on. Entries above keep the name under which they were written.", "",
  ]
  return (existing.hasSuffix("\n") || existing.hasSuffix("\r\n") ? "" : ending) + lines.joined(separator: ending)
}

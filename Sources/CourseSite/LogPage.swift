// The optimization log as a page: one chain of entries a block, the newest first, so that what was tried on a block can be
// followed back. Blocks stand in the order of their newest entry.

import DocumentModel
import ExperimentModel
import Foundation
import Reporting
import TextModel

func logPage(_ frame: PageFrame, _ log: Document) -> SitePage {
  let strings = frame.strings
  let entries = logEntries(of: log)
  let chains = Dictionary(grouping: entries) { "\($0.lesson)/\($0.block)" }.values
    .map { $0.sorted { $0.place > $1.place } }.sorted { ($0.first?.place ?? 0) > ($1.first?.place ?? 0) }
  var headings: [Heading] = []
  let blocks: [[String: Any]] = chains.compactMap { chain in
    guard let newest = chain.first else { return nil }
    let id = "\(newest.lesson)-\(newest.block)"
    headings.append(Heading(level: 2, id: id, text: "\(newest.lesson) · \(newest.block)"))
    let earlier = chain.dropFirst().map { entryContext($0, strings) }
    return [
      "id": id, "lesson": newest.lesson, "block": newest.block, "count": strings.text(.logEntries, count: chain.count),
      "href": frame.address(of: newest.lesson).map { "\($0)#result-\(newest.block)" } ?? "", "isLink": frame.address(of: newest.lesson) != nil,
      "newest": entryContext(newest, strings), "earlier": earlier, "hasEarlier": !earlier.isEmpty,
    ]
  }
  let title = strings[.pageLog]
  var context: [String: Any] = ["title": title, "strings": strings.texts, "blocks": blocks, "isEmpty": blocks.isEmpty]
  if frame.course.url != nil { context["feedAddress"] = feedPath }
  return frame.page(
    CoursePage.log.path, title: title, kind: "log", body: frame.theme.render("log", context), headings: headings.count <= 40 ? headings : [])
}

func logEntries(of log: Document) -> [ReadLogEntry] { readLog(String(decoding: log.source.bytes, as: UTF8.self)) }

private func entryContext(_ entry: ReadLogEntry, _ strings: SiteStrings) -> [String: Any] {
  [
    "anchor": entry.anchor, "date": entry.date, "verdict": logVerdict(entry.verdict), "verdictClass": verdictClass(entry.verdict),
    "details": logDetails(entry, strings),
  ]
}

/// `l1 faster, l2 slower`.
func logVerdict(_ verdict: String) -> String {
  verdict.split(separator: ",").map { $0.split(separator: ":").joined(separator: " ") }.joined(separator: ", ")
}

/// Of several candidates the class says something only when they agree; the word stands there in any case.
private func verdictClass(_ verdict: String) -> String {
  let words = Set(verdict.split(separator: ",").compactMap { $0.split(separator: ":").last })
  guard words.count == 1, let word = words.first else { return "mixed" }
  switch word {
  case "faster", "better": return "good"
  case "slower", "worse": return "bad"
  default: return "neutral"
  }
}

/// An entry's list, its fixed labels in the site's language. What was written stays as it is.
func logDetails(_ entry: ReadLogEntry, _ strings: SiteStrings) -> String {
  let html = pageLinks(Document(parsing: SourceText(path: "", text: entry.text)).html(pageOptions(strings)).html)
  let labels: [(String, StringKey)] = [
    ("changed:", .logChanged), ("why:", .logWhy), ("before → after:", .logBeforeAfter), ("evidence:", .logEvidence), ("cost effect:", .logCost),
    ("commit:", .logCommit), ("environment:", .logEnvironment),
  ]
  return labels.reduce(html) { html, label in
    html.replacingOccurrences(of: "<li><strong>\(label.0)</strong>", with: "<li><strong>\(escapedHTML(strings[label.1])):</strong>")
  }
}

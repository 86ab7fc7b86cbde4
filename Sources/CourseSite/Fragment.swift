// Finishing touches on rendered notebooks: evidence letters as badges, links between notebooks as links between pages, and
// the options and boxes that make the renderer's output part of a page. Works on the renderer's own output, in which an
// author's text is escaped and so can never look like one of the tags searched for here.

import DocumentModel
import ExperimentModel
import Foundation

/// How documents are rendered on pages whose own words are `strings`.
func pageOptions(_ strings: SiteStrings, unsafe: Bool = false) -> HTMLOptions {
  var options = HTMLOptions()
  options.unsafe = unsafe
  options.words = HTMLWords(
    callouts: [
      "note": strings[.calloutNote], "tip": strings[.calloutTip], "important": strings[.calloutImportant], "warning": strings[.calloutWarning],
      "caution": strings[.calloutCaution],
    ],
    footnotes: strings[.footnotes], backToText: strings[.backToText], perfBlock: strings[.perfBlock], pending: strings[.notMeasured],
    table: { strings.text(.table, ["n": "\($0)"]) })
  return options
}

/// `html` of a document as it stands on a page.
func finishedFragment(_ html: String, _ strings: SiteStrings) -> String { pageLinks(evidenceBadges(html, strings)) }

/// A part of the page that scrolls sideways and that the keyboard reaches.
func scrolling(_ html: String, _ kind: String, label: String) -> String {
  "<div class=\"\(kind)\" role=\"group\" aria-label=\"\(escapedHTML(label))\" tabindex=\"0\">\n\(html)</div>\n"
}

/// The table of a picture's numbers in a box, its heads marked as such.
func scrollingTable(_ html: String, label: String) -> String {
  guard let start = html.range(of: "<table>"), let end = html.range(of: "</table>\n") else { return html }
  let table = html[start.lowerBound..<end.upperBound].replacingOccurrences(of: "<th>", with: "<th scope=\"col\">")
    .replacingOccurrences(of: "<th class", with: "<th scope=\"col\" class")
  return html[..<start.lowerBound] + scrolling(table, "table-box", label: label) + html[end.upperBound...]
}

/// In verdict lines, `evidence W` becomes a badge that leads to the legend.
private func evidenceBadges(_ html: String, _ strings: SiteStrings) -> String {
  replacing(in: html, from: "<p><em>", to: "</p>") { line in
    guard line.hasSuffix("</em></p>") else { return String(line) }
    var text = line.replacingOccurrences(of: "<p><em>", with: "<p class=\"verdict\"><em>")
    for evidence in Evidence.allCases {
      let badge = evidenceBadge(evidence, strings)
      for (before, after) in [(" · ", " · "), ("<em>", " · "), (" · ", "</em>"), ("<em>", "</em>")] {
        text = text.replacingOccurrences(of: "\(before)evidence \(evidence.rawValue)\(after)", with: before + badge + after)
      }
    }
    return text.contains("class=\"badge") ? text : String(line)
  }
}

private func evidenceBadge(_ evidence: Evidence, _ strings: SiteStrings) -> String {
  "<a class=\"badge evidence-\(evidence.rawValue.lowercased())\" href=\"#evidence\" title=\"\(escapedHTML(strings.meaning(evidence)))\">evidence \(evidence.rawValue)</a>"
}

/// The letters whose badges stand in `html`.
func evidenceShown(in html: String) -> [Evidence] {
  Evidence.allCases.filter { html.contains("class=\"badge evidence-\($0.rawValue.lowercased())\"") }
}

/// The letters and what they mean, for templates.
func evidenceContext(_ letters: [Evidence], _ strings: SiteStrings) -> [[String: Any]] {
  letters.map { ["letter": $0.rawValue, "class": "evidence-\($0.rawValue.lowercased())", "meaning": strings.meaning($0)] }
}

extension SiteStrings {
  func meaning(_ evidence: Evidence) -> String {
    switch evidence {
    case .real: self[.evidenceR]
    case .declaredWait: self[.evidenceW]
    case .replay: self[.evidenceP]
    case .simulated: self[.evidenceS]
    case .computed: self[.evidenceC]
    }
  }
}

/// `day08.md#x` leads to `day08.html#x`; links with a scheme or host stay.
func pageLinks(_ html: String) -> String {
  replacing(in: html, from: "<a href=\"", to: "\">") { tag in
    let attribute = tag.dropFirst("<a href=\"".count)
    guard let quote = attribute.firstIndex(of: "\"") else { return String(tag) }
    let address = attribute[..<quote]
    let path = address.prefix { $0 != "#" && $0 != "?" }
    guard path.hasSuffix(".md"), !path.contains(":"), !path.hasPrefix("//") else { return String(tag) }
    return "<a href=\"\(path.dropLast(3)).html\(address.dropFirst(path.count))\(attribute[quote...])"
  }
}

/// Every stretch from `start` up to and with the next `end` replaced; one pass over the text.
private func replacing(in text: String, from start: String, to end: String, _ replacement: (Substring) -> String) -> String {
  var out = ""
  var rest = text[...]
  while let opening = rest.range(of: start), let closing = rest.range(of: end, range: opening.upperBound..<rest.endIndex) {
    out += rest[..<opening.lowerBound]
    out += replacement(rest[opening.lowerBound..<closing.upperBound])
    rest = rest[closing.upperBound...]
  }
  return out + rest
}

// Finishing touches on rendered notebooks: live values that were never measured, boxes in which wide tables scroll,
// evidence letters as badges, links between notebooks as links between pages. Works on the renderer's own output, in
// which an author's text is escaped and so can never look like one of the tags searched for here.

import ExperimentModel
import Foundation

/// `html` of a document as it stands on a page.
func finishedFragment(_ html: String) -> String {
  pageLinks(evidenceBadges(alignClasses(scrollingTables(pendingValues(html)))))
}

/// GFM's `align` attribute is not HTML any more; a class says the same to the stylesheet.
private func alignClasses(_ html: String) -> String {
  var text = html
  for side in ["left", "right", "center"] {
    for cell in ["th", "td"] {
      text = text.replacingOccurrences(of: "<\(cell) align=\"\(side)\">", with: "<\(cell) class=\"align-\(side)\">")
    }
  }
  return text
}

/// `{{ onoff.on.p99 }}` that no run has filled says so.
private func pendingValues(_ html: String) -> String {
  replacing(in: html, from: "<span class=\"value pending\"", to: "</span>") { element in
    guard let end = element.firstIndex(of: ">") else { return String(element) }
    return element[...end] + "not yet measured</span>"
  }
}

/// A table in a box of its own that scrolls sideways and can be reached by keyboard.
func scrollingTables(_ html: String) -> String {
  html.replacingOccurrences(of: "<table>\n", with: "<div class=\"table-box\" role=\"region\" aria-label=\"Table\" tabindex=\"0\">\n<table>\n")
    .replacingOccurrences(of: "</table>\n", with: "</table>\n</div>\n")
}

/// In verdict lines, `evidence W` becomes a badge that leads to the legend.
private func evidenceBadges(_ html: String) -> String {
  replacing(in: html, from: "<p><em>", to: "</p>") { line in
    guard line.hasSuffix("</em></p>") else { return String(line) }
    var text = line.replacingOccurrences(of: "<p><em>", with: "<p class=\"verdict\"><em>")
    for evidence in Evidence.allCases {
      let badge = evidenceBadge(evidence)
      for (before, after) in [(" · ", " · "), ("<em>", " · "), (" · ", "</em>"), ("<em>", "</em>")] {
        text = text.replacingOccurrences(of: "\(before)evidence \(evidence.rawValue)\(after)", with: before + badge + after)
      }
    }
    return text.contains("class=\"badge") ? text : String(line)
  }
}

func evidenceBadge(_ evidence: Evidence) -> String {
  "<a class=\"badge evidence-\(evidence.rawValue.lowercased())\" href=\"#evidence\" title=\"\(escapedHTML(evidence.meaning))\">evidence \(evidence.rawValue)</a>"
}

/// The letters whose badges stand in `html`.
func evidenceShown(in html: String) -> [Evidence] {
  Evidence.allCases.filter { html.contains("class=\"badge evidence-\($0.rawValue.lowercased())\"") }
}

/// `day08.md#x` leads to `day08.html#x`; links with a scheme or host stay.
private func pageLinks(_ html: String) -> String {
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

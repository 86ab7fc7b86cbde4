// A lesson as slides: one section of the text each, for themes whose lesson template asks for `slides`. Cut on the rendered
// page, at headings that stand in no other element, so that every slide is whole HTML.

import DocumentModel
import Foundation

/// Slides in order, for templates: `body` (with its heading), `anchor`, `name`, `level`, `number`, `total`, and the anchors of its
/// neighbours. What stands before the first heading is a slide without a name.
///
/// - Parameter html: a page's text without its title.
func slides(_ html: String, _ headings: [Heading]) -> [[String: Any]] {
  let cuts = headings.filter { $0.level == 2 || $0.level == 3 }
  var parts: [(heading: Heading?, body: Substring)] = []
  var start = html.startIndex
  var current: Heading?
  for heading in cuts {
    let mark = "<h\(heading.level) id=\"\(escapedHTML(heading.id))\">"
    guard let found = html.range(of: mark, range: start..<html.endIndex) else { continue }
    let body = html[start..<found.lowerBound]
    guard isBalanced(body) else { continue }
    if current != nil || body.contains(where: { !$0.isWhitespace }) { parts.append((current, body)) }
    (current, start) = (heading, found.lowerBound)
  }
  if start < html.endIndex { parts.append((current, html[start...])) }
  let anchors = parts.indices.map { "slide-\($0 + 1)" }
  return parts.enumerated().map { index, part in
    withoutEmptyTexts([
      "body": String(part.body), "anchor": anchors[index], "name": part.heading?.text ?? "", "level": "\(part.heading?.level ?? 2)",
      "number": "\(index + 1)", "total": "\(parts.count)", "isFirst": index == 0, "isLast": index == parts.count - 1,
      "previousAnchor": index > 0 ? anchors[index - 1] : "overview", "nextAnchor": index + 1 < parts.count ? anchors[index + 1] : "end",
    ])
  }
}

/// Whether every element that may hold a heading and opens in `html` also closes in it.
private func isBalanced(_ html: Substring) -> Bool {
  ["blockquote", "div", "li", "section", "details", "figure"].allSatisfy { tag in
    // `<li>` but not `<link>`: a tag's name ends at `>` or a space.
    let opened = count("<\(tag)>", html) + count("<\(tag) ", html)
    return opened == count("</\(tag)>", html)
  }
}

private func count(_ text: String, _ html: Substring) -> Int { html.ranges(of: text).count }

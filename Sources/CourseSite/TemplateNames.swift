// What templates may name. Mustache shows nothing for a name that it does not know, so a slip of the pen would silently empty
// a page: here it is an error with file, line and column.

import Mustache
import TextModel

/// Every name that some page gives to its templates, besides `strings.KEY`.
private let knownNames: Set<String> = [
  // layout
  "lang", "courseTitle", "title", "pageTitle", "kicker", "body", "navigation", "href", "text", "current", "hasContents", "contents", "level",
  "hasNeighbours", "previous", "next", "scripts", "styles", "searchOne", "scriptWords", "pageClass", "canonical", "feedAddress", "week", "weekTitle", "days",
  "label", "isLink", "theme", "address",
  // lesson
  "heading", "hasBlocks", "state", "stateClass", "hasClaims", "claims", "status", "statusClass", "evidence", "letter", "class", "meaning", "hasEvidence",
  "slides", "number", "total", "isFirst", "isLast", "anchor", "previousAnchor", "nextAnchor", "name",
  // home
  "courseAbout", "weekAbout", "weeks", "isEmpty", "lessons", "progress", "share", "hasProgress", "isPlanned",
  // the other pages
  "terms", "entries", "lesson", "seen", "hasSeen", "metrics", "warn", "page", "steps", "hasMetrics", "blocks", "count", "newest", "earlier", "hasEarlier", "date",
  "verdict", "verdictClass", "details", "id", "commit", "block", "groups", "rows", "runs", "first", "last", "picture", "extent", "lastValue", "changes", "hasChanges",
  "change", "changeClass", "more", "budgets", "limit", "measured", "remaining", "outcome", "outcomeClass", "owner", "since", "reasons", "why", "summary",
  "facts", "fact", "metric", "value", "asOf", "source", "sourceKind", "strength", "believed", "usedBy", "conflicts", "hasConflicts", "otherValue", "otherSource", "otherKind", "resolution", "counts",
]

/// A `{{name}}` of a template.
struct TemplateTag: Sendable {
  var name: String
  /// It includes another template.
  var isPartial: Bool
  /// `FILE:LINE:COLUMN` of its braces.
  var place: String
}

/// All tags with a name, in order; comments and changes of delimiters have none.
func templateTags(_ text: String, _ path: String) -> [TemplateTag] {
  text.withMarkupBytes { bytes in
    var tags: [TemplateTag] = []
    var (line, lineStart, counted) = (1, 0, 0)
    var i = 0
    while let open = bytes.find("{{", from: i) {
      while let end = bytes.find(0x0A, from: counted, before: open) { (line, lineStart, counted) = (line + 1, end + 1, end + 1) }
      let lineEnd = bytes.find(0x0A, from: open) ?? bytes.count
      guard let close = bytes.find("}}", from: open + 2, before: lineEnd) else {
        i = lineEnd
        continue
      }
      i = close + 2
      let mark = bytes.bytes[open + 2]
      if mark == UInt8(ascii: "!") || mark == UInt8(ascii: "=") { continue }
      var start = open + 2
      while start < close, "{#^/&>$< ".utf8.contains(bytes.bytes[start]) { start += 1 }
      var end = start
      while end < close, bytes.bytes[end] != 0x20, bytes.bytes[end] != UInt8(ascii: "}") { end += 1 }
      if end > start {
        let column = bytes.text(lineStart..<open).count + 1
        tags.append(TemplateTag(name: bytes.text(start..<end), isPartial: mark == UInt8(ascii: ">"), place: "\(path):\(line):\(column)"))
      }
    }
    return tags
  }
}

/// Names that no page has, and templates that are included and not there.
func checkNames(_ templates: [String: TemplateFile]) -> [Diagnostic] {
  templates.sorted { $0.key < $1.key }.flatMap { _, file in
    file.tags.compactMap { tag -> Diagnostic? in
      if tag.isPartial {
        guard templates[tag.name] == nil else { return nil }
        return Diagnostic(
          "theme-template", .error, "there is no template `\(tag.name)` to include",
          remedy: nearestName(to: tag.name, among: templates.keys.sorted()).map { "did you mean `\($0)`?" } ?? "add \(tag.name).mustache to the theme", path: tag.place)
      }
      guard tag.name != ".", !tag.name.hasPrefix("strings."), !knownNames.contains(tag.name) else { return nil }
      return Diagnostic(
        "theme-template", .error, "no page has a `\(tag.name)`",
        remedy: nearestName(to: tag.name, among: knownNames.sorted()).map { "did you mean `\($0)`?" } ?? "see the templates of Themes/default", path: tag.place)
    }
  }
}

func templateFinding(_ error: any Error, _ path: String) -> Diagnostic {
  guard let error = error as? MustacheTemplate.ParserError else {
    return Diagnostic("theme-template", .error, "the template cannot be read: \(error)", remedy: "compare it with Themes/default", path: path)
  }
  let place = "\(path):\(error.context.lineNumber):\(error.context.columnNumber)"
  let line = String(error.context.line.drop { $0 == " " || $0 == "\t" })
  return Diagnostic(
    "theme-template", .error, "\(cause(error.error)) in `\(line)`",
    remedy: "close every `{{#name}}` with `{{/name}}` and every `{{` with `}}`", path: place)
}

private func cause(_ error: any Error) -> String {
  switch error as? MustacheTemplate.Error {
  case .sectionCloseNameIncorrect: "a section is closed with another name than it was opened with"
  case .unfinishedName: "a tag is not closed"
  case .expectedSectionEnd: "a section is never closed"
  default: "mustache cannot read this"
  }
}

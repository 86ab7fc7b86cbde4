// Text that becomes Markdown: names, reasons and statements come from files and programs, so each is
// escaped here before it stands in a table or a sentence. Never trusts a field; never emits HTML.

/// Text as one line of Markdown prose in which nothing is markup, fit for a table cell.
func escapedMarkdown(_ text: String) -> String {
  var out = String.UnicodeScalarView()
  for scalar in oneLine(text).unicodeScalars {
    // `{` so that the text can never become a live value; `:` and digits need no escape inside a line.
    if "\\`*_[]<>&|~{}#!$".unicodeScalars.contains(scalar) { out.append("\\") }
    out.append(scalar)
  }
  return String(out)
}

/// A sentence of nb's own or an author's in which `code` in balanced backticks stays code.
func escapedSentence(_ text: String) -> String {
  let parts = oneLine(text).split(separator: "`", omittingEmptySubsequences: false).map(String.init)
  guard parts.count % 2 == 1, parts.count > 1 else { return escapedMarkdown(text) }
  return parts.enumerated().map { i, part in i % 2 == 0 ? escapedMarkdown(part) : code(part) }.joined()
}

/// A code span, also within a table; empty for an empty text.
func code(_ text: String) -> String {
  let line = oneLine(text).trimmingSpaces
  guard !line.isEmpty else { return "" }
  var longest = 0
  var run = 0
  for scalar in line.unicodeScalars {
    run = scalar == "`" ? run + 1 : 0
    longest = max(longest, run)
  }
  let fence = String(repeating: "`", count: longest + 1)
  let pad = longest > 0 ? " " : ""
  // GFM splits cells at `|` before it looks for code spans, and takes the backslash away again.
  // `{{` in a code span is shown as it is by every reader of ours.
  return fence + pad + line.escapingPipes + pad + fence
}

/// Control characters and line breaks, which would end the line, as spaces. Characters that reverse the
/// direction of text would let a name rewrite its neighbours: they go too.
func oneLine(_ text: String) -> String {
  var out = String.UnicodeScalarView()
  for scalar in text.unicodeScalars {
    switch scalar.value {
    case 0x00...0x1F, 0x7F...0x9F, 0x2028, 0x2029: out.append(" ")
    case 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069: continue
    default: out.append(scalar)
    }
  }
  return String(out)
}

extension String {
  var trimmingSpaces: String {
    var scalars = unicodeScalars[...]
    while scalars.first == " " { scalars.removeFirst() }
    while scalars.last == " " { scalars.removeLast() }
    return String(scalars)
  }

  fileprivate var escapingPipes: String {
    var out = String.UnicodeScalarView()
    for scalar in unicodeScalars {
      if scalar == "|" { out.append("\\") }
      out.append(scalar)
    }
    return String(out)
  }
}

/// A GFM table; the cells must be Markdown already.
struct MarkdownTable {
  enum Alignment: String { case left = ":--", right = "--:" }
  var columns: [(title: String, alignment: Alignment)]
  var rows: [[String]] = []

  var text: String {
    var lines = [line(columns.map(\.title)), line(columns.map(\.alignment.rawValue))]
    lines += rows.map(line)
    return lines.joined(separator: "\n")
  }

  private func line(_ cells: [String]) -> String {
    "|" + cells.map { $0.isEmpty ? " |" : " \($0) |" }.joined()
  }
}

/// `hit_ratio` as a reader's words: `hit ratio`.
func metricTitle(_ name: String) -> String {
  String(String.UnicodeScalarView(name.unicodeScalars.map { $0 == "_" ? " " : $0 }))
}

// Rows of a terminal in columns that stand under each other, for `nb doctor` and `nb selfcheck`.

/// A table for a terminal: the title row, then the rows, two spaces between columns, nothing behind the last one.
///
/// - Parameters:
///   - rows: texts from anywhere; each is made harmless and put on one line.
///   - emphasised: rows that stand out, by index.
///   - rightAligned: columns of numbers.
public func columnsText(
  titles: [String], rows: [[String]], emphasised: Set<Int> = [], rightAligned: Set<Int> = [], style: TerminalStyle = TerminalStyle()
) -> String {
  let shown = ([titles] + rows).map { row in row.map { style.text($0) } }
  let count = shown.map(\.count).max() ?? 0
  let widths = (0..<count).map { column in shown.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0 }
  return shown.enumerated().map { i, row in
    let cells = row.enumerated().map { column, text in
      let pad = String(repeating: " ", count: widths[column] - text.count)
      return rightAligned.contains(column) ? pad + text : text + pad
    }
    let line = trimmedEnd(cells.joined(separator: "  "))
    return (i > 0 && emphasised.contains(i - 1) ? style.bold(line) : line) + "\n"
  }.joined()
}

/// A paragraph with a hanging indent, broken at spaces: `label  text …`.
public func noteText(_ label: String, _ text: String, width: Int = 100, style: TerminalStyle = TerminalStyle()) -> String {
  let indent = String(repeating: " ", count: 4)
  var lines: [String] = []
  var line = style.text(label) + ":"
  for word in style.text(text, limit: 2_000).split(separator: " ") {
    if line.count + 1 + word.count > max(width, 40), !line.allSatisfy({ $0 == " " }) {
      lines.append(line)
      line = indent + word
    } else {
      line += " " + word
    }
  }
  return (lines + [line]).joined(separator: "\n") + "\n"
}

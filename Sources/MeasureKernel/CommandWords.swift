// A command line split into words without a shell, by the quoting rules that sh, bash and dash share.

/// `grep -c 'a b' "$HOME"` → four words; nothing is expanded: no variables, no `*`, no `~`.
///
/// - Throws: when a quote is not closed, when there is no word, or when an operator such as `|` shows that a shell is meant.
public func commandWords(_ text: String) throws(MeasureError) -> [String] {
  var words: [String] = []
  var word: String?
  var quote: Character?
  var rest = Substring(text)
  while let next = rest.popFirst() {
    if let open = quote {
      if next == open {
        quote = nil
      } else if open == "\"", next == "\\", let escaped = rest.first, "\\\"$`\n".contains(escaped) {
        rest.removeFirst()
        if escaped != "\n" { word?.append(escaped) }
      } else {
        word?.append(next)
      }
      continue
    }
    switch next {
    case "'", "\"":
      quote = next
      word = word ?? ""
    case "\\":
      guard let escaped = rest.popFirst() else {
        throw MeasureError("`\(text)` ends with a backslash", remedy: "write what it should quote, or leave it out")
      }
      if escaped != "\n" { word = (word ?? "") + String(escaped) }
    case "|", "&", ";", "<", ">", "(", ")", "`":
      throw MeasureError("`\(text)` has the shell's `\(next)`", remedy: "run it through a shell, or quote it")
    case let space where space.isWhitespace:
      if let done = word { words.append(done) }
      word = nil
    default: word = (word ?? "") + String(next)
    }
  }
  guard quote == nil else { throw MeasureError("`\(text)` opens a quote and does not close it", remedy: "close it") }
  if let done = word { words.append(done) }
  guard !words.isEmpty else { throw MeasureError("the command is empty", remedy: "write the program and its arguments") }
  return words
}

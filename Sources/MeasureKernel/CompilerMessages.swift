// What compilers and interpreters print, mapped to the lines of the notebook. The fence's file is called
// `nb-fence.…` and has the fence's lines from line 1, so only an offset lies between the two.

import ExperimentModel

enum CompilerMessages {
  /// Messages about the fence in the forms `nb-fence.c:3:7: error: …` and `sh: 3: Syntax error …`,
  /// errors first, in the order of printing otherwise.
  static func parse(_ text: String, _ fence: FenceSpec) -> [SourceMessage] {
    var messages: [SourceMessage] = []
    var seen: Set<SourceMessage> = []
    for line in text.split(whereSeparator: \.isNewline) {
      let found = fence.language == .shell ? shell(line, fence) : compiler(line, fence)
      guard let message = found else { continue }
      if seen.insert(message).inserted { messages.append(message) }
    }
    return messages.filter { $0.kind == .error } + messages.filter { $0.kind != .error }
  }

  /// `node --check`: the place, the line, a caret below it, and after an empty line what is wrong.
  static func parseNode(_ text: String, _ fence: FenceSpec) -> [SourceMessage] {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    guard let at = lines.firstIndex(where: { $0.contains("nb-fence.mjs:") }), let colon = lines[at].lastIndex(of: ":"),
      let line = Int(lines[at][lines[at].index(after: colon)...])
    else { return [] }
    let caret = lines[at...].dropFirst().first { !$0.isEmpty && $0.allSatisfy { $0 == " " || $0 == "^" || $0 == "\t" } }
    let what = lines[at...].first { $0.contains("Error: ") } ?? "syntax error"
    let column = caret.map { $0.prefix { $0 != "^" }.count + 1 }
    return [SourceMessage(kind: .error, path: fence.path, line: fence.line + line - 1, column: column, text: String(what))]
  }

  /// `…nb-fence.c:3:7: error: text`, column and kind may be missing.
  private static func compiler(_ line: Substring, _ fence: FenceSpec) -> SourceMessage? {
    guard let start = end(of: "nb-fence.", in: line), let colon = line[start...].firstIndex(of: ":") else { return nil }
    var rest = line[line.index(after: colon)...]
    guard let number = number(&rest), number > 0 else { return nil }
    let column = columnNumber(&rest)
    var kind = SourceMessage.Kind.error
    var text = rest.drop { $0 == " " || $0 == ":" }
    for (word, meaning) in [
      ("fatal error: ", SourceMessage.Kind.error), ("error: ", .error), ("warning: ", .warning), ("note: ", .note),
    ] where text.hasPrefix(word) {
      kind = meaning
      text = text.dropFirst(word.count)
      break
    }
    // The linker's `nb-fence.c:(.text+0x1)` has no line; its `in function` lines tell nothing.
    guard !text.isEmpty else { return nil }
    return SourceMessage(kind: kind, path: fence.path, line: fence.line + number - 1, column: column, text: String(text))
  }

  /// dash: `sh: 3: Syntax error: …`; bash: `sh: -c: line 3: syntax error …`.
  private static func shell(_ line: Substring, _ fence: FenceSpec) -> SourceMessage? {
    let parts = line.split(separator: ":", omittingEmptySubsequences: false).map { $0.drop { $0 == " " } }
    for (i, part) in parts.enumerated().dropFirst() {
      guard let number = Int(part.hasPrefix("line ") ? part.dropFirst(5) : part), i + 1 < parts.count else { continue }
      let text = parts[(i + 1)...].joined(separator: ": ")
      return SourceMessage(kind: .error, path: fence.path, line: fence.line + number - 1, column: nil, text: text)
    }
    return nil
  }

  private static func end(of word: String, in line: Substring) -> Substring.Index? {
    var rest = line
    while !rest.isEmpty {
      if rest.hasPrefix(word) { return rest.index(rest.startIndex, offsetBy: word.count) }
      rest = rest.dropFirst()
    }
    return nil
  }

  private static func number(_ rest: inout Substring) -> Int? {
    let digits = rest.prefix { $0.isASCII && $0.isNumber }
    rest = rest[digits.endIndex...]
    return Int(digits)
  }

  /// A second number after a colon; nothing is taken when there is none.
  private static func columnNumber(_ rest: inout Substring) -> Int? {
    guard rest.first == ":" else { return nil }
    var after = rest.dropFirst()
    guard let value = number(&after) else { return nil }
    rest = after
    return value
  }
}

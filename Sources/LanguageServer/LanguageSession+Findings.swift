// What is wrong, as the editor shows it, and the remedies that it can apply. The findings are those of `nb check`.

import TextModel

extension LanguageSession {
  /// What an editor is sent of one file: each place costs the length of its line.
  private static let findingsMax = 1_000

  func published(_ text: OpenText) -> [PublishedDiagnostics.Item] { text.findings(desk).prefix(Self.findingsMax).map { item($0, text.source) } }

  private func item(_ finding: Diagnostic, _ source: SourceText) -> PublishedDiagnostics.Item {
    let severity = finding.severity == .error ? 1 : finding.severity == .warning ? 2 : 3
    return PublishedDiagnostics.Item(
      range: source.lspRange(finding.range ?? SourceRange(0, 0), encoding), severity: severity, code: finding.id.rawValue,
      message: finding.cause + (finding.remedy.map { "\n" + $0 } ?? ""))
  }

  /// Remedies of the form "did you mean `x`?" as edits.
  func codeActions(_ parameters: ActionParams) throws -> [CodeAction] {
    let text = try text(parameters.textDocument)
    let asked = text.source.range(parameters.range, encoding)
    return text.findings(desk).compactMap { finding in
      guard let range = finding.range, range.lower <= asked.upper, asked.lower <= range.upper,
        let (place, word) = correction(finding, in: text.source)
      else { return nil }
      let edit = TextEdit(range: text.source.lspRange(place, encoding), newText: word)
      return CodeAction(
        title: "Replace it with `\(word)`", diagnostics: [item(finding, text.source)], edit: WorkspaceEdit(changes: [text.uri: [edit]]))
    }
  }
}

/// The word that a finding's remedy names, and what it replaces: the wrong word of the cause where it stands in the finding's range exactly once.
func correction(_ finding: Diagnostic, in source: SourceText) -> (place: SourceRange, word: String)? {
  guard let range = finding.range, let remedy = finding.remedy, let word = quoted(remedy, after: "did you mean `") else { return nil }
  // The cause names the wrong word first, or last behind "not".
  let wrong = backquoted(finding.cause)
  for candidate in wrong where candidate != word {
    let places = places(of: candidate, in: range, source)
    if places.count == 1 { return (places[0], word) }
  }
  return nil
}

private func quoted(_ text: String, after mark: String) -> String? {
  guard text.hasPrefix(mark) else { return nil }
  let rest = text.dropFirst(mark.count)
  guard let end = rest.firstIndex(of: "`"), rest[end...].hasPrefix("`?") else { return nil }
  return String(rest[..<end])
}

private func backquoted(_ text: String) -> [String] {
  let parts = text.split(separator: "`", omittingEmptySubsequences: false)
  return stride(from: 1, to: parts.count, by: 2).map { String(parts[$0]) }.filter { !$0.isEmpty }
}

/// Where a word stands in a range, not as a part of a longer one.
private func places(of word: String, in range: SourceRange, _ source: SourceText) -> [SourceRange] {
  let wanted = Array(word.utf8)
  guard range.count >= wanted.count else { return [] }
  func isWord(_ offset: Int) -> Bool {
    guard range.contains(offset) else { return false }
    let byte = source.bytes[offset]
    return byte >= 0x61 && byte <= 0x7A || byte >= 0x41 && byte <= 0x5A || byte >= 0x30 && byte <= 0x39 || byte == 0x2D || byte == 0x5F
  }
  return (range.lower...(range.upper - wanted.count)).compactMap { start in
    guard source.bytes[start..<start + wanted.count].elementsEqual(wanted), !isWord(start - 1), !isWord(start + wanted.count) else { return nil }
    return SourceRange(start, start + wanted.count)
  }
}

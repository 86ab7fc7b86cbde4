import Testing
import TextModel

@Suite struct PrintableTests {
  @Test func nothingMovesTheCursorOrTurnsTheText() {
    #expect(printable("a\u{1B}[2Kb\rc\u{202E}d\u{9B}e\u{7F}") == "a·[2Kb·c·d·e·")
    #expect(printable("tab\tline\nünicode 字 🙂") == "tab\tline\nünicode 字 🙂")
  }

  @Test func aFindingThatQuotesTheTextCannotActOnTheTerminal() {
    let source = SourceText(path: "a\u{1B}.md", text: "x\u{1B}]0;title\u{7}y\n")
    let finding = Diagnostic("unknown-key", .error, "unknown key `\u{1B}[1m`", remedy: "did you mean `\u{202E}`?", at: SourceRange(0, 3))
    #expect(!finding.rendered(in: source).unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" || $0.value == 0x202E })
  }
}

import Testing

@testable import Reporting

@Suite struct TerminalColumnsTests {
  @Test("columns stand under each other; numbers to the right; nothing behind the last column")
  func columns() {
    let text = columnsText(titles: ["item", "n", "verdict"], rows: [["clock", "24", "ok"], ["a longer name", "1000", ""]], rightAligned: [1])
    #expect(text == "item              n  verdict\nclock            24  ok\na longer name  1000\n")
  }

  @Test("what comes from outside is harmless, in ASCII where asked, bold where it matters")
  func harmless() {
    let text = columnsText(titles: ["a"], rows: [["x\u{1B}[31m\ny µs"]], style: TerminalStyle(ascii: true))
    #expect(!text.contains("\u{1B}") && text.hasSuffix("y us\n") && text.split(separator: "\n").count == 2)
    #expect(columnsText(titles: ["a"], rows: [["x"]], emphasised: [0], style: TerminalStyle(color: true)) == "a\n\u{1B}[1mx\u{1B}[0m\n")
  }

  @Test("rows of different lengths")
  func ragged() { #expect(columnsText(titles: ["a", "b"], rows: [["1"], ["1", "2", "3"]]) == "a  b\n1\n1  2  3\n") }

  @Test("a note is broken at spaces with a hanging indent")
  func notes() {
    #expect(noteText("fsync", "one two three four five six seven eight", width: 40) == "fsync: one two three four five six seven\n    eight\n")
    #expect(noteText("a", "") == "a:\n")
  }
}

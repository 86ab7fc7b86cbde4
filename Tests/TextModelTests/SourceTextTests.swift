import Testing

@testable import TextModel

@Suite struct SourceTextTests {
  @Test("lines end at \\n, \\r\\n and lone \\r; not at U+2028, FF or VT", arguments: [
    ("", 1), ("a", 1), ("a\n", 2), ("a\nb", 2), ("a\r\nb\r\n", 3), ("a\rb", 2), ("\r\r\n\n", 4),
    ("a\u{2028}b\u{0C}c\u{0B}d", 1),
  ])
  func lines(_ text: String, _ count: Int) {
    #expect(SourceText(path: "x", text: text).lineCount == count)
  }

  @Test("lines tile the text, whatever it holds")
  func tiling() {
    var state: UInt64 = 7
    let alphabet = Array("ab\n\r\t é".utf8) + [0xEF, 0xBB, 0xBF]
    for _ in 0..<500 {
      var bytes: [UInt8] = []
      for _ in 0..<30 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        bytes.append(alphabet[Int(state >> 33) % alphabet.count])
      }
      let text = SourceText(path: "x", bytes: bytes)
      var joined: [UInt8] = []
      for line in 1...text.lineCount {
        let range = text.lineRange(line)
        joined += bytes[range.lower..<range.upper]
        #expect(range.contains(text.contentRange(ofLine: line)))
        if !range.isEmpty { #expect(text.line(at: range.lower) == line) }
      }
      #expect(joined == bytes)
      #expect(text.applying([]).bytes == bytes)
    }
  }

  @Test("a BOM is not counted in columns")
  func byteOrderMark() {
    let text = SourceText(path: "x", bytes: [0xEF, 0xBB, 0xBF] + Array("ab\ncd".utf8))
    #expect(text.position(at: 4) == SourcePosition(line: 1, column: 2))
    #expect(text.offset(of: SourcePosition(line: 1, column: 2)) == 4)
    #expect(text.position(at: 7) == SourcePosition(line: 2, column: 2))
  }

  @Test("edits replace their bytes and nothing else, in any order")
  func edits() {
    let text = SourceText(path: "x", text: "one two three")
    let edited = text.applying([Edit(SourceRange(8, 13), "3"), Edit(SourceRange(0, 3), "1"), Edit(SourceRange(4, 4), "and ")])
    #expect(edited.text(SourceRange(0, edited.bytes.count)) == "1 and two 3")
  }

  @Test("a diagnostic shows place, line, caret, cause and remedy")
  func rendering() {
    let text = SourceText(path: "day08.md", text: "id: base\nraet: 120rps\n")
    let diagnostic = Diagnostic("unknown-key", .error, "unknown key `raet`", remedy: "did you mean `rate`?", at: SourceRange(9, 13))
    #expect(
      diagnostic.rendered(in: text) == """
        day08.md:2:1: error: unknown key `raet` [unknown-key]
            2 | raet: 120rps
              | ^~~~
              = did you mean `rate`?

        """)
  }

  @Test("the nearest name is offered only when it is near", arguments: [
    ("raet", "rate"), ("durration", "duration"), ("zzzz", nil), ("Rate", "rate"),
  ] as [(String, String?)])
  func suggestion(_ word: String, _ expected: String?) {
    #expect(nearestName(to: word, among: ["rate", "duration", "vus"]) == expected)
  }
}

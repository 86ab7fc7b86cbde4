// Texts that cmark would read for minutes are refused before it sees them; large ordinary ones are not. That the limits hold
// in time is Tests/EndToEnd/hostile.py's.

import DocumentModel
import Testing
import TextModel

private func times(_ text: String, _ count: Int) -> String { String(repeating: text, count: count) }

@Suite struct ReadingCostTests {
  @Test("refused with its place", arguments: [
    (times("![[]()", 20_000), "`![` stands 10000 times"),
    (times("![a[b](c)", 20_000), "`![` stands 10000 times"),
    (times("> ", 1_001) + "a", "opens 1001 quotes and lists"),
    (times("- ", 900) + "x" + times("\n", 30_000), "blank lines inside"),
    ("> " + times("- ", 900) + "x\n" + times(">\n", 30_000), "blank lines inside"),
    (times(">", 900) + times("a*", 60_000), "emphasis and links inside 900"),
    (times(">", 900) + times("[a](b)", 60_000), "emphasis and links inside 900"),
    (times("\t1. x\n", 30_000) + "a", nil),
  ] as [(String, String?)])
  func hostile(_ text: String, _ cause: String?) throws {
    let source = SourceText(path: "a.md", text: "# A\n\n" + text)
    let found = obstacle(toReading: source)
    #expect((found?.cause.contains(cause ?? "") ?? false) == (cause != nil), "\(found?.cause ?? "read")")
    guard let found else { return }
    #expect(found.id == "costly-markdown" && found.remedy != nil)
    #expect(try #require(found.range).lower >= 5)
    #expect(found.rendered(in: source).utf8.count < 1_000)
  }

  @Test("what is not read is shown as it is written, and nothing in it is changed")
  func unread() {
    let text = "```perf\nid: a\n```\n{{ a.p99 }} <b>\n\n" + times("> ", 1_001) + "a"
    let document = Document(parsing: SourceText(path: "a.md", text: text))
    #expect(document.diagnostics.map(\.id) == ["costly-markdown"])
    #expect(document.perfFences.isEmpty && document.values.isEmpty && document.links().isEmpty && document.outline.isEmpty)
    let shown = document.html(HTMLOptions()).html
    #expect(shown.hasPrefix("<pre>") && shown.contains("{{ a.p99 }} &lt;b&gt;") && !shown.contains("<b>"))
    #expect(document.cleaned().bytes == Array(text.utf8))
    #expect(document.replacing([], values: ["a.p99": "1 ms"], overwrite: true).edits.isEmpty)
  }

  @Test("notes taken out of a text do not make another one of it that takes long")
  func composed() {
    let text = times("- ", 900) + "x\n\n[^a]: note\n" + times("\n", 60_000) + "[^a]"
    let source = SourceText(path: "a.md", text: text)
    #expect(obstacle(toReading: source) == nil)
    // To CommonMark the note defines a link.
    let html = Document(parsing: source).html(HTMLOptions()).html
    #expect(html.contains("<a href=\"note\">^a</a>") && !html.contains("footnote"))
  }

  @Test("a megabyte of what people write passes", arguments: [
    "Some *prose* with a [link](a.md), `code` and **weight**.\n", "- an item\n  - one in it\n\n    with a paragraph\n",
    "| a | [b](c) | *d* |\n", "> a quote\n> > in a quote\n", "![a picture](a.png)\n\n", "1. one\n\n   ```c\n   int a[2][3];\n   ```\n\n",
  ])
  func ordinary(_ piece: String) {
    let text = times(piece, (1 << 20) / piece.utf8.count)
    #expect(obstacle(toReading: SourceText(path: "a.md", text: text)) == nil)
  }
}

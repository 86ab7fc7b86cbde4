import Testing
import TextModel

@testable import DocumentModel

@Suite struct HighlighterTests {
  private func colours(_ code: String, _ language: String) -> String { String(decoding: highlighted(Array(code.utf8), language: language), as: UTF8.self) }

  @Test(arguments: [
    ("xml", "<a b=\"c\">", "&lt;<span class=\"hl-keyword\">a</span> <span class=\"hl-key\">b</span>=<span class=\"hl-string\">&quot;c&quot;</span>&gt;"),
    ("html", "<!-- x", "<span class=\"hl-comment\">&lt;!-- x</span>"),
    ("diff", "+a\n-b\n c\n@@", "<span class=\"hl-add\">+a</span>\n<span class=\"hl-remove\">-b</span>\n c\n<span class=\"hl-comment\">@@</span>"),
    ("json", "{\"k\" : \"v\"}", "{<span class=\"hl-key\">&quot;k&quot;</span> : <span class=\"hl-string\">&quot;v&quot;</span>}"),
    ("java", "new Map()", "<span class=\"hl-keyword\">new</span> <span class=\"hl-type\">Map</span>()"),
    ("swift", "let x: Int", "<span class=\"hl-keyword\">let</span> x: <span class=\"hl-type\">Int</span>"),
    ("unknown", "a < b", "a &lt; b"),
  ])
  func languagesHaveTheirColours(language: String, code: String, html: String) { #expect(colours(code, language) == html) }

  @Test(arguments: ["swift", "c", "js", "python", "sql", "sh", "yaml", "java", "json", "toml", "xml", "diff", "none"])
  func everyByteIsPrintedOnce(language: String) {
    let text = "<a x='1' \"y: /* -- # é\n+ \\\" <!-- `z`\n@@ </a> \"k\":"
    let shown = colours(text, language).replacing(/<span class="hl-[a-z]+">|<\/span>/, with: "").replacing("&lt;", with: "<").replacing("&gt;", with: ">")
      .replacing("&quot;", with: "\"").replacing("&amp;", with: "&")
    #expect(shown == text)
  }
}

// nb's own HTML: what GFM's examples do not cover, and hostile input.

import DocumentModel
import Testing
import TextModel

private func html(_ text: String) -> String { document(text).html(HTMLOptions()).html }

struct HTMLTests {
  @Test func anchorsAreUnique() {
    let rendered = document("# Cache hits & *misses*\n\n## Cache hits & misses\n").html(HTMLOptions())
    #expect(rendered.headings.map(\.id) == ["cache-hits--misses", "cache-hits--misses-1"])
    #expect(rendered.html.hasPrefix("<h1 id=\"cache-hits--misses\">Cache hits &amp; <em>misses</em></h1>\n"))
  }

  @Test func callouts() {
    #expect(html("> [!WARNING]\n> Hot.\n") == "<div class=\"callout callout-warning\">\n<p class=\"callout-title\">Warning</p>\n<p>Hot.</p>\n</div>\n")
  }

  @Test func footnotes() {
    let out = html("a[^x] `[^x]` b[^x]\n\n[^x]: two *words*\n    more\n")
    #expect(out.contains("a<sup class=\"footnote-ref\"><a href=\"#fn-x\" id=\"fnref-x\">1</a></sup> <code>[^x]</code>"))
    #expect(out.contains("id=\"fnref-x-2\""))
    #expect(out.contains("<li id=\"fn-x\">\n<p>two <em>words</em>\nmore</p>\n"))
  }

  @Test func partsOfANotebook() {
    let out = document("```perf\nid: a\nkind: load\n```\n\n<!-- nb:result a in=0123456789 -->\n\n**x**\n\n<!-- nb:end a sum=0123456789 -->\n\n<!--nb a.p99-->**21** &lt; ms<!--/nb--> and {{ b }}\n")
      .html(HTMLOptions(), additions: ["a": "<svg></svg>"]).html
    #expect(out.contains("<details class=\"perf\"><summary>perf block <code>load a</code></summary>"))
    #expect(out.contains("<section class=\"result\" id=\"result-a\">\n<p><strong>x</strong></p>\n<svg></svg>\n</section>\n"))
    #expect(out.contains("<p><span class=\"value\" data-expr=\"a.p99\">**21** &lt; ms</span> and <span class=\"value pending\" data-expr=\"b\">{{ b }}</span></p>"))
    #expect(!out.contains("omitted"))
  }

  @Test func tablesAnywhere() {
    let out = html("> - text\n>   a | [r]\n>   :-: | -\n>   `x\\|y` | **b** #\n\n[r]: /url\n")
    #expect(out.contains("<th align=\"center\">a</th>\n<th><a href=\"/url\">r</a></th>"))
    #expect(out.contains("<td align=\"center\"><code>x|y</code></td>\n<td><strong>b</strong> #</td>"))
    #expect(out.contains("<li>text\n<table>"))
  }

  @Test func nothingHostileComesThrough() {
    for text in ["<script>x</script>", "[a](javascript:x)", "a <b onclick=x>", "![\"><script>](data:text/html,x)", "# <script>", "```\"><script>\nx\n```", "[^\"<script>]\n\n[^\"<script>]: x y", "| <script> |\n| - |", "www.a.b/\"><script>"] {
      let out = html(text)
      #expect(!out.contains("<script") && !out.contains("javascript:") && !out.contains("onclick") && !out.contains("data:text"), "\(out)")
    }
  }

  /// Work is bounded by counting on the size of the output and by finishing at all: each of these
  /// would take hours if a scanner were quadratic or a walk recursive.
  @Test func hostileShapes() {
    let n = 100_000
    for text in [
      String(repeating: "> ", count: n / 20) + "a", String(repeating: "www.a_", count: n), String(repeating: "a@", count: n), String(repeating: "~a ~~b ", count: n),
      String(repeating: "<", count: n), String(repeating: "<a ", count: n), (1...600).map { String(repeating: "`", count: $0) }.joined(separator: " "),
      String(repeating: "{{ a ", count: n), String(repeating: "[^a", count: n), String(repeating: "<!--nb a-->", count: n / 10),
      String(repeating: "|a", count: 5000) + "\n" + String(repeating: "|-", count: 5000) + "\n" + String(repeating: "|a|\n", count: 5000),
      String(repeating: "http://", count: n), String(repeating: "a.b@c.d;", count: n), String(repeating: "www.a.b/(((((", count: n / 10) + String(repeating: ")", count: n),
    ] {
      #expect(html(text).utf8.count < 40_000_000)
    }
  }

  @Test func coloursPrintEveryByte() {
    for language in ["swift", "c", "python", "js", "sql", "sh", "yaml", "perf", "other"] {
      let code = "/* a */ let x = \"s\\\"\" # c -- 'q' 12.5 select <b> /* open\nkey: true // \u{E000}é\n\"open"
      let out = html("```\(language)\n\(code)\n```\n")
      let text = out.replacing(/<[^>]*>/, with: "").replacing("&lt;", with: "<").replacing("&gt;", with: ">").replacing("&quot;", with: "\"")
      #expect(text.contains(code), "\(language): \(text)")
    }
  }
}

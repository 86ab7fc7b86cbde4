// Laws of writing results: nothing else changes, twice is once, and clean leads back.

import DocumentModel
import Testing
import TextModel

private func run(_ source: SourceText, overwrite: Bool = false) -> (text: SourceText, refused: [RefusedRegion]) {
  let found = Document(parsing: source)
  var regions = found.perfFences.enumerated().map {
    RegionText(id: "r\($0.offset)", inputs: "0123456789", markdown: "| a |\n| - |\n| \($0.offset) |\n\n*done*", after: $0.element.range)
  }
  for value in found.values where value.kind == .marketRegion {
    regions.append(RegionText(id: value.expression.replacing(" ", with: "-"), inputs: "abcdef0123", markdown: "facts", after: value.range))
  }
  let change = found.replacing(regions, values: ["a.p99": "21.4 ms", "claim che": "*verified here*"], overwrite: overwrite)
  return (source.applying(change.edits), change.refused)
}

struct SpliceTests {
  @Test func theFormOfARegion() {
    let text = run(SourceText(path: "", text: "```perf\nid: a\n```\n\ntext\n")).text
    let body = "\n| a |\n| - |\n| 0 |\n\n*done*\n\n"
    #expect(
      text.text(SourceRange(0, text.bytes.count))
        == "```perf\nid: a\n```\n\n<!-- nb:result r0 in=0123456789 -->\n\(body)<!-- nb:end r0 sum=\(seal(Array(body.utf8))) -->\n\ntext\n")
  }

  @Test func lawsOverGeneratedDocuments() {
    let pieces = [
      "text {{ a.p99 }} `{{ a.p99 }}`", "{{ a.p99 }}", "```perf\nid: x\n```", "~~~~perf #y\n```\n~~~~", "", "", "# H {{claim che}}", "- item\n  {{ a.p99 }}\n\n      {{ a.p99 }}",
      "> quote\n> {{ a.p99 }}\nlazy", "{{ market day08 }}", "\n{{ market day08 }}\n", "````md\n<!-- nb:result r0 in=0123456789 -->\n```perf\n```\n<!-- nb:end r0 sum=0123456789 -->\n````", "\tcode {{ a.p99 }}",
      "<div>\n{{ a.p99 }}", "<!-- note\n-->", "| a | {{ a.p99 }} |\n| - | - |\n| `|` | b |", "===", "---", "[x]: /url", "`", "2. two", "<!--nb a.p99-->old<!--/nb--> x", "   ", "1. ```perf\n   id: z\n   ```", "\\{{ a.p99 }}",
    ]
    var state: UInt64 = 8
    func next(_ n: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((state >> 33) % UInt64(n))
    }
    for round in 0..<4000 {
      var text = (0..<(1 + next(9))).map { _ in pieces[next(pieces.count)] }.joined(separator: "\n")
      if next(4) == 0 { text = "---\ntitle: x\n---\n" + text }
      if next(6) == 0 { text += "\n```perf\nid: open" }
      if next(2) == 0 { text += "\n" }
      let ending = ["\n", "\r\n", "\r"][next(3)]
      if ending != "\n" { text = String(text.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: ending)) }
      if next(5) == 0 { text = "\u{FEFF}" + text }
      let source = SourceText(path: "", text: text)
      #expect(source.applying([]).bytes == source.bytes)
      let cleaned = Document(parsing: source).cleaned()
      #expect(Document(parsing: cleaned).cleaned().bytes == cleaned.bytes, "clean twice, round \(round): \(text.debugDescription)")
      let once = run(source)
      #expect(once.refused.isEmpty || text.hasSuffix("id: open") || !Document(parsing: source).diagnostics.isEmpty)
      #expect(run(once.text).text.bytes == once.text.bytes, "run twice, round \(round): \(text.debugDescription)")
      #expect(Document(parsing: once.text).cleaned().bytes == cleaned.bytes, "clean after run, round \(round): \(text.debugDescription)")
      _ = Document(parsing: once.text).html(HTMLOptions())
    }
  }

  @Test func handEditsAreRefused() throws {
    let first = run(SourceText(path: "", text: "```perf\nid: a\n```\n")).text
    let edited = SourceText(path: "", text: first.text(SourceRange(0, first.bytes.count)).replacing("| 0 |", with: "| 1 |"))
    #expect(Document(parsing: edited).regions.map(\.isSealed) == [false])
    let again = run(edited)
    #expect(again.text.bytes == edited.bytes)
    #expect(again.refused.map(\.id) == ["r0"])
    #expect(again.refused[0].diff.contains("-| 1 |\n+| 0 |\n"))
    #expect(run(edited, overwrite: true).text.bytes == first.bytes)
  }

  @Test func markdownThatWouldSwallowItsEndIsShownAsItIs() {
    let source = SourceText(path: "", text: "```perf\nid: a\n```\ntext")
    let found = Document(parsing: source)
    for markdown in ["```\nopen", "<!-- open", "<!-- nb:end a sum=x -->", "<pre>", ""] {
      let region = RegionText(id: "a", inputs: "0123456789", markdown: markdown, after: found.perfFences[0].range)
      let once = Document(parsing: source.applying(found.replacing([region], values: [:], overwrite: false).edits))
      #expect(once.regions.map(\.isSealed) == [true], "\(markdown)")
      #expect(once.replacing([region], values: [:], overwrite: false).edits.isEmpty)
      #expect(once.cleaned().bytes == source.bytes)
    }
  }

  @Test(arguments: ["a ` b", "ends with \\", "R&D &lt; &amp;", "<b>", "two\nlines", "```", "--> x"])
  func whatAValueShowsIsTextAndNothingElse(_ value: String) {
    // A lone backtick before it, and a tag that never ends.
    let source = SourceText(path: "", text: "an open ` and <a {{ a.p99 }} behind\n")
    let found = Document(parsing: source)
    let once = Document(parsing: source.applying(found.replacing([], values: ["a.p99": value], overwrite: false).edits))
    #expect(once.values.map(\.shown) == [LiveValue.written(value)])
    #expect(once.replacing([], values: ["a.p99": value], overwrite: false).edits.isEmpty)
    #expect(once.cleaned().bytes == source.bytes)
    let text = once.html(HTMLOptions()).html.split(separator: "data-expr=\"a.p99\">")[1].split(separator: "</span>")[0]
    let read = text.replacing("&lt;", with: "<").replacing("&gt;", with: ">").replacing("&quot;", with: "\"").replacing("&amp;", with: "&")
    #expect(read == value.replacing("\n", with: " "))
  }
}

// A perf cell wherever one is legal, its results written and replaced: nothing else changes. In every example of the
// specification, at every line, and in generated documents.

import DocumentModel
import FuzzTargets
import Testing
import TextModel

@Suite struct InsertionTests {
  private func check(_ document: Document, atLine line: Int) throws -> Bool {
    guard let other = withCell(document, atLine: line) else { return false }
    try SpliceLaws(document: other, markdown: "| a |\n| - |\n| 1 |\n\n*measured*", value: "21 ms").check()
    return true
  }

  @Test func everyLineOfEveryExample() throws {
    var legal = 0
    for example in try SpecExample.load("commonmark-0.30.json") {
      let document = Document(parsing: SourceText(path: "", text: example.markdown))
      var here = 0
      for line in 1...document.source.lineCount {
        do { here += try check(document, atLine: line) ? 1 : 0 } catch { Issue.record("example \(example.number), line \(line): \(error)\n\(example.markdown)") }
      }
      // A fence that is never closed, or HTML that never ends, has no place for results behind it.
      #expect(here > 0 || !document.diagnostics.isEmpty, "example \(example.number)")
      legal += here
    }
    #expect(legal > 1_500)
  }

  @Test func generatedDocuments() throws {
    let examples = try SpecExample.load("commonmark-0.30.json").map(\.markdown)
    let own = [
      "text {{ a.p99 }} `{{ a.p99 }}`", "{{ a.p99 }}", "```perf\nid: x\n```", "~~~~swift #y\n```\n~~~~", "", "", "# H {{claim che}}", "- item\n  {{ a.p99 }}",
      "> quote\n> {{ a.p99 }}\nlazy", "\n{{ market day08 }}\n", "| a | {{ a.p99 }} |\n| - | - |\n| `|` | b |", "<div>\n{{ a.p99 }}\n</div>", "<!-- note\n-->", "[^a]: note\n    more",
      "> [!NOTE]\n> x[^a]", "1. one\n\n   two", "\tcode", "===", "---", "<!--nb a.p99-->old<!--/nb--> x", "   ", "\\{{ a.p99 }}",
    ]
    var state: UInt64 = 92
    func next(_ count: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((state >> 33) % UInt64(count))
    }
    var documents = 0
    var places = 0
    while documents < 2_000 {
      var text = (0..<(2 + next(6))).map { _ in next(3) == 0 ? examples[next(examples.count)] : own[next(own.count)] }.joined(separator: "\n")
      if next(4) == 0 { text = "---\ntitle: x\n---\n" + text }
      if next(2) == 0 { text += "\n" }
      let ending = ["\n", "\r\n", "\r"][next(3)]
      if ending != "\n" { text = String(text.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: ending)) }
      if next(5) == 0 { text = "\u{FEFF}" + text }
      let document = Document(parsing: SourceText(path: "", text: text))
      // Examples with a fence that is never closed are no notebooks.
      guard document.diagnostics.isEmpty else { continue }
      documents += 1
      for line in [1 + next(document.source.lineCount), document.source.lineCount] {
        do { places += try check(document, atLine: line) ? 1 : 0 } catch { Issue.record("document \(documents), line \(line): \(error)\n\(text.debugDescription)") }
      }
    }
    #expect(places > 2_000)
  }
}

// What a document is found to hold.

import DocumentModel
import Testing
import TextModel

func document(_ text: String) -> Document { Document(parsing: SourceText(path: "a.md", text: text)) }

struct DocumentTests {
  @Test func fencesWithTheirWords() throws {
    let found = document("---\ntitle: x\n---\n# T\n\n```perf\nid: a\n```\n\n~~~~ swift #fast edit n=4000\n  let x\n~~~\n~~~~\n")
    #expect(found.frontMatter == SourceRange(0, 17))
    #expect(found.perfFences.map(\.text) == ["id: a"])
    let code = try #require(found.codeFences.first)
    #expect(code.language == "swift" && code.id == "fast" && code.attributes == ["edit": "", "n": "4000"])
    #expect(code.text == "  let x\n~~~" && code.isClosed && code.range.upper == found.source.bytes.count)
    #expect(found.diagnostics.isEmpty)
  }

  @Test(arguments: ["\n", "\r\n", "\r"]) func lineEndingsAndBOM(ending: String) {
    let text = "\u{FEFF}```perf\n\tid: a\n\n  kind: load\n```".split(separator: "\n", omittingEmptySubsequences: false).joined(separator: ending)
    let found = document(text)
    #expect(found.perfFences.map(\.text) == ["\tid: a\n\n  kind: load"])
    #expect(found.perfFences[0].range.lower == 3)
  }

  @Test func misplacedAndUnclosed() {
    #expect(document("- ```perf\n  id: a\n  ```\n").diagnostics.map(\.id) == ["nested-perf-fence"])
    #expect(document("> ```perf\n> id: a\n").diagnostics.map(\.id) == ["nested-perf-fence"])
    #expect(document("```perf\nid: a\n").diagnostics.map(\.id) == ["unclosed-fence"])
  }

  @Test func markersGoneWrong() {
    let result = "<!-- nb:result a in=0123456789 -->\n", end = "<!-- nb:end a sum=xxxxxxxxxx -->\n"
    #expect(document(result + "\ntext\n").diagnostics.map(\.id) == ["region-without-end"])
    #expect(document("text\n\n" + end).diagnostics.map(\.id) == ["region-without-start"])
    #expect(document(result + "\n" + end + "\n" + result + "\n" + end).diagnostics.map(\.id) == ["duplicate-region"])
    #expect(document("````\n" + result + end + "````\n").regions.isEmpty)
    #expect(document("- " + result + "\n  " + end).regions.isEmpty)
  }

  @Test func valuesInProseOnly() {
    let found = document(
      "{{ a.p99 }} and `{{ b }}` ``x ` {{ c }}`` <a t='{{ d }}'> \\{{ e }} {{claim che}}\n\n    {{ f }}\n\n> - {{ g@n=1 }}\n\n<div>\n{{ h }}\n</div>\n\n{{ market day08 }}\n\n<!--nb i.on-->21 ms<!--/nb--> rest {{ not; ours }}\n")
    #expect(found.values.map(\.expression) == ["a.p99", "claim che", "g@n=1", "market day08", "i.on"])
    #expect(found.values.map(\.kind) == [.value, .claim, .value, .marketRegion, .value])
    #expect(found.values.last?.shown == "21 ms")
  }

  @Test func sealReadsCRLFAsLF() {
    #expect(seal(Array("a\r\nb\r\n".utf8)) == seal(Array("a\nb\n".utf8)))
    // printf 'abc' | openssl dgst -sha256 -binary | base64 | tr '+/' '-_' | cut -c1-10
    #expect(seal(Array("abc".utf8)) == "ungWv48Bz-")
  }
}

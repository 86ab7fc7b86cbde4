// GitHub Flavored Markdown: the examples of the extensions that we have.

import DocumentModel
import Testing
import TextModel

struct GFMTests {
  /// 653 is the tag filter: nb omits all raw HTML in safe mode and keeps all of it with `unsafe`.
  static let notOurs: Set<Int> = [653]

  @Test func extensionExamples() throws {
    let examples = try SpecExample.load("gfm-0.29.json")
    #expect(examples.count == 24)
    for example in examples where !Self.notOurs.contains(example.number) {
      let html = Document(parsing: SourceText(path: "", text: example.markdown)).html(HTMLOptions()).html
      #expect(html == example.html, "example \(example.number)")
    }
  }
}

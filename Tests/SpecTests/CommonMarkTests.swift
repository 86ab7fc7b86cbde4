// CommonMark 0.30: every example, as the specification and as the `cmark` program has it.

import DocumentModel
import Foundation
import Testing
import TextModel

struct CommonMarkTests {
  let examples: [SpecExample]
  init() throws { examples = try SpecExample.load("commonmark-0.30.json") }

  @Test func allExamplesAreHere() {
    #expect(examples.count == 652)
  }

  @Test func plainOutputIsCmarks() {
    for example in examples {
      let bytes = Array(example.markdown.utf8)
      #expect(String(decoding: commonMarkHTML(bytes, unsafe: true), as: UTF8.self) == example.html, "example \(example.number)")
      #expect(String(decoding: commonMarkHTML(bytes, unsafe: true), as: UTF8.self) == example.unsafe, "example \(example.number)")
      #expect(String(decoding: commonMarkHTML(bytes, unsafe: false), as: UTF8.self) == example.safe, "example \(example.number)")
    }
  }

  /// The program itself, on one document made of all examples with every kind of line ending.
  @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/cmark")), arguments: ["\n", "\r\n", "\r"])
  func programAgrees(ending: String) throws {
    let text = examples.map(\.markdown).joined(separator: "\n\n").replacingOccurrences(of: "\n", with: ending)
    let bytes = Array("\u{FEFF}".utf8) + Array(text.utf8) + [0, 0xFF, 0xC3]
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("nb-spec-\(UUID().uuidString).md")
    try Data(bytes).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    for unsafe in [true, false] {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/usr/bin/cmark")
      process.arguments = (unsafe ? ["--unsafe"] : []) + [file.path]
      let pipe = Pipe()
      process.standardOutput = pipe
      try process.run()
      let output = pipe.fileHandleForReading.readDataToEndOfFile()
      process.waitUntilExit()
      #expect(commonMarkHTML(bytes, unsafe: unsafe) == Array(output))
    }
  }

  /// Our own renderer prints CommonMark as cmark does, but for the extensions.
  @Test func rendererAgreesWithCmark() {
    // Front matter: 96, 98. Addresses that CommonMark leaves alone and GFM links: 605, 607, 610, 611.
    let differs: Set<Int> = [96, 98, 605, 607, 610, 611]
    for unsafe in [true, false] {
      var options = HTMLOptions()
      options.unsafe = unsafe
      for example in examples {
        let html = Document(parsing: SourceText(path: "", text: example.markdown)).html(options).html
        let bare = html.replacing(/(<h[1-6]) id="[^"]*"/) { "\($0.output.1)" }
          .replacing(/<span class="hl-[a-z]*">|<\/span>/, with: "")
        #expect((bare == (unsafe ? example.unsafe : example.safe)) != differs.contains(example.number), "example \(example.number): \(example.markdown)")
      }
    }
  }

  /// Whatever the text around, writing results and cleaning leads back to it.
  @Test func spliceLawsHoldInEveryExample() {
    let fence = "```perf\nid: a\n```\n"
    for example in examples {
      let texts = [
        example.markdown + "\n" + fence, fence + example.markdown,
        example.markdown + "\n{{ a.p99 }} x\n\n" + fence + "{{ a.p99 }}\n" + example.markdown,
      ]
      for text in texts {
        let source = SourceText(path: "", text: text)
        #expect(source.applying([]).bytes == source.bytes)
        let document = Document(parsing: source)
        let base = document.cleaned()
        let regions = document.perfFences.map { RegionText(id: "a", inputs: "0123456789", markdown: "| a |\n| - |\n| 1 |", after: $0.range) }
        let once = source.applying(document.replacing(regions, values: ["a.p99": "21 ms"], overwrite: false).edits)
        let second = Document(parsing: once)
        #expect(second.cleaned().bytes == base.bytes, "example \(example.number): \(text)")
        let fences = second.perfFences.map { RegionText(id: "a", inputs: "0123456789", markdown: "| a |\n| - |\n| 1 |", after: $0.range) }
        #expect(second.replacing(fences, values: ["a.p99": "21 ms"], overwrite: false).edits.isEmpty, "example \(example.number): \(text)")
      }
    }
  }
}

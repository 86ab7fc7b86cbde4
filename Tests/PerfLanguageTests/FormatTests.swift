import DocumentModel
import ExperimentModel
import Foundation
import Testing
import TextModel

@testable import PerfLanguage

@Suite struct FormatTests {
  private static func formatted(_ source: SourceText) -> SourceText { source.applying(formattingEdits(Document(parsing: source))) }

  @Test("what a layout keeps and what it changes")
  func example() {
    let messy = """
      # Prose   stays,  with its blanks.  

      ```perf

      kind : load
      id:   base


      # over the next key
      uses: shop   # behind a value
      set:   { product-cache.capacity:0 , "primary.off" :  true }
      stages:
      -   {target: 40rps,duration: 1s}
      -  target: 120rps
         duration: 6s   
      scenario:
          -   get:   "/product/{id}"
              headers:
                    A:  'b  c'
              # a comment in the list
              key: products
      why: >
            folded   text
              and more
      title: a plain text
        over two lines

      ```

      ```swift
      let a  =  1
      ```
      """
    let wanted = """
      # Prose   stays,  with its blanks.  

      ```perf
      kind: load
      id: base

      # over the next key
      uses: shop   # behind a value
      set: {product-cache.capacity:0, "primary.off": true}
      stages:
        - {target: 40rps, duration: 1s}
        - target: 120rps
          duration: 6s
      scenario:
        - get: "/product/{id}"
          headers:
            A: 'b  c'
          # a comment in the list
          key: products
      why: >
            folded   text
              and more
      title: a plain text
        over two lines
      ```

      ```swift
      let a  =  1
      ```
      """
    // `capacity:0` is one word to YAML, not a key and its value: it is not for a layout to say what was meant.
    let once = Self.formatted(SourceText(path: "a.md", text: messy))
    #expect(String(decoding: once.bytes, as: UTF8.self) == wanted)
    #expect(Self.formatted(once).bytes == once.bytes)
  }

  @Test("a block that is not YAML, and a scalar that says its own indent, stay as they are")
  func untouched() {
    for body in ["kind:  load\n  id: a", "a:\t1", "- a", "a: |2\n    two  \nb:\n    c: 1", ""] {
      let source = SourceText(path: "a.md", text: "```perf\n\(body)\n```\n")
      let after = Self.formatted(source)
      if body.contains("|2") { #expect(String(decoding: after.bytes, as: UTF8.self).contains("a: |2\n    two  \nb:\n    c: 1")) } else { #expect(after.bytes == source.bytes, "\(body)") }
    }
  }

  private static var notebooks: [URL] {
    let folder = Golden.repository.appendingPathComponent("Notebooks")
    let all = [folder, folder.appendingPathComponent("internals")].flatMap { (try? FileManager.default.contentsOfDirectory(at: $0, includingPropertiesForKeys: nil)) ?? [] }
    let golden = Golden.cases("Succeed").map { Golden.root.appendingPathComponent("Succeed/\($0)/input.md") }
    return (all.filter { $0.pathExtension == "md" } + golden).sorted { $0.path < $1.path }
  }

  /// Twice as deep, with blanks behind marks and at line ends, and with doubled empty lines; but for blocks with text of several lines.
  private static func disturbed(_ text: String, _ seed: Int) -> String {
    var out: [String] = []
    var block: [String]?
    for line in text.components(separatedBy: "\n") {
      if let lines = block, line == "```" {
        let isPlain = !lines.contains { $0.hasSuffix("|") || $0.hasSuffix(">") || $0.hasSuffix(">-") || $0.hasSuffix("|-") }
        out += isPlain ? lines.enumerated().map { disturbedLine($1, $0 + seed) } : lines
        out.append(line)
        block = nil
      } else if block != nil {
        block?.append(line)
      } else {
        out.append(line)
        if line == "```perf" { block = [] }
      }
    }
    return (out + (block ?? [])).joined(separator: "\n")
  }

  private static func disturbedLine(_ line: String, _ number: Int) -> String {
    let indent = line.prefix { $0 == " " }
    var body = String(line.dropFirst(indent.count))
    if body.hasPrefix("- ") { body = "-   " + body.dropFirst(2) }
    if number % 3 == 0, let colon = body.firstIndex(of: ":"), body[..<colon].allSatisfy({ $0.isLetter || $0 == "_" }), body.index(after: colon) < body.endIndex {
      body = body[...colon] + "  " + body[body.index(after: colon)...]
    }
    if number % 4 == 0 { body += "   " }
    if number % 5 == 0 { body += "\n\n" }
    return indent + indent + body
  }

  @Test("over all notebooks: what was disturbed is laid out, asks the same questions, and a second time changes nothing", arguments: notebooks)
  func property(_ url: URL) throws {
    let text = try String(contentsOf: url, encoding: .utf8)
    let context = PlanContext(facts: Golden.context.facts, data: { name in try? String(contentsOf: Golden.repository.appendingPathComponent("Notebooks/\(name)"), encoding: .utf8) })
    func inputs(_ source: SourceText) -> [String] { plan(source, context).planned.plan.cells.map { "\($0.id) \($0.inputs)" } }
    let original = SourceText(path: "a.md", text: text)
    #expect(Self.formatted(original).bytes == original.bytes, "it is laid out as it is in the repository")
    for seed in 0..<3 {
      let messy = SourceText(path: "a.md", text: Self.disturbed(text, seed))
      let once = Self.formatted(messy)
      #expect(inputs(once) == inputs(original))
      #expect(Self.formatted(once).bytes == once.bytes)
      let cleaned = Document(parsing: messy).cleaned()
      #expect(Self.formatted(cleaned).bytes == Document(parsing: once).cleaned().bytes, "clean and layout do not mind each other")
    }
  }

  @Test("line ends and a BOM stay")
  func lineEnds() {
    let text = "\u{FEFF}```perf\r\nkind:   load\r\nid: a   \r\n\r\n\r\nset:\r\n    a: 1\r\n```\r\n"
    #expect(String(decoding: Self.formatted(SourceText(path: "a.md", text: text)).bytes, as: UTF8.self) == "\u{FEFF}```perf\r\nkind: load\r\nid: a\r\n\r\nset:\r\n  a: 1\r\n```\r\n")
  }
}

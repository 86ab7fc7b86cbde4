import Testing
import TextModel

@testable import StrictYAML

/// Parses a whole text; the ids of its diagnostics in order.
private func parse(_ text: String, limits: YAMLLimits = YAMLLimits()) -> (node: YAMLNode?, ids: [String], all: [Diagnostic]) {
  var diagnostics = Diagnostics()
  let node = YAMLNode(parsing: SourceText(path: "x.yml", text: text), limits: limits, diagnostics: &diagnostics)
  return (node, diagnostics.all.map(\.id.rawValue), diagnostics.all)
}

@Suite struct StrictYAMLTests {
  @Test("mappings keep their order; scalars keep their text and style")
  func nodes() throws {
    let root = try #require(parse("rate: 40rps\nname: 'off'\nlist: [1, \"2\", {a: b}]\n").node)
    #expect(root.entries?.map(\.key) == ["rate", "name", "list"])
    #expect(root["rate"]?.scalar == YAMLScalar("40rps", .plain))
    #expect(root["name"]?.scalar == YAMLScalar("off", .quoted))
    #expect(root["list"]?.items?[2]["a"]?.text == "b")
    #expect(try #require(parse("a:\nb: ~\n").node)["a"]?.isNull == true)
  }

  @Test("places are bytes of the notebook, also behind characters of several bytes and stripped indentation")
  func places() throws {
    let text = "Größe ```\n  tïtle: „é“ end\n  rate: 40rps\n"
    let source = SourceText(path: "x.md", text: text)
    let lines = [2, 3].map { line -> SourceRange in
      let content = source.contentRange(ofLine: line)
      return SourceRange(content.lower + 2, content.upper)
    }
    var diagnostics = Diagnostics()
    let root = try #require(YAMLNode(lines: lines, in: source, at: lines[0], diagnostics: &diagnostics))
    #expect(source.text(root.entries![0].keyRange) == "tïtle")
    #expect(source.text(root.entries![0].value.range) == "„é“ end")
    #expect(source.text(root["rate"]!.range) == "40rps")
    #expect(source.position(at: root["rate"]!.range.lower) == SourcePosition(line: 3, column: 9))
  }

  @Test("a collection ends with its last part")
  func collectionEnds() throws {
    let text = "a:\n  b: 1\n  c: 2\n\n\nd: [1,\n 2]\n"
    let root = try #require(parse(text).node)
    let source = SourceText(path: "x", text: text)
    #expect(source.text(root["a"]!.range) == "b: 1\n  c: 2")
    #expect(source.text(root["d"]!.range) == "[1,\n 2]")
  }

  @Test(
    "what is refused",
    arguments: [
      ("a: 1\na: 2", "duplicate-key"), ("a:\n\tb: 1", "tab"), ("a: &x 1", "anchor-or-alias"), ("a: *x", "anchor-or-alias"),
      ("a: !int 1", "tag"), ("a: 1\n---\nb: 2", "second-document"), ("a: yes", "yaml-boolean"), ("a: Off", "yaml-boolean"),
      ("on: 1", "yaml-boolean"), ("a: [1", "yaml-syntax"), ("a: b: c", "yaml-syntax"), ("? [a]\n: b", "yaml-syntax"),
      ("", "empty-block"), ("# only a remark", "empty-block"), ("a: \u{7}", "yaml-syntax"), ("\u{FFFE}", "yaml-syntax"),
      (String(repeating: "[", count: 17) + String(repeating: "]", count: 17), "too-deep"),
    ])
  func refused(_ text: String, _ id: String) {
    #expect(parse(text).ids == [id])
  }

  @Test("quoted booleans, `true` and `y` are texts like others", arguments: ["a: 'off'", "a: \"yes\"", "a: true", "y: [p50]"])
  func allowed(_ text: String) {
    #expect(parse(text).ids.isEmpty)
  }

  @Test("errors that leave the rest readable are reported together")
  func together() {
    let result = parse("a: yes\na: 1\nb: &x 2\nc: !t 3\n")
    #expect(result.ids == ["yaml-boolean", "duplicate-key", "anchor-or-alias", "tag"])
    #expect(result.node?.entries?.map(\.key) == ["a", "b", "c"])
  }

  @Test("limits of size and depth")
  func limits() {
    #expect(parse("a: " + String(repeating: "x", count: 64 << 10)).ids == ["too-large"])
    #expect(parse("a: [[1]]", limits: YAMLLimits(bytes: 100, depth: 2)).ids == ["too-deep"])
    #expect(parse(String(repeating: "[", count: 16) + String(repeating: "]", count: 16)).ids.isEmpty)
  }

  @Test("bytes that are not UTF-8 are an error with a place")
  func notUTF8() {
    var diagnostics = Diagnostics()
    let source = SourceText(path: "x", bytes: Array("a: 1\nb: ".utf8) + [0xFF])
    #expect(YAMLNode(parsing: source, diagnostics: &diagnostics) == nil)
    #expect(diagnostics.all.map(\.range) == [SourceRange(5, 9)])
  }

  @Test("any bytes end in a node or a diagnostic whose place lies in the text")
  func mutations() {
    let seed = Array("kind: load\nid: base\nset: {a.b: 0}\nlist:\n  - {get: \"/x/{id}\", key: items}\n  - 'p(95)<80ms'\n# é\n".utf8)
    let marks = Array("\t{}[]:-#&*!|>'\"%\n\r ".utf8)
    var state: UInt64 = 11
    func random(_ n: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % n
    }
    for _ in 0..<4_000 {
      var bytes = seed
      for _ in 0...random(4) {
        let at = random(bytes.count)
        switch random(3) {
        case 0: bytes[at] = UInt8(random(256))
        case 1: bytes.remove(at: at)
        default: bytes.insert(marks[random(marks.count)], at: at)
        }
      }
      let source = SourceText(path: "x", bytes: bytes)
      var diagnostics = Diagnostics()
      let node = YAMLNode(parsing: source, diagnostics: &diagnostics)
      #expect(node != nil || diagnostics.hasErrors)
      for diagnostic in diagnostics.all { #expect(diagnostic.range.map { $0.upper <= bytes.count } ?? false) }
    }
  }
}

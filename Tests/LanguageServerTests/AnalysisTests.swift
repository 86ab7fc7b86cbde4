import DocumentModel
import Foundation
import PerfLanguage
import Statistics
import StrictYAML
import Testing
import TextModel

@testable import LanguageServer

private let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

private func lesson(_ name: String) throws -> SourceText {
  SourceText(path: name, bytes: [UInt8](try Data(contentsOf: root.appendingPathComponent("Notebooks/\(name)"))))
}

@Suite struct AnalysisTests {
  @Test("what was read before gives the findings of a reading from scratch, through random edits", arguments: 0..<8)
  func incremental(_ seed: Int) throws {
    var random = SeededRandom(seed: UInt64(seed) + 40)
    var source = try lesson(["day01.md", "day05.md", "day08.md", "day03.md"][seed % 4])
    let readings = BlockReadings()
    let context = PlanContext(data: { name in try? String(contentsOf: root.appendingPathComponent("Notebooks/\(name)"), encoding: .utf8) })
    for _ in 0..<25 {
      let at = Int.random(in: 0...source.bytes.count, using: &random)
      let count = Int.random(in: 0...[0, 1, 1, 3, 40][Int.random(in: 0..<5, using: &random)], using: &random)
      let text = ["", "x", "\n", "  ", "```perf\n", "```\n", "id: base\n", "é", "\r\n", ": ", "- {a: 1}\n"].randomElement(using: &random) ?? ""
      source = source.applying([Edit(SourceRange(at, min(at + count, source.bytes.count)), text)])
      let kept = NotebookAnalysis(Document(parsing: source), context, yaml: readings)
      var scratch = Diagnostics()
      _ = Planner(context).plan(Document(parsing: source), diagnostics: &scratch)
      #expect(kept.findings == scratch.ordered)
      let fresh = NotebookAnalysis(Document(parsing: source), context)
      #expect(kept.blocks.map(\.node) == fresh.blocks.map(\.node))
    }
  }

  @Test("of whole YAML the cursor's place is what the reader says", arguments: ["day01.md", "day03.md", "day05.md", "day08.md", "day09.md", "day10.md"])
  func places(_ name: String) throws {
    let source = try lesson(name)
    let analysis = NotebookAnalysis(Document(parsing: source), PlanContext())
    var count = 0
    for block in analysis.blocks {
      guard let fence = analysis.document.perfFences.first(where: { $0.range == block.fence }) else { continue }
      visit(block.node, []) { entry, path in
        let place = CursorPlace(fence.lines, in: source, at: entry.keyRange.lower)
        #expect(place?.path.map(\.key) == path, "\(block.id) \(entry.key)")
        #expect(place?.key == nil || place?.listKey != nil)
        if entry.value.scalar != nil, !entry.value.range.isEmpty {
          let value = CursorPlace(fence.lines, in: source, at: entry.value.range.lower)
          #expect(value?.key == entry.key && value?.path.map(\.key) == path, "\(block.id) \(entry.key)")
        }
        count += 1
      }
    }
    #expect(count > 50)
  }

  private func visit(_ node: YAMLNode, _ path: [String], _ body: (YAMLEntry, [String]) -> Void) {
    switch node.content {
    case .mapping(let entries):
      for entry in entries {
        body(entry, path)
        visit(entry.value, path + [entry.key], body)
      }
    case .sequence(let items): for item in items { visit(item, path + ["-"], body) }
    case .scalar: break
    }
  }

  @Test("every key of the lessons is one that completion would offer at its place", arguments: ["day01.md", "day03.md", "day05.md", "day08.md", "day10.md"])
  func offered(_ name: String) throws {
    let source = try lesson(name)
    let analysis = NotebookAnalysis(Document(parsing: source), PlanContext())
    // What the author names: routes, datasets, roles, tags, headers.
    var missing: Set<String> = []
    for block in analysis.blocks {
      guard let fence = analysis.document.perfFences.first(where: { $0.range == block.fence }) else { continue }
      visit(block.node, []) { entry, path in
        guard let place = CursorPlace(fence.lines, in: source, at: entry.keyRange.lower) else { return }
        let notes = keyNotes(at: place.path, here: place.here, settings: analysis.settings)
        // A parameter of a model may be a part of a mapping: `scan: {every: …}` is `scan.every`.
        guard !notes.isEmpty, !notes.contains(where: { $0.name == entry.key || $0.name.hasPrefix(entry.key + ".") }) else { return }
        missing.insert("\(block.kind) \(path.joined(separator: ".")) \(entry.key)")
      }
    }
    // Roles of a system have names of their own, and an address may have arms before its metric.
    let unknown = missing.filter { text in
      !text.hasPrefix("system  ") && !text.contains(" expect ") && !text.contains(" thresholds ") && !text.contains("set ")
    }
    #expect(unknown == [])
  }

  @Test("applying a remedy takes its finding away", arguments: ["unknown-key", "unknown-value", "unknown-metric", "unknown-block", "unknown-system", "unknown-stage", "unknown-path", "unknown-arm", "wrong-unit", "unknown-fence", "unknown-claim"])
  func remedies(_ name: String) throws {
    let url = root.appendingPathComponent("Tests/Golden/Fail/\(name)/input.md")
    let source = SourceText(path: "input.md", bytes: [UInt8](try Data(contentsOf: url)))
    let findings = NotebookAnalysis(Document(parsing: source), PlanContext()).findings
    for finding in findings where finding.remedy?.hasPrefix("did you mean") == true {
      guard let (place, word) = correction(finding, in: source) else { continue }
      let fixed = source.applying([Edit(place, word)])
      let after = NotebookAnalysis(Document(parsing: fixed), PlanContext()).findings
      #expect(!after.contains { $0.id == finding.id && $0.cause == finding.cause && $0.range?.lower == finding.range?.lower })
    }
  }

  @Test("of a misspelt address only the wrong word is replaced")
  func parts() throws {
    let text = "```perf\nkind: sim\nid: line\nmodel: mm1\nparams: {rho: 0.5}\ngate: ['line.mean<=1s']\n```\n\n{{ lien.mean }} and {{ line.maen }}\n"
    let source = SourceText(path: "x.md", text: text)
    let fixes = NotebookAnalysis(Document(parsing: source), PlanContext()).findings.compactMap { correction($0, in: source) }
    #expect(fixes.map { source.text($0.place) } == ["lien", "maen"])
    #expect(fixes.map(\.word) == ["line", "mean"])
  }
}

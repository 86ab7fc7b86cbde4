import DocumentModel
import ExperimentModel
import ExperimentRunner
import Foundation
import Market
import PerfLanguage
import Reporting
import Testing
import TextModel

@testable import CourseRules

/// A folder of Tests/Golden/Fail as the rules see it: `input.md` is the notebook; `results.json`, `facts.yml` and other
/// notebooks are beside it where a rule asks them. A result whose inputs read `current` answers what the notebook asks now.
struct RuleCase {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Golden/Fail")
  let folder: URL
  let notebook: CheckedNotebook
  let planning: [Diagnostic]

  init(_ name: String) throws {
    let folder = Self.root.appendingPathComponent(name)
    let source = SourceText(path: "input.md", bytes: [UInt8](try Data(contentsOf: folder.appendingPathComponent("input.md"))))
    var ignored = Diagnostics()
    let facts = (try? Data(contentsOf: folder.appendingPathComponent("facts.yml"))).map {
      loadFacts(SourceText(path: "facts.yml", bytes: [UInt8]($0)), today: "2026-11-23", diagnostics: &ignored)
    }
    self.init(folder, source, facts ?? [])
  }

  init(_ folder: URL, _ source: SourceText, _ facts: [MarketFact]) {
    self.folder = folder
    var diagnostics = Diagnostics()
    let document = Document(parsing: source)
    let context = PlanContext(facts: Dictionary(facts.map { ($0.id, $0) }, uniquingKeysWith: { a, _ in a }))
    let planned = Planner(context).plan(document, diagnostics: &diagnostics)
    planning = diagnostics.all.filter { $0.severity == .error }
    var results: [String: CellResult] = [:]
    if let data = try? Data(contentsOf: folder.appendingPathComponent("results.json")), let saved = try? parseResultsJSON([UInt8](data)) {
      for var one in saved {
        if one.inputs == "current" { one.inputs = planned.plan.cells.first { $0.id == one.id }?.inputs ?? "" }
        results[one.id] = one
      }
    }
    notebook = CheckedNotebook(document: document, planned: planned, stem: "day03", facts: facts, results: results)
  }

  var found: [Diagnostic] {
    let links = LinkFolder(
      exists: { FileManager.default.fileExists(atPath: folder.appendingPathComponent($0).path) },
      places: { name in
        (try? Data(contentsOf: folder.appendingPathComponent(name))).map { LinkPlaces(Document(parsing: SourceText(path: name, bytes: [UInt8]($0)))) }
      })
    return strictFindings(of: notebook, status: { claimStatus($0, in: $1) }).all
      + lessonFindings(of: notebook, around: CourseAround(hasLaterLesson: true)).all + linkFindings(of: notebook, in: links).all
  }
}

@Suite struct RuleGoldenTests {
  @Test("what a reader sees of each rule", arguments: RuleID.all.map(\.rawValue))
  func failing(_ name: String) throws {
    let one = try RuleCase(name)
    #expect(one.planning == [])
    let found = one.found.filter { $0.id.rawValue == name }
    #expect(!found.isEmpty)
    let text = found.map { $0.rendered(in: one.notebook.source) }.joined(separator: "\n")
    let url = one.folder.appendingPathComponent("expected.txt")
    if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] == "1" { try Data(text.utf8).write(to: url) }
    #expect(try String(contentsOf: url, encoding: .utf8) == text, "run with UPDATE_GOLDEN=1 and review the difference")
  }

  @Test("an id is listed once, strict findings are errors, the others warnings")
  func severities() throws {
    #expect(Set(RuleID.all).count == RuleID.all.count)
    for id in RuleID.all {
      for one in try RuleCase(id.rawValue).found where one.id == id {
        #expect(one.severity == (RuleID.strict.contains(id) ? .error : .warning))
      }
    }
  }

  @Test("a notebook without a lesson block has no form to keep")
  func plainNotebook() {
    let source = SourceText(path: "input.md", text: "# Notes\n\nTODO: think.\n\n```perf\nkind: bench\nid: a\nsubjects: [{builtin: spin}]\n```\n")
    let one = RuleCase(RuleCase.root.appendingPathComponent("none"), source, [])
    #expect(lessonFindings(of: one.notebook, around: CourseAround(hasLaterLesson: true)).all == [])
  }
}

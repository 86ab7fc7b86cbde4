import DocumentModel
import ExperimentModel
import Foundation
import PerfLanguage
import Testing
import TextModel

@testable import ExperimentRunner

/// One row of Tests/Golden/Money/cases.md.
struct CostCase: Sendable, CustomTestStringConvertible {
  var what: String
  var formula: String
  var inputs: String
  var roi: String
  /// `base = 587.52 USD/d`, taken apart.
  var results: [(metric: String, text: String)]
  var testDescription: String { "\(formula): \(what)" }

  static let all: [CostCase] = {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let text = (try? String(contentsOf: root.appendingPathComponent("Golden/Money/cases.md"), encoding: .utf8)) ?? ""
    return text.split(separator: "\n").filter { $0.hasPrefix("| ") }.dropFirst(2).map { line in
      let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: CharacterSet(charactersIn: " `")) }
      let results = cells[5].components(separatedBy: "; ").map { $0.components(separatedBy: " = ") }
      return CostCase(what: cells[0], formula: cells[1], inputs: cells[2], roi: cells[3], results: results.map { ($0[0], $0[1]) })
    }
  }()
}

@Suite struct CostCaseTests {
  @Test("every formula has two cases or more, and the whole is at least twenty")
  func complete() {
    #expect(CostCase.all.count >= 20)
    for formula in CostFormula.all { #expect(CostCase.all.count { $0.formula == formula.name } >= 2, "\(formula.name)") }
  }

  @Test("block → plan → figures, to the last digit that the table writes", arguments: CostCase.all)
  func comesTo(_ one: CostCase) throws {
    let roi = one.roi.isEmpty ? "" : "roi: {\(one.roi)}\n"
    let text = "```perf\nkind: cost\nid: money\nformula: \(one.formula)\ninputs: {\(one.inputs)}\n\(roi)```\n"
    var found = Diagnostics()
    let planned = Planner().plan(Document(parsing: SourceText(path: "case.md", text: text)), diagnostics: &found)
    #expect(found.all.map(\.cause) == [])
    let options = RunOptions(quick: false, launcher: LabLauncher(executable: "none", serveArguments: []), subjectArguments: [], fenceCache: "/tmp")
    let runner = Runner(options, cancelled: { false }, report: { _ in })
    let result = try #require(try runner.run(planned.plan.cells, known: [:]) { $0 }.first)
    #expect(result.failure == nil)
    for (metric, written) in one.results {
      let words = written.split(separator: " ")
      let number = try #require(Double(words[0]))
      let factor = words.count > 1 ? try #require(UnitSpelling.all.first { $0.name == words[1] }).factor : 1
      let digits = words[0].split(separator: ".").dropFirst().first?.count ?? 0
      let value = try #require(result.value(at: Address(block: nil, arm: [], metric: metric)), "\(metric)").estimate
      #expect(abs(value.value / factor - number) <= 0.5 * pow(10, -Double(digits)) + 1e-9 * abs(number), "\(metric): \(value.value / factor), not \(written)")
      #expect(value.low == nil && value.high == nil)
    }
  }
}

// `budgets.yml` of a course against its saved results: what `nb run` and `nb check` print, and what the site shows. A value
// that answers an older question is left out, so that a budget on it reads as unmeasured and never as kept.

import ExperimentModel
import Foundation
import PerfLanguage
import Reporting
import TextModel

struct Budgets {
  /// In the file's order.
  let judged: [JudgedBudget]
  let diagnostics: Diagnostics
  /// nil: the course has no budget file.
  let source: SourceText?

  /// - Parameters:
  ///   - fresh: results of this run by lesson, which count instead of the saved ones.
  ///   - lessons: only budgets of these; nil: all.
  ///   - learnerSeed: what the notebooks are planned with instead of what `nb init` wrote.
  ///   - reads: is told what the judgements depend on.
  init(
    _ workspace: Workspace, lessons: Set<String>? = nil, fresh: [String: [String: CellResult]] = [:], learnerSeed: UInt64? = nil, reads: ReadLog? = nil
  ) {
    reads?.add(CheckInputs.file(workspace.budgets))
    guard access(workspace.budgets, F_OK) == 0 else {
      judged = []
      diagnostics = Diagnostics()
      source = nil
      return
    }
    var findings = Diagnostics()
    do throws(FileError) {
      let text = try SourceText(contentsOf: workspace.budgets, limit: 1 << 20)
      let budgets = readBudgets(text, diagnostics: &findings).filter { lessons?.contains($0.lesson) ?? true }
      source = text
      var results: [String: [String: CellResult]] = [:]
      for lesson in Set(budgets.map(\.lesson)) {
        guard let saved = Self.current(lesson, workspace, learnerSeed, reads) else { continue }
        results[lesson] = saved.merging(fresh[lesson] ?? [:]) { $1 }
      }
      judged = judgeBudgets(budgets, results: results)
    } catch {
      findings.add(error.diagnostic)
      judged = []
      source = nil
    }
    diagnostics = findings
  }

  /// As they were judged before.
  init(judged: [JudgedBudget], diagnostics: Diagnostics, source: SourceText?) {
    self.judged = judged
    self.diagnostics = diagnostics
    self.source = source
  }

  var isBroken: Bool { judged.contains { $0.outcome == .fail } }

  /// Prints what is left of each.
  ///
  /// - Returns: false after an error in the file.
  func show() -> Bool {
    Output.diagnostics(diagnostics, in: source)
    if !judged.isEmpty {
      Output.error("budgets:\n" + budgetText(judged, style: TerminalStyle(color: Output.errorIsTerminal && getenv("NO_COLOR") == nil)))
    }
    return !diagnostics.hasErrors
  }

  /// Saved results of a lesson that answer what its notebook asks today; nil when there is no such notebook.
  private static func current(_ lesson: String, _ workspace: Workspace, _ learnerSeed: UInt64?, _ reads: ReadLog?) -> [String: CellResult]? {
    let path = workspace.course + "/\(lesson).md"
    for name in [CheckInputs.file(path), CheckInputs.file(workspace.results(lesson))] + workspace.storeStatus { reads?.add(name) }
    guard let notebook = try? Notebook(path, learnerSeed: learnerSeed) else { return nil }
    for name in notebook.dataFiles { reads?.add(CheckInputs.file(workspace.course + "/" + name)) }
    let known = notebook.knownResults()
    let inputs = Dictionary(notebook.plan.cells.map { ($0.id, $0.inputs) }, uniquingKeysWith: { a, _ in a })
    return known.filter { inputs[$0.key] == $0.value.inputs }
  }
}

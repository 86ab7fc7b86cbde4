// One notebook read and planned: bytes → SourceText → Document → Plan. All diagnostics at once.

import DocumentModel
import ExperimentModel
import Foundation
import Market
import PerfLanguage
import Reporting
import ResultStore
import TextModel

struct Notebook {
  let path: String
  let workspace: Workspace
  let stem: String
  let document: Document
  let planned: PlannedNotebook
  let facts: [MarketFact]
  let context: PlanContext
  let diagnostics: Diagnostics

  var source: SourceText { document.source }
  var plan: Plan { planned.plan }
  /// What results are stored under.
  var lesson: String { stem }

  /// Reads and plans; findings about the notebook are in `diagnostics`, only an unreadable file throws.
  ///
  /// - Parameter learnerSeed: instead of what `nb init` wrote.
  init(_ given: String, learnerSeed: UInt64? = nil, limit: Int = 8 << 20) throws(FileError) {
    path = Workspace.find(given)
    let source = try SourceText(contentsOf: path, limit: limit)
    workspace = Workspace(for: path)
    stem = Workspace.stem(path)
    document = Document(parsing: source)
    var findings = Diagnostics()
    facts = Self.readFacts(workspace)
    let seed: UInt64? = if let learnerSeed { learnerSeed } else { try workspace.readLearnerSeed() }
    context = Self.context(workspace, facts: facts, learnerSeed: seed)
    planned = Planner(context).plan(document, diagnostics: &findings)
    diagnostics = findings
  }

  /// What notebooks of a course are planned with.
  static func context(_ workspace: Workspace, facts: [MarketFact], learnerSeed: UInt64?) -> PlanContext {
    let folder = workspace.course
    return PlanContext(
      facts: Dictionary(facts.map { ($0.id, $0) }, uniquingKeysWith: { a, _ in a }),
      courseMoney: workspace.isCourse ? (try? SourceText(contentsOf: workspace.courseFile)).map(PerfLanguage.courseMoney) ?? [:] : [:],
      learnerSeed: learnerSeed,
      data: { name in (try? readFile(folder + "/" + name, limit: 4 << 20)).map { String(decoding: $0, as: UTF8.self) } })
  }

  /// The course's dated facts; a mistake in the file is reported by `nb check`, not here.
  static func readFacts(_ workspace: Workspace) -> [MarketFact] {
    guard let source = try? SourceText(contentsOf: workspace.facts) else { return [] }
    var findings = Diagnostics()
    return loadFacts(source, today: today(), diagnostics: &findings)
  }

  /// What is saved beside the notebook: the values behind what is written in it.
  func savedResults() -> [String: CellResult] { Self.savedResults(workspace, stem) }

  private static func savedResults(_ workspace: Workspace, _ stem: String) -> [String: CellResult] {
    guard let bytes = try? readFile(workspace.results(stem), limit: 4 << 20),
      let results = try? parseResultsJSON(bytes)
    else { return [:] }
    return Dictionary(results.map { ($0.id, $0) }, uniquingKeysWith: { a, _ in a })
  }

  /// Saved results, and where they have nothing what the store has.
  func knownResults() -> [String: CellResult] { Self.knownResults(workspace, stem) }

  /// The same of a notebook that need not be read.
  static func knownResults(_ workspace: Workspace, _ stem: String) -> [String: CellResult] {
    var known = savedResults(workspace, stem)
    if access(workspace.store, F_OK) == 0, let store = try? ResultStore(path: workspace.store),
      let stored = try? store.latest(lesson: stem)
    {
      known.merge(stored.filter { $0.value.hasNumbers || $0.value.unmet != nil }) { saved, _ in saved }
    }
    return known
  }

  /// What a run would execute besides the lab: code fences by id, and the command lines of bench blocks.
  var executables: [String] {
    let fences = document.codeFences.filter { $0.id != nil && ($0.language == "sql" || FenceLanguage(info: $0.language) != nil) }
    var commands: [String] = []
    for case .bench(let bench) in plan.cells.map(\.work) {
      for case .command(let command) in bench.subjects.map(\.work) { commands.append(command.text) }
      commands += [bench.setup, bench.prepare].compactMap { $0 }
    }
    return fences.compactMap(\.id) + commands
  }
}

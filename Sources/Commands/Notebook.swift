// One notebook read and planned: bytes → SourceText → Document → Plan. All diagnostics at once.

import DocumentModel
import ExperimentModel
import Foundation
import Market
import PerfLanguage
import Reporting
import ResultStore
import Synchronization
import TextModel

/// What every notebook of a course is planned with; read once for all of them.
struct CourseContext: Sendable {
  /// nil: the course has none.
  let factsFile: FactsFile?
  let plan: PlanContext
  var facts: [MarketFact] { factsFile?.facts ?? [] }

  /// - Parameter learnerSeed: instead of what `nb init` wrote.
  init(_ workspace: Workspace, learnerSeed: UInt64? = nil) throws(FileError) {
    factsFile = FactsFile(workspace)
    let facts = factsFile?.facts ?? []
    let folder = workspace.course
    let seed: UInt64? = if let learnerSeed { learnerSeed } else { try workspace.readLearnerSeed() }
    plan = PlanContext(
      facts: Dictionary(facts.map { ($0.id, $0) }, uniquingKeysWith: { a, _ in a }),
      courseMoney: workspace.isCourse ? (try? SourceText(contentsOf: workspace.courseFile)).map(PerfLanguage.courseMoney) ?? [:] : [:],
      learnerSeed: seed,
      data: { name in (try? readFile(name, within: folder, limit: 4 << 20)).map { String(decoding: $0, as: UTF8.self) } })
  }
}

struct Notebook {
  let path: String
  let workspace: Workspace
  let stem: String
  let document: Document
  let planned: PlannedNotebook
  let facts: [MarketFact]
  let context: PlanContext
  let diagnostics: Diagnostics
  /// Files of the course that its blocks name, relative to the course's folder, whether they are there or not.
  let dataFiles: [String]

  var source: SourceText { document.source }
  var plan: Plan { planned.plan }
  /// What results are stored under.
  var lesson: String { stem }

  /// Reads and plans; findings about the notebook are in `diagnostics`, only an unreadable file throws.
  ///
  /// - Parameter learnerSeed: instead of what `nb init` wrote.
  init(_ given: String, learnerSeed: UInt64? = nil, limit: Int = 8 << 20) throws(FileError) {
    let path = Workspace.find(given)
    let source = try SourceText(contentsOf: path, limit: limit)
    let workspace = Workspace(for: path)
    self.init(source, in: workspace, try CourseContext(workspace, learnerSeed: learnerSeed))
  }

  /// A notebook of a course whose context is known.
  init(_ source: SourceText, in workspace: Workspace, _ course: CourseContext) {
    path = source.path
    self.workspace = workspace
    stem = Workspace.stem(path)
    document = Document(parsing: source)
    facts = course.facts
    let asked = AskedNames()
    var context = course.plan
    context.data = { name in
      asked.add(name)
      return course.plan.data(name)
    }
    self.context = context
    var findings = Diagnostics()
    planned = Planner(context).plan(document, diagnostics: &findings)
    diagnostics = findings
    dataFiles = asked.sorted
  }

  /// The course's dated facts; a mistake in the file is reported by `nb check`, not here.
  static func readFacts(_ workspace: Workspace) -> [MarketFact] { FactsFile(workspace)?.facts ?? [] }

  /// What is saved beside the notebook: the values behind what is written in it.
  ///
  /// - Parameter blocks: only of these, which is much faster; nil: of all.
  func savedResults(of blocks: Set<String>? = nil) -> [String: CellResult] { Self.savedResults(workspace, stem, of: blocks) }

  static func savedResults(_ workspace: Workspace, _ stem: String, of blocks: Set<String>? = nil) -> [String: CellResult] {
    guard let bytes = try? readFile(workspace.results(stem), limit: 4 << 20),
      let results = try? parseResultsJSON(bytes, of: blocks)
    else { return [:] }
    return Dictionary(results.map { ($0.id, $0) }, uniquingKeysWith: { a, _ in a })
  }

  /// Saved results, and where they have nothing what the store has.
  func knownResults() -> [String: CellResult] { Self.knownResults(workspace, stem) }

  /// The same of a notebook that need not be read.
  static func knownResults(_ workspace: Workspace, _ stem: String) -> [String: CellResult] {
    knownResults(savedResults(workspace, stem), of: stem, workspace.storeToRead())
  }

  /// The same; where nothing better answers today's question, also a run that was INVALID, so that it can be said to have been.
  func triedResults() -> [String: CellResult] {
    var known = knownResults()
    guard access(workspace.store, F_OK) == 0, let stored = try? ResultStore(path: workspace.store).latest(lesson: stem) else { return known }
    for cell in plan.cells {
      guard known[cell.id]?.inputs != cell.inputs, let latest = stored[cell.id], latest.inputs == cell.inputs, latest.validity == .invalid else { continue }
      known[cell.id] = latest
    }
    return known
  }

  /// - Parameter store: nil: none is there.
  static func knownResults(_ saved: [String: CellResult], of stem: String, _ store: ResultStore?) -> [String: CellResult] {
    var known = saved
    if let store, let stored = try? store.latest(lesson: stem) {
      known.merge(stored.filter { $0.value.hasNumbers || $0.value.unmet != nil }) { saved, _ in saved }
    }
    return known
  }
}

/// Names of data files that planning asked for.
private final class AskedNames: Sendable {
  private let names = Mutex<Set<String>>([])
  func add(_ name: String) { _ = names.withLock { $0.insert(name) } }
  var sorted: [String] { names.withLock { $0.sorted() } }
}

/// `market/facts.yml` as it was read.
struct FactsFile: Sendable {
  let source: SourceText
  let facts: [MarketFact]
  let diagnostics: Diagnostics

  /// nil: there is none.
  init?(_ workspace: Workspace) {
    guard let source = try? SourceText(contentsOf: workspace.facts) else { return nil }
    var findings = Diagnostics()
    facts = loadFacts(source, today: today(), diagnostics: &findings)
    diagnostics = findings
    self.source = source
  }
}

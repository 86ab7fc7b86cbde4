// `nb mv`: another name for a block, in its notebook, in what other notebooks say of it, in its saved results and its history.
// The optimization log is a journal: what was written under the old name stays, and a line says who it is now.

import ArgumentParser
import DocumentModel
import ExperimentModel
import Foundation
import PerfLanguage
import Reporting
import ResultStore
import TextModel

struct MoveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mv", abstract: "Rename a block everywhere.",
    discussion: """
      nb mv day08.md#onoff with-cache --dry-run
      nb mv day08.md#onoff with-cache

      Renamed are the block, what blocks, claims, gates and prose of the notebook say of it, its results and their markers, links \
      of other notebooks, budgets, and its history. Results stay current. A block's random numbers follow from its name: the \
      next run draws others.
      """)

  @Argument(help: "FILE#OLD, such as day08.md#onoff.") var block: String
  @Argument(help: "The new name.") var name: String
  @Flag(help: "Write nothing; what would change, as a diff on stdout.") var dryRun = false
  @OptionGroup var learner: LearnerOptions
  @OptionGroup var lock: LockOptions

  func run() throws {
    let (file, old) = try splitBlock(block)
    do throws(FileError) {
      let notebook = try Notebook(file, learnerSeed: learner.learnerSeed)
      let changes = try changes(notebook, old)
      if dryRun { return try write(changes, notebook, old) }
      // What is to change is known only after reading, and may have changed until it is held.
      try whileHeld(Set(changes.map(\.path)).filter { $0.hasSuffix(".md") && $0 != notebook.workspace.log }.union([notebook.path]), notebook.workspace) { () throws(FileError) in
        let now = try Notebook(file, learnerSeed: learner.learnerSeed)
        try write(try self.changes(now, old), now, old)
      }
    } catch {
      Output.failure(error.diagnostic)
      throw Exit.failed
    }
  }

  /// The notebooks first, then what all share.
  private func whileHeld(_ notebooks: Set<String>, _ workspace: Workspace, _ body: () throws(FileError) -> Void) throws(FileError) {
    let lock = try NotebookLock.take(notebooks.sorted(), patience: lock.wait, makesState: false)
    defer { lock.release() }
    guard access(workspace.state, F_OK) == 0 else { return try body() }
    let log = try NotebookLock.take(shared: workspace.log, in: workspace)
    defer { log.release() }
    try body()
  }

  /// The new bytes of every file that names the block, the notebook's own last: so that what was interrupted can be done again.
  private func changes(_ notebook: Notebook, _ old: String) throws(FileError) -> [(path: String, bytes: [UInt8])] {
    let path = notebook.path
    let ids = notebook.planned.blocks.map(\.id)
    let isName = name.first?.isLowercase == true && name.last != "-" && name.utf8.count <= 64
      && name.utf8.allSatisfy { $0 >= 0x61 && $0 <= 0x7A || $0 >= 0x30 && $0 <= 0x39 || $0 == 0x2D }
    guard isName else { throw FileError("bad-name", "`\(name)` is no block's name: small letters, digits and hyphens, a letter first", remedy: "such as hit-curve", path: path) }
    guard !ids.contains(name), !notebook.document.regions.contains(where: { $0.id == name }) else {
      throw FileError("duplicate-block", "there is a block `\(name)` in this notebook already", remedy: "choose another name", path: path)
    }
    guard !notebook.diagnostics.hasErrors else {
      throw FileError("has-mistakes", "a notebook with mistakes is not renamed in: what refers to what is not sure", remedy: "nb check \(path)", path: path)
    }
    guard let edits = Planner(notebook.context).renaming(old, to: name, in: notebook.document) else {
      let near = nearestName(to: old, among: ids).map { "did you mean `\($0)`?" }
      throw FileError("unknown-block", "there is no block `\(old)` in this notebook", remedy: near, path: path)
    }
    let links = [Renamed(old: "#result-\(old)", new: "#result-\(name)"), Renamed(old: "\(notebook.stem).md#\(old)", new: "\(notebook.stem).md#\(name)")]
    let edited = notebook.source.applying(edits)
    let text = renaming(links, in: edited, besides: Document(parsing: edited).regions.map(\.range))
    let after = Document(parsing: text)
    var findings = Diagnostics()
    let planned = Planner(notebook.context).plan(after, diagnostics: &findings)
    guard !findings.hasErrors, isSamePlan(notebook.plan, planned.plan, old) else {
      let cause = findings.all.first { $0.severity == .error }?.cause ?? "a block reads another one than before"
      throw FileError("ambiguous-address", "under the name `\(name)` the notebook would mean something else: \(cause)", remedy: "choose another name", path: path)
    }
    func inputs(_ plan: Plan) -> [String: String] { Dictionary(plan.cells.map { ($0.id, $0.inputs) }, uniquingKeysWith: { a, _ in a }) }
    let saved = (try? readFile(notebook.workspace.results(notebook.stem), limit: 4 << 20)).flatMap { try? parseResultsJSON($0) } ?? []
    let renamed = RenamedResults(saved, old, name, before: inputs(notebook.plan), after: inputs(planned.plan), in: after)
    var changes = try others(notebook, old)
    if !saved.isEmpty, let bytes = try? resultsJSON(renamed.results) { changes.append((notebook.workspace.results(notebook.stem), bytes)) }
    if let entry = logLine(notebook, old, renamed.results) { changes.append(entry) }
    changes.append((path, text.applying(renamed.edits).bytes))
    return changes
  }

  /// What other files say of it: links to its results, addresses of budgets, commands in code.
  private func others(_ notebook: Notebook, _ old: String) throws(FileError) -> [(path: String, bytes: [UInt8])] {
    let stem = notebook.stem
    let names = [
      Renamed(old: "\(stem).md#result-\(old)", new: "\(stem).md#result-\(name)"), Renamed(old: "\(stem).md#\(old)", new: "\(stem).md#\(name)"),
      Renamed(old: "\(stem)/\(old)", new: "\(stem)/\(name)"),
    ]
    let own = URL(fileURLWithPath: notebook.path).standardizedFileURL.path
    let workspace = notebook.workspace
    var files = lessonFiles(workspace) + lessonFiles(Workspace(folder: workspace.course + "/internals", of: workspace))
    if access(workspace.budgets, F_OK) == 0 { files.append(workspace.budgets) }
    var changes: [(String, [UInt8])] = []
    for file in files where URL(fileURLWithPath: file).standardizedFileURL.path != own {
      let source = try SourceText(contentsOf: file)
      let regions = file.hasSuffix(".md") ? Document(parsing: source).regions.map(\.range) : []
      let new = renaming(names, in: source, besides: regions)
      if new.bytes != source.bytes { changes.append((file, new.bytes)) }
    }
    return changes
  }

  /// A line of the log that goes on under the new name: without it the next run would take the block for a new one.
  private func logLine(_ notebook: Notebook, _ old: String, _ results: [CellResult]) -> (String, [UInt8])? {
    guard let lesson = notebook.plan.lesson, let result = results.first(where: { $0.id == name }),
      let log = try? readFile(notebook.workspace.log, limit: 64 << 20),
      let line = renamedLogEntry(String(decoding: log, as: UTF8.self), lesson: lesson.id, old: old, new: name, inputs: result.inputs, date: today())
    else { return nil }
    return (notebook.workspace.log, log + Array(line.utf8))
  }

  private func isSamePlan(_ before: Plan, _ after: Plan, _ old: String) -> Bool {
    func now(_ id: String) -> String { id == old ? name : id }
    func addresses(_ cell: Cell) -> [Address] { (cell.thresholds + cell.gates).map(\.address) + cell.expects.map(\.address) }
    guard before.cells.count == after.cells.count, before.lesson?.claims.count == after.lesson?.claims.count else { return false }
    return zip(before.cells, after.cells).allSatisfy { a, b in
      now(a.id) == b.id && Set(a.needs.map(now)) == Set(b.needs) && a.work.kind == b.work.kind
        && addresses(a).map { $0.block.map(now) } == addresses(b).map(\.block)
    }
  }

  private func write(_ changes: [(path: String, bytes: [UInt8])], _ notebook: Notebook, _ old: String) throws(FileError) {
    for (path, bytes) in changes {
      if dryRun {
        let before = (try? readFile(path, limit: 64 << 20)) ?? []
        Output.standard(unifiedDiff(before, bytes, name: shortened(path)))
      } else if try writeFileAtomically(path, bytes) {
        Output.error("\(shortened(path))\n")
      }
    }
    guard access(notebook.workspace.store, F_OK) == 0 else { return }
    if dryRun { return Output.error("and the history of `\(old)` in \(shortened(notebook.workspace.store))\n") }
    do {
      let count = try notebook.workspace.openStore(forWriting: true).rename(lesson: notebook.lesson, old, to: name)
      if count > 0 { Output.error("\(count) saved run\(count == 1 ? "" : "s") in \(shortened(notebook.workspace.store))\n") }
    } catch {
      throw FileError("store-unusable", "the history keeps the old name: \(error)", remedy: nil, path: notebook.workspace.store)
    }
  }
}

/// A name in a text that is not YAML's or Markdown's to explain, such as a link's end.
private struct Renamed {
  var old: String
  var new: String
}

/// Each name where no letter, digit or hyphen goes on behind it; nothing inside `besides`.
private func renaming(_ names: [Renamed], in source: SourceText, besides: [SourceRange]) -> SourceText {
  let bytes = source.bytes
  func isName(_ i: Int) -> Bool {
    bytes.indices.contains(i) && (bytes[i] >= 0x61 && bytes[i] <= 0x7A || bytes[i] >= 0x30 && bytes[i] <= 0x39 || bytes[i] == 0x2D || bytes[i] == 0x5F)
  }
  var edits: [Edit] = []
  for name in names {
    let wanted = Array(name.old.utf8)
    var i = 0
    while i + wanted.count <= bytes.count {
      let end = i + wanted.count
      if bytes[i] == wanted[0], bytes[i..<end].elementsEqual(wanted), !isName(end), !isName(i - 1), !besides.contains(where: { $0.contains(i) }) {
        edits.append(Edit(SourceRange(i, end), name.new))
        i = end
      } else {
        i += 1
      }
    }
  }
  return source.applying(edits)
}

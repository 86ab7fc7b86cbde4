// `nb run`: source → document → plan → results → regions → bytes, and a page and log entries.

import ArgumentParser
import DocumentModel
import ExperimentModel
import ExperimentRunner
import Foundation
import Reporting
import ResultStore
import TextModel

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Execute a notebook's perf blocks and write the results back.")

  @Argument(help: "Notebooks; `day08.md` is also found in Notebooks/.")
  var files: [String]
  @Option(help: "Only these blocks, and what they need; separate with commas.")
  var only: String?
  @Flag(help: "Only blocks without results for their present inputs.")
  var stale = false
  @Flag(help: "Shorter runs: wider intervals, the same verdict rules.")
  var quick = false
  @Flag(help: "Trust this notebook for this run: its code fences may be executed.")
  var trust = false
  @Flag(help: "Discard hand edits inside result regions.")
  var overwrite = false
  @Flag(inversion: .prefixedNo, help: "Write the page to _site/ as well.")
  var html = true
  @Flag(help: "Results as JSON on stdout, one object a line.")
  var json = false
  @Flag(help: "No progress.")
  var quiet = false

  func run() throws {
    Interrupts.watch()
    var worst: ExitCode = .success
    for file in files {
      let code = try runNotebook(file)
      if worst == .success || code.rawValue == 1 || code == Exit.interrupted { if code != .success { worst = code } }
      if Interrupts.requested { throw Exit.interrupted }
    }
    if worst != .success { throw worst }
  }

  private func runNotebook(_ file: String) throws -> ExitCode {
    let notebook: Notebook
    do { notebook = try Notebook(file) } catch {
      Output.failure(error.diagnostic)
      return Exit.failed
    }
    Output.diagnostics(notebook.diagnostics, in: notebook.source)
    guard !notebook.diagnostics.hasErrors else { return Exit.failed }
    guard let cells = chosenCells(notebook) else { return Exit.failed }
    guard mayExecute(notebook, cells) else { return Exit.failed }

    var writeBack = WriteBack(notebook, overwrite: overwrite)
    let store: ResultStore
    do {
      try makeFolder(notebook.workspace.state)
      store = try ResultStore(path: notebook.workspace.store)
    } catch let error as StoreError {
      Output.failure(Diagnostic("store-unusable", .error, error.cause, remedy: error.remedy))
      return Exit.failed
    } catch let error as FileError {
      Output.failure(error.diagnostic)
      return Exit.failed
    }

    let stamp = RunStamp(
      finished: now(), commit: commitID(notebook.workspace.root), environment: machineDescription())
    let progress = Progress(quiet: quiet)
    let executable = executablePath()
    let runner = Runner(
      RunOptions(
        quick: quick,
        launcher: LabLauncher(executable: executable, serveArguments: ["lab", "serve", "--stdin"]),
        subjectArguments: ["lab", "subject"], fenceCache: notebook.workspace.state + "/fences"),
      cancelled: { Interrupts.requested }, report: { progress.show($0) })
    let results: [CellResult]
    do {
      results = try runner.run(cells, known: notebook.knownResults()) { result in
        var saved = stamp
        saved.finished = now()
        try store.save(result, lesson: notebook.lesson, stamp: saved)
        reportNotes(result, notebook.source)
        var kept = result
        kept.failureNotes = nil
        Output.diagnostics(try writeBack.take(kept), in: try? SourceText(contentsOf: notebook.path))
        if json { try printJSON(result) }
        return writeBack.shown[result.id] ?? result
      }
      // Also with nothing run: values and claims may be new in the prose.
      Output.diagnostics(try writeBack.write(), in: notebook.source)
      if !results.isEmpty { try appendLog(notebook, results, stamp) }
      if html { try PageWriter(notebook.workspace).write(notebook.path) }
    } catch let error as FileError {
      Output.failure(error.diagnostic)
      return Exit.failed
    } catch let error as DiagnosedError {
      Output.diagnostics(error.diagnostics, in: error.source)
      return Exit.failed
    }
    if Interrupts.requested {
      Output.error("\ninterrupted: \(results.count) of \(cells.count) blocks had finished and are saved\n")
      return Exit.interrupted
    }
    return conclude(results, notebook, writeBack)
  }

  /// What went wrong at lines of the notebook as it was when the run began.
  private func reportNotes(_ result: CellResult, _ source: SourceText) {
    var findings = Diagnostics()
    for note in result.failureNotes ?? [] where note.line <= source.lineCount {
      let line = source.contentRange(ofLine: note.line)
      let start = min(line.upper, line.lower + max(0, (note.column ?? 1) - 1))
      findings.add(
        Diagnostic(
          "fence-failed", note.isError ? .error : .warning, "block `\(result.id)`: \(note.text)",
          at: SourceRange(start, note.column == nil ? line.upper : min(line.upper, start + 1))))
    }
    if !findings.all.isEmpty { Output.diagnostics(findings, in: source) }
  }

  /// The cells to run, or nil after an error was printed.
  private func chosenCells(_ notebook: Notebook) -> [Cell]? {
    var cells = notebook.plan.cells
    if let only {
      let ids = only.split(separator: ",").map(String.init)
      let known = Set(cells.map(\.id))
      for id in ids where !known.contains(id) {
        let near = nearestName(to: id, among: Array(known)).map { "; did you mean `\($0)`?" } ?? ""
        Output.failure(Diagnostic("unknown-block", .error, "there is no executing block `\(id)`\(near)", path: notebook.path))
        return nil
      }
      // What a chosen cell needs runs too, unless it has results for its present inputs.
      let saved = notebook.knownResults()
      var wanted = Set(ids)
      var queue = ids
      while let id = queue.popLast(), let cell = cells.first(where: { $0.id == id }) {
        for need in cell.needs where !wanted.contains(need) {
          let current = cells.first { $0.id == need }?.inputs
          if saved[need]?.inputs != current { wanted.insert(need); queue.append(need) }
        }
      }
      cells = cells.filter { wanted.contains($0.id) }
    }
    if stale {
      let saved = notebook.savedResults()
      cells = cells.filter { saved[$0.id]?.inputs != $0.inputs }
    }
    return cells
  }

  /// Code fences run only in a trusted notebook.
  private func mayExecute(_ notebook: Notebook, _ cells: [Cell]) -> Bool {
    let fences = notebook.executables
    guard !trust, !fences.isEmpty, !cells.isEmpty else { return true }
    Output.failure(
      Diagnostic(
        "not-trusted", .error,
        "this notebook holds code that a run would execute: \(fences.map { "`\($0)`" }.joined(separator: ", "))",
        remedy: "read those fences, then run `nb run --trust \(notebook.path)`", path: notebook.path))
    return false
  }

  private func appendLog(_ notebook: Notebook, _ results: [CellResult], _ stamp: RunStamp) throws {
    guard let lesson = notebook.plan.lesson else { return }
    let entries = logEntries(
      from: results.filter { !$0.quick }, lesson: lesson.id, date: today(), commit: stamp.commit,
      environment: environmentLine(stamp.environment),
      costs: costEffects(notebook.plan.cells, Dictionary(results.map { ($0.id, $0) }, uniquingKeysWith: { a, _ in a })))
    guard !entries.isEmpty else { return }
    let path = notebook.workspace.log
    let existing = (try? readFile(path, limit: 64 << 20)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    try writeFileAtomically(path, Array(appendToLog(existing, entries).utf8))
  }

  private func printJSON(_ result: CellResult) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    Output.bytes([UInt8](try encoder.encode(result)) + [0x0A])
  }

  private func conclude(_ results: [CellResult], _ notebook: Notebook, _ writeBack: WriteBack) -> ExitCode {
    let failed = results.filter { $0.failure != nil || $0.validity == .invalid }
    let judged = results.flatMap { result in result.thresholds.map { (result.id, $0) } }
    let broken = judged.filter { $0.1.outcome == .fail }
    let open = judged.filter { $0.1.outcome == .inconclusive }
    if !quiet {
      for (id, threshold) in broken { Output.error("threshold failed: \(id) \(threshold.text)\n") }
      for (id, threshold) in open { Output.error("inconclusive: \(id) \(threshold.text)\n") }
      for (id, difference) in writeBack.changed { Output.error("new result: \(id): \(difference)\n") }
      if writeBack.agreed > 0 { Output.error("\(writeBack.agreed) of \(results.count) blocks agree with their saved results, which stay\n") }
      if !results.isEmpty {
        Output.error("\(results.count) blocks: results in \(notebook.path)")
        if html { Output.error(", page \(PageWriter(notebook.workspace).pagePath(notebook.stem))") }
        Output.error("\n")
      } else {
        Output.error("nothing to run in \(notebook.path)\n")
      }
    }
    if !failed.isEmpty { return Exit.failed }
    if !broken.isEmpty { return Exit.threshold }
    if !open.isEmpty { return Exit.inconclusive }
    return .success
  }
}

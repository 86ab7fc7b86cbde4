// `nb run`: source → document → plan → results → regions → bytes, and a page and log entries.

import ArgumentParser
import DocumentModel
import ExperimentModel
import ExperimentRunner
import Foundation
import LabSystems
import MeasureKernel
import PerfLanguage
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
  @Option(help: "Measure so many times as long, up to 8, where that narrows an interval; the result replaces a saved one that it agrees with.")
  var longer = 1
  @Flag(help: "Trust these notebooks for this run: what they execute may run (see `nb help trust`).")
  var trust = false
  @Flag(help: ArgumentHelp(Confined.help))
  var confine = false
  @Flag(help: "For CI: judge thresholds and budgets, and write nothing into the notebook.")
  var check = false
  @Option(help: "With --check: a git revision whose notebook is built again and measured in turns with this one.")
  var baseline: String?
  @Option(help: "With --check: a JUnit XML file to write.")
  var junit: String?
  @Flag(help: "With --check: GitHub annotations on stdout; on by itself where GITHUB_ACTIONS is true.")
  var github = false
  @OptionGroup var real: RealOptions
  @OptionGroup var learner: LearnerOptions
  @Flag(help: "Discard hand edits inside result regions.")
  var overwrite = false
  @Flag(inversion: .prefixedNo, help: "Write the page to _site/ as well.")
  var html = true
  @Flag(help: "Results as JSON on stdout, one object a line.")
  var json = false
  @Flag(help: "No progress.")
  var quiet = false
  @OptionGroup var lock: LockOptions

  func validate() throws {
    if !(1...8).contains(longer) { throw ValidationError("--longer is a whole number from 1 to 8") }
    if try !real.components().isEmpty, baseline != nil {
      throw ValidationError("--real does not go with --baseline: the other revision would run without it")
    }
    if !check, baseline != nil || junit != nil || github {
      throw ValidationError("--baseline, --junit and --github belong to --check")
    }
  }

  func run() throws {
    Interrupts.watch()
    var suites: [CheckSuite] = []
    var worst: ExitCode = .success
    for file in files {
      let code = try runNotebook(file, &suites)
      if worst == .success || code.rawValue == 1 || code == Exit.interrupted { if code != .success { worst = code } }
      if Interrupts.requested { throw Exit.interrupted }
    }
    if check { try report(suites) }
    if worst != .success { throw worst }
  }

  private func report(_ suites: [CheckSuite]) throws {
    if let junit {
      do throws(FileError) { try writeFileAtomically(junit, Array(junitXML(suites).utf8)) } catch {
        Output.failure(error.diagnostic)
        throw Exit.failed
      }
    }
    if github || ProcessInfo.processInfo.environment["GITHUB_ACTIONS"] == "true" { Output.standard(githubAnnotations(suites)) }
  }

  private func runNotebook(_ file: String, _ suites: inout [CheckSuite]) throws -> ExitCode {
    let (notebook, turn): (Notebook, NotebookLock?)
    do { (notebook, turn) = try opened(file) } catch {
      Output.failure(error.diagnostic)
      return Interrupts.requested ? Exit.interrupted : Exit.failed
    }
    defer { turn?.release() }
    Output.diagnostics(notebook.diagnostics, in: notebook.source)
    guard !notebook.diagnostics.hasErrors else { return Exit.failed }
    guard var cells = chosenCells(notebook) else { return Exit.failed }
    if longer > 1 { cells = cells.map { $0.lasting(longer) ?? $0 } }
    let components = try real.components()
    guard TrustCheck(notebook: notebook, isTrustedForNow: trust).permits(cells, real: components) else { return Exit.failed }
    let kept = try keepReal(components, usedBy: { one in cells.contains { $0.uses(one) } }, in: notebook.path)
    defer { kept?.stop() }
    let questions = connect(&cells, kept?.services ?? [])

    var writeBack = WriteBack(notebook, overwrite: overwrite, questions: questions, replacing: longer > 1)
    if !check, let error = writeBack.refusal {
      Output.failure(error.diagnostic)
      return Exit.failed
    }
    let store: ResultStore
    do throws(FileError) { store = try notebook.workspace.openStore(forWriting: true) } catch {
      Output.failure(error.diagnostic)
      return Exit.failed
    }

    let stamp = RunStamp(
      finished: now(), commit: commitID(notebook.workspace.root), environment: machineDescription())
    let progress = Progress(quiet: quiet)
    let executable = executablePath()
    guard let confined = Confined(confine) else { return Exit.failed }
    defer { confined.remove() }
    var options = RunOptions(
      quick: quick,
      launcher: LabLauncher(executable: executable, serveArguments: ["lab", "serve", "--stdin"]),
      subjectArguments: ["lab", "subject"], fenceCache: notebook.workspace.state + "/fences")
    options.commands.confinement = confined.confinement
    let runner = Runner(
      options, cancelled: { Interrupts.requested }, report: { progress.show($0) })
    let parts = Planner(notebook.context).questionParts(of: notebook.document)
    let results: [CellResult]
    var savedCount = 0
    var clock = ClockStep()
    do {
      results = try runner.run(cells, known: notebook.knownResults()) { result in
        var saved = stamp
        saved.finished = now()
        var kept = result
        kept.failureNotes = nil
        kept.parts = parts[result.id]
        try store.save(kept, lesson: notebook.lesson, stamp: saved)
        savedCount += 1
        if let finding = clock.finding() { Output.failure(finding) }
        reportNotes(result.failureNotes ?? [], of: result.id, notebook.source)
        if json { try printJSON(result) }
        if check { return result }
        Output.diagnostics(try writeBack.take(kept), in: try? SourceText(contentsOf: notebook.path))
        return writeBack.shown[result.id] ?? result
      }
      if !check {
        // Also with nothing run: values and claims may be new in the prose.
        Output.diagnostics(try writeBack.write(), in: notebook.source)
        if !results.isEmpty { try appendLog(notebook, results, stamp) }
        if html { try PageWriter(notebook.workspace, learnerSeed: learner.learnerSeed).write(notebook.path) }
      }
    } catch let error as FileError {
      Output.failure(error.diagnostic)
      if savedCount > 0 { Output.error("\(savedCount) of \(cells.count) blocks had finished and are saved in \(shortened(notebook.workspace.store))\n") }
      return Exit.failed
    } catch let error as StoreError {
      Output.failure(error.diagnostic(notebook.workspace))
      return Exit.failed
    } catch let error as DiagnosedError {
      Output.diagnostics(error.diagnostics, in: error.source)
      return Exit.failed
    }
    if results.contains(where: { $0.failure != nil }) { Lab.removeLeftovers() }
    if Interrupts.requested {
      Output.error("\ninterrupted: \(results.count) of \(cells.count) blocks had finished and are saved\n")
      return Exit.interrupted
    }
    let budgets = Budgets(
      notebook.workspace, lessons: [notebook.lesson],
      fresh: check ? [notebook.lesson: Dictionary(results.map { ($0.id, $0) }, uniquingKeysWith: { a, _ in a })] : [:], learnerSeed: learner.learnerSeed)
    var regressions: [RegressionResult] = []
    if let baseline {
      do {
        regressions = try RegressionCheck(notebook: notebook, runner: runner, isTrustedForNow: trust).compare(with: baseline, only: Set(cells.map(\.id)).subtracting(results.filter { $0.unmet != nil }.map(\.id)))
        for one in regressions { reportNotes(one.notes ?? [], of: one.block, notebook.source) }
        Output.error(regressionText(regressions, revision: baseline))
      } catch {
        let (cause, remedy) = (error as? MeasureError).map { ($0.cause, $0.remedy) } ?? ("\(error)", nil)
        Output.failure(Diagnostic("no-baseline", .error, cause, remedy: remedy))
        return Exit.failed
      }
    }
    if check { suites.append(suite(notebook, results, budgets, regressions)) }
    let allowed = notebook.plan.lesson?.blockTime
    progress.sum(of: results.count, allowed: only == nil && !stale ? quick ? allowed?.quick : allowed?.full : nil)
    return conclude(results, notebook, writeBack, budgets, regressions)
  }

  /// The notebook and the turn to work on it; a notebook with mistakes has none.
  private func opened(_ file: String) throws(FileError) -> (Notebook, NotebookLock?) {
    let notebook = try Notebook(file, learnerSeed: learner.learnerSeed)
    guard !notebook.diagnostics.hasErrors else { return (notebook, nil) }
    let turn = try NotebookLock.take([notebook.path], patience: lock.wait, makesState: true)
    AtomicFile.removeLeftovers(of: notebook.workspace.results(notebook.stem))
    // Who went before may have changed it.
    return (turn.hasWaited ? try Notebook(file, learnerSeed: learner.learnerSeed) : notebook, turn)
  }

  private func suite(
    _ notebook: Notebook, _ results: [CellResult], _ budgets: Budgets, _ regressions: [RegressionResult]
  ) -> CheckSuite {
    let lines = Dictionary(
      notebook.planned.blocks.map { ($0.id, notebook.source.line(at: $0.fence.lower)) }, uniquingKeysWith: { a, _ in a })
    var suite = checkSuite(notebook: notebook.path, results: results, lines: lines)
    suite.cases += regressionCases(regressions, revision: baseline ?? "", lines: lines) + budgetCases(budgets.judged)
    return suite
  }

  /// What went wrong at lines of the notebook as it was when the run began.
  private func reportNotes(_ notes: [FailureNote], of block: String, _ source: SourceText) {
    var findings = Diagnostics()
    for note in notes where note.line <= source.lineCount {
      let line = source.contentRange(ofLine: note.line)
      let start = min(line.upper, line.lower + max(0, (note.column ?? 1) - 1))
      findings.add(
        Diagnostic(
          "fence-failed", note.isError ? .error : .warning, "block `\(block)`: \(note.text)",
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
          if saved[need]?.inputs != current || saved[need]?.unmet != nil || cell.work.recordingSource == need { wanted.insert(need); queue.append(need) }
        }
      }
      cells = cells.filter { wanted.contains($0.id) }
    }
    if stale {
      let saved = notebook.savedResults()
      let stale = cells.filter { saved[$0.id]?.inputs != $0.inputs || saved[$0.id]?.unmet != nil }
      let wanted = Set(stale.map(\.id) + stale.compactMap(\.work.recordingSource))
      cells = cells.filter { wanted.contains($0.id) }
    }
    return only == nil && !stale ? cells : priced(cells, notebook)
  }

  /// With the `cost` blocks that read a chosen one: a new measurement has a new price, and pricing measures nothing.
  private func priced(_ chosen: [Cell], _ notebook: Notebook) -> [Cell] {
    var wanted = Set(chosen.map(\.id))
    let saved = notebook.knownResults()
    // Each round carries the news one reader further.
    for _ in notebook.plan.cells {
      for cell in notebook.plan.cells where cell.work.kind == "cost" && !wanted.contains(cell.id) && cell.needs.contains(where: wanted.contains) {
        // What it reads besides must be there.
        if cell.needs.allSatisfy({ wanted.contains($0) || saved[$0] != nil }) { wanted.insert(cell.id) }
      }
    }
    return notebook.plan.cells.filter { wanted.contains($0.id) }
  }

  /// Puts the services where they are used. A cell that is measured with one, and every cell of this run that reads such a
  /// cell, asks another question than the notebook's: its inputs say so, and its result names them.
  ///
  /// - Returns: the new inputs by the notebook's.
  private func connect(_ cells: inout [Cell], _ services: [RealService]) -> [String: String] {
    guard !services.isEmpty else { return [:] }
    var reached: [String: [RealService]] = [:]
    for i in cells.indices { reached[cells[i].id] = cells[i].connect(services) }
    // Each round carries them one reader further.
    for _ in cells {
      for cell in cells {
        for need in cell.needs + [cell.work.recordingSource].compactMap({ $0 }) {
          for service in reached[need] ?? [] where reached[cell.id]?.contains(service) != true { reached[cell.id, default: []].append(service) }
        }
      }
    }
    var questions: [String: String] = [:]
    for i in cells.indices {
      guard let used = reached[cells[i].id], !used.isEmpty else { continue }
      let asked = inputsDigest(cells[i].inputs, with: used)
      questions[cells[i].inputs] = asked
      cells[i].components = used
      cells[i].inputs = asked
    }
    return questions
  }

  private func appendLog(_ notebook: Notebook, _ results: [CellResult], _ stamp: RunStamp) throws {
    guard let lesson = notebook.plan.lesson else { return }
    let entries = logEntries(
      from: results.filter { !$0.quick }, lesson: lesson.id, date: today(), commit: stamp.commit,
      environment: environmentLine(stamp.environment),
      costs: costEffects(notebook.plan.cells, Dictionary(results.map { ($0.id, $0) }, uniquingKeysWith: { a, _ in a })))
    guard !entries.isEmpty else { return }
    let path = notebook.workspace.log
    let turn = try NotebookLock.take(shared: path, in: notebook.workspace)
    defer { turn.release() }
    try takingTurns(path) { () throws(FileError) in
      // A log that cannot be read is not taken for an empty one.
      let old = access(path, F_OK) == 0 ? try readFile(path, limit: 64 << 20) : nil
      return try writeFileAtomically(path, Array(appendToLog(String(decoding: old ?? [], as: UTF8.self), entries).utf8), replacing: old)
    }
  }

  private func printJSON(_ result: CellResult) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    Output.bytes([UInt8](try encoder.encode(result)) + [0x0A])
  }

  private func conclude(
    _ results: [CellResult], _ notebook: Notebook, _ writeBack: WriteBack, _ budgets: Budgets, _ regressions: [RegressionResult]
  ) -> ExitCode {
    let failed = results.filter { $0.failure != nil || $0.validity == .invalid }
    let judged = results.flatMap { result in result.thresholds.map { (result.id, $0) } }
    let broken = judged.filter { $0.1.outcome == .fail }
    let open = judged.filter { $0.1.outcome == .inconclusive }
    if !quiet {
      for (id, threshold) in broken { Output.error("threshold failed: \(id) \(threshold.text)\n") }
      for (id, threshold) in open { Output.error("inconclusive: \(id) \(threshold.text)\n") }
      for one in results { if let unmet = one.unmet { Output.error("not run here: \(one.id) needs \(unmet)\n") } }
      for (id, difference) in writeBack.changed { Output.error("new result: \(id): \(difference)\n") }
      if writeBack.agreed > 0 { Output.error("\(writeBack.agreed) of \(results.count) blocks agree with their saved results, which stay\n") }
      if check {
        Output.error("\(results.count) blocks judged; nothing was written to \(notebook.path)\n")
      } else if !results.isEmpty {
        Output.error("\(results.count) blocks: results in \(notebook.path)")
        if html { Output.error(", page \(PageWriter(notebook.workspace).pagePath(notebook.stem))") }
        Output.error("\n")
      } else {
        Output.error("nothing to run in \(notebook.path)\n")
      }
    }
    let isReadable = quiet ? !budgets.diagnostics.hasErrors : budgets.show()
    if !failed.isEmpty || !isReadable { return Exit.failed }
    if !broken.isEmpty || budgets.isBroken || regressions.contains(where: { $0.outcome == .fail }) { return Exit.threshold }
    if !open.isEmpty || regressions.contains(where: { $0.outcome == .inconclusive }) { return Exit.inconclusive }
    return .success
  }
}

// `nb grade`: the gates of a notebook's exercises against saved results; with `--run` what is missing is measured first, and
// longer where a gate stays open. Counts attempts, shows hints, writes a report.

import ArgumentParser
import ExperimentModel
import ExperimentRunner
import Foundation
import MeasureKernel
import Reporting
import TextModel

struct GradeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "grade", abstract: "The gates of exercises against saved measurements and answers.",
    discussion: """
      nb grade day09.md                        what is saved; measures nothing
      nb grade --run --trust day06.md          measure what the gates ask, and longer where one stays open
      nb grade --report ada.json day09.md      and write a report for a teacher

      A gate that is open is measured anew, two and then four times as long; with three looks at most a gate is passed by luck in \
      3 × 2.5 % of cases at most. Exit codes: 1 a gate's block was not run, or changed since; 2 a gate fails; 3 one is open, \
      because its interval reaches over the limit.
      """)

  @Argument(help: "Notebooks.") var files: [String]
  @Flag(name: .customLong("run"), help: "Measure the blocks that the gates ask where they have no result of today's question, and longer where a gate is open.")
  var measures = false
  @Flag(help: "With --run: shorter runs.") var quick = false
  @Flag(help: "With --run: trust these notebooks for now: what they execute may run.") var trust = false
  @Flag(help: ArgumentHelp("With --run: " + Confined.help)) var confine = false
  @Option(help: "A git revision with the notebook as it was handed out: what the learner changed is shown against it.") var shipped = "HEAD"
  @Flag(help: "With --run: also measure the learner's blocks in turns with those of --shipped, on this machine.") var besideShipped = false
  @Option(help: "Write a JSON report to this file.") var report: String?
  @Flag(help: "One JSON object a gate on stdout.") var json = false
  @OptionGroup var learner: LearnerOptions
  @OptionGroup var lock: LockOptions

  func validate() throws {
    if !measures, quick || trust || confine || besideShipped { throw ValidationError("--quick, --trust, --confine and --beside-shipped belong to --run") }
  }

  func run() throws {
    var collected = GradeReport(date: today(), learnerSeed: learner.learnerSeed, machine: machineDescription(), notebooks: [], exercises: [])
    var otherGates: [GradedGate] = []
    var failed = false
    for file in files {
      do throws(FileError) {
        otherGates += try grade(file, &collected, &failed)
      } catch {
        Output.failure(error.diagnostic)
        failed = true
      }
    }
    let gates = collected.exercises.flatMap(\.gates) + otherGates
    if json {
      for one in gates { try Output.json(one) }
    } else if !failed || !gates.isEmpty {
      Output.standard(gradeText(gates, style: TerminalStyle(color: isatty(1) == 1 && getenv("NO_COLOR") == nil)))
    }
    do throws(FileError) { try write(collected) } catch {
      Output.failure(error.diagnostic)
      failed = true
    }
    let states = Set(gates.map(\.state))
    if failed || states.contains(.notRun) || states.contains(.stale) { throw Exit.failed }
    if states.contains(.fail) { throw Exit.threshold }
    if states.contains(.inconclusive) { throw Exit.inconclusive }
  }

  private func write(_ collected: GradeReport) throws(FileError) {
    guard let report else { return }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    guard let data = try? encoder.encode(collected) else { throw FileError("write-failed", "the report cannot be written as JSON", remedy: nil, path: report) }
    _ = try writeFileAtomically(report, [UInt8](data) + [0x0A])
  }

  /// - Returns: gates of blocks that are no exercise of their own.
  private func grade(_ file: String, _ collected: inout GradeReport, _ failed: inout Bool) throws(FileError) -> [GradedGate] {
    var notebook = try Notebook(file, learnerSeed: learner.learnerSeed)
    if notebook.diagnostics.hasErrors {
      Output.diagnostics(notebook.diagnostics, in: notebook.source)
      failed = true
      return []
    }
    var length = 1
    if measures {
      let lock = try NotebookLock.take([notebook.path], patience: lock.wait, makesState: true)
      defer { lock.release() }
      if lock.hasWaited { notebook = try Notebook(file, learnerSeed: learner.learnerSeed) }
      (notebook, length) = try measure(notebook)
    }
    let grader = Grader(notebook.plan, lesson: notebook.lesson, known: notebook.triedResults())
    collected.learnerSeed = notebook.context.learnerSeed
    collected.notebooks.append(GradeReport.Notebook(path: shortened(notebook.path), digest: notebook.digest))
    let turn = try NotebookLock.take(shared: notebook.workspace.progress, in: notebook.workspace)
    defer { turn.release() }
    var progress = try notebook.workspace.readProgress()
    var others: [GradedGate] = []
    for cell in notebook.plan.cells where !cell.gates.isEmpty {
      let gates = grader.gates(of: cell)
      guard case .check(let check) = cell.work else {
        others += gates
        continue
      }
      collected.exercises.append(try exercise(cell, check, gates, notebook, length, &progress))
    }
    try notebook.workspace.writeProgress(progress)
    turn.release()
    if besideShipped { collected.besideShipped = (collected.besideShipped ?? []) + compared(notebook) }
    return others
  }

  // MARK: One exercise

  private func exercise(
    _ cell: Cell, _ check: CheckCell, _ gates: [GradedGate], _ notebook: Notebook, _ length: Int, _ progress: inout [String: ExerciseProgress]
  ) throws(FileError) -> GradedExercise {
    let key = "\(notebook.lesson)/\(cell.id)"
    var own = progress[key] ?? ExerciseProgress()
    let verdict = ExerciseVerdict(gates)
    // A question is no answer.
    if check.answer != .open { own.count(verdict, of: notebook.digest, on: today()) }
    progress[key] = own
    let hints = check.hints ?? []
    let due = own.hintsDue(after: check.hintAfter, of: hints.count)
    let edits = changes(of: notebook, asked(by: cell))
    if !json {
      for edit in edits { Output.standard(edit.diff) }
      if let passed = own.passed {
        Output.error("\(key): \(verdict.rawValue), passed at attempt \(own.attempts) on \(passed)\n")
      } else if own.attempts > 0 {
        Output.error("\(key): \(verdict.rawValue) at attempt \(own.attempts)\n")
      }
      for (i, hint) in hints.prefix(due).enumerated() { Output.error("hint \(i + 1) of \(hints.count): \(hint)\n") }
      if verdict == .fail, own.passed == nil, check.answer != .open, due == 0, !hints.isEmpty {
        let left = (check.hintAfter ?? 1) - own.failed
        Output.error("a hint comes after \(left) more failed attempt\(left == 1 ? "" : "s")\n")
      }
    }
    return GradedExercise(
      lesson: notebook.lesson, block: cell.id, title: cell.title, verdict: verdict, gates: gates, length: length, attempts: own.attempts,
      failedAttempts: own.failed, passed: own.passed, hintsShown: due, edits: edits)
  }

  private func asked(by cell: Cell) -> Set<String> { Set(cell.gates.compactMap(\.address.block)).subtracting([cell.id]) }

  /// Nothing where there is no git, or no such revision: grading goes without.
  private func changes(of notebook: Notebook, _ blocks: Set<String>) -> [LearnerEdit] {
    do throws(MeasureError) { return try notebook.edits(since: shipped, blocks: blocks) } catch {
      if shipped != "HEAD" { Output.error("what was changed is not shown: \(error.cause)\n") }
      return []
    }
  }

  // MARK: Measuring

  /// Measures what the gates ask and has no result, then longer what stays open. A run that was INVALID has measured nothing,
  /// and is made again as it was.
  ///
  /// - Returns: the notebook as it is afterwards, and how many times as long the last measuring was.
  private func measure(_ notebook: Notebook) throws(FileError) -> (Notebook, Int) {
    var now = notebook
    var last = 1
    for length in [1, 2, 4] {
      let (anew, longer) = wanted(now, length)
      guard !anew.isEmpty || !longer.isEmpty else { continue }
      if !anew.isEmpty {
        Output.error("\(length == 1 ? "measuring" : "INVALID, measuring again"): \(anew.sorted().joined(separator: ", "))\n")
        guard try runBlocks(anew, of: &now, 1) else { break }
      }
      if !longer.isEmpty {
        last = length
        Output.error("open, measuring \(length) times as long: \(longer.sorted().joined(separator: ", "))\n")
        guard try runBlocks(longer, of: &now, length) else { break }
      }
    }
    return (now, last)
  }

  /// The blocks to measure at a look of this length: as they are, and longer.
  private func wanted(_ notebook: Notebook, _ length: Int) -> (anew: Set<String>, longer: Set<String>) {
    let tried = notebook.triedResults()
    let grader = Grader(notebook.plan, lesson: notebook.lesson, known: tried)
    var (anew, longer): (Set<String>, Set<String>) = ([], [])
    for cell in notebook.plan.cells {
      for (gate, graded) in zip(cell.gates, grader.gates(of: cell)) where graded.state != .pass && graded.state != .fail {
        let block = gate.address.block ?? cell.id
        guard let asked = notebook.plan.cells.first(where: { $0.id == block }), asked.work.kind != "check" else { continue }
        if graded.state != .inconclusive || isInvalid(asked, tried) {
          if length == 1 || isInvalid(asked, tried) { anew.insert(block) }
        } else if length > 1, asked.lasting(length) != nil {
          // Longer only where that narrows something.
          longer.insert(block)
        }
      }
    }
    return (anew, longer)
  }

  private func isInvalid(_ cell: Cell, _ tried: [String: CellResult]) -> Bool {
    ([cell.id] + cell.needs).contains { tried[$0]?.validity == .invalid }
  }

  /// - Returns: false after an error, which was printed.
  private func runBlocks(_ blocks: Set<String>, of notebook: inout Notebook, _ length: Int) throws(FileError) -> Bool {
    // The exercise shows what its gates were judged by, which is these blocks.
    let checks = notebook.plan.cells.filter { $0.work.kind == "check" && !asked(by: $0).isDisjoint(with: blocks) }.map(\.id)
    let isDone = runBlocks(blocks.union(checks), of: notebook, length)
    notebook = try Notebook(notebook.path, learnerSeed: learner.learnerSeed)
    // INVALID is no error of the notebook: the next look may be luckier.
    let tried = notebook.triedResults()
    return isDone || notebook.plan.cells.contains { blocks.contains($0.id) && isInvalid($0, tried) }
  }

  private func runBlocks(_ blocks: Set<String>, of notebook: Notebook, _ length: Int) -> Bool {
    var words = ["--only", blocks.sorted().joined(separator: ","), "--longer", String(length), "--no-html", "--quiet", notebook.path]
    if quick { words.append("--quick") }
    if trust { words.append("--trust") }
    if confine { words.append("--confine") }
    if let seed = learner.learnerSeed { words += ["--learner-seed", String(seed)] }
    do {
      try RunCommand.parse(words).run()
    } catch let code as ExitCode {
      // A threshold that fails, or is open, is no error of the run.
      return code == Exit.threshold || code == Exit.inconclusive
    } catch {
      Output.failure(Diagnostic("run-failed", .error, "\(error)", path: notebook.path))
      return false
    }
    return true
  }

  private func compared(_ notebook: Notebook) -> [RegressionResult] {
    guard let confined = Confined(confine) else { return [] }
    defer { confined.remove() }
    var options = RunOptions(
      quick: quick, launcher: LabLauncher(executable: executablePath(), serveArguments: ["lab", "serve", "--stdin"]),
      subjectArguments: ["lab", "subject"], fenceCache: notebook.workspace.state + "/fences")
    options.commands.confinement = confined.confinement
    let runner = Runner(options, cancelled: { Interrupts.requested }, report: { _ in })
    let blocks = Set(notebook.plan.cells.filter { $0.work.kind == "check" }.flatMap(asked))
    do {
      let results = try RegressionCheck(notebook: notebook, runner: runner, isTrustedForNow: trust).compare(with: shipped, only: blocks)
      Output.error(regressionText(results, revision: shipped))
      return results
    } catch {
      let (cause, remedy) = (error as? MeasureError).map { ($0.cause, $0.remedy) } ?? ("\(error)", nil)
      Output.failure(Diagnostic("no-baseline", .error, cause, remedy: remedy))
      return []
    }
  }
}

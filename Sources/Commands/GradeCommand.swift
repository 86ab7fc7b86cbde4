// `nb grade`: the gates of a notebook's exercises against saved results. Nothing is measured.

import ArgumentParser
import ExperimentModel
import ExperimentRunner
import Foundation
import Reporting
import TextModel

struct GradeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "grade", abstract: "The gates of exercises against saved measurements and answers.",
    discussion: """
      Run the exercise's blocks first: nb run day02.md. Exit codes: 1 a gate's block was not run, or changed since; 2 a gate fails; 3 one is open, \
      because its interval reaches over the limit.
      """)

  @Argument(help: "Notebooks.") var files: [String]
  @Flag(help: "One JSON object a gate on stdout.") var json = false
  @OptionGroup var learner: LearnerOptions

  func run() throws {
    var gates: [GradedGate] = []
    var failed = false
    for file in files {
      do throws(FileError) {
        let notebook = try Notebook(file, learnerSeed: learner.learnerSeed)
        if notebook.diagnostics.hasErrors {
          Output.diagnostics(notebook.diagnostics, in: notebook.source)
          failed = true
          continue
        }
        let grader = Grader(notebook.plan, lesson: notebook.lesson, known: notebook.knownResults())
        gates += notebook.plan.cells.flatMap(grader.gates)
      } catch {
        Output.failure(error.diagnostic)
        failed = true
      }
    }
    if json {
      for one in gates { try Output.json(one) }
    } else if !failed || !gates.isEmpty {
      Output.standard(gradeText(gates, style: TerminalStyle(color: isatty(1) == 1 && getenv("NO_COLOR") == nil)))
    }
    let states = Set(gates.map(\.state))
    if failed || states.contains(.notRun) || states.contains(.stale) { throw Exit.failed }
    if states.contains(.fail) { throw Exit.threshold }
    if states.contains(.inconclusive) { throw Exit.inconclusive }
  }
}

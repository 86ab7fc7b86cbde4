// `nb verify`: what the notebooks predicted against what was measured. Reads saved results; nothing is measured.

import ArgumentParser
import ExperimentModel
import Foundation
import Reporting
import TextModel

struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify", abstract: "Predictions (`expect`) against saved measurements.",
    discussion: "Exit code 2 when a prediction does not hold, 3 when one is open: its interval is too wide, or its block was not measured.")

  @Argument(help: "Notebooks; none: all of the course here.") var files: [String] = []
  @Flag(help: "One JSON object a prediction on stdout.") var json = false
  @OptionGroup var learner: LearnerOptions

  func run() throws {
    let paths = files.isEmpty ? lessonFiles(Workspace.here) : files
    var predictions: [VerifiedPrediction] = []
    var failed = false
    for file in paths {
      do throws(FileError) {
        let notebook = try Notebook(file, learnerSeed: learner.learnerSeed)
        if notebook.diagnostics.hasErrors {
          Output.diagnostics(notebook.diagnostics, in: notebook.source)
          failed = true
        }
        let known = notebook.knownResults()
        predictions += notebook.plan.cells.flatMap { VerifiedPrediction.all(of: $0, in: notebook.lesson, result: known[$0.id]) }
      } catch {
        Output.failure(error.diagnostic)
        failed = true
      }
    }
    if json {
      for one in predictions { try Output.json(one) }
    } else {
      Output.standard(verificationText(predictions, style: TerminalStyle(color: isatty(1) == 1 && getenv("NO_COLOR") == nil)))
    }
    if failed { throw Exit.failed }
    if predictions.contains(where: { $0.outcome == .fail }) { throw Exit.threshold }
    if predictions.contains(where: { $0.outcome == .inconclusive }) { throw Exit.inconclusive }
  }
}

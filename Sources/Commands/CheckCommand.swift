// `nb check`: every mistake in the notebooks at once; measures nothing.

import ArgumentParser
import Foundation
import Market
import TextModel

struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "All diagnostics of a notebook; measures nothing.")

  @Argument(help: "Notebooks; none: all of the course here.")
  var files: [String] = []
  @Flag(help: "Only errors and warnings, no closing line.")
  var quiet = false
  @OptionGroup var learner: LearnerOptions

  func run() throws {
    var failed = false
    var isBroken = false
    let paths = files.isEmpty ? lessonFiles(Workspace.here) : files
    if paths.isEmpty {
      Output.failure(Diagnostic("missing-file", .error, "there is no notebook here", remedy: "give a file: `nb check day08.md`"))
      throw Exit.failed
    }
    var courses: Set<String> = []
    for file in paths {
      do throws(FileError) {
        let notebook = try Notebook(file, learnerSeed: learner.learnerSeed)
        Output.diagnostics(notebook.diagnostics, in: notebook.source)
        failed = failed || notebook.diagnostics.hasErrors
        if courses.insert(notebook.workspace.course).inserted {
          failed = !checkFacts(notebook.workspace) || failed
          let budgets = Budgets(notebook.workspace, learnerSeed: learner.learnerSeed)
          failed = !budgets.show() || failed
          isBroken = isBroken || budgets.isBroken
        }
        if !quiet, !notebook.diagnostics.hasErrors {
          let count = notebook.planned.blocks.count
          Output.error("\(notebook.path): \(count) block\(count == 1 ? "" : "s"), no errors\n")
        }
      } catch {
        Output.failure(error.diagnostic)
        failed = true
      }
    }
    if failed { throw Exit.failed }
    if isBroken { throw Exit.threshold }
  }

  private func checkFacts(_ workspace: Workspace) -> Bool {
    var isRight = true
    for (findings, source) in marketFindings(workspace) {
      Output.diagnostics(findings, in: source)
      isRight = isRight && !findings.hasErrors
    }
    return isRight
  }
}

/// The Markdown files of a course folder, in order of name; the optimization log is written by nb and is not one.
func lessonFiles(_ workspace: Workspace) -> [String] {
  let names = (try? FileManager.default.contentsOfDirectory(atPath: workspace.course)) ?? []
  return names.filter { $0.hasSuffix(".md") && $0 != "optimization-log.md" && $0 != "README.md" }.sorted()
    .map { workspace.course + "/" + $0 }
}

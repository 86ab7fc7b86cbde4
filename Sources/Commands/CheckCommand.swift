// `nb check`: every mistake in the notebooks at once, and what their lessons lack; measures nothing.

import ArgumentParser
import CourseRules
import ExperimentModel
import Foundation
import Market
import TextModel

struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "All diagnostics of a notebook; measures nothing.",
    discussion: """
      nb check                          every notebook of the course here
      nb check --strict day08.md        also what must not be published: unverified claims, stale values, prose without its numbers
      nb check --format sarif > nb.sarif

      Exit codes: 1 an error, with --strict also a warning; 2 a budget is broken. What was found is kept in .nb/check.json \
      and used again while notebook, facts, course, data, results, learner and nb are the same.
      """)

  enum Format: String, ExpressibleByArgument, CaseIterable { case text, json, sarif }

  @Argument(help: "Notebooks; none: all of the course here.")
  var files: [String] = []
  @Flag(help: "Refuse what must not be published, and let warnings count.")
  var strict = false
  @Option(help: "text on stderr; or on stdout json, one object a line, or sarif, for code scanning.")
  var format = Format.text
  @Flag(inversion: .prefixedNo, help: "Use and keep .nb/check.json.")
  var cache = true
  @Flag(help: "Only errors and warnings, no closing line.")
  var quiet = false
  @OptionGroup var learner: LearnerOptions

  func run() throws {
    let paths = files.isEmpty ? lessonFiles(Workspace.here) : files
    if paths.isEmpty {
      Output.failure(Diagnostic("missing-file", .error, "there is no notebook here", remedy: "give a file: `nb check day08.md`"))
      throw Exit.failed
    }
    let outcome = CourseCheck(strict: strict, learnerSeed: learner.learnerSeed, isCached: cache).run(paths)
    switch format {
    case .text: show(outcome)
    case .json: for one in findingObjects(reported(outcome)) { try Output.json(one) }
    case .sarif: try Output.json(SARIFLog(reported(outcome), version: NB.version, folder: FileManager.default.currentDirectoryPath))
    }
    let findings = outcome.files.flatMap(\.findings) + outcome.market.flatMap(\.findings.all) + outcome.budgets.flatMap(\.diagnostics.all)
    if findings.contains(where: { $0.severity == .error || strict && $0.severity == .warning }) { throw Exit.failed }
    if outcome.budgets.contains(where: \.isBroken) { throw Exit.threshold }
  }

  private func show(_ outcome: CourseCheck.Outcome) {
    for market in outcome.market { Output.diagnostics(market.findings, in: market.source) }
    for budgets in outcome.budgets { _ = budgets.show() }
    for file in outcome.files {
      let source = file.findings.isEmpty ? nil : try? SourceText(contentsOf: file.path)
      for one in file.findings { Output.error(one.rendered(in: source, color: Output.color)) }
      if !quiet, !file.hasErrors, !file.isUnreadable {
        let warnings = file.count(.warning)
        let ending = warnings == 0 ? "" : ", \(warnings) warning\(warnings == 1 ? "" : "s")"
        Output.error("\(file.path): \(file.blocks) block\(file.blocks == 1 ? "" : "s"), no errors\(ending)\n")
      }
    }
  }

  /// For programs: with the findings of files that all notebooks share, and with broken budgets as errors.
  private func reported(_ outcome: CourseCheck.Outcome) -> [FileFindings] {
    var files: [FileFindings] = []
    for market in outcome.market { files.append(FileFindings(path: market.source.path, source: market.source, findings: market.findings.ordered)) }
    for budgets in outcome.budgets {
      guard let source = budgets.source else { continue }
      let broken = budgets.judged.filter { $0.outcome == .fail }.map { one in
        Diagnostic(
          "broken-budget", .error, "the budget of `\(one.budget.metric)`, \(one.budget.limitText), is broken", remedy: "ask \(one.budget.owner), who owns it",
          path: source.path)
      }
      files.append(FileFindings(path: source.path, source: source, findings: budgets.diagnostics.ordered + broken))
    }
    for file in outcome.files { files.append(FileFindings(path: file.path, source: try? SourceText(contentsOf: file.path), findings: file.findings)) }
    return files
  }
}

/// The Markdown files of a course folder, in order of name; the optimization log is written by nb and is not one.
func lessonFiles(_ workspace: Workspace) -> [String] {
  let names = (try? FileManager.default.contentsOfDirectory(atPath: workspace.course)) ?? []
  return names.filter { $0.hasSuffix(".md") && !["optimization-log.md", "glossary.md", "README.md"].contains($0) }.sorted()
    .map { shortened(workspace.course + "/" + $0) }
}

/// A path below the folder that one is in, as one would type it.
func shortened(_ path: String) -> String {
  let here = FileManager.default.currentDirectoryPath + "/"
  return path.hasPrefix(here) ? String(path.dropFirst(here.count)) : path
}

// `nb run --check`: a notebook as a gate of CI. Thresholds and budgets are judged and nothing is written into the notebook;
// with `--baseline REV` the notebook of that revision is laid out beside, built again, and measured in turns with the present
// one. What was found goes out as JUnit XML and as GitHub annotations.

import ExperimentModel
import ExperimentRunner
import Foundation
import MeasureKernel
import Reporting
import TextModel
import Trust

struct RegressionCheck {
  let notebook: Notebook
  let runner: Runner
  /// `--trust`: also what the old revision executes.
  let isTrustedForNow: Bool

  /// All blocks of both revisions that can differ.
  ///
  /// - Throws: `MeasureError` from git, `FileError` when the old notebook cannot be read.
  func compare(with revision: String, only ids: Set<String>) throws -> [RegressionResult] {
    let top = try root()
    let folder = try laidOut(revision, of: top)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let absolute = URL(fileURLWithPath: notebook.path).standardizedFileURL.resolvingSymlinksInPath().path
    guard absolute.hasPrefix(top + "/") else {
      throw MeasureError("\(notebook.path) is not inside the repository \(top)", remedy: "run `nb run --check` in a checkout")
    }
    let old: Notebook
    do { old = try Notebook(folder + absolute.dropFirst(top.count), learnerSeed: notebook.context.learnerSeed) } catch {
      throw MeasureError("the revision \(revision) has no readable \(notebook.path)", remedy: "a new notebook has nothing to be compared with: leave `--baseline` out")
    }
    try requireTrust(in: old, ids, revision)
    let before = Dictionary(old.plan.cells.map { ($0.id, $0) }, uniquingKeysWith: { a, _ in a })
    return notebook.plan.cells.flatMap { cell -> [RegressionResult] in
      guard ids.contains(cell.id), let earlier = before[cell.id], Runner.isComparable(earlier, cell), !Interrupts.requested else { return [] }
      return runner.regression(
        RevisionPair(old: earlier, new: cell, oldFolder: old.workspace.course, newFolder: notebook.workspace.course))
    }
  }

  /// An older revision is other code: what it executes is trusted where the present notebook executes the same.
  private func requireTrust(in old: Notebook, _ ids: Set<String>, _ revision: String) throws(MeasureError) {
    guard !isTrustedForNow else { return }
    let parts = executableParts(of: old.plan.cells.filter { ids.contains($0.id) }, in: old.document, folder: old.workspace.course)
    let missing = TrustCheck.verdict(of: notebook, TrustCheck.needed(parts, [])).missing
    guard missing.isEmpty else {
      throw MeasureError(
        "the revision \(revision) would execute code that you have not trusted: \(missing.map(\.title).joined(separator: "; "))",
        remedy: "read it there; then add --trust")
    }
  }

  private func root() throws(MeasureError) -> String {
    let text = try runProgram(["git", "rev-parse", "--show-toplevel"], name: "git", folder: notebook.workspace.course)
    return URL(fileURLWithPath: text.trimmingCharacters(in: .newlines)).resolvingSymlinksInPath().path
  }

  /// The files of a revision in a new temporary folder. The repository itself is only read.
  private func laidOut(_ revision: String, of top: String) throws -> String {
    // A revision that begins with `-` would be an option.
    guard !revision.hasPrefix("-") else { throw MeasureError("`\(revision)` is not a revision", remedy: "such as main, HEAD~1 or a commit") }
    let temporary = FileManager.default.temporaryDirectory.path
    removeLeftovers(in: temporary)
    let folder = temporary + "/nb-baseline-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    try makeFolder(folder)
    do {
      let tar = folder + ".tar"
      defer { unlink(tar) }
      _ = try runProgram(["git", "archive", "--format=tar", "--output=\(tar)", revision, "--"], name: "git archive \(revision)", folder: top)
      _ = try runProgram(["tar", "-xf", tar, "-C", folder], name: "tar")
    } catch {
      try? FileManager.default.removeItem(atPath: folder)
      throw error
    }
    return URL(fileURLWithPath: folder).resolvingSymlinksInPath().path
  }
}

/// Folders of checks that were killed.
private func removeLeftovers(in temporary: String) {
  for name in (try? FileManager.default.contentsOfDirectory(atPath: temporary)) ?? [] where name.hasPrefix("nb-baseline-") {
    guard let pid = name.split(separator: "-").dropFirst(2).first.flatMap({ pid_t($0) }), kill(pid, 0) != 0, errno == ESRCH else { continue }
    try? FileManager.default.removeItem(atPath: temporary + "/" + name)
  }
}

// MARK: Reports

/// Cases of a regression check.
func regressionCases(_ results: [RegressionResult], revision: String, lines: [String: Int]) -> [CheckCase] {
  results.map { one in
    let at = (one.at ?? [:]).sorted { $0.key < $1.key }.map { "@\($0.key)=\(format(MetricValue(Estimate($0.value), .count)))" }.joined()
    let ratio = one.ratio.map { format($0, .ratio, interval: true) } ?? "no ratio"
    let words = "\(one.part)\(at) against \(revision): \(one.verdict.rawValue), ratio \(ratio)" + (one.reason.map { "; \($0)" } ?? "")
    let outcome: CheckOutcome = switch one.outcome { case .pass: .pass; case .fail: .fail; case .inconclusive: .inconclusive }
    return CheckCase(
      name: "\(one.block): \(one.part)\(at) since \(revision)", line: one.notes?.first?.line ?? lines[one.block], outcome: outcome,
      message: outcome == .pass ? "" : words)
  }
}

/// Cases of budgets.
func budgetCases(_ judged: [JudgedBudget]) -> [CheckCase] {
  judged.filter { $0.outcome != .unmeasured }.map { one in
    let measured = one.measured.map { format($0.estimate, $0.unit, interval: true) } ?? "nothing"
    let outcome: CheckOutcome = switch one.outcome { case .pass: .pass; case .fail: .fail; case .inconclusive, .unmeasured: .inconclusive }
    return CheckCase(
      name: "budget \(one.budget.metric) \(one.budget.limitText)", outcome: outcome,
      message: outcome == .pass ? "" : "the budget of \(one.budget.owner) is \(outcome == .fail ? "broken" : "not decided"): measured \(measured), limit \(one.budget.limitText)")
  }
}

/// A table for a terminal.
func regressionText(_ results: [RegressionResult], revision: String) -> String {
  guard !results.isEmpty else { return "nothing differs from \(revision) that could be measured\n" }
  return columnsText(
    titles: ["block", "part", "\(revision) ÷ now", "A/A", "verdict", ""],
    rows: results.map { one in
      [
        one.block, one.part + (one.at?["n"].map { ", n = \(format(MetricValue(Estimate($0), .count)))" } ?? ""),
        one.ratio.map { format($0, .ratio, interval: true) } ?? "–", one.control.map { format($0, .ratio, interval: true) } ?? "–",
        one.verdict.rawValue, one.reason ?? "",
      ]
    }, emphasised: Set(results.indices.filter { results[$0].outcome == .fail }))
}

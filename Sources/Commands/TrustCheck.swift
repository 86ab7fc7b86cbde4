// Before anything runs that is not measuring the lab: is it what this person trusted? A notebook is a program from somewhere.

import CourseSite
import ExperimentModel
import Foundation
import TextModel
import Trust

struct TrustCheck {
  let notebook: Notebook
  /// `--trust`: for this run, without looking and without keeping anything.
  let isTrustedForNow: Bool

  /// Whether these cells may run, with these real programs; says why not, and asks where an own edit is all that is new.
  func permits(_ cells: [Cell], real: [RealComponent] = []) -> Bool {
    isTrustedForNow || permits(executableParts(of: cells, in: notebook.document, folder: currentFolder()), real)
  }

  /// Whether one of the notebook's systems may be served with these real programs.
  func permits(_ system: SystemSpec, real: [RealComponent]) -> Bool {
    isTrustedForNow || permits(executableParts(of: system, in: notebook.document, folder: currentFolder()), real)
  }

  private func permits(_ parts: [ExecutablePart], _ real: [RealComponent]) -> Bool {
    let needed = Self.needed(parts, real)
    if needed.isEmpty { return true }
    let verdict = Self.verdict(of: notebook, needed)
    if verdict.isTrusted { return true }
    if verdict.isOwnEdit, TrustQuestion.canAsk { return confirm(verdict) }
    Output.failure(refusal(verdict))
    return false
  }

  /// What runs now, of all that could.
  static func needed(_ parts: [ExecutablePart], _ real: [RealComponent]) -> [ExecutablePart] {
    parts.filter { part in
      switch part.kind {
      case .statement: real.contains(.postgres)
      case .component: real.contains { $0.rawValue == part.name }
      case .fence, .command, .file, .target: part.isAlwaysRun
      }
    }
  }

  /// - Parameter needed: what would run.
  static func verdict(of notebook: Notebook, _ needed: [ExecutablePart]) -> TrustVerdict {
    TrustVerdict(needed: needed, record: personalRecord(of: notebook.path), shipped: ShippedTrust.parts(of: notebook.lesson))
  }

  private func refusal(_ verdict: TrustVerdict) -> Diagnostic {
    let fresh = verdict.missing.map { part in
      let place = part.line.map { " (line \($0))" } ?? ""
      return "\(part.title)\(place)\(verdict.changed.contains(part) ? ", which has changed" : "")"
    }
    let cause =
      verdict.since.map { "what this notebook would execute is not what you trusted on \($0)" }
      ?? (verdict.changed.isEmpty ? "this notebook would execute code that you have not trusted" : "this notebook would execute other code than the one that came with nb")
    return Diagnostic(
      "not-trusted", .error, "\(cause): \(fresh.joined(separator: "; "))",
      remedy: "read it with `nb trust --show \(notebook.path)`; then `nb trust \(notebook.path)`, or once only: `--trust`", path: notebook.path)
  }

  /// Shows the learner's own edit once, and keeps the answer.
  private func confirm(_ verdict: TrustVerdict) -> Bool {
    let old = personalRecord(of: notebook.path)?.parts ?? []
    for part in verdict.missing {
      let before = old.first { $0.title == part.title }?.text
      let shown = before.map { unifiedDiff(Array($0.utf8), Array(part.text.utf8), name: part.name) } ?? part.text + "\n"
      Output.error("\(part.title) of \(notebook.path) has changed:\n\(printable(shown))")
    }
    guard TrustQuestion.ask("Run it as it is now? It is asked once for each change. [y/N] ") else {
      Output.failure(refusal(verdict))
      return false
    }
    do throws(FileError) {
      try keepTrust(in: notebook.path, executableParts(of: notebook.plan.cells, in: notebook.document, folder: currentFolder()), only: verdict.missing)
    } catch { Output.failure(error.diagnostic) }
    return true
  }
}

/// Hosts of the course's `targets:`, and which of them this person trusted.
struct TrustedTargets {
  /// Whether it is there or not.
  let courseFile: String
  let parts: [ExecutablePart]

  init(_ workspace: Workspace) {
    courseFile = workspace.courseFile
    var findings = Diagnostics()
    let source = try? SourceText(contentsOf: workspace.courseFile)
    parts = targetParts(source.map { Course(yaml: $0, diagnostics: &findings).targets } ?? [])
  }

  func names(_ host: String) -> Bool { parts.contains { $0.name == host } }

  func permits(_ host: String) -> Bool {
    guard let part = parts.first(where: { $0.name == host }) else { return false }
    return TrustVerdict(needed: [part], record: personalRecord(of: courseFile), shipped: [:]).isTrusted
  }

  /// Why `host` may not be reached, with what to do about it.
  ///
  /// - Parameter reason: why that matters.
  func refusal(_ host: String, _ reason: String) -> Diagnostic {
    names(host)
      ? Diagnostic(
        "target-not-permitted", .error, "\(courseFile) names \(host) under `targets:`, which you have not trusted; \(reason)",
        remedy: "if it is yours: `nb trust \(courseFile)`, or once only: --i-own \(host)")
      : Diagnostic(
        "target-not-permitted", .error, "\(host) is not this machine, and \(reason)",
        remedy: "if it is yours: --i-own \(host), or `targets: [\(host)]` in course.yml and `nb trust` it")
  }
}

/// The person's own record; nil also where there is no state folder: then nothing is trusted.
func personalRecord(of path: String) -> TrustRecord? {
  (try? TrustStore(environment: ProcessInfo.processInfo.environment))?.record(of: resolvedPath(path))
}

/// Writes what is trusted of a file from now on.
///
/// - Parameter fresh: with what was trusted before; nil: exactly `parts`.
func keepTrust(in path: String, _ parts: [ExecutablePart], only fresh: [ExecutablePart]? = nil) throws(FileError) {
  let store = try TrustStore(environment: ProcessInfo.processInfo.environment)
  let path = resolvedPath(path)
  var kept = parts
  if let fresh {
    let old = Set(store.record(of: path)?.parts.map(\.digest) ?? []).union(fresh.map(\.digest))
    kept = parts.filter { old.contains($0.digest) }
  }
  try store.keep(TrustRecord(path: path, since: today(), parts: kept))
}

func currentFolder() -> String { FileManager.default.currentDirectoryPath }

/// A question at the terminal.
enum TrustQuestion {
  static var canAsk: Bool { isatty(0) == 1 && isatty(2) == 1 }

  /// - Returns: true only for a clear yes.
  static func ask(_ question: String) -> Bool {
    Output.error(question)
    guard let answer = readLine()?.trimmingCharacters(in: .whitespaces).lowercased() else { return false }
    return answer == "y" || answer == "yes"
  }
}

// `nb trust`: what a notebook would execute, and that this person lets it.

import ArgumentParser
import Foundation
import TextModel
import Trust

struct TrustCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "trust", abstract: "Let a notebook execute its code, or see what that would be.",
    discussion: """
      nb trust day08.md             its code fences, commands and SQL may run, as they are now
      nb trust --show day08.md      what that is; trusts nothing
      nb trust Notebooks/course.yml its `targets:` may be loaded
      nb trust --list               what you have trusted
      nb trust --withdraw day08.md  no longer

      Trust is given to exactly what runs, by SHA-256: an edit of the prose keeps it, an edit of a fence loses it. It is kept in \
      $XDG_STATE_HOME/nb/trust or ~/.local/state/nb/trust, never in the project. The course that comes with nb is trusted as it came.
      """)

  @Argument(help: "Notebooks, or a course.yml.") var files: [String] = []
  @Flag(help: "List what would run, in full; trust nothing.") var show = false
  @Flag(help: "List what you have trusted.") var list = false
  @Flag(help: "Trust these no longer.") var withdraw = false
  @Flag(help: "With --show or --list: JSON, one object a part.") var json = false
  @Flag(help: .hidden) var digests = false

  func validate() throws {
    guard [show, list, withdraw, digests].count(where: { $0 }) <= 1 else { throw ValidationError("choose one of --show, --list and --withdraw") }
    if list != files.isEmpty { throw ValidationError(list ? "--list takes no files" : "name a notebook, such as nb trust day08.md") }
    if json, !show, !list { throw ValidationError("--json goes with --show or --list") }
  }

  func run() throws {
    do throws(FileError) {
      let store = try TrustStore(environment: ProcessInfo.processInfo.environment)
      if list { return try printRecords(store) }
      for file in files {
        let path = Workspace.find(file)
        if withdraw {
          Output.standard(store.forget(resolvedPath(path)) ? "\(path): no longer trusted\n" : "\(path): was not trusted by you\n")
          continue
        }
        let (parts, lesson) = try parts(of: path)
        if digests {
          // What ships is for every run: with real programs, and without.
          Output.standard(parts.map { ShippedTrust.line(of: $0, in: lesson) }.joined())
        } else if show {
          try printParts(parts, of: path, lesson)
        } else {
          try keepTrust(in: path, parts)
          Output.standard(Self.summary(parts, path))
          try trustTargets(besides: path)
        }
      }
    } catch {
      Output.failure(error.diagnostic)
      throw Exit.failed
    }
  }

  /// What a notebook would execute, or which hosts a course file names; and what it is called in the shipped list.
  private func parts(of path: String) throws(FileError) -> ([ExecutablePart], lesson: String) {
    if path.hasSuffix(".yml") {
      _ = try SourceText(contentsOf: path)
      return (TrustedTargets(Workspace(for: path)).parts, "")
    }
    let notebook = try Notebook(path)
    if notebook.diagnostics.hasErrors {
      Output.diagnostics(notebook.diagnostics, in: notebook.source)
      throw FileError(
        "run-failed", "a notebook with mistakes is not trusted: what it would execute is not known", remedy: "mend them first", path: path)
    }
    return (executableParts(of: notebook.plan.cells, in: notebook.document, folder: currentFolder()), notebook.lesson)
  }

  /// A notebook's course may name hosts; they are trusted with it, and said.
  private func trustTargets(besides path: String) throws(FileError) {
    guard !path.hasSuffix(".yml") else { return }
    let targets = TrustedTargets(Workspace(for: path))
    guard !targets.parts.isEmpty else { return }
    try keepTrust(in: targets.courseFile, targets.parts)
    Output.standard(Self.summary(targets.parts, targets.courseFile))
  }

  private static func summary(_ parts: [ExecutablePart], _ path: String) -> String {
    guard !parts.isEmpty else { return "\(path) executes nothing: there is nothing to trust\n" }
    return "\(path): trusted from now on, as it is:\n" + parts.map { "  \(printable($0.title))\($0.line.map { " (line \($0))" } ?? "")\n" }.joined()
  }

  private func printParts(_ parts: [ExecutablePart], of path: String, _ lesson: String) throws(FileError) {
    let verdict = TrustVerdict(needed: parts, record: personalRecord(of: path), shipped: ShippedTrust.parts(of: lesson))
    if json {
      do { for part in parts { try Output.json(ShownPart(path: path, part: part, isTrusted: !verdict.missing.contains(part))) } } catch {
        throw FileError("write-failed", "a part cannot be written as JSON: \(error)", remedy: nil, path: path)
      }
      return
    }
    if parts.isEmpty { Output.standard("\(path) executes nothing: there is nothing to trust\n") }
    for part in parts {
      let state = !verdict.missing.contains(part) ? "trusted" : verdict.changed.contains(part) ? "changed since it was trusted" : "not trusted"
      let only = part.isAlwaysRun ? "" : part.kind == .target ? "; only `nb load` and `nb observe export`" : "; only with --real"
      Output.standard("\(path)\(part.line.map { ":\($0)" } ?? ""): \(printable(part.title)): \(state)\(only)\n")
      let lines = part.text.split(separator: "\n", omittingEmptySubsequences: false)
      Output.standard(lines.map { "    \(printable(String($0)))\n" }.joined())
    }
  }

  private func printRecords(_ store: TrustStore) throws(FileError) {
    let records = store.all()
    if records.isEmpty, !json { Output.standard("nothing is trusted but the course that came with nb; records would be in \(store.folder)\n") }
    for record in records {
      if json {
        do { try Output.json(record) } catch { throw FileError("write-failed", "\(error)", remedy: nil, path: record.path) }
      } else {
        Output.standard("\(record.path): since \(record.since), \(record.parts.count) part\(record.parts.count == 1 ? "" : "s")\n")
      }
    }
  }
}

private struct ShownPart: Encodable {
  var path: String
  var part: ExecutablePart
  var isTrusted: Bool
}

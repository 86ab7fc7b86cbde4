// `nb status`: what is measured, what is stale and why. Reads notebooks and saved results; measures nothing.

import ArgumentParser
import ExperimentModel
import Foundation
import PerfLanguage
import Reporting
import ResultStore
import TextModel

struct StatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "What is measured, and what is stale and why; measures nothing.",
    discussion: """
      nb status                 a line for each notebook of the course here, and each block that is not current
      nb status day08.md        every block
      nb status --json          one object a block

      A result keeps digests of its block, system, fences, data and facts, so that what changed can be named. One from before nb \
      kept them is known to be stale and not why.
      """)

  @Argument(help: "Notebooks; none: all of the course here.") var files: [String] = []
  @Flag(help: "Every block, also the current ones.") var all = false
  @Flag(help: "One JSON object a block on stdout.") var json = false
  @OptionGroup var learner: LearnerOptions

  func run() throws {
    var failed = false
    let style = TerminalStyle(color: isatty(1) == 1 && getenv("NO_COLOR") == nil)
    for file in files.isEmpty ? lessonFiles(Workspace.here) : files {
      do throws(FileError) {
        let notebook = try Notebook(file, learnerSeed: learner.learnerSeed)
        if notebook.diagnostics.hasErrors {
          // Blocks with mistakes have no question, and so no state.
          Output.diagnostics(notebook.diagnostics, in: notebook.source)
          failed = true
        }
        let blocks = statuses(notebook)
        if json {
          for one in blocks { try printJSON(one) }
        } else {
          Output.standard(text(notebook, blocks, isWhole: all || !files.isEmpty, style))
        }
      } catch {
        Output.failure(error.diagnostic)
        failed = true
      }
    }
    if failed { throw Exit.failed }
  }

  private func printJSON(_ one: BlockStatus) throws(FileError) {
    do { try Output.json(one) } catch { throw FileError("write-failed", "\(error)", remedy: nil, path: one.lesson) }
  }

  private func statuses(_ notebook: Notebook) -> [BlockStatus] {
    let parts = Planner(notebook.context).questionParts(of: notebook.document)
    let known = KnownResults(written: notebook.savedResults(), stored: notebook.storedResults())
    let regions = Dictionary(notebook.document.regions.map { ($0.id, $0) }, uniquingKeysWith: { a, _ in a })
    let cells = notebook.plan.cells
    var all = cells.map { blockStatus($0, lesson: notebook.lesson, known, regions[$0.id], parts: parts[$0.id] ?? [:]) }
    // What is computed from a stale result is as old as that; each round carries it one reader further.
    for _ in cells {
      let old = Set(all.filter { $0.state != .current }.map(\.block))
      for i in cells.indices where all[i].state == .current && cells[i].work.kind != "check" {
        guard let source = cells[i].needs.first(where: old.contains) else { continue }
        all[i].state = .stale
        all[i].reasons = ["it reads `\(source)`, which has no result for its present question"]
      }
    }
    return all
  }

  private func text(_ notebook: Notebook, _ blocks: [BlockStatus], isWhole: Bool, _ style: TerminalStyle) -> String {
    let current = blocks.count { $0.state == .current }
    let quick = blocks.count { $0.quick }
    var out = "\(notebook.path): \(current) of \(blocks.count) blocks current\(quick > 0 ? ", \(quick) from a quick run" : "")\n"
    let shown = isWhole ? blocks : blocks.filter { $0.state != .current || !$0.notes.isEmpty }
    guard !shown.isEmpty else { return out }
    let rows = shown.map { one in
      [one.state.rawValue + (one.quick ? " (quick)" : ""), one.block, one.kind, (one.reasons + one.notes).joined(separator: "; ")]
    }
    let emphasised = Set(shown.indices.filter { shown[$0].state != .current })
    out += columnsText(titles: ["state", "block", "kind", "why"], rows: rows, emphasised: emphasised, style: style)
    return out
  }
}

extension Notebook {
  /// The newest result of each block in the store, failures among them; empty where there is no store.
  func storedResults() -> [String: CellResult] {
    guard let store = workspace.storeToRead() else { return [:] }
    return (try? store.latest(lesson: lesson)) ?? [:]
  }
}

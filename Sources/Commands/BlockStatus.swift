// Where a block stands between its question and what is written of it: what `nb status` says. Values in, words out.

import DocumentModel
import ExperimentModel
import PerfLanguage
import Reporting
import TextModel

/// One executing block. Encoded as `nb status --json` prints it.
struct BlockStatus: Encodable, Sendable {
  enum State: String, Encodable, Sendable {
    case current
    case stale
    case neverRun = "never run"
    case failed
    case invalid
    case notRunHere = "not run here"
  }

  var lesson: String
  var block: String
  var kind: String
  var state: State
  /// What changed since, or why it failed; empty when current.
  var reasons: [String] = []
  /// The result that counts is of a quick run.
  var quick = false
  /// About the notebook's text beside the result: hand edits, what is measured and not written, what was measured since.
  var notes: [String] = []
}

/// What is known of a notebook's results, by where it is kept.
struct KnownResults {
  /// `results/NAME.json`, which is what the notebook shows.
  var written: [String: CellResult]
  /// The newest of each block in `.nb/results.sqlite`; empty where nothing was ever run.
  var stored: [String: CellResult]
}

/// - Parameter parts: of today's questions (QuestionParts.swift).
func blockStatus(_ cell: Cell, lesson: String, _ known: KnownResults, _ region: ResultRegion?, parts: [String: String]) -> BlockStatus {
  var status = BlockStatus(lesson: lesson, block: cell.id, kind: cell.work.kind, state: .neverRun)
  let written = known.written[cell.id]
  let stored = known.stored[cell.id]
  if let result = written ?? stored.flatMap({ $0.hasNumbers || $0.unmet != nil ? $0 : nil }) {
    status.quick = result.quick
    if result.inputs == cell.inputs {
      status.state = result.unmet != nil ? .notRunHere : result.validity == .invalid ? .invalid : .current
      if let unmet = result.unmet { status.reasons.append("it needs \(unmet)") }
    } else {
      status.state = .stale
      status.reasons = staleReasons(result, parts)
    }
  }
  // The last run of today's question counts where it came to nothing.
  if let stored, stored.inputs == cell.inputs {
    if let failure = stored.failure {
      status.state = .failed
      status.reasons = [failure]
    } else if stored.validity == .invalid {
      status.state = .invalid
      status.reasons = [stored.validityReason ?? "the generator fell behind"]
    }
  }
  addNotes(cell, written, stored, region, &status)
  return status
}

private func staleReasons(_ result: CellResult, _ parts: [String: String]) -> [String] {
  if result.components != nil { return ["it was measured with \(result.components?.joined(separator: ", ") ?? "real programs"), which is another question"] }
  guard let changed = changedParts(from: result.parts, to: parts) else {
    return ["the question changed; what of it is not known, because the result is from before nb kept that"]
  }
  return changed.isEmpty ? ["nothing in the notebook: this nb fills in another default, or resolves a preset otherwise"] : changed
}

private func addNotes(_ cell: Cell, _ written: CellResult?, _ stored: CellResult?, _ region: ResultRegion?, _ status: inout BlockStatus) {
  if let region, !region.isSealed { status.notes.append("its results were edited by hand") }
  if let stored, stored.hasNumbers, stored.inputs == cell.inputs {
    if written?.inputs != cell.inputs {
      status.notes.append("measured, and not written: see `nb run`")
    } else if let written, let difference = firstDifference(stored, written) {
      status.notes.append("the last run differs from what is written: \(difference)")
    }
  }
  guard let written else { return }
  if region == nil { status.notes.append("measured, and not in the notebook: `nb run` writes it") }
  if let region, region.inputs != written.inputs { status.notes.append("the notebook shows another result than its results file") }
}

// Predictions against measurements, over whole notebooks: what `nb verify` prints.

import ExperimentModel

/// One prediction of a block, as its last result judged it.
public struct VerifiedPrediction: Codable, Hashable, Sendable {
  /// `day08`
  public var lesson: String
  public var block: String
  /// `queue.mean = twin ± 10 %`
  public var prediction: String
  public var measured: MetricValue?
  public var outcome: Outcome
  /// Why nothing is known, or what is to be known about it; nil: nothing.
  public var note: String?
  public init(lesson: String, block: String, prediction: String, measured: MetricValue?, outcome: Outcome, note: String? = nil) {
    self.lesson = lesson; self.block = block; self.prediction = prediction; self.measured = measured; self.outcome = outcome
    self.note = note
  }
}

extension VerifiedPrediction {
  /// The predictions of a cell.
  ///
  /// - Parameter result: its last one; one that answers an older question counts as none.
  public static func all(of cell: Cell, in lesson: String, result: CellResult?) -> [VerifiedPrediction] {
    guard !cell.expects.isEmpty else { return [] }
    func unknown(_ note: String) -> [VerifiedPrediction] {
      cell.expects.map { expectation in
        let place = (expectation.address.arm + [expectation.address.metric]).joined(separator: ".")
        return VerifiedPrediction(lesson: lesson, block: cell.id, prediction: place, measured: nil, outcome: .inconclusive, note: note)
      }
    }
    guard let result else { return unknown("not measured") }
    if let unmet = result.unmet { return unknown("not run here: needs \(unmet)") }
    guard result.inputs == cell.inputs else { return unknown("measured before the block was changed") }
    return result.expects.map { one in
      VerifiedPrediction(
        lesson: lesson, block: cell.id, prediction: one.text, measured: one.measured, outcome: one.outcome, note: result.quick ? "from a quick run" : nil)
    }
  }
}

/// A line for each prediction and a closing count, for a terminal.
public func verificationText(_ predictions: [VerifiedPrediction], style: TerminalStyle = TerminalStyle()) -> String {
  guard !predictions.isEmpty else { return "There is no prediction: no block has `expect`.\n" }
  let rows = predictions.map { one in
    [
      one.outcome.rawValue, "\(one.lesson)/\(one.block)", one.prediction,
      [one.measured.map { format($0.estimate, $0.unit, interval: true) }, one.note].compactMap { $0 }.joined(separator: ", "),
    ]
  }
  let failed = Set(predictions.indices.filter { predictions[$0].outcome == .fail })
  let counts = [Outcome.pass, .fail, .inconclusive].map { outcome in predictions.count { $0.outcome == outcome } }
  return columnsText(titles: ["outcome", "block", "prediction", "measured"], rows: rows, emphasised: failed, style: style)
    + "\(predictions.count) predictions: \(counts[0]) hold, \(counts[1]) do not, \(counts[2]) are open\n"
}

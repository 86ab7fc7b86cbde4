// One live line on a terminal (rate, p99, time left); otherwise a plain line for each finished cell.

import ExperimentModel
import ExperimentRunner
import Reporting

final class Progress {
  private let quiet: Bool
  private let live: Bool
  private var heading = ""
  /// Of the blocks that have finished, compiling not counted.
  private var took = Nanoseconds.zero

  init(quiet: Bool) {
    self.quiet = quiet
    live = Output.errorIsTerminal && !quiet
  }

  func show(_ event: RunEvent) {
    guard !quiet else { return }
    switch event {
    case .started(let id, let kind, let index, let count):
      heading = "[\(index)/\(count)] \(id) (\(kind))"
      if live { line(heading) }
    case .progress(_, let note, let rate, let p99, let left):
      guard live else { return }
      var text = "\(heading)  \(note)"
      if let rate { text += "  \(format(MetricValue(Estimate(rate), .perSecond)))" }
      if let p99 { text += "  p99 \(format(MetricValue(Estimate(Double(p99.rawValue)), .nanoseconds)))" }
      if let left { text += "  \(format(MetricValue(Estimate(Double(left.rawValue)), .nanoseconds))) left" }
      line(text)
    case .finished(let result, let took, let declared):
      if live { Output.error("\r\u{1B}[K") }
      Output.error("\(heading)  \(Self.summary(result))  \(Self.text(took))\n")
      self.took = self.took + took
      // A tenth more is what a machine that is busy takes, and no mistake of the author.
      if let declared, took.seconds > 1.1 * declared.seconds + 0.1 {
        Output.error("warning: `\(result.id)` took \(Self.text(took)) and declares \(Self.text(declared)); shorten it, or correct its `block_time`\n")
      }
    }
  }

  /// The whole run beside what the lesson allows itself.
  func sum(of blocks: Int, allowed: Nanoseconds?) {
    guard !quiet, blocks > 0 else { return }
    let limit = allowed.map { ", of \(Self.text($0)) that the lesson declares" } ?? ""
    Output.error("the blocks took \(Self.text(took))\(limit); compiling is not counted\n")
  }

  private static func text(_ time: Nanoseconds) -> String { format(MetricValue(Estimate(Double(time.rawValue)), .nanoseconds)) }

  private func line(_ text: String) { Output.error("\r\u{1B}[K\(String(text.prefix(110)))") }

  /// What a cell came to, in a few words.
  static func summary(_ result: CellResult) -> String {
    if let failure = result.failure { return "FAILED: \(failure)" }
    if let unmet = result.unmet { return "not run here: needs \(unmet)" }
    if result.validity == .invalid { return "INVALID: \(result.validityReason ?? "")" }
    var parts: [String] = []
    for comparison in result.comparisons {
      let ratio = comparison.ratio[comparison.metric].map { " " + format($0, .ratio, interval: true) } ?? ""
      parts.append("\(comparison.candidate) \(comparison.verdict.rawValue)\(ratio)")
    }
    if parts.isEmpty, let arm = result.arms.first(where: { !$0.name.isEmpty }), let column = result.columns.first,
      let value = arm.metrics[column]
    {
      // The row that is `top` to addresses has a name of its own.
      parts.append("\(arm.label ?? arm.name) \(column) \(format(value))")
    } else if parts.isEmpty, result.columns.isEmpty, let whole = result.arms.first(where: { $0.name.isEmpty }), result.kind == "observe" {
      parts.append(whole.metrics.sorted { $0.key < $1.key }.prefix(3).map { "\($0.key) \(format($0.value))" }.joined(separator: "  "))
    }
    func count(_ judged: [JudgementResult], _ word: String) {
      guard !judged.isEmpty else { return }
      let passed = judged.filter { $0.outcome == .pass }.count
      parts.append("\(passed)/\(judged.count) \(word)")
    }
    count(result.thresholds, "thresholds")
    count(result.expects, "predictions")
    if result.validity == .degraded { parts.append("DEGRADED: \(result.validityReason ?? "")") }
    if let machine = result.machine, machine != .quiet { parts.append("machine \(machine.rawValue)") }
    return parts.joined(separator: "  ")
  }
}

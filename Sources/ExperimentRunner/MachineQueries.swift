// Questions whose answers are words: this machine as an instrument, and what a database said that it would do.

import ExperimentModel
import Foundation
import MeasureKernel

extension Runner {
  /// What `nb doctor` finds, as a table.
  func examine(into result: inout CellResult) {
    // The folder of the state may not be there yet; the disk is that of the next one above.
    var folder = URL(fileURLWithPath: options.fenceCache)
    while folder.path != "/", access(folder.path, W_OK) != 0 { folder.deleteLastPathComponent() }
    let findings = examineMachine(folder: folder.path, tools: false)
    result.rowLabel = "property"
    result.labelColumns = ["property", "verdict", "value"]
    for one in findings {
      var arm = ArmResult(name: one.id, metrics: [:], label: one.item)
      arm.labels = [one.item, one.verdict.rawValue, one.value]
      result.arms.append(arm)
    }
    func count(_ verdict: MachineFinding.Verdict) -> MetricValue { MetricValue(Estimate(Double(findings.count { $0.verdict == verdict })), .count) }
    result.arms.append(ArmResult(name: "", metrics: ["cautions": count(.caution), "unknowns": count(.unknown)]))
    result.doubts += findings.filter { $0.verdict == .caution }.map { one in
      Doubt(id: one.id, text: [one.item, one.effect].compactMap { $0 }.joined(separator: ": ") + (one.remedy.map { "; \($0)" } ?? ""))
    }
  }

  /// The plans that a bench block noted of its SQL subjects, a row for each step.
  func readPlans(_ from: String, _ bench: CellResult?, into result: inout CellResult) throws {
    guard let bench, bench.failure == nil else { throw CellFailure("`\(from)` has no result to ask", remedy: "run it: `nb run --only \(from)`") }
    result.rowLabel = "subject"
    result.labelColumns = ["subject", "step"]
    var steps: [String] = []
    for (subject, plan) in bench.doubts.compactMap({ Self.plan(in: $0.text) }) {
      for step in plan {
        var arm = ArmResult(name: "\(subject) \(steps.count + 1)", metrics: [:])
        arm.labels = [subject, step]
        result.arms.append(arm)
        steps.append(step)
      }
    }
    guard !steps.isEmpty else { throw CellFailure("`\(from)` noted no plan", remedy: "ask a bench block whose statements read") }
    func count(_ word: String) -> MetricValue { MetricValue(Estimate(Double(steps.count { $0.hasPrefix(word) })), .count) }
    result.arms.append(ArmResult(name: "", metrics: ["scans": count("SCAN"), "searches": count("SEARCH")]))
    result.doubts.append(Doubt(id: "recorded", text: "what SQLite said when `\(from)` prepared its statements; nothing was measured again"))
  }

  /// `indexed: plan: SEARCH a; SCAN b`
  static func plan(in note: String) -> (subject: String, steps: [String])? {
    guard let mark = note.firstRange(of: ": plan: ") else { return nil }
    let steps = note[mark.upperBound...].split(separator: ";").map { String($0.drop { $0 == " " }) }
    return (String(note[..<mark.lowerBound]), steps.filter { !$0.isEmpty })
  }
}

// Gates as `nb grade` prints them.

import ExperimentModel

/// A line for each gate and a closing count, for a terminal.
public func gradeText(_ gates: [GradedGate], style: TerminalStyle = TerminalStyle()) -> String {
  guard !gates.isEmpty else { return "There is nothing to grade: no block has `gate`.\n" }
  let rows = gates.map { one in
    [one.state.rawValue, "\(one.lesson)/\(one.block)", one.gate, [one.measured.map { format($0.estimate, $0.unit, interval: true) }, one.note].compactMap { $0 }.joined(separator: ", ")]
  }
  let failed = Set(gates.indices.filter { gates[$0].state == .fail })
  func count(_ states: GradedGate.State...) -> Int { gates.count { states.contains($0.state) } }
  return columnsText(titles: ["outcome", "block", "gate", "measured"], rows: rows, emphasised: failed, style: style)
    + "\(gates.count) gates: \(count(.pass)) pass, \(count(.fail)) fail, \(count(.inconclusive)) are open, \(count(.notRun, .stale)) have no result\n"
}

// `nb selfcheck`: the method's promises kept by this machine, now, with work of a known amount; with --full the seeded proofs
// of the same promises too. A share of few trials comes with its interval; a bound counts as broken when the whole
// interval lies beyond it. Proofs have as many trials as their bound was stated for, and are taken at their word.

import ArgumentParser
import ExperimentModel
import ExperimentRunner
import Foundation
import MeasureKernel
import Reporting
import Statistics
import TextModel

struct SelfcheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "selfcheck", abstract: "False findings, coverage and power of comparisons on this machine.",
    discussion: "Takes up to 20 seconds, with --full some minutes more. Exit 2: a promise is broken.")

  @Flag(help: "The seeded proofs as well: thousands of simulated measurements of known truth.") var full = false
  @Flag(help: "One JSON object a row on stdout, nothing else.") var json = false
  @Flag(help: "Only ASCII characters.") var ascii = false
  @Flag(help: "No progress.") var quiet = false

  /// A row of the table, of either kind.
  struct Row: Encodable {
    var source: String
    var name: String
    /// A share, or a ratio where the name says so.
    var observed: Double
    var trials: Int
    var low: Double?
    var high: Double?
    var bound: Double?
    /// `at least` or `at most`; nil: only told.
    var direction: String?
    var holds: Bool
  }

  func run() throws {
    Interrupts.watch()
    let live = Output.errorIsTerminal && !quiet
    func progress(_ text: String) {
      if live { Output.error("\r\u{1B}[K\(text.prefix(100))") }
    }
    progress("measuring known work")
    let plan = SelfCheckPlan()
    let report = selfCheck(
      plan, progress: { progress("measuring known work: \($0) of \(plan.comparisons)") }, cancelled: { Interrupts.requested })
    var rows = report.rows.map(Self.row)
    if full {
      for proof in SelfProof.all + simulationProofs where !Interrupts.requested {
        progress("proving: \(proof.title)")
        rows += proof.rows(proof.trials).map(Self.row)
      }
    }
    if live { Output.error("\r\u{1B}[K") }
    try json ? printJSON(rows, report) : printTable(rows, report)
    if Interrupts.requested { throw Exit.interrupted }
    if rows.contains(where: { !$0.holds }) { throw Exit.threshold }
  }

  // MARK: Rows

  private static func row(_ row: SelfCheckRow) -> Row {
    Row(
      source: "this machine", name: row.name, observed: row.share, trials: row.trials, low: row.low, high: row.high, bound: row.bound,
      direction: row.bound.map { _ in row.isCeiling ? "at most" : "at least" }, holds: row.holds)
  }

  private static func row(_ row: ProofRow) -> Row {
    let isCeiling = if case .atMost = row.bound { true } else { false }
    // A ratio above 1 has no binomial interval.
    let isShare = row.limit < 1 && (0...1).contains(row.observed)
    let interval = isShare ? wilsonInterval(successes: Int((row.observed * Double(row.trials)).rounded()), of: row.trials) : nil
    return Row(
      source: "proof", name: row.name, observed: row.observed, trials: row.trials, low: interval?.low, high: interval?.high,
      bound: row.limit, direction: isCeiling ? "at most" : "at least", holds: row.holds)
  }

  // MARK: Text

  private func printJSON(_ rows: [Row], _ report: SelfCheckReport) throws {
    struct Machine: Encodable {
      var source = "machine"
      var state: String?
      var receipt: String
      var comparisons: Int
      var pairs: Int
      var halfWidth: Double?
      var detectable: Double?
    }
    let machine = Machine(
      state: report.machine.state?.rawValue, receipt: report.machine.text, comparisons: report.comparisons, pairs: report.pairs,
      halfWidth: report.halfWidth, detectable: report.detectable)
    try Output.json(machine)
    for row in rows { try Output.json(row) }
  }

  private func printTable(_ rows: [Row], _ report: SelfCheckReport) throws {
    let style = TerminalStyle(ascii: ascii, color: isatty(1) == 1 && getenv("NO_COLOR") == nil)
    let cells = rows.map { row in
      [
        row.source, row.name, Self.number(row.observed, row), "\(row.trials)",
        row.low.flatMap { low in row.high.map { "[\(Self.percent(low)), \(Self.percent($0))]" } } ?? "",
        row.bound.map { "\(row.direction ?? "") \(Self.number($0, row))" } ?? "told only", row.bound == nil ? "" : row.holds ? "holds" : "BROKEN",
      ]
    }
    Output.standard(
      columnsText(
        titles: ["source", "what", "observed", "trials", "95 % interval", "bound", "verdict"], rows: cells,
        emphasised: Set(rows.indices.filter { !rows[$0].holds }), rightAligned: [2, 3], style: style))
    var closing = "\n\(report.comparisons) comparisons of each kind, \(report.pairs) pairs each"
    if let width = report.halfWidth { closing += "; middle interval ±\(Self.percent(width, decimals: 2))" }
    if let least = report.detectable { closing += ", finds \(Self.percent(least, decimals: 2)) four times in five" }
    closing += "\nmachine \(report.machine.state?.rawValue ?? "unknown"): \(report.machine.text)\n"
    let broken = rows.count { !$0.holds }
    closing += broken == 0 ? "no promise is broken\n" : "\(broken) promise\(broken == 1 ? " is" : "s are") broken\n"
    if broken > 0, report.machine.state != .quiet { closing += "the machine is not quiet: stop other work (`nb doctor`) and try again\n" }
    Output.standard(ascii ? closing.replacingOccurrences(of: "±", with: "+-") : closing)
  }

  private static func number(_ value: Double, _ row: Row) -> String {
    (row.bound ?? 0) < 1 && value <= 1 ? percent(value) : String(format: "%.3f", value)
  }

  private static func percent(_ share: Double, decimals: Int = 1) -> String { String(format: "%.\(decimals)f %%", share * 100) }
}

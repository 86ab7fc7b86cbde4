// What a page that is published must not show: a claim that no measurement bears out, a number of an older question, a
// place for a number that was never measured. `nb check --strict` and `nb build --strict` refuse these; without it they are
// the ordinary state of a notebook that is being written.

import DocumentModel
import ExperimentModel
import PerfLanguage
import Reporting
import TextModel

/// All strict findings of a notebook, as errors, in the order of its text.
///
/// - Parameter status: what the results say about a claim; nil: nothing.
public func strictFindings(of notebook: CheckedNotebook, status: (Claim, [String: CellResult]) -> ClaimStatus?) -> Diagnostics {
  var strict = StrictRules(notebook)
  strict.checkBlocks()
  strict.checkClaims(status)
  strict.checkValues(status)
  strict.checkRegions()
  var findings = Diagnostics()
  findings.add(contentsOf: strict.findings.ordered)
  return findings
}

private struct StrictRules {
  let notebook: CheckedNotebook
  var findings = Diagnostics()
  private let cells: [String: Cell]
  /// Results that answer what the notebook asks now.
  private let current: [String: CellResult]

  init(_ notebook: CheckedNotebook) {
    self.notebook = notebook
    let byID = Dictionary(notebook.plan.cells.map { ($0.id, $0) }, uniquingKeysWith: { a, _ in a })
    cells = byID
    // What is computed from a stale result is as old as that.
    func isCurrent(_ id: String, _ above: Set<String>) -> Bool {
      guard let cell = byID[id], let result = notebook.results[id], result.inputs == cell.inputs else { return false }
      guard cell.work.kind != "check", !above.contains(id) else { return true }
      return cell.needs.allSatisfy { isCurrent($0, above.union([id])) }
    }
    current = notebook.results.filter { isCurrent($0.key, []) }
  }

  private mutating func add(_ id: DiagnosticID, _ cause: String, _ remedy: String, at place: SourceRange) {
    findings.add(Diagnostic(id, .error, cause, remedy: remedy, at: place))
  }

  private var path: String { notebook.source.path }

  mutating func checkBlocks() {
    for cell in notebook.plan.cells {
      let place = notebook.place(of: cell.id)
      guard let result = notebook.results[cell.id] else {
        add(RuleID.notMeasured, "`\(cell.id)` was never run", "nb run --only \(cell.id) \(path)", at: place)
        continue
      }
      if let failure = result.failure {
        add(RuleID.notMeasured, "the last run of `\(cell.id)` failed: \(failure)", "correct it, then nb run --only \(cell.id) \(path)", at: place)
      } else if let unmet = result.unmet {
        add(RuleID.notMeasured, "`\(cell.id)` was not run on this machine: it needs \(unmet)", "run it on a machine that has that", at: place)
      } else if result.validity == .invalid {
        let why = result.validityReason.map { ": \($0)" } ?? ""
        add(RuleID.notMeasured, "the last run of `\(cell.id)` was INVALID\(why)", "nb run --only \(cell.id) \(path)", at: place)
      } else if result.inputs != cell.inputs {
        add(
          RuleID.staleResult, "the saved result of `\(cell.id)` answers an older question: the block, its system, a fence or its data was edited since",
          "nb status \(path) says what changed; nb run --stale \(path) measures it again", at: place)
      } else if current[cell.id] == nil, let source = cell.needs.first(where: { current[$0] == nil }) {
        add(
          RuleID.staleResult, "the saved result of `\(cell.id)` was computed from `\(source)`, which has no result for its present question",
          "nb run --only \(source) \(path)", at: place)
      }
    }
  }

  mutating func checkClaims(_ status: (Claim, [String: CellResult]) -> ClaimStatus?) {
    guard let lesson = notebook.plan.lesson else { return }
    for claim in lesson.claims {
      let place = notebook.place(of: claim.id, in: lesson.id)
      let block = String(claim.verifiedBy.prefix { $0 != "." })
      switch status(claim, current) {
      case .verified, .simulated: continue
      case .notReproduced:
        add(
          RuleID.claimNotShown, "the claim `\(claim.id)` is not reproduced here: a condition of `\(claim.verifiedBy)` fails",
          "correct the claim, or find out why the machine disagrees: nb verify \(path)", at: place)
      case .inconclusive:
        add(
          RuleID.claimNotShown, "the claim `\(claim.id)` is inconclusive: an interval of `\(claim.verifiedBy)` reaches over its limit",
          "measure longer, or claim less", at: place)
      case nil:
        let isOld = notebook.results[block] != nil
        add(
          RuleID.claimNotShown, "the claim `\(claim.id)` is not shown: `\(block)` \(isOld ? "has no result for its present question" : "was never run")",
          "nb run --only \(block) \(path)", at: place)
      }
    }
  }

  mutating func checkValues(_ status: (Claim, [String: CellResult]) -> ClaimStatus?) {
    // Plain Markdown may hold other templates' braces.
    guard !notebook.document.perfFences.isEmpty else { return }
    for value in notebook.document.values {
      let wanted: String?
      switch value.kind {
      case .marketRegion:
        checkMarket(value)
        continue
      case .claim:
        let id = value.expression.split(separator: " ").last.map(String.init) ?? ""
        wanted = notebook.plan.lesson?.claims.first { $0.id == id }.flatMap { status($0, current) }.map(claimText)
      case .value:
        guard case .success(let address) = parseAddress(value.expression) else { continue }
        wanted = valueText(address, in: current)
      }
      check(value, wanted)
    }
  }

  private mutating func check(_ value: LiveValue, _ wanted: String?) {
    guard let shown = value.shown else {
      add(
        RuleID.unmeasuredValue, "`\(value.expression)` has no number yet", wanted == nil ? "run its block: nb run \(path)" : "it is measured: nb run --stale \(path) writes it",
        at: value.range)
      return
    }
    guard let wanted else {
      add(
        RuleID.staleValue, "the prose says \(shown), and no result of the present question bears it out", "nb run --stale \(path)",
        at: value.range)
      return
    }
    let text = LiveValue.written(wanted)
    if text != shown {
      add(RuleID.staleValue, "the prose says \(shown), and the saved result says \(text)", "nb run --stale \(path) writes it", at: value.range)
    }
  }

  private mutating func checkMarket(_ value: LiveValue) {
    let day = value.expression.split(separator: " ").last.map(String.init) ?? notebook.stem
    let facts = notebook.facts.filter { $0.usedBy.contains(day) }
    guard !facts.isEmpty else { return }
    guard let shown = value.shown else {
      add(RuleID.unmeasuredValue, "the table of market facts is not written yet", "nb run --stale \(path) writes it", at: value.range)
      return
    }
    let lines = shown.split(whereSeparator: \.isNewline)
    if lines != marketTable(facts).split(whereSeparator: \.isNewline) {
      let first = notebook.source.contentRange(ofLine: notebook.source.line(at: value.range.lower))
      add(
        RuleID.staleValue, "the table of market facts is not what `market/facts.yml` says today", "nb run --stale \(path) writes it",
        at: first)
    }
  }

  mutating func checkRegions() {
    for region in notebook.document.regions where !region.isSealed {
      let marker = notebook.source.contentRange(ofLine: notebook.source.line(at: region.range.lower))
      add(
        RuleID.editedRegion, "the results of `\(region.id)` were edited by hand", "keep your text with nb accept \(path)#\(region.id), or discard it with nb run --overwrite",
        at: marker)
    }
  }
}

// Results → regions, live values, results file, log. The notebook is read again before every write:
// a cell whose question changed meanwhile keeps its text, and its result stays in the store only.

import DocumentModel
import ExperimentModel
import ExperimentRunner
import Foundation
import PerfLanguage
import Reporting
import TextModel

struct WriteBack {
  let path: String
  /// Where the notebook was when the run began, behind all links.
  private let place: String
  let overwrite: Bool
  /// What a cell asks in this run, where that differs from the notebook's own question: inputs by inputs.
  let questions: [String: String]
  /// A result replaces the saved one also where the two agree: it was measured for longer.
  let replacing: Bool
  private let learnerSeed: UInt64?
  /// What the notebook shows now, by cell.
  private(set) var shown: [String: CellResult]
  /// What is said above the last good table of cells whose last run failed or was INVALID, or of those that could not run here
  /// and have no table.
  private var notes: [String: (markdown: String, inputs: String)] = [:]
  /// Cells whose result replaced a saved one, with what differs; and how many agreed with theirs.
  private(set) var changed: [(id: String, difference: String)] = []
  private(set) var agreed = 0
  private var refusedAlready: Set<String> = []

  init(_ notebook: Notebook, overwrite: Bool, questions: [String: String] = [:], replacing: Bool = false) {
    path = notebook.path
    place = resolvedPath(notebook.path)
    self.replacing = replacing
    self.questions = questions
    self.overwrite = overwrite
    learnerSeed = notebook.context.learnerSeed
    shown = notebook.savedResults()
  }

  /// Takes one finished result: written unless it agrees with what is there.
  ///
  /// - Returns: findings to print, such as a region that a person edited.
  mutating func take(_ result: CellResult) throws(FileError) -> Diagnostics {
    // With a saved result the note is a part of it, so that a page which is built later says it too.
    shown[result.id]?.unmet = result.unmet
    if !result.hasNumbers {
      notes[result.id] = result.unmet != nil && shown[result.id] != nil ? nil : (regionMarkdown(result), result.inputs)
    } else {
      notes[result.id] = nil
      let old = shown[result.id]
      let difference = old.map { firstDifference(result, $0) }
      // Agreement keeps the old numbers: the file does not change for noise.
      if difference == .some(nil), !replacing { agreed += 1 } else { shown[result.id] = result.rounded() }
      if let text = difference ?? nil { changed.append((result.id, text)) }
    }
    return try write()
  }

  /// Why what is measured could not be written, as far as it can be known before; measuring takes minutes.
  var refusal: FileError? {
    let results = Workspace(for: path).results("")
    for place in [place, (results as NSString).deletingLastPathComponent] {
      let folder = (place as NSString).deletingLastPathComponent
      for one in [place, folder.isEmpty ? "." : folder] where access(one, W_OK) != 0 && errno != ENOENT {
        let cause = "nothing can be written there: \(String(cString: strerror(errno)))"
        return FileError("write-failed", cause, remedy: "nothing was measured; make it writable, or judge only, with `nb run --check`", path: one)
      }
    }
    return nil
  }

  /// Brings the notebook and its results file in line with `shown`.
  mutating func write() throws(FileError) -> Diagnostics {
    var findings = Diagnostics()
    let refused = try takingTurns(path) { () throws(FileError) in
      findings = Diagnostics()
      return try writeOnce(&findings)
    }
    refusedAlready.formUnion(refused)
    return findings
  }

  /// - Returns: regions that were left as they are.
  private func writeOnce(_ findings: inout Diagnostics) throws(FileError) -> Set<String> {
    let now = try Notebook(path, learnerSeed: learnerSeed)
    let standing = resolvedPath(path)
    guard standing == place else {
      throw FileError(
        "notebook-replaced", "it leads to \(standing) now, and led to \(place) when the run began; nothing was written there",
        remedy: "put the notebook back and run again", path: path)
    }
    var regions: [RegionText] = []
    let cells = Dictionary(now.plan.cells.map { ($0.id, $0) }, uniquingKeysWith: { a, _ in a })
    for block in now.planned.blocks {
      guard let cell = cells[block.id] else { continue }
      let inputs = questions[cell.inputs] ?? cell.inputs
      // A failure that answers an older question says nothing about this one.
      let note = notes[block.id].flatMap { $0.inputs == inputs ? $0.markdown : nil }
      if let result = shown[block.id] {
        guard result.inputs == inputs || note != nil || wasWritten(result, in: now) else { continue }
        var markdown = regionMarkdown(result)
        if let note { markdown = note + "\n\n" + markdown }
        regions.append(RegionText(id: block.id, inputs: result.inputs, markdown: markdown, after: block.fence))
      } else if let note {
        regions.append(RegionText(id: block.id, inputs: inputs, markdown: note, after: block.fence))
      }
    }
    for value in now.document.values where value.kind == .marketRegion {
      let day = value.expression.split(separator: " ").last.map(String.init) ?? now.stem
      let facts = now.facts.filter { $0.usedBy.contains(day) }
      guard !facts.isEmpty else { continue }
      let table = marketTable(facts)
      regions.append(RegionText(id: "market-\(day)", inputs: String(seal(Array(table.utf8)).prefix(10)), markdown: table, after: value.range))
    }
    let change = now.document.replacing(regions, values: values(now), overwrite: overwrite)
    for refused in change.refused where !refusedAlready.contains(refused.id) {
      findings.add(
        Diagnostic(
          "edited-region", .error, "the results of `\(refused.id)` were edited by hand; they are left as they are\n\(refused.diff)",
          remedy: "keep your text with `nb accept \(path)#\(refused.id)`, or discard it with `nb run --overwrite`",
          at: refused.range))
    }
    // The values before the tables that show them: a crash between the two leaves a notebook that the next run brings in line.
    try writeResults(now, &findings)
    try writeFileAtomically(path, now.source.applying(change.edits).bytes, replacing: now.source.bytes)
    return Set(change.refused.map(\.id))
  }

  /// A result whose region stands in the file already stays, also when the block was edited since:
  /// it then reads as stale.
  private func wasWritten(_ result: CellResult, in notebook: Notebook) -> Bool {
    notebook.document.regions.contains { $0.id == result.id && $0.inputs == result.inputs }
  }

  private func values(_ notebook: Notebook) -> [String: String] {
    var texts: [String: String] = [:]
    for value in notebook.document.values {
      switch value.kind {
      case .value:
        if case .success(let address) = parseAddress(value.expression), let text = valueText(address, in: shown) {
          texts[value.expression] = text
        }
      case .claim:
        let id = value.expression.split(separator: " ").last.map(String.init) ?? ""
        if let claim = notebook.plan.lesson?.claims.first(where: { $0.id == id }), let status = claimStatus(claim, in: shown) {
          texts[value.expression] = claimText(status)
        }
      case .marketRegion: break
      }
    }
    return texts
  }

  private func writeResults(_ notebook: Notebook, _ findings: inout Diagnostics) throws(FileError) {
    let ids = Set(notebook.plan.cells.map(\.id))
    let asked = metricsAsked(notebook)
    let results = notebook.plan.cells.compactMap { shown[$0.id] }.filter { ids.contains($0.id) }
      .map { $0.keeping(asked[$0.id] ?? []) }
    guard !results.isEmpty else { return }
    let target = notebook.workspace.results(notebook.stem)
    let bytes: [UInt8]
    do { bytes = try resultsJSON(results) } catch {
      // The notebook, the store and the page are written all the same.
      findings.add(Diagnostic("results-file", .warning, "the results file was not written: \(error)", path: target))
      return
    }
    try makeFolder((target as NSString).deletingLastPathComponent)
    try writeFileAtomically(target, bytes)
  }

  /// The metrics that anything in the notebook names, by block: what the results file keeps beside the
  /// tables' columns. The store has all of them.
  private func metricsAsked(_ notebook: Notebook) -> [String: Set<String>] {
    var names: [String: Set<String>] = [:]
    func ask(_ address: Address, in block: String) { names[address.block ?? block, default: []].insert(address.metric) }
    for cell in notebook.plan.cells {
      for address in cell.thresholds.map(\.address) + cell.gates.map(\.address) + cell.expects.map(\.address) {
        ask(address, in: cell.id)
      }
      if case .cost(let cost) = cell.work {
        for case .reference(let address) in Array(cost.inputs.values) + Array((cost.roi ?? [:]).values) { ask(address, in: cell.id) }
      }
    }
    for value in notebook.document.values where value.kind == .value {
      if case .success(let address) = parseAddress(value.expression) { ask(address, in: "") }
    }
    return names
  }
}

extension CellResult {
  /// Without the metrics that are neither a column nor among `names`.
  fileprivate func keeping(_ names: Set<String>) -> CellResult {
    var copy = self
    let kept = names.union(columns).union(comparisons.map(\.metric))
    for i in copy.arms.indices {
      if !copy.arms[i].name.isEmpty { copy.arms[i].metrics = copy.arms[i].metrics.filter { kept.contains($0.key) } }
      copy.arms[i].theory = copy.arms[i].theory.filter { kept.contains($0.key) }
      // What the table of requests shows, and what is asked by name.
      let shown = kept.union(requestMetricsShown)
      copy.arms[i].requests = copy.arms[i].requests?.map { RequestResult(name: $0.name, metrics: $0.metrics.filter { shown.contains($0.key) }) }
    }
    for i in copy.comparisons.indices {
      copy.comparisons[i].ratio = copy.comparisons[i].ratio.filter { kept.contains($0.key) }
      copy.comparisons[i].delta = copy.comparisons[i].delta.filter { kept.contains($0.key) }
    }
    return copy
  }

  /// Numbers with six digits, which is more than any of these measurements has. Tables are made from these, so that
  /// a later run, which reads them from the results file, writes the same bytes.
  fileprivate func rounded() -> CellResult {
    var copy = self
    for i in copy.arms.indices {
      copy.arms[i].metrics = copy.arms[i].metrics.mapValues(\.sixDigits)
      copy.arms[i].theory = copy.arms[i].theory.mapValues(rounded6)
      copy.arms[i].requests = copy.arms[i].requests?.map { RequestResult(name: $0.name, metrics: $0.metrics.mapValues(\.sixDigits)) }
    }
    for i in copy.comparisons.indices {
      copy.comparisons[i].ratio = copy.comparisons[i].ratio.mapValues(\.sixDigits)
      copy.comparisons[i].delta = copy.comparisons[i].delta.mapValues(\.sixDigits)
    }
    func rounded(_ judged: [JudgementResult]) -> [JudgementResult] {
      judged.map { JudgementResult(text: $0.text, measured: $0.measured?.sixDigits, outcome: $0.outcome, place: $0.place) }
    }
    copy.thresholds = rounded(thresholds)
    copy.expects = rounded(expects)
    copy.gates = rounded(gates)
    copy.control = control?.sixDigits
    return copy
  }
}

private func rounded6(_ value: Double) -> Double { Double(String(format: "%.6g", value)) ?? value }

extension Estimate {
  fileprivate var sixDigits: Estimate {
    Estimate(rounded6(value), low: low.map(rounded6), high: high.map(rounded6))
  }
}

extension MetricValue {
  fileprivate var sixDigits: MetricValue { MetricValue(estimate.sixDigits, unit) }
}

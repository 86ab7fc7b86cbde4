// Two revisions of one notebook beside each other: what a block measured then and what it measures now, in turns on this
// machine. A stored time is never compared: the old revision is built again, and only the ratio counts (method.md 1).

import ExperimentModel
import MeasureKernel
import Statistics

/// A block of both revisions.
public struct RevisionPair: Sendable {
  public var old: Cell
  public var new: Cell
  /// Working folders of commands.
  public var oldFolder: String
  public var newFolder: String
  public init(old: Cell, new: Cell, oldFolder: String, newFolder: String) {
    self.old = old; self.new = new; self.oldFolder = oldFolder; self.newFolder = newFolder
  }
}

/// What became of one subject or arm between two revisions.
public struct RegressionResult: Codable, Hashable, Sendable {
  public var block: String
  /// Name of the subject or arm.
  public var part: String
  /// The point at which both were measured; nil where nothing is varied.
  public var at: [String: Double]?
  /// old ÷ new; nil: not comparable, and `reason` says why.
  public var ratio: Estimate?
  public var verdict: Verdict
  /// A/A control of the old revision.
  public var control: Estimate?
  /// A sentence without a full stop.
  public var reason: String?
  /// Where the new code is not sound: its line of the notebook.
  public var notes: [FailureNote]?

  /// Slower fails, unresolved is inconclusive; faster and equivalent pass.
  public var outcome: Outcome {
    switch verdict {
    case .slower, .worse: .fail
    case .faster, .better, .equivalent: .pass
    case .unresolved: .inconclusive
    }
  }
}

extension Runner {
  /// Whether the block can tell revisions apart, and was given something to tell: code that is the same byte for byte in
  /// both is not measured again. A command is always measured: what it starts may have changed.
  public static func isComparable(_ old: Cell, _ new: Cell) -> Bool {
    switch (old.work, new.work) {
    case (.bench(let a), .bench(let b)):
      old.inputs != new.inputs || (a.subjects + b.subjects).contains { if case .command = $0.work { true } else { false } }
    case (.load, .load): old.inputs != new.inputs
    default: false
    }
  }

  /// Measures a block's subjects of both revisions in turns; the budget is the block's own time, for all of them.
  ///
  /// - Returns: one entry for each subject (and size) that both revisions have; what cannot be measured says why.
  public func regression(_ pair: RevisionPair) -> [RegressionResult] {
    report(.started(id: pair.new.id, kind: "\(pair.new.work.kind), both revisions", index: 1, count: 1))
    switch (pair.old.work, pair.new.work) {
    case (.bench(let old), .bench(let new)): return benchRegression(pair, old, new)
    case (.load(let old), .load(let new)): return loadRegression(pair, old, new)
    default: return []
    }
  }

  private func benchRegression(_ pair: RevisionPair, _ old: BenchCell, _ new: BenchCell) -> [RegressionResult] {
    let budget = (options.quick ? pair.new.blockTime?.quick : pair.new.blockTime?.full) ?? Nanoseconds(seconds: 3)
    let shared = new.subjects.compactMap { subject in old.subjects.first { $0.name == subject.name }.map { ($0, subject) } }
    return shared.flatMap { before, after -> [RegressionResult] in
      var (earlier, present) = (before, after)
      (earlier.name, present.name) = ("\(after.name) before", "\(after.name) now")
      var cell = BenchCell(
        subjects: [earlier, present], comparison: nil, pairs: max(20, new.pairs), system: new.system, seed: new.seed)
      cell.sizes = new.sizes
      cell.quickSizes = new.quickSizes
      (cell.variesRows, cell.variesReaders) = (new.variesRows, new.variesReaders)
      (cell.variesPath, cell.systems) = (new.variesPath, new.systems)
      cell.prepare = new.prepare
      var setting = BenchSetting()
      // A point that the old revision did not have is measured in today's system.
      let systems = old.sizes == new.sizes ? old.systems : new.systems
      setting.places = [
        .init(folder: pair.oldFolder, system: old.system, systems: systems), .init(folder: pair.newFolder, system: new.system, systems: new.systems),
      ]
      setting.setups = [old.setup, new.setup]
      var failed = RegressionResult(block: pair.new.id, part: after.name, verdict: .unresolved)
      do throws(MeasureError) {
        let points = try measurePoints(
          cell, id: pair.new.id, budget: Nanoseconds(budget.rawValue / Int64(max(1, shared.count))), setting: setting)
        return points.map { regressionResult(pair.new.id, after.name, $0, cell) }
      } catch {
        failed.reason = error.description
        failed.notes = error.subject == 1 ? failureNotes(error, .bench(cell)) : nil
        return [failed]
      }
    }
  }

  private func regressionResult(_ block: String, _ part: String, _ point: BenchPoint, _ cell: BenchCell) -> RegressionResult {
    var result = RegressionResult(block: block, part: part, at: point.size.map { [cell.sizeName: Double($0)] }, verdict: .unresolved)
    let times = point.record.samples.map { $0.map { Double($0.ns) } }
    if let control = controlAA(times[0]) {
      result.control = Estimate(control.ratio, low: control.interval.low, high: control.interval.high)
    }
    let least = leastDifference(cell, point.record)
    guard let outcome = comparePaired(baseline: times[0], candidate: times[1], equivalence: least.share, starts: point.record.pairStarts) else {
      result.reason = "the pairs are too few or depend on each other too much to be compared"
      return result
    }
    result.ratio = Estimate(outcome.ratio, low: outcome.interval.low, high: outcome.interval.high)
    result.verdict = Verdict(outcome.verdict, better: .lower, isTime: true)
    if least == .ofOneStart { result.reason = "each was started once: \(LeastDifference.oneStart)" }
    if ControlState(result.control, ratios: [outcome.ratio]) == .broken {
      result.verdict = .unresolved
      result.reason = "the A/A control excludes 1: the machine changed meanwhile"
    }
    return result
  }

  private func loadRegression(_ pair: RevisionPair, _ old: LoadCell, _ new: LoadCell) -> [RegressionResult] {
    new.arms.compactMap { after -> RegressionResult? in
      guard let before = old.arms.first(where: { $0.name == after.name && $0.params == after.params }), before != after else { return nil }
      var arms = [before, after]
      arms[0].name = "before"
      arms[1].name = "now"
      // Both get the traffic of today: the question is what became of the system.
      arms[0].profile = after.profile
      let metric = "mean"
      let load = LoadCell(arms: arms, design: .compare(Comparison(runs: 8, metric: metric)))
      var cell = pair.new
      cell.work = .load(load)
      var found = CellResult(id: cell.id, kind: "load", inputs: cell.inputs, quick: options.quick, evidence: Self.evidence(of: cell.work))
      var result = RegressionResult(block: cell.id, part: after.name, at: after.params.isEmpty ? nil : after.params, verdict: .unresolved)
      do {
        try LoadExecution(cell: cell, load: load, runner: self).run(into: &found)
      } catch {
        result.reason = (error as? CellFailure)?.cause ?? String(describing: error)
        return result
      }
      result.control = found.control
      if found.validity == .invalid { result.reason = "the run was INVALID: \(found.validityReason ?? "the generator fell behind")" }
      guard let comparison = found.comparisons.first, found.validity != .invalid else { return result }
      result.ratio = comparison.ratio[metric]
      result.verdict = comparison.verdict
      return result
    }
  }
}

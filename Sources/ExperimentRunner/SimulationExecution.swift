// Simulation cells: the model's arms become a result that says how often it was repeated, which formula stands beside it, and
// what a comparison under common random numbers found.

import ExperimentModel
import SimulationKernel
import Statistics

extension Runner {
  func runSimulation(_ cell: Cell, _ sim: SimCell, into result: inout CellResult) throws {
    let reports = try simulate(sim, quick: options.quick, cancelled: cancelled)
    result.arms = reports.map(\.result)
    let columns = SimModel.named(sim.model)?.columns ?? []
    // What the block judges is shown, also where the model's own table would not.
    let judged = (cell.thresholds.map(\.address.metric) + cell.expects.map(\.address.metric)).filter { !columns.contains($0) }
    result.columns = (columns + Set(judged).sorted()).filter { name in result.arms.contains { $0.metrics[name] != nil } }
    result.doubts.append(
      Doubt(id: "simulated", text: "simulated: \(sim.replications) seeded replications of the model `\(sim.model)`, no request was sent"))
    // The cache's formula is named by its block and its lesson.
    let forms = reports.compactMap(\.closedForm).filter { $0 != "no closed form" }
    if sim.model != "cache", !forms.isEmpty {
      var names: [String] = []
      for form in forms where !names.contains(form) { names.append(form) }
      result.doubts.append(Doubt(id: "closed-form", text: "predicted by \(names.joined(separator: ", "))"))
    }
    if let comparison = sim.comparison { compare(reports, comparison, into: &result) }
    for validation in sim.validations ?? [] { try validate(validation, sim, into: &result) }
    result.plots = simulationPlots(cell, reports)
  }

  /// Replication i of both saw the same random numbers: they are a pair.
  private func compare(_ reports: [SimArmReport], _ comparison: Comparison, into result: inout CellResult) {
    guard let baseline = reports.first else { return }
    for candidate in reports.dropFirst() {
      var ratios: [String: Estimate] = [:]
      var deltas: [String: MetricValue] = [:]
      var verdict = Verdict.unresolved
      for (name, left) in baseline.samples {
        guard let right = candidate.samples[name], left.count == right.count, let metric = Metric.named(name) else { continue }
        let differences = zip(left, right).map { $0 - $1 }
        let interval = meanInterval(differences, confidence: 0.95)
        deltas[name] = MetricValue(Estimate(sampleMean(differences), low: interval?.low, high: interval?.high), metric.unit)
        let isTime = metric.unit == .nanoseconds
        if (left + right).allSatisfy({ $0 > 0 }), let paired = comparePaired(baseline: left, candidate: right) {
          ratios[name] = Estimate(paired.ratio, low: paired.interval.low, high: paired.interval.high)
          if name == comparison.metric { verdict = Verdict(paired.verdict, better: metric.better, isTime: isTime) }
        } else if name == comparison.metric, let interval {
          // A zero has no ratio: the difference decides.
          let found: PairedVerdict = interval.low > 0 ? .faster : interval.high < 0 ? .slower : .unresolved
          verdict = Verdict(found, better: metric.better, isTime: isTime)
        }
      }
      result.comparisons.append(
        ComparisonResult(candidate: candidate.result.name, metric: comparison.metric, ratio: ratios, delta: deltas, verdict: verdict))
    }
  }

  /// The engine on a system that is understood: when that fails, nothing else is to be believed.
  private func validate(_ validation: SimValidation, _ sim: SimCell, into result: inout CellResult) throws {
    let check = SimCell(model: validation.model, arms: [validation.arm], replications: sim.replications, seed: sim.seed)
    let report = try simulate(check, quick: options.quick, cancelled: cancelled)[0]
    let place = "`\(validation.metric)` of the model `\(validation.model)`"
    guard let found = report.result.metrics[validation.metric], let theory = report.result.theory[validation.metric], theory != 0 else {
      throw CellFailure("\(place) has no closed form with these parameters", remedy: "`nb sim describe \(validation.model)` says where one holds")
    }
    let off = found.estimate.value / theory - 1
    let text = "\(place) against \(validation.theory): \(plain(off * 100)) % off, \(plain(validation.tolerance * 100)) % allowed"
    if abs(off) <= validation.tolerance {
      result.doubts.append(Doubt(id: "validated", text: "validated: \(text)"))
    } else {
      result.validity = .invalid
      result.validityReason = "the simulation does not agree with what is known: \(text)"
    }
  }

  /// Timelines of the first replication, for the metrics that the block draws.
  private func simulationPlots(_ cell: Cell, _ reports: [SimArmReport]) -> [PlotData] {
    cell.plots.filter { $0.kind == .timeline }.compactMap { spec in
      guard let name = spec.y.first, let metric = Metric.named(name) else { return nil }
      let lines = reports.compactMap { report in
        report.series.first { $0.metric == name && !$0.times.isEmpty }.map { series in
          PlotSeries(name: report.result.name, mark: .line, x: series.times.map { $0 * 1e9 }, y: series.values)
        }
      }
      guard !lines.isEmpty else { return nil }
      return PlotData(
        title: cell.title ?? "Over simulated time", xLabel: "simulated time", yLabel: metric.meaning, xUnit: .nanoseconds, yUnit: metric.unit,
        logX: false, series: lines)
    }
  }
}

/// A simulation from the shell.
///
/// - Throws: `CellFailure` with what the simulation refused.
public func runSimulation(_ cell: SimCell, cancelled: () -> Bool) throws(CellFailure) -> SimulationReport {
  let began = ContinuousClock.now
  do throws(SimulationError) {
    let reports = try simulate(cell, quick: false, cancelled: cancelled)
    let passed = ContinuousClock.now - began
    let seconds = Double(passed.components.seconds) + Double(passed.components.attoseconds) / 1e18
    return SimulationReport(
      model: cell.model, seed: cell.seed, replications: cell.replications, arm: reports[0].result, words: cell.arms[0].words, closedForm: reports[0].closedForm,
      warmUp: reports[0].warmUp, events: reports[0].events, seconds: seconds)
  } catch {
    throw CellFailure(error.cause, remedy: error.remedy)
  }
}

/// The seeded proofs of the simulation, for `nb selfcheck --full`.
public let simulationProofs = SelfProof.simulations

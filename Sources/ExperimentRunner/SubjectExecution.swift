// Bench and simulation cells: their kernels' records become arms, comparisons and checks.

import ExperimentModel
import Foundation
import MeasureKernel
import SimulationKernel
import Statistics

extension Runner {
  /// The job that a bench child gets as its first line; the lab decodes the same shape.
  private struct SubjectJob: Encodable {
    var subject: SubjectSpec
    var system: SystemSpec?
    var seed: UInt64
  }

  func runBench(_ cell: Cell, _ bench: BenchCell, into result: inout CellResult) throws {
    let encoder = JSONEncoder()
    let lines = try bench.subjects.map { subject in
      String(
        decoding: try encoder.encode(SubjectJob(subject: subject, system: bench.system, seed: bench.seed)), as: UTF8.self)
    }
    let argv = [options.launcher.executable] + options.subjectArguments
    let budget = (options.quick ? cell.blockTime?.quick : cell.blockTime?.full) ?? Nanoseconds(seconds: 3)
    let record = try measure(
      bench, childArguments: { (argv: argv, firstLine: lines[$0]) }, quick: options.quick, budget: budget,
      progress: { note in report(.progress(id: cell.id, note: note, rate: nil, p99: nil, left: nil)) },
      cancelled: cancelled)
    result.rowLabel = "subject"
    for (index, subject) in bench.subjects.enumerated() {
      let rows = record.samples[index]
      var metrics: [String: MetricValue] = [:]
      func put(_ name: String, _ values: [Double]) {
        guard !values.isEmpty, let unit = Metric.named(name)?.unit else { return }
        let interval = quantileInterval(values, q: 0.5, confidence: 0.95)
        metrics[name] = MetricValue(Estimate(medianOf(values), low: interval?.low, high: interval?.high), unit)
      }
      let k = Double(record.iterations)
      put("time", rows.map { Double($0.ns) / k })
      put("cpu", rows.map { Double($0.cpu) / k })
      let steps = rows.compactMap { $0.extras["vm_steps"] }
      if !steps.isEmpty, steps.contains(where: { $0 > 0 }) {
        metrics["vm_steps"] = MetricValue(Estimate(medianOf(steps) / k), .count)
      }
      result.arms.append(ArmResult(name: subject.name, metrics: metrics))
    }
    result.columns = ["time", "cpu", "vm_steps"].filter { name in result.arms.contains { $0.metrics[name] != nil } }
    if let comparison = bench.comparison { compareSubjects(bench, record, comparison, into: &result) }
    result.arms.append(ArmResult(name: "", metrics: ["parity": MetricValue(Estimate(record.parity ? 1 : 0), .plain)]))
    if !record.parity {
      result.doubts.append(Doubt(id: "parity", text: "the subjects gave different checksums: faster but different is a failure"))
    }
    for doubt in record.doubts { result.doubts.append(Doubt(id: "bench", text: doubt)) }
  }

  private func compareSubjects(_ bench: BenchCell, _ record: BenchRecord, _ comparison: Comparison, into result: inout CellResult) {
    let baseline = record.samples[0].map { Double($0.ns) }
    if let control = controlAA(baseline) {
      result.control = Estimate(control.ratio, low: control.interval.low, high: control.interval.high)
    }
    for index in bench.subjects.indices.dropFirst() {
      let candidate = record.samples[index].map { Double($0.ns) }
      guard let outcome = comparePaired(baseline: baseline, candidate: candidate) else {
        result.doubts.append(
          Doubt(id: "dependent-pairs", text: "\(bench.subjects[index].name): the pairs are too few or depend on each other too much to be compared"))
        continue
      }
      var ratio = ["time": Estimate(outcome.ratio, low: outcome.interval.low, high: outcome.interval.high)]
      if let cpu = comparePaired(baseline: record.samples[0].map { Double($0.cpu) }, candidate: record.samples[index].map { Double($0.cpu) }) {
        ratio["cpu"] = Estimate(cpu.ratio, low: cpu.interval.low, high: cpu.interval.high)
      }
      let verdict: Verdict = record.parity ? Verdict(outcome.verdict, better: .lower, isTime: true) : .unresolved
      result.comparisons.append(
        ComparisonResult(candidate: bench.subjects[index].name, metric: "time", ratio: ratio, delta: [:], verdict: verdict))
    }
    result.change = bench.subjects.dropFirst().map { "\(bench.subjects[0].name) → \($0.name)" }.joined(separator: ", ")
  }

  func runSimulation(_ cell: Cell, _ sim: SimCell, into result: inout CellResult) throws {
    result.arms = try simulate(sim, quick: options.quick, cancelled: cancelled)
    result.columns = ["hit_ratio", "lfu_bound"].filter { name in result.arms.contains { $0.metrics[name] != nil } }
    result.doubts.append(
      Doubt(id: "simulated", text: "simulated: \(sim.replications) seeded replications of the model `\(sim.model)`, no request was sent"))
  }
}

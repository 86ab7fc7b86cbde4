// Bench cells: subjects are made, measured in turns, and become arms, comparisons and checks; with sizes the whole
// is repeated for each, and the growth over them is fitted.

import ExperimentModel
import Foundation
import MeasureKernel
import Statistics

/// What was measured at one size, or in all where nothing is varied.
struct BenchPoint {
  /// nil: nothing is varied.
  var size: Int?
  var record: BenchRecord
}

extension Runner {
  /// The job that a child of the lab gets as its first line; the lab decodes the same shape.
  private struct SubjectJob: Encodable {
    var subject: SubjectSpec
    var system: SystemSpec?
    var seed: UInt64
  }

  func runBench(_ cell: Cell, _ bench: BenchCell, into result: inout CellResult) throws {
    let budget = (options.quick ? cell.blockTime?.quick : cell.blockTime?.full) ?? Nanoseconds(seconds: 3)
    let points = try measurePoints(bench, id: cell.id, budget: budget)
    result.rowLabel = "subject"
    for point in points {
      for (index, subject) in bench.subjects.enumerated() {
        result.arms.append(
          ArmResult(
            name: subject.name, params: point.size.map { ["n": Double($0)] } ?? [:], metrics: benchMetrics(point.record, index)))
      }
      if let comparison = bench.comparison { compareSubjects(bench, point, comparison, into: &result) }
    }
    if bench.fitsSlope == true { fitSlopes(bench, points, into: &result) }
    result.columns = Self.benchColumns.filter { name in result.arms.contains { $0.metrics[name] != nil } }
    let parity = points.allSatisfy(\.record.parity)
    result.arms.append(ArmResult(name: "", metrics: ["parity": MetricValue(Estimate(parity ? 1 : 0), .plain)]))
    if !parity {
      result.doubts.append(Doubt(id: "parity", text: "the subjects gave different checksums: faster but different is a failure"))
    }
    for point in points {
      for text in point.record.doubts {
        let doubt = Doubt(id: "bench", text: point.size.map { "n = \($0): \(text)" } ?? text)
        if !result.doubts.contains(doubt) { result.doubts.append(doubt) }
      }
    }
    result.change = bench.comparison == nil ? nil : bench.subjects.dropFirst().map { "\(bench.subjects[0].name) → \($0.name)" }.joined(separator: ", ")
    result.plots = benchPlots(cell, bench, result)
  }

  private static let benchColumns = ["time", "cpu", "user", "system", "max_rss", "allocations", "vm_steps", "slope"]

  /// The samples of every size, each within its share of the budget.
  func measurePoints(_ bench: BenchCell, id: String, budget: Nanoseconds) throws -> [BenchPoint] {
    let sizes: [Int?] = (options.quick ? bench.quickSizes ?? bench.sizes : bench.sizes).map { $0.map(Optional.some) } ?? [nil]
    if let setup = bench.setup { try CommandSubject.runOnce(setup, name: "setup", timeout: 600) }
    var points: [BenchPoint] = []
    for size in sizes where !cancelled() {
      let label = size.map { "n = \($0), " } ?? ""
      var sized = bench
      if let size { for i in sized.subjects.indices { sized.subjects[i].setSize(size) } }
      let share = Nanoseconds(budget.rawValue / Int64(sizes.count))
      let record = try measure(
        sized, subject: { (index) throws(MeasureError) -> any TimedSubject in try self.subject(sized.subjects[index], sized) },
        quick: options.quick, budget: share,
        progress: { note in report(.progress(id: id, note: label + note, rate: nil, p99: nil, left: nil)) }, cancelled: cancelled)
      points.append(BenchPoint(size: size, record: record))
    }
    return points
  }

  /// A child of the lab for what is built in, a compiled or interpreted fence, or a command.
  private func subject(_ spec: SubjectSpec, _ bench: BenchCell) throws(MeasureError) -> any TimedSubject {
    switch spec.work {
    case .fence(let fence):
      return try FenceProgram(cache: options.fenceCache).subject(fence, name: spec.name, prepare: bench.prepare)
    case .command(let command):
      return try CommandSubject(name: spec.name, command: command, prepare: bench.prepare, ignoresFailure: options.ignoresFailure)
    case .builtin, .sql:
      guard let json = try? JSONEncoder().encode(SubjectJob(subject: spec, system: bench.system, seed: bench.seed)) else {
        throw MeasureError("subject \(spec.name) has numbers that are not finite")
      }
      return try labSubject(
        name: spec.name, argv: [options.launcher.executable] + options.subjectArguments, firstLine: String(decoding: json, as: UTF8.self))
    }
  }

  // MARK: Numbers

  private func benchMetrics(_ record: BenchRecord, _ index: Int) -> [String: MetricValue] {
    let rows = record.samples[index]
    let k = Double(record.iterations)
    var metrics: [String: MetricValue] = [:]
    func put(_ name: String, _ values: [Double], isCount: Bool = false) {
      guard !values.isEmpty, let unit = Metric.named(name)?.unit else { return }
      let interval = isCount ? nil : quantileInterval(values, q: 0.5, confidence: 0.95)
      metrics[name] = MetricValue(Estimate(medianOf(values), low: interval?.low, high: interval?.high), unit)
    }
    /// Only where every sample has it: an unknown part makes the whole unknown.
    func putUse(_ name: String, _ use: KeyPath<ResourceUse, Int64?>, per: Double, isCount: Bool) {
      let values = rows.compactMap { $0.use[keyPath: use] }.map { Double($0) / per }
      if values.count == rows.count { put(name, values, isCount: isCount) }
    }
    put("time", rows.map { Double($0.ns) / k })
    put("cpu", rows.map { Double($0.cpu) / k })
    if record.iterations == 1 {
      putUse("user", \.user, per: 1, isCount: false)
      putUse("system", \.system, per: 1, isCount: false)
    }
    putUse("max_rss", \.maxRSS, per: 1, isCount: true)
    putUse("allocations", \.allocations, per: k, isCount: true)
    putUse("instructions", \.instructions, per: k, isCount: true)
    putUse("faults", \.minorFaults, per: k, isCount: true)
    putUse("switches", \.involuntarySwitches, per: k, isCount: true)
    let steps = rows.compactMap { $0.extras["vm_steps"] }
    if !steps.isEmpty, steps.contains(where: { $0 > 0 }) {
      metrics["vm_steps"] = MetricValue(Estimate(medianOf(steps) / k), .count)
    }
    return metrics
  }

  private func compareSubjects(_ bench: BenchCell, _ point: BenchPoint, _ comparison: Comparison, into result: inout CellResult) {
    let record = point.record
    let baseline = record.samples[0].map { Double($0.ns) }
    if result.control == nil, let control = controlAA(baseline) {
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
        ComparisonResult(
          candidate: bench.subjects[index].name, at: point.size.map { ["n": Double($0)] }, metric: "time", ratio: ratio, delta: [:],
          verdict: verdict))
    }
  }

  /// The exponent of each subject, in an arm without a point.
  private func fitSlopes(_ bench: BenchCell, _ points: [BenchPoint], into result: inout CellResult) {
    let sizes = points.compactMap { $0.size.map(Double.init) }
    for (index, subject) in bench.subjects.enumerated() {
      let times = points.map { point in point.record.samples[index].map { Double($0.ns) / Double(point.record.iterations) } }
      guard let fit = growthExponent(sizes: sizes, times: times) else { continue }
      result.arms.append(
        ArmResult(
          name: subject.name, metrics: ["slope": MetricValue(Estimate(fit.value, low: fit.interval?.low, high: fit.interval?.high), .plain)]))
    }
  }

  /// Time over size, a series for each subject, both axes logarithmic where the values ask for it.
  private func benchPlots(_ cell: Cell, _ bench: BenchCell, _ result: CellResult) -> [PlotData] {
    guard bench.sizes != nil, cell.plots.contains(where: { $0.kind == .curve }) else { return [] }
    let series = bench.subjects.map { subject in
      let rows = result.arms.compactMap { arm in arm.name == subject.name ? arm.params["n"].flatMap { n in arm.metrics["time"].map { (n, $0.estimate) } } : nil }
      return PlotSeries(
        name: subject.name, mark: .dots, x: rows.map(\.0), y: rows.map(\.1.value), low: rows.map { $0.1.low ?? $0.1.value },
        high: rows.map { $0.1.high ?? $0.1.value })
    }
    return [
      PlotData(
        title: cell.title ?? "Time over size", xLabel: "n", yLabel: "time of one call", xUnit: .count, yUnit: .nanoseconds, logX: true,
        series: series)
    ]
  }
}

extension SubjectSpec {
  /// What its `subject` is called with.
  fileprivate mutating func setSize(_ n: Int) {
    guard case .fence(var fence) = work else { return }
    fence.n = n
    work = .fence(fence)
  }
}

// An ad hoc bench as one value with every sample: what `nb bench` prints and exports.

import ExperimentModel
import MeasureKernel
import Statistics

/// A subject of `nb bench`.
public struct BenchRequest: Sendable {
  public var subject: SubjectSpec
  /// As it was typed, with its parameters put in.
  public var text: String
  public var parameters: [String: String]
  public init(subject: SubjectSpec, text: String, parameters: [String: String]) {
    self.subject = subject; self.text = text; self.parameters = parameters
  }
}

extension Runner {
  /// Measures subjects outside any notebook; the first is the baseline of all others.
  ///
  /// - Parameters:
  ///   - pairs: nil: looks at 20, 40, 80 and 100 pairs, and stops when all comparisons are decided.
  ///   - setup, prepare: shell commands before the first sample, and before each one of a command.
  ///   - budget: of measuring; compiling and `setup` come on top.
  /// - Throws: `CellFailure` or `MeasureError` when a subject cannot be measured.
  public func bench(
    _ requests: [BenchRequest], pairs: Int?, setup: String?, prepare: String?, budget: Nanoseconds, seed: UInt64, environment: String
  ) throws -> BenchReport {
    // α is shared by the looks, and by the comparisons that are looked at.
    let compared = max(1, requests.count - 1)
    let looks = pairs == nil && requests.count > 1 ? SequentialLooks(sizes: SequentialLooks.standard.sizes, alpha: 0.05 / Double(compared)) : nil
    var cell = BenchCell(
      subjects: requests.map(\.subject), comparison: nil, pairs: pairs ?? SequentialLooks.standard.sizes.last!, system: nil, seed: seed)
    cell.setup = setup
    cell.prepare = prepare
    let before = MachineProbe.sample()
    let points = try measurePoints(cell, id: "bench", budget: budget, setting: BenchSetting(looks: looks))
    guard let record = points.first?.record, record.samples.allSatisfy({ !$0.isEmpty }) else {
      throw CellFailure("interrupted before anything was measured")
    }
    var report = BenchReport(
      title: "", environment: environment, evidence: .real, machine: MachineProbe.state(from: before, to: MachineProbe.sample()),
      subjects: requests.enumerated().map { benchSubject($1, record, $0) }, comparisons: [])
    report.doubts = record.doubts.map { Doubt(id: "bench", text: $0) }
    if let confined = confinementDoubt(requests.map(\.subject.work)) { report.doubts.append(confined) }
    judge(record, looks, into: &report)
    addSampleDoubts(record, into: &report)
    return report
  }

  private func judge(_ record: BenchRecord, _ looks: SequentialLooks?, into report: inout BenchReport) {
    let times = record.samples.map { $0.map { Double($0.ns) } }
    if let control = controlAA(times[0]) {
      report.control = Estimate(control.ratio, low: control.interval.low, high: control.interval.high)
    }
    // Without the looks that were planned (too few pairs for one) it is one comparison at the end.
    let looked = looks.map { plan in plan.sizes.contains { $0 <= times[0].count } } ?? false
    let confidence = looked ? looks!.confidence : 0.95
    let found = times.dropFirst().map { comparePaired(baseline: times[0], candidate: $0, confidence: confidence, starts: record.pairStarts) }
    let lost = looked ? [] : withdrawn(found)
    report.comparisons = found.indices.map { index in
      comparison(index + 1, times[0], times[index + 1], found[index], record, withdrawn: lost.contains(index))
    }
    if looked, record.looks > 0 {
      let level = (confidence * 10_000).rounded() / 100
      report.doubts.append(
        Doubt(
          id: "looks",
          text: "looked at up to \(looks!.sizes.count) times: each ratio's interval is at \(level) %, so that all together keep 95 %"))
    }
    if !lost.isEmpty {
      report.doubts.append(
        Doubt(id: "many-rows", text: "\(found.count) comparisons were made: \(lost.count) of them would be found by chance too often (Holm), and are unresolved"))
    }
    for one in found.compactMap(\.self) {
      for text in one.doubts where !report.doubts.contains(where: { $0.text == text }) { report.doubts.append(Doubt(id: "pairs", text: text)) }
    }
    switch ControlState(report.control, ratios: found.compactMap { $0?.ratio }) {
    case .holds: break
    case .small:
      report.doubts.append(
        Doubt(id: "aa-control", text: "the baseline differs a little from itself (A/A control), by less than a third of what was found"))
    case .broken:
      report.doubts.append(Doubt(id: "aa-control", text: "the baseline differs from itself (A/A control): the machine was not steady, nothing is concluded"))
      for i in report.comparisons.indices { report.comparisons[i].verdict = .unresolved }
    }
  }

  private func addSampleDoubts(_ record: BenchRecord, into report: inout BenchReport) {
    if !record.parity {
      report.doubts.append(Doubt(id: "parity", text: "the subjects ended differently or gave different checksums: they may not do the same work"))
    }
    for (subject, samples) in zip(report.subjects, record.samples) {
      let times = subject.times
      if let flags = SampleFlags(of: times) {
        if flags.isBimodal {
          report.doubts.append(
            Doubt(id: "bimodal", text: "\(subject.name): its times fall into two groups: look at the distribution before trusting one number"))
        }
        let far = flags.farOut?.indices.count ?? 0
        if far > 0 { report.doubts.append(Doubt(id: "outliers", text: "\(subject.name): \(far) of \(times.count) samples lie far from the others; they are kept")) }
      }
      let noisy = samples.count { $0.contention == .noisy }
      if noisy > 0 {
        report.doubts.append(Doubt(id: "contention", text: "\(subject.name): \(noisy) of \(samples.count) samples waited for a processor or had it taken away"))
      }
    }
  }

  // MARK: Parts

  private func benchSubject(_ request: BenchRequest, _ record: BenchRecord, _ index: Int) -> BenchSubject {
    let samples = record.samples[index]
    let k = Double(record.iterations)
    let times = samples.map { Double($0.ns) / k }
    let interval = quantileInterval(times, q: 0.5, confidence: 0.95, starts: samples.map(\.start))
    /// Only where every sample has it.
    func all(_ use: KeyPath<ResourceUse, Int64?>, per: Double) -> [Double] {
      let values = samples.compactMap { $0.use[keyPath: use] }.map { Double($0) / per }
      return values.count == samples.count ? values : []
    }
    var isCommand = false
    if case .command = request.subject.work { isCommand = true }
    var counters: [String: BenchCounter] = [:]
    for (name, use) in [
      ("allocations", \ResourceUse.allocations), ("instructions", \ResourceUse.instructions), ("faults", \ResourceUse.minorFaults),
      ("switches", \ResourceUse.involuntarySwitches),
    ] {
      let values = all(use, per: k)
      if !values.isEmpty { counters[name] = BenchCounter(unit: .count, values: values) }
    }
    return BenchSubject(
      name: request.subject.name, kind: isCommand ? .command : .fence, source: request.text, parameters: request.parameters, times: times,
      median: Estimate(medianOf(times), low: interval?.low, high: interval?.high), user: all(\.user, per: k), system: all(\.system, per: k),
      residentMax: all(\.maxRSS, per: 1), exitCodes: isCommand ? samples.map { Self.exitCode($0.checksum) } : [],
      iterations: record.iterations, counters: counters)
  }

  /// From a command's checksum, `exit0` or `exit0-HASH`; nil: by a signal.
  private static func exitCode(_ checksum: String) -> Int? {
    checksum.hasPrefix("exit") ? Int(checksum.dropFirst(4).prefix { $0 != "-" }) : nil
  }

  private func comparison(
    _ index: Int, _ baseline: [Double], _ candidate: [Double], _ outcome: PairedComparison?, _ record: BenchRecord, withdrawn: Bool
  ) -> BenchComparison {
    let pairs = baseline.count
    guard let outcome else { return BenchComparison(candidate: index, ratio: nil, delta: nil, verdict: .unresolved, pairs: pairs) }
    let k = Double(record.iterations)
    let differences = zip(baseline, candidate).map { ($0 - $1) / k }
    let delta = quantileInterval(differences, q: 0.5, confidence: 0.95, starts: record.pairStarts)
    var verdict = Verdict(outcome.verdict, better: .lower, isTime: true)
    // Code that returns something else does other work; commands are compared as they are.
    if withdrawn || !record.parity && record.iterations > 1 { verdict = .unresolved }
    let effect = DetectableEffect(baseline: baseline, candidate: candidate)
    // The pairs that would tell the difference that was seen, or tell that it is none.
    let seen = max(abs(outcome.ratio - 1), 0.005)
    return BenchComparison(
      candidate: index, ratio: Estimate(outcome.ratio, low: outcome.interval.low, high: outcome.interval.high),
      delta: Estimate(medianOf(differences), low: delta?.low, high: delta?.high), verdict: verdict, pairs: pairs,
      pairsEffective: outcome.effectivePairs, minimumDetectableEffect: effect?.minimum,
      pairsToDecide: verdict == .unresolved ? effect?.pairs(toFind: seen) : nil)
  }
}

// An ad hoc bench as one value with every sample: what `nb bench` prints and exports.

import ExperimentModel
import Foundation
import MeasureKernel
import Statistics

extension Runner {
  /// Measures subjects outside any notebook; the first is the baseline of all others.
  ///
  /// - Parameters:
  ///   - sources: for each subject, how it was named on the command line, and the parameters put into it.
  ///   - budget: of measuring; compiling and `setup` come on top.
  /// - Throws: `CellFailure` when a subject cannot be measured.
  public func bench(
    _ bench: BenchCell, sources: [(text: String, parameters: [String: String])], title: String, environment: String, budget: Nanoseconds
  ) throws(CellFailure) -> BenchReport {
    let before = MachineProbe.sample()
    let record: BenchRecord
    do {
      guard let point = try measurePoints(bench, id: "bench", budget: budget).first else { throw CellFailure("interrupted before anything was measured") }
      record = point.record
    } catch let failure as CellFailure { throw failure } catch let error as MeasureError {
      throw CellFailure(error.cause, remedy: error.remedy)
    } catch { throw CellFailure(String(describing: error)) }
    guard record.samples.allSatisfy({ !$0.isEmpty }) else { throw CellFailure("interrupted before anything was measured") }
    var report = BenchReport(
      title: title, environment: environment, evidence: .real, machine: MachineProbe.state(from: before, to: MachineProbe.sample()),
      subjects: zip(bench.subjects, sources).enumerated().map { index, pair in
        benchSubject(pair.0, pair.1.text, pair.1.parameters, record, record.samples[index])
      }, comparisons: [])
    let times = record.samples.map { $0.map { Double($0.ns) } }
    if let control = controlAA(times[0]) {
      report.control = Estimate(control.ratio, low: control.interval.low, high: control.interval.high)
    }
    report.comparisons = times.indices.dropFirst().map { comparison($0, times[0], times[$0], record) }
    report.doubts = record.doubts.map { Doubt(id: "bench", text: $0) }
    if !record.parity {
      report.doubts.append(Doubt(id: "parity", text: "the subjects ended differently or gave different checksums: they may not do the same work"))
    }
    for (subject, samples) in zip(bench.subjects, times) where isBimodal(samples) {
      report.doubts.append(Doubt(id: "bimodal", text: "\(subject.name): its times fall into two groups: look at the distribution before trusting one number"))
    }
    if let control = report.control, (control.low ?? 1) > 1 || (control.high ?? 1) < 1 {
      report.doubts.append(Doubt(id: "aa-control", text: "the baseline differs from itself (A/A control): the machine was not steady, nothing is concluded"))
      for i in report.comparisons.indices { report.comparisons[i].verdict = .unresolved }
    }
    return report
  }

  private func benchSubject(
    _ subject: SubjectSpec, _ source: String, _ parameters: [String: String], _ record: BenchRecord, _ samples: [SubjectSample]
  ) -> BenchSubject {
    let k = Double(record.iterations)
    let times = samples.map { Double($0.ns) / k }
    let interval = quantileInterval(times, q: 0.5, confidence: 0.95)
    /// Only where every sample has it.
    func all(_ use: KeyPath<ResourceUse, Int64?>, per: Double) -> [Double] {
      let values = samples.compactMap { $0.use[keyPath: use] }.map { Double($0) / per }
      return values.count == samples.count ? values : []
    }
    var isCommand = false
    if case .command = subject.work { isCommand = true }
    var counters: [String: BenchCounter] = [:]
    for (name, use) in [
      ("allocations", \ResourceUse.allocations), ("instructions", \ResourceUse.instructions), ("faults", \ResourceUse.minorFaults),
      ("switches", \ResourceUse.involuntarySwitches),
    ] {
      let values = all(use, per: k)
      if !values.isEmpty { counters[name] = BenchCounter(unit: .count, values: values) }
    }
    return BenchSubject(
      name: subject.name, kind: isCommand ? .command : .fence, source: source, parameters: parameters, times: times,
      median: Estimate(medianOf(times), low: interval?.low, high: interval?.high), user: all(\.user, per: k), system: all(\.system, per: k),
      residentMax: all(\.maxRSS, per: 1), exitCodes: isCommand ? samples.map { Self.exitCode($0.checksum) } : [],
      iterations: record.iterations, counters: counters)
  }

  /// From a command's checksum, which says how it ended; nil: by a signal.
  private static func exitCode(_ checksum: String) -> Int? {
    checksum.hasPrefix("exit status ") ? Int(checksum.dropFirst("exit status ".count)) : nil
  }

  private func comparison(_ index: Int, _ baseline: [Double], _ candidate: [Double], _ record: BenchRecord) -> BenchComparison {
    let pairs = baseline.count
    guard let outcome = comparePaired(baseline: baseline, candidate: candidate) else {
      return BenchComparison(candidate: index, ratio: nil, delta: nil, verdict: .unresolved, pairs: pairs)
    }
    let k = Double(record.iterations)
    let differences = zip(baseline, candidate).map { ($0 - $1) / k }
    let delta = quantileInterval(differences, q: 0.5, confidence: 0.95)
    var verdict = Verdict(outcome.verdict, better: .lower, isTime: true)
    // In a notebook other checksums mean other work; commands are compared as they are.
    if !record.parity, record.iterations > 1 { verdict = .unresolved }
    let power = detectable(outcome)
    return BenchComparison(
      candidate: index, ratio: Estimate(outcome.ratio, low: outcome.interval.low, high: outcome.interval.high),
      delta: Estimate(medianOf(differences), low: delta?.low, high: delta?.high), verdict: verdict, pairs: pairs,
      pairsEffective: outcome.effectivePairs, minimumDetectableEffect: power.effect,
      pairsToDecide: verdict == .unresolved ? power.pairs : nil)
  }

  /// From the interval's half-width h in logarithms: a difference of (1.96 + 0.84)/1.96 · h would be found in 80 of 100
  /// runs of this length; and h shrinks with the root of the pairs, so that so many would bring it below the observed
  /// difference, or the interval within ±2 %. Normal theory: a guide, not a verdict.
  private func detectable(_ outcome: PairedComparison) -> (effect: Double?, pairs: Int?) {
    let half = (log(outcome.interval.high) - log(outcome.interval.low)) / 2
    guard half.isFinite, half > 0 else { return (nil, nil) }
    let observed = abs(log(outcome.ratio))
    let target = max(observed, log1p(0.02) - observed)
    let pairs = Double(outcome.pairs) * (half / target) * (half / target)
    return (expm1(half * (1.96 + 0.84) / 1.96), pairs.isFinite && pairs < 1e6 ? Int(pairs.rounded(.up)) : nil)
  }
}

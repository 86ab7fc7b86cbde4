// Bench runs as `nb bench` would report them, for the tests of every export and of the terminal.

import ExperimentModel
import Foundation

@testable import Reporting

/// A seeded stream of numbers in 0..<1 (Knuth's MMIX constants); the samples below are the same on every machine.
struct SampleStream {
  var state: UInt64
  mutating func next() -> Double {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Double(state >> 11) / Double(1 << 53)
  }

  /// Times in whole ns around `center`, with a right tail.
  mutating func times(_ count: Int, center: Double, spread: Double) -> [Double] {
    (0..<count).map { _ in (center + spread * ((next() + next() + next()) / 3 - 0.5 + pow(next(), 8))).rounded() }
  }
}

extension Sample {
  static func bench(
    _ title: String, _ subjects: [BenchSubject], _ comparisons: [BenchComparison], control: Estimate? = nil, doubts: [Doubt] = []
  ) -> BenchReport {
    BenchReport(
      title: title, environment: "EPYC 7B13, 2 cores, Linux 6.1, nb 0.2", evidence: .real, machine: .quiet, subjects: subjects,
      comparisons: comparisons, control: control, doubts: doubts)
  }

  /// Two commands, one clearly faster. Few samples, so that the golden files can be read.
  static var benchFaster: BenchReport {
    var stream = SampleStream(state: 1)
    func subject(_ name: String, _ level: Int, _ center: Double) -> BenchSubject {
      BenchSubject(
        name: name, kind: .command, source: "gzip -\(level) < access.log", parameters: ["level": "\(level)"],
        times: stream.times(12, center: center, spread: 2e6), median: Estimate(center, low: center - 2e5, high: center + 3e5),
        user: stream.times(12, center: center - 2e6, spread: 1e6), system: stream.times(12, center: 1.2e6, spread: 4e5),
        residentMax: Array(repeating: 1_884_160, count: 12), exitCodes: Array(repeating: 0, count: 12),
        counters: ["faults": BenchCounter(unit: .count, values: (0..<12).map { Double(112 + $0 % 3) })])
    }
    return bench(
      "compress a log", [subject("gzip -6", 6, 27.5e6), subject("gzip -1", 1, 21e6)],
      [
        BenchComparison(
          candidate: 1, ratio: Estimate(1.31, low: 1.28, high: 1.35), delta: Estimate(6.5e6, low: 5.9e6, high: 7.1e6),
          verdict: .faster,
          pairs: 12, pairsEffective: 11.6, minimumDetectableEffect: 0.021)
      ], control: Estimate(1.001, low: 0.99, high: 1.012))
  }

  /// Three fences: one equivalent, one undecided; a long tail, a doubt, a noisy machine.
  static var benchUnresolved: BenchReport {
    var stream = SampleStream(state: 2)
    func subject(_ name: String, _ center: Double) -> BenchSubject {
      BenchSubject(
        name: name, kind: .fence, source: "day05.md#\(name)", times: stream.times(120, center: center, spread: 0.3 * center),
        median: Estimate(center, low: center * 0.99, high: center * 1.01), iterations: 5000)
    }
    var subjects = [subject("dedupe", 1540), subject("dedupe-set", 1546), subject("dedupe-sorted", 1570)]
    subjects[2].times[44] *= 40
    var report = bench(
      "dedupe", subjects,
      [
        BenchComparison(
          candidate: 1, ratio: Estimate(0.996, low: 0.987, high: 1.005), delta: Estimate(-6, low: -20, high: 8),
          verdict: .equivalent,
          pairs: 120, pairsEffective: 118),
        BenchComparison(
          candidate: 2, ratio: Estimate(0.981, low: 0.958, high: 1.004), delta: Estimate(-30, low: -66, high: 6),
          verdict: .unresolved,
          pairs: 120, pairsEffective: 61.9, minimumDetectableEffect: 0.032, pairsToDecide: 1400),
      ], control: Estimate(1, low: 0.985, high: 1.016),
      doubts: [
        Doubt(id: "dependent", text: "the pairs of dedupe-sorted depend on each other: 120 are worth 61"),
        Doubt(id: "tail", text: "1 sample of `dedupe-sorted` is far out: flagged and kept"),
      ])
    report.machine = .noisy
    return report
  }

  static var benchOneSample: BenchReport {
    bench("once", [BenchSubject(name: "make", kind: .command, source: "make", times: [2.5e9], exitCodes: [2])], [])
  }

  /// Every text hostile, every number of the kinds that break a format.
  static var benchHostile: BenchReport {
    let h = hostile
    func subject(_ name: String, _ times: [Double]) -> BenchSubject {
      BenchSubject(
        name: name, kind: .command, source: h + "\r\n,;=1+1", parameters: [h: h], times: times,
        user: times.isEmpty ? [] : [.nan, -0.0], system: [],
        residentMax: [.infinity, 4096.5], exitCodes: [nil, -1], iterations: 0,
        counters: [h: BenchCounter(unit: .nanoseconds, values: [-0.0, .nan, 3]), "b,c": BenchCounter(unit: .bytes, values: [7])])
    }
    return BenchReport(
      title: h, environment: h, evidence: .declaredWait, machine: .busy,
      subjects: [subject(h, [-0.0, .nan, 3e6]), subject(h, [.infinity, -.infinity]), subject("a-8", [])], baseline: 7,
      comparisons: [
        BenchComparison(
          candidate: 1, ratio: Estimate(.nan), delta: Estimate(-0.0, low: -.infinity, high: .nan), verdict: .worse, pairs: 0),
        BenchComparison(
          candidate: -1, ratio: nil, delta: nil, verdict: .unresolved, pairs: 1, pairsEffective: .nan, pairsToDecide: 5),
      ], control: Estimate(.infinity, low: .nan, high: 0), doubts: [Doubt(id: h, text: h)])
  }

  static var benches: [String: BenchReport] {
    [
      "bench-faster": benchFaster, "bench-unresolved": benchUnresolved, "bench-one-sample": benchOneSample,
      "bench-hostile": benchHostile,
    ]
  }
}

/// Compares `text` with a file of Tests/Golden/Report, or writes it with `UPDATE_GOLDEN=1`.
func golden(_ folder: String, _ file: String, _ text: String) throws -> Bool {
  let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent(
    "Golden/Report")
  let place = root.appendingPathComponent(folder)
  if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] != nil {
    try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
    try Data(text.utf8).write(to: place.appendingPathComponent(file))
  }
  return try Data(contentsOf: place.appendingPathComponent(file)) == Data(text.utf8)
}

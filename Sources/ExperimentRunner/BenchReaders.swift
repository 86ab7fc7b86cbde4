// A statement that more and more readers ask at the same time: what the processors allow, beside what was measured, and the
// knee or the scalability law of throughput over readers. And what programs told of themselves.

import ExperimentModel
import Foundation
import MeasureKernel
import Statistics

extension Runner {
  /// The asymptotic bounds of operational analysis (Denning and Buzen 1978): of N readers that never think, min(N, c) work at
  /// a time, so that X = min(N, c)·X₁ and, by Little's law, R = N/X. X₁ and R₁ are of the point with one reader.
  func addReaderTheory(_ bench: BenchCell, processors: Double?, into result: inout CellResult) {
    guard let processors else { return }
    for subject in bench.subjects {
      guard let one = result.arms.first(where: { $0.name == subject.name && $0.params["readers"] == 1 }),
        let rate = one.metrics["throughput"]?.estimate.value, let time = one.metrics["time"]?.estimate.value
      else { continue }
      for i in result.arms.indices where result.arms[i].name == subject.name {
        guard let readers = result.arms[i].params["readers"] else {
          if result.arms[i].metrics["knee"] != nil { result.arms[i].theory["knee"] = processors }
          continue
        }
        let atOnce = min(readers, processors)
        result.arms[i].theory["throughput"] = atOnce * rate
        result.arms[i].theory["time"] = readers / atOnce * time
      }
    }
    result.doubts.append(
      Doubt(id: "readers", text: "an iteration is as many answers as there are readers: its time is what each waits for one, on average; predicted from one reader and \(plain(processors)) CPUs"))
  }

  /// Of each subject, in an arm without a point.
  func fitReaders(_ bench: BenchCell, _ points: [BenchPoint], into result: inout CellResult) {
    for (index, subject) in bench.subjects.enumerated() {
      let loads = points.compactMap { $0.size.map(Double.init) }
      let rates = points.map { point in
        point.record.samples[index].map { ($0.extras["answers"] ?? 0) * 1e9 / Double(max(1, $0.ns)) }
      }
      guard loads.count == rates.count, rates.allSatisfy({ $0.allSatisfy { $0 > 0 } }) else { continue }
      var metrics: [String: MetricValue] = [:]
      func put(_ name: String, _ value: Double, _ interval: Interval?) {
        guard value.isFinite else { return }
        let isWhole = interval.map { $0.low.isFinite && $0.high.isFinite } ?? false
        metrics[name] = MetricValue(Estimate(value, low: isWhole ? interval?.low : nil, high: isWhole ? interval?.high : nil), .plain)
      }
      if bench.fitsKnee == true {
        // Over doublings: on a straight scale the plateau is nearly all of the curve, and its noise decides.
        let doublings = loads.map(log2)
        func load(_ doubling: Double) -> Double { zip(doublings, loads).min { abs($0.0 - doubling) < abs($1.0 - doubling) }?.1 ?? .nan }
        if let found = knee(x: doublings, samples: rates, curve: .concave, direction: .increasing, seed: bench.seed) {
          let ends = found.interval
          put("knee", load(found.x), Interval(low: load(ends.low), high: load(ends.high), confidence: ends.confidence))
        } else {
          result.doubts.append(Doubt(id: "no-knee", text: "\(subject.name): throughput has no knee within these readers"))
        }
      } else {
        let flat = zip(loads, rates).flatMap { load, values in values.map { (load, $0) } }
        guard let law = fitUniversalScalability(loads: flat.map(\.0), throughputs: flat.map(\.1), seed: bench.seed) else { continue }
        put("alpha", law.alpha, law.alphaInterval)
        put("beta", law.beta, law.betaInterval)
        put("peak", law.peak, law.peakInterval)
        result.doubts += law.doubts.map { Doubt(id: "usl", text: "\(subject.name): \($0.text)") }
      }
      if !metrics.isEmpty { result.arms.append(ArmResult(name: subject.name, metrics: metrics)) }
    }
  }

  /// What programs printed, as metrics of their rows.
  func addPrinted(_ bench: BenchCell, _ points: [BenchPoint], into result: inout CellResult) {
    var names: [String] = []
    for point in points {
      for (index, subject) in bench.subjects.enumerated() {
        let params = point.size.map { [bench.sizeName: Double($0)] } ?? [:]
        guard let arm = result.arms.firstIndex(where: { $0.name == subject.name && $0.params == params }) else { continue }
        for count in subject.counts ?? [] {
          let values = point.record.samples[index].compactMap { $0.extras[count.metric] }.map { $0 / Double(point.record.iterations) }
          guard !values.isEmpty, let unit = Metric.named(count.metric)?.unit else { continue }
          let interval = quantileInterval(values, q: 0.5, confidence: 0.95)
          result.arms[arm].metrics[count.metric] = MetricValue(Estimate(medianOf(values), low: interval?.low, high: interval?.high), unit)
          if !names.contains(count.metric) { names.append(count.metric) }
        }
      }
    }
    guard !names.isEmpty else { return }
    result.columns += names.filter { !result.columns.contains($0) }
    let words = names.map { "`\($0)`" }.joined(separator: " and ")
    result.doubts.append(Doubt(id: "printed", text: "\(words): as the programs themselves say in what they print; nb counted nothing of it"))
  }
}

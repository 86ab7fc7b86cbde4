// Paired comparison of arms: slice i of the baseline against slice i of the candidate, which ran
// next to it. Metrics with a value per slice use the order statistics of the paired log-ratios;
// quantiles need the merged slices and get a block bootstrap over pairs (method.md, 1), as far as there are enough requests.

import ExperimentModel
import LoadKernel
import Statistics

extension LoadExecution {
  func compare(_ arms: [ArmMeasurement], _ comparison: Comparison, into result: inout CellResult) {
    let baseline = arms[0]
    let metric = comparison.metric
    let own = baseline.slices.compactMap { baseline.sliceValue(metric, $0) }
    if own.count == baseline.slices.count, let control = controlAA(own) {
      result.control = Estimate(control.ratio, low: control.interval.low, high: control.interval.high)
    }
    let counts = arms.map { $0.slices.reduce(0) { $0 + Int($1.record.response.count) } }
    var unknown: Set<String> = []
    for (candidate, count) in zip(arms, counts).dropFirst() {
      let fewest = min(count, counts[0])
      var ratios: [String: Estimate] = [:]
      var deltas: [String: MetricValue] = [:]
      let shared = Set(baseline.metrics().keys).intersection(candidate.metrics().keys)
      for name in shared.sorted() {
        guard let unit = Metric.named(name)?.unit else { continue }
        if let q = ArmMeasurement.quantiles.first(where: { $0.0 == name })?.1 {
          // Where even one arm's own quantile has no interval, resampling would invent one from its largest few.
          guard binomialRanks(n: fewest, q: q, confidence: 0.95) != nil else {
            unknown.insert(name)
            continue
          }
          let both = bootstrapQuantiles(baseline, candidate, q)
          ratios[name] = both.ratio
          deltas[name] = MetricValue(both.delta, unit)
        } else if let pair = paired(name, baseline, candidate) {
          ratios[name] = pair.ratio
          deltas[name] = MetricValue(pair.delta, unit)
        }
      }
      result.comparisons.append(
        ComparisonResult(
          candidate: candidate.arm.name, metric: metric, ratio: ratios, delta: deltas,
          verdict: verdict(metric, baseline, candidate)))
    }
    let judged = Set((cell.thresholds + cell.gates).map(\.address) + cell.expects.map(\.address)).filter { $0.arm.first == "ratio" }.map(\.metric)
    let missed = unknown.intersection(judged).sorted()
    if !missed.isEmpty {
      result.doubts.append(
        Doubt(id: "few-requests", text: "\(counts.min() ?? 0) requests of an arm are too few to compare \(missed.joined(separator: " and ")): it has no interval"))
    }
  }

  private func verdict(_ metric: String, _ a: ArmMeasurement, _ b: ArmMeasurement) -> Verdict {
    let left = a.slices.compactMap { a.sliceValue(metric, $0) }
    let right = b.slices.compactMap { b.sliceValue(metric, $0) }
    guard left.count == right.count, let outcome = comparePaired(baseline: left, candidate: right) else { return .unresolved }
    return Verdict(outcome.verdict, better: Metric.named(metric)?.better ?? .lower, isTime: Metric.named(metric)?.unit == .nanoseconds)
  }

  private func paired(_ name: String, _ a: ArmMeasurement, _ b: ArmMeasurement) -> (ratio: Estimate?, delta: Estimate)? {
    let left = a.slices.compactMap { a.sliceValue(name, $0) }
    let right = b.slices.compactMap { b.sliceValue(name, $0) }
    guard left.count == right.count, left.count >= 6 else { return nil }
    var ratio: Estimate?
    if let unit = Metric.named(name)?.unit, unit == .count || unit == .perSecond {
      // Counts add up over slices, so their ratio is that of the sums; a single slice holds too few to
      // order. The interval is the ratio estimator's over the pairs.
      ratio = ratioEstimate(left, right)
    } else if let outcome = comparePaired(baseline: left, candidate: right) {
      ratio = Estimate(outcome.ratio, low: outcome.interval.low, high: outcome.interval.high)
    }
    let differences = zip(left, right).map { $0 - $1 }
    let interval = quantileInterval(differences, q: 0.5, confidence: 0.95)
    return (ratio, Estimate(medianOf(differences), low: interval?.low, high: interval?.high))
  }

  /// Percentile intervals over 1,000 resamples of the pairs. The merged distribution of a resample is
  /// never built: the sorted union of all values is walked with the slices' weights.
  private func bootstrapQuantiles(_ a: ArmMeasurement, _ b: ArmMeasurement, _ q: Double) -> (ratio: Estimate, delta: Estimate) {
    let left = PooledSlices(a.slices.map { $0.record.response })
    let right = PooledSlices(b.slices.map { $0.record.response })
    let n = min(a.slices.count, b.slices.count)
    var random = SeededRandom(seed: a.arm.profile.seed, stream: 0xB007)
    var ratios: [Double] = []
    var deltas: [Double] = []
    for _ in 0..<1_000 {
      var weights = [Int](repeating: 0, count: n)
      for _ in 0..<n { weights[min(n - 1, Int(random.uniform() * Double(n)))] += 1 }
      guard let x = left.quantile(q, weights), let y = right.quantile(q, weights), y > 0 else { continue }
      ratios.append(x / y)
      deltas.append(x - y)
    }
    let ones = [Int](repeating: 1, count: n)
    let x = left.quantile(q, ones) ?? 0
    let y = right.quantile(q, ones) ?? 1
    func estimate(_ value: Double, _ samples: [Double]) -> Estimate {
      let sorted = samples.sorted()
      guard sorted.count >= 100 else { return Estimate(value) }
      let low = sorted[Int(0.025 * Double(sorted.count))]
      let high = sorted[min(sorted.count - 1, Int(0.975 * Double(sorted.count)))]
      return Estimate(value, low: min(low, value), high: max(high, value))
    }
    return (estimate(x / max(y, 1), ratios), estimate(x - y, deltas))
  }
}

/// The slices' histograms as one sorted list of (value, slice, count).
private struct PooledSlices {
  private let entries: [(value: Double, slice: Int, count: Int)]
  private let counts: [Int]

  init(_ histograms: [Histogram]) {
    var entries: [(value: Double, slice: Int, count: Int)] = []
    for (slice, histogram) in histograms.enumerated() {
      histogram.forEachBucket { value, count in entries.append((Double(value), slice, count)) }
    }
    self.entries = entries.sorted { $0.value < $1.value }
    counts = histograms.map { Int($0.count) }
  }

  func quantile(_ q: Double, _ weights: [Int]) -> Double? {
    let total = zip(counts, weights).reduce(0) { $0 + $1.0 * $1.1 }
    guard total > 0 else { return nil }
    let rank = max(1, Int((q * Double(total)).rounded(.up)))
    var seen = 0
    for entry in entries {
      seen += entry.count * weights[entry.slice]
      if seen >= rank { return entry.value }
    }
    return entries.last?.value
  }
}

extension Verdict {
  /// `faster` of a pair means that the candidate's value is lower. What that is called depends on
  /// the metric: for a time faster or slower, else better or worse.
  init(_ paired: PairedVerdict, better: Better, isTime: Bool) {
    switch (paired, better) {
    case (.equivalent, _): self = .equivalent
    case (.unresolved, _), (_, .none): self = .unresolved
    case (.faster, .lower): self = isTime ? .faster : .better
    case (.slower, .lower): self = isTime ? .slower : .worse
    case (.faster, .higher): self = .worse
    case (.slower, .higher): self = .better
    }
  }
}

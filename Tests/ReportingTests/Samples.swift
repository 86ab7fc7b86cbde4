// Results as a run would make them, for all tests of this target.

import ExperimentModel

enum Sample {
  static func ms(_ value: Double, _ low: Double? = nil, _ high: Double? = nil) -> MetricValue {
    MetricValue(Estimate(value * 1e6, low: low.map { $0 * 1e6 }, high: high.map { $0 * 1e6 }), .nanoseconds)
  }

  static func share(_ value: Double, _ low: Double? = nil, _ high: Double? = nil) -> MetricValue {
    MetricValue(Estimate(value, low: low, high: high), .share)
  }

  /// The A/B of day 8.
  static var onoff: CellResult {
    var result = CellResult(id: "onoff", kind: "load", title: "The product page without and with a cache", inputs: "3f9a1c2e77", quick: false, evidence: .declaredWait)
    result.arms = [
      ArmResult(
        name: "off",
        metrics: [
          "rate": MetricValue(Estimate(119.8), .perSecond), "mean": ms(22.14, 21.9, 22.4), "p50": ms(22.0, 21.8, 22.2),
          "p99": ms(24.61, 24.2, 25.1), "origin_requests": MetricValue(Estimate(480), .count),
        ]),
      ArmResult(
        name: "on",
        metrics: [
          "rate": MetricValue(Estimate(120.3), .perSecond), "mean": ms(10.52, 9.6, 11.4), "p50": ms(0.41, 0.38, 20.1),
          "p99": ms(24.4, 24.0, 25.0), "origin_requests": MetricValue(Estimate(212.5), .count),
        ], theory: ["mean": 10.1e6]),
    ]
    result.columns = ["rate", "mean", "p50", "p99", "origin_requests"]
    result.control = Estimate(1.001, low: 0.984, high: 1.02)
    result.comparisons = [
      ComparisonResult(
        candidate: "on", metric: "mean",
        ratio: ["mean": Estimate(2.104, low: 1.93, high: 2.31), "p99": Estimate(1.008, low: 0.98, high: 1.04)],
        delta: ["mean": ms(11.62, 10.7, 12.5)], verdict: .faster)
    ]
    result.thresholds = [
      JudgementResult(text: "ratio.mean>=1.5", measured: MetricValue(Estimate(2.104, low: 1.93, high: 2.31), .ratio), outcome: .pass),
      JudgementResult(text: "ratio.p99<=1.3", measured: MetricValue(Estimate(1.008, low: 0.98, high: 1.04), .ratio), outcome: .pass),
    ]
    result.expects = [JudgementResult(text: "on.mean = hit-mixture ± 10 %", measured: ms(10.52, 9.6, 11.4), outcome: .inconclusive)]
    result.machine = .busy
    result.change = "off → on"
    result.why = "reads follow Zipf's law"
    result.plots = [cdf]
    return result
  }

  /// A sweep with theory, on a logarithmic axis.
  static var curve: CellResult {
    var result = CellResult(id: "hit-curve", kind: "load", title: "Hit ratio against capacity", inputs: "aa00bb11cc", quick: false, evidence: .real)
    result.rowLabel = "capacity"
    let points: [(Double, Double, Double)] = [(100, 0.2605, 0.261), (500, 0.4562, 0.4551), (1000, 0.5568, 0.5565), (2500, 0.7109, 0.712), (5000, 0.8474, 0.849)]
    result.arms = points.map { capacity, hit, che in
      ArmResult(name: "\(Int(capacity))", params: ["capacity": capacity], metrics: ["hit_ratio": share(hit, hit - 0.007, hit + 0.007)], theory: ["hit_ratio": che])
    }
    result.arms.append(ArmResult(name: "", metrics: ["che_error": MetricValue(Estimate(0.16), .points)]))
    result.columns = ["hit_ratio"]
    result.doubts = [Doubt(id: "per-run", text: "counts are the mean over 8 runs"), Doubt(id: "x", text: "a `stall` of 3 < 4 | ms")]
    result.gates = [JudgementResult(text: "che_error<=2pp", measured: MetricValue(Estimate(0.16), .points), outcome: .pass)]
    result.plots = [
      PlotData(
        title: "Hit ratio against capacity", xLabel: "capacity", yLabel: "cache hits over lookups", xUnit: .count, yUnit: .share, logX: true,
        series: [
          PlotSeries(name: "hit_ratio measured", mark: .dots, x: points.map(\.0), y: points.map(\.1), low: points.map { $0.1 - 0.02 }, high: points.map { $0.1 + 0.02 }),
          PlotSeries(name: "Che’s approximation", mark: .line, x: points.map(\.0), y: points.map(\.2)),
        ])
    ]
    return result
  }

  static var cdf: PlotData {
    let x = (0..<120).map { 2e5 * (1 + Double($0) * Double($0) / 120) }
    let y = (0..<120).map { Double($0 + 1) / 120 }
    return PlotData(
      title: "Response time, cumulative", xLabel: "response time from the intended send", yLabel: "share of requests", xUnit: .nanoseconds,
      yUnit: .share, logX: true,
      series: [PlotSeries(name: "off", mark: .step, x: x.map { $0 + 2e6 }, y: y), PlotSeries(name: "on", mark: .step, x: x, y: y)])
  }

  /// Every text field holds what would break a table, a comment, a tag or a page.
  static let hostile = "<script>alert(1)</script> | `x` **b** \"q\" 'a' --> {{ a.b }} \n## h \u{202E}rev\u{0} ]]> &amp; \\"

  static var hostileResult: CellResult {
    let h = hostile
    var result = CellResult(id: "hostile", kind: h, title: h, inputs: h, quick: true, evidence: .simulated)
    result.arms = [ArmResult(name: h, metrics: [h: MetricValue(Estimate(.nan), .plain)]), ArmResult(name: "b" + h, metrics: [h: MetricValue(Estimate(.infinity), .count)])]
    result.columns = [h]
    result.rowLabel = h
    result.comparisons = [
      ComparisonResult(candidate: "b" + h, metric: h, ratio: [h: Estimate(2)], delta: [:], verdict: .better),
      ComparisonResult(candidate: "c" + h, metric: h, ratio: [:], delta: [:], verdict: .worse),
    ]
    result.thresholds = [JudgementResult(text: h, measured: nil, outcome: .fail)]
    result.validity = .degraded
    result.validityReason = h
    result.doubts = [Doubt(id: h, text: h)]
    result.change = h
    result.why = h
    result.plots = [PlotData(title: h, xLabel: h, yLabel: h, xUnit: .count, yUnit: .nanoseconds, logX: true, series: [
      PlotSeries(name: h, mark: .dots, x: [0, 1, .nan, 10], y: [1, 100, 3, 40], low: [1, 2], high: [3]),
      PlotSeries(name: h, mark: .line, x: [], y: []),
    ])]
    return result
  }
}

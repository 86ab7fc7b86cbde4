// The same scenario, two kernels: what was measured beside what the simulation kernel expects of a run of that length.

import ExperimentModel
import SimulationKernel

extension LoadExecution {
  /// Simulates each arm, and puts predictions and ratios into its row.
  ///
  /// - Returns: one for each arm; nil where there is none, and then a doubt of the result says why.
  func addSimulatedTwins(_ measured: [ArmMeasurement], _ result: inout CellResult) -> [ScenarioTwin?] {
    let asked = Set(cell.expects.filter { $0.theory == "sim" && $0.value == nil }.map(\.address.metric))
    var twins: [ScenarioTwin?] = []
    var unknown: [String] = []
    for (i, arm) in measured.enumerated() where i < result.arms.count {
      runner.report(.progress(id: cell.id, note: "simulating \(arm.arm.name)", rate: nil, p99: nil, left: nil))
      do throws(SimulationError) {
        let scenario = try Scenario(ran(arm), stretches: arm.slices.count)
        let twin = try scenario.simulate(cancelled: runner.cancelled)
        for name in scenario.unknown where !unknown.contains(name) { unknown.append(name) }
        result.arms[i].compare(with: twin, predicting: asked)
        twins.append(twin)
      } catch {
        result.doubts.append(Doubt(id: "sim-twin", text: "\(arm.arm.name): no simulated twin, because \(error)"))
        twins.append(nil)
      }
    }
    guard let twin = twins.compactMap(\.self).first else { return twins }
    var text = "simulated twin: the scenario \(twin.replications) times in the simulation kernel; the interval of a ratio is the luck that one run has"
    if !unknown.isEmpty { text += "; real work takes no time there: \(unknown.joined(separator: ", "))" }
    result.doubts.append(Doubt(id: "sim-twin", text: text))
    return twins
  }

  /// The arm with the times of one of its slices.
  private func ran(_ arm: ArmMeasurement) -> LoadArm {
    var one = arm.arm
    one.profile = scaledProfile(arm.arm)
    if arm.slices.count > 1 { one.profile.duration = Nanoseconds(seconds: one.profile.duration.seconds / Double(arm.slices.count)) }
    return one
  }

  // MARK: Pictures

  /// The distribution with that of the twins in it, and below it by how much they differ.
  func withTwins(_ plot: PlotData, _ arms: [ArmMeasurement], _ twins: [ScenarioTwin?]) -> [PlotData] {
    guard twins.contains(where: { $0 != nil }) else { return [plot] }
    var both = plot
    var residuals = PlotData(
      title: "Measured minus simulated", xLabel: "share of requests", yLabel: "difference of response times", xUnit: .share, yUnit: .nanoseconds,
      logX: false, series: [])
    for (arm, twin) in zip(arms, twins) {
      guard let twin, arm.merged.response.count > 0 else { continue }
      let quantiles = zip(ScenarioTwin.shares, twin.quantiles).filter { $0.1.value > 0 }
      both.series.append(
        PlotSeries(name: "\(arm.arm.name) simulated", mark: .line, x: quantiles.map(\.1.value), y: quantiles.map(\.0)))
      // A few points with their bars can be read; fifty cannot.
      let shown = quantiles.filter { [0.1, 0.3, 0.5, 0.7, 0.9, 0.99].contains($0.0) }
      let found = shown.map { Double(arm.merged.response.quantile($0.0)) }
      residuals.series.append(
        PlotSeries(
          name: arm.arm.name, mark: .dots, x: shown.map(\.0), y: zip(found, shown).map { $0 - $1.1.value },
          low: zip(found, shown).map { $0 - $1.1.high }, high: zip(found, shown).map { $0 - $1.1.low }))
    }
    residuals.series.append(PlotSeries(name: "no difference", mark: .line, x: [0, 1], y: [0, 0]))
    return [both, residuals]
  }

  /// The curve of a sweep with the simulated one in it, and below it measured over simulated.
  func withTwins(_ plot: PlotData?, _ arms: [ArmResult], _ twins: [ScenarioTwin?], _ spec: PlotSpec) -> [PlotData] {
    guard var both = plot else { return [] }
    guard case .sweep(let param, _, _) = load.design, twins.contains(where: { $0 != nil }) else { return [both] }
    let last = param.split(separator: ".").last.map(String.init) ?? param
    var residuals = PlotData(
      title: "Measured over simulated", xLabel: both.xLabel, yLabel: "measured over simulated", xUnit: both.xUnit, yUnit: .ratio, logX: both.logX, series: [])
    for name in spec.y.isEmpty ? ["p99"] : spec.y {
      let points = zip(arms, twins).compactMap { arm, twin -> (x: Double, simulated: TwinFigure, measured: Double)? in
        guard let x = arm.params[last], let figure = twin?.figures[name], let measured = arm.metrics[name]?.estimate.value else { return nil }
        return (x, figure, measured)
      }
      guard !points.isEmpty else { continue }
      both.series.append(PlotSeries(name: "\(name) simulated", mark: .line, x: points.map(\.x), y: points.map(\.simulated.value)))
      let positive = points.filter { $0.simulated.low > 0 }
      residuals.series.append(
        PlotSeries(
          name: name, mark: .dots, x: positive.map(\.x), y: positive.map { $0.measured / $0.simulated.value },
          low: positive.map { $0.measured / $0.simulated.high }, high: positive.map { $0.measured / $0.simulated.low }))
    }
    guard let first = both.series.first?.x.first, let end = both.series.first?.x.last else { return [both] }
    residuals.series.append(PlotSeries(name: "equal", mark: .line, x: [first, end], y: [1, 1]))
    return [both, residuals]
  }
}

extension ArmResult {
  /// Ratios of what both have, and predictions of the metrics that were asked for.
  fileprivate mutating func compare(with twin: ScenarioTwin, predicting asked: Set<String>) {
    for name in ["mean", "p99"] {
      guard let figure = twin.figures[name], figure.low > 0, let found = metrics[name]?.estimate.value else { continue }
      metrics["\(name)_over_sim"] = MetricValue(Estimate(found / figure.value, low: found / figure.high, high: found / figure.low), .ratio)
    }
    for name in asked {
      guard let figure = twin.figures[name], let found = metrics[name]?.estimate.value else { continue }
      theory[name] = figure.value
      // What the run would have shown with average luck, as far as its own luck is unknown.
      let off = figure.low > 0 ? (found * figure.value / figure.high, found * figure.value / figure.low) : (found + figure.value - figure.high, found + figure.value - figure.low)
      paired = (paired ?? [:]).merging([name: Estimate(found, low: off.0, high: off.1)]) { _, new in new }
    }
  }
}

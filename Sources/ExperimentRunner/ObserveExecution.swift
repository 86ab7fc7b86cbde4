// Observe cells: where a running fence spends its CPU time, and the changes of level of a recorded series. Questions to the
// recording of a load block are in RecordingQueries.swift, those to its telemetry in TelemetryQueries.swift.

import ExperimentModel
import MeasureKernel
import Statistics

extension Runner {
  func runObserve(_ cell: Cell, _ observe: ObserveCell, _ known: [String: CellResult], into result: inout CellResult) throws {
    switch observe {
    case .profile(let query): try observeProfile(query, into: &result)
    case .changePoints(let series): observeChanges(cell, series, into: &result)
    case .littlesLaw(let from): try askLittlesLaw(from, into: &result)
    case .mergedQuantiles(let from, let windows): try mergeQuantiles(cell, from, windows: windows, into: &result)
    case .memoryTrend(let from, let limit): try followMemory(cell, from, limit: Double(limit), into: &result)
    case .plan(let from): try readPlans(from, known[from], into: &result)
    case .machine: examine(into: &result)
    case .telemetry(let from, let arm, let query, let rows): try askTelemetry(cell, from, arm: arm, query, rows: rows, into: &result)
    }
  }

  // MARK: Profiles

  /// Functions in the table; the whole profile is in the picture.
  private static let functionsMax = 8

  private func observeProfile(_ query: ProfileQuery, into result: inout CellResult) throws(MeasureError) {
    report(.progress(id: result.id, note: "sampling \(query.fence.id)", rate: nil, p99: nil, left: nil))
    let duration = options.quick ? Nanoseconds(query.duration.rawValue / 4) : query.duration
    let workshop = FenceWorkshop(cache: options.fenceCache)
    _ = try clock.leavingOut { () throws(MeasureError) in try workshop.buildProfiled(query.fence) }
    let profile = try workshop.profile(query.fence, lasting: duration, options: options.commands, cancelled: cancelled)
    result.rowLabel = "function"
    result.columns = ["self_share", "share"]
    // An address needs a name that is known before the run: the hottest function is `top`.
    for (place, function) in profile.top(Self.functionsMax).enumerated() {
      result.arms.append(
        ArmResult(
          name: place == 0 ? "top" : function.function,
          metrics: ["self_share": MetricValue(function.own, .share), "share": MetricValue(function.total, .share)],
          label: function.function))
    }
    result.arms.append(ArmResult(name: "", metrics: ["samples": MetricValue(Estimate(Double(profile.samples)), .count)]))
    if let confined = confinementDoubt([.fence(query.fence)]) { result.doubts.append(confined) }
    result.doubts += profile.doubts.map { Doubt(id: "profile", text: $0) }
    if profile.samples < 100 {
      result.doubts.append(Doubt(id: "few-samples", text: "\(profile.samples) samples are too few to name a function: give it more time"))
    }
    if profile.dropped > 0 {
      result.doubts.append(Doubt(id: "dropped", text: "\(profile.dropped) samples were due and could not be kept; they are in no share"))
    }
    result.profile = profile.pruned()
  }

  // MARK: Series

  private func observeChanges(_ cell: Cell, _ series: SeriesQuery, into result: inout CellResult) {
    let values = series.points.map(\.value)
    let changes = changePoints(values)
    result.rowLabel = "change"
    result.columns = ["index", "change"]
    for change in changes {
      let point = series.points[change.index]
      result.arms.append(
        ArmResult(
          name: point.date + (point.commit.map { " (\($0))" } ?? ""),
          metrics: [
            "index": MetricValue(Estimate(Double(change.index)), .count), "change": MetricValue(Estimate(change.relativeChange), .share),
          ]))
    }
    var whole = ["change_points": MetricValue(Estimate(Double(changes.count)), .count)]
    if let largest = changes.max(by: { abs($0.relativeChange) < abs($1.relativeChange) }) {
      whole["index"] = MetricValue(Estimate(Double(largest.index)), .count)
      whole["change"] = MetricValue(Estimate(largest.relativeChange), .share)
    }
    result.arms.append(ArmResult(name: "", metrics: whole))
    result.doubts.append(Doubt(id: "recorded", text: "recorded: \(values.count) values of `\(series.file)`, nothing was measured now"))
    guard cell.plots.contains(where: { $0.kind == .timeline }) else { return }
    let x = values.indices.map(Double.init)
    let edges = [0] + changes.map(\.index) + [values.count]
    let levels = zip(edges, edges.dropFirst()).map { from, to in (from, to, values[from..<to].reduce(0, +) / Double(to - from)) }
    result.plots = [
      PlotData(
        title: cell.title ?? "Recorded series", xLabel: "run", yLabel: series.file, xUnit: .count, yUnit: .plain, logX: false,
        series: [
          PlotSeries(name: "recorded", mark: .dots, x: x, y: values),
          PlotSeries(
            name: "level", mark: .line, x: levels.flatMap { [Double($0.0), Double($0.1 - 1)] }, y: levels.flatMap { [$0.2, $0.2] }),
        ])
    ]
  }
}

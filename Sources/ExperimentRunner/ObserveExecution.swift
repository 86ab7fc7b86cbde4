// Observe cells: the changes of level of a recorded series, as arms with a plot. Nothing is measured here.

import ExperimentModel
import Statistics

extension Runner {
  func runObserve(_ cell: Cell, _ observe: ObserveCell, into result: inout CellResult) {
    switch observe {
    case .changePoints(let series): observeChanges(cell, series, into: &result)
    }
  }

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

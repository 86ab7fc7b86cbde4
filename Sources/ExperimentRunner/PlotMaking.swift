// Plot series from measured slices: saved with the result, drawn by Reporting later.

import ExperimentModel
import LoadKernel
import SimulationKernel
import Statistics

extension LoadExecution {
  /// - Parameter simulated: the twin of each arm, or none.
  func plots(_ arms: [ArmMeasurement], _ simulated: [ScenarioTwin?], _ result: CellResult) -> [PlotData] {
    cell.plots.flatMap { spec -> [PlotData] in
      switch spec.kind {
      case .distribution: withTwins(distribution(arms), arms, simulated)
      case .timeline: [timeline(arms, spec)]
      case .curve: withTwins(curve(arms, result, spec), result.arms, simulated, spec)
      case .flame, .picture: []
      }
    }
  }

  /// Cumulative distribution of response time, one step line per arm, at most 120 points each.
  private func distribution(_ arms: [ArmMeasurement]) -> PlotData {
    let series = arms.map { arm in
      var x: [Double] = []
      var y: [Double] = []
      let total = Double(max(1, arm.merged.response.count))
      var seen = 0.0
      arm.merged.response.forEachBucket { value, count in
        seen += Double(count)
        x.append(Double(value))
        y.append(seen / total)
      }
      let kept = thinned(x.count, to: 120)
      return PlotSeries(name: arm.arm.name, mark: .step, x: kept.map { x[$0] }, y: kept.map { y[$0] })
    }
    return PlotData(
      title: cell.title ?? "Response time, cumulative", xLabel: "response time from the intended send",
      yLabel: "share of requests", xUnit: .nanoseconds, yUnit: .share, logX: true, series: series)
  }

  /// A metric over the time of the slices, laid end to end.
  private func timeline(_ arms: [ArmMeasurement], _ spec: PlotSpec) -> PlotData {
    let metric = spec.y.first ?? "rate"
    if let sampled = sampledTimeline(arms, metric) { return sampled }
    let series = arms.map { arm in
      var x: [Double] = []
      var y: [Double] = []
      var offset = 0.0
      // At most 60 points: a window of its own is too short to be a rate.
      let group = max(1, arm.slices.reduce(0) { $0 + $1.record.windows.count } / 60)
      for slice in arm.slices {
        let windows = slice.record.windows
        for first in stride(from: 0, to: windows.count, by: group) {
          let part = windows[first..<min(first + group, windows.count)]
          let seconds = Double(part.count) * slice.record.windowLength.seconds
          let completed = part.reduce(0) { $0 + $1.completed }
          let hits = part.reduce(0) { $0 + $1.hits }
          let misses = part.reduce(0) { $0 + $1.misses }
          let value: Double?
          switch metric {
          case "hit_ratio": value = hits + misses > 0 ? Double(hits) / Double(hits + misses) : nil
          case "origin_rps", "origin_requests": value = Double(misses) / seconds
          case "p99": value = part.map { Double($0.p99.rawValue) }.max()
          case "mean":
            value = completed > 0 ? part.reduce(0) { $0 + $1.mean * Double($1.completed) } / Double(completed) : nil
          default: value = Double(completed) / seconds
          }
          if let value {
            x.append(offset + Double(windows[first].start.rawValue))
            y.append(value)
          }
        }
        offset += Double(slice.record.elapsed.rawValue)
      }
      let kept = thinned(x.count, to: 120)
      return PlotSeries(name: arm.arm.name, mark: .line, x: kept.map { x[$0] }, y: kept.map { y[$0] })
    }
    let name = metric == "origin_requests" ? "origin_rps" : metric
    return PlotData(
      title: cell.title ?? "Over time", xLabel: "time", yLabel: Metric.named(name)?.meaning ?? name,
      xUnit: .nanoseconds, yUnit: Metric.named(name)?.unit ?? .plain, logX: false, series: series)
  }

  /// What the lab's counters say at each moment, over the time of the slices laid end to end; nil for a metric that is none of these.
  private func sampledTimeline(_ arms: [ArmMeasurement], _ metric: String) -> PlotData? {
    func counter(_ arm: ArmMeasurement) -> String? {
      switch metric {
      case "queue_depth": QueueNames(arm.arm.system).map { "\($0.topic).depth" }
      case "age_growth": QueueNames(arm.arm.system).map { "\($0.worker).lag_ns" }
      case "live_objects": arm.arm.system.heapStage.map { "\($0.name).live_objects" }
      default: nil
      }
    }
    guard arms.contains(where: { counter($0) != nil }) else { return nil }
    let series = arms.map { arm in
      let name = counter(arm) ?? ""
      var (x, y): ([Double], [Double]) = ([], [])
      var offset = 0.0
      for slice in arm.slices {
        for (at, sample) in zip(slice.sampleTimes, slice.samples) {
          guard let value = sample[name] else { continue }
          x.append(offset + Double(at.rawValue))
          y.append(value)
        }
        offset += Double(slice.record.elapsed.rawValue)
      }
      let kept = thinned(x.count, to: 120)
      return PlotSeries(name: arm.arm.name, mark: .line, x: kept.map { x[$0] }, y: kept.map { y[$0] })
    }
    let isAge = metric == "age_growth"
    return PlotData(
      title: cell.title ?? "Over time", xLabel: "time", yLabel: isAge ? "age of the oldest unfinished message" : Metric.named(metric)?.meaning ?? metric,
      xUnit: .nanoseconds, yUnit: isAge ? .nanoseconds : .count, logX: false, series: series)
  }

  /// Metrics over the swept parameter: dots with intervals, theory as a line.
  private func curve(_ arms: [ArmMeasurement], _ result: CellResult, _ spec: PlotSpec) -> PlotData? {
    guard case .sweep(let param, _, _) = load.design else { return nil }
    let last = param.split(separator: ".").last.map(String.init) ?? param
    let rows = result.arms.filter { $0.params[last] != nil }
    guard let first = rows.first, let low = rows.first?.params[last], let high = rows.last?.params[last] else { return nil }
    var series: [PlotSeries] = []
    let names = spec.y.isEmpty ? ["p99"] : spec.y
    for name in names {
      let points = rows.compactMap { row in row.metrics[name].map { (row.params[last]!, $0.estimate) } }
      let bounded = points.allSatisfy { $0.1.low != nil }
      series.append(
        PlotSeries(
          name: "\(name) measured", mark: .dots, x: points.map(\.0), y: points.map(\.1.value),
          low: bounded ? points.map { $0.1.low! } : nil, high: bounded ? points.map { $0.1.high! } : nil))
      if name == "hit_ratio", let line = Theories.cheLine(arms[0].arm, low: low, high: high) {
        series.append(PlotSeries(name: "Che’s approximation", mark: .line, x: line.x, y: line.y))
      } else {
        let theory = rows.compactMap { row in row.theory[name].map { (row.params[last]!, $0) } }
        if theory.count > 1 {
          series.append(PlotSeries(name: "\(name) predicted", mark: .line, x: theory.map(\.0), y: theory.map(\.1)))
        }
      }
    }
    let unit = first.metrics[names[0]]?.unit ?? .plain
    return PlotData(
      title: cell.title ?? "\(names[0]) over \(last)", xLabel: last,
      yLabel: names.count == 1 ? Metric.named(names[0])?.meaning ?? names[0] : names.joined(separator: ", "),
      xUnit: ["live", "heap", "per_request", "size"].contains(last) ? .bytes : last == "ttl" || last == "thinkTime" ? .nanoseconds : last == "rate" ? .perSecond : .count,
      yUnit: unit, logX: spec.logX, series: series)
  }
}

/// At most `limit` indices of 0..<count, evenly spread, first and last included.
func thinned(_ count: Int, to limit: Int) -> [Int] {
  guard count > limit else { return Array(0..<count) }
  return (0..<limit).map { $0 * (count - 1) / (limit - 1) }
}

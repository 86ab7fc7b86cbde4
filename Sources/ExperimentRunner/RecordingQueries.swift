// Questions to the recording of a load block: Little's law, averaged against merged percentiles, growth of memory.

import ExperimentModel
import Statistics

extension Runner {
  // MARK: Little's law

  /// N = λT. N is what the origin counted by its own clock, λ and T are what the generator saw: two parties, one law.
  func askLittlesLaw(_ from: String, into result: inout CellResult) throws {
    let metrics = try recordings.recording(of: from).metrics
    guard let inside = metrics["concurrency"], let rate = metrics["rate"], let mean = metrics["mean"] else {
      throw CellFailure("`\(from)` has no rate, mean and concurrency", remedy: "ask a load block whose system has an origin")
    }
    let product = rate.estimate.value * mean.estimate.value / 1e9
    guard product > 0 else { throw CellFailure("`\(from)` answered nothing") }
    result.arms = [
      ArmResult(
        name: "",
        metrics: [
          "concurrency": inside, "rate": rate, "mean": mean, "littles_ratio": MetricValue(Estimate(inside.estimate.value / product), .ratio),
        ])
    ]
    result.doubts.append(Doubt(id: "recorded", text: "computed from the run of `\(from)`; the origin's clock and the generator's are not the same"))
  }

  // MARK: Percentiles

  func mergeQuantiles(_ cell: Cell, _ from: String, windows: Int, into result: inout CellResult) throws {
    let recording = try recordings.recording(of: from)
    let parts = cut(recording, windows)
    guard let figures = averagedAgainstMerged(parts) else {
      throw CellFailure("a window of `\(from)` has no answer", remedy: "cut it into fewer windows, or load longer")
    }
    result.rowLabel = "window"
    result.columns = ["http_reqs", "window_p99"]
    for (index, part) in parts.enumerated() {
      result.arms.append(
        ArmResult(
          name: "window-\(index + 1)",
          metrics: [
            "http_reqs": MetricValue(Estimate(Double(part.count)), .count), "window_p99": MetricValue(Estimate(figures.windows[index]), .nanoseconds),
          ], label: "\(index + 1)"))
    }
    result.arms.append(
      ArmResult(
        name: "",
        metrics: [
          "mean_of_p99": MetricValue(Estimate(figures.mean), .nanoseconds), "merged_p99": MetricValue(Estimate(figures.merged), .nanoseconds),
          "averaging_error": MetricValue(Estimate(figures.mean / figures.merged - 1), .share),
        ]))
    if let doubt = recording.guessDoubt { result.doubts.append(doubt) }
    result.doubts.append(Doubt(id: "recorded", text: "computed from the recorded requests of `\(from)`; nothing was measured again"))
    guard cell.plots.contains(where: { $0.kind == .timeline }) else { return }
    let middles = parts.indices.map { (Double($0) + 0.5) * Double(recording.elapsed.rawValue) / Double(windows) }
    let ends = [0, Double(recording.elapsed.rawValue)]
    result.plots = [
      PlotData(
        title: cell.title ?? "p99 by window", xLabel: "time", yLabel: "p99 of response time", xUnit: .nanoseconds, yUnit: .nanoseconds, logX: false,
        series: [
          PlotSeries(name: "p99 of a window", mark: .dots, x: middles, y: figures.windows),
          PlotSeries(name: "mean of these", mark: .line, x: ends, y: [figures.mean, figures.mean]),
          PlotSeries(name: "p99 of all requests", mark: .line, x: ends, y: [figures.merged, figures.merged]),
        ])
    ]
  }

  /// Response times by equal stretches of the recording.
  private func cut(_ recording: LoadRecording, _ windows: Int) -> [[Double]] {
    var parts = [[Double]](repeating: [], count: windows)
    for request in recording.requests {
      guard let duration = request.duration else { continue }
      let place = Double(request.at.rawValue) / Double(max(1, recording.elapsed.rawValue)) * Double(windows)
      parts[min(windows - 1, max(0, Int(place)))].append(Double(duration.rawValue))
    }
    return parts
  }

  // MARK: Memory

  func followMemory(_ cell: Cell, _ from: String, limit: Double, into result: inout CellResult) throws {
    let samples = try recordings.recording(of: from).memory
    guard let trend = memoryTrend(samples, limit: limit) else {
      throw CellFailure("`\(from)` has too few samples of the lab's memory", remedy: "load at least two seconds")
    }
    var whole = [
      "rss": MetricValue(Estimate(samples.last?.bytes ?? 0), .bytes), "rss_growth": MetricValue(trend.perRequest, .bytes),
      "growth_per_hour": MetricValue(trend.perHour, .bytes),
    ]
    if let time = trend.timeToLimit { whole["time_to_limit"] = MetricValue(time, .nanoseconds) }
    result.arms = [ArmResult(name: "", metrics: whole)]
    result.doubts.append(
      Doubt(
        id: "recorded",
        text: "Theil and Sen's slope through \(samples.count) samples of the lab's memory during `\(from)`"
          + (trend.timeToLimit == nil ? "; it may be zero, so no time until the limit follows" : "")))
    guard cell.plots.contains(where: { $0.kind == .timeline }) else { return }
    result.plots = [memoryPlot(cell, samples, trend.line)]
  }

  private func memoryPlot(_ cell: Cell, _ samples: [MemorySample], _ line: TrendLine) -> PlotData {
    let start = samples[0].bytes
    let x: [Double] = samples.map { Double($0.at.rawValue) }
    let above: [Double] = samples.map { $0.bytes - start }
    let ends: [Double] = [x[0], x[x.count - 1]]
    let fitted: [Double] = ends.map { line.intercept + line.slope * $0 - start }
    return PlotData(
      title: cell.title ?? "Resident memory", xLabel: "time", yLabel: "resident memory above its start", xUnit: .nanoseconds, yUnit: .bytes,
      logX: false,
      series: [PlotSeries(name: "sampled", mark: .dots, x: x, y: above), PlotSeries(name: "trend", mark: .line, x: ends, y: fitted)])
  }
}

/// The p99 of each window, their mean, and the p99 of everything; nil when a window is empty. Quantiles are order
/// statistics at rank ⌈0.99 n⌉.
func averagedAgainstMerged(_ windows: [[Double]]) -> (windows: [Double], mean: Double, merged: Double)? {
  func p99(_ values: [Double]) -> Double { values.sorted()[max(0, Int((0.99 * Double(values.count)).rounded(.up)) - 1)] }
  guard !windows.isEmpty, windows.allSatisfy({ !$0.isEmpty }) else { return nil }
  let each = windows.map(p99)
  return (each, each.reduce(0, +) / Double(each.count), p99(windows.flatMap { $0 }))
}

/// How memory grows with requests and with time. The time to the limit is extrapolated, and only from a slope whose
/// interval lies above zero.
func memoryTrend(
  _ samples: [MemorySample], limit: Double
) -> (perRequest: Estimate, perHour: Estimate, timeToLimit: Estimate?, line: TrendLine)? {
  guard samples.count >= 6, let last = samples.last,
    let overRequests = theilSen(samples.map(\.requests), samples.map(\.bytes)),
    let overTime = theilSen(samples.map { Double($0.at.rawValue) }, samples.map(\.bytes))
  else { return nil }
  let hour = 3_600e9
  func estimate(_ line: TrendLine, _ factor: Double) -> Estimate {
    Estimate(line.slope * factor, low: line.slopeInterval.map { $0.low * factor }, high: line.slopeInterval.map { $0.high * factor })
  }
  var time: Estimate?
  if let interval = overTime.slopeInterval, interval.low > 0, limit > last.bytes {
    let room = limit - last.bytes
    time = Estimate(room / overTime.slope, low: room / interval.high, high: room / interval.low)
  }
  return (estimate(overRequests, 1), estimate(overTime, hour), time, overTime)
}

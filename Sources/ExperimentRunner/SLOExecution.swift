// SLO cells: a recording judged against an objective. One row for each alert, or for each recorded release.

import ExperimentModel
import Statistics

extension Runner {
  func runSLO(_ cell: Cell, _ slo: SLOCell, into result: inout CellResult) throws {
    switch slo.source {
    case .load(let block): judgeRecording(cell, slo, try recordings.recording(of: block), into: &result)
    case .recorded(let file, let releases): judgeReleases(cell, slo, file, releases, into: &result)
    }
  }

  // MARK: A load block

  private func judgeRecording(_ cell: Cell, _ slo: SLOCell, _ recording: LoadRecording, into result: inout CellResult) {
    let scaled = { (time: Nanoseconds) in Int64(Double(time.rawValue) * slo.timeScale) }
    var series = RatioSeries(end: scaled(recording.elapsed))
    let ordered = recording.requests.sorted { $0.at < $1.at }
    for request in ordered { series.add(at: scaled(request.at), good: slo.indicator.isGood(request) ? 1 : 0, total: 1) }
    result.rowLabel = "alert"
    result.columns = ["fired", "fired_at", "peak_burn"]
    var called: [BurnAlert.Severity: Int] = [:]
    for alert in slo.alerts {
      let outcome = evaluate(alert, on: series, target: slo.target)
      called[alert.severity, default: 0] += outcome.fired
      var metrics = [
        "fired": MetricValue(Estimate(Double(outcome.fired)), .count), "peak_burn": MetricValue(Estimate(outcome.peakBurn), .ratio),
      ]
      if let at = outcome.firedAt { metrics["fired_at"] = MetricValue(Estimate(Double(at)), .nanoseconds) }
      result.arms.append(ArmResult(name: alert.name, metrics: metrics, label: alert.label))
    }
    // Requests of one moment share its fate: batches, not requests, are independent.
    let size = max(1, ordered.count / 20)
    let batches = stride(from: 0, to: ordered.count, by: size).map { ordered[$0..<min($0 + size, ordered.count)] }
    let attained =
      ratioEstimate(batches.map { batch in Double(batch.count { slo.indicator.isGood($0) }) }, batches.map { Double($0.count) }) ?? Estimate(.nan)
    var whole = figures(slo, attained, length: Nanoseconds(series.end))
    whole["pages"] = MetricValue(Estimate(Double(called[.page] ?? 0)), .count)
    whole["tickets"] = MetricValue(Estimate(Double(called[.ticket] ?? 0)), .count)
    result.arms.append(ArmResult(name: "", metrics: whole))
    let text = slo.timeScale == 1 ? "" : ", in which a second stands for \(plain(slo.timeScale)) s"
    result.doubts.append(Doubt(id: "recorded", text: "judged on \(ordered.count) recorded requests\(text); nothing was measured again"))
    if let doubt = recording.guessDoubt { result.doubts.append(doubt) }
    if slo.alerts.contains(where: { $0.long.rawValue > series.end }) {
      result.doubts.append(Doubt(id: "short-recording", text: "a window that is longer than the recording is judged once, on all of it"))
    }
    guard cell.plots.contains(where: { $0.kind == .timeline }) else { return }
    result.plots = [burndown(cell, slo, [(name: "error budget left", series: series)])]
  }

  private func figures(_ slo: SLOCell, _ attained: Estimate, length: Nanoseconds) -> [String: MetricValue] {
    func mapped(_ change: (Double) -> Double) -> Estimate {
      let ends = [attained.low, attained.high].compactMap { $0.map { change(min(max($0, 0), 1)) } }.sorted()
      // Without a bad request in sight a budget lasts for ever, and for ever is no bound.
      guard ends.allSatisfy(\.isFinite) else { return Estimate(change(attained.value)) }
      return Estimate(change(attained.value), low: ends.first, high: ends.last)
    }
    let burn = { (good: Double) in burnRate(badShare: 1 - good, target: slo.target) }
    return [
      "attainment": MetricValue(
        Estimate(attained.value, low: attained.low.map { max(0, $0) }, high: attained.high.map { min(1, $0) }), .share),
      "bad_share": MetricValue(mapped { 1 - $0 }, .share),
      "objective": MetricValue(Estimate(slo.target), .share), "burn_rate": MetricValue(mapped(burn), .ratio),
      "budget_left": MetricValue(mapped { 1 - budgetSpent(burn: burn($0), over: length, of: slo.timeWindow) }, .share),
      "exhausted_in": MetricValue(mapped { Double(slo.timeWindow.rawValue) / burn($0) }, .nanoseconds),
    ].filter { $0.value.estimate.value.isFinite }
  }

  // MARK: Recorded releases

  private func judgeReleases(_ cell: Cell, _ slo: SLOCell, _ file: String, _ releases: [RecordedRelease], into result: inout CellResult) {
    result.rowLabel = "release"
    result.columns = ["attainment", "burn_rate", "pages", "tickets", "fired_at"]
    var (bad, found, falsePages) = (0, 0, 0)
    var drawn: [(name: String, series: RatioSeries)] = []
    for release in releases {
      var series = RatioSeries(end: release.step.rawValue * Int64(release.total.count))
      for (index, total) in release.total.enumerated() {
        series.add(at: release.step.rawValue * Int64(index + 1), good: release.good[index], total: total)
      }
      let outcomes = slo.alerts.map { ($0.severity, evaluate($0, on: series, target: slo.target)) }
      let pages = outcomes.filter { $0.0 == .page }
      let woke = pages.contains { $0.1.fired > 0 }
      if release.isBad { (bad, found) = (bad + 1, found + (woke ? 1 : 0)) } else if woke { falsePages += 1 }
      let share = series.badShare(until: series.end, window: series.end) ?? .nan
      var metrics = [
        "attainment": MetricValue(Estimate(1 - share), .share),
        "burn_rate": MetricValue(Estimate(burnRate(badShare: share, target: slo.target)), .ratio),
        "pages": MetricValue(Estimate(Double(pages.reduce(0) { $0 + $1.1.fired })), .count),
        "tickets": MetricValue(Estimate(Double(outcomes.reduce(0) { $0 + ($1.0 == .ticket ? $1.1.fired : 0) })), .count),
      ]
      if let first = pages.compactMap(\.1.firedAt).min() { metrics["fired_at"] = MetricValue(Estimate(Double(first)), .nanoseconds) }
      result.arms.append(ArmResult(name: release.name, metrics: metrics, label: "\(release.name) (\(release.isBad ? "bad" : "good"))"))
      drawn.append((release.name, series))
    }
    var whole = [
      "objective": MetricValue(Estimate(slo.target), .share), "false_pages": MetricValue(Estimate(Double(falsePages)), .count),
    ]
    if bad > 0 { whole["recall"] = MetricValue(Estimate(Double(found) / Double(bad)), .share) }
    result.arms.append(ArmResult(name: "", metrics: whole))
    result.doubts.append(Doubt(id: "recorded", text: "judged on \(releases.count) recorded releases of `\(file)`; nothing was measured"))
    guard cell.plots.contains(where: { $0.kind == .timeline }) else { return }
    result.plots = [burndown(cell, slo, drawn)]
  }

  // MARK: Picture

  /// What is left of the recording's own part of the budget; it ends at zero when the budget burns at the allowed pace,
  /// below zero when faster.
  private func burndown(_ cell: Cell, _ slo: SLOCell, _ all: [(name: String, series: RatioSeries)]) -> PlotData {
    var lines = all.map { name, series in
      let allowed = (1 - slo.target) * Double(max(1, series.totalSum))
      let steps = all.count > 2 ? 24 : 60
      let x = (0...steps).map { Double(series.end) * Double($0) / Double(steps) }
      return PlotSeries(name: name, mark: .line, x: x, y: x.map { 1 - Double(series.badSum(until: Int64($0))) / allowed })
    }
    let end = all.map { Double($0.series.end) }.max() ?? 0
    lines.append(PlotSeries(name: "allowed pace", mark: .line, x: [0, end], y: [1, 0]))
    return PlotData(
      title: cell.title ?? "Error budget", xLabel: "time of the service", yLabel: "error budget of this stretch that is left",
      xUnit: .nanoseconds, yUnit: .share, logX: false, series: lines)
  }
}

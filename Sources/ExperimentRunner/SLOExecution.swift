// SLO cells: a recording judged against an objective. One row for each alert, or for each recorded release.

import ExperimentModel
import Statistics

extension Runner {
  func runSLO(_ cell: Cell, _ slo: SLOCell, into result: inout CellResult) throws {
    switch slo.source {
    case .load(let block): try judgeRecording(cell, slo, try recordings.recording(of: block), into: &result)
    case .recorded(let file, let releases): try judgeReleases(cell, slo, file, releases, into: &result)
    }
  }

  // MARK: A load block

  private func judgeRecording(_ cell: Cell, _ slo: SLOCell, _ recording: LoadRecording, into result: inout CellResult) throws {
    let scaled = { (time: Nanoseconds) in Int64(Double(time.rawValue) * slo.timeScale) }
    var series = RatioSeries(end: scaled(recording.elapsed))
    let ordered = recording.requests.sorted { $0.at < $1.at }
    for request in ordered { series.add(at: scaled(request.at), good: slo.indicator.isGood(request) ? 1 : 0, total: 1) }
    let requests = share(ordered) { slo.indicator.isGood($0) ? 1 : 0 }
    result.rowLabel = "alert"
    result.columns = ["fired", "fired_at", "peak_burn", "spent_when_fired"]
    let isSingle = slo.allObjectives.count == 1
    var called: [BurnAlert.Severity: Int] = [:]
    var whole =
      isSingle ? [:] : ["attainment": MetricValue(requests.within01, .share), "bad_share": MetricValue(requests.within01.mirrored, .share)]
    var drawn: [(name: String, target: Double, series: RatioSeries)] = []
    var budgets: [ArmResult] = []
    for objective in slo.allObjectives {
      let counted = try objective.slice.map { slice in try sliced(series, slice) } ?? series
      let attained = objective.slice == nil ? requests : share(counted.values) { Double($0.good) }
      let budget = figures(slo, objective, attained, length: Nanoseconds(counted.end))
      if isSingle { whole = budget } else { budgets.append(ArmResult(name: objective.name ?? "", metrics: budget, label: objective.title)) }
      for alert in slo.alerts {
        let outcome = evaluate(alert, on: counted, target: objective.target)
        called[alert.severity, default: 0] += outcome.fired
        let name = isSingle ? alert.name : "\(objective.name ?? "")-\(alert.name)"
        let label = isSingle ? alert.label : "\(objective.title): \(alert.label)"
        result.arms.append(ArmResult(name: name, metrics: figures(outcome, counted, slo, objective), label: label))
      }
      drawn.append((isSingle ? "error budget left" : objective.title, objective.target, counted))
      if let slice = objective.slice { result.doubts.append(sliceDoubt(slice, series, counted, isSingle ? "" : "\(objective.title): ")) }
    }
    result.arms += budgets
    if let t = slo.apdex { whole["apdex"] = MetricValue(share(ordered) { apdexScore($0, t) }.within01, .plain) }
    whole["pages"] = MetricValue(Estimate(Double(called[.page] ?? 0)), .count)
    whole["tickets"] = MetricValue(Estimate(Double(called[.ticket] ?? 0)), .count)
    result.arms.append(ArmResult(name: "", metrics: whole))
    let text = slo.timeScale == 1 ? "" : ", in which a second stands for \(plain(slo.timeScale)) s"
    result.doubts.insert(
      Doubt(id: "recorded", text: "judged on \(ordered.count) recorded requests\(text); nothing was measured again"), at: 0)
    if let doubt = recording.guessDoubt { result.doubts.append(doubt) }
    if slo.alerts.contains(where: { $0.long.rawValue > series.end }) {
      result.doubts.append(Doubt(id: "short-recording", text: "a window that is longer than the recording is judged once, on all of it"))
    }
    guard cell.plots.contains(where: { $0.kind == .timeline }) else { return }
    result.plots = [burndown(cell, drawn)]
  }

  /// Mean of a score over things in order, with its interval. Neighbours share their fate: batches, not single ones, are independent.
  private func share<Item>(_ items: [Item], _ score: (Item) -> Double) -> Estimate {
    let size = max(1, items.count / 20)
    let batches = stride(from: 0, to: items.count, by: size).map { items[$0..<min($0 + size, items.count)] }
    let estimate = ratioEstimate(batches.map { $0.reduce(0) { $0 + score($1) } }, batches.map { Double($0.count) }) ?? Estimate(.nan)
    // Batches that are all alike say nothing of how far others might be: an interval without width would claim to know.
    return estimate.low == estimate.high ? Estimate(estimate.value) : estimate
  }

  private func sliced(_ series: RatioSeries, _ slice: TimeSlice) throws -> RatioSeries {
    guard series.end >= slice.window.rawValue else {
      throw CellFailure(
        "the recording is shorter than one time slice",
        remedy: "load for longer, or take a shorter `timeSliceWindow` or another `time_scale`")
    }
    return series.slices(slice)
  }

  private func sliceDoubt(_ slice: TimeSlice, _ series: RatioSeries, _ counted: RatioSeries, _ whose: String) -> Doubt {
    let rest = series.end > counted.end ? "; what is left at the end is no whole one" : ""
    return Doubt(
      id: "time-slices",
      text: "\(whose)budget counted in \(counted.totalSum) time slices, good with \(plain(slice.target * 100)) % of their requests\(rest)")
  }

  private func figures(_ outcome: AlertOutcome, _ series: RatioSeries, _ slo: SLOCell, _ objective: Objective) -> [String: MetricValue] {
    var metrics = [
      "fired": MetricValue(Estimate(Double(outcome.fired)), .count), "peak_burn": MetricValue(Estimate(outcome.peakBurn), .ratio),
    ]
    guard let at = outcome.firedAt else { return metrics }
    metrics["fired_at"] = MetricValue(Estimate(Double(at)), .nanoseconds)
    let bad = Double(series.badSum(until: at)) / Double(max(1, series.totalSum))
    let spent = budgetSpent(burn: burnRate(badShare: bad, target: objective.target), over: Nanoseconds(series.end), of: slo.timeWindow)
    metrics["spent_when_fired"] = MetricValue(Estimate(spent), .share)
    return metrics
  }

  private func figures(_ slo: SLOCell, _ objective: Objective, _ attained: Estimate, length: Nanoseconds) -> [String: MetricValue] {
    func mapped(_ change: (Double) -> Double) -> Estimate {
      let ends = [attained.low, attained.high].compactMap { $0.map { change(min(max($0, 0), 1)) } }.sorted()
      // Without a bad request in sight a budget lasts for ever, and for ever is no bound.
      guard ends.allSatisfy(\.isFinite) else { return Estimate(change(attained.value)) }
      return Estimate(change(attained.value), low: ends.first, high: ends.last)
    }
    let burn = { (good: Double) in burnRate(badShare: 1 - good, target: objective.target) }
    let spent = { (good: Double) in budgetSpent(burn: burn(good), over: length, of: slo.timeWindow) }
    return [
      "attainment": MetricValue(attained.within01, .share), "bad_share": MetricValue(mapped { 1 - $0 }, .share),
      "objective": MetricValue(Estimate(objective.target), .share), "burn_rate": MetricValue(mapped(burn), .ratio),
      "budget": MetricValue(Estimate((1 - objective.target) * Double(slo.timeWindow.rawValue)), .nanoseconds),
      "spent": MetricValue(mapped { (1 - $0) * Double(length.rawValue) }, .nanoseconds), "budget_spent": MetricValue(mapped(spent), .share),
      "budget_left": MetricValue(mapped { 1 - spent($0) }, .share),
      "exhausted_in": MetricValue(mapped { Double(slo.timeWindow.rawValue) / burn($0) }, .nanoseconds),
    ].filter { $0.value.estimate.value.isFinite }
  }

  // MARK: Recorded releases

  private func judgeReleases(_ cell: Cell, _ slo: SLOCell, _ file: String, _ releases: [RecordedRelease], into result: inout CellResult)
    throws
  {
    result.rowLabel = "release"
    result.columns = ["attainment", "burn_rate", "pages", "tickets", "fired_at"]
    var (bad, found, falsePages) = (0, 0, 0)
    // The planner keeps several objectives apart.
    let objective = slo.allObjectives[0]
    var drawn: [(name: String, target: Double, series: RatioSeries)] = []
    for release in releases {
      var series = RatioSeries(end: release.step.rawValue * Int64(release.total.count))
      for (index, total) in release.total.enumerated() {
        series.add(at: release.step.rawValue * Int64(index + 1), good: release.good[index], total: total)
      }
      if let slice = objective.slice { series = try sliced(series, slice) }
      let outcomes = slo.alerts.map { ($0.severity, evaluate($0, on: series, target: objective.target)) }
      let pages = outcomes.filter { $0.0 == .page }
      let woke = pages.contains { $0.1.fired > 0 }
      if release.isBad { (bad, found) = (bad + 1, found + (woke ? 1 : 0)) } else if woke { falsePages += 1 }
      let share = series.badShare(until: series.end, window: series.end) ?? .nan
      var metrics = [
        "attainment": MetricValue(Estimate(1 - share), .share),
        "burn_rate": MetricValue(Estimate(burnRate(badShare: share, target: objective.target)), .ratio),
        "pages": MetricValue(Estimate(Double(pages.reduce(0) { $0 + $1.1.fired })), .count),
        "tickets": MetricValue(Estimate(Double(outcomes.reduce(0) { $0 + ($1.0 == .ticket ? $1.1.fired : 0) })), .count),
      ]
      if let first = pages.compactMap(\.1.firedAt).min() { metrics["fired_at"] = MetricValue(Estimate(Double(first)), .nanoseconds) }
      result.arms.append(ArmResult(name: release.name, metrics: metrics, label: "\(release.name) (\(release.isBad ? "bad" : "good"))"))
      drawn.append((release.name, objective.target, series))
    }
    var whole = [
      "objective": MetricValue(Estimate(objective.target), .share), "false_pages": MetricValue(Estimate(Double(falsePages)), .count),
    ]
    if bad > 0 { whole["recall"] = MetricValue(Estimate(Double(found) / Double(bad)), .share) }
    result.arms.append(ArmResult(name: "", metrics: whole))
    result.doubts.append(Doubt(id: "recorded", text: "judged on \(releases.count) recorded releases of `\(file)`; nothing was measured"))
    guard cell.plots.contains(where: { $0.kind == .timeline }) else { return }
    result.plots = [burndown(cell, drawn)]
  }

  // MARK: Picture

  /// What is left of the recording's own part of the budget; it ends at zero when the budget burns at the allowed pace,
  /// below zero when faster.
  private func burndown(_ cell: Cell, _ all: [(name: String, target: Double, series: RatioSeries)]) -> PlotData {
    var lines = all.map { name, target, series in
      let allowed = (1 - target) * Double(max(1, series.totalSum))
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

extension Objective {
  /// `The strict one`, or its target.
  var title: String { displayName ?? name ?? "\(plain(target * 100)) %" }
}

extension Estimate {
  /// A share's interval by its own name may reach beyond 0 and 1.
  fileprivate var within01: Estimate { Estimate(value, low: low.map { max(0, $0) }, high: high.map { min(1, $0) }) }
  /// Of a share, the share of the others.
  fileprivate var mirrored: Estimate { Estimate(1 - value, low: high.map { 1 - $0 }, high: low.map { 1 - $0 }) }
}

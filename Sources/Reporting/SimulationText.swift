// A simulation from the shell: a table for people, one JSON object for programs.

import ExperimentModel

/// Metric, simulated value with its interval, and what the closed form says.
public func simulationText(_ report: SimulationReport, style: TerminalStyle) -> String {
  let model = SimModel.named(report.model)
  let names = (model.map { $0.columns + $0.others } ?? []).filter { report.arm.metrics[$0] != nil }
  let rows = names.map { name in
    let value = report.arm.metrics[name]!
    let predicted = report.arm.theory[name].map { format(MetricValue(Estimate($0), value.unit)) } ?? ""
    return [metricTitle(name), format(value.estimate, value.unit, interval: true), predicted]
  }
  var text = columnsText(titles: ["metric", "simulated", "closed form"], rows: rows, rightAligned: [1, 2], style: style)
  text += deviationPlot(report.arm, names, style)
  text += "\n"
  if let form = report.closedForm { text += noteText("closed form", form, style: style) }
  let repeated = report.replications == 1 ? "one replication, so no intervals" : "\(report.replications) replications, 95 % intervals"
  text += noteText("simulated", "\(repeated), seed \(report.seed), the first \(report.warmUp) customers of each not counted", style: style)
  text += noteText(
    "engine", "\(report.events) events in \(format(MetricValue(Estimate(report.seconds * 1e9), .nanoseconds))), "
      + "\(format(MetricValue(Estimate(report.eventsPerSecond / 1e6), .plain))) million a second", style: style)
  return text
}

/// Simulated over closed form, a line for each metric that has one: the interval as a bar, the point in it, the closed form in the
/// middle. Empty without intervals.
private func deviationPlot(_ arm: ArmResult, _ names: [String], _ style: TerminalStyle) -> String {
  let deviations = names.compactMap { name -> (name: String, low: Double, value: Double, high: Double)? in
    guard let found = arm.metrics[name]?.estimate, let low = found.low, let high = found.high, high > low, let theory = arm.theory[name], theory != 0
    else { return nil }
    return (metricTitle(name), low / theory - 1, found.value / theory - 1, high / theory - 1)
  }
  let reach = deviations.flatMap { [abs($0.low), abs($0.high)] }.max() ?? 0
  guard reach > 0, reach.isFinite else { return "" }
  let half = 24
  func column(_ deviation: Double) -> Int { half + Int((deviation / reach * Double(half)).rounded()) }
  let marks: (bar: Character, point: Character, middle: Character) = style.isASCII ? ("-", "o", "|") : ("─", "●", "│")
  let width = deviations.map(\.name.count).max() ?? 0
  let rows = deviations.map { one in
    var line = [Character](repeating: " ", count: 2 * half + 1)
    for place in column(one.low)...column(one.high) { line[place] = marks.bar }
    line[half] = marks.middle
    line[column(one.value)] = marks.point
    return trimmedEnd(one.name + String(repeating: " ", count: width - one.name.count + 2) + String(line)) + "\n"
  }
  let scale = format(MetricValue(Estimate(reach), .share))
  return "\n" + String(repeating: " ", count: width + 2) + style.own("simulated over closed form, ± \(scale) at the ends") + "\n" + rows.joined()
}

extension SimulationReport {
  fileprivate var params: [String: JSONValue] {
    arm.params.mapValues { JSONValue.number($0) }.merging(words.mapValues { .text($0) }) { a, _ in a }
  }

  /// Of wall time.
  public var eventsPerSecond: Double { seconds > 0 ? Double(events) / seconds : 0 }
}

/// One JSON object on one line. What a seed decides is in `metrics` and `theory`, the same bytes on every machine; what this machine
/// took is in `engine`.
public func simulationJSON(_ report: SimulationReport, withEngine: Bool = true) throws -> String {
  var metrics: [String: JSONValue] = [:]
  for (name, value) in report.arm.metrics {
    var fields: [String: JSONValue] = ["value": .number(value.estimate.value), "unit": .text(value.unit.rawValue)]
    if let low = value.estimate.low, let high = value.estimate.high { fields["interval"] = .list([.number(low), .number(high)]) }
    if let theory = report.arm.theory[name] { fields["theory"] = .number(theory) }
    metrics[name] = .object(fields)
  }
  var fields: [String: JSONValue] = [
    "model": .text(report.model), "seed": .text(String(report.seed)), "replications": .integer(report.replications), "evidence": .text("S"),
    "params": .object(report.params), "metrics": .object(metrics), "warm_up": .integer(report.warmUp),
    "events": .integer(report.events), "closed_form": report.closedForm.map { .text($0) } ?? .null,
  ]
  if withEngine {
    fields["engine"] = .object(["seconds": .number(report.seconds), "events_per_second": .number(report.eventsPerSecond)])
  }
  return try JSONValue.object(fields).line()
}

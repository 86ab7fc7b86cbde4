// A load report for other programs: one JSON object, a CSV of its windows, and a self-contained page.

import ExperimentModel
import Foundation

/// One JSON object on one line: `requests`, `rate`, `errors` by kind, `response_time`, `service_time` and `send_lag` with
/// quantiles in nanoseconds, `verdict`.
public func loadJSON(_ report: LoadReport) throws -> String {
  func summary(_ summary: LatencySummary?) -> JSONValue {
    guard let summary else { return .null }
    var fields: [String: JSONValue] = [
      "count": .integer(summary.count), "min": .number(orNull: summary.min), "mean": .number(orNull: summary.mean.value), "max": .number(orNull: summary.max),
    ]
    for (name, estimate) in summary.quantiles {
      fields[name] = .number(estimate.value)
      if let low = estimate.low, let high = estimate.high { fields["\(name)_interval"] = .list([.number(low), .number(high)]) }
    }
    return .object(fields)
  }
  func counts<Key: CustomStringConvertible>(_ counts: [Key: Int]) -> JSONValue {
    .object(Dictionary(counts.map { ($0.key.description, .integer($0.value)) }, uniquingKeysWith: { a, _ in a }))
  }
  let thresholds = report.thresholds.map { one in
    JSONValue.object([
      "threshold": .text(one.text), "outcome": .text(one.outcome.rawValue), "measured": .number(orNull: one.measured?.estimate.value),
      "window": one.place.map { .text($0) } ?? .null,
    ])
  }
  let object: [String: JSONValue] = [
    "target": .text(report.target), "traffic": .text(report.traffic), "seed": .number(Double(report.seed)),
    "environment": .text(report.environment), "machine": .text(report.machine.rawValue), "verdict": .text(report.validity.rawValue),
    "reason": report.validityReason.map { .text($0) } ?? .null, "partial": .flag(report.isPartial),
    "requests": .integer(report.requests), "failed": .integer(report.failed), "errors": counts(report.errors),
    "raw": report.raw.map { .object(["rows": .integer($0.rows.count), "truncated": .integer($0.truncated)]) } ?? .null,
    "connect_errors": counts(report.connectErrors), "unasked": .integer(report.unasked),
    "doubts": .list(report.doubts.map { .text($0.text) }), "examples": .object(report.examples.mapValues { .text($0) }), "statuses": counts(report.statuses), "elapsed_s": .number(orNull: report.elapsed),
    "rate": .number(orNull: report.rate), "planned_rate": .number(orNull: report.plannedRate),
    // An INVALID run has no times: they would be the generator's.
    "response_time": report.validity == .invalid ? .null : summary(report.response),
    "service_time": report.validity == .invalid ? .null : summary(report.service), "send_lag": summary(report.sendLag),
    "by_request": .list(report.byName.map { one in
      .object(["name": .text(one.name), "failed": .integer(one.failed), "response_time": report.validity == .invalid ? .null : summary(one.response)])
    }),
    "bytes_in": .integer(report.bytesIn), "bytes_out": .integer(report.bytesOut), "in_flight_mean": .number(orNull: report.inFlightMean),
    "little_residual": .number(orNull: report.littleResidual), "generator_cpu_share": .number(orNull: report.generatorCPUShare),
    "effective_requests": .number(orNull: report.effectiveRequests),
    "connections": .integer(report.connections), "target_use": footprint(report.observation?.target, report.observation?.targetUnknown),
    "generator_use": footprint(report.observation?.generator, nil), "tcp": wire(report.observation?.connections), "thresholds": .list(thresholds),
  ]
  return try JSONValue.object(object).line()
}

/// Figures by metric name; `null` is unknown, and `unknown` says why.
private func footprint(_ footprint: ProcessFootprint?, _ reason: String?) -> JSONValue {
  guard let footprint else { return .object(["unknown": reason.map { .text($0) } ?? .null]) }
  var fields = Dictionary(footprint.figures.map { ($0.metric, JSONValue.number(orNull: $0.value)) }, uniquingKeysWith: { a, _ in a })
  fields["processes"] = .integer(footprint.processes)
  fields["unknown"] = .object(footprint.unknown.mapValues { .text($0) })
  if let calls = footprint.syscallsByName { fields["syscalls"] = .object(calls.mapValues { .integer($0) }) }
  return .object(fields)
}

private func wire(_ counts: ConnectionFootprint?) -> JSONValue {
  guard let counts else { return .null }
  func number(_ count: Int?) -> JSONValue { count.map { .integer($0) } ?? .null }
  return .object([
    "connections": .integer(counts.connections), "bytes_sent": number(counts.bytesSent), "bytes_received": number(counts.bytesReceived),
    "retransmits": number(counts.retransmits), "bytes_retransmitted": number(counts.bytesRetransmitted),
  ])
}

/// One JSON object on one line.
public func capacityJSON(_ report: CapacityReport) throws -> String {
  let trials = report.trials.map { trial in
    JSONValue.object([
      "rate": .number(orNull: trial.rate), "measured": .number(orNull: trial.measured?.estimate.value),
      "keeps": trial.keeps.map { .flag($0) } ?? .null, "verdict": .text(trial.validity.rawValue),
    ])
  }
  return try JSONValue.object([
    "target": .text(report.target), "objective": .text(report.objective), "capacity": .number(orNull: report.capacity?.value),
    "ceiling": .number(orNull: report.ceiling),
    "interval": .list([.number(orNull: report.capacity?.low), .number(orNull: report.capacity?.high)]),
    "reason": report.reason.map { .text($0) } ?? .null, "trials": .list(trials),
  ]).line()
}

/// The windows of a run as CSV: seconds from the start, answers per second, failures, p50 and p99 in nanoseconds.
public func loadCSV(_ report: LoadReport) -> String {
  "start_s,rate,failed,p50_ns,p99_ns\n"
    + report.windows.map { window in
      "\(fixed(window.start / 1e9, 3, grouped: false)),\(fixed(window.rate, 1, grouped: false)),\(window.failed),\(Int(window.p50)),\(Int(window.p99))\n"
    }.joined()
}

/// The report as one HTML file without anything outside itself: the text of the terminal, the distributions, the run over time.
public func loadPage(_ report: LoadReport) -> String {
  var figures = ""
  if report.validity != .invalid {
    if let plot = report.distribution { figures += figure(plot) }
    if report.windows.count > 1 { figures += figure(timeline(report)) }
  }
  return reportPage(title: "Load on \(report.target)", text: loadText(report), figures: figures)
}

private func figure(_ plot: PlotData) -> String {
  "<figure>\n\(plotSVG(plot))<figcaption>\(escapedMarkup(plot.title))\n\(dataTableHTML(plot))</figcaption>\n</figure>\n"
}

private func timeline(_ report: LoadReport) -> PlotData {
  let shown = report.windows.filter { $0.p99 > 0 }
  func series(_ name: String, _ value: (LoadReportWindow) -> Double) -> PlotSeries {
    PlotSeries(name: name, mark: .line, x: shown.map(\.start), y: shown.map(value))
  }
  return PlotData(
    title: "Response time over the run", xLabel: "time", yLabel: "response time of a window", xUnit: .nanoseconds, yUnit: .nanoseconds,
    logX: false, series: [series("p50", \.p50), series("p99", \.p99)])
}

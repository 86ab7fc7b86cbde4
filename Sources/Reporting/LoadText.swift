// What `nb load` prints: what was asked and whether it could be kept, then response and service time side by side, then what
// went wrong. The verdict on the run itself comes first, because everything below it depends on it.

import ExperimentModel

/// The report as lines for a terminal.
public func loadText(_ report: LoadReport, style: TerminalStyle = TerminalStyle()) -> String {
  var out = style.bold(style.text("\(report.target)  \(report.traffic)", limit: 300)) + "\n"
  let planned = report.plannedRate.map { " of \(format(MetricValue(Estimate($0), .perSecond))) planned" } ?? ""
  out += "\(whole(report.requests)) requests, \(format(MetricValue(Estimate(report.rate), .perSecond)))\(planned), "
  out += "\(whole(report.failed)) failed" + (report.isPartial ? " (stopped early: partial)" : "") + "\n"
  if report.validity == .invalid {
    out += style.bold("INVALID: \(style.text(report.validityReason ?? "the generator fell behind", limit: 300))") + "\n"
    out += "Its times are not shown: they would be the generator's, not the target's.\n"
  } else {
    if report.validity == .degraded {
      out += style.bold("DEGRADED: \(style.text(report.validityReason ?? "the generator was late", limit: 300))") + "\n"
    }
    out += "\n" + latencyText(report, style)
  }
  out += requestText(report, style)
  out += failureText(report, style)
  if !report.thresholds.isEmpty {
    out += "\n"
    for one in report.thresholds {
      let measured = one.measured.map { format($0.estimate, $0.unit, interval: true) } ?? "not measured"
      let line = "\(one.outcome.rawValue)  \(style.text(one.text))  \(style.own(measured))" + (one.place.map { "  (\($0))" } ?? "")
      out += (one.outcome == .fail ? style.bold(line) : line) + "\n"
    }
  }
  return out + "\n" + closing(report, style)
}

private let latencyRows = ["mean"] + LatencySummary.names.map(\.name) + ["max"]

private func latencyText(_ report: LoadReport, _ style: TerminalStyle) -> String {
  guard report.response != nil else { return "nothing was answered\n" }
  let rows = latencyRows.compactMap { name -> [String]? in
    guard let response = value(name, report.response) else { return nil }
    return [quantileTitle(name), style.own(time(response, true)), style.own(value(name, report.service).map { time($0, false) } ?? "–"),
      style.own(value(name, report.sendLag).map { time($0, false) } ?? "–")]
  }
  return columnsText(
    titles: ["", "response time [95 %]", "service time", "send lag"], rows: rows, rightAligned: [1, 2, 3], style: style)
}

/// `p99.9`.
func quantileTitle(_ name: String) -> String {
  name.hasPrefix("p") && name.count > 3 ? "p99." + name.dropFirst(3) : name
}

private func value(_ name: String, _ summary: LatencySummary?) -> Estimate? {
  switch name {
  case "mean": summary?.mean
  case "max": summary.map { Estimate($0.max) }
  default: summary?.quantiles[name]
  }
}

private func time(_ estimate: Estimate, _ interval: Bool) -> String { format(estimate, .nanoseconds, interval: interval) }

private func whole(_ count: Int) -> String { fixed(Double(count), 0, grouped: true) }

private func requestText(_ report: LoadReport, _ style: TerminalStyle) -> String {
  guard report.byName.count > 1, report.validity != .invalid else { return "" }
  let rows = report.byName.map { one in
    [style.text(one.name, limit: 60), whole(one.response.count), whole(one.failed)]
      + ["p50", "p95", "p99"].map { style.own(one.response.quantiles[$0].map { time($0, false) } ?? "–") }
  }
  return "\n" + columnsText(titles: ["request", "answered", "failed", "p50", "p95", "p99"], rows: rows, rightAligned: [1, 2, 3, 4, 5], style: style)
}

private func failureText(_ report: LoadReport, _ style: TerminalStyle) -> String {
  // A redirect is an answer, but seldom the one that was meant to be measured.
  let odd = report.statuses.filter { !(200..<300).contains($0.key) }.sorted { $0.key < $1.key }
  guard !report.errors.isEmpty || !odd.isEmpty else { return "" }
  var out = "\n"
  for (kind, count) in report.errors.sorted(by: { ($1.value, $0.key) < ($0.value, $1.key) }) {
    let example = report.examples[kind].map { ": " + style.text($0, limit: 200) } ?? ""
    out += "failed  \(whole(count))  \(style.text(kind))\(example)\n"
  }
  if !odd.isEmpty { out += "status  " + odd.map { "\($0.key): \(whole($0.value))" }.joined(separator: ", ") + "\n" }
  return out
}

private func closing(_ report: LoadReport, _ style: TerminalStyle) -> String {
  var parts = ["\(report.connections) connections", "\(format(MetricValue(Estimate(report.inFlightMean), .plain))) in flight on average"]
  if let worth = report.effectiveRequests, worth < 0.5 * Double(report.requests) {
    parts.append("worth \(whole(Int(worth))) independent ones for the p99")
  }
  if let residual = report.littleResidual, residual > 0.01 { parts.append("Little's law off by \(percentText(residual))") }
  parts.append("generator \(format(MetricValue(Estimate(report.generatorCPUShare), .share))) of a core")
  parts.append("\(format(MetricValue(Estimate(Double(report.bytesIn)), .bytes))) in, \(format(MetricValue(Estimate(Double(report.bytesOut)), .bytes))) out")
  var out = noteText("run", parts.joined(separator: ", ") + ", machine \(report.machine.rawValue), seed \(report.seed), \(report.validity.rawValue)", style: style)
  out += observationText(report.observation, style)
  out += noteText("environment", report.environment, style: style)
  for (index, doubt) in report.doubts.enumerated() { out += noteText("\(index + 1)", doubt.text, style: style) }
  return out
}

/// A line for each end and one for what lay between them; what is unknown is said to be.
private func observationText(_ observation: LoadObservation?, _ style: TerminalStyle) -> String {
  guard let observation else { return "" }
  let words = [
    "cpu_per_req": "CPU per request", "runqueue_wait": "waiting for a CPU per request", "rss": "memory", "descriptors": "descriptors",
    "disk_bytes": "to and from disk", "fsyncs": "fsyncs", "io_calls_per_req": "reads and writes per request",
    "syscalls_per_req": "system calls per request",
  ]
  func line(_ footprint: ProcessFootprint) -> String {
    var parts = footprint.figures.compactMap { name, value -> String? in
      guard let value, let metric = Metric.named(name) ?? Metric.named("generator_" + name) else { return nil }
      return "\(style.own(format(MetricValue(Estimate(value), metric.unit)))) \(words[name] ?? name)"
    }
    let unknown = footprint.figures.filter { $0.value == nil && footprint.processes > 0 }.map(\.metric)
      .filter { $0 != "io_calls_per_req" || footprint.syscalls == nil }
    if !unknown.isEmpty { parts.append("unknown: " + unknown.map { words[$0] ?? $0 }.joined(separator: ", ")) }
    return parts.joined(separator: ", ") + (footprint.processes > 1 ? ", \(footprint.processes) processes" : "")
  }
  var out = noteText("target", observation.target.map(line) ?? "not seen: \(observation.targetUnknown ?? "unknown")", style: style)
  out += noteText("generator", line(observation.generator), style: style)
  if let wire = observation.connections {
    func text(_ count: Int?, _ unit: MetricUnit) -> String { count.map { format(MetricValue(Estimate(Double($0)), unit)) } ?? "unknown" }
    out += noteText(
      "TCP", "\(text(wire.bytesSent, .bytes)) sent, \(text(wire.bytesReceived, .bytes)) received, \(text(wire.retransmits, .count)) segments sent again by the generator",
      style: style)
  }
  return out
}

/// A capacity search as a table with its result below.
public func capacityText(_ report: CapacityReport, style: TerminalStyle = TerminalStyle()) -> String {
  let rows = report.trials.map { trial in
    [
      format(MetricValue(Estimate(trial.rate), .perSecond)), trial.measured.map { format($0.estimate, $0.unit, interval: true) } ?? "–",
      trial.keeps.map { $0 ? "kept" : "broken" } ?? "–", trial.validity.rawValue,
    ]
  }
  var out = columnsText(titles: ["rate", "measured [95 %]", report.objective, "run"], rows: rows, rightAligned: [0, 1], style: style)
  if let capacity = report.capacity {
    out += style.bold("\ncapacity \(format(capacity, .perSecond, interval: true)) with \(style.text(report.objective))") + "\n"
  }
  if let reason = report.reason { out += style.text(reason, limit: 300) + "\n" }
  return out
}

// `nb history`: how values moved over commits, as a table of a page and as lines of a terminal. What counts as a change was
// decided elsewhere (Statistics); here it gets its date, its commit and its words.

import ExperimentModel

/// One value over time, oldest first.
public struct HistorySeries: Codable, Hashable, Sendable {
  /// Which value: `onoff.on.p99`.
  public var address: String
  public var unit: MetricUnit
  public var points: [HistoryPoint]
  public var changes: [HistoryChange]
  public init(address: String, unit: MetricUnit, points: [HistoryPoint], changes: [HistoryChange] = []) {
    self.address = address; self.unit = unit; self.points = points; self.changes = changes
  }
}

/// One run's value.
public struct HistoryPoint: Codable, Hashable, Sendable {
  /// ISO date.
  public var date: String
  public var commit: String?
  /// In the series' unit; nil: this run has no such value.
  public var value: Estimate?
  public init(date: String, commit: String? = nil, value: Estimate?) {
    self.date = date; self.commit = commit; self.value = value
  }
}

/// A point from which the values differ from those before it.
public struct HistoryChange: Codable, Hashable, Sendable {
  /// Index in `HistorySeries.points` of the first value after the change.
  public var index: Int
  public var date: String
  public var commit: String?
  /// (after − before) ÷ before: 0.12 for 12 % more.
  public var relativeChange: Double
  /// Of the test that found it.
  public var p: Double
  public init(index: Int, date: String, commit: String? = nil, relativeChange: Double, p: Double) {
    self.index = index; self.date = date; self.commit = commit; self.relativeChange = relativeChange; self.p = p
  }
}

/// A GFM table, one row per series.
public func historyMarkdown(_ series: [HistorySeries]) -> String {
  guard !series.isEmpty else { return "*There is no history yet.*" }
  var table = MarkdownTable(columns: [
    ("value", .left), ("runs", .right), ("first", .left), ("last", .left), ("course", .left), ("last value", .right),
    ("changes", .left),
  ])
  for one in series {
    let changes = one.changes.map { change in
      let commit = change.commit.map { " in \(code($0))" } ?? ""
      return "\(escapedMarkdown(change.date))\(commit): \(changeText(change, one))"
    }
    table.rows.append([
      code(one.address), "\(one.points.count)", one.points.first.map { escapedMarkdown($0.date) } ?? "–",
      one.points.last.map { escapedMarkdown($0.date) } ?? "–",
      sparkline(one.points.map { $0.value?.value }, width: 40, gap: "·"), lastValue(one),
      changes.isEmpty ? "none" : changes.joined(separator: "; "),
    ])
  }
  return table.text
}

/// Each series as its heading, its sparkline with `^` under each change, and a line per change.
public func historyText(_ series: [HistorySeries], style: TerminalStyle = TerminalStyle()) -> String {
  guard !series.isEmpty else { return "There is no history yet.\n" }
  var lines: [String] = []
  for one in series {
    if !lines.isEmpty { lines.append("") }
    let runs = one.points.count == 1 ? "1 run" : "\(one.points.count) runs"
    var heading = [style.bold(style.text(one.address)), runs]
    if let first = one.points.first, let last = one.points.last {
      heading.append(first.date == last.date ? style.text(first.date) : style.text("\(first.date) … \(last.date)"))
      heading.append("last \(style.own(lastValue(one)))")
    }
    lines.append(heading.joined(separator: "  "))
    // A sparkline has no ASCII form that would not mislead; the numbers stand for themselves.
    if !one.points.isEmpty, !style.isASCII {
      lines.append("  " + sparkline(one.points.map { $0.value?.value }, width: style.columns))
      let marks = changeMarks(one, width: style.columns)
      if !marks.isEmpty { lines.append("  " + marks) }
    }
    for change in one.changes {
      let commit = change.commit.map { " in \(style.text($0, limit: 40))" } ?? ""
      let place = "run \(change.index + 1), \(style.text(change.date))\(commit)"
      lines.append("  change at \(place): \(style.own(changeText(change, one)))")
    }
  }
  return lines.map { trimmedEnd($0) + "\n" }.joined()
}

/// The last value that is there, with its interval: a run without one does not hide it.
private func lastValue(_ series: HistorySeries) -> String {
  guard let value = series.points.last(where: { $0.value != nil })?.value else { return "–" }
  return format(value, series.unit, interval: true)
}

/// `+12 %, worse, p 0.003`
private func changeText(_ change: HistoryChange, _ series: HistorySeries) -> String {
  var parts = [signedPercent(change.relativeChange)]
  switch Metric.named(metricName(series.address))?.better {
  case .lower where change.relativeChange != 0: parts.append(change.relativeChange > 0 ? "worse" : "better")
  case .higher where change.relativeChange != 0: parts.append(change.relativeChange > 0 ? "better" : "worse")
  default: break
  }
  parts.append(pText(change.p))
  return parts.joined(separator: ", ")
}

/// The metric of an address: what stands after its last point and before `@`.
func metricName(_ address: String) -> String {
  let path = address.prefix { $0 != "@" }
  return path.split(separator: ".").last.map(String.init) ?? ""
}

/// `+12 %`, `−3.4 %`: two significant digits, always with a sign.
func signedPercent(_ share: Double) -> String {
  guard share.isFinite else { return share.isNaN ? "n/a" : "\(fixed(share, 0, grouped: false)) %" }
  let percent = share * 100
  let text = fixed(percent, min(significantDecimals(percent, 2), 3), grouped: true)
  let isZero = text.allSatisfy { "−0.".contains($0) }
  return (percent > 0 && !isZero ? "+" : "") + text + " %"
}

/// A p value as it is usually written: `p 0.012`, and `p < 0.001` below that.
func pText(_ p: Double) -> String {
  guard p.isFinite, p >= 0, p <= 1 else { return "p n/a" }
  return p < 0.001 ? "p < 0.001" : "p \(fixed(p, significantDecimals(p, 2), grouped: false))"
}

/// `^` in the columns of the sparkline that hold a change.
private func changeMarks(_ series: HistorySeries, width: Int) -> String {
  let columns = sparklineColumns(series.points.count, width: width)
  var row = columns.map { column -> Character in series.changes.contains { column.contains($0.index) } ? "^" : " " }
  while row.last == " " { row.removeLast() }
  return String(row)
}

func trimmedEnd(_ line: String) -> String {
  var line = line
  while line.last == " " { line.removeLast() }
  return line
}

// What `nb observe ask` prints: the table that a notebook's region has, for a terminal, for a program, and as a page.

import ExperimentModel

/// The table of a result, its figures of the whole, and what a reader must know, for a terminal.
public func answerText(_ result: CellResult, style: TerminalStyle = TerminalStyle()) -> String {
  var parts: [String] = []
  if let table = ArmTable(result) {
    parts.append(
      columnsText(
        titles: table.columns.map(\.title), rows: table.rows, rightAligned: Set(table.columns.indices.filter { table.columns[$0].isNumber }),
        style: style))
  }
  let whole = (result.arms.first { $0.name.isEmpty }?.metrics ?? [:]).sorted { $0.key < $1.key }
  if !whole.isEmpty {
    parts.append(whole.map { style.own("\(metricTitle($0.key)): \(format($0.value.estimate, $0.value.unit, interval: true))") + "\n" }.joined())
  }
  parts.append(result.doubts.map { style.text($0.text, limit: 500) + "\n" }.joined())
  return parts.joined(separator: "\n")
}

/// One JSON object: `query`, `labels`, `columns`, `rows` of labels and values by column, `whole`, `units` by name, `notes`.
/// Times are nanoseconds, shares 0…1, as they are stored; `intervals` has [low, high] of the values that have them.
///
/// - Parameter rows: at most.
public func answerJSON(_ query: TelemetryQuery, _ answer: TelemetryAnswer, rows: Int, notes: [String]) throws -> String {
  func numbers(_ values: [String: MetricValue]) -> JSONValue { .object(values.mapValues { .number(orNull: $0.estimate.value) }) }
  var units: [String: JSONValue] = [:]
  for (name, value) in answer.rows.flatMap(\.values) + Array(answer.whole) { units[name] = .text(value.unit.rawValue) }
  let shown = answer.rows.prefix(rows).map { row in
    var object: [String: JSONValue] = ["labels": .list(row.labels.map(JSONValue.text)), "values": numbers(row.values)]
    let intervals = row.values.compactMapValues { value -> JSONValue? in
      guard let low = value.estimate.low, let high = value.estimate.high else { return nil }
      return .list([.number(orNull: low), .number(orNull: high)])
    }
    if !intervals.isEmpty { object["intervals"] = .object(intervals) }
    return JSONValue.object(object)
  }
  return try JSONValue.object([
    "query": .text(query.kind.rawValue), "labels": .list(answer.labels.map(JSONValue.text)), "columns": .list(answer.columns.map(JSONValue.text)),
    "rows": .list(Array(shown)), "whole": numbers(answer.whole), "units": .object(units), "notes": .list(notes.map(JSONValue.text)),
  ]).line()
}

/// A result with its pictures as one HTML file.
public func answerPage(_ result: CellResult, title: String) -> String {
  let pictures = result.pictures ?? []
  let traces = Set(pictures.compactMap(\.traceID))
  let figures = pictures.map { picture in
    let anchor = picture.traceID.map { " id=\"trace-\(escapedMarkup($0))\"" } ?? ""
    return "<figure\(anchor)>\n\(telemetrySVG(picture, title: title, traces: traces))<figcaption>\(escapedMarkup(title))\n"
      + "\(telemetryTableHTML(picture, title: title))</figcaption>\n</figure>\n"
  }
  return reportPage(title: title, text: answerText(result), figures: figures.joined())
}

/// The queries that a capture can be asked, with what they ask and their columns.
public func queriesText(style: TerminalStyle = TerminalStyle()) -> String {
  TelemetryQuery.Kind.allCases.sorted { $0.rawValue < $1.rawValue }.map { kind in
    let labels = kind.labels.joined(separator: ", ")
    let columns = kind.columns.map(\.name).joined(separator: ", ")
    let whole = kind.wholeColumns.map(\.name).filter { !kind.ofGenerator.contains($0) }.joined(separator: ", ")
    var text = style.bold(kind.rawValue) + "  " + style.own(kind.asks) + "\n"
    if !columns.isEmpty { text += noteText("  rows", "\(labels): \(columns)", style: style) }
    if !whole.isEmpty { text += noteText("  whole", whole, style: style) }
    return text
  }.joined()
}

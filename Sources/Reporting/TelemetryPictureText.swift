// Pictures of telemetry by kind: the drawing, and its numbers as a table that folds away.

import ExperimentModel

extension TelemetryPicture {
  /// The trace that it shows as a whole; nil: it is of many.
  public var traceID: String? { if case .waterfall(let trace) = self { trace.traceID } else { nil } }
}

/// A self-contained `<svg>` element.
///
/// - Parameter traces: traces that stand on the same page under `#trace-ID`, and are linked.
public func telemetrySVG(_ picture: TelemetryPicture, title: String, traces: Set<String> = []) -> String {
  switch picture {
  case .waterfall(let trace): waterfallSVG(trace, title: title)
  case .serviceMap(let map): serviceMapSVG(map, title: title)
  case .heatMap(let map): heatMapSVG(map, title: title, traces: traces)
  case .lifts(let lifts): liftSVG(lifts, title: title)
  case .flame(let profile, let traces): flameGraphSVG(profile, title: title, of: .spans(traces: traces))
  }
}

/// A `<details>` element with the picture's numbers.
public func telemetryTableHTML(_ picture: TelemetryPicture, title: String, summary: String = "Numbers of this picture") -> String {
  let table = TelemetryTable(picture)
  return telemetryTableHTML(summary, caption: title + table.note, columns: table.columns, rows: table.rows)
}

/// A probability says how small it is, not which digits it has.
func probabilityText(_ p: Double) -> String { String(pText(p).dropFirst(2)) }

/// The numbers behind a picture.
struct TelemetryTable {
  var columns: [(title: String, isNumber: Bool)]
  var rows: [[String]]
  /// What the caption adds.
  var note = ""

  init(_ picture: TelemetryPicture) {
    switch picture {
    case .waterfall(let trace):
      columns = [("span", false), ("service", false), ("start", true), ("duration", true), ("self time", true), ("critical path", true)]
      rows = trace.bars.map { bar in
        let critical = bar.critical.reduce(0) { $0 + $1.end - $1.start }
        let depth = String(repeating: "· ", count: min(bar.depth, 12))
        return [
          depth + bar.name + (bar.isError ? " (failed)" : "") + (bar.isOrphan ? " (parent missing)" : ""), bar.service, timeText(bar.time.start),
          timeText(bar.time.end - bar.time.start), timeText(bar.selfTime), critical > 0 ? timeText(critical) : "–",
        ]
      }
      note = "; trace \(trace.traceID)" + (trace.omitted > 0 ? "; \(trace.omitted) more spans are not shown" : "")
    case .serviceMap(let map):
      columns = [("from", false), ("to", false), ("calls", true), ("failed", true), ("p95", true)]
      rows = map.edges.map { edge in
        let failed = edge.calls > 0 ? shareText(edge.errors / edge.calls) : "–"
        return [map.nodes[edge.from].name, map.nodes[edge.to].name, countText(edge.calls), failed, timeText(edge.p95)]
      }
      note = map.omitted > 0 ? "; \(map.omitted) more edges are not shown" : ""
    case .heatMap(let map):
      columns = [("duration", false), ("requests", true), ("in the fullest column", true), ("traces", false)]
      rows = map.edges.indices.dropLast().reversed().map { row in
        let counts = map.counts.map { $0[row] }
        let traces = map.exemplars.filter { $0.row == row }.map(\.traceID)
        return [
          "\(timeText(map.edges[row])) to \(timeText(map.edges[row + 1]))", countText(Double(counts.reduce(0, +))), countText(Double(counts.max() ?? 0)),
          traces.isEmpty ? "–" : traces.joined(separator: ", "),
        ]
      }
      note = "; a column is \(timeText(map.columnWidth))" + (map.omitted > 0 ? "; \(map.omitted) spans without a positive duration are left out" : "")
    case .lifts(let lifts):
      columns = [("attribute", false), ("value", false), ("lift [95 %]", true), ("of the chosen", true), ("of all", true), ("p", true)]
      rows = lifts.rows.map { row in
        [
          row.attribute, row.value, format(row.lift, .ratio, interval: true), "\(row.hits) of \(lifts.chosen)", "\(row.marked) of \(lifts.total)",
          String(pText(row.p).dropFirst(2)),
        ]
      }
      note = "; \(lifts.tried) values were tried"
    case .flame(let profile, let traces):
      columns = [("span", false), ("service", false), ("self time", true), ("with what it calls", true)]
      rows = profile.functions.prefix(25).map { one in
        let parts = one.function.split(separator: "`", maxSplits: 1).map(String.init)
        return [
          parts.last ?? one.function, parts.count == 2 ? parts[0] : "–", shareText(Double(one.ownSamples) / Double(max(1, one.samples))),
          shareText(Double(one.allSamples) / Double(max(1, one.samples))),
        ]
      }
      note = "; \(traces) traces"
    }
  }
}

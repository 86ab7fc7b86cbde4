// Durations over time as a heat map: time to the right, duration upwards on a logarithmic scale, the count as one colour that
// grows denser. One hue in five steps of density is read without telling colours apart, on white paper and on black.

import ExperimentModel
import Foundation

/// A self-contained `<svg>` element of 720 units' width. Diamonds mark traces to look at; the table names them, and those of
/// `traces` are links to `#trace-ID`.
public func heatMapSVG(_ map: LatencyHeatMap, title: String, traces: Set<String> = []) -> String {
  let drawing = HeatMapDrawing(map, traces)
  return telemetrySVG("heat-map", title: title, description: drawing.description, height: drawing.height, body: drawing.body)
}

private let densities = ["0.14", "0.32", "0.52", "0.75", "1"]

private struct HeatMapDrawing {
  let map: LatencyHeatMap
  let traces: Set<String>
  let left = 84.0, right = 704.0, top = 44.0
  let cell: Double
  /// Largest count of each step; geometric, because counts of slow cells are small beside those of usual ones.
  let steps: [Int]

  init(_ map: LatencyHeatMap, _ traces: Set<String>) {
    self.map = map
    self.traces = traces
    let rows = max(0, map.edges.count - 1)
    cell = rows == 0 ? 0 : min(22, max(11, 264 / Double(rows)))
    let most = map.counts.flatMap(\.self).max() ?? 0
    steps = (1...5).map { i in i == 5 ? most : Int(pow(Double(max(most, 1)), Double(i) / 5).rounded()) }
  }

  private var rows: Int { max(0, map.edges.count - 1) }
  private var bottom: Double { top + cell * Double(rows) }
  var height: Double { rows == 0 ? 40 : bottom + 46 }
  private var width: Double { (right - left) / Double(max(1, map.counts.count)) }
  private func y(_ row: Int) -> Double { bottom - cell * Double(row + 1) }

  private func step(_ count: Int) -> Int { steps.firstIndex { count <= $0 } ?? 4 }

  var body: String {
    guard rows > 0, !map.counts.isEmpty else { return svgText(8, 24, "no requests were captured", attributes: quietFill) }
    var paths = [String](repeating: "", count: 5)
    for (column, counts) in map.counts.enumerated() {
      for (row, count) in counts.enumerated() where count > 0 && row < rows {
        let x = left + width * Double(column)
        paths[step(count)] += "M\(coordinate(x)) \(coordinate(y(row)))h\(coordinate(width))v\(coordinate(cell))h\(coordinate(-width))z"
      }
    }
    var out = legend + "<g class=\"heat-map-cells\" fill=\"var(--plot-1, #0072b2)\" shape-rendering=\"crispEdges\">\n"
    for (path, density) in zip(paths, densities) where !path.isEmpty { out += "<path fill-opacity=\"\(density)\" d=\"\(path)\"/>\n" }
    return out + "</g>\n" + axes + exemplars
  }

  private var legend: String {
    var out = svgText(8, 22, "requests in a cell", room: 140)
    var at = 136.0
    var before = 0
    for (most, density) in zip(steps, densities) where most > before {
      let label = most == before + 1 ? "\(most)" : "\(before + 1)–\(most)"
      out += svgRect(
        at, 11, 22, 14, "fill=\"var(--plot-1, #0072b2)\" fill-opacity=\"\(density)\" stroke=\"var(--plot-axis, #57606a)\" stroke-width=\"0.5\"")
      out += svgText(at + 27, 22, label, room: 100)
      at += 27 + 7.3 * Double(label.count) + 16
      before = most
    }
    if !map.exemplars.isEmpty { out += diamond(at + 8, 18) + svgText(at + 20, 22, "a trace to look at", room: 150) }
    return out
  }

  private var axes: String {
    let axis = PlotAxis([0, map.columnWidth * Double(map.counts.count)], unit: .nanoseconds, isLog: false, wanted: 6)
    let end = map.columnWidth * Double(map.counts.count)
    let frame = "M\(coordinate(left)) \(coordinate(top))V\(coordinate(bottom))H\(coordinate(right))"
    var out = "<path class=\"plot-frame\" d=\"\(frame)\" fill=\"none\" stroke=\"var(--plot-axis, #57606a)\"/>\n"
    out += "<g class=\"plot-ticks\">\n"
    // Labels of edges, as many as can stand below each other.
    let every = max(1, Int((15 / cell).rounded(.up)))
    for edge in stride(from: 0, through: rows, by: every) {
      out += svgText(left - 6, bottom - cell * Double(edge) + 4, timeText(map.edges[edge]), anchor: "end", room: 74)
    }
    for tick in axis.ticks where tick.value <= end * 1.0001 {
      out += svgText(min(left + tick.value / end * (right - left), 700), bottom + 17, tick.label, anchor: "middle", room: 80)
    }
    let label = "start of the request" + (axis.unitText.isEmpty ? "" : " (\(axis.unitText))")
    return out + svgText((left + right) / 2, bottom + 36, label, anchor: "middle") + "</g>\n"
  }

  private var exemplars: String {
    map.exemplars.filter { $0.row < rows && $0.column < map.counts.count }.map { one in
      let mark = diamond(left + width * (Double(one.column) + 0.5), y(one.row) + cell / 2, title: "trace \(one.traceID)")
      return traces.contains(one.traceID) ? "<a href=\"#trace-\(one.traceID)\">\(mark)</a>" : mark
    }.joined()
  }

  private func diamond(_ x: Double, _ y: Double, title: String? = nil) -> String {
    let colors = "fill=\"var(--paper, #ffffff)\" stroke=\"var(--plot-2, #d55e00)\" stroke-width=\"2\""
    let path = "<path class=\"heat-map-exemplar\" d=\"M\(coordinate(x)) \(coordinate(y - 6))l6 6l-6 6l-6 -6z\" \(colors)"
    return title.map { path + "><title>\(escapedMarkup($0))</title></path>\n" } ?? path + "/>\n"
  }

  /// What the picture shows, for those who do not see it.
  var description: String {
    let total = map.counts.reduce(0) { $0 + $1.reduce(0, +) }
    guard let first = map.edges.first, let last = map.edges.last, total > 0 else { return "No requests were captured." }
    let fullest = (0..<rows).max { a, b in map.counts.reduce(0) { $0 + $1[a] } < map.counts.reduce(0) { $0 + $1[b] } } ?? 0
    var text = "\(countText(Double(total))) requests in \(map.counts.count) columns of \(timeText(map.columnWidth)),"
    text += " from \(timeText(first)) to \(timeText(last))."
    text += " Most take \(timeText(map.edges[fullest])) to \(timeText(map.edges[fullest + 1])). The fullest cell holds \(steps[4])."
    if map.omitted > 0 { text += " \(map.omitted) spans without a positive duration are left out." }
    return text
  }
}

// A trace as a waterfall: one row a span, callers above what they call. What the end of the trace waited for carries a dark
// line, time of the root that no child accounts for is hatched through all rows, and failures are written, not only coloured.

import ExperimentModel

/// A self-contained `<svg>` element of 720 units' width: the rows that the value holds, and how many it does not.
public func waterfallSVG(_ trace: TraceWaterfall, title: String) -> String {
  let drawing = WaterfallDrawing(trace)
  return telemetrySVG(
    "waterfall", title: title, description: drawing.description, height: drawing.height,
    definitions: """
      <defs><pattern id="\(drawing.gap)" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">\
      <path d="M0 0v6" stroke="var(--plot-axis, #57606a)" stroke-width="1.5" stroke-opacity="0.55"/></pattern></defs>

      """, body: drawing.body)
}

/// Colours of services, in the order in which they come; the name stands beside each bar too.
private func serviceColor(_ index: Int) -> String {
  let palette = ["#0072b2", "#d55e00", "#00795a", "#a8477f", "#8a6500", "#3a3a3a"]
  return "var(--plot-\(index % 6 + 1), \(palette[index % 6]))"
}

private struct WaterfallDrawing {
  let trace: TraceWaterfall
  let axis: PlotAxis
  let services: [String]
  let left = 252.0, right = 640.0, row = 19.0, top = 66.0

  init(_ trace: TraceWaterfall) {
    self.trace = trace
    axis = PlotAxis([0, trace.duration], unit: .nanoseconds, isLog: false, wanted: 6)
    var services: [String] = []
    for bar in trace.bars where !services.contains(bar.service) { services.append(bar.service) }
    self.services = services
  }

  /// The pattern's id: a page may hold several waterfalls.
  var gap: String { "waterfall-gap-\(pathSegment(trace.traceID))" }

  private var bottom: Double { top + row * Double(max(1, trace.bars.count)) }
  var height: Double { bottom + (trace.omitted > 0 ? 42 : 24) }

  var body: String {
    var out = legend + grid
    for gap in trace.gaps {
      let (a, b) = (x(gap.start), x(gap.end))
      out += svgRect(
        a, top - 4, max(b - a, 0.5), bottom - top + 4, "class=\"waterfall-gap\" fill=\"url(#\(gap))\"",
        title: "\(timeText(gap.end - gap.start)) in which no child of the root ran")
    }
    for (i, bar) in trace.bars.enumerated() { out += self.bar(bar, top + row * Double(i)) }
    if trace.bars.isEmpty { out += svgText(8, top + 13, "no span of this trace hangs together", attributes: quietFill) }
    if trace.omitted > 0 { out += svgText(8, height - 8, "\(countText(Double(trace.omitted))) more spans are not drawn", attributes: quietFill) }
    return out
  }

  private func bar(_ bar: TraceWaterfall.Bar, _ y: Double) -> String {
    let color = serviceColor(services.firstIndex(of: bar.service) ?? 0)
    let (a, b) = (x(bar.time.start), x(bar.time.end))
    let duration = timeText(bar.time.end - bar.time.start)
    let critical = bar.critical.reduce(0) { $0 + $1.end - $1.start }
    let said = "\(bar.service) \(bar.name): \(duration) from \(timeText(bar.time.start)), \(timeText(bar.selfTime)) of its own"
      + (critical > 0 ? ", \(timeText(critical)) on the critical path" : "") + (bar.isError ? ", failed" : "")
      + (bar.isOrphan ? ", its parent was not captured" : "")
    var out = svgRect(
      a, y + 2, max(b - a, 1), row - 5, "class=\"waterfall-bar\" fill=\"\(color)\" fill-opacity=\"0.4\" stroke=\"\(color)\"", title: cutName(said, 300))
    let middle = y + 2 + (row - 5) / 2
    let path = bar.critical.map { "M\(coordinate(x($0.start))) \(coordinate(middle))H\(coordinate(max(x($0.end), x($0.start) + 1)))" }.joined()
    if !path.isEmpty { out += "<path class=\"waterfall-critical\" d=\"\(path)\" fill=\"none\" stroke=\"var(--plot-ink, #24292f)\" stroke-width=\"4\"/>\n" }
    out += svgText(712, y + 13, duration, anchor: "end", room: 70)
    let indent = Double(min(bar.depth, 9)) * 9
    let depth = bar.depth > 9 ? "\(bar.depth) " : ""
    let label = depth + (bar.isError ? "✕ " : "") + (bar.isOrphan ? "? " : "") + (bar.name.isEmpty ? "(no name)" : bar.name) + " · " + bar.service
    return out + svgText(8 + indent, y + 13, label, room: left - 16 - indent)
  }

  private var grid: String {
    var out = "<g class=\"plot-grid\" stroke=\"var(--plot-grid, #d8dee4)\">\n"
    let ticks = axis.ticks.filter { $0.value <= trace.duration * 1.0001 }
    for tick in ticks { out += "<path d=\"M\(coordinate(x(tick.value))) \(coordinate(top - 4))V\(coordinate(bottom))\"/>\n" }
    out += "</g>\n<g \(quietFill)>\n"
    for tick in ticks { out += svgText(x(tick.value), top - 9, tick.label, anchor: "middle", room: 80) }
    return out + svgText(left - 10, top - 9, axis.unitText, anchor: "end", room: 40) + "</g>\n"
  }

  private var legend: String {
    var out = ""
    var at = 8.0
    for (i, service) in services.prefix(5).enumerated() {
      let shown = cutName(service.isEmpty ? "(no service)" : service, 16)
      out += svgRect(at, 10, 14, 11, "fill=\"\(serviceColor(i))\" fill-opacity=\"0.4\" stroke=\"\(serviceColor(i))\"")
      out += svgText(at + 19, 20, shown, room: 130)
      at += 19 + 7.3 * Double(shown.count) + 14
    }
    if services.count > 5 { out += svgText(at, 20, "and \(services.count - 5) more", room: 100) }
    out += "<path d=\"M8 38h22\" stroke=\"var(--plot-ink, #24292f)\" stroke-width=\"4\"/>\n" + svgText(36, 42, "critical path")
    if !trace.gaps.isEmpty {
      out += svgRect(130, 32, 22, 12, "fill=\"url(#\(gap))\" stroke=\"var(--plot-axis, #57606a)\" stroke-width=\"0.5\"")
      out += svgText(158, 42, "no child of the root runs: \(timeText(trace.gaps.reduce(0) { $0 + $1.end - $1.start })) in all", room: 380)
    }
    return out
  }

  /// What the picture shows, for those who do not see it.
  var description: String {
    var text = "Trace \(trace.traceID) of \(timeText(trace.duration)): \(trace.bars.count) spans of \(services.count) services."
    let critical = trace.bars.map { bar in (bar: bar, time: bar.critical.reduce(0) { $0 + $1.end - $1.start }) }
    let longest = critical.filter { $0.time > 0 }.sorted { $0.time > $1.time }.prefix(3)
    if !longest.isEmpty {
      let said = longest.map { "\(cutName($0.bar.service, 40)) \(cutName($0.bar.name, 60)) \(timeText($0.time))" }
      text += " On the critical path longest: \(said.joined(separator: ", "))."
    }
    let gaps = trace.gaps.reduce(0) { $0 + $1.end - $1.start }
    if gaps > 0 { text += " No child of the root runs in \(timeText(gaps))." }
    let failed = trace.bars.count { $0.isError }
    if failed > 0 { text += " \(failed) spans failed." }
    if trace.omitted > 0 { text += " \(trace.omitted) more spans are not drawn." }
    return text
  }

  private func x(_ time: Double) -> Double {
    trace.duration > 0 ? left + min(max(time / trace.duration, 0), 1) * (right - left) : left
  }
}

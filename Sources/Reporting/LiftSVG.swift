// Lifts as bars with their intervals, over a line at 1, where a value is as common among the chosen as among all. Solid bars
// are found (p ≤ 0.05 for all that were tried), outlined ones may be chance.

import ExperimentModel

/// A self-contained `<svg>` element of 720 units' width; at most 20 rows.
public func liftSVG(_ lifts: AttributeLifts, title: String) -> String {
  let drawing = LiftDrawing(lifts)
  return telemetrySVG("lifts", title: title, description: drawing.description, height: drawing.height, body: drawing.body)
}

private struct LiftDrawing {
  let lifts: AttributeLifts
  let rows: [AttributeLifts.Row]
  let axis: PlotAxis
  let left = 262.0, right = 540.0, row = 24.0, top = 50.0

  init(_ lifts: AttributeLifts) {
    self.lifts = lifts
    rows = Array(lifts.rows.prefix(20))
    axis = PlotAxis([0, 2] + rows.flatMap { [$0.lift.value, $0.lift.high ?? 0] }, unit: .plain, isLog: false, wanted: 5)
  }

  private var bottom: Double { top + row * Double(max(1, rows.count)) }
  var height: Double { bottom + 46 }
  private func x(_ value: Double) -> Double { left + min(max(axis.position(value), 0), 1) * (right - left) }

  var body: String {
    var out = legend + "<g class=\"plot-grid\" stroke=\"var(--plot-grid, #d8dee4)\">\n"
    for tick in axis.ticks { out += "<path d=\"M\(coordinate(x(tick.value))) \(coordinate(top - 4))V\(coordinate(bottom))\"/>\n" }
    out += "</g>\n"
    for (i, one) in rows.enumerated() { out += bar(one, top + row * Double(i)) }
    if rows.isEmpty { out += svgText(8, top + 15, "no value is commoner among the chosen", attributes: quietFill) }
    let one = "M\(coordinate(x(1))) \(coordinate(top - 4))V\(coordinate(bottom))"
    out += "<path class=\"lift-one\" d=\"\(one)\" stroke=\"var(--plot-ink, #24292f)\" stroke-dasharray=\"4 3\"/>\n"
    out += "<g class=\"plot-ticks\">\n"
    for tick in axis.ticks { out += svgText(x(tick.value), bottom + 17, tick.label, anchor: "middle", room: 60) }
    let hidden = lifts.rows.count - rows.count
    out += svgText((left + right) / 2, bottom + 36, "times as common among the chosen as among all", anchor: "middle", room: 420) + "</g>\n"
    if hidden > 0 { out += svgText(8, bottom + 17, "\(hidden) more rows are in the table", room: left - 20, attributes: quietFill) }
    return out
  }

  private func bar(_ one: AttributeLifts.Row, _ y: Double) -> String {
    let color = one.isFound ? "var(--plot-2, #d55e00)" : "var(--plot-axis, #57606a)"
    let said = "\(one.attribute) = \(one.value): \(one.hits) of \(lifts.chosen) chosen, \(one.marked) of \(lifts.total) in all, \(pText(one.p))"
    var out = svgRect(
      x(0), y + 4, x(one.lift.value) - x(0), row - 10,
      "class=\"lift-bar\" fill=\"\(color)\" fill-opacity=\"\(one.isFound ? "0.85" : "0.12")\" stroke=\"\(color)\"", title: cutName(said, 300))
    if let low = one.lift.low, let high = one.lift.high {
      let middle = coordinate(y + 4 + (row - 10) / 2)
      let caps = [low, high].map { "M\(coordinate(x($0))) \(coordinate(y + 5))v\(coordinate(row - 12))" }.joined()
      let line = "M\(coordinate(x(low))) \(middle)H\(coordinate(x(high)))\(caps)"
      out += "<path class=\"plot-interval\" d=\"\(line)\" fill=\"none\" stroke=\"var(--plot-ink, #24292f)\" stroke-width=\"1.5\"/>\n"
    }
    out += svgText(left - 10, y + 16, "\(one.attribute) = \(one.value.isEmpty ? "(empty)" : one.value)", anchor: "end", room: left - 20)
    return out + svgText(right + 10, y + 16, "\(format(one.lift, .ratio, interval: true))", room: 164)
  }

  private var legend: String {
    let chosen = "\(countText(Double(lifts.chosen))) of \(countText(Double(lifts.total))) \(lifts.unit) chosen"
    var out = svgText(8, 20, "\(chosen) · \(countText(Double(lifts.tried))) values tried", room: 380)
    out += svgRect(404, 10, 22, 12, "fill=\"var(--plot-2, #d55e00)\" fill-opacity=\"0.85\" stroke=\"var(--plot-2, #d55e00)\"")
    out += svgText(432, 20, "found", room: 60)
    out += svgRect(492, 10, 22, 12, "fill=\"var(--plot-axis, #57606a)\" fill-opacity=\"0.12\" stroke=\"var(--plot-axis, #57606a)\"")
    return out + svgText(520, 20, "may be chance · line: 95 %", room: 196)
  }

  /// What the picture shows, for those who do not see it.
  var description: String {
    let found = rows.filter(\.isFound)
    var text = "\(lifts.chosen) of \(lifts.total) \(lifts.unit) were chosen, and \(lifts.tried) values tried."
    text += found.isEmpty ? " None is commoner among them by more than chance." : " Commoner among them:"
    for one in found.prefix(5) {
      text += " \(cutName(one.attribute, 60)) = \(cutName(one.value, 60)), \(format(one.lift, .ratio, interval: true)) times as common;"
    }
    return found.isEmpty ? text : String(text.dropLast()) + "."
  }
}

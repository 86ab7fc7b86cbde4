// A plot as a static SVG: no script, no style attributes (a strict content policy blocks them), colours as CSS variables
// with fallbacks so that a theme decides on light and dark. Series differ by colour (Okabe–Ito), by shape and by dashes,
// so that no reader depends on colour. Everything that a file or a person wrote is escaped.

import ExperimentModel
import Foundation

/// A self-contained `<svg>` element of 720 units' width.
///
/// Theory and distributions are lines, measurements dots with their intervals. Points whose coordinate a logarithmic axis
/// cannot show are left out, and the description says how many.
public func plotSVG(_ plot: PlotData) -> String { PlotDrawing(plot).svg }

/// Okabe and Ito's colours in the order of use; a theme overrides them by `--plot-1` … `--plot-6`.
private let palette = ["#0072b2", "#d55e00", "#00795a", "#a8477f", "#8a6500", "#3a3a3a"]
private let dashes = ["", "7 4", "2 3", "9 3 2 3", "5 2", "1 4"]

private struct PlotDrawing {
  let plot: PlotData
  let x: PlotAxis
  let y: PlotAxis
  let legendRows: [[(index: Int, text: String, width: Double)]]
  /// The drawing area.
  let left = 76.0, right = 704.0, bottom: Double, top: Double
  let height: Double
  /// Points that the axes can show, by series.
  let points: [[Int]]
  let hidden: Int

  init(_ plot: PlotData) {
    self.plot = plot
    let all = plot.series.map { series in
      (0..<min(series.x.count, series.y.count)).filter { series.x[$0].isFinite && series.y[$0].isFinite }
    }
    let xs = zip(plot.series, all).flatMap { series, kept in kept.map { series.x[$0] } }
    let ys = zip(plot.series, all).flatMap { series, kept in
      kept.flatMap { i in [series.y[i]] + [series.low, series.high].compactMap { bound in bound.flatMap { i < $0.count ? $0[i] : nil } } }
    }
    // Latency that spans more than a decade would be a line along the bottom of a linear axis.
    let isLogY = plot.yUnit == .nanoseconds && (ys.min() ?? 0) > 0 && (ys.max() ?? 0) >= 20 * (ys.min() ?? 0)
    let x = PlotAxis(xs, unit: plot.xUnit, isLog: plot.logX, wanted: 7)
    let y = PlotAxis(ys, unit: plot.yUnit, isLog: isLogY, wanted: 5)
    self.x = x
    self.y = y
    points = zip(plot.series, all).map { series, kept in kept.filter { (!x.isLog || series.x[$0] > 0) && (!y.isLog || series.y[$0] > 0) } }
    hidden = plot.series.reduce(0) { $0 + $1.x.count } - points.reduce(0) { $0 + $1.count }
    legendRows = Self.legend(plot.series.map(\.name), width: right - left)
    top = 34 + 20 * Double(legendRows.count)
    bottom = top + 270
    height = bottom + 52
  }

  var svg: String {
    var out = """
      <svg xmlns="http://www.w3.org/2000/svg" class="plot" role="img" viewBox="0 0 720 \(number(height))" font-family="system-ui, sans-serif" font-size="13" fill="var(--plot-ink, #24292f)">
      <title>\(escapedMarkup(plot.title))</title>
      <desc>\(escapedMarkup(description))</desc>

      """
    out += legend
    out += grid
    for i in plot.series.indices.reversed() where plot.series[i].mark != .dots { out += line(i) }
    for i in plot.series.indices where plot.series[i].mark == .dots { out += dots(i) }
    return out + "</svg>\n"
  }

  /// What the picture shows, for those who do not see it.
  private var description: String {
    var text = "Horizontal: \(plot.xLabel)\(x.isLog ? ", logarithmic" : ""), \(range(x, plot.xUnit)). "
    text += "Vertical: \(plot.yLabel)\(y.isLog ? ", logarithmic" : ""), \(range(y, plot.yUnit))."
    for (series, kept) in zip(plot.series, points) {
      let kind = series.mark == .dots ? "measured points" : series.mark == .step ? "steps" : "points of a line"
      text += " \(series.name): \(kept.count) \(kind)"
      if let first = kept.first, let last = kept.last {
        text += ", from \(format(MetricValue(Estimate(series.y[first]), plot.yUnit))) to \(format(MetricValue(Estimate(series.y[last]), plot.yUnit)))"
      }
      text += "."
    }
    if hidden > 0 { text += " \(hidden) points cannot be shown on these axes." }
    return text
  }

  private func range(_ axis: PlotAxis, _ unit: MetricUnit) -> String {
    "\(format(MetricValue(Estimate(axis.low), unit))) to \(format(MetricValue(Estimate(axis.high), unit)))"
  }

  // MARK: Axes

  private var grid: String {
    var out = "<g class=\"plot-grid\" stroke=\"var(--plot-grid, #d8dee4)\" stroke-width=\"1\">\n"
    for tick in y.ticks { out += "<path d=\"M\(number(left)) \(number(py(tick.value)))H\(number(right))\"/>\n" }
    for tick in x.ticks { out += "<path d=\"M\(number(px(tick.value))) \(number(top))V\(number(bottom))\"/>\n" }
    out += "</g>\n<path class=\"plot-frame\" d=\"M\(number(left)) \(number(top))V\(number(bottom))H\(number(right))\" fill=\"none\" stroke=\"var(--plot-axis, #57606a)\"/>\n"
    out += "<g class=\"plot-ticks\" fill=\"var(--plot-ink, #24292f)\">\n"
    for tick in y.ticks { out += text(left - 8, py(tick.value) + 4, "end", tick.label) }
    var free = -Double.infinity
    for tick in x.ticks {
      // A label that would touch its neighbour is left out; its grid line stays.
      let half = width(tick.label) / 2
      let center = min(px(tick.value), 716 - half)
      guard center - half > free + 6 else { continue }
      free = center + half
      out += text(center, bottom + 19, "middle", tick.label)
    }
    out += "</g>\n<g class=\"plot-labels\" fill=\"var(--plot-ink, #24292f)\">\n"
    out += text((left + right) / 2, height - 10, "middle", cut(title(plot.xLabel, x), 90))
    return out + text(8, 18, "start", "↑ " + cut(title(plot.yLabel, y), 100)) + "</g>\n"
  }

  private func title(_ label: String, _ axis: PlotAxis) -> String {
    let notes = [axis.unitText, axis.isLog ? "log scale" : ""].filter { !$0.isEmpty }
    return notes.isEmpty ? label : "\(label) (\(notes.joined(separator: ", ")))"
  }

  // MARK: Series

  private func line(_ index: Int) -> String {
    let series = plot.series[index]
    var path = ""
    var previous = 0.0
    for (n, i) in points[index].enumerated() {
      let (a, b) = (px(series.x[i]), py(series.y[i]))
      // A cumulative share holds its value until the next one: first across, then up.
      if n == 0 {
        path = series.mark == .step && plot.yUnit == .share && y.low == 0 ? "M\(number(a)) \(number(py(0)))V\(number(b))" : "M\(number(a)) \(number(b))"
      } else if series.mark == .step {
        path += "H\(number(a))V\(number(b))"
      } else {
        path += "L\(number(a)) \(number(b))"
      }
      previous = a
    }
    if series.mark == .step, !points[index].isEmpty, previous < right { path += "H\(number(right))" }
    guard !path.isEmpty else { return "" }
    return "<path class=\"plot-line\" d=\"\(path)\" fill=\"none\" stroke-width=\"2\" stroke-linejoin=\"round\" \(stroke(index))/>\n" + intervals(index)
  }

  private func dots(_ index: Int) -> String {
    let series = plot.series[index]
    return intervals(index) + points[index].map { shape(index, px(series.x[$0]), py(series.y[$0])) }.joined()
  }

  /// A bar from low to high with caps.
  private func intervals(_ index: Int) -> String {
    let series = plot.series[index]
    guard let low = series.low, let high = series.high else { return "" }
    var path = ""
    for i in points[index] where i < low.count && i < high.count {
      guard low[i].isFinite, high[i].isFinite, high[i] > low[i], !y.isLog || low[i] > 0 else { continue }
      let a = px(series.x[i])
      path += "M\(number(a - 4)) \(number(py(high[i])))h8m-4 0V\(number(py(low[i])))m-4 0h8"
    }
    return path.isEmpty ? "" : "<path class=\"plot-interval\" d=\"\(path)\" fill=\"none\" stroke-width=\"1.5\" stroke=\"\(color(index))\"/>\n"
  }

  private func color(_ index: Int) -> String {
    let i = index % palette.count
    return "var(--plot-\(i + 1), \(palette[i]))"
  }

  private func stroke(_ index: Int) -> String {
    let dash = dashes[index % dashes.count]
    return "stroke=\"\(color(index))\"" + (dash.isEmpty ? "" : " stroke-dasharray=\"\(dash)\"")
  }

  /// Circle, square, triangle, diamond, cross, ring: told apart without colour.
  private func shape(_ index: Int, _ a: Double, _ b: Double) -> String {
    let fill = "class=\"plot-dot\" fill=\"\(color(index))\""
    switch index % 6 {
    case 0: return "<circle cx=\"\(number(a))\" cy=\"\(number(b))\" r=\"5\" \(fill)/>\n"
    case 1: return "<rect x=\"\(number(a - 4.5))\" y=\"\(number(b - 4.5))\" width=\"9\" height=\"9\" \(fill)/>\n"
    case 2: return "<path d=\"M\(number(a)) \(number(b - 6))l5.5 10h-11z\" \(fill)/>\n"
    case 3: return "<path d=\"M\(number(a)) \(number(b - 6.5))l6 6.5l-6 6.5l-6 -6.5z\" \(fill)/>\n"
    case 4: return "<path class=\"plot-dot\" d=\"M\(number(a - 4.5)) \(number(b - 4.5))l9 9m0 -9l-9 9\" fill=\"none\" stroke-width=\"2.5\" stroke=\"\(color(index))\"/>\n"
    default: return "<circle class=\"plot-dot\" cx=\"\(number(a))\" cy=\"\(number(b))\" r=\"4.5\" fill=\"none\" stroke-width=\"2\" stroke=\"\(color(index))\"/>\n"
    }
  }

  // MARK: Legend

  private static func legend(_ names: [String], width available: Double) -> [[(index: Int, text: String, width: Double)]] {
    var rows: [[(index: Int, text: String, width: Double)]] = []
    var used = Double.infinity
    for (i, name) in names.enumerated() {
      let shown = cut(name, 80)
      let needed = 40 + Reporting.width(shown) + 18
      if used + needed > available { rows.append([]); used = 0 }
      rows[rows.count - 1].append((i, shown, needed))
      used += needed
    }
    return rows
  }

  private var legend: String {
    var out = "<g class=\"plot-legend\">\n"
    for (r, row) in legendRows.enumerated() {
      var a = left
      let b = 38 + 20 * Double(r)
      for entry in row {
        if plot.series[entry.index].mark == .dots {
          out += shape(entry.index, a + 16, b)
        } else {
          out += "<path d=\"M\(number(a)) \(number(b))h32\" fill=\"none\" stroke-width=\"2\" \(stroke(entry.index))/>\n"
        }
        out += text(a + 40, b + 4.5, "start", entry.text)
        a += entry.width
      }
    }
    return out + "</g>\n"
  }

  // MARK: Marks

  private func px(_ value: Double) -> Double { left + min(max(x.position(value), 0), 1) * (right - left) }
  private func py(_ value: Double) -> Double { bottom - min(max(y.position(value), 0), 1) * (bottom - top) }

  private func text(_ a: Double, _ b: Double, _ anchor: String, _ content: String) -> String {
    "<text x=\"\(number(a))\" y=\"\(number(b))\"\(anchor == "start" ? "" : " text-anchor=\"\(anchor)\"")>\(escapedMarkup(content))</text>\n"
  }
}

/// A coordinate with one decimal: a tenth of a unit is invisible.
private func number(_ value: Double) -> String {
  guard value.isFinite else { return "0" }
  let tenths = Int((value * 10).rounded())
  let whole = abs(tenths) / 10
  let sign = tenths < 0 ? "-" : ""
  return tenths % 10 == 0 ? "\(sign)\(whole)" : "\(sign)\(whole).\(abs(tenths) % 10)"
}

/// About how wide a text of 13 units is; generous, since fonts differ.
private func width(_ text: String) -> Double { 7.2 * Double(text.count) }

private func cut(_ text: String, _ limit: Int) -> String {
  let line = oneLine(text)
  return line.count > limit ? line.prefix(limit - 1) + "…" : line
}

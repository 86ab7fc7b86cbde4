// A value's course over its runs as a small SVG in the language of the plots: measurements as dots, their intervals drawn,
// a change of level as a dashed line. The axis spans the values and says both ends in its description: a course has no zero.

import ExperimentModel

/// A self-contained `<svg>` element of 240 × 56 units.
///
/// - Parameters:
///   - description: what the picture shows, in the page's language.
///   - id: unique on the page, for the title and description.
public func sparklineSVG(_ series: HistorySeries, description: String, id: String) -> String {
  let width = 240.0, height = 56.0, inset = 7.0
  let points = series.points.enumerated().compactMap { index, point in point.value.map { (index, $0) } }.filter { $0.1.value.isFinite }
  let bounds = points.flatMap { [$0.1.value, $0.1.low ?? $0.1.value, $0.1.high ?? $0.1.value] }.filter(\.isFinite)
  let least = bounds.min() ?? 0, most = bounds.max() ?? 1
  func x(_ index: Int) -> Double { series.points.count < 2 ? width / 2 : inset + Double(index) / Double(series.points.count - 1) * (width - 2 * inset) }
  // Halved before they are subtracted: the distance of two large numbers may be infinite.
  func y(_ value: Double) -> Double { most > least ? height - inset - (value / 2 - least / 2) / (most / 2 - least / 2) * (height - 2 * inset) : height / 2 }
  var body = ""
  for change in series.changes where series.points.indices.contains(change.index) {
    let at = change.index == 0 ? x(0) : (x(change.index - 1) + x(change.index)) / 2
    body += "<path class=\"spark-change\" d=\"M\(coordinate(at)) 1V\(coordinate(height - 1))\" stroke=\"var(--plot-2, #d55e00)\" stroke-dasharray=\"4 3\" stroke-width=\"1.5\"/>\n"
  }
  var path = "", bars = "", dots = ""
  for (n, (index, value)) in points.enumerated() {
    let place = "\(coordinate(x(index))) \(coordinate(y(value.value)))"
    path += (n == 0 ? "M" : "L") + place
    if let low = value.low, let high = value.high, low.isFinite, high.isFinite, high > low {
      bars += "M\(coordinate(x(index))) \(coordinate(y(high)))V\(coordinate(y(low)))"
    }
    dots += "<circle cx=\"\(coordinate(x(index)))\" cy=\"\(coordinate(y(value.value)))\" r=\"\(points.count > 60 ? "1.5" : "2.5")\"/>"
  }
  if points.count > 1 { body += "<path d=\"\(path)\" fill=\"none\" stroke=\"var(--plot-grid, #d8dee4)\" stroke-width=\"1.5\"/>\n" }
  if !bars.isEmpty { body += "<path class=\"plot-interval\" d=\"\(bars)\" fill=\"none\" stroke=\"var(--plot-1, #0072b2)\" stroke-width=\"1\"/>\n" }
  body += "<g class=\"plot-dot\" fill=\"var(--plot-1, #0072b2)\">\(dots)</g>\n"
  return """
    <svg xmlns="http://www.w3.org/2000/svg" class="spark" role="img" viewBox="0 0 240 56" width="240" height="56" aria-labelledby="\(escapedMarkup(id))-t \(escapedMarkup(id))-d">
    <title id="\(escapedMarkup(id))-t">\(escapedMarkup(series.address))</title>
    <desc id="\(escapedMarkup(id))-d">\(escapedMarkup(description))</desc>
    \(body)</svg>
    """
}

extension HistorySeries {
  /// Least and largest value, formatted; nil without values.
  public var extent: (least: String, most: String)? {
    let values = points.compactMap { $0.value?.value }.filter(\.isFinite)
    guard let least = values.min(), let most = values.max() else { return nil }
    return (format(MetricValue(Estimate(least), unit)), format(MetricValue(Estimate(most), unit)))
  }

  /// The last value that is there, with its interval.
  public var lastText: String {
    points.last { $0.value != nil }?.value.map { format($0, unit, interval: true) } ?? "–"
  }

  /// Whether a change is for the better; nil where more is neither better nor worse.
  public func isBetter(_ change: HistoryChange) -> Bool? {
    switch Metric.named(metricName(address))?.better {
    case .lower where change.relativeChange != 0: change.relativeChange < 0
    case .higher where change.relativeChange != 0: change.relativeChange > 0
    default: nil
    }
  }
}

/// `+12 %, p 0.003`
public func levelText(_ change: HistoryChange) -> String { "\(signedPercent(change.relativeChange)), \(pText(change.p))" }

// The numbers behind a plot, folded away below it: for readers who do not see the picture and for those who want to check it.

import ExperimentModel

/// Rows of a line or distribution that are shown at most; measured points are all shown.
private let lineRowsMax = 25

/// A `<details>` element with one row per point.
public func dataTableHTML(_ plot: PlotData, summary: String = "Numbers of this plot") -> String {
  let hasIntervals = plot.series.contains { $0.low != nil && $0.high != nil }
  var rows = ""
  var isThinned = false
  for series in plot.series {
    let count = min(series.x.count, series.y.count)
    let kept = keptIndices(count, limit: series.mark == .dots ? nil : lineRowsMax)
    isThinned = isThinned || kept.count < count
    for i in kept {
      let low = series.low.flatMap { i < $0.count ? $0[i] : nil }
      let high = series.high.flatMap { i < $0.count ? $0[i] : nil }
      rows += "<tr><td>\(escapedMarkup(series.name))</td><td class=\"number\">\(point(series.x[i], plot.xUnit))</td>"
      rows += "<td class=\"number\">\(point(series.y[i], plot.yUnit))</td>"
      if hasIntervals {
        let text = low != nil && high != nil ? "\(point(low!, plot.yUnit)) to \(point(high!, plot.yUnit))" : "–"
        rows += "<td class=\"number\">\(text)</td>"
      }
      rows += "</tr>\n"
    }
  }
  let heading = "<th>series</th><th class=\"number\">\(escapedMarkup(plot.xLabel))</th><th class=\"number\">\(escapedMarkup(plot.yLabel))</th>"
  return """
    <details class="data"><summary>\(escapedMarkup(summary))</summary>
    <table>
    <caption>\(escapedMarkup(plot.title))\(isThinned ? "; lines at \(lineRowsMax) of their points" : "")</caption>
    <thead><tr>\(heading)\(hasIntervals ? "<th class=\"number\">95 % interval</th>" : "")</tr></thead>
    <tbody>
    \(rows)</tbody>
    </table>
    </details>

    """
}

private func point(_ value: Double, _ unit: MetricUnit) -> String { format(MetricValue(Estimate(value), unit)) }

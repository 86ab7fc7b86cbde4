// What the pictures of telemetry share: the frame of a static SVG in the language of the plots, texts that fit, and time.
// No script, no style attributes, colours as CSS variables with fallbacks; everything that telemetry said is escaped and cut.

import ExperimentModel

/// A self-contained `<svg>` element of 720 units' width.
func telemetrySVG(_ kind: String, title: String, description: String, height: Double, definitions: String = "", body: String) -> String {
  // What is inside an image cannot be reached: with links it is none.
  """
  <svg xmlns="http://www.w3.org/2000/svg" class="plot \(kind)"\(body.contains("<a href") ? "" : " role=\"img\"") viewBox="0 0 720 \(coordinate(height))" \
  font-family="system-ui, sans-serif" font-size="12" fill="var(--plot-ink, #24292f)">
  <title>\(escapedMarkup(cutName(title, 200)))</title>
  <desc>\(escapedMarkup(description))</desc>
  \(definitions)\(body)</svg>

  """
}

/// A text at a place, cut to what fits into `room` units; nothing when nothing does.
func svgText(_ x: Double, _ y: Double, _ content: String, anchor: String = "start", room: Double = 680, attributes: String = "") -> String {
  guard let shown = fitted(oneLine(content), room) else { return "" }
  let place = anchor == "start" ? "" : " text-anchor=\"\(anchor)\""
  return "<text x=\"\(coordinate(x))\" y=\"\(coordinate(y))\"\(place)\(attributes.isEmpty ? "" : " " + attributes)>\(escapedMarkup(shown))</text>\n"
}

func svgRect(_ x: Double, _ y: Double, _ width: Double, _ height: Double, _ attributes: String, title: String? = nil) -> String {
  let size = "width=\"\(coordinate(max(width, 0)))\" height=\"\(coordinate(max(height, 0)))\""
  let start = "<rect x=\"\(coordinate(x))\" y=\"\(coordinate(y))\" \(size) \(attributes)"
  return title.map { start + "><title>\(escapedMarkup($0))</title></rect>\n" } ?? start + "/>\n"
}

/// A quiet colour for axes and notes.
let quietFill = "fill=\"var(--plot-axis, #57606a)\""

/// A coordinate with at most two decimals.
func coordinate(_ value: Double) -> String {
  guard value.isFinite else { return "0" }
  let hundredths = (min(max(value, -1e6), 1e6) * 100).rounded() / 100
  return hundredths == hundredths.rounded() ? String(Int(hundredths)) : "\(hundredths)"
}

func timeText(_ nanoseconds: Double) -> String { format(MetricValue(Estimate(nanoseconds), .nanoseconds)) }
func countText(_ count: Double) -> String { format(MetricValue(Estimate(count), .count)) }
func shareText(_ share: Double) -> String { format(MetricValue(Estimate(share), .share)) }

/// A `<details>` element with a table: the numbers of a picture.
func telemetryTableHTML(_ summary: String, caption: String, columns: [(title: String, isNumber: Bool)], rows: [[String]]) -> String {
  func cell(_ tag: String, _ isNumber: Bool, _ text: String) -> String { "<\(tag)\(isNumber ? " class=\"number\"" : "")>\(escapedMarkup(text))</\(tag)>" }
  let head = columns.map { cell("th", $0.isNumber, $0.title) }.joined()
  let body = rows.map { row in "<tr>" + zip(columns, row).map { cell("td", $0.isNumber, cutName($1, 200)) }.joined() + "</tr>\n" }.joined()
  return """
    <details class="data"><summary>\(escapedMarkup(summary))</summary>
    <table>
    <caption>\(escapedMarkup(cutName(caption, 300)))</caption>
    <thead><tr>\(head)</tr></thead>
    <tbody>
    \(body.isEmpty ? "<tr><td colspan=\"\(columns.count)\">nothing was captured</td></tr>\n" : body)</tbody>
    </table>
    </details>

    """
}

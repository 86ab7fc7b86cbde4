// A lab system as a static SVG in the language of the plots: no script, colours as CSS variables with fallbacks, every word
// as text. Boxes stand below each other; an arrow leaves at the stage that calls and runs in a lane of its own at the right.

import ExperimentModel

/// A self-contained `<svg>` element of 720 units' width.
public func topologySVG(_ system: SystemSpec) -> String {
  let topology = Topology(system)
  let lanes = topology.arrows.count
  let left = 16, right = 704 - min(lanes, 8) * 14 - (lanes == 0 ? 0 : 10)
  var body = ""
  var y = 44
  var tops: [Int] = []
  var rowsOf: [[Int]] = []
  for box in topology.boxes {
    if box.isEntry {
      body += text(left + 28, y + 4, "clients") + arrow("M\(left + 16) \(y - 10)V\(y + 20)")
      y += 22
    }
    let height = 34 + box.lines.count * 19 + 8
    tops.append(y)
    body += "<rect class=\"topology-box\" x=\"\(left)\" y=\"\(y)\" width=\"\(right - left)\" height=\"\(height)\" rx=\"6\" fill=\"none\" stroke=\"var(--plot-1, #0072b2)\" stroke-width=\"2\"/>\n"
    body += text(left + 12, y + 22, box.name, weight: true, suffix: " · " + box.facts, limit: right - left - 24)
    var rows: [Int] = []
    for (n, line) in box.lines.enumerated() {
      let row = y + 45 + n * 19
      rows.append(row)
      let indent = line.kind == .route || line.kind == .fact ? 12 : line.kind == .stage ? 28 : 46
      body += text(left + indent, row, (line.kind == .stage ? "→ " : "") + line.text, isQuiet: line.kind == .more || line.kind == .fact, limit: right - left - indent - 8)
    }
    rowsOf.append(rows)
    y += height + 24
  }
  for (n, line) in topology.arrows.enumerated() {
    // More arrows than lanes share them; the labels stand in the boxes.
    let lane = right + 14 + (n % 8) * 14
    let start = line.line.map { rowsOf[line.from][$0] - 4 } ?? tops[line.from] + 18
    let end = tops[line.to] + 10 + (n % 3) * 6
    body += arrow("M\(right) \(start)H\(lane)V\(end)H\(right + 2)", isDashed: n % 2 == 1)
  }
  for line in topology.data {
    body += text(left, y, "data \(line)")
    y += 20
  }
  return """
    <svg xmlns="http://www.w3.org/2000/svg" class="plot topology" role="img" viewBox="0 0 720 \(y)" font-family="system-ui, sans-serif" font-size="13" fill="var(--plot-ink, #24292f)">
    <title>\(escapedMarkup("The system \(topology.title)"))</title>
    <desc>\(escapedMarkup(description(topology)))</desc>
    <defs><marker id="topology-head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0l8 4l-8 4z" fill="var(--plot-axis, #57606a)"/></marker></defs>
    \(text(left, 20, topology.title, weight: true))\(body)</svg>

    """
}

/// What the picture shows, for those who do not see it.
private func description(_ topology: Topology) -> String {
  var sentences = topology.boxes.map { box in
    let routes = box.lines.filter { $0.kind == .route }.map(\.text)
    return "Role \(box.name) (\(box.facts))" + (box.isEntry ? ", asked by clients" : "") + (routes.isEmpty ? "" : ": \(routes.joined(separator: ", "))") + "."
  }
  sentences += topology.arrows.map { "\(topology.boxes[$0.from].name) asks \(topology.boxes[$0.to].name): \($0.label)." }
  return sentences.joined(separator: " ")
}

private func arrow(_ path: String, isDashed: Bool = false) -> String {
  "<path class=\"topology-arrow\" d=\"\(path)\" fill=\"none\" stroke=\"var(--plot-axis, #57606a)\" stroke-width=\"1.5\""
    + (isDashed ? " stroke-dasharray=\"5 3\"" : "") + " marker-end=\"url(#topology-head)\"/>\n"
}

/// Cut to about `limit` units: fonts differ, a text over a frame is worse than a short one, and the description has it whole.
private func text(_ x: Int, _ y: Int, _ content: String, weight: Bool = false, suffix: String = "", isQuiet: Bool = false, limit: Int = 680) -> String {
  let room = max(8, limit * 10 / 68)
  let shown = content.count > room ? content.prefix(room - 1) + "…" : content
  let rest = suffix.count > room - shown.count ? (room - shown.count > 2 ? suffix.prefix(room - shown.count - 1) + "…" : "") : suffix
  let fill = isQuiet ? " fill=\"var(--plot-axis, #57606a)\"" : ""
  let inner = weight ? "<tspan font-weight=\"600\">\(escapedMarkup(shown))</tspan>\(escapedMarkup(rest))" : escapedMarkup(shown)
  return "<text x=\"\(x)\" y=\"\(y)\"\(fill)>\(inner)</text>\n"
}

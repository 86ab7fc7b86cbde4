// Who calls whom, as boxes in ranks: callers above what they call. The numbers of a call stand in the box that is called, one
// line for each caller, where they cannot lie on each other; arrows are as thick as the calls are many.

import ExperimentModel

/// A self-contained `<svg>` element of 720 units' width. Draws 40 nodes and 6 callers of each; says what it leaves out.
public func serviceMapSVG(_ map: ServiceMap, title: String) -> String {
  let drawing = ServiceMapDrawing(map)
  // A page may hold several maps.
  let head = elementID("service-map-head", title + drawing.description)
  return telemetrySVG(
    "service-map", title: title, description: drawing.description, height: drawing.height,
    definitions: """
      <defs><marker id="\(head)" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="9" markerHeight="9" markerUnits="userSpaceOnUse" \
      orient="auto"><path d="M0 0l8 4l-8 4z" fill="var(--plot-axis, #57606a)"/></marker></defs>

      """, body: drawing.body.replacing("url(#service-map-head)", with: "url(#\(head))"))
}

private let nodesMax = 40
private let callersMax = 6

private struct ServiceMapDrawing {
  private struct Box {
    var x = 0.0
    var y = 0.0
    var width = 0.0
    var height = 0.0
    /// Caller and numbers stand in one line.
    var isWide = true
  }

  let map: ServiceMap
  private var boxes: [Int: Box] = [:]
  private(set) var height = 40.0

  init(_ map: ServiceMap) {
    self.map = map
    let ranks = Self.ranks(map)
    let drawn = map.nodes.indices.sorted { (ranks[$0], map.nodes[$0].name) < (ranks[$1], map.nodes[$1].name) }.prefix(nodesMax)
    var y = 12.0
    for rank in Set(drawn.map { ranks[$0] }).sorted() {
      let nodes = drawn.filter { ranks[$0] == rank }
      // At most three beside each other, so that a line of numbers fits.
      for start in stride(from: 0, to: nodes.count, by: 3) {
        let line = nodes[start..<min(start + 3, nodes.count)]
        let width = min(330, (704 - 24 * Double(line.count - 1)) / Double(line.count))
        let used = width * Double(line.count) + 24 * Double(line.count - 1)
        let isWide = line.allSatisfy { node in
          incoming(node).prefix(callersMax).allSatisfy { edge in
            let letters = min(map.nodes[edge.from].name.count, 40) + numbers(edge).count + (edge.errors > 0 ? 16 : 5)
            return 7.3 * Double(letters) + 30 <= width
          }
        }
        var tallest = 0.0
        for (i, node) in line.enumerated() {
          let callers = incoming(node).count
          let lines = min(callers, callersMax) * (isWide ? 1 : 2) + (callers > callersMax ? 1 : 0)
          let x = 8 + (704 - used) / 2 + Double(i) * (width + 24)
          let box = Box(x: x, y: y, width: width, height: 28 + 17 * Double(lines) + (lines > 0 ? 4 : 0), isWide: isWide)
          boxes[node] = box
          tallest = max(tallest, box.height)
        }
        y += tallest + 44
      }
    }
    height = boxes.isEmpty ? 40 : y - 44 + (map.nodes.count > drawn.count || map.omitted > 0 ? 34 : 12)
  }

  /// The longest way from a node that nobody calls, without the calls that close a cycle: those that lead back to a node on the
  /// way to their caller, found by following calls in depth.
  private static func ranks(_ map: ServiceMap) -> [Int] {
    var out = [[Int]](repeating: [], count: map.nodes.count)
    for (i, edge) in map.edges.enumerated() where edge.from != edge.to { out[edge.from].append(i) }
    let called = Set(map.edges.filter { $0.from != $0.to }.map(\.to))
    enum State { case new, open, done }
    var states = [State](repeating: .new, count: map.nodes.count)
    // Callers before the called, once the calls back are left out.
    var finished: [Int] = []
    var isBack = [Bool](repeating: false, count: map.edges.count)
    for start in map.nodes.indices.filter({ !called.contains($0) }) + Array(map.nodes.indices) where states[start] == .new {
      states[start] = .open
      var stack = [(node: start, next: 0)]
      while let top = stack.last {
        guard top.next < out[top.node].count else {
          states[top.node] = .done
          finished.append(top.node)
          stack.removeLast()
          continue
        }
        stack[stack.count - 1].next += 1
        let call = out[top.node][top.next]
        let to = map.edges[call].to
        switch states[to] {
        case .open: isBack[call] = true
        case .done: break
        case .new:
          states[to] = .open
          stack.append((to, 0))
        }
      }
    }
    var ranks = [Int](repeating: 0, count: map.nodes.count)
    for node in finished.reversed() {
      for call in out[node] where !isBack[call] { ranks[map.edges[call].to] = max(ranks[map.edges[call].to], ranks[node] + 1) }
    }
    return ranks
  }

  private func incoming(_ node: Int) -> [ServiceMap.Edge] { map.edges.filter { $0.to == node }.sorted { ($1.calls, $0.from) < ($0.calls, $1.from) } }

  var body: String {
    guard !boxes.isEmpty else { return svgText(8, 24, "no calls were captured", attributes: quietFill) }
    let most = map.edges.map(\.calls).max() ?? 1
    var arrows = ""
    for edge in map.edges { arrows += arrow(edge, most) }
    var out = "<g class=\"service-map-calls\" fill=\"none\" stroke=\"var(--plot-axis, #57606a)\">\n\(arrows)</g>\n"
    for (node, box) in boxes.sorted(by: { $0.key < $1.key }) { out += self.box(node, box) }
    let hidden = map.nodes.count - boxes.count
    let left = [hidden > 0 ? "\(hidden) more services" : "", map.omitted > 0 ? "\(map.omitted) more calls" : ""].filter { !$0.isEmpty }
    if !left.isEmpty { out += svgText(8, height - 10, left.joined(separator: " and ") + " are not drawn", attributes: quietFill) }
    return out
  }

  private func numbers(_ edge: ServiceMap.Edge) -> String {
    "\(countText(edge.calls)) × · p95 \(timeText(edge.p95))"
  }

  private func box(_ node: Int, _ box: Box) -> String {
    let one = map.nodes[node]
    let color = one.kind == .service ? "var(--plot-1, #0072b2)" : "var(--plot-axis, #57606a)"
    let dash = one.kind == .outside ? " stroke-dasharray=\"5 3\"" : ""
    var out = svgRect(
      box.x, box.y, box.width, box.height, "class=\"service-map-node\" rx=\"6\" fill=\"var(--paper, #ffffff)\" stroke=\"\(color)\" stroke-width=\"2\"\(dash)")
    out += svgText(box.x + 10, box.y + 19, one.name, room: box.width - 20, attributes: "font-weight=\"600\" font-size=\"13\"")
    let callers = incoming(node)
    var y = box.y + 37
    for edge in callers.prefix(callersMax) {
      let end = box.x + box.width - 10
      let from = "from " + map.nodes[edge.from].name
      let failed = edge.errors > 0 ? "✕ \(shareText(edge.errors / edge.calls))" : ""
      out += svgText(box.x + 10, y, from, room: box.width - (box.isWide || failed.isEmpty ? 20 : 100), attributes: quietFill)
      if box.isWide {
        out += svgText(end, y, failed.isEmpty ? numbers(edge) : "\(numbers(edge)) · \(failed)", anchor: "end")
      } else {
        out += svgText(end, y, failed, anchor: "end") + svgText(end, y + 17, numbers(edge), anchor: "end", room: box.width - 12)
        y += 17
      }
      y += 17
    }
    if callers.count > callersMax { out += svgText(box.x + 10, y, "and \(callers.count - callersMax) more callers", attributes: quietFill) }
    return out
  }

  private func arrow(_ edge: ServiceMap.Edge, _ most: Double) -> String {
    guard edge.from != edge.to, let from = boxes[edge.from], let to = boxes[edge.to] else { return "" }
    let x1 = from.x + from.width / 2, x2 = to.x + to.width / 2
    let isDown = to.y > from.y
    // Upwards, as within a cycle, along the side.
    let (y1, y2) = isDown ? (from.y + from.height, to.y - 1) : (from.y, to.y + to.height + 1)
    let bend = isDown ? min(40, (y2 - y1) / 2) : -min(40, abs(y2 - y1) / 2)
    let points = [(x1, y1), (x1, y1 + bend), (x2, y2 - bend), (x2, y2)].map { "\(coordinate($0.0)) \(coordinate($0.1))" }
    let path = "M\(points[0])C" + points.dropFirst().joined(separator: " ")
    let width = 1 + 3 * (edge.calls / max(most, 1e-9)).squareRoot()
    let dash = edge.errors > 0 ? " stroke-dasharray=\"7 3\"" : ""
    return "<path d=\"\(path)\" stroke-width=\"\(coordinate(width))\"\(dash) marker-end=\"url(#service-map-head)\"/>\n"
  }

  /// What the picture shows, for those who do not see it.
  var description: String {
    let calls = map.edges.sorted { ($1.calls, $0.from, $0.to) < ($0.calls, $1.from, $1.to) }.prefix(30).map { edge in
      "\(cutName(map.nodes[edge.from].name, 60)) calls \(cutName(map.nodes[edge.to].name, 60)) \(countText(edge.calls)) times, p95 \(timeText(edge.p95))"
        + (edge.errors > 0 ? ", \(shareText(edge.errors / edge.calls)) failed" : "") + "."
    }
    return (["\(map.nodes.count) nodes and \(map.edges.count) calls; a dashed arrow has failures, a dashed box sends no spans."] + calls).joined(separator: " ")
  }
}

// A lab system drawn with box characters, for a terminal.

import ExperimentModel

/// Roles as boxes, routes with their stages, arrows for calls and upstreams; at most 78 columns but for names longer than that.
public func topologyText(_ system: SystemSpec) -> String {
  let topology = Topology(system)
  var out = "\(topology.title)\n"
  for (index, box) in topology.boxes.enumerated() {
    var incoming = topology.arrows.filter { $0.to == index && $0.from != index }.map { "from \(topology.boxes[$0.from].name): \($0.label)" }
    if box.isEntry { incoming.insert("clients", at: 0) }
    out += "\n" + incoming.map { "    │ \($0)\n" }.joined() + "    ▼\n"
    out += drawn(box)
  }
  if !topology.data.isEmpty { out += "\n" + topology.data.map { "  data \($0)\n" }.joined() }
  return out
}

private func drawn(_ box: Topology.Box) -> String {
  let head = "┌─ \(box.name) ── \(box.facts) "
  let rows = box.lines.map { line in
    switch line.kind {
    case .route, .fact: line.text
    case .stage: "  → \(line.text)"
    case .more: "      \(line.text)"
    }
  }
  let width = max(76, head.count - 1, (rows.map(\.count).max() ?? 0) + 2)
  var out = head + String(repeating: "─", count: width + 1 - head.count) + "┐\n"
  for row in rows { out += "│ " + row + String(repeating: " ", count: width - 1 - row.count) + "│\n" }
  return out + "└" + String(repeating: "─", count: width) + "┘\n"
}

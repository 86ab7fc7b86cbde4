// A block with every default filled in, as YAML that means the same: the key table walked over what
// the author wrote.

import DocumentModel
import ExperimentModel
import StrictYAML
import TextModel

/// The block `id` of a notebook with its defaults; nil when there is no such block, or when it is not YAML.
public func explain(_ document: Document, id: String, context: PlanContext) -> String? {
  let planning = Planning(document, context)
  let planned = planning.run()
  guard let block = planning.blocks.first(where: { $0.id == id }) else { return nil }
  var header = ""
  if let cell = planned.plan.cells.first(where: { $0.id == id }) {
    header = "# inputs \(cell.inputs)" + (cell.needs.isEmpty ? "" : ", runs after \(cell.needs.joined(separator: ", "))") + "\n"
  }
  return header + explanation(of: block, context)
}

/// The block's YAML with its defaults, a final line ending included.
func explanation(of block: Block, _ context: PlanContext) -> String {
  var lines: [String] = []
  Explainer(context: context).mapping(block.node, block.kind, indent: 0, kindWord: block.kind.rawValue, into: &lines)
  return lines.joined(separator: "\n") + "\n"
}

private struct Explainer {
  let context: PlanContext

  /// - Parameter kindWord: replaces the value of `kind`, so that sugar shows what it stands for.
  func mapping(_ node: YAMLNode, _ shape: Shape, indent: Int, kindWord: String? = nil, into lines: inout [String]) {
    let pad = String(repeating: " ", count: indent)
    let entries = node.entries ?? []
    for key in shape.keys {
      if key.name == "of" { continue }
      if shape == .sim, key.name == "params" {
        lines.append("\(pad)params: \(params(node))")
        continue
      }
      guard let value = node[key.name] else {
        if let standard = key.standard { lines.append("\(pad)\(key.name): \(standard)  # default") }
        continue
      }
      if key.name == "kind", let kindWord {
        lines.append("\(pad)kind: \(kindWord)")
        continue
      }
      append(value, key.name, key.innerShape(in: shape), pad, into: &lines)
    }
    if shape == .hidden { lines.append("\(pad)# which of these it is: chosen by the learner's seed") }
    // Roles with names of their own.
    for entry in entries where shape.key(entry.key) == nil && entry.value.entries != nil {
      append(entry.value, entry.key, shape == .system ? (entry.value["kind"]?.text == "edge" ? .edge : .role) : nil, pad, into: &lines)
    }
    if shape == .cost, let formula = node["formula"]?.text.flatMap(CostFormula.named) {
      standIns(formula.rows, node["inputs"], "", pad, into: &lines)
      if let roi = node["roi"] { standIns(formula.roiRows, roi, "roi: ", pad, into: &lines) }
    }
  }

  private func append(_ value: YAMLNode, _ name: String, _ shape: Shape?, _ pad: String, into lines: inout [String]) {
    let label = yamlText(name)
    if name == "routes", let routes = value.entries {
      lines.append("\(pad)routes:")
      for route in routes {
        lines.append("\(pad)  \(yamlText(route.key)):")
        for item in route.value.items ?? [] { if let text = stage(item) { lines.append("\(pad)    - \(text)") } }
      }
    } else if name == "stages", let items = value.items, items.allSatisfy({ stage($0) != nil }) {
      lines.append("\(pad)stages:" + (items.isEmpty ? " []" : ""))
      for item in items { if let text = stage(item) { lines.append("\(pad)  - \(text)") } }
    } else if name == "data", let sets = value.entries {
      lines.append("\(pad)data:")
      for set in sets { lines.append("\(pad)  \(set.key): \(flow(set.value, .dataset))") }
    } else if let items = value.items, let shape, items.contains(where: { $0.entries != nil }) {
      lines.append("\(pad)\(label):")
      for item in items { lines.append("\(pad)  - \(flow(item, shape))") }
    } else if value.entries != nil, let shape {
      lines.append("\(pad)\(label):")
      mapping(value, shape, indent: pad.count + 2, into: &lines)
    } else {
      lines.append("\(pad)\(label): \(flow(value, nil))")
    }
  }

  /// One stage of a list as `kind: {…}`; nil for what is none.
  private func stage(_ item: YAMLNode) -> String? {
    guard let entry = item.entries?.first, let kind = stageKinds.first(where: { $0.rawValue == entry.key }) else { return nil }
    return "\(entry.key): \(flow(entry.value, kind))"
  }

  /// On one line; mappings of a shape with their defaults.
  private func flow(_ node: YAMLNode, _ shape: Shape?) -> String {
    switch node.content {
    case .scalar(let scalar): return scalar.style == .quoted ? yamlText(scalar.text, always: true) : yamlText(scalar.text)
    case .sequence(let items): return "[" + items.map { flow($0, shape) }.joined(separator: ", ") + "]"
    case .mapping(let entries) where shape == .lock:
      // What is inside a lock has defaults of its own.
      return "{" + entries.map { entry in
        guard entry.key == "inside", let items = entry.value.items else { return "\(yamlText(entry.key)): \(flow(entry.value, nil))" }
        return "inside: [" + items.compactMap(stage).map { "{\($0)}" }.joined(separator: ", ") + "]"
      }.joined(separator: ", ") + "}"
    case .mapping(let entries):
      var parts = entries.map { entry in
        "\(yamlText(entry.key)): \(flow(entry.value, shape.flatMap { s in s.key(entry.key).flatMap { $0.innerShape(in: s) } }))"
      }
      if shape == .fault {
        // Only what this toxic takes.
        for row in node["toxic"]?.text.flatMap(Toxic.init)?.parameters ?? [] {
          if let standard = row.standard, node[row.name] == nil { parts.append("\(row.name): \(standard)") }
        }
        return "{" + parts.joined(separator: ", ") + "}"
      }
      for key in shape?.keys ?? [] {
        if let standard = key.standard, node[key.name] == nil { parts.append("\(key.name): \(standard)") }
      }
      return "{" + parts.joined(separator: ", ") + "}"
    }
  }

  /// What was written, then the model's standards.
  private func params(_ block: YAMLNode) -> String {
    var parts = (block["params"]?.entries ?? []).map { "\(yamlText($0.key)): \(flow($0.value, nil))" }
    let written = Set((block["params"]?.entries ?? []).map(\.key))
    for parameter in block["model"]?.text.flatMap(SimModel.named)?.parameters ?? [] {
      // A part of a mapping that was written is not said beside it.
      let first = parameter.name.split(separator: ".").first.map(String.init) ?? parameter.name
      guard let standard = parameter.standard, !written.contains(parameter.name), !written.contains(first) else { continue }
      parts.append("\(parameter.name): \(standard)")
    }
    return "{" + parts.joined(separator: ", ") + "}"
  }

  /// What stands in for inputs that were left out: the course's numbers, and the table's standards.
  private func standIns(_ rows: [CostInputRow], _ written: YAMLNode?, _ what: String, _ pad: String, into lines: inout [String]) {
    for row in rows where written?[row.name] == nil && row.need != .optional {
      if let money = context.courseMoney[row.course].flatMap({ fitting($0, row.unit) }) {
        lines.append("\(pad)# from the course: \(what)\(row.name) = \(numberText(money.value))\(money.unit.isMoney ? " " + money.unit.rawValue : "")")
      } else if case .standard(let text) = row.need {
        lines.append("\(pad)# default: \(what)\(row.name) = \(text)")
      }
    }
  }
}

/// A text as a scalar, in quotes where YAML would read it as something else.
func yamlText(_ text: String, always: Bool = false) -> String {
  let special =
    text.isEmpty || text.contains(": ") || text.contains(" #") || text.contains(where: { "{}[],\"'\n\\".contains($0) })
    || "&*!|>%@`?- ".contains(text.first ?? " ") || text.hasSuffix(":") || text.hasSuffix(" ")
    || ["yes", "no", "on", "off"].contains(text.lowercased())
  guard always || special else { return text }
  let escaped = text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
  return "\"\(escaped)\""
}

// An `edge` as written → parameters by dotted path, so that `set` says the same words; and what differs in single instances.

import ExperimentModel
import StrictYAML
import TextModel

extension SystemReader {
  func readEdge(_ fields: Fields, into role: inout RoleDraft) {
    for key in Shape.edge.keys where key.name != "kind" && fields.has(key.name) {
      if case .shape = key.type {
        if let part = fields.fields(key.name) { role.setPart(key.name, to: part, at: fields.place(key.name)) }
      } else {
        role.params[key.name] = fields.value(key.name).map { Parameter(value: $0, place: fields.contents(key.name)?.range ?? role.place) }
      }
    }
    if role.params["upstream"] == nil, !fields.mentions("upstream") {
      findings.error(
        PerfDiagnosticID.missingKey, "the edge `\(role.name)` needs `upstream`", remedy: "name the role that it asks: `upstream: origin`",
        at: fields.node.entries?.first?.keyRange ?? role.place)
    }
  }

  /// `instances: {4: {backend.mean: 30ms}}`: the same paths as in `set`, below the instance.
  func readInstances(_ node: YAMLNode, of role: String, into draft: inout SystemDraft) {
    guard let entries = node.entries else {
      findings.error(
        PerfDiagnosticID.wrongType, "`instances` is a mapping of numbers, not \(node.kindName)", remedy: "such as {4: {backend.mean: 30ms}}",
        at: node.range)
      return
    }
    for entry in entries {
      guard let number = Int(entry.key), number > 0, let paths = entry.value.entries else {
        findings.error(
          PerfDiagnosticID.wrongType, "`\(entry.key)` is no instance's number with a mapping of paths",
          remedy: "number from 1, such as {4: {backend.mean: 30ms}}", at: entry.keyRange)
        continue
      }
      for path in paths { draft.apply("\(role).\(number).\(path.key)", path.value, at: path.keyRange, findings) }
    }
  }
}

extension RoleDraft {
  /// Replaces a part of an edge: what the new mapping does not say has its standard again.
  mutating func setPart(_ name: String, to fields: Fields, at place: SourceRange) {
    params = params.filter { $0.key != name && !$0.key.hasPrefix(name + ".") }
    // That it is there, even when all of it is standard.
    params[name] = Parameter(value: .flag(true), place: place)
    for key in fields.shape.keys where fields.has(key.name) {
      params["\(name).\(key.name)"] = fields.value(key.name).map { Parameter(value: $0, place: fields.contents(key.name)?.range ?? place) }
    }
  }
}

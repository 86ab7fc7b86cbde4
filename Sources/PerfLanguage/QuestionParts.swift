// What a cell's question is made of, each part with a digest of its own. `inputs` is one number over all of it and says only
// that something changed; the parts, kept with a result, say what. They are read off the notebook as written: a comment, the
// order of keys and prose are in none of them.

import Crypto
import DocumentModel
import Foundation
import StrictYAML
import TextModel

extension Planning {
  /// Keys of a block that are not part of its question, as in `inputsDigest`.
  private static let apart: Set<String> = ["title", "why", "plots", "block_time", "requires", "hint_after", "hints"]

  /// `block`, `seed`, `nb`; and by name `system`, `fence`, `data`, `fact` and `money` where it uses them.
  func questionParts(of block: Block) -> [String: String] {
    var own = block.node
    own.content = .mapping((own.entries ?? []).filter { !Self.apart.contains($0.key) })
    var parts = ["block": digest(text(of: own)), "seed": digest("\(lessonSeed)"), "nb": String(kernelVersion)]
    var nodes = [block.node]
    // A check reads its answer's system, a bench and a load the one they use.
    for name in [block.node["uses"]?.text, block.node["answer"]?["of"]?.text].compactMap({ $0 }) { addSystem(name, &parts, &nodes) }
    for node in nodes { addReferences(of: node, &parts) }
    if block.kind == .cost, !context.courseMoney.isEmpty {
      let money = context.courseMoney.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value.value) \($0.value.unit.rawValue)" }
      parts["money"] = digest(money.joined(separator: "\n"))
    }
    return parts
  }

  /// The system as its block says it, with those that it extends; a preset is nb's own.
  private func addSystem(_ name: String, _ parts: inout [String: String], _ nodes: inout [YAMLNode]) {
    guard nodes.count < 64, parts["system \(name)"] == nil, let system = blockOf[name], system.kind == .system else { return }
    var node = system.node
    node.content = .mapping((node.entries ?? []).filter { !Self.apart.contains($0.key) })
    parts["system \(name)"] = digest(text(of: node))
    nodes.append(system.node)
    if system.node["hidden"] != nil { parts["learner"] = digest(context.learnerSeed.map { String($0) } ?? "-") }
    if let base = system.node["extends"]?.text, base != name { addSystem(base, &parts, &nodes) }
  }

  /// Fences, files and facts that a text of the node names.
  private func addReferences(of node: YAMLNode, _ parts: inout [String: String]) {
    switch node.content {
    case .scalar(let scalar): addFacts(in: scalar.text, &parts)
    case .sequence(let items): for item in items { addReferences(of: item, &parts) }
    case .mapping(let entries):
      for entry in entries {
        if let name = entry.value.text {
          switch entry.key {
          case "fence":
            if let fence = document.codeFences.first(where: { $0.id == name }) { parts["fence \(name)"] = digest(document.source.text(fence.infoRange) + "\n" + fence.text) }
          case "csv", "file": if let data = context.data(name) { parts["data \(name)"] = digest(data) }
          default: break
          }
        }
        addReferences(of: entry.value, &parts)
      }
    }
  }

  private func addFacts(in text: String, _ parts: inout [String: String]) {
    var rest = text[...]
    while let found = rest.firstRange(of: "market.") {
      let id = String(rest[found.upperBound...].prefix { $0.isLetter || $0.isNumber || $0 == "." || $0 == "-" || $0 == "_" })
      if let fact = context.facts[id] { parts["fact \(id)"] = digest("\(fact.value) \(fact.asOf)") }
      rest = rest[found.upperBound...]
    }
  }

  /// Sorted keys, no layout; what YAML tells apart is told apart.
  private func text(of node: YAMLNode) -> String {
    switch node.content {
    case .scalar(let scalar): (scalar.style == .quoted ? "'" : "") + "\(scalar.text.utf8.count):\(scalar.text)"
    case .sequence(let items): "[" + items.map(text(of:)).joined(separator: ",") + "]"
    case .mapping(let entries): "{" + entries.sorted { $0.key < $1.key }.map { "\($0.key.utf8.count):\($0.key)=" + text(of: $0.value) }.joined(separator: ",") + "}"
    }
  }

  private func digest(_ text: String) -> String {
    let hex = Array("0123456789abcdef")
    return String(SHA256.hash(data: Data(text.utf8)).prefix(4).flatMap { [hex[Int($0 >> 4)], hex[Int($0 & 15)]] })
  }
}

/// What changed between the parts kept with a result and those of today, in words; empty when none of them did, nil when none were kept.
public func changedParts(from old: [String: String]?, to new: [String: String]) -> [String]? {
  guard let old else { return nil }
  return Set(old.keys).union(new.keys).sorted().compactMap { name in
    guard old[name] != new[name] else { return nil }
    switch name {
    case "block": return "the block was edited"
    case "seed": return "the lesson's seed was changed"
    case "nb": return "this nb measures otherwise (kernel version \(old[name] ?? "?") → \(new[name] ?? "?"))"
    case "learner": return "another learner's seed"
    case "money": return "the course's money in course.yml was changed"
    default:
      let words = name.split(separator: " ", maxSplits: 1).map(String.init)
      let what = ["system": "its system", "fence": "its fence", "data": "its data file", "fact": "the market fact"][words[0]] ?? words[0]
      let change = old[name] == nil ? "is new" : new[name] == nil ? "is gone" : "was changed"
      return "\(what) `\(words.count > 1 ? words[1] : "")` \(change)"
    }
  }
}

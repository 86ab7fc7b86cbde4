// Another name for a block, wherever a notebook names it: its `id`, what other blocks say of it, values in prose, markers of
// its results. Edits of the very bytes of the name; what only looks like it (an arm, a stage, a word) stays.

import DocumentModel
import ExperimentModel
import StrictYAML
import TextModel

extension Planner {
  /// The edits that rename a block of `document`; nil when there is no block `old`.
  ///
  /// - Precondition: `new` is a legal name that no block has.
  public func renaming(_ old: String, to new: String, in document: Document) -> [Edit]? {
    let planning = Planning(document, context)
    let planned = planning.run()
    guard let block = planning.blocks.first(where: { $0.id == old }) else { return nil }
    var rename = Renaming(old: old, new: new, source: document.source, isSystem: block.kind == .system)
    rename.word(block.idPlace)
    for other in planning.blocks { rename.references(in: other.node, of: other) }
    for value in document.values where value.kind == .value { rename.address(value.range) }
    for region in document.regions where region.id == old {
      rename.word(SourceRange(region.range.lower, region.body.lower))
      rename.word(SourceRange(region.body.upper, region.range.upper))
    }
    // In code within prose, unless the word may mean an arm, too.
    if !planned.plan.cells.contains(where: { $0.id != old && armNames($0.work).contains(old) }) {
      for span in document.links(code: { isNamed(old, in: $0) }) where span.kind == .code { rename.code(span) }
    }
    return rename.edits.sorted { $0.range < $1.range }
  }
}

private func armNames(_ work: Work) -> [String] {
  switch work {
  case .load(let load): load.arms.map(\.name)
  case .bench(let bench): bench.subjects.map(\.name)
  case .sim(let sim): sim.arms.map(\.name)
  default: []
  }
}

/// `onoff`, `onoff.on.p99` and `nb run --only onoff day08.md` name the block `onoff`.
private func isNamed(_ block: String, in code: String) -> Bool {
  code == block || code.hasPrefix(block + ".") || code.hasPrefix("nb ") && code.split(whereSeparator: { $0 == " " || $0 == "," }).contains { $0 == block }
}

private struct Renaming {
  let old: String
  let new: String
  let source: SourceText
  let isSystem: Bool
  private(set) var edits: [Edit] = []

  init(old: String, new: String, source: SourceText, isSystem: Bool) {
    self.old = old
    self.new = new
    self.source = source
    self.isSystem = isSystem
  }

  /// The name in a range that holds it once, such as a scalar with its quotes.
  mutating func word(_ range: SourceRange) {
    if let place = places(in: range, followedBy: nil).first { edits.append(Edit(place, new)) }
  }

  /// The name at the start of an address: `{{ OLD.mean }}`, 'OLD.mean<=1ms'.
  mutating func address(_ range: SourceRange) {
    if let place = places(in: range, followedBy: 0x2E).first { edits.append(Edit(place, new)) }
  }

  /// Behind the command in a command line: `nb load load` is of a block `load`.
  mutating func code(_ span: DocumentLink) {
    let isCommand = span.address.hasPrefix("nb ")
    let found = places(in: span.range, followedBy: nil).filter { !isCommand || source.bytes[$0.lower - 1] == 0x20 && $0.lower > span.range.lower + 3 || source.bytes[$0.lower - 1] == 0x2C }
    edits += (isCommand ? found : Array(found.prefix(1))).map { Edit($0, new) }
  }

  mutating func references(in node: YAMLNode, of block: Block, key: String = "", depth: Int = 0) {
    switch node.content {
    case .scalar(let scalar):
      if key == "gate", scalar.text.hasPrefix(old + ".") { return address(node.range) }
      if key == "verified_by", scalar.text.hasPrefix(old + ".") { return address(node.range) }
      if key == "links", block.kind == .runbook, scalar.text == old { return word(node.range) }
      if scalar.text == old, isSystem ? depth == 1 && ["uses", "extends"].contains(key) || key == "of" && depth == 2 : depth == 1 && key == "from" {
        return word(node.range)
      }
      // `${OLD.delta.mean}`, as often as it stands there.
      for place in places(in: node.range, followedBy: 0x2E) where place.lower >= 2 && source.bytes[place.lower - 1] == 0x7B && source.bytes[place.lower - 2] == 0x24 {
        edits.append(Edit(place, new))
      }
    case .sequence(let items): for item in items { references(in: item, of: block, key: key, depth: depth) }
    case .mapping(let entries):
      for entry in entries {
        // Only an answer's `of` names a system; that of a block says what it is of.
        if entry.key == "answer", depth == 0 {
          references(in: entry.value, of: block, key: "answer", depth: 1)
        } else if entry.key == "of", key != "answer" {
          continue
        } else {
          references(in: entry.value, of: block, key: entry.key, depth: depth + 1)
        }
      }
    }
  }

  /// Where the name stands as a word of its own.
  private func places(in range: SourceRange, followedBy next: UInt8?) -> [SourceRange] {
    let wanted = Array(old.utf8)
    let bytes = source.bytes
    var found: [SourceRange] = []
    var i = range.lower
    while i + wanted.count <= range.upper {
      let end = i + wanted.count
      if bytes[i..<end].elementsEqual(wanted), i == range.lower || !isName(bytes[i - 1]), end == range.upper || !isName(bytes[end]),
        next == nil || end < range.upper && bytes[end] == next
      {
        found.append(SourceRange(i, end))
        i = end
      } else {
        i += 1
      }
    }
    return found
  }

  private func isName(_ byte: UInt8) -> Bool {
    byte >= 0x61 && byte <= 0x7A || byte >= 0x30 && byte <= 0x39 || byte == 0x2D || byte == 0x5F
  }
}

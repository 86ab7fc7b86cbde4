// The datasets of a system: tables, their sizes, their indexes; and the paths of `set` that change them.

import ExperimentModel
import StrictYAML
import TextModel

/// A lab's data is in memory.
let datasetRowsMax = 5_000_000
private let indexesMax = 16

extension SystemReader {
  func readData(_ node: YAMLNode, into draft: inout SystemDraft) {
    guard let entries = node.entries else {
      findings.error(
        PerfDiagnosticID.wrongType, "`data` is a mapping of datasets, not \(node.kindName)", remedy: "such as `products: {rows: 10000}`",
        at: node.range)
      return
    }
    for entry in entries {
      guard isTableName(entry.key) else {
        findings.error(
          PerfDiagnosticID.badName, "`\(entry.key)` is not a name for a dataset",
          remedy: "small letters, digits and `_`, a letter first: it is a table's name in SQL", at: entry.keyRange)
        continue
      }
      let fields = Fields(entry.value, .dataset, findings)
      guard let rows = fields.integer("rows") else { continue }
      guard rows <= datasetRowsMax else {
        findings.error(
          PerfDiagnosticID.outOfRange, "`rows` is at most \(datasetRowsMax), not \(rows)", remedy: "a lab's data is in memory",
          at: fields.place("rows"))
        continue
      }
      guard let popularity = readPopularity(fields, rows) else { continue }
      var dataset = DatasetSpec(name: entry.key, rows: rows, popularity: popularity)
      // The standard is left out: plans from before there were schemas keep their digests.
      dataset.schema = fields.text("schema").flatMap(DatasetSchema.init).flatMap { $0 == .products ? nil : $0 }
      if let node = fields.contents("index") { dataset.setIndexes(node, findings) }
      draft.data.removeAll { $0.name == entry.key }
      draft.data.append(dataset)
    }
  }

  private func readPopularity(_ fields: Fields, _ rows: Int) -> KeyDistribution? {
    guard let node = fields.contents("popularity") else { return .uniform(n: rows) }
    if node.text == "uniform" { return .uniform(n: rows) }
    if node.text == "sequential" { return .sequential(n: rows) }
    if let text = node["zipf"]?.text, node.entries?.count == 1, let s = WrittenQuantity(text), s.unit.isEmpty, (0...10).contains(s.number) {
      return .zipf(n: rows, s: s.number)
    }
    findings.error(
      PerfDiagnosticID.wrongType, "`popularity` is `uniform`, `sequential` or {zipf: S} with S from 0 to 10", remedy: "such as {zipf: 0.9}",
      at: node.range)
    return nil
  }
}

extension DatasetSpec {
  /// `[[user_id], [user_id, amount]]`; `[]` is none. What is wrong is reported, and the indexes stay as they were.
  mutating func setIndexes(_ node: YAMLNode, _ findings: Findings) {
    guard let lists = node.items, lists.allSatisfy({ $0.items?.isEmpty == false && $0.items?.allSatisfy { $0.text != nil } == true }) else {
      findings.error(
        PerfDiagnosticID.wrongType, "`index` of `\(name)` is a list of lists of columns, one for each index", remedy: "such as [[\(columns[1].name)]]", at: node.range)
      return
    }
    guard lists.count <= indexesMax else {
      findings.error(
        PerfDiagnosticID.outOfRange, "a dataset has at most \(indexesMax) indexes, not \(lists.count)", remedy: "leave some out", at: node.range)
      return
    }
    let names = columns.map(\.name)
    var read: [[String]] = []
    for list in lists {
      var index: [String] = []
      for item in list.items ?? [] {
        let column = item.text ?? ""
        guard names.contains(column) else {
          findings.error(
            PerfDiagnosticID.unknownColumn, "the schema `\(kind.rawValue)` has no column `\(column)`",
            remedy: suggestion(for: column, among: names, what: "its columns"), at: item.range)
          return
        }
        if !index.contains(column) { index.append(column) }
      }
      if !read.contains(index) { read.append(index) }
    }
    indexes = read.isEmpty ? nil : read
  }
}

extension SystemDraft {
  /// The parameters of a dataset that a path may set.
  private static let dataKeys = ["rows", "index"]

  var dataPaths: [String] { data.flatMap { dataset in Self.dataKeys.map { "\(dataset.name).\($0)" } } }

  /// `orders.index`: the dataset and the parameter. Roles and stages of that name come first.
  func dataPath(_ path: String) -> (dataset: Int, param: String)? {
    let words = path.split(separator: ".").map(String.init)
    guard words.count == 2, Self.dataKeys.contains(words[1]), let index = data.firstIndex(where: { $0.name == words[0] }) else { return nil }
    return (index, words[1])
  }

  /// Applies an override of a dataset's indexes; false: the path is of something else.
  mutating func applyIndexes(_ path: String, _ value: YAMLNode, _ findings: Findings) -> Bool {
    guard ownKey(at: path) == nil, let (index, param) = dataPath(path), param == "index" else { return false }
    var value = value
    // As it is typed in a shell: --set 'orders.index=[[user_id]]'.
    if let text = value.text, text.hasPrefix("[") {
      var diagnostics = Diagnostics()
      if let typed = YAMLNode(parsing: SourceText(path: "--set", text: text), diagnostics: &diagnostics) { value = typed }
    }
    data[index].setIndexes(value, findings)
    return true
  }
}

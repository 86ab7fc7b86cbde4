// A mapping of a known shape, read by the key table: every unknown or missing key and every value of
// the wrong type is reported here, at once; what is left for the callers is meaning.

import ExperimentModel
import StrictYAML
import TextModel

struct Fields {
  let node: YAMLNode
  let shape: Shape
  let findings: Findings
  private var entries: [String: YAMLEntry] = [:]
  private var values: [String: Value] = [:]
  /// Keys that were written, or misspelt so that we know which was meant, whether or not their value was refused.
  private var mentioned: Set<String> = []
  /// A required key is missing or a value was refused.
  private(set) var isBroken = false

  /// - Parameter ignoring: keys that the caller reads by itself, such as a system's roles.
  init(_ node: YAMLNode, _ shape: Shape, _ findings: Findings, ignoring: Set<String> = []) {
    self.node = node
    self.shape = shape
    self.findings = findings
    guard let written = node.entries else {
      findings.error(
        PerfDiagnosticID.wrongType, "\(shape.title) is a mapping, not \(node.kindName)",
        remedy: "write `key: value` lines or {key: value}: \(shape.keys.map(\.name).joined(separator: ", "))", at: node.range)
      isBroken = true
      return
    }
    let names = shape.keys.map(\.name)
    for entry in written where !ignoring.contains(entry.key) {
      mentioned.insert(entry.key)
      guard let key = shape.key(entry.key) else {
        if let meant = nearestName(to: entry.key, among: names) { mentioned.insert(meant) }
        reportUnknown(entry, names)
        continue
      }
      entries[entry.key] = entry
      switch convert(entry.value, key) {
      case .success(let value): if let value { values[entry.key] = value }
      case .failure(let problem):
        findings.error(problem.id, problem.cause, remedy: problem.remedy, at: entry.value.isNull ? entry.keyRange : entry.value.range)
        entries[entry.key] = nil
        isBroken = true
      }
    }
    for key in shape.keys where key.required && !mentioned.contains(key.name) {
      findings.error(
        PerfDiagnosticID.missingKey, "\(shape.title) needs `\(key.name)`", remedy: "add `\(key.name)`: \(key.meaning); \(key.type.words)",
        at: written.first?.keyRange ?? node.range)
      isBroken = true
    }
  }

  private func reportUnknown(_ entry: YAMLEntry, _ names: [String]) {
    if shape.later.contains(entry.key) {
      findings.error(
        PerfDiagnosticID.unsupportedKey, "this version of nb does not execute `\(entry.key)` of \(shape.title)",
        remedy: "leave it out: nothing would come of it", at: entry.keyRange)
    } else {
      findings.error(
        PerfDiagnosticID.unknownKey, "unknown key `\(entry.key)` of \(shape.title)",
        remedy: suggestion(for: entry.key, among: names, what: "keys here"), at: entry.keyRange)
    }
  }

  // MARK: Access. A key that was left out has the table's standard value.

  func has(_ key: String) -> Bool { entries[key] != nil }
  /// Written, but perhaps refused: its absence is not worth another error.
  func mentions(_ key: String) -> Bool { mentioned.contains(key) }
  func contents(_ key: String) -> YAMLNode? { entries[key]?.value }
  func place(_ key: String) -> SourceRange { entries[key]?.keyRange ?? node.entries?.first?.keyRange ?? node.range }

  func value(_ key: String) -> Value? {
    if let value = values[key] { return value }
    guard let row = shape.key(key) else { preconditionFailure("\(key) is not in the key table of \(shape)") }
    guard let standard = row.standard, case .success(let value) = parseValue(standard, row.type) else { return nil }
    return value
  }

  func text(_ key: String) -> String? { if case .text(let text)? = value(key) { text } else { nil } }
  func integer(_ key: String) -> Int? { if case .integer(let number)? = value(key) { number } else { nil } }
  func number(_ key: String) -> Double? { if case .number(let number)? = value(key) { number } else { nil } }
  func flag(_ key: String) -> Bool { value(key) == .flag(true) }
  func duration(_ key: String) -> Nanoseconds? { if case .duration(let time)? = value(key) { time } else { nil } }
  func rate(_ key: String) -> Double? { if case .rate(let rate)? = value(key) { rate } else { nil } }
  func items(_ key: String) -> [YAMLNode] { contents(key)?.items ?? [] }
  func fields(_ key: String) -> Fields? {
    guard let row = shape.key(key), case .shape(let inner) = row.type else { preconditionFailure("\(key) has no shape") }
    return contents(key).map { Fields($0, inner, findings) }
  }

  /// The whole numbers of a list, from 0; anything else in it is reported.
  func integers(_ key: String) -> [Int] {
    texts(key).compactMap { text, place in
      if let number = Int(text), number >= 0 { return number }
      findings.error(PerfDiagnosticID.wrongType, "`\(key)` is a list of whole numbers, not `\(text)`", remedy: "such as [500, 1000]", at: place)
      return nil
    }
  }

  /// The texts of a list; anything else in it is reported.
  func texts(_ key: String) -> [(text: String, place: SourceRange)] {
    items(key).compactMap { item in
      guard let text = item.text, !item.isNull else {
        findings.error(
          PerfDiagnosticID.wrongType, "`\(key)` is a list of texts, and this is \(item.kindName)", remedy: "quote it if it holds `: `",
          at: item.range)
        return nil
      }
      return (text, item.range)
    }
  }
}

/// Why a value was refused.
struct Problem: Error {
  var id: DiagnosticID
  var cause: String
  var remedy: String?
}

/// A value as its key's type says; nil for what callers read themselves.
func convert(_ node: YAMLNode, _ key: Key) -> Result<Value?, Problem> {
  func wrongType() -> Problem {
    Problem(
      id: PerfDiagnosticID.wrongType, cause: "`\(key.name)` is \(key.type.words), not \(node.kindName)",
      remedy: "see `\(key.name)` in the reference: \(key.meaning)")
  }
  if node.isNull { return .failure(wrongType()) }
  switch key.type {
  case .shape: return node.entries == nil ? .failure(wrongType()) : .success(nil)
  case .list: return node.items == nil ? .failure(wrongType()) : .success(nil)
  case .other: return .success(nil)
  case .texts:
    guard let items = node.items, !items.isEmpty, items.allSatisfy({ $0.text != nil && !$0.isNull }) else { return .failure(wrongType()) }
    return .success(.texts(items.compactMap(\.text)))
  default:
    guard let text = node.text else { return .failure(wrongType()) }
    return parseValue(text, key.type).mapError { problem in
      Problem(id: problem.id, cause: "`\(key.name)` is \(problem.cause)", remedy: problem.remedy)
    }.map { $0 }
  }
}

/// A scalar's text by type. The causes of problems go on after "`key` is ".
func parseValue(_ text: String, _ type: KeyType) -> Result<Value?, Problem> {
  func refused(_ id: DiagnosticID, _ cause: String, _ remedy: String?) -> Result<Value?, Problem> {
    .failure(Problem(id: id, cause: cause, remedy: remedy))
  }
  func wrong(_ remedy: String? = nil) -> Result<Value?, Problem> {
    refused(PerfDiagnosticID.wrongType, "\(type.words), not `\(text)`", remedy ?? "write \(type.words)")
  }
  switch type {
  case .text: return .success(.text(text))
  case .name:
    guard isBlockName(text) else {
      return refused(
        PerfDiagnosticID.badName, "a name: small letters, digits and hyphens, a letter first; not `\(text)`", "such as `hit-curve`")
    }
    return .success(.text(text))
  case .word(let words):
    guard words.contains(text) else {
      return refused(
        PerfDiagnosticID.unknownValue, "one of \(type.words), not `\(text)`", suggestion(for: text, among: words, what: "legal words"))
    }
    return .success(.text(text))
  case .integer(let least):
    guard let number = Int(text) else { return wrong() }
    guard number >= least, number <= 1_000_000_000 else {
      return refused(
        PerfDiagnosticID.outOfRange, "\(type.words), not \(number)", number < least ? "write at least \(least)" : "write at most 1000000000"
      )
    }
    return .success(.integer(number))
  case .number(let range):
    guard let written = WrittenQuantity(text), written.unit.isEmpty else { return wrong() }
    guard range.contains(written.number) else {
      return refused(PerfDiagnosticID.outOfRange, "\(type.words), not \(text)", "write \(type.words)")
    }
    return .success(.number(written.number))
  case .flag:
    guard text == "true" || text == "false" else { return wrong() }
    return .success(.flag(text == "true"))
  case .share:
    guard let limit = parseLimit(text, unit: .share), limit.value >= 0, limit.value <= 1 else { return wrong() }
    return .success(.number(limit.value))
  case .duration: return parseDimension(text, .nanoseconds, type)
  case .rate: return parseDimension(text, .perSecond, type)
  case .size: return parseDimension(text, .bytes, type)
  case .shape, .list, .texts, .other: return .success(nil)
  }
}

private func parseDimension(_ text: String, _ unit: MetricUnit, _ type: KeyType) -> Result<Value?, Problem> {
  let example = spelling(of: unit).example
  guard let written = WrittenQuantity(text) else {
    return .failure(Problem(id: PerfDiagnosticID.wrongType, cause: "\(type.words), not `\(text)`", remedy: "such as `\(example)`"))
  }
  if written.unit.isEmpty, written.number != 0 {
    let names = UnitSpelling.all.filter { $0.unit == unit && $0.name != "µs" }.map { "`\(text)\($0.name)`" }
    return .failure(
      Problem(
        id: PerfDiagnosticID.missingUnit, cause: "\(type.words); `\(text)` has no unit", remedy: "write " + names.joined(separator: ", ")))
  }
  guard let quantity = written.unit.isEmpty ? Quantity(0, unit) : parseQuantity(text), quantity.unit == unit else {
    let names = UnitSpelling.all.filter { $0.unit == unit }.map(\.name)
    return .failure(
      Problem(
        id: PerfDiagnosticID.wrongUnit, cause: "\(type.words); `\(written.unit)` is no unit of that",
        remedy: suggestion(for: written.unit, among: names, what: "units here")))
  }
  guard quantity.value >= 0, quantity.value < 1e17 else {
    return .failure(Problem(id: PerfDiagnosticID.outOfRange, cause: "\(type.words), not `\(text)`", remedy: "such as `\(example)`"))
  }
  switch unit {
  case .nanoseconds: return .success(.duration(Nanoseconds(Int64(quantity.value.rounded()))))
  case .perSecond: return .success(.rate(quantity.value))
  default: return .success(.size(Int(quantity.value)))
  }
}

/// `[a-z][a-z0-9-]*`, no hyphen last (it would end a comment mark in prose).
public func isBlockName(_ text: String) -> Bool {
  guard let first = text.utf8.first, first >= 0x61, first <= 0x7A, text.utf8.last != 0x2D, text.utf8.count <= 64 else { return false }
  return text.utf8.allSatisfy { $0 >= 0x61 && $0 <= 0x7A || $0 >= 0x30 && $0 <= 0x39 || $0 == 0x2D }
}

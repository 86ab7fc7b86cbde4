// What a user does beyond one request: journeys of several steps, values captured from answers, checks, rows of a file. Every
// `{{NAME}}` is traced to what fills it before anything is sent.

import ExperimentModel
import StrictYAML
import TextModel

extension TrafficReader {
  /// The scenario's journeys; nil after a mistake.
  func journeys(_ items: [YAMLNode]) -> [JourneySpec]? {
    let read = items.map { item -> JourneySpec? in
      let fields = Fields(item, .journey, findings)
      guard let name = fields.text("journey"), !fields.isBroken else { return nil }
      let written = fields.items("steps")
      guard !written.isEmpty else {
        findings.error(
          PerfDiagnosticID.outOfRange, "the journey `\(name)` has no steps", remedy: "such as [{get: /login}, {get: /cart}]", at: fields.place("steps"))
        return nil
      }
      let steps = written.map(request)
      guard !steps.contains(where: { $0 == nil }) else { return nil }
      return JourneySpec(name: name, weight: fields.number("weight") ?? 1, steps: steps.compactMap(\.self))
    }
    return read.contains { $0 == nil } ? nil : read.compactMap(\.self)
  }

  /// Checks, captures, pause, tags and the body's file of one request.
  func readReading(_ fields: Fields, into request: inout RequestSpec) {
    let checks = fields.texts("check")
    for (text, place) in checks where !isCheck(text) {
      findings.error(
        PerfDiagnosticID.badExpression, "`\(text)` is not a check", remedy: "such as 'status==200', 'body~in stock' or 'header:ETag==\"a\"'", at: place)
    }
    if !checks.isEmpty { request.checks = checks.map(\.0) }
    var captures: [CaptureSpec] = []
    for entry in fields.contents("capture")?.entries ?? [] {
      let parts = (entry.value.text ?? "").split(separator: ":", maxSplits: 1).map(String.init)
      guard isVariable(entry.key), parts.count == 2, let source = CaptureSpec.Source(rawValue: parts[0]), !parts[1].isEmpty else {
        findings.error(
          PerfDiagnosticID.badExpression, "`\(entry.key)` is not captured by `\(entry.value.text ?? "…")`",
          remedy: "such as id: 'json:$.items[0].id', tag: 'header:ETag' or n: 'regex:n=([0-9]+)'", at: entry.value.range)
        continue
      }
      captures.append(CaptureSpec(name: entry.key, source: source, expression: parts[1]))
    }
    if !captures.isEmpty { request.captures = captures }
    if let pause = fields.duration("thinkTime") { request.think = .constant(pause) }
    var tags: [String: String] = [:]
    for entry in fields.contents("tags")?.entries ?? [] { tags[entry.key] = entry.value.text ?? "" }
    if !tags.isEmpty { request.tags = tags }
    guard let file = fields.text("file") else { return }
    guard !fields.has("body") else {
      findings.error(PerfDiagnosticID.doesNotApply, "`file` and `body` are both the body", remedy: "leave one out", at: fields.place("file"))
      return
    }
    if let text = findings.courseFile(file, readFile, at: fields.contents("file")?.range ?? fields.place("file")) { request.bodyBytes = Array(text.utf8) }
  }

  /// The block's `data`: a CSV file with a heading line.
  func dataTable() -> DataTable? {
    guard let layer = layers.first(where: { $0.has("data") }), let fields = layer.fields("data"), let file = fields.text("csv") else { return nil }
    let place = fields.contents("csv")?.range ?? layer.place("data")
    guard let text = findings.courseFile(file, readFile, at: place) else { return nil }
    var lines = text.split(whereSeparator: \.isNewline).map { csvCells(String($0)) }
    guard let columns = lines.first, !lines.dropFirst().isEmpty, columns.allSatisfy(isVariable) else {
      findings.error(
        PerfDiagnosticID.badData, "`\(file)` has no heading line of names, or no rows", remedy: "such as id,name in the first line, one row a line", at: place)
      return nil
    }
    lines.removeFirst()
    if let odd = lines.firstIndex(where: { $0.count != columns.count }) {
      findings.error(
        PerfDiagnosticID.badData, "row \(odd + 1) of `\(file)` has \(lines[odd].count) cells, and the heading \(columns.count)", remedy: "give each row a cell for every column",
        at: place)
      return nil
    }
    return DataTable(columns: columns, rows: lines, order: fields.text("order").flatMap(DataTable.Order.init) ?? .sequential)
  }

  /// Every `{{NAME}}` of the scenario is a column, or was captured: by an earlier step of its journey, or by any request.
  func checkVariables(_ requests: [RequestSpec], _ journeys: [JourneySpec], _ columns: [String], at place: SourceRange) {
    func check(_ request: RequestSpec, _ known: Set<String>) {
      for text in [request.path, request.body ?? ""] + request.headers.values {
        for name in doubleBraced(text) where !known.contains(name) {
          findings.error(
            PerfDiagnosticID.keyMismatch, "nothing fills `{{\(name)}}` of `\(request.name)`",
            remedy: known.isEmpty
              ? "capture it in an earlier step, or name a column of `data`" : suggestion(for: name, among: known.sorted(), what: "what is captured before it"), at: place)
        }
      }
    }
    let loose = Set(columns + requests.flatMap { ($0.captures ?? []).map(\.name) })
    for request in requests { check(request, loose) }
    for journey in journeys {
      var known = loose
      for step in journey.steps {
        check(step, known)
        known.formUnion((step.captures ?? []).map(\.name))
      }
    }
  }

  // MARK: Parts

  private func isCheck(_ text: String) -> Bool {
    if text.hasPrefix("body~") { return text.utf8.count > 5 }
    if text.hasPrefix("header:") { return text.dropFirst(7).contains("==") }
    guard text.hasPrefix("status") else { return false }
    let rest = text.dropFirst(6)
    let sign = rest.prefix { "=!<>".contains($0) }
    return ["==", "!=", "<=", ">=", "<", ">"].contains(String(sign)) && Int(String(rest.dropFirst(sign.count)).trimmed) != nil
  }

  private func isVariable(_ name: String) -> Bool {
    guard let first = name.utf8.first, !(0x30...0x39).contains(first) else { return false }
    return name.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x5F }
  }

  /// The cells of a line; a quoted one may hold commas, and a doubled quote stands for one.
  private func csvCells(_ line: String) -> [String] {
    var cells: [String] = []
    var cell = ""
    var isQuoted = false
    var previous: Character?
    for character in line {
      if character == "\"" {
        if !isQuoted, previous == "\"" { cell.append("\"") }
        isQuoted.toggle()
      } else if character == ",", !isQuoted {
        cells.append(cell)
        cell = ""
      } else {
        cell.append(character)
      }
      previous = character
    }
    return cells + [cell]
  }
}

/// The names in `{{NAME}}`, in order.
func doubleBraced(_ text: String) -> [String] {
  var names: [String] = []
  var rest = text[...]
  while let open = rest.firstRange(of: "{{"), let close = rest[open.upperBound...].firstRange(of: "}}") {
    names.append(rest[open.upperBound..<close.lowerBound].trimmed)
    rest = rest[close.upperBound...]
  }
  return names
}

/// `text` with every `{{NAME}}` as `x`: what is left is a path whose shape can be checked.
func withoutVariables(_ text: String) -> String {
  var out = ""
  var rest = text[...]
  while let open = rest.firstRange(of: "{{"), let close = rest[open.upperBound...].firstRange(of: "}}") {
    out += rest[..<open.lowerBound] + "x"
    rest = rest[close.upperBound...]
  }
  return out + rest
}

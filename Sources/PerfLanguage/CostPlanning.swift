// `cost` blocks → CostCell. The table of formulas says which inputs there are and in which units; an input is a value with its
// unit, a bracket, another block's measured value, or a dated market fact. All mistakes of a block are reported at once.

import ExperimentModel
import StrictYAML
import TextModel

extension Planning {
  func planCost(_ block: Block, _ fields: Fields) -> CellDraft? {
    guard let name = fields.text("formula"), let formula = CostFormula.named(name), let node = fields.contents("inputs") else { return nil }
    var references: [PendingReference] = []
    let inputs = costInputs(node, formula.rows, of: "formula \(name)", at: fields.place("inputs"), &references)
    checkTogether(formula, inputs, fields)
    var cost = CostCell(formula: name, inputs: inputs, sources: sources(fields))
    if let node = fields.contents("roi") {
      if let needs = formula.roiNeeds {
        cost.roi = costInputs(node, formula.roiRows, of: "`roi` of \(name)", at: fields.place("roi"), &references)
        for input in needs where inputs[input] == nil {
          findings.error(
            PerfDiagnosticID.missingKey, "`roi` needs money per month, and \(name) has none without the input `\(input)`",
            remedy: "add `\(input)`: \(formula.rows.first { $0.name == input }?.meaning ?? "")", at: fields.place("roi"))
        }
      } else {
        findings.error(
          PerfDiagnosticID.doesNotApply, "\(name) is a return on an effort already", remedy: "leave `roi` out; its keys are inputs here",
          at: fields.place("roi"))
      }
    }
    let columns = Set(formula.columns(with: Set(inputs.keys)))
    let isReturn = cost.roi != nil || name == "F5"
    let face = BlockFace(
      id: block.id, kind: "cost", arms: [name], params: [[:]], isComparison: false, metrics: columns,
      wholeMetrics: isReturn ? Set(formula.returns) : [])
    var draft = finish(block, fields, .cost(cost), face, readPlots(fields, face) ?? [])
    draft.references = references
    return draft
  }

  /// The values of a mapping by the rows of a table, with the course's own numbers and the standards where nothing is written.
  private func costInputs(
    _ node: YAMLNode, _ rows: [CostInputRow], of what: String, at place: SourceRange, _ references: inout [PendingReference]
  ) -> [String: CostInput] {
    guard let entries = node.entries else {
      findings.error(
        PerfDiagnosticID.wrongType, "the inputs of \(what) are a mapping, not \(node.kindName)",
        remedy: "it has \(rows.map(\.name).joined(separator: ", "))", at: node.range)
      return [:]
    }
    var inputs: [String: CostInput] = [:]
    var written: Set<String> = []
    for entry in entries {
      guard let row = rows.first(where: { $0.name == entry.key }) else {
        if let near = nearestName(to: entry.key, among: rows.map(\.name)) { written.insert(near) }
        findings.error(
          PerfDiagnosticID.unknownKey, "\(what) has no input `\(entry.key)`",
          remedy: suggestion(for: entry.key, among: rows.map(\.name), what: "its inputs"),
          at: entry.keyRange)
        continue
      }
      written.insert(row.name)
      do throws(Problem) {
        let input = try input(entry.value, row)
        inputs[row.name] = input
        if case .reference(let address) = input {
          references.append(PendingReference(address: address, unit: row.unit, place: entry.value.range))
        }
      } catch {
        findings.error(error.id, error.cause, remedy: error.remedy, at: entry.value.isNull ? entry.keyRange : entry.value.range)
      }
    }
    for row in rows where !written.contains(row.name) {
      if let money = context.courseMoney[row.course], row.need != .optional {
        inputs[row.name] = courseInput(money, row, at: place)
      } else {
        complete(row, rows, written, what, place, &inputs)
      }
    }
    return inputs
  }

  /// The course's own numbers stand in, so that a learner overrides them in one place; nil after a report.
  private func courseInput(_ money: Quantity, _ row: CostInputRow, at place: SourceRange) -> CostInput? {
    do throws(Problem) {
      guard let own = fitting(money, row.unit) else {
        throw Problem(
          id: PerfDiagnosticID.wrongUnit,
          cause: "`\(row.name)` is \(spelling(of: row.unit).name), and course.yml says \(spelling(of: money.unit).name)",
          remedy: nil)
      }
      try checkRange(own.value, numberText(money.value), row)
      return .quantity(own)
    } catch {
      findings.error(error.id, error.cause, remedy: "correct `\(row.course)` in course.yml, or give `\(row.name)` here", at: place)
      return nil
    }
  }

  private func complete(
    _ row: CostInputRow, _ rows: [CostInputRow], _ written: Set<String>, _ what: String, _ place: SourceRange,
    _ inputs: inout [String: CostInput]
  ) {
    switch row.need {
    case .optional: break
    case .standard(let text):
      if let quantity = parseLimit(text, unit: row.unit) { inputs[row.name] = .quantity(quantity) }
    case .required: missing(row, "`\(row.name)`", what, place)
    case .oneOf(let group):
      let members = rows.filter { $0.need == .oneOf(group) }
      guard members.first == row, !members.contains(where: { written.contains($0.name) }) else { return }
      missing(row, members.map { "`\($0.name)`" }.joined(separator: " or "), what, place)
    }
  }

  private func missing(_ row: CostInputRow, _ names: String, _ what: String, _ place: SourceRange) {
    findings.error(
      PerfDiagnosticID.missingKey, "\(what) needs the input \(names)",
      remedy: "add `\(row.name)`: \(row.meaning); \(spelling(of: row.unit).name) such as \(spelling(of: row.unit).example)", at: place)
  }

  /// What one input asks of another.
  private func checkTogether(_ formula: CostFormula, _ inputs: [String: CostInput], _ fields: Fields) {
    let groups = Set(formula.rows.compactMap { row in if case .oneOf(let group) = row.need { group } else { nil } })
    for group in groups {
      let given = formula.rows.filter { $0.need == .oneOf(group) && inputs[$0.name] != nil }.map(\.name)
      guard given.count > 1 else { continue }
      findings.error(
        PerfDiagnosticID.doesNotApply, "\(given.map { "`\($0)`" }.joined(separator: " and ")) say the same", remedy: "give one of them",
        at: place(of: given[1], fields))
    }
    guard formula.name == "F3" else { return }
    let targets = ["wait_target", "p99_target"].filter { inputs[$0] != nil }
    if let target = targets.first, inputs["rate"] == nil {
      findings.error(
        PerfDiagnosticID.missingKey, "`\(target)` asks how many servers carry a load, and there is no `rate`",
        remedy: "add `rate`, such as 900rps",
        at: place(of: target, fields))
    }
    if targets.isEmpty, inputs["service_time"] != nil {
      findings.error(
        PerfDiagnosticID.doesNotApply, "`service_time` does nothing without a target", remedy: "add `wait_target` or `p99_target`",
        at: place(of: "service_time", fields))
    }
  }

  private func place(of input: String, _ fields: Fields) -> SourceRange {
    fields.contents("inputs")?.entries?.first { $0.key == input }?.keyRange ?? fields.place("inputs")
  }

  // MARK: One input

  private func input(_ node: YAMLNode, _ row: CostInputRow) throws(Problem) -> CostInput {
    if node.entries != nil { return try bracket(node, row) }
    guard let text = node.text, !node.isNull else {
      throw Problem(
        id: PerfDiagnosticID.wrongType, cause: "`\(row.name)` is \(spelling(of: row.unit).name), not \(node.kindName)", remedy: row.meaning)
    }
    if text.hasPrefix("${") {
      guard text.hasSuffix("}") else {
        throw Problem(id: PerfDiagnosticID.badAddress, cause: "`\(text)` has no closing brace", remedy: "such as ${onoff.delta.on.mean}")
      }
      let inner = String(text.dropFirst(2).dropLast()).trimmed
      if inner.hasPrefix("market.") { return try fact(String(inner.dropFirst(7)), row, node.range) }
      switch parseAddress(inner) {
      case .success(let address): return .reference(address)
      case .failure(let error): throw Problem(id: PerfDiagnosticID.badAddress, cause: error.cause, remedy: error.remedy)
      }
    }
    return .quantity(try amount(text, row))
  }

  /// A value in the row's unit and within its range.
  private func amount(_ text: String, _ row: CostInputRow) throws(Problem) -> Quantity {
    if row.unit.isMoney, let currency = otherCurrency(text) {
      throw Problem(
        id: PerfDiagnosticID.wrongUnit, cause: "`\(row.name)` is counted in USD, and `\(text)` is in \(currency)",
        remedy: "convert it, such as \(spelling(of: row.unit).example), and keep the exchange rate with its date in market/facts.yml")
    }
    let found = try limit(text, row.unit, row.name)
    try checkRange(found.value, text, row)
    return found
  }

  private func checkRange(_ value: Double, _ text: String, _ row: CostInputRow) throws(Problem) {
    guard !row.range.contains(value) else { return }
    let (low, high) = (row.range.lowerBound, row.range.upperBound)
    var bounds = low == Double.leastNonzeroMagnitude ? "above 0" : "at least \(numberText(low))"
    // An objective of 1 leaves no budget: its bound lies a hair below.
    if high < 1e300 { bounds += high < 1 && high > 0.999_999 ? " and below 1" : " and at most \(numberText(high))" }
    throw Problem(id: PerfDiagnosticID.outOfRange, cause: "`\(row.name)` is \(bounds), not `\(text)`", remedy: row.meaning)
  }

  private func bracket(_ node: YAMLNode, _ row: CostInputRow) throws(Problem) -> CostInput {
    guard row.isBracket else {
      let others = CostFormula.all.compactMap(\.bracket?.name)
      throw Problem(
        id: PerfDiagnosticID.doesNotApply, cause: "only \(Set(others).sorted().map { "`\($0)`" }.joined(separator: ", ")) are brackets",
        remedy: "give `\(row.name)` one value")
    }
    var ends: [Double] = []
    let fields = Fields(node, .bracket, findings)
    for name in CostFormula.bracketEnds {
      guard let text = fields.contents(name)?.text else {
        throw Problem(
          id: PerfDiagnosticID.wrongType, cause: "the bracket of `\(row.name)` is {low, base, high}",
          remedy: "such as {low: 0, base: 0.003, high: 0.01}")
      }
      ends.append(try amount(text, row).value)
    }
    guard ends[0] <= ends[1], ends[1] <= ends[2] else {
      throw Problem(id: PerfDiagnosticID.outOfRange, cause: "the bracket of `\(row.name)` is not in order", remedy: "low ≤ base ≤ high")
    }
    return .bracket(low: ends[0], base: ends[1], high: ends[2])
  }

  private func fact(_ id: String, _ row: CostInputRow, _ place: SourceRange) throws(Problem) -> CostInput {
    guard let fact = context.facts[id] else { throw unknownFact(id) }
    guard let number = fact.number else {
      throw Problem(
        id: PerfDiagnosticID.wrongType, cause: "the market fact `\(id)` has no number: \(fact.value)",
        remedy: "use one with a number, or write the value")
    }
    // A share may be written plain in facts.yml, as in a block; `68 EUR` is no plain number.
    let isPlain = fact.unit == .plain && [.share, .count, .ratio].contains(row.unit) && otherCurrency(fact.value) == nil
    guard let found = fact.unit == .plain ? (isPlain ? Quantity(number, row.unit) : nil) : fitting(Quantity(number, fact.unit), row.unit)
    else {
      throw Problem(
        id: PerfDiagnosticID.wrongUnit,
        cause: "`\(row.name)` is \(spelling(of: row.unit).name), and the market fact `\(id)` is \(fact.value)",
        remedy: "such as \(spelling(of: row.unit).example)")
    }
    try checkRange(found.value, fact.value, row)
    warnStale(fact, place)
    return .fact(id: id, value: found.value, unit: row.unit, asOf: fact.asOf, stale: fact.stale, source: fact.source)
  }

  private func warnStale(_ fact: MarketFact, _ place: SourceRange) {
    guard fact.stale else { return }
    findings.warning(
      PerfDiagnosticID.staleFact, "the market fact `\(fact.id)` of \(fact.asOf) is older than its \(fact.ttlDays) days",
      remedy: "check it at \(fact.source) and write the new value and date into facts.yml", at: place)
  }

  private func sources(_ fields: Fields) -> [String] {
    fields.texts("sources").map { text, place in
      let id = text.hasPrefix("market.") ? String(text.dropFirst(7)) : text
      if let fact = context.facts[id] {
        warnStale(fact, place)
      } else {
        let problem = unknownFact(id)
        findings.error(problem.id, problem.cause, remedy: problem.remedy, at: place)
      }
      return id
    }
  }

  private func unknownFact(_ id: String) -> Problem {
    Problem(
      id: PerfDiagnosticID.unknownFact, cause: "there is no market fact `\(id)`",
      remedy: context.facts.isEmpty
        ? "add it to market/facts.yml in the course folder"
        : suggestion(for: id, among: context.facts.keys.sorted(), what: "facts in facts.yml"))
  }
}

/// The currency in `68 EUR` or `€68`, where it is another than ours; nil: none that we know.
private func otherCurrency(_ text: String) -> String? {
  let codes = ["AUD", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "EUR", "GBP", "INR", "JPY", "KRW", "NOK", "PLN", "SEK"]
  let symbols = ["€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR"]
  if let symbol = symbols.first(where: { text.contains($0.key) }) { return symbol.value }
  return codes.first { text.split(whereSeparator: { !$0.isLetter }).contains(Substring($0)) }
}

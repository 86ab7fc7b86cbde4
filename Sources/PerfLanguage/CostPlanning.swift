// `cost` blocks → CostCell. Each formula lists its inputs with their units; an input is a value with
// its unit, a bracket, another block's measured value, or a dated market fact.

import ExperimentModel
import StrictYAML
import TextModel

/// An input of a money formula.
struct CostInputRow {
  var name: String
  var unit: MetricUnit
  var required: Bool
  var meaning: String
}

/// The named formulas: F1 revenue lost by delay, F3 infrastructure per million requests, F4 customers lost by bad sessions,
/// F8 an incident.
let costFormulas: [String: [CostInputRow]] = [
  "F1": [
    CostInputRow(name: "sessions_per_day", unit: .count, required: true, meaning: "visits a day"),
    CostInputRow(name: "conversion", unit: .share, required: true, meaning: "share of visits that buy"),
    CostInputRow(name: "order_value", unit: .usd, required: true, meaning: "of one order"),
    CostInputRow(name: "delay", unit: .nanoseconds, required: true, meaning: "the delay that is valued, such as `${onoff.delta.on.mean}`"),
    CostInputRow(
      name: "sensitivity_per_100ms", unit: .share, required: true, meaning: "share of revenue lost per 100 ms, as {low, base, high}"),
  ],
  "F3": [
    CostInputRow(name: "cpu_per_req", unit: .nanoseconds, required: true, meaning: "CPU time of one request"),
    CostInputRow(name: "usd_per_vcpu_hour", unit: .usd, required: true, meaning: "price of a vCPU for an hour"),
    CostInputRow(name: "target_utilisation", unit: .share, required: true, meaning: "how busy an instance may be"),
    CostInputRow(name: "rate", unit: .perSecond, required: false, meaning: "load to carry; gives the number of instances"),
    CostInputRow(name: "vcpu_per_instance", unit: .count, required: false, meaning: "vCPUs of an instance, 2 without it"),
  ],
  "F4": [
    CostInputRow(name: "sessions_per_day", unit: .count, required: true, meaning: "visits a day"),
    CostInputRow(name: "bad_requests", unit: .share, required: true, meaning: "share of bad requests, such as `${base.http_req_failed}`"),
    CostInputRow(name: "requests_per_session", unit: .count, required: true, meaning: "requests of one visit"),
    CostInputRow(
      name: "churn_per_bad_session", unit: .share, required: true, meaning: "share of customers who leave for good, as {low, base, high}"),
    CostInputRow(name: "lifetime_value", unit: .usd, required: true, meaning: "of a customer"),
  ],
  "F8": [
    CostInputRow(name: "sessions_per_day", unit: .count, required: true, meaning: "visits a day"),
    CostInputRow(name: "conversion", unit: .share, required: true, meaning: "share of visits that buy"),
    CostInputRow(name: "order_value", unit: .usd, required: true, meaning: "of one order"),
    CostInputRow(name: "detect", unit: .nanoseconds, required: true, meaning: "time until somebody knows"),
    CostInputRow(name: "mitigate", unit: .nanoseconds, required: true, meaning: "time until customers are served again"),
    CostInputRow(name: "recover", unit: .nanoseconds, required: true, meaning: "time until everything is as before, at half the loss"),
    CostInputRow(name: "orders_lost", unit: .share, required: true, meaning: "share of orders lost meanwhile, as {low, base, high}"),
    CostInputRow(name: "oncall_hour", unit: .usd, required: true, meaning: "of the people who are called"),
  ],
]

extension Planning {
  func planCost(_ block: Block, _ fields: Fields) -> CellDraft? {
    guard let formula = fields.text("formula"), let rows = costFormulas[formula], let node = fields.contents("inputs") else { return nil }
    guard let entries = node.entries else {
      findings.error(
        PerfDiagnosticID.wrongType, "`inputs` is a mapping, not \(node.kindName)",
        remedy: "\(formula) has \(rows.map(\.name).joined(separator: ", "))", at: node.range)
      return nil
    }
    var inputs: [String: CostInput] = [:]
    var references: [PendingReference] = []
    for entry in entries {
      guard let row = rows.first(where: { $0.name == entry.key }) else {
        findings.error(
          PerfDiagnosticID.unknownKey, "formula \(formula) has no input `\(entry.key)`",
          remedy: suggestion(for: entry.key, among: rows.map(\.name), what: "its inputs"),
          at: entry.keyRange)
        continue
      }
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
    for row in rows where !entries.contains(where: { $0.key == row.name }) {
      // The course's own numbers stand in, so that a learner overrides them in one place.
      if let money = context.courseMoney[row.name] {
        inputs[row.name] = .quantity(money)
      } else if row.required {
        findings.error(
          PerfDiagnosticID.missingKey, "formula \(formula) needs the input `\(row.name)`",
          remedy: "add `\(row.name)`: \(row.meaning); \(spelling(of: row.unit).name) such as \(spelling(of: row.unit).example)",
          at: fields.place("inputs"))
      }
    }
    var metrics = MetricSets.cost(formula)
    if formula == "F3", inputs["rate"] == nil { metrics.remove("instances") }
    let face = BlockFace(id: block.id, kind: "cost", arms: [formula], params: [[:]], isComparison: false, metrics: metrics)
    let work = Work.cost(CostCell(formula: formula, inputs: inputs, sources: sources(fields)))
    var draft = finish(block, fields, work, face, readPlots(fields, face) ?? [])
    draft.references = references
    return draft
  }

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
    return .quantity(try limit(text, row.unit, row.name))
  }

  private func bracket(_ node: YAMLNode, _ row: CostInputRow) throws(Problem) -> CostInput {
    var ends: [Double] = []
    let fields = Fields(node, .bracket, findings)
    for name in ["low", "base", "high"] {
      guard let number = fields.number(name) else {
        throw Problem(
          id: PerfDiagnosticID.wrongType, cause: "the bracket of `\(row.name)` is {low, base, high}",
          remedy: "such as {low: 0, base: 0.003, high: 0.01}")
      }
      ends.append(number)
    }
    guard ["sensitivity_per_100ms", "churn_per_bad_session", "orders_lost"].contains(row.name) else {
      throw Problem(
        id: PerfDiagnosticID.doesNotApply, cause: "only `sensitivity_per_100ms`, `churn_per_bad_session` and `orders_lost` are brackets", remedy: "give `\(row.name)` one value")
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
    // A share may be written plain in facts.yml, as in a block.
    guard fact.unit == row.unit || fact.unit == .plain && [.share, .count, .ratio].contains(row.unit) else {
      throw Problem(
        id: PerfDiagnosticID.wrongUnit,
        cause: "`\(row.name)` is \(spelling(of: row.unit).name), and the market fact `\(id)` is \(fact.value)",
        remedy: "such as \(spelling(of: row.unit).example)")
    }
    if fact.stale {
      findings.warning(
        PerfDiagnosticID.staleFact, "the market fact `\(id)` of \(fact.asOf) is older than its \(fact.ttlDays) days",
        remedy: "check it at \(fact.source) and write the new value and date into facts.yml", at: place)
    }
    return .fact(id: id, value: number, unit: row.unit, asOf: fact.asOf, stale: fact.stale)
  }

  private func sources(_ fields: Fields) -> [String] {
    fields.texts("sources").map { text, place in
      let id = text.hasPrefix("market.") ? String(text.dropFirst(7)) : text
      if context.facts[id] == nil {
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

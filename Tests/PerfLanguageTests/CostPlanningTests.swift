import DocumentModel
import ExperimentModel
import Testing
import TextModel

@testable import PerfLanguage

/// What `cost` blocks are refused for, all at once and each at its place.
@Suite struct CostPlanningTests {
  private static let sales = "sessions_per_day: 120000, conversion: 0.024, order_value: 68 USD"

  private func plan(_ formula: String, _ inputs: String, _ more: String = "", _ context: PlanContext = Golden.context) -> (cost: CostCell?, found: [Diagnostic], text: SourceText)
  {
    let text = SourceText(path: "input.md", text: "```perf\nkind: cost\nid: money\nformula: \(formula)\ninputs: {\(inputs)}\n\(more)\n```\n")
    let (planned, found) = PerfLanguageTests.plan(text, context)
    guard case .cost(let cost)? = planned.plan.cells.first?.work else { return (nil, found, text) }
    return (cost, found, text)
  }

  @Test("a wrong unit, another currency, a value beyond its range: cause and place", arguments: [
    ("order_value: 68 EUR", "is in EUR", "68 EUR"), ("order_value: €68", "is in EUR", "€68"), ("order_value: 20ms", "is about money", "20ms"),
    ("order_value: 68", "has no unit", "68"), ("order_value: -68 USD", "at least 0", "-68 USD"), ("order_value: 68 USD/d", "is about money", "68 USD/d"),
    ("conversion: 1.5", "at most 1", "1.5"), ("conversion: 3 USD", "is about a share", "3 USD"), ("delay: 100", "has no unit", "100"),
    ("delay: 3 USD", "is about a time", "3 USD"), ("sessions_per_day: 5rps", "is about a plain number", "5rps"),
    ("sessions_per_day: {low: 1, base: 2, high: 3}", "are brackets", "{low: 1, base: 2, high: 3}"),
    ("sensitivity_per_100ms: {low: 0.1, base: 0.003, high: 0.01}", "not in order", "{low: 0.1, base: 0.003, high: 0.01}"),
    ("sensitivity_per_100ms: {low: 0, base: 0.003}", "{low, base, high}", "{low: 0, base: 0.003}"),
  ])
  func refused(_ input: String, _ cause: String, _ place: String) {
    let given = ["sessions_per_day: 120000", "conversion: 0.024", "order_value: 68 USD", "delay: 100ms", "sensitivity_per_100ms: 0.003"]
    let name = input.prefix { $0 != ":" } + ":"
    let (_, found, text) = plan("F1", given.map { $0.hasPrefix(name) ? input : $0 }.joined(separator: ", "))
    let said = found.filter { $0.cause.contains(cause) }
    #expect(said.count == 1, "\(found.map(\.cause))")
    #expect(said.first?.range.map { text.text($0) } == place)
  }

  @Test("wages by the hour are not wages by the day; a gain may be either")
  func perTime() {
    let incident = "\(Self.sales), detect: 1min, mitigate: 1min, recover: 1min, orders_lost: 1"
    #expect(plan("F8", incident + ", oncall_hour: 140 USD/d").found.map(\.id.rawValue) == ["wrong-unit"])
    #expect(plan("F8", incident + ", oncall_hour: 140 USD").cost?.inputs["oncall_hour"] == .quantity(Quantity(140, .usdPerHour)))
    let effort = "effort_hours: 12, rate: 95 USD/h"
    #expect(plan("F5", "gain: 10 USD/d, \(effort)").cost?.inputs["gain"] == .quantity(Quantity(300, .usdPerMonth)))
    #expect(plan("F5", "gain: 1 USD/h, \(effort)").cost?.inputs["gain"] == .quantity(Quantity(720, .usdPerMonth)))
    #expect(plan("F5", "gain: 10 USD/GB, \(effort)").found.count == 1)
    let standard = plan("F5", "gain: 10 USD/d, \(effort)").cost?.inputs
    #expect(standard?["horizon"] == .quantity(Quantity(365 * 86_400e9, .nanoseconds)) && standard?["run_cost_per_month"] == .quantity(Quantity(0, .usdPerMonth)))
  }

  @Test("missing and misspelt inputs, all at once")
  func together() {
    let found = plan("F8", "sesions_per_day: 1, conversion: 2 USD, detct: 1min, colour: red").found
    #expect(found.map { $0.cause.contains("no input `sesions_per_day`") }.contains(true) && found.contains { $0.remedy == "did you mean `sessions_per_day`?" })
    #expect(found.contains { $0.remedy == "did you mean `detect`?" } && found.contains { $0.remedy?.contains("its inputs") == true })
    let missing = found.filter { $0.id == PerfDiagnosticID.missingKey }.map(\.cause)
    // What was misspelt or refused is not missing as well.
    #expect(missing.count == 5 && missing.allSatisfy { !$0.contains("sessions_per_day") && !$0.contains("conversion") && !$0.contains("detect") }, "\(missing)")
  }

  @Test("inputs that ask something of each other", arguments: [
    ("F2", "\(sales), affected: 1, objective: 0.99", "", "needs the input `bad_minutes` or `bad_share`"),
    ("F2", "\(sales), affected: 1, objective: 0.99, bad_minutes: 1min, bad_share: 0.1", "", "say the same"),
    ("F2", "\(sales), affected: 1, objective: 1, bad_minutes: 1min", "", "below 1"),
    ("F3", "cpu_per_req: 1ms, usd_per_vcpu_hour: 1 USD/h, target_utilisation: 1, wait_target: 0.1", "", "there is no `rate`"),
    ("F3", "cpu_per_req: 1ms, usd_per_vcpu_hour: 1 USD/h, target_utilisation: 1, rate: 1rps, service_time: 1ms", "", "does nothing without a target"),
    ("F3", "cpu_per_req: 1ms, usd_per_vcpu_hour: 1 USD/h, target_utilisation: 0", "", "above 0"),
    ("F3", "cpu_per_req: 1ms, usd_per_vcpu_hour: 1 USD/h, target_utilisation: 1", "roi: {effort_hours: 1, rate: 1 USD/h}", "none without the input `rate`"),
    ("F5", "gain: 1 USD/d, effort_hours: 1, rate: 1 USD/h", "roi: {effort_hours: 1, rate: 1 USD/h}", "already"),
    ("F6", "spans_per_second: 1/s, bytes_per_span: 1B, usd_per_gb: 1 USD/GB", "roi: {effort_hours: 1, rate: 1 USD/h, margin: 0.3}", "no input `margin`"),
    ("F6", "spans_per_second: 1/s, bytes_per_span: 1B, usd_per_gb: 1 USD/GB", "roi: {rate: 1 USD/h}", "needs the input `effort_hours`"),
    ("F7", "usd_per_hour: 1 USD/h, tokens_per_second: 0/s", "", "above 0"),
    ("F9", "gain: 1 USD/d", "", "one of"),
  ])
  func betweenInputs(_ formula: String, _ inputs: String, _ more: String, _ cause: String) {
    let found = plan(formula, inputs, more).found
    #expect(found.count == 1 && found[0].cause.contains(cause), "\(found.map(\.cause))")
  }

  @Test("facts: their unit, their currency, their age")
  func facts() {
    var context = Golden.context
    func add(_ id: String, _ value: String, _ number: Double, _ unit: MetricUnit) {
      context.facts[id] = MarketFact(
        id: id, statement: id, value: value, number: number, unit: unit, asOf: "2026-01-01", source: "s", sourceKind: "primary", strength: nil, ttlDays: 9,
        stale: id == "stale-series", usedBy: [])
    }
    add("euro", "0.05 EUR/h", 0.05, .plain)
    add("hourly", "0.05 USD/h", 0.05, .usdPerHour)
    add("stale-series", "12 USD/month", 12, .usdPerMonth)
    let rest = "cpu_per_req: 1ms, target_utilisation: 1"
    #expect(plan("F3", "\(rest), usd_per_vcpu_hour: \"${market.euro}\"", "", context).found.map(\.id.rawValue) == ["wrong-unit"])
    #expect(plan("F3", "cpu_per_req: 1ms, target_utilisation: \"${market.euro}\", usd_per_vcpu_hour: 1 USD/h", "", context).found.map(\.id.rawValue) == ["wrong-unit"])
    let fact = CostInput.fact(id: "hourly", value: 0.05, unit: .usdPerHour, asOf: "2026-01-01", stale: false, source: "s")
    #expect(plan("F3", "\(rest), usd_per_vcpu_hour: \"${market.hourly}\"", "", context).cost?.inputs["usd_per_vcpu_hour"] == fact)
    // A price by the hour where one by the month is due: 720 of them.
    let series = plan("F6", "spans_per_second: 1/s, bytes_per_span: 1B, usd_per_gb: 1 USD/GB, usd_per_series: \"${market.hourly}\"", "sources: [market.stale-series]", context)
    guard case .fact(_, let value, let unit, _, _, _)? = series.cost?.inputs["usd_per_series"] else {
      Issue.record("\(series.found)")
      return
    }
    #expect(value == 36 && unit == .usdPerMonth && series.found.map(\.id.rawValue) == ["stale-fact"])
  }

  @Test("another price is another question, another source is not")
  func question() {
    func inputs(_ change: (inout MarketFact) -> Void) -> [String] {
      var context = Golden.context
      change(&context.facts["vcpu-hour"]!)
      let text = "```perf\nkind: cost\nid: money\nformula: F3\ninputs: {cpu_per_req: 1ms, usd_per_vcpu_hour: \"${market.vcpu-hour}\", target_utilisation: 1}\n```\n"
      return PerfLanguageTests.plan(text, context).planned.plan.cells.map(\.inputs)
    }
    let asked = inputs { _ in }
    #expect(inputs { $0.source = "elsewhere" } == asked && inputs { $0.stale = true } == asked)
    #expect(inputs { $0.number = 0.05 } != asked && inputs { $0.asOf = "2026-07-01" } != asked)
  }

  @Test("course.yml's money stands in, under its own names and in its own units")
  func course() {
    let yaml = "title: T\nmoney:\n  company: Lantern\n  order_value: 68 USD\n  engineer_hour: 95 USD/h\n  oncall_hour: 140 USD/h\n  conversion: 0.024\n  sessions_per_day: 2min\n"
    let money = courseMoney(SourceText(path: "course.yml", text: yaml))
    #expect(money["order_value"] == Quantity(68, .usd) && money["company"] == nil && money["engineer_hour"] == Quantity(95, .usdPerHour))
    let context = PlanContext(courseMoney: money)
    #expect(plan("F5", "gain: 1 USD/d, effort_hours: 1", "", context).cost?.inputs["rate"] == .quantity(Quantity(95, .usdPerHour)))
    // A number in the wrong unit is told, not used.
    let wrong = plan("F1", "delay: 1ms, sensitivity_per_100ms: 0", "", context).found
    #expect(wrong.count == 1 && wrong[0].cause.contains("course.yml says a time"))
  }

  @Test("what stands in for inputs that were left out is said by `nb explain`")
  func explained() {
    let text = "```perf\nkind: cost\nid: money\nformula: F1\ninputs: {delay: 1ms, sensitivity_per_100ms: 0, conversion: 0.1, sessions_per_day: 2}\nroi: {effort_hours: 1, rate: 2 USD/h}\n```\n"
    let context = PlanContext(courseMoney: ["order_value": Quantity(68, .usd)])
    let said = explain(Document(parsing: SourceText(path: "input.md", text: text)), id: "money", context: context) ?? ""
    #expect(said.contains("# from the course: order_value = 68 USD\n") && said.contains("# default: roi: horizon = 365d\n") && said.contains("# default: roi: margin = 1\n"))
  }
}

// Money: the named formulas of the course over measured values and dated facts. Brackets stay
// brackets, intervals are carried through by evaluating at both ends.

import ExperimentModel

extension Runner {
  func runCost(_ cell: Cell, _ cost: CostCell, _ known: [String: CellResult], into result: inout CellResult) throws {
    let inputs = CostInputs(cost: cost, known: known)
    var metrics: [String: MetricValue] = [:]
    switch cost.formula {
    case "F1": metrics = try revenue(inputs)
    case "F3": metrics = try infrastructure(inputs)
    case "F4": metrics = try churn(inputs)
    case "F8": metrics = try incident(inputs)
    default: throw CellFailure("unknown cost formula \(cost.formula)", remedy: "F1, F3, F4 and F8 are there")
    }
    result.arms = [ArmResult(name: cost.formula, metrics: metrics)]
    result.rowLabel = "formula"
    result.columns = Self.costColumns.filter { metrics[$0] != nil }
    for (name, input) in cost.inputs.sorted(by: { $0.key < $1.key }) {
      if case .fact(let id, _, _, let asOf, let stale) = input {
        result.doubts.append(
          Doubt(id: stale ? "stale-fact" : "fact", text: "\(name) is the market fact \(id) of \(asOf)\(stale ? ", which is STALE" : "")"))
      }
    }
  }

  private static let costColumns = ["bad_sessions", "incident_low", "incident_base", "incident_high", "low", "base", "high", "per_million", "instances", "payback_days"]

  /// F1: sessions × conversion × order value × sensitivity × (Δt / 100 ms), revenue per day, at the low,
  /// middle and high sensitivity. The interval is that of the measured delay.
  private func revenue(_ inputs: CostInputs) throws -> [String: MetricValue] {
    let day = try inputs.number("sessions_per_day") * inputs.number("conversion") * inputs.number("order_value")
    let delay = try inputs.estimate("delay")
    let bracket = try inputs.bracket("sensitivity_per_100ms")
    func money(_ sensitivity: Double) -> MetricValue {
      let factor = day * sensitivity / 1e8
      return MetricValue(
        Estimate(delay.value * factor, low: delay.low.map { $0 * factor }, high: delay.high.map { $0 * factor }), .usdPerDay)
    }
    return ["low": money(bracket.low), "base": money(bracket.base), "high": money(bracket.high)]
  }

  /// F4: sessions × P(bad session) × churn × lifetime value, a day, with P(bad session) = 1 − (1 − p)ᵏ for k requests of which
  /// each is bad with probability p. The interval is that of the measured p.
  private func churn(_ inputs: CostInputs) throws -> [String: MetricValue] {
    let requests = try inputs.number("requests_per_session")
    let bad = try inputs.estimate("bad_requests")
    let day = try inputs.number("sessions_per_day") * inputs.number("lifetime_value")
    let bracket = try inputs.bracket("churn_per_bad_session")
    func sessions(_ p: Double) -> Double { 1 - power(1 - min(max(p, 0), 1), requests) }
    let share = Estimate(sessions(bad.value), low: bad.low.map(sessions), high: bad.high.map(sessions))
    func money(_ churn: Double) -> MetricValue {
      let factor = day * churn
      return MetricValue(
        Estimate(share.value * factor, low: share.low.map { $0 * factor }, high: share.high.map { $0 * factor }), .usdPerDay)
    }
    return [
      "bad_sessions": MetricValue(share, .share), "low": money(bracket.low), "base": money(bracket.base), "high": money(bracket.high),
    ]
  }

  /// F8: (detect + mitigate + recover / 2) × revenue × share of orders lost + the same hours on call. While it recovers
  /// half is served.
  private func incident(_ inputs: CostInputs) throws -> [String: MetricValue] {
    let day = try inputs.number("sessions_per_day") * inputs.number("conversion") * inputs.number("order_value")
    let (detect, mitigate, recover) = (try inputs.number("detect"), try inputs.number("mitigate"), try inputs.number("recover"))
    let bracket = try inputs.bracket("orders_lost")
    let called = (detect + mitigate + recover) / 3_600e9 * (try inputs.number("oncall_hour"))
    func money(_ lost: Double) -> MetricValue {
      MetricValue(Estimate((detect + mitigate + recover / 2) / 86_400e9 * day * lost + called), .usd)
    }
    return ["incident_low": money(bracket.low), "incident_base": money(bracket.base), "incident_high": money(bracket.high)]
  }

  /// F3: price of a vCPU hour / 3600 × CPU seconds per request × 10⁶ / target utilisation; and with a rate
  /// the instances of `vcpu_per_instance` that carry it at that utilisation.
  private func infrastructure(_ inputs: CostInputs) throws -> [String: MetricValue] {
    let cpu = try inputs.estimate("cpu_per_req")
    let price = try inputs.number("usd_per_vcpu_hour")
    let utilisation = try inputs.number("target_utilisation")
    guard utilisation > 0, utilisation <= 1 else {
      throw CellFailure("target_utilisation must lie above 0 % and at most at 100 %")
    }
    let factor = price / 3600 * 1e6 / utilisation / 1e9
    var metrics = [
      "per_million": MetricValue(
        Estimate(cpu.value * factor, low: cpu.low.map { $0 * factor }, high: cpu.high.map { $0 * factor }), .usdPerMillion)
    ]
    if inputs.has("rate") {
      let rate = try inputs.number("rate")
      let vcpus = inputs.has("vcpu_per_instance") ? try inputs.number("vcpu_per_instance") : 2
      let need = (rate * cpu.value / 1e9 / utilisation / vcpus).rounded(.up)
      metrics["instances"] = MetricValue(Estimate(max(1, need)), .count)
    }
    return metrics
  }
}

private struct CostInputs {
  let cost: CostCell
  let known: [String: CellResult]

  func has(_ name: String) -> Bool { cost.inputs[name] != nil }

  func estimate(_ name: String) throws -> Estimate {
    switch cost.inputs[name] {
    case .quantity(let quantity): return Estimate(quantity.value)
    case .fact(_, let value, _, _, _): return Estimate(value)
    case .bracket(_, let base, _): return Estimate(base)
    case .reference(let address):
      guard let block = address.block, let value = known[block]?.value(at: address) else {
        throw CellFailure(
          "\(name) reads \(addressText(address)), which is not measured yet",
          remedy: "run that block first: `nb run --only \(address.block ?? "BLOCK")`")
      }
      return value.estimate
    case nil:
      throw CellFailure("formula \(cost.formula) needs `\(name)`", remedy: "give it under `inputs:`")
    }
  }

  func number(_ name: String) throws -> Double { try estimate(name).value }

  func bracket(_ name: String) throws -> (low: Double, base: Double, high: Double) {
    if case .bracket(let low, let base, let high)? = cost.inputs[name] { return (low, base, high) }
    let value = try number(name)
    return (value, value, value)
  }
}

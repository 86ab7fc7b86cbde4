// Money: a named formula over measured values and dated facts. A bracket stays a bracket: three figures beside each other,
// never their mean. Intervals are carried through by evaluating at their ends.

import ExperimentModel

extension Runner {
  func runCost(_ cell: Cell, _ cost: CostCell, _ known: [String: CellResult], into result: inout CellResult) throws {
    guard let formula = CostFormula.named(cost.formula) else {
      throw CellFailure("unknown cost formula \(cost.formula)", remedy: "there are \(CostFormula.all.map(\.name).joined(separator: ", "))")
    }
    var pricing = CostPricing(formula: formula, cost: cost, known: known)
    let figures = try pricing.figures()
    result.columns = formula.columns(with: Set(cost.inputs.keys))
    result.rowLabel = "formula"
    let whole = Set(formula.returns)
    let table = figures.filter { !whole.contains($0.key) }
    // F5 has nothing but what its effort returns.
    if !table.isEmpty { result.arms = [ArmResult(name: cost.formula, metrics: table)] }
    let returns = figures.filter { whole.contains($0.key) }
    if !returns.isEmpty { result.arms.append(ArmResult(name: "", metrics: returns)) }
    result.doubts += pricing.doubts(figures)
  }
}

/// One pricing: the inputs looked up, the formula at every end.
struct CostPricing {
  let formula: CostFormula
  let cost: CostCell
  let known: [String: CellResult]
  /// Inputs with an interval, by name.
  private(set) var uncertain: [String] = []
  /// Figures without end, such as the payback of a loss; and those that have none at some end of the intervals only.
  private(set) var endless: Set<String> = []
  private(set) var unbounded: Set<String> = []

  init(formula: CostFormula, cost: CostCell, known: [String: CellResult]) {
    self.formula = formula
    self.cost = cost
    self.known = known
  }

  mutating func figures() throws(CellFailure) -> [String: MetricValue] {
    var found: [String: MetricValue] = [:]
    for end in formula.ends {
      let inputs = try estimates(cost.inputs, formula.rows, end)
      let roi = try cost.roi.map { roi throws(CellFailure) in try estimates(roi, formula.roiRows, end) }
      for (name, estimate) in combined(inputs, roi, end) {
        guard estimate.value.isFinite else { continue }
        found[name] = MetricValue(estimate, Metric.named(name)?.unit ?? .plain)
      }
    }
    return found
  }

  /// What servers that were chosen for a load make of it: it jumps with their number, so that the ends of an interval bound nothing.
  private static let pointsOnly: Set<String> = ["waiting_share", "p99"]

  /// The formula at the inputs' points, and at every combination of the ends of their intervals. It rises or falls with each
  /// input alone, so that the least and the largest figure are among these.
  private mutating func combined(_ inputs: [String: Estimate], _ roi: [String: Estimate]?, _ end: String) -> [String: Estimate] {
    // An effort that is measured somewhere else has its interval too.
    let all = inputs.merging((roi ?? [:]).map { ("roi: " + $0.key, $0.value) }) { a, _ in a }
    uncertain = all.filter { $0.value.low != nil && $0.value.high != nil }.keys.sorted()
    func evaluate(_ corner: Int?) -> [String: Double] {
      func pick(_ name: String, _ estimate: Estimate) -> Double {
        guard let corner, let bit = uncertain.firstIndex(of: name) else { return estimate.value }
        return (corner >> bit) & 1 == 0 ? estimate.low ?? estimate.value : estimate.high ?? estimate.value
      }
      let picked = Dictionary(uniqueKeysWithValues: inputs.map { ($0.key, pick($0.key, $0.value)) })
      let pickedROI = roi.map { roi in Dictionary(uniqueKeysWithValues: roi.map { ($0.key, pick("roi: " + $0.key, $0.value)) }) }
      return CostFigures(formula: formula, inputs: picked, roi: pickedROI, end: end).all
    }
    let points = evaluate(nil)
    let corners = uncertain.isEmpty ? [] : (0..<(1 << uncertain.count)).map(evaluate)
    var found: [String: Estimate] = [:]
    for (name, point) in points {
      let ends = corners.compactMap { $0[name] }
      guard let low = ends.min(), let high = ends.max(), low != high, !Self.pointsOnly.contains(name) else {
        found[name] = Estimate(point)
        if !point.isFinite { endless.insert(name) }
        continue
      }
      let isBounded = low.isFinite && high.isFinite
      if !point.isFinite { endless.insert(name) } else if !isBounded { unbounded.insert(name) }
      found[name] = isBounded ? Estimate(point, low: min(low, point), high: max(high, point)) : Estimate(point)
    }
    return found
  }

  // MARK: Inputs

  private func estimates(_ inputs: [String: CostInput], _ rows: [CostInputRow], _ end: String) throws(CellFailure) -> [String: Estimate] {
    var found: [String: Estimate] = [:]
    for row in rows {
      guard let input = inputs[row.name] else { continue }
      let estimate = try self.estimate(input, row, end)
      guard row.range.contains(estimate.value) else {
        throw CellFailure(
          "\(row.name) is \(plain(estimate.value)) \(row.unit.rawValue), and the formula has no meaning there", remedy: row.meaning)
      }
      found[row.name] = estimate.clamped(to: row.range)
    }
    return found
  }

  private func estimate(_ input: CostInput, _ row: CostInputRow, _ end: String) throws(CellFailure) -> Estimate {
    switch input {
    case .quantity(let quantity): return Estimate(quantity.value)
    case .fact(_, let value, _, _, _, _): return Estimate(value)
    case .bracket(let low, let base, let high): return Estimate(end == "low" ? low : end == "high" ? high : base)
    case .reference(let address):
      guard let block = address.block, let value = known[block]?.value(at: address) else {
        throw CellFailure(
          "\(row.name) reads \(addressText(address)), which is not measured yet",
          remedy: "run that block first: `nb run --only \(address.block ?? "BLOCK")`")
      }
      // Money per hour or day, where money per month is due.
      guard row.unit == .usdPerMonth, let factor = value.unit.perMonth else { return value.estimate }
      return value.estimate.scaled(by: factor)
    }
  }

  // MARK: What a reader must know

  func doubts(_ figures: [String: MetricValue]) -> [Doubt] {
    var doubts: [Doubt] = []
    let inputs = cost.inputs.merging((cost.roi ?? [:]).map { ("roi: " + $0.key, $0.value) }) { a, _ in a }
    for (name, input) in inputs.sorted(by: { $0.key < $1.key }) {
      guard case .fact(let id, _, _, let asOf, let stale, let source) = input else { continue }
      let from = source.map { ", \($0)" } ?? ""
      doubts.append(
        Doubt(id: stale ? "stale-fact" : "fact", text: "\(name) is the market fact \(id) of \(asOf)\(from)\(stale ? "; it is STALE" : "")"))
    }
    if uncertain.count > 1 {
      doubts.append(
        Doubt(
          id: "worst-ends",
          text:
            "\(uncertain.joined(separator: " and ")) are measured: intervals take all at their worse ends, which holds however their errors hang together"
        ))
    }
    func ends(_ names: Set<String>) -> String {
      let found = formula.ends.filter { names.contains("payback_\($0)") }
      return found.joined(separator: ", ")
    }
    if !ends(endless).isEmpty { doubts.append(Doubt(id: "never-pays", text: "never paid back: \(ends(endless))")) }
    if !ends(unbounded).isEmpty {
      doubts.append(Doubt(id: "may-never-pay", text: "at the worse end of the measurement never paid back: \(ends(unbounded))"))
    }
    if endless.contains("servers") || unbounded.contains("servers") {
      doubts.append(
        Doubt(id: "no-servers", text: "no number of servers meets the target: a service alone takes longer, or there is too much to carry"))
    }
    let enough = CostFormula.bracketEnds.filter { (figures["net_\($0)"]?.estimate.value ?? 1) <= 0 }
    if !enough.isEmpty {
      let place = enough.count == formula.ends.count ? "" : " (\(enough.joined(separator: ", ")))"
      doubts.append(
        Doubt(
          id: "good-enough-\(enough.joined(separator: "-"))",
          text: "good enough as it is\(place): the change costs more than it brings within its horizon"))
    }
    if formula.roiKeys.contains("margin"), case .quantity(let margin)? = cost.roi?["margin"], margin.value == 1 {
      doubts.append(Doubt(id: "gain-is-revenue", text: "the gain is revenue; with `margin` it is what is left of it"))
    }
    return doubts
  }
}

extension Estimate {
  /// An interval of a share may reach beyond 0 or 1; the share cannot.
  fileprivate func clamped(to range: ClosedRange<Double>) -> Estimate {
    func inside(_ value: Double) -> Double { min(max(value, range.lowerBound), range.upperBound) }
    return Estimate(inside(value), low: low.map(inside), high: high.map(inside))
  }
}

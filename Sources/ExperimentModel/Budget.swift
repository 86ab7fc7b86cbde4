// Performance budgets: a limit on a measured value, with the person who owns it, and what saved results say
// about it. Reading the file is PerfLanguage's, showing a state is Reporting's part.

/// One entry of `Notebooks/budgets.yml`.
public struct PerformanceBudget: Codable, Hashable, Sendable {
  /// As the author wrote it: `day08/onoff.on.mean`.
  public var metric: String
  /// The notebook without `.md`, under which results are saved: `day08`.
  public var lesson: String
  /// Within the lesson; its block is set.
  public var address: Address
  public var op: Operator
  /// In the metric's stored unit.
  public var limit: Quantity
  /// As the author wrote it: `<=15ms`.
  public var limitText: String
  /// Who decides when the limit is broken or has to change.
  public var owner: String
  /// ISO date from which the limit holds.
  public var since: String
  public var why: String
  public init(
    metric: String, lesson: String, address: Address, op: Operator, limit: Quantity, limitText: String, owner: String,
    since: String, why: String
  ) {
    self.metric = metric; self.lesson = lesson; self.address = address; self.op = op; self.limit = limit
    self.limitText = limitText; self.owner = owner; self.since = since; self.why = why
  }
}

/// What saved results say about a budget.
public enum BudgetOutcome: String, Codable, Sendable, CaseIterable {
  case pass, fail
  /// The interval covers the limit, or the run's A/A control is broken.
  case inconclusive
  /// There is no value to judge.
  case unmeasured
}

/// A budget judged.
public struct JudgedBudget: Codable, Hashable, Sendable {
  public var budget: PerformanceBudget
  public var outcome: BudgetOutcome
  /// nil when unmeasured.
  public var measured: MetricValue?
  /// The share of the limit that the point estimate leaves unused: 0.2 at 12 ms of 15 ms, negative beyond the
  /// limit; nil when unmeasured, for `==` and for a limit of 0.
  public var left: Double?
  /// The value comes from a quick run.
  public var quick: Bool
  /// Why it is unmeasured or inconclusive; a sentence without a full stop.
  public var reason: String?
  public init(
    budget: PerformanceBudget, outcome: BudgetOutcome, measured: MetricValue? = nil, left: Double? = nil,
    quick: Bool = false, reason: String? = nil
  ) {
    self.budget = budget; self.outcome = outcome; self.measured = measured; self.left = left
    self.quick = quick; self.reason = reason
  }
}

/// Judges budgets by the rule of thresholds: the whole interval must satisfy the limit to pass and violate it to
/// fail; without an interval the point decides.
///
/// - Parameter results: saved results by lesson and block. Leave out what answers an older question (its
///   `inputs` differ from the plan's): a budget on it is then unmeasured.
public func judgeBudgets(_ budgets: [PerformanceBudget], results: [String: [String: CellResult]]) -> [JudgedBudget] {
  budgets.map { budget in
    func unmeasured(_ reason: String) -> JudgedBudget { JudgedBudget(budget: budget, outcome: .unmeasured, reason: reason) }
    guard let lesson = results[budget.lesson] else { return unmeasured("no results of `\(budget.lesson)` are saved") }
    let block = budget.address.block ?? ""
    guard let result = lesson[block] else { return unmeasured("no result of the block `\(block)` is saved") }
    if let failure = result.failure { return unmeasured("the last run of `\(block)` failed: \(failure)") }
    if let unmet = result.unmet { return unmeasured("`\(block)` was not run here: it needs \(unmet)") }
    if result.validity == .invalid { return unmeasured("the last run of `\(block)` was INVALID") }
    guard let value = result.value(at: budget.address), value.estimate.value.isFinite else {
      return unmeasured("the result of `\(block)` has no `\(budget.address.text)`")
    }
    guard value.unit == budget.limit.unit else {
      return unmeasured("`\(budget.address.text)` is measured in \(value.unit.rawValue), and the limit is in \(budget.limit.unit.rawValue)")
    }
    var state = JudgedBudget(
      budget: budget, outcome: outcome(value.estimate, budget), measured: value, left: shareLeft(value.estimate.value, budget),
      quick: result.quick)
    if state.outcome == .inconclusive { state.reason = "the interval covers the limit" }
    if result.controlState == .broken {
      state.outcome = .inconclusive
      state.reason = "the A/A control of `\(block)` excludes 1: the machine changed during the run"
    }
    return state
  }
}

private func outcome(_ estimate: Estimate, _ budget: PerformanceBudget) -> BudgetOutcome {
  let low = budget.op.holds(estimate.low ?? estimate.value, budget.limit.value)
  let high = budget.op.holds(estimate.high ?? estimate.value, budget.limit.value)
  return low && high ? .pass : !low && !high ? .fail : .inconclusive
}

private func shareLeft(_ value: Double, _ budget: PerformanceBudget) -> Double? {
  let limit = budget.limit.value
  guard limit != 0 else { return nil }
  return switch budget.op {
  case .less, .lessOrEqual: (limit - value) / abs(limit)
  case .greater, .greaterOrEqual: (value - limit) / abs(limit)
  case .equal: nil
  }
}

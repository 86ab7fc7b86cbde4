// `Notebooks/budgets.yml` → PerformanceBudget values, or diagnostics with place, cause and remedy, all at
// once. The grammar of addresses, operators and values is that of perf blocks. Never reads a result: what is
// left of a budget is `judgeBudgets` in ExperimentModel.

import ExperimentModel
import StrictYAML
import TextModel

/// Reads a budget file: a list of `{metric, limit, owner, since, why}`. An entry with a mistake is left out and reported.
///
/// An entry reads `{metric: day08/onoff.on.mean, limit: '<=15ms', owner: Ada, since: 2026-11-23, why: …}`.
///
/// - Parameter diagnostics: gets StrictYAML's findings, `budget-not-a-list`, `budget-bad-date`, `budget-duplicate`,
///   the warning `budget-direction`, and of perf blocks `unknown-key`, `missing-key`, `wrong-type`,
///   `bad-address`, `unknown-metric`, `bad-expression`, `missing-unit`, `wrong-unit`.
public func readBudgets(_ source: SourceText, diagnostics: inout Diagnostics) -> [PerformanceBudget] {
  // A file of comments is a course without budgets.
  guard source.hasContent,
    let root = YAMLNode(parsing: source, limits: YAMLLimits(bytes: 1 << 20), diagnostics: &diagnostics)
  else { return [] }
  let reader = BudgetReader()
  let budgets = reader.budgets(root)
  diagnostics.add(contentsOf: reader.findings.diagnostics.all)
  return budgets
}

extension SourceText {
  /// Some line is neither empty nor a comment.
  fileprivate var hasContent: Bool {
    (1...lineCount).contains { line in
      let text = text(contentRange(ofLine: line)).trimmed
      return !text.isEmpty && !text.hasPrefix("#") && text != "---"
    }
  }
}

private struct BudgetReader {
  let findings = Findings()

  /// The keys of a budget and what each is, for messages.
  private static let keys: [(name: String, meaning: String)] = [
    ("metric", "the value that is limited, such as day08/onoff.on.mean"),
    ("limit", "an operator and a value with its unit, such as '<=15ms'"),
    ("owner", "who decides when it is broken"),
    ("since", "the day from which it holds, such as 2026-11-23"),
    ("why", "one sentence that says what the limit protects"),
  ]

  func budgets(_ root: YAMLNode) -> [PerformanceBudget] {
    guard let items = root.items else {
      findings.error(
        BudgetDiagnosticID.notAList, "a budget file is a list, not \(root.kindName)",
        remedy: "begin each budget with `- metric: day08/onoff.on.mean`", at: root.entries?.first?.keyRange ?? root.range)
      return []
    }
    var budgets: [PerformanceBudget] = []
    for item in items {
      guard let budget = budget(item) else { continue }
      let isSame = { (other: PerformanceBudget) in
        other.lesson == budget.lesson && other.address == budget.address && other.op == budget.op
      }
      if let first = budgets.first(where: isSame) {
        findings.error(
          BudgetDiagnosticID.duplicate, "`\(budget.metric)` has a limit already, `\(first.limitText)`",
          remedy: "keep one of them; what it was before is in the history of this file", at: item["metric"]?.range ?? item.range)
      } else {
        budgets.append(budget)
      }
    }
    return budgets
  }

  private func budget(_ item: YAMLNode) -> PerformanceBudget? {
    guard let texts = texts(item), let metric = item["metric"], let limit = item["limit"], let since = item["since"] else { return nil }
    var isWhole = true
    if !isDay(texts["since"] ?? "") {
      findings.error(
        BudgetDiagnosticID.badDate, "`since` is an ISO date, not `\(texts["since"] ?? "")`", remedy: "such as 2026-11-23", at: since.range)
      isWhole = false
    }
    let place = self.address(texts["metric"] ?? "", at: metric.range)
    guard let parts = Comparative(texts["limit"] ?? ""), parts.left.isEmpty else {
      findings.error(
        PerfDiagnosticID.badExpression, "a limit is 'op VALUE', not `\(texts["limit"] ?? "")`", remedy: "such as '<=15ms' or '>=0.5'",
        at: limit.range)
      return nil
    }
    guard let place else { return nil }
    let quantity: Quantity
    do throws(Problem) { quantity = try PerfLanguage.limit(parts.right, place.unit, place.address.metric) } catch {
      findings.error(error.id, error.cause, remedy: error.remedy, at: limit.range)
      return nil
    }
    warnOfDirection(parts.op, place, texts["limit"] ?? "", at: limit.range)
    guard isWhole else { return nil }
    return PerformanceBudget(
      metric: texts["metric"] ?? "", lesson: place.lesson, address: place.address, op: parts.op, limit: quantity,
      limitText: texts["limit"] ?? "", owner: texts["owner"] ?? "", since: texts["since"] ?? "", why: texts["why"] ?? "")
  }

  /// All keys as texts; nil after a report.
  private func texts(_ item: YAMLNode) -> [String: String]? {
    guard let entries = item.entries else {
      findings.error(
        PerfDiagnosticID.wrongType, "a budget is a mapping, not \(item.kindName)", remedy: "begin with `- metric: day08/onoff.on.mean`",
        at: item.range)
      return nil
    }
    let names = Self.keys.map(\.name)
    var meant: Set<String> = []
    for entry in entries where !names.contains(entry.key) {
      if let near = nearestName(to: entry.key, among: names) { meant.insert(near) }
      findings.error(
        PerfDiagnosticID.unknownKey, "unknown key `\(entry.key)` of a budget",
        remedy: suggestion(for: entry.key, among: names, what: "keys here"), at: entry.keyRange)
    }
    var texts: [String: String] = [:]
    for key in Self.keys {
      guard let node = item[key.name], !node.isNull else {
        // A misspelt key was reported already.
        if !meant.contains(key.name) {
          findings.error(
            PerfDiagnosticID.missingKey, "this budget needs `\(key.name)`", remedy: "add `\(key.name)`: \(key.meaning)",
            at: entries.first?.keyRange ?? item.range)
        }
        continue
      }
      guard let text = node.text, !text.trimmed.isEmpty else {
        findings.error(
          PerfDiagnosticID.wrongType, "`\(key.name)` is text, not \(node.text == nil ? node.kindName : "empty")",
          remedy: "write \(key.meaning)", at: node.range)
        continue
      }
      texts[key.name] = text
    }
    return texts.count == Self.keys.count ? texts : nil
  }

  private struct Place {
    var lesson: String
    var address: Address
    var unit: MetricUnit
    /// `ratio` is baseline ÷ candidate: more is better where less of the metric is.
    var better: Better
  }

  /// `LESSON/BLOCK.[ARM.]METRIC[@param=value]`.
  private func address(_ text: String, at range: SourceRange) -> Place? {
    let parsed = parseAddress(text)
    guard case .success(var address) = parsed else {
      if case .failure(let error) = parsed {
        findings.error(PerfDiagnosticID.badAddress, error.cause, remedy: "a budget's metric is LESSON/BLOCK.METRIC or LESSON/BLOCK.ARM.METRIC", at: range)
      }
      return nil
    }
    let halves = (address.block ?? "").split(separator: "/", omittingEmptySubsequences: false)
    guard halves.count == 2, halves.allSatisfy({ !$0.isEmpty }) else {
      findings.error(
        PerfDiagnosticID.badAddress, "`\(text)` does not say \(address.block == nil ? "which block of which lesson" : "which lesson") it is about",
        remedy: "write LESSON/BLOCK.METRIC, such as `day08/\(address.block == nil ? "onoff." : "")\(text)`", at: range)
      return nil
    }
    address.block = String(halves[1])
    guard let metric = Metric.named(address.metric) else {
      findings.error(
        PerfDiagnosticID.unknownMetric, "there is no metric `\(address.metric)`",
        remedy: suggestion(for: address.metric, among: Metric.all.map(\.name), what: "metrics"), at: range)
      return nil
    }
    var path = address.arm
    if path.first == "est" { path.removeFirst() }
    let isRatio = path.first == "ratio"
    let isDifference = isRatio || path.first == "delta"
    let better: Better =
      switch metric.better {
      case .lower where isDifference: .higher
      case .higher where isDifference: .lower
      default: metric.better
      }
    return Place(lesson: String(halves[0]), address: address, unit: isRatio ? .ratio : metric.unit, better: better)
  }

  /// `p99 >= 15ms` holds while it gets worse: probably the wrong way round, and perhaps meant.
  private func warnOfDirection(_ op: Operator, _ place: Place, _ text: String, at range: SourceRange) {
    let isCeiling = op == .less || op == .lessOrEqual
    guard op != .equal, place.better == .lower && !isCeiling || place.better == .higher && isCeiling else { return }
    let turned: Operator =
      switch op {
      case .less: .greater
      case .lessOrEqual: .greaterOrEqual
      case .greater: .less
      case .greaterOrEqual: .lessOrEqual
      case .equal: .equal
      }
    findings.warning(
      BudgetDiagnosticID.direction,
      "of `\(place.address.text)` \(place.better == .lower ? "less" : "more") is better, and `\(text)` limits the improvement",
      remedy: "did you mean `\(turned.rawValue)\(Comparative(text)?.right ?? "")`?", at: range)
  }

  /// A day of the calendar, `2026-11-23`.
  private func isDay(_ text: String) -> Bool {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.map(\.utf8.count) == [4, 2, 2], parts.allSatisfy({ $0.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 } }),
      let year = Int(parts[0]), let month = Int(parts[1]), let day = Int(parts[2]), (1...12).contains(month), day >= 1
    else { return false }
    let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    return day <= [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
  }
}

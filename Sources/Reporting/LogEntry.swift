// The optimization log: what was changed, why, what it did, on which evidence. Append-only: an entry
// is added only when a block's inputs or verdict differ from its last entry, so runs do not fill it with noise.

import ExperimentModel

/// One comparison block's outcome at one date. The texts are Markdown prose without markup of their own.
public struct LogEntry: Codable, Hashable, Sendable {
  /// ISO date.
  public var date: String
  public var lesson: String
  public var block: String
  /// `Cell.inputs`: the question that was asked.
  public var inputs: String
  /// What differs between baseline and candidates.
  public var change: String
  public var why: String?
  /// `mean 22.1 ms`.
  public var before: String
  /// `10.0 ms`, or one per candidate.
  public var after: String
  /// `2.2 [2.1, 2.3]`, or one per candidate.
  public var ratio: String
  /// `faster`, or `l1:faster,l2:slower`.
  public var verdict: String
  public var evidence: Evidence
  /// What it is worth, from the `cost` block that reads this comparison.
  public var costEffect: String?
  public var commit: String?
  /// CPU, cores, kernel, nb version in one line.
  public var environment: String
  public var quick: Bool
}

/// One entry for each comparison with a verdict; failed and INVALID runs have none.
///
/// - Parameter costs: what a block's gain is worth, by block id; see `costEffects`.
public func logEntries(
  from results: [CellResult], lesson: String, date: String, commit: String?, environment: String, costs: [String: String] = [:]
) -> [LogEntry] {
  results.compactMap { result in
    guard result.hasNumbers, let first = result.comparisons.first else { return nil }
    let isSingle = result.comparisons.count == 1
    func perCandidate(_ text: (ComparisonResult) -> String?, _ separator: String, _ join: String) -> String {
      result.comparisons.compactMap { one in text(one).map { isSingle ? $0 : "\(logLabel(one))\(join)\($0)" } }
        .joined(separator: separator)
    }
    func value(_ arm: String, _ at: [String: Double]?) -> String? {
      result.arms.first { $0.name == arm && (at == nil || $0.params == at) }?.metrics[first.metric]
        .map { format($0.estimate, $0.unit, interval: true) }
    }
    // Of one candidate at several points a verdict that holds at all of them is said once.
    let verdicts = Set(result.comparisons.map(\.verdict))
    let isUniform = verdicts.count == 1 && Set(result.comparisons.map(\.candidate)).count == 1
    let points = result.comparisons.compactMap(\.at)
    let baseline = result.arms.first { !$0.name.isEmpty }?.name ?? ""
    return LogEntry(
      date: date, lesson: lesson, block: result.id, inputs: result.inputs,
      change: result.change ?? result.comparisons.map { "\(baseline) → \($0.candidate)" }.joined(separator: ", "), why: result.why,
      before: "\(metricTitle(first.metric)) "
        + (points.isEmpty
          ? value(baseline, nil) ?? "not measured"
          : Set(points).sorted { ($0.values.first ?? 0) < ($1.values.first ?? 0) }
            .map { "\(pointLabel($0)): \(value(baseline, $0) ?? "not measured")" }.joined(separator: "; ")),
      after: perCandidate({ value($0.candidate, $0.at) ?? "not measured" }, "; ", " "),
      ratio: perCandidate({ one in one.ratio[one.metric].map { format($0, .ratio, interval: true) } }, "; ", " "),
      verdict: isUniform ? first.verdict.rawValue : perCandidate({ $0.verdict.rawValue }, ",", ":"), evidence: result.evidence, costEffect: costs[result.id],
      commit: commit, environment: environment, quick: result.quick)
  }
}

/// `on`, or with a point `fast@n=4000`.
private func logLabel(_ one: ComparisonResult) -> String {
  one.at.map { "\(one.candidate)@\(pointLabel($0))" } ?? one.candidate
}

private func pointLabel(_ point: [String: Double]) -> String {
  point.sorted { $0.key < $1.key }.map { "\($0.key)=\(fixed($0.value, 0, grouped: false))" }.joined(separator: " ")
}

/// What each comparison is worth, from the cost cells that read its values and have a result.
public func costEffects(_ cells: [Cell], _ results: [String: CellResult]) -> [String: String] {
  var texts: [String: String] = [:]
  for cell in cells {
    guard case .cost(let cost) = cell.work, let result = results[cell.id], result.failure == nil,
      let arm = result.arms.first(where: { !$0.name.isEmpty })
    else { continue }
    let money = result.columns.compactMap { name in arm.metrics[name].map { "\(metricTitle(name)) \(format($0))" } }
    guard !money.isEmpty else { continue }
    let text = "\(cost.formula) \(money.joined(separator: ", ")) (block \(cell.id))"
    let sources = cost.inputs.values.compactMap { input -> String? in
      if case .reference(let address) = input { return address.block }
      return nil
    }
    for block in Set(sources) { texts[block] = texts[block].map { "\($0); \(text)" } ?? text }
  }
  return texts
}

// Thresholds, gates and expectations against measured intervals: pass when the whole interval
// satisfies, fail when the whole interval violates, else inconclusive. An INVALID run or a broken A/A
// control (`ControlState`) makes everything inconclusive. A gate is shown, and judged by `nb grade`.

import ExperimentModel
import Statistics

extension Runner {
  func judge(_ cell: Cell, _ known: [String: CellResult], into result: inout CellResult) {
    let distrusted = result.validity == .invalid || result.controlState == .broken
    // What an execution judged by itself, such as parity, stays.
    let ended = result.doubts.first { $0.id == "aborted" }
    result.thresholds =
      cell.thresholds.filter { $0.window == nil }.map { threshold in
        var one = judged(threshold, result, known, distrusted)
        // What ended the run has failed beyond doubt, whatever else is wrong with the run.
        if threshold.abortOnFail, ended?.text.contains("`\(threshold.text)`") == true { one.outcome = .fail }
        return one
      }
      + result.thresholds.map { one in
        var one = one
        if distrusted, one.place != nil { one.outcome = .inconclusive }
        return one
      }
    result.gates = cell.gates.map { judged($0, result, known, distrusted) }
    result.expects = cell.expects.flatMap { expected($0, result, known, distrusted) }
    result.doubts += unmetDoubts(cell, known)
    softenQuickCounts(cell, &result)
    if options.quick, case .load(let load) = cell.work, load.arms.contains(where: Theories.dependsOnDuration) {
      let judged = result.thresholds + result.expects + result.gates
      if judged.contains(where: { $0.outcome == .fail }) {
        result.doubts.append(
          Doubt(id: "quick-transient", text: "what a fault, a ramp or an overload does depends on its length: only a full run can refute it"))
      }
      func softened(_ one: JudgementResult) -> JudgementResult {
        one.outcome == .fail ? JudgementResult(text: one.text, measured: one.measured, outcome: .inconclusive, place: one.place) : one
      }
      result.thresholds = result.thresholds.map(softened)
      result.expects = result.expects.map(softened)
      result.gates = result.gates.map(softened)
    }
    switch result.controlState {
    case .holds: break
    case .small:
      result.doubts.append(
        Doubt(id: "aa-control", text: "the A/A control excludes 1: the machine changed a little, by less than a third of what was found"))
    case .broken:
      result.doubts.append(
        Doubt(id: "aa-control", text: "the A/A control excludes 1: the machine changed during the block, nothing is concluded"))
    }
  }

  /// Figures that are larger in a longer run of the same load.
  private static let counted: Set<String> = [
    "http_reqs", "bytes_in", "bytes_out", "disk_bytes", "fsyncs", "collections", "origin_requests", "evictions", "retries", "retries_denied", "hedges",
    "hedge_wins", "timeouts", "breaker_opens", "limited", "shed", "stale_served", "revalidated", "throttled_periods", "published", "deliveries", "processed",
    "redeliveries", "duplicates", "double_effects", "dead_letters", "dropped", "lost",
  ]

  /// Whether the full run, which counts more, may turn this outcome of a quick one.
  static func countsLess(_ judgement: Judgement, _ outcome: Outcome, _ load: LoadCell) -> Bool {
    guard counted.contains(judgement.address.metric), judgement.address.arm.first != "ratio", judgement.limit.value > 0 else { return false }
    // A comparison's iterations are the experiment, and a quick run makes all of them.
    if case .compare = load.design, load.arms.allSatisfy({ $0.profile.iterations != nil }) { return false }
    let holdsAtZero = judgement.op.holds(0, judgement.limit.value)
    return holdsAtZero ? outcome == .pass : outcome == .fail
  }

  /// Of a quick run's own counts only what a full run cannot turn is judged.
  private func softenQuickCounts(_ cell: Cell, _ result: inout CellResult) {
    guard options.quick, case .load(let load) = cell.work else { return }
    var isSoftened = false
    func softened(_ judgements: [Judgement], _ results: [JudgementResult]) -> [JudgementResult] {
      results.map { one in
        guard let judgement = judgements.first(where: { $0.text == one.text && $0.address.block ?? cell.id == cell.id }),
          Self.countsLess(judgement, one.outcome, load)
        else { return one }
        isSoftened = true
        return JudgementResult(text: one.text, measured: one.measured, outcome: .inconclusive, place: one.place)
      }
    }
    result.thresholds = softened(cell.thresholds, result.thresholds)
    result.gates = softened(cell.gates, result.gates)
    if isSoftened { result.doubts.append(Doubt(id: "quick-count", text: "a quick run counts less: only a full one decides about its counts")) }
  }

  private func judged(
    _ judgement: Judgement, _ own: CellResult, _ known: [String: CellResult], _ distrusted: Bool
  ) -> JudgementResult {
    guard let value = find(judgement.address, own, known) else {
      return JudgementResult(text: judgement.text, measured: nil, outcome: .inconclusive)
    }
    var outcome = Self.outcome(value.estimate, judgement.op, judgement.limit.value)
    if distrusted || rests(judgement.address, onUnmet: known) || source(judgement.address, own, known)?.isUnbounded(judgement.address) == true {
      outcome = .inconclusive
    }
    return JudgementResult(text: judgement.text, measured: value, outcome: outcome)
  }

  /// Without interval the point decides: a count is exact.
  static func outcome(_ estimate: Estimate, _ op: Operator, _ limit: Double) -> Outcome {
    let low = op.holds(estimate.low ?? estimate.value, limit)
    let high = op.holds(estimate.high ?? estimate.value, limit)
    return low && high ? .pass : !low && !high ? .fail : .inconclusive
  }

  private func find(_ address: Address, _ own: CellResult, _ known: [String: CellResult]) -> MetricValue? {
    source(address, own, known)?.value(at: address)
  }

  /// Whose value an address means.
  private func source(_ address: Address, _ own: CellResult, _ known: [String: CellResult]) -> CellResult? {
    guard let block = address.block, block != own.id else { return own }
    return known[block]
  }

  /// A prediction, for each arm or point that has one.
  private func expected(
    _ expectation: Expectation, _ own: CellResult, _ known: [String: CellResult], _ distrusted: Bool
  ) -> [JudgementResult] {
    let address = expectation.address
    if let value = expectation.value {
      let text = "\(addressText(address)) = \(written(value)) ± \(toleranceText(expectation))"
      guard let found = find(address, own, known) else {
        return [JudgementResult(text: text, measured: nil, outcome: .inconclusive)]
      }
      let isOpen = distrusted || rests(address, onUnmet: known) || source(address, own, known)?.isUnbounded(address) == true
      let outcome = isOpen ? .inconclusive : Self.near(found.estimate, value.value, expectation)
      return [JudgementResult(text: text, measured: found, outcome: outcome)]
    }
    var results: [JudgementResult] = []
    let places = armPlaces(own, metric: address.metric)
    for (arm, place) in zip(own.arms, places) {
      if let name = address.arm.first, name != arm.name { continue }
      guard address.at.allSatisfy({ arm.params[$0.key] == $0.value }) else { continue }
      guard let theory = arm.theory[address.metric], let measured = arm.metrics[address.metric] else { continue }
      let text = "\(place) = \(expectation.theory ?? "theory") ± \(toleranceText(expectation))"
      let judged = MetricValue(["twin", "sim"].contains(expectation.theory) ? arm.paired?[address.metric] ?? measured.estimate : measured.estimate, measured.unit)
      let isOpen = distrusted || own.kind == "load" && CellResult.isUnbounded(address.metric, judged.estimate, requests: arm.metrics["http_reqs"]?.estimate)
      let outcome = isOpen ? .inconclusive : Self.near(judged.estimate, theory, expectation)
      results.append(JudgementResult(text: text, measured: judged, outcome: outcome))
    }
    if results.isEmpty {
      results = [JudgementResult(text: "\(addressText(address)): no prediction for this system", measured: nil, outcome: .inconclusive)]
    }
    return results
  }

  /// A prediction holds when the measured interval lies within the tolerance, fails when the interval
  /// and the tolerance band do not meet; where they overlap in part the point decides between
  /// "inconclusive" and "pass": a point inside the band with an interval that reaches out is inconclusive.
  static func near(_ estimate: Estimate, _ target: Double, _ expectation: Expectation) -> Outcome {
    let width = expectation.relative ? abs(target) * expectation.tolerance : expectation.tolerance
    let low = estimate.low ?? estimate.value
    let high = estimate.high ?? estimate.value
    if low >= target - width && high <= target + width { return .pass }
    if high < target - width || low > target + width { return .fail }
    return .inconclusive
  }

  private func toleranceText(_ expectation: Expectation) -> String {
    expectation.relative ? "\(plain(expectation.tolerance * 100)) %" : plainTolerance(expectation)
  }

  /// Each arm's value as an address would name it: `on.mean`, `hit_ratio@capacity=100` with only the parameters
  /// that differ between the arms, `lru-0.7.hit_ratio` where those are not numbers.
  private func armPlaces(_ result: CellResult, metric: String) -> [String] {
    // A simulation's arms are addressed by their names, which have the varied values in their own words.
    if result.kind == "sim" { return result.arms.map { "\($0.name).\(metric)" } }
    let named = result.arms.filter { !$0.name.isEmpty }
    let keys = Set(named.flatMap(\.params.keys)).sorted().filter { key in Set(named.map { $0.params[key] }).count > 1 }
    func place(_ arm: ArmResult) -> String {
      // A swept value's own text has its unit: `ttl=7ms`.
      // An arm without a point is a fit over all of them.
      let at = keys.filter { arm.params[$0] != nil }.map { key in "\(key)=\(key == result.rowLabel ? arm.name : plain(arm.params[key] ?? 0))" }
      return at.isEmpty ? "\(arm.name).\(metric)" : "\(metric)@\(at.joined(separator: ","))"
    }
    let places = result.arms.map(place)
    return Set(places).count == places.count ? places : result.arms.map { "\($0.name).\(metric)" }
  }

  /// A predicted value in a unit that people read.
  private func written(_ value: Quantity) -> String {
    switch value.unit {
    case .nanoseconds: "\(plain(value.value / 1e6)) ms"
    case .bytes: "\(plain(value.value)) B"
    default: plain(value.value)
    }
  }

  private func plainTolerance(_ expectation: Expectation) -> String {
    if expectation.address.arm.first == "ratio" { return plain(expectation.tolerance) }
    return switch Metric.named(expectation.address.metric)?.unit {
    case .share: "\(plain(expectation.tolerance * 100)) pp"
    case .nanoseconds: "\(plain(expectation.tolerance / 1e6)) ms"
    case .bytes: "\(plain(expectation.tolerance)) B"
    default: plain(expectation.tolerance)
    }
  }
}

extension CellResult {
  /// Whether the value is a quantile of a load that sent too few requests to bound it from both sides, 368 for p99: the largest
  /// of seventy is a number, and says next to nothing about the hundredth.
  func isUnbounded(_ address: Address) -> Bool {
    guard kind == "load", !["ratio", "delta", "est"].contains(address.arm.first) else { return false }
    var counted = address
    counted.metric = "http_reqs"
    return Self.isUnbounded(address.metric, value(at: address)?.estimate, requests: value(at: counted)?.estimate)
  }

  static func isUnbounded(_ metric: String, _ found: Estimate?, requests: Estimate?) -> Bool {
    guard let q = ArmMeasurement.quantiles.first(where: { $0.0 == metric })?.1, let found, found.low == nil, let requests else { return false }
    return binomialRanks(n: Int(requests.value), q: q, confidence: 0.95) == nil
  }
}

/// The status of a claim, from the block that verifies it (`BLOCK.expect`, `.thresholds`, `.gate`).
public func claimStatus(_ claim: Claim, in results: [String: CellResult]) -> ClaimStatus? {
  let parts = claim.verifiedBy.split(separator: ".")
  guard parts.count == 2, let result = results[String(parts[0])] else { return nil }
  let judged: [JudgementResult] =
    switch parts[1] {
    case "expect": result.expects
    case "thresholds": result.thresholds
    default: result.gates
    }
  guard !judged.isEmpty else { return nil }
  // What an earlier run found may be of another machine.
  if result.unmet != nil { return .inconclusive }
  if judged.contains(where: { $0.outcome == .fail }) { return .notReproduced }
  if judged.contains(where: { $0.outcome == .inconclusive }) { return .inconclusive }
  return result.evidence == .simulated ? .simulated : .verified
}

func addressText(_ address: Address) -> String {
  let parts = [address.block].compactMap { $0 } + address.arm + [address.tail]
  let at = address.at.sorted { $0.key < $1.key }.map { "\($0.key)=\(plain($0.value))" }
  return parts.joined(separator: ".") + (at.isEmpty ? "" : "@" + at.joined(separator: ","))
}

/// A number without a trailing `.0`, four significant digits.
func plain(_ value: Double) -> String {
  if value == value.rounded(), abs(value) < 1e15 { return String(Int64(value)) }
  let scale = power(10, 3 - Double(Int(logarithm10(abs(value)).rounded(.down))))
  let rounded = (value * scale).rounded() / scale
  return "\(rounded)"
}

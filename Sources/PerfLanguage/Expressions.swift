// Thresholds, gates and predictions: the texts `METRIC: ['[agg] op value']`, 'ADDRESS op VALUE' and
// `METRIC: {value, tolerance, theory}`. The aggregates are k6's; each names a metric of ours.

import ExperimentModel
import StrictYAML
import TextModel

/// `p(95)<80ms` taken apart: what stands before the operator, the operator, what stands after it.
struct Comparative {
  var left: String
  var op: Operator
  var right: String

  init?(_ text: String) {
    func longest(at place: String.Index) -> Operator? {
      Operator.allCases.filter { text[place...].hasPrefix($0.rawValue) }.max { $0.rawValue.count < $1.rawValue.count }
    }
    // The `=` of a point, as in `time@n=4000>=5ms`, is no operator.
    guard let first = text.indices.first(where: { longest(at: $0) != nil }), let op = longest(at: first) else { return nil }
    let rest = text[first...]
    left = text[..<first].trimmed
    self.op = op
    right = rest.dropFirst(op.rawValue.count).trimmed
    if right.isEmpty { return nil }
  }
}

extension StringProtocol {
  var trimmed: String {
    var part = self[...]
    while part.first?.isWhitespace == true { part = part.dropFirst() }
    while part.last?.isWhitespace == true { part = part.dropLast() }
    return String(part)
  }
}

/// Closed forms that a prediction without `value` may name, and the metrics they are about.
let theories: [(name: String, metrics: [String], meaning: String)] = [
  ("che", ["hit_ratio"], "Che’s approximation of the hit ratio of LRU and FIFO"),
  ("lfu-bound", ["hit_ratio", "lfu_bound"], "the hit ratio of a cache that knows the popularities"),
  ("hit-mixture", ["mean", "http_req_duration"], "h·T_hit + (1 − h)·T_miss with h from Che"),
  ("ttl-staleness", ["stale_share"], "1 − (1 − e^(−wT))/(wT) with w writes per key and second, time to live T"),
  ("miss-mixture-p99", ["p99"], "p99 of the mixture of hits and misses"),
  ("erlang-c", ["queue_wait", "mean", "p50", "p90", "p95", "p99", "p999", "age_mean", "age_p50", "age_p95", "age_p99", "waiting_share"], "M/M/c queue; ages of messages before c workers"),
  ("fluid", ["age_growth"], "1 − cμ/λ: c workers fall behind by what they do not serve"),
  ("headroom", ["collections"], "allocations over heap minus live, of a mark–sweep heap"),
  ("cores", ["throughput", "time", "knee"], "min(N, CPUs) of N readers work at a time, each as fast as one alone: the asymptotic bounds"),
  ("batch", ["fsyncs_per_msg"], "1/b: one fsync for the messages of a commit"),
  ("closed-form", MetricSets.sim.sorted(), "of a simulation: the formula of its model, as `nb sim describe MODEL` names it"),
  ("twin", ["mean", "p50", "p90", "p95", "p99", "p999"], "the recorded arrivals and service times in an ideal FIFO queue"),
  ("sim", ["mean", "p50", "p90", "p95", "p99", "p999", "http_req_failed", "hit_ratio"], "the same scenario in the simulation kernel, for a block with `twin: sim`"),
  ("fan-out", ["mean", "p50", "p90", "p95", "p99", "p999"], "the slowest of k declared waits: F(t)^k; k = 1 without a `call`"),
]

/// Reads the judgements of one block against its own face.
struct JudgementReader {
  let face: BlockFace
  let findings: Findings

  func report(_ problem: Problem, _ place: SourceRange) {
    findings.error(problem.id, problem.cause, remedy: problem.remedy, at: place)
  }

  // MARK: Thresholds

  func thresholds(_ node: YAMLNode?) -> [Judgement] {
    mapping(node, "thresholds").flatMap { entry -> [Judgement] in
      guard let address = address(entry) else { return [] }
      let items = entry.value.items ?? [entry.value]
      return items.flatMap { threshold($0, address, entry.key) }
    }
  }

  private func threshold(_ item: YAMLNode, _ written: Address, _ metric: String) -> [Judgement] {
    var item = item
    var abort = false
    var delay: Nanoseconds?
    var window: ThresholdWindow?
    if item.entries != nil {
      let fields = Fields(item, .threshold, findings)
      abort = fields.flag("abortOnFail")
      if fields.has("delayAbortEval") { delay = fields.duration("delayAbortEval") }
      if let node = fields.contents("window") {
        guard let read = self.window(node) else { return [] }
        window = read
      }
      guard let inner = fields.contents("threshold") else { return [] }
      item = inner
    }
    guard let text = item.text, let parts = Comparative(text) else {
      findings.error(
        PerfDiagnosticID.badExpression, "a threshold is '[agg] op value', not \(item.text.map { "`\($0)`" } ?? item.kindName)",
        remedy: "such as 'p(95)<80ms' or '>=1.5'", at: item.range)
      return []
    }
    var address = written
    do throws(Problem) {
      address.metric = try self.metric(of: written.metric, aggregate: parts.left)
      let whole = (parts.left.isEmpty ? metric + text : "\(metric) \(text)") + (window.map(windowText) ?? "")
      if window != nil || abort { try checkStretch(address, window != nil ? "window" : "abortOnFail") }
      var judgements: [Judgement] = []
      for (one, arm) in expand(address) {
        var judgement = Judgement(
          text: arm.map { "\($0) \(whole)" } ?? whole, address: one, op: parts.op,
          limit: try limit(parts.right, try face.unit(of: one), whole), abortOnFail: abort)
        judgement.window = window
        judgement.delayAbort = delay
        judgements.append(judgement)
      }
      return judgements
    } catch {
      report(error, item.range)
      return []
    }
  }

  /// `1s`, or `[2s, 5s]`; nil after a report.
  private func window(_ node: YAMLNode) -> ThresholdWindow? {
    func time(_ text: String?) -> Nanoseconds? {
      guard let text, case .success(.duration(let time)?) = parseValue(text, .duration) else { return nil }
      return time
    }
    let least = Nanoseconds(10_000_000)
    if let length = time(node.text), length >= least { return .every(length) }
    if let items = node.items, items.count == 2, let from = time(items[0].text), let to = time(items[1].text), to >= from + least {
      return .between(from, to)
    }
    findings.error(
      PerfDiagnosticID.wrongType, "`window` is a time of at least 10ms, or two of them: from and to", remedy: "such as 1s, or [2s, 5s]", at: node.range)
    return nil
  }

  /// Windows and early ends need figures that a run has while it lasts.
  private func checkStretch(_ address: Address, _ key: String) throws(Problem) {
    let isOfRun = ThresholdWindow.metrics.contains(address.metric) && address.request == nil && !["ratio", "delta", "est"].contains(address.arm.first ?? "")
    guard face.kind == "load", isOfRun else {
      throw Problem(
        id: PerfDiagnosticID.doesNotApply, cause: "`\(key)` does nothing with `\(addressText(address))`",
        remedy: "it is for figures of a load run: \(ThresholdWindow.metrics.sorted().joined(separator: ", "))")
    }
  }

  /// What an aggregate of k6 is called here: `p(95)` of response times is the metric p95.
  private func metric(of metric: String, aggregate: String) throws(Problem) -> String {
    if aggregate.isEmpty { return metric }
    let table: [String: [String: String]] = [
      "http_req_duration": [
        "p(50)": "p50", "med": "p50", "p(90)": "p90", "p(95)": "p95", "p(99)": "p99", "p(99.9)": "p999", "avg": "mean", "max": "max",
      ],
      "http_req_service": ["avg": "http_req_service"],
      "http_req_failed": ["rate": "http_req_failed"],
      "checks": ["rate": "checks"],
      "http_reqs": ["count": "http_reqs", "rate": "rate"],
    ]
    guard Metric.named(metric) != nil else { return metric }
    var known = table[metric] ?? [:]
    if face.kind == "sim" {
      // Over the replications.
      known = ["avg": metric]
      if face.metrics.contains(metric + "_p95") { known["p(95)"] = metric + "_p95" }
    }
    if let found = known[aggregate] { return found }
    throw Problem(
      id: PerfDiagnosticID.unknownAggregate, cause: "`\(metric)` has no aggregate `\(aggregate)`",
      remedy: known.isEmpty
        ? "it is one number: leave the aggregate out" : "it has " + known.keys.sorted().map { "`\($0)`" }.joined(separator: ", "))
  }

  /// Without an arm a threshold holds for every arm of a block that has several.
  private func expand(_ address: Address) -> [(Address, String?)] {
    guard address.arm.isEmpty, face.arms.count > 1, !face.wholeMetrics.contains(address.metric) else { return [(address, nil)] }
    let rows = face.arms.indices.filter { row in address.at.allSatisfy { face.params[row][$0.key] == $0.value } }
    guard rows.count > 1 else { return [(address, nil)] }
    return rows.map { row in
      var one = address
      if face.params[row].isEmpty { one.arm = [face.arms[row]] } else { one.at = face.params[row] }
      return (one, face.arms[row])
    }
  }

  // MARK: Expectations

  func expectations(_ node: YAMLNode?) -> [Expectation] {
    mapping(node, "expect").flatMap { entry -> [Expectation] in
      guard let address = address(entry) else { return [] }
      let fields = Fields(entry.value, .expectation, findings)
      do throws(Problem) {
        return try expectation(address, fields)
      } catch {
        report(error, entry.keyRange)
        return []
      }
    }
  }

  private func expectation(_ address: Address, _ fields: Fields) throws(Problem) -> [Expectation] {
    let theory = fields.text("theory")
    guard fields.has("value") else {
      guard let theory else {
        throw Problem(
          id: PerfDiagnosticID.missingKey, cause: "a prediction needs `value`, or `theory` with a closed form",
          remedy: "closed forms: \(theories.map { "`\($0.name)`" }.joined(separator: ", "))")
      }
      guard let known = theories.first(where: { $0.name == theory }) else {
        findings.error(
          PerfDiagnosticID.unknownTheory, "there is no closed form `\(theory)`",
          remedy: suggestion(for: theory, among: theories.map(\.name), what: "closed forms"),
          at: fields.contents("theory")?.range ?? fields.place("theory"))
        return []
      }
      guard known.metrics.contains(address.metric) else {
        findings.error(
          PerfDiagnosticID.unknownTheory, "`\(theory)` predicts \(known.metrics.joined(separator: ", ")), not `\(address.metric)`",
          remedy: "give `value:` instead",
          at: fields.contents("theory")?.range ?? fields.place("theory"))
        return []
      }
      // The runner evaluates it for every arm that fits; a named arm must be there.
      let unit = try address.arm.isEmpty ? anyUnit(address) : face.unit(of: address)
      guard let width = tolerance(fields, unit) else { return [] }
      return [Expectation(address: address, value: nil, theory: theory, tolerance: width.value, relative: width.relative)]
    }
    guard let node = fields.contents("value"), let text = node.text else {
      findings.error(PerfDiagnosticID.wrongType, "`value` is one number with its unit", remedy: "such as 22ms", at: fields.place("value"))
      return []
    }
    var predictions: [Expectation] = []
    for (one, _) in expand(address) {
      let unit = try face.unit(of: one)
      guard let width = tolerance(fields, unit) else { return [] }
      predictions.append(
        Expectation(address: one, value: try limit(text, unit, "value"), theory: theory, tolerance: width.value, relative: width.relative))
    }
    return predictions
  }

  private func anyUnit(_ address: Address) throws(Problem) -> MetricUnit {
    for (one, _) in expand(address) { return try face.unit(of: one) }
    return try face.unit(of: address)
  }

  /// `10pct` is a share of the value; the rest is in the value's unit.
  private func tolerance(_ fields: Fields, _ unit: MetricUnit) -> (value: Double, relative: Bool)? {
    guard let node = fields.contents("tolerance") else { return nil }
    if let text = node.text, let quantity = parseQuantity(text), quantity.value >= 0 {
      if quantity.unit == .share { return (quantity.value, true) }
      if let limit = parseLimit(text, unit: unit) { return (limit.value, false) }
    }
    findings.error(
      PerfDiagnosticID.wrongUnit,
      "`tolerance` is a share of the value or \(spelling(of: unit).name), not \(node.text.map { "`\($0)`" } ?? node.kindName)",
      remedy: "such as 10pct\(unit == .share ? ", 2pp" : ", \(spelling(of: unit).example)")", at: node.range)
    return nil
  }

  // MARK: Shared

  private func mapping(_ node: YAMLNode?, _ what: String) -> [YAMLEntry] {
    guard let node else { return [] }
    guard let entries = node.entries else {
      findings.error(
        PerfDiagnosticID.wrongType, "`\(what)` is a mapping by metric, not \(node.kindName)", remedy: "such as `mean: …`", at: node.range)
      return []
    }
    return entries
  }

  private func address(_ entry: YAMLEntry) -> Address? {
    switch parseInnerAddress(entry.key) {
    case .success(let address): return address
    case .failure(let error):
      findings.error(PerfDiagnosticID.badAddress, error.cause, remedy: error.remedy, at: entry.keyRange)
      return nil
    }
  }
}

/// How a judgement's text goes on: ` in every 1 s`, ` from 2 s to 5 s`.
func windowText(_ window: ThresholdWindow) -> String {
  switch window {
  case .every(let length): " in every \(numberText(length.seconds)) s"
  case .between(let from, let to): " from \(numberText(from.seconds)) s to \(numberText(to.seconds)) s"
  }
}

/// The right side of a judgement as a value of the metric's unit.
func limit(_ text: String, _ unit: MetricUnit, _ what: String) throws(Problem) -> Quantity {
  if let quantity = parseLimit(text, unit: unit) { return quantity }
  let (name, example) = spelling(of: unit)
  if let written = WrittenQuantity(text), written.unit.isEmpty {
    throw Problem(
      id: PerfDiagnosticID.missingUnit, cause: "`\(what)` is about \(name); `\(text)` has no unit", remedy: "such as \(example)")
  }
  throw Problem(id: PerfDiagnosticID.wrongUnit, cause: "`\(what)` is about \(name), and `\(text)` is none", remedy: "such as \(example)")
}

// `observe` blocks that ask what the roles of a load block's lab said of themselves → TelemetryQuery. What each query can show
// is a table of the model; here it is read, and every mistake in it is reported at its place.

import ExperimentModel
import StrictYAML
import TextModel

let telemetryQueryKeys: [Shape: [Key]] = [
  .sampling: [
    Key("head", .share, "of the traces, decided at the root by the trace id"),
    Key("tail", .list("policies"), "or what is kept of whole traces; one policy that agrees is enough"),
    Key("decision_wait", .duration, "of `tail`: after which a trace is judged, from its first span", standard: "30s"),
  ],
  .samplingPolicy: [
    Key("latency", .duration, "keeps traces that last as long"),
    Key("status", .word(["error"]), "keeps traces with a span that failed"),
    Key("attribute", .text, "keeps traces with a span that has one of the `values` under this key"),
    Key("values", .texts("texts"), "of `attribute`"),
    Key("probabilistic", .share, "keeps this share of the traces, by the trace id"),
    Key("rate", .other("spans per second, such as 100/s"), "keeps so many spans a second"),
  ],
]

extension TelemetryQuery.Kind {
  /// Keys of an observe block beside `query` that mean something to it.
  var keys: Set<String> {
    var keys: Set<String> = ["from", "arm", "rows"]
    if ![.cardinality, .series, .use, .metricRED].contains(self) { keys.insert("where") }
    if [.lift, .criticalPath].contains(self) { keys.insert("versus") }
    if [.red, .metricRED, .spanMetrics].contains(self) { keys.insert("group_by") }
    if !columns.isEmpty { keys.insert("show") }
    switch self {
    case .lift: keys.insert("source")
    case .metricRED, .exemplars: keys.insert("metric")
    case .apdex: keys.insert("threshold")
    case .sampling: keys.insert("sampling")
    default: break
    }
    return keys
  }
}

extension Planning {
  func telemetryQuery(_ kind: TelemetryQuery.Kind, _ block: Block, _ fields: Fields) -> CellDraft? {
    guard let from = recordingSource(fields) else { return nil }
    var query = TelemetryQuery(kind, groupBy: fields.texts("group_by").map(\.text), metric: fields.text("metric"), threshold: fields.duration("threshold"))
    if let word = fields.text("source").flatMap(TelemetryQuery.Source.init) { query.source = word }
    query.where = telemetryFilter(fields, "where") ?? .all
    query.versus = telemetryFilter(fields, "versus")
    let shown = kind.shown(groupBy: query.groupBy)
    query.show = fields.texts("show").compactMap { text, place in
      if shown.contains(text) { return text }
      findings.error(
        PerfDiagnosticID.unknownColumn, "`\(kind.rawValue)` has no column `\(text)`", remedy: suggestion(for: text, among: shown, what: "its columns"), at: place)
      return nil
    }
    if kind == .sampling {
      guard let sampling = samplingSpec(fields) else { return nil }
      query.sampling = sampling
    }
    let columns = kind.columns.map(\.name)
    let asked = query.show.filter(columns.contains)
    let face = BlockFace(
      id: block.id, kind: "observe", arms: columns.isEmpty ? [] : ["top"], params: columns.isEmpty ? [] : [[:]], isComparison: false,
      metrics: Set(asked.isEmpty ? columns : asked), wholeMetrics: Set(kind.wholeColumns.map(\.name)))
    // Pictures follow from the query; `plots: []` leaves them out.
    for item in fields.items("plots") {
      findings.error(
        PerfDiagnosticID.doesNotApply, "pictures of telemetry follow from the query", remedy: "leave `plots` out, or write `plots: []` for none", at: item.range)
    }
    var draft = finish(
      block, fields, .observe(.telemetry(from: from, arm: fields.text("arm"), query, rows: fields.integer("rows") ?? 8)), face,
      fields.has("plots") ? [] : [PlotSpec(kind: .picture)])
    draft.source = PendingSource(
      id: from, place: fields.contents("from")?.range ?? fields.place("from"),
      telemetry: PendingSource.Telemetry(
        arm: fields.text("arm").map { ($0, fields.contents("arm")?.range ?? fields.place("arm")) },
        signals: kind.signals(query.source, metric: query.metric), query: kind.rawValue))
    return draft
  }

  /// One condition, or a list of them; nil when there is none, or after a report.
  private func telemetryFilter(_ fields: Fields, _ key: String) -> TelemetryFilter? {
    guard let node = fields.contents(key) else { return nil }
    let items = node.items ?? [node]
    var conditions: [TelemetryCondition] = []
    for item in items {
      guard let text = item.text, !item.isNull else {
        findings.error(
          PerfDiagnosticID.wrongType, "a condition of `\(key)` is a text, not \(item.kindName)", remedy: "such as 'duration>p(95)', in quotes", at: item.range)
        continue
      }
      do throws(TelemetryFilterProblem) {
        conditions.append(try TelemetryCondition(parsing: text, quantity: parseQuantity))
      } catch {
        findings.error(PerfDiagnosticID.badExpression, error.cause, remedy: error.remedy, at: item.range)
      }
    }
    return TelemetryFilter(conditions)
  }

  private func samplingSpec(_ block: Fields) -> SamplingSpec? {
    guard let fields = block.fields("sampling"), !fields.isBroken else {
      if !block.mentions("sampling") {
        findings.error(
          PerfDiagnosticID.missingKey, "the query `sampling` needs `sampling`: what is kept",
          remedy: "such as {head: 10pct}, or {tail: [{status: error}, {latency: 100ms}, {probabilistic: 1pct}]}", at: block.place("query"))
      }
      return nil
    }
    guard fields.has("head") != fields.has("tail") else {
      findings.error(
        PerfDiagnosticID.missingKey, "sampling is decided at the `head` or at the `tail`", remedy: "write one of them, such as {head: 10pct}",
        at: block.place("sampling"))
      return nil
    }
    if fields.has("head"), case .number(let share)? = fields.value("head") { return SamplingSpec(head: share) }
    let items = fields.items("tail")
    let policies = items.compactMap(samplingPolicy)
    if items.isEmpty {
      findings.error(
        PerfDiagnosticID.outOfRange, "`tail` is empty, and nothing would be kept", remedy: "such as [{status: error}, {probabilistic: 1pct}]",
        at: fields.place("tail"))
    }
    guard !items.isEmpty, policies.count == items.count else { return nil }
    return SamplingSpec(tail: policies, decisionWait: fields.duration("decision_wait") ?? Nanoseconds(seconds: 30))
  }

  private func samplingPolicy(_ item: YAMLNode) -> SamplingSpec.Policy? {
    let fields = Fields(item, .samplingPolicy, findings)
    guard !fields.isBroken else { return nil }
    let kinds = ["latency", "status", "attribute", "probabilistic", "rate"].filter(fields.has)
    guard kinds.count == 1, fields.has("values") == (kinds[0] == "attribute") else {
      findings.error(
        PerfDiagnosticID.missingKey, "a policy is one of latency, status, attribute with its `values`, probabilistic and rate",
        remedy: "such as {latency: 100ms}, {attribute: tenant, values: [t7]} or {probabilistic: 1pct}", at: item.range)
      return nil
    }
    switch kinds[0] {
    case "latency": return fields.duration("latency").map(SamplingSpec.Policy.latency)
    case "status": return .statusError
    case "attribute": return .attribute(key: fields.text("attribute") ?? "", values: fields.texts("values").map(\.text))
    case "probabilistic": if case .number(let share)? = fields.value("probabilistic") { return .probabilistic(share) } else { return nil }
    default:
      let node = fields.contents("rate")
      guard let rate = node?.text.flatMap({ parseLimit($0, unit: .thingsPerSecond) }), rate.value >= 1 else {
        findings.error(
          PerfDiagnosticID.wrongType, "`rate` is spans per second, at least one", remedy: "such as 100/s", at: node?.range ?? item.range)
        return nil
      }
      return .rateLimiting(spansPerSecond: Int(min(rate.value, 1e9)))
    }
  }
}

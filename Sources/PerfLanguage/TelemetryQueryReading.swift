// A question to telemetry, as an observe block writes it and as it is typed in a shell → TelemetryQuery. What each query can show
// is a table of the model; here it is read, and every mistake in it is reported at its place.

import ExperimentModel
import StrictYAML
import TextModel

/// A question that was typed and not written in a notebook.
public struct TypedTelemetryQuestion {
  public var query: TelemetryQuery
  /// Rows to show, at most.
  public var rows: Int

  /// - Parameter keys: keys of an observe block with their values; several values are a list. Those without a value are left out.
  /// - Returns: the block that they make, in which mistakes have their places.
  public static func block(_ kind: TelemetryQuery.Kind, _ keys: [(key: String, values: [String])]) -> SourceText {
    var lines = ["kind: observe", "id: asked", "query: \(kind.rawValue)"]
    for (key, values) in keys where !values.isEmpty {
      let isList = ["where", "versus", "group_by", "show"].contains(key)
      let texts = values.map { yamlText($0, always: true) }
      // A share at the head is all of `sampling` that is typed.
      lines.append(key == "head" ? "sampling: {head: \(texts[0])}" : "\(key): \(isList ? "[\(texts.joined(separator: ", "))]" : texts[0])")
    }
    return SourceText(path: "the question", text: lines.joined(separator: "\n") + "\n")
  }

  /// nil after a report.
  public init?(_ kind: TelemetryQuery.Kind, block: SourceText, diagnostics: inout Diagnostics) {
    guard let node = YAMLNode(parsing: block, diagnostics: &diagnostics) else { return nil }
    let findings = Findings()
    let fields = Fields(node, .observe, findings)
    // A capture is no load block and has no arms.
    fields.refuseKeys(apartFrom: kind.keys.subtracting(["from", "arm"]), of: kind.rawValue)
    let query = fields.telemetryQuery(kind)
    diagnostics.add(contentsOf: findings.diagnostics.ordered)
    guard let query, !diagnostics.hasErrors else { return nil }
    (self.query, rows) = (query, fields.integer("rows") ?? 8)
  }
}

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

extension Fields {
  /// Keys that queries of observe blocks have, all together.
  private static let queryKeys = Set(Planning.queryKeys.values.joined())

  /// Reports what an observe block says that its query does not ask.
  func refuseKeys(apartFrom own: Set<String>, of query: String) {
    for key in Self.queryKeys.subtracting(own).sorted() where has(key) {
      findings.error(
        PerfDiagnosticID.doesNotApply, "`\(key)` means nothing to the query `\(query)`",
        remedy: "leave it out; it has \(own.sorted().map { "`\($0)`" }.joined(separator: ", "))", at: place(key))
    }
  }

  /// What an observe block asks; nil after a report without which there is no question.
  func telemetryQuery(_ kind: TelemetryQuery.Kind) -> TelemetryQuery? {
    var query = TelemetryQuery(kind, groupBy: texts("group_by").map(\.text), metric: text("metric"), threshold: duration("threshold"))
    if let word = text("source").flatMap(TelemetryQuery.Source.init) { query.source = word }
    query.where = telemetryFilter("where") ?? .all
    query.versus = telemetryFilter("versus")
    let shown = kind.shown(groupBy: query.groupBy)
    query.show = texts("show").compactMap { text, place in
      if shown.contains(text) { return text }
      findings.error(
        PerfDiagnosticID.unknownColumn, "`\(kind.rawValue)` has no column `\(text)`", remedy: suggestion(for: text, among: shown, what: "its columns"), at: place)
      return nil
    }
    if kind == .sampling {
      guard let sampling = samplingSpec() else { return nil }
      query.sampling = sampling
    }
    return query
  }

  /// One condition, or a list of them; nil when there is none, or after a report.
  private func telemetryFilter(_ key: String) -> TelemetryFilter? {
    guard let node = contents(key) else { return nil }
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

  private func samplingSpec() -> SamplingSpec? {
    guard let fields = self.fields("sampling"), !fields.isBroken else {
      if !mentions("sampling") {
        findings.error(
          PerfDiagnosticID.missingKey, "the query `sampling` needs `sampling`: what is kept",
          remedy: "such as {head: 10pct}, or {tail: [{status: error}, {latency: 100ms}, {probabilistic: 1pct}]}", at: place("query"))
      }
      return nil
    }
    guard fields.has("head") != fields.has("tail") else {
      findings.error(
        PerfDiagnosticID.missingKey, "sampling is decided at the `head` or at the `tail`", remedy: "write one of them, such as {head: 10pct}",
        at: place("sampling"))
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

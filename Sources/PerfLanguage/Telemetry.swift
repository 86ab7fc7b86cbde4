// `telemetry` of a system, and `when` of a stage: rows of the key table, reading, and resolution.

import ExperimentModel
import StrictYAML
import TextModel

let telemetryKeys: [Shape: [Key]] = [
  .telemetry: [
    Key("traces", .share, "share of the traces that begin here and are recorded; who sends a `traceparent` decides for its own", standard: "0"),
    Key("logs", .flag, "a record for each request", standard: "false"),
    Key("metrics", .flag, "durations by route and status, requests and queues; Prometheus reads them at `/metrics`", standard: "false"),
    Key(
      "attributes", .other("sources by name, such as {tenant: header:X-Tenant, product: \"{id}\"}"),
      "what of a request stands on its spans and logs, and can be asked for by `when`; headers go along with calls and messages"),
  ]
]

/// Every kind of stage has them.
let everyStageKeys = [
  whenKey,
  Key("span", .flag, "`false`: it has no span of its own, and a trace does not say where its time went; without the key it has one"),
]

private let whenKey = Key("when", .text, "which requests pass it, by an attribute of `telemetry`, such as `tenant==t7`; without it all")

extension SystemDraft {
  /// No role and no stage has this name: paths begin with it.
  static let telemetryName = "telemetry"
  static let telemetryKeys = Shape.telemetry.keys.filter { $0.name != "attributes" }
  private static let attributesMax = 8

  fileprivate mutating func setAttributes(_ node: YAMLNode, _ findings: Findings) {
    guard let entries = node.entries else {
      findings.error(
        PerfDiagnosticID.wrongType, "`attributes` is a mapping of sources, not \(node.kindName)", remedy: "such as {tenant: header:X-Tenant}", at: node.range)
      return
    }
    if entries.count > Self.attributesMax {
      findings.error(
        PerfDiagnosticID.outOfRange, "a request has at most \(Self.attributesMax) attributes, not \(entries.count)", remedy: "leave some out", at: node.range)
    }
    attributes = entries.compactMap { entry in
      guard isTableName(entry.key) else {
        findings.error(
          PerfDiagnosticID.badName, "`\(entry.key)` is not a name for an attribute", remedy: "small letters, digits and `_`, a letter first",
          at: entry.keyRange)
        return nil
      }
      guard let text = entry.value.text, let source = RequestAttribute.source(text) else {
        findings.error(
          PerfDiagnosticID.wrongType, "the attribute `\(entry.key)` comes from `header:NAME` or from a variable of the path",
          remedy: "such as `header:X-Tenant` or `\"{id}\"`", at: entry.value.isNull ? entry.keyRange : entry.value.range)
        return nil
      }
      return RequestAttribute(name: entry.key, source: source)
    }
  }
}

extension SystemReader {
  func readTelemetry(_ fields: Fields, into draft: inout SystemDraft) {
    for key in SystemDraft.telemetryKeys where fields.has(key.name) {
      draft.telemetry[key.name] = fields.value(key.name).map { Parameter(value: $0, place: fields.place(key.name)) }
    }
    if let attributes = fields.contents("attributes") { draft.setAttributes(attributes, findings) }
  }
}

extension SystemResolver {
  /// nil when nothing is recorded and nothing decided by an attribute: then it is not in the plan either.
  func telemetry(_ draft: SystemDraft) -> TelemetrySpec? {
    func isOn(_ name: String) -> Bool { draft.telemetry[name]?.value == .flag(true) }
    let spec = TelemetrySpec(
      traces: draft.telemetry["traces"]?.value.plain ?? 0, logs: isOn("logs"), metrics: isOn("metrics"), attributes: draft.attributes)
    let decides = draft.roles.flatMap(\.routes).flatMap(\.stages).contains { $0.params["when"] != nil && !$0.isOff }
    return spec.isSilent && !decides ? nil : spec
  }

  /// What `when` says; a mistake in it is reported.
  func condition(_ stage: StageDraft, _ draft: SystemDraft) -> StageCondition? {
    guard let parameter = stage.params["when"], let text = self.text(parameter) else { return nil }
    guard let condition = StageCondition(text) else {
      findings.error(
        PerfDiagnosticID.badExpression, "`when` of the stage `\(stage.name)` is `ATTRIBUTE==VALUE`, not `\(text)`", remedy: "such as `tenant==t7`",
        at: parameter.place)
      return nil
    }
    let names = draft.attributes.map(\.name)
    if !names.contains(condition.attribute) {
      findings.error(
        PerfDiagnosticID.unknownPath, "`when` asks for `\(condition.attribute)`, which is no attribute of the system `\(draft.id)`",
        remedy: names.isEmpty
          ? "declare it: `telemetry: {attributes: {\(condition.attribute): header:X-\(condition.attribute.prefix(1).uppercased() + condition.attribute.dropFirst())}}`"
          : suggestion(for: condition.attribute, among: names, what: "attributes"), at: parameter.place)
    }
    if self.text(stage.params["per"]) == "batch" {
      findings.error(
        PerfDiagnosticID.doesNotApply, "`when` of `\(stage.name)` cannot choose among the messages of a batch", remedy: "leave `per: batch` or `when` out",
        at: parameter.place)
    }
    return condition
  }
}

// OpenSLO v1 files → `slo` blocks, as `nb slo import` prints them. Everything that a block cannot say is reported at its place: an error
// where the promise would be another one, a warning where only a remark is lost.

import ExperimentModel
import StrictYAML
import TextModel

/// What the one who imports knows and a file of another tool cannot say.
public struct OpenSLOGiven: Sendable {
  /// The load block whose recording is judged.
  public var from: String?
  /// Which requests are good: `http_req_duration<100ms`.
  public var good: String?
  public init(from: String? = nil, good: String? = nil) {
    self.from = from
    self.good = good
  }
}

/// The blocks of a file's SLO documents, each the text of a perf fence.
///
/// - Returns: nil after mistakes, which are in `diagnostics`; warnings alone do not stop it.
public func sloBlocks(openSLO source: SourceText, given: OpenSLOGiven = OpenSLOGiven(), diagnostics: inout Diagnostics) -> [String]? {
  let findings = Findings()
  let documents = openSLODocuments(source, findings)
  var reader = OpenSLOReader(given: given, findings: findings)
  // A document may be a list of objects.
  for document in documents { (document.items ?? [document]).forEach { reader.take($0) } }
  let blocks = reader.blocks()
  diagnostics.add(contentsOf: findings.diagnostics.ordered)
  return findings.diagnostics.hasErrors ? nil : blocks
}

/// The documents of a stream, which `---` parts; places are those of the file.
private func openSLODocuments(_ source: SourceText, _ findings: Findings) -> [YAMLNode] {
  var groups: [[SourceRange]] = [[]]
  for number in 1...source.lineCount {
    let line = source.contentRange(ofLine: number)
    let text = source.text(line)
    if text == "---" || text.hasPrefix("--- ") { groups.append([]) } else { groups[groups.count - 1].append(line) }
  }
  return groups.compactMap { lines in
    let isEmpty = lines.allSatisfy { line in
      let text = source.text(line).trimmed
      return text.isEmpty || text.hasPrefix("#")
    }
    guard !isEmpty else { return nil }
    var found = Diagnostics()
    let node = YAMLNode(lines: lines, in: source, at: lines[0], limits: YAMLLimits(bytes: 1 << 20, depth: 32), diagnostics: &found)
    findings.add(contentsOf: found.all)
    return node
  }
}

struct OpenSLOReader {
  let given: OpenSLOGiven
  let findings: Findings
  private var objectives: [(name: String, metadata: YAMLNode, spec: YAMLNode)] = []
  /// SLI, AlertPolicy and AlertCondition, by kind and name.
  private var named: [String: [String: YAMLNode]] = [:]

  init(given: OpenSLOGiven, findings: Findings) {
    self.given = given
    self.findings = findings
  }

  // MARK: Documents

  mutating func take(_ node: YAMLNode) {
    check(node, "an OpenSLO document", known: ["apiVersion", "kind", "metadata", "spec"])
    guard let kind = text(node, "kind"), let metadata = part(node, "metadata", "a document"), let spec = part(node, "spec", "a document")
    else { return }
    if let version = text(node, "apiVersion"), version != "openslo/v1" {
      findings.error(
        PerfDiagnosticID.unknownValue, "the version `\(version)` is not read", remedy: "nb reads openslo/v1",
        at: node["apiVersion"]?.range ?? node.range)
      return
    }
    guard let name = text(metadata, "name") else { return }
    switch kind {
    case "SLO": objectives.append((name, metadata, spec))
    case "SLI", "AlertPolicy", "AlertCondition":
      // A condition's annotations count, so the whole document is kept.
      if named[kind, default: [:]].updateValue(node, forKey: name) != nil {
        findings.error(
          PerfDiagnosticID.duplicateName, "two of kind \(kind) are called `\(name)`", remedy: "keep one",
          at: metadata["name"]?.range ?? node.range)
      }
    case "DataSource", "Service", "AlertNotificationTarget":
      findings.warning(
        PerfDiagnosticID.unsupportedKey, "a block keeps nothing of `\(kind)` \(name)",
        remedy: "nb judges its own recordings and wakes nobody", at: node["kind"]?.range ?? node.range)
    default:
      findings.error(
        PerfDiagnosticID.unknownKind, "OpenSLO has no kind `\(kind)`",
        remedy: suggestion(
          for: kind, among: ["SLO", "SLI", "AlertPolicy", "AlertCondition", "DataSource", "Service", "AlertNotificationTarget"],
          what: "its kinds"),
        at: node["kind"]?.range ?? node.range)
    }
  }

  func blocks() -> [String] {
    if objectives.isEmpty, !findings.diagnostics.hasErrors {
      findings.error(
        PerfDiagnosticID.missingKey, "there is no document of kind SLO in this file", remedy: "give the file that has it",
        at: SourceRange(0, 0))
    }
    return objectives.map { block($0.name, $0.metadata, $0.spec) }
  }

  // MARK: One SLO

  private func block(_ name: String, _ metadata: YAMLNode, _ spec: YAMLNode) -> String {
    let known = ["description", "service", "indicator", "indicatorRef", "timeWindow", "budgetingMethod", "objectives", "alertPolicies"]
    check(spec, "the spec of an SLO", known: known)
    let notes = annotations(metadata, "an SLO", own: [OpenSLOAnnotation.timeScale, OpenSLOAnnotation.apdex])
    if !isBlockName(name) {
      findings.error(
        PerfDiagnosticID.badName, "`\(name)` cannot be a block's id",
        remedy: "small letters, digits and hyphens, a letter first; such as `search-slo`",
        at: metadata["name"]?.range ?? metadata.range)
    }
    var lines = ["kind: slo", "id: \(name)"]
    for (key, text) in [("title", metadata["displayName"]), ("service", spec["service"]), ("description", spec["description"])] {
      if let text = text?.text { lines.append("\(key): \(yamlText(text))") }
    }
    let sliced = spec["budgetingMethod"]?.text == "Timeslices"
    if let method = spec["budgetingMethod"], !["Occurrences", "Timeslices"].contains(method.text ?? "") {
      findings.error(
        PerfDiagnosticID.unknownValue, "a budget cannot be counted by `\(method.text ?? method.kindName)`",
        remedy: "nb counts Occurrences and Timeslices", at: method.range)
    }
    let source = indicator(spec)
    if let place = source.place { lines.append(place) }
    lines.append("indicator: {ratioMetric: {good: \(yamlText(source.good ?? "", always: true)), total: http_reqs}}")
    lines.append("objectives:")
    for item in items(spec, "objectives") { lines.append("  - {\(objective(item, sliced))}") }
    if sliced { lines.append("budgetingMethod: Timeslices") }
    if let window = timeWindow(spec) { lines.append("timeWindow: [\(window)]") }
    if let scale = notes[OpenSLOAnnotation.timeScale], let equals = scale.firstIndex(of: "=") {
      lines.append("time_scale: {\(scale[..<equals].trimmed): \(scale[scale.index(after: equals)...].trimmed)}")
    }
    if let t = notes[OpenSLOAnnotation.apdex] { lines.append("apdex: \(t)") }
    let alerts = items(spec, "alertPolicies", isOptional: true).compactMap(alert)
    if !alerts.isEmpty { lines += ["alerts:"] + alerts.map { "  - {\($0)}" } }
    return lines.joined(separator: "\n") + "\n"
  }

  private func timeWindow(_ spec: YAMLNode) -> String? {
    let windows = items(spec, "timeWindow", isOptional: true)
    guard let window = windows.first else { return nil }
    if windows.count > 1 {
      findings.error(
        PerfDiagnosticID.outOfRange, "an SLO has one time window, and this has \(windows.count)", remedy: "keep one", at: windows[1].range)
    }
    check(window, "a time window", known: ["duration", "isRolling", "calendar"])
    if let calendar = window["calendar"] {
      findings.error(
        PerfDiagnosticID.doesNotApply, "a budget that begins with the calendar is not counted here",
        remedy: "write a rolling window, such as {duration: 30d, isRolling: true}",
        at: calendar.range)
    }
    guard let time = duration(window, "duration") else { return nil }
    let text = time.rawValue % 86_400_000_000_000 == 0 ? "\(time.rawValue / 86_400_000_000_000)d" : "\(time.rawValue / 60_000_000_000)min"
    return "{duration: \(text), isRolling: \(window["isRolling"]?.text ?? "true")}"
  }

  private func objective(_ node: YAMLNode, _ sliced: Bool) -> String {
    for entry in node.entries ?? [] where ["indicator", "indicatorRef", "compositeWeight"].contains(entry.key) {
      findings.error(
        PerfDiagnosticID.doesNotApply, "an objective with an indicator of its own is part of a composite, which is not judged here",
        remedy: "make an SLO of each part",
        at: entry.keyRange)
    }
    check(
      node, "an objective",
      known: [
        "displayName", "op", "value", "target", "targetPercent", "timeSliceTarget", "timeSliceWindow", "indicator", "indicatorRef",
        "compositeWeight",
      ])
    var parts: [String] = []
    if let percent = number(node, "targetPercent") {
      // 99.95 / 100 in binary has a tail that nobody wrote.
      parts.append("target: \(numberText((percent * 1e10).rounded() / 1e12))")
    } else if let target = node["target"]?.text {
      parts.append("target: \(target)")
    } else {
      findings.error(
        PerfDiagnosticID.missingKey, "an objective needs `target`, or `targetPercent`", remedy: "such as target: 0.99", at: node.range)
    }
    if let name = node["displayName"]?.text { parts.append("displayName: \(yamlText(name, always: true))") }
    if sliced {
      if let share = text(node, "timeSliceTarget") { parts.append("timeSliceTarget: \(share)") }
      if let window = duration(node, "timeSliceWindow") { parts.append("timeSliceWindow: \(openSLODuration(window) ?? "")") }
    }
    return parts.joined(separator: ", ")
  }

  // MARK: Alerts

  private func alert(_ node: YAMLNode) -> String? {
    var policy = node
    // Some write the name alone.
    if let ref = node["alertPolicyRef"] ?? (node.text == nil ? nil : node) {
      guard let found = named["AlertPolicy"]?[ref.text ?? ""] else {
        missing("AlertPolicy", ref)
        return nil
      }
      policy = found
    }
    guard let spec = part(policy, "spec", "an alert policy") else { return nil }
    check(
      spec, "the spec of an alert policy",
      known: ["conditions", "notificationTargets", "alertWhenBreaching", "alertWhenNoData", "alertWhenResolved"], dropped: ["description"])
    for key in ["alertWhenNoData", "alertWhenResolved"] where spec[key]?.text == "true" {
      findings.warning(
        PerfDiagnosticID.unsupportedKey, "`\(key)` is not kept", remedy: "nb judges when a budget burns too fast",
        at: spec[key]?.range ?? spec.range)
    }
    if let breaching = spec["alertWhenBreaching"], breaching.text == "false" {
      findings.error(
        PerfDiagnosticID.doesNotApply, "an alert that is silent while the budget burns has no meaning here", remedy: "leave the policy out",
        at: breaching.range)
    }
    let conditions = items(spec, "conditions")
    guard conditions.count == 1, var condition = conditions.first else {
      if conditions.count > 1 {
        findings.error(
          PerfDiagnosticID.outOfRange, "an alert policy has one condition, and this has \(conditions.count)",
          remedy: "make a policy for each", at: conditions[1].range)
      }
      return nil
    }
    if let ref = condition["conditionRef"] {
      guard let found = named["AlertCondition"]?[ref.text ?? ""] else {
        missing("AlertCondition", ref)
        return nil
      }
      condition = found
    }
    return burnRate(condition, items(spec, "notificationTargets", isOptional: true))
  }

  private func burnRate(_ node: YAMLNode, _ targets: [YAMLNode]) -> String? {
    let notes = node["metadata"].map { annotations($0, "an alert condition", own: [OpenSLOAnnotation.short]) } ?? [:]
    guard let spec = part(node, "spec", "an alert condition") else { return nil }
    check(spec, "the spec of an alert condition", known: ["severity", "condition"], dropped: ["description"])
    guard let condition = part(spec, "condition", "an alert condition"), let severity = text(spec, "severity") else { return nil }
    check(condition, "a condition", known: ["kind", "op", "threshold", "lookbackWindow", "alertAfter"])
    if BurnAlert.Severity(rawValue: severity) == nil {
      findings.error(
        PerfDiagnosticID.unknownValue, "the severity `\(severity)` is not one of ours",
        remedy: "write `page` for what wakes somebody, `ticket` for what can wait",
        at: spec["severity"]?.range ?? spec.range)
    }
    if let kind = condition["kind"], kind.text != "burnrate" {
      findings.error(
        PerfDiagnosticID.unknownValue, "a condition of the kind `\(kind.text ?? kind.kindName)` is not judged",
        remedy: "nb judges `burnrate`", at: kind.range)
    }
    if let op = condition["op"], !["gt", "gte"].contains(op.text ?? "") {
      findings.error(
        PerfDiagnosticID.unknownValue, "a burn rate alert with `\(op.text ?? op.kindName)` fires when all is well", remedy: "write `gt`",
        at: op.range)
    }
    for target in targets where target["targetRef"]?.text != severity {
      findings.warning(
        PerfDiagnosticID.unsupportedKey, "a notification target is not kept", remedy: "nb judges alerts, and sends none", at: target.range)
    }
    guard let threshold = number(condition, "threshold"), let long = duration(condition, "lookbackWindow") else { return nil }
    var parts = ["burn: \(numberText(threshold))", "long: \(openSLODuration(long) ?? "")"]
    let short = notes[OpenSLOAnnotation.short]
    if let short { parts.append("short: \(short)") }
    let after = condition["alertAfter"] == nil ? Nanoseconds.zero : duration(condition, "alertAfter", orZero: true) ?? .zero
    if after > .zero || short == nil { parts.append("after: \(openSLODuration(after) ?? "0s")") }
    return (parts + ["severity: \(severity)"]).joined(separator: ", ")
  }

  func missing(_ kind: String, _ reference: YAMLNode) {
    findings.error(
      PerfDiagnosticID.unknownValue, "there is no \(kind) `\(reference.text ?? "")` in this file",
      remedy: suggestion(for: reference.text ?? "", among: (named[kind] ?? [:]).keys.sorted(), what: "of this kind"), at: reference.range)
  }

  func reference(_ kind: String, _ name: String) -> YAMLNode? { named[kind]?[name] }
}

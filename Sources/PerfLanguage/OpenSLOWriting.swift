// An `slo` block → OpenSLO v1, as `nb slo export` prints it. What OpenSLO has no word for stands in annotations, so that reading the file
// again gives the same block: the short window of an alert, the time that a recording's second stands for, Apdex's T.

import DocumentModel
import ExperimentModel
import StrictYAML
import TextModel

/// Annotations of ours; the part before the slash is a prefix as OpenSLO asks for.
enum OpenSLOAnnotation {
  static let short = "nb/short-window"
  static let timeScale = "nb/time-scale"
  static let apdex = "nb/apdex"
}

/// The block `id` as YAML documents: one SLO, and an AlertPolicy for each alert.
///
/// - Returns: nil when there is no such `slo` block, or after mistakes, which are in `diagnostics`.
public func openSLO(_ document: Document, id: String, context: PlanContext, diagnostics: inout Diagnostics) -> String? {
  let planning = Planning(document, context)
  let planned = planning.run()
  guard let block = planning.blocks.first(where: { $0.id == id }), block.kind == .slo,
    let cell = planned.plan.cells.first(where: { $0.id == id }),
    case .slo(let slo) = cell.work
  else {
    diagnostics.add(contentsOf: planning.findings.diagnostics.ordered)
    return nil
  }
  let findings = Findings()
  let text = OpenSLOWriter(block: block, cell: cell, slo: slo, findings: findings).text
  diagnostics.add(contentsOf: findings.diagnostics.ordered)
  return findings.diagnostics.hasErrors ? nil : text
}

private struct OpenSLOWriter {
  let block: Block
  let cell: Cell
  let slo: SLOCell
  let findings: Findings

  var text: String { ([objective] + slo.alerts.map(policy)).joined(separator: "---\n") }

  private var objective: String {
    var lines = ["apiVersion: openslo/v1", "kind: SLO", "metadata:", "  name: \(block.id)"]
    if let title = cell.title { lines.append("  displayName: \(quoted(title))") }
    var annotations: [String] = []
    if let scale = block.node["time_scale"]?.entries?.first, let to = scale.value.text {
      annotations.append("    \(OpenSLOAnnotation.timeScale): \(yamlText("\(scale.key) = \(to)"))")
    }
    if let t = block.node["apdex"]?.text { annotations.append("    \(OpenSLOAnnotation.apdex): \(yamlText(t))") }
    if !annotations.isEmpty { lines += ["  annotations:"] + annotations }
    lines.append("spec:")
    for key in ["description", "service"] {
      if let text = block.node[key]?.text { lines.append("  \(key): \(quoted(text))") }
    }
    lines += ["  indicator:", "    metadata:", "      name: \(block.id)", "    spec:", "      ratioMetric:", "        counter: true"]
    let ratio = block.node["indicator"]?["ratioMetric"]
    for (key, expression) in [("good", ratio?["good"]?.text ?? ""), ("total", ratio?["total"]?.text ?? "http_reqs")] {
      let place = block.node["from"]?.text.map { "from: \($0)" } ?? "file: \(yamlText(block.node["file"]?.text ?? ""))"
      lines += ["        \(key):", "          metricSource:", "            type: nb", "            spec:", "              \(place)"]
      lines.append("              expression: \(yamlText(expression))")
    }
    let window = block.node["timeWindow"]?.items?.first
    lines += [
      "  timeWindow:", "    - duration: \(shorthand(slo.timeWindow, "timeWindow"))",
      "      isRolling: \(window?["isRolling"]?.text ?? "true")",
    ]
    let isSliced = slo.allObjectives.contains { $0.slice != nil }
    lines += ["  budgetingMethod: \(isSliced ? "Timeslices" : "Occurrences")", "  objectives:"]
    for one in slo.allObjectives {
      var parts = one.displayName.map { ["displayName: \(quoted($0))"] } ?? []
      parts.append("target: \(numberText(one.target))")
      if let slice = one.slice {
        parts += ["timeSliceTarget: \(numberText(slice.target))", "timeSliceWindow: \(shorthand(slice.window, "objectives"))"]
      }
      lines += parts.enumerated().map { ($0.offset == 0 ? "    - " : "      ") + $0.element }
    }
    if !slo.alerts.isEmpty { lines += ["  alertPolicies:"] + slo.alerts.map { "    - alertPolicyRef: \(name($0))" } }
    return lines.joined(separator: "\n") + "\n"
  }

  /// In quotes also where another reader would see a number or nothing.
  private func quoted(_ text: String) -> String {
    yamlText(text, always: Double(text) != nil || ["true", "false", "null", "~"].contains(text.lowercased()))
  }

  private func name(_ alert: BurnAlert) -> String { "\(block.id)-\(alert.name)" }

  /// One condition each, which is all that OpenSLO allows.
  private func policy(_ alert: BurnAlert) -> String {
    var lines = ["apiVersion: openslo/v1", "kind: AlertPolicy", "metadata:", "  name: \(name(alert))", "spec:"]
    lines += [
      "  alertWhenNoData: false", "  alertWhenResolved: false", "  alertWhenBreaching: true", "  conditions:", "    - kind: AlertCondition",
    ]
    lines += ["      metadata:", "        name: \(name(alert))"]
    if let short = alert.short { lines += ["        annotations:", "          \(OpenSLOAnnotation.short): \(shorthand(short, "alerts"))"] }
    lines += [
      "      spec:", "        severity: \(alert.severity.rawValue)", "        condition:", "          kind: burnrate", "          op: gt",
    ]
    lines += ["          threshold: \(numberText(alert.burn))", "          lookbackWindow: \(shorthand(alert.long, "alerts"))"]
    lines += [
      "          alertAfter: \(alert.after.map { shorthand($0, "alerts") } ?? "0m")", "  notificationTargets:",
      "    - targetRef: \(alert.severity.rawValue)",
    ]
    return lines.joined(separator: "\n") + "\n"
  }

  /// What OpenSLO cannot write is reported.
  private func shorthand(_ time: Nanoseconds, _ key: String) -> String {
    if let text = openSLODuration(time) { return text }
    findings.error(
      PerfDiagnosticID.doesNotApply, "OpenSLO writes times in whole minutes, and `\(key)` has \(numberText(time.seconds)) s",
      remedy: "round it, or keep it in the block",
      at: block.node.entries?.first { $0.key == key }?.keyRange ?? block.idPlace)
    return ""
  }
}

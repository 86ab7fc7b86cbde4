// Parts of OpenSLO documents: which requests are good, and keys with their places. `OpenSLOReading.swift` puts them together.

import ExperimentModel
import StrictYAML
import TextModel

extension OpenSLOReader {
  // MARK: The indicator

  /// Which requests are good, and the line that names the recording. A source of another tool has a query that nb cannot ask: then both
  /// must be given.
  func indicator(_ spec: YAMLNode) -> (good: String?, place: String?) {
    // What the file says of it is then not asked: its SLI may even stand in another one.
    if let from = given.from, let good = given.good { return (good, "from: \(from)") }
    let own = source(spec)
    let place = given.from.map { "from: \($0)" } ?? own.place
    if let good = given.good { return (good, place) }
    return (own.good, place)
  }

  private func source(_ spec: YAMLNode) -> (good: String?, place: String?) {
    var indicator = spec["indicator"]
    if let ref = spec["indicatorRef"] {
      indicator = reference("SLI", ref.text ?? "")
      if indicator == nil { missing("SLI", ref) }
    }
    guard let indicator else {
      if spec["indicatorRef"] == nil {
        findings.error(
          PerfDiagnosticID.missingKey, "an SLO needs `indicator`, or `indicatorRef`", remedy: "say which requests are good", at: spec.range)
      }
      return (nil, nil)
    }
    if let metadata = indicator["metadata"] {
      check(metadata, "metadata of an indicator", known: ["name"], dropped: ["displayName", "labels", "annotations"])
    }
    guard let inner = part(indicator, "spec", "an indicator") else { return (nil, nil) }
    check(inner, "the spec of an indicator", known: ["ratioMetric", "thresholdMetric"], dropped: ["description"])
    if let ratio = inner["ratioMetric"] {
      check(ratio, "a ratio metric", known: ["counter", "good", "total", "bad", "raw", "rawType"])
      guard let good = ratio["good"] else { return foreign(ratio["bad"] ?? ratio["raw"] ?? ratio) }
      return expression(good)
    }
    guard let threshold = inner["thresholdMetric"] else {
      findings.error(
        PerfDiagnosticID.missingKey, "an indicator needs `ratioMetric`, or `thresholdMetric`", remedy: "say which requests are good",
        at: inner.range)
      return (nil, nil)
    }
    return limit(expression(threshold), threshold, items(spec, "objectives"))
  }

  /// `type: nb` with its own words; everything else is a query of another tool.
  private func expression(_ metric: YAMLNode) -> (good: String?, place: String?) {
    guard let source = metric["metricSource"], source["type"]?.text == "nb", let spec = source["spec"] else { return foreign(metric) }
    check(spec, "a metric source of nb", known: ["from", "file", "expression"])
    let place = ["from", "file"].compactMap { key in spec[key]?.text.map { "\(key): \(yamlText($0))" } }.first
    return (text(spec, "expression"), place)
  }

  /// A threshold metric in seconds or milliseconds, held against the objective's value.
  private func limit(_ found: (good: String?, place: String?), _ metric: YAMLNode, _ objectives: [YAMLNode]) -> (
    good: String?, place: String?
  ) {
    guard given.good == nil, let expression = found.good else { return found }
    let parts = expression.split(separator: " ").map(String.init)
    guard parts.count == 2, parts[0] == "http_req_duration", ["s", "ms", "us"].contains(parts[1]) else {
      findings.error(
        PerfDiagnosticID.badExpression, "`\(expression)` is no metric with a unit",
        remedy: "write `http_req_duration ms`, or a ratioMetric", at: metric.range)
      return found
    }
    guard objectives.count == 1, let value = number(objectives[0], "value"), let op = text(objectives[0], "op") else { return found }
    guard op == "lt" || op == "lte" else {
      findings.error(
        PerfDiagnosticID.unknownValue, "a response time is good when it is `lt` a value, not `\(op)`", remedy: "write `lt`",
        at: objectives[0]["op"]?.range ?? metric.range)
      return found
    }
    return ("http_req_duration<\(numberText(value))\(parts[1])", found.place)
  }

  private func foreign(_ metric: YAMLNode) -> (good: String?, place: String?) {
    if given.good == nil || given.from == nil {
      findings.error(
        PerfDiagnosticID.doesNotApply, "this query is for another tool, and nb judges recordings of its own load blocks",
        remedy: "say what it means here: --from BLOCK --good 'http_req_duration<100ms'", at: metric.range)
    }
    return (nil, nil)
  }

  // MARK: Keys

  /// Reports keys that OpenSLO has not, and those whose content a block does not keep.
  func check(_ node: YAMLNode, _ what: String, known: [String], dropped: [String] = []) {
    for entry in node.entries ?? [] where !known.contains(entry.key) {
      if dropped.contains(entry.key) {
        if !entry.value.isNull {
          findings.warning(
            PerfDiagnosticID.unsupportedKey, "`\(entry.key)` of \(what) is not kept", remedy: "a block has no place for it",
            at: entry.keyRange)
        }
      } else {
        findings.error(
          PerfDiagnosticID.unknownKey, "unknown key `\(entry.key)` of \(what)",
          remedy: suggestion(for: entry.key, among: known + dropped, what: "keys here"), at: entry.keyRange)
      }
    }
  }

  /// Our own annotations by name; what else stands beside the name is reported as not kept.
  func annotations(_ metadata: YAMLNode, _ what: String, own: [String]) -> [String: String] {
    check(metadata, "metadata of \(what)", known: ["name", "displayName", "annotations"], dropped: ["labels"])
    guard let notes = metadata["annotations"] else { return [:] }
    check(notes, "annotations of \(what)", known: own, dropped: (notes.entries ?? []).map(\.key).filter { !own.contains($0) })
    return Dictionary(
      (notes.entries ?? []).compactMap { entry in entry.value.text.map { (entry.key, $0) } }, uniquingKeysWith: { first, _ in first })
  }

  func part(_ node: YAMLNode, _ key: String, _ what: String) -> YAMLNode? {
    if let inner = node[key], inner.entries != nil { return inner }
    findings.error(
      PerfDiagnosticID.missingKey, "\(what) needs `\(key)`", remedy: "it is a mapping",
      at: node[key]?.range ?? node.entries?.first?.keyRange ?? node.range)
    return nil
  }

  func text(_ node: YAMLNode, _ key: String) -> String? {
    if let text = node[key]?.text, node[key]?.isNull == false { return text }
    findings.error(
      PerfDiagnosticID.missingKey, "`\(key)` is missing here", remedy: "add it",
      at: node[key]?.range ?? node.entries?.first?.keyRange ?? node.range)
    return nil
  }

  func items(_ node: YAMLNode, _ key: String, isOptional: Bool = false) -> [YAMLNode] {
    if let items = node[key]?.items { return items }
    let isAbsent = node[key].map(\.isNull) ?? true
    if !isOptional || !isAbsent {
      findings.error(
        PerfDiagnosticID.missingKey, "`\(key)` is a list, and is needed here", remedy: "such as `- …`",
        at: node[key]?.range ?? node.entries?.first?.keyRange ?? node.range)
    }
    return []
  }

  /// nil when it is not there; what is no number is reported.
  func number(_ node: YAMLNode, _ key: String) -> Double? {
    guard let value = node[key], !value.isNull else { return nil }
    if let number = value.text.flatMap(Double.init), number.isFinite { return number }
    findings.error(
      PerfDiagnosticID.wrongType, "`\(key)` is a number, not `\(value.text ?? value.kindName)`", remedy: "such as 0.99", at: value.range)
    return nil
  }

  /// OpenSLO's shorthand, `5m`; a number alone is minutes. A calendar's months have no fixed length.
  func duration(_ node: YAMLNode, _ key: String, orZero: Bool = false) -> Nanoseconds? {
    guard let text = text(node, key) else { return nil }
    let units: [Character: Int64] = ["m": 60, "h": 3_600, "d": 86_400, "w": 7 * 86_400]
    let (digits, unit) = text.last.map { $0.isNumber } == true ? (text[...], "m" as Character) : (text.dropLast(), text.last ?? " ")
    let place = node[key]?.range ?? node.range
    if ["M", "Q", "Y"].contains(unit), Int(digits) != nil {
      findings.error(
        PerfDiagnosticID.doesNotApply, "`\(text)` is a stretch of the calendar, whose length varies", remedy: "write days, such as 30d",
        at: place)
    } else if let count = Int64(digits), count >= (orZero ? 0 : 1), count < 1_000_000, let seconds = units[unit] {
      return Nanoseconds(count * seconds * 1_000_000_000)
    } else {
      findings.error(
        PerfDiagnosticID.wrongType, "`\(key)` is a time such as 5m, 1h, 28d or 4w, not `\(text)`",
        remedy: "OpenSLO’s units are m, h, d and w", at: place)
    }
    return nil
  }
}

/// OpenSLO's duration: a whole number of minutes, hours or days; nil for what is none.
func openSLODuration(_ time: Nanoseconds) -> String? {
  let minutes = time.rawValue / 60_000_000_000
  guard minutes > 0, time.rawValue % 60_000_000_000 == 0 else { return nil }
  if minutes % 1_440 == 0 { return "\(minutes / 1_440)d" }
  return minutes % 60 == 0 ? "\(minutes / 60)h" : "\(minutes)m"
}

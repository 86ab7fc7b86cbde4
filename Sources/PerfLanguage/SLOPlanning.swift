// `slo` blocks → SLOCell: OpenSLO's words, and the burn-rate alerts of the SRE Workbook.

import ExperimentModel
import StrictYAML
import TextModel

/// What a block says whichever recording it is judged on.
private struct Promise {
  var indicator: Indicator
  var objectives: [Objective]
  var timeWindow: Nanoseconds
  var alerts: [BurnAlert]

  func cell(_ source: SLOCell.Source, timeScale: Double) -> SLOCell {
    var cell = SLOCell(
      source: source, indicator: indicator, target: objectives[0].target, timeWindow: timeWindow, timeScale: timeScale, alerts: alerts)
    let isPlain = objectives.count == 1 && objectives[0] == Objective(target: objectives[0].target)
    cell.objectives = isPlain ? nil : objectives
    return cell
  }
}

extension Planning {
  func planSLO(_ block: Block, _ fields: Fields) -> CellDraft? {
    guard let ratio = fields.fields("indicator")?.fields("ratioMetric"), let indicator = indicator(ratio),
      let objectives = objectives(fields)
    else { return nil }
    var window = Nanoseconds(seconds: 30 * 86_400)
    if fields.has("timeWindow") {
      guard let given = single(fields, "timeWindow", .timeWindow)?.duration("duration") else { return nil }
      guard given > .zero else {
        findings.error(
          PerfDiagnosticID.outOfRange, "a time window of nothing has no budget", remedy: "such as 30d", at: fields.place("timeWindow"))
        return nil
      }
      window = given
    }
    let scale = timeScale(fields)
    guard let alerts = alerts(fields), let scale else { return nil }
    guard fields.has("from") != fields.has("file") else {
      if !fields.mentions("from"), !fields.mentions("file") || fields.has("from") {
        findings.error(
          PerfDiagnosticID.missingKey, "an objective is judged on a recording: `from` or `file`",
          remedy: "name a load block: `from: base`", at: fields.place("id"))
      } else if fields.has("from") {
        findings.error(
          PerfDiagnosticID.doesNotApply, "`from` and `file` are two recordings", remedy: "make two blocks of it", at: fields.place("file"))
      }
      return nil
    }
    let promise = Promise(indicator: indicator, objectives: objectives, timeWindow: window, alerts: alerts)
    return fields.has("from") ? recorded(block, fields, promise, scale) : releases(block, fields, promise)
  }

  private func recorded(_ block: Block, _ fields: Fields, _ promise: Promise, _ scale: Double) -> CellDraft? {
    guard let from = fields.text("from") else { return nil }
    var cell = promise.cell(.load(from), timeScale: scale)
    var whole = MetricSets.calls
    if fields.has("apdex") {
      guard let t = fields.duration("apdex") else { return nil }
      cell.apdex = t
      whole.insert("apdex")
    }
    var arms = promise.alerts.map(\.name)
    if promise.objectives.count > 1 {
      whole.formUnion(["attainment", "bad_share"])
      let names = promise.objectives.compactMap(\.name)
      arms = names.flatMap { name in promise.alerts.map { "\(name)-\($0.name)" } } + names
    } else {
      whole.formUnion(MetricSets.objective)
    }
    let face = BlockFace(
      id: block.id, kind: "slo", arms: arms, params: arms.map { _ in [:] }, isComparison: false,
      metrics: promise.objectives.count > 1 ? MetricSets.alert.union(MetricSets.objective.subtracting(whole)) : MetricSets.alert,
      wholeMetrics: whole)
    var draft = finish(block, fields, .slo(cell), face, readPlots(fields, face) ?? [PlotSpec(kind: .timeline)])
    draft.source = PendingSource(id: from, place: fields.contents("from")?.range ?? fields.place("from"))
    return draft
  }

  private func releases(_ block: Block, _ fields: Fields, _ promise: Promise) -> CellDraft? {
    for (key, why) in [("time_scale", "which has its own time"), ("apdex", "which counts requests by a few bounds only")]
    where fields.has(key) {
      findings.error(
        PerfDiagnosticID.doesNotApply, "`\(key)` does nothing to a file, \(why)", remedy: "leave it out", at: fields.place(key))
    }
    if promise.objectives.count > 1 {
      findings.error(
        PerfDiagnosticID.doesNotApply, "a file's releases are judged by one objective, not by \(promise.objectives.count)",
        remedy: "make a block for each",
        at: fields.place("objectives"))
    }
    guard let file = fields.text("file") else { return nil }
    let place = fields.contents("file")?.range ?? fields.place("file")
    guard let text = dataFile(file, place), let releases = releases(of: text, file, promise.indicator, place) else { return nil }
    if let slice = promise.objectives[0].slice, let odd = releases.first(where: { slice.window.rawValue % $0.step.rawValue != 0 }) {
      findings.error(
        PerfDiagnosticID.outOfRange, "the time slices are no multiple of the \(secondsText(odd.step)) in which `\(file)` counts",
        remedy: "take slices of \(secondsText(odd.step)), or of several", at: fields.place("objectives"))
      return nil
    }
    let face = BlockFace(
      id: block.id, kind: "slo", arms: releases.map(\.name), params: releases.map { _ in [:] }, isComparison: false,
      metrics: MetricSets.release, wholeMetrics: MetricSets.releases)
    return finish(
      block, fields, .slo(promise.cell(.recorded(file: file, releases), timeScale: 1)), face,
      readPlots(fields, face) ?? [PlotSpec(kind: .timeline)])
  }

  // MARK: Objectives

  private func objectives(_ fields: Fields) -> [Objective]? {
    let items = fields.items("objectives")
    guard !items.isEmpty, items.count <= 8 else {
      if fields.has("objectives") {
        findings.error(
          PerfDiagnosticID.outOfRange, "`objectives` has \(items.count) entries; one to eight can be judged",
          remedy: "such as [{target: 0.99}]",
          at: fields.place("objectives"))
      }
      return nil
    }
    let isSliced = fields.text("budgetingMethod") == "Timeslices"
    var all: [Objective] = []
    for (index, item) in items.enumerated() {
      let one = Fields(item, .objective, findings)
      guard let target = target(one) else { continue }
      var objective = Objective(displayName: one.text("displayName"), target: target)
      if items.count > 1 || objective.displayName != nil {
        let name = objective.displayName.map(slug) ?? ""
        objective.name = name.isEmpty ? "objective-\(index + 1)" : name
      }
      if let name = objective.name, all.contains(where: { $0.name == name }) {
        findings.error(
          PerfDiagnosticID.duplicateName, "two objectives are called `\(name)`", remedy: "give each its own `displayName`", at: item.range)
      }
      switch slice(one, isSliced) {
      case .success(let slice): objective.slice = slice
      case .failure(let problem):
        findings.error(problem.id, problem.cause, remedy: problem.remedy, at: item.range)
        continue
      }
      all.append(objective)
    }
    return all.count == items.count ? all : nil
  }

  private func slice(_ one: Fields, _ isSliced: Bool) -> Result<TimeSlice?, Problem> {
    let keys = ["timeSliceTarget", "timeSliceWindow"]
    guard isSliced else {
      guard let key = keys.first(where: one.has) else { return .success(nil) }
      return .failure(
        Problem(
          id: PerfDiagnosticID.doesNotApply, cause: "`\(key)` does nothing where requests are counted",
          remedy: "write `budgetingMethod: Timeslices`"))
    }
    if let key = keys.first(where: { !one.has($0) }) {
      return .failure(
        Problem(
          id: PerfDiagnosticID.missingKey, cause: "an objective whose budget counts time slices needs `\(key)`",
          remedy: "such as {target: 0.99, timeSliceTarget: 0.95, timeSliceWindow: 5m}"))
    }
    guard let share = one.number("timeSliceTarget"), let window = alertWindow(one, "timeSliceWindow") else { return .success(nil) }
    guard share > 0, window > .zero else {
      return .failure(
        Problem(id: PerfDiagnosticID.outOfRange, cause: "a time slice has a length and a target above 0", remedy: "such as 5m and 0.95"))
    }
    return .success(TimeSlice(target: share, window: window))
  }

  /// `Good experience` as an address may call it: good-experience; empty when nothing of it can stand there.
  private func slug(_ text: String) -> String {
    let parts = text.lowercased().split { !($0.isASCII && ($0.isLetter || $0.isNumber)) }
    let name = String(parts.joined(separator: "-").drop { !$0.isLetter }.prefix(40))
    return isBlockName(name) && !BlockFace.reserved.contains(name) ? name : ""
  }

  // MARK: Parts

  private func indicator(_ ratio: Fields) -> Indicator? {
    guard let text = ratio.text("good") else { return nil }
    if let parts = Comparative(text) {
      if parts.left == "http_req_duration", parts.op == .less || parts.op == .lessOrEqual,
        let limit = parseLimit(parts.right, unit: .nanoseconds), limit.value > 0, limit.value < 1e17
      {
        return .faster(than: Nanoseconds(Int64(limit.value)))
      }
      if parts.left == "http_req_failed", parts.op == .equal, parts.right == "0" { return .answered }
    }
    findings.error(
      PerfDiagnosticID.badExpression, "`\(text)` does not say which requests are good",
      remedy: "write 'http_req_duration<100ms' or 'http_req_failed==0'", at: ratio.contents("good")?.range ?? ratio.place("good"))
    return nil
  }

  /// The only entry of a list that OpenSLO allows to be longer.
  private func single(_ fields: Fields, _ key: String, _ shape: Shape) -> Fields? {
    let items = fields.items(key)
    guard items.count == 1 else {
      if fields.has(key) {
        findings.error(
          PerfDiagnosticID.outOfRange, "`\(key)` has \(items.count) entries, and this version of nb judges one",
          remedy: "make a block for each", at: fields.place(key))
      }
      return nil
    }
    return Fields(items[0], shape, findings)
  }

  private func target(_ fields: Fields) -> Double? {
    guard let target = fields.number("target") else { return nil }
    guard target > 0, target < 1 else {
      findings.error(
        PerfDiagnosticID.outOfRange, "a target of \(numberText(target)) leaves no error budget to burn", remedy: "such as 0.99",
        at: fields.place("target"))
      return nil
    }
    return target
  }

  private func alerts(_ fields: Fields) -> [BurnAlert]? {
    var alerts: [BurnAlert] = []
    var isWhole = true
    for item in fields.items("alerts") {
      let alert = Fields(item, .alert, findings)
      guard !alert.isBroken, let burn = alert.number("burn"), let long = alertWindow(alert, "long"),
        let severity = alert.text("severity").flatMap(BurnAlert.Severity.init)
      else {
        isWhole = false
        continue
      }
      let (short, after) = (alertWindow(alert, "short"), alertWindow(alert, "after"))
      if alert.has("short") && short == nil || alert.has("after") && after == nil {
        isWhole = false
        continue
      }
      guard short != nil || after != nil else {
        findings.error(
          PerfDiagnosticID.missingKey, "an alert needs `short`, or `after`",
          remedy: "a twelfth of `long` is usual: {burn: 14.4, long: 1h, short: 5m, severity: page}",
          at: item.range)
        isWhole = false
        continue
      }
      guard burn > 0, short.map({ $0 > .zero && $0 < long }) ?? true, after.map({ $0 >= .zero }) ?? true else {
        findings.error(
          PerfDiagnosticID.outOfRange, "an alert has `burn` above 0 and a `short` window that is shorter than `long`",
          remedy: "such as {burn: 14.4, long: 1h, short: 5min, severity: page}", at: item.range)
        isWhole = false
        continue
      }
      let one = BurnAlert(burn: burn, long: long, short: short, after: after == .zero ? nil : after, severity: severity)
      if alerts.contains(where: { $0.name == one.name }) {
        findings.error(
          PerfDiagnosticID.duplicateName, "two alerts are called `\(one.name)`, by severity and long window",
          remedy: "one of them is enough", at: item.range)
        isWhole = false
        continue
      }
      alerts.append(one)
    }
    return isWhole ? alerts : nil
  }

  /// In alerts `5m` is five minutes, as OpenSLO and Prometheus write it.
  private func alertWindow(_ alert: Fields, _ key: String) -> Nanoseconds? {
    guard let node = alert.contents(key) else { return nil }
    if let text = node.text, let written = WrittenQuantity(text),
      let time = parseLimit(written.unit == "m" ? "\(text.dropLast())min" : text, unit: .nanoseconds), abs(time.value) < 1e17
    {
      return Nanoseconds(Int64(time.value))
    }
    findings.error(
      PerfDiagnosticID.wrongType, "`\(key)` is a time, not \(node.text.map { "`\($0)`" } ?? node.kindName)", remedy: "such as 1h or 5m",
      at: node.range)
    return nil
  }

  /// `{1s: 1h}`: one second of the recording stands for an hour.
  private func timeScale(_ fields: Fields) -> Double? {
    guard let node = fields.contents("time_scale") else { return 1 }
    if let entries = node.entries, entries.count == 1, let from = parseLimit(entries[0].key, unit: .nanoseconds),
      let to = entries[0].value.text.flatMap({ parseLimit($0, unit: .nanoseconds) }), from.value > 0, to.value > 0
    {
      return to.value / from.value
    }
    findings.error(
      PerfDiagnosticID.wrongType, "`time_scale` is one time and what it stands for", remedy: "such as {1s: 1h}", at: node.range)
    return nil
  }
}

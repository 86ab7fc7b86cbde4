// `slo` blocks → SLOCell: OpenSLO's words with one objective, and the burn-rate alerts of the SRE Workbook. A file of
// recorded releases is reduced here to good and total requests, which is all that an objective asks of it.

import ExperimentModel
import StrictYAML
import TextModel

extension Planning {
  func planSLO(_ block: Block, _ fields: Fields) -> CellDraft? {
    guard let ratio = fields.fields("indicator")?.fields("ratioMetric"), let indicator = indicator(ratio),
      let target = single(fields, "objectives", .objective).flatMap({ target($0) })
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
    return fields.has("from")
      ? recorded(block, fields, indicator, target, window, scale, alerts) : releases(block, fields, indicator, target, window, alerts)
  }

  private func recorded(
    _ block: Block, _ fields: Fields, _ indicator: Indicator, _ target: Double, _ window: Nanoseconds, _ scale: Double,
    _ alerts: [BurnAlert]
  ) -> CellDraft? {
    guard let from = fields.text("from") else { return nil }
    let cell = SLOCell(source: .load(from), indicator: indicator, target: target, timeWindow: window, timeScale: scale, alerts: alerts)
    let face = BlockFace(
      id: block.id, kind: "slo", arms: alerts.map(\.name), params: alerts.map { _ in [:] }, isComparison: false,
      metrics: MetricSets.alert, wholeMetrics: MetricSets.objective)
    var draft = finish(block, fields, .slo(cell), face, readPlots(fields, face) ?? [PlotSpec(kind: .timeline)])
    draft.source = PendingSource(id: from, place: fields.contents("from")?.range ?? fields.place("from"))
    return draft
  }

  private func releases(
    _ block: Block, _ fields: Fields, _ indicator: Indicator, _ target: Double, _ window: Nanoseconds, _ alerts: [BurnAlert]
  ) -> CellDraft? {
    if fields.has("time_scale") {
      findings.error(
        PerfDiagnosticID.doesNotApply, "`time_scale` does nothing to a file, which has its own time", remedy: "leave it out",
        at: fields.place("time_scale"))
    }
    guard let file = fields.text("file") else { return nil }
    let place = fields.contents("file")?.range ?? fields.place("file")
    guard let text = dataFile(file, place), let releases = readReleases(text, file, indicator, place) else { return nil }
    let cell = SLOCell(
      source: .recorded(file: file, releases), indicator: indicator, target: target, timeWindow: window, timeScale: 1, alerts: alerts)
    let face = BlockFace(
      id: block.id, kind: "slo", arms: releases.map(\.name), params: releases.map { _ in [:] }, isComparison: false,
      metrics: MetricSets.release, wholeMetrics: MetricSets.releases)
    return finish(block, fields, .slo(cell), face, readPlots(fields, face) ?? [PlotSpec(kind: .timeline)])
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
      guard let burn = alert.number("burn"), let long = alertWindow(alert, "long"), let short = alertWindow(alert, "short"),
        let severity = alert.text("severity").flatMap(BurnAlert.Severity.init)
      else {
        isWhole = false
        continue
      }
      guard burn > 0, short > .zero, short < long else {
        findings.error(
          PerfDiagnosticID.outOfRange, "an alert has `burn` above 0 and a `short` window that is shorter than `long`",
          remedy: "such as {burn: 14.4, long: 1h, short: 5min, severity: page}", at: item.range)
        isWhole = false
        continue
      }
      let one = BurnAlert(burn: burn, long: long, short: short, severity: severity)
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

  // MARK: Recorded releases

  /// `release,outcome,minute,le_10ms,…,le_inf,failed`: requests by response time, cumulative as in Prometheus. nil after a
  /// report of the first mistake.
  private func readReleases(_ text: String, _ file: String, _ indicator: Indicator, _ place: SourceRange) -> [RecordedRelease]? {
    func bad(_ cause: String, _ remedy: String) -> [RecordedRelease]? {
      findings.error(PerfDiagnosticID.badData, cause, remedy: remedy, at: place)
      return nil
    }
    let lines = text.split(whereSeparator: \.isNewline).map { $0.split(separator: ",", omittingEmptySubsequences: false).map { String($0).trimmed } }
    let heading = lines.first ?? []
    guard heading.count >= 6, Array(heading.prefix(3)) == ["release", "outcome", "minute"], heading.suffix(2) == ["le_inf", "failed"] else {
      return bad("`\(file)` is not a file of recorded releases", "its heading is release,outcome,minute,le_100ms,…,le_inf,failed")
    }
    let all = heading.count - 2
    var column = all
    if case .faster(let limit) = indicator {
      let bounds = heading[3..<all].map { name in
        name.hasPrefix("le_") ? parseLimit(String(name.dropFirst(3)), unit: .nanoseconds).flatMap { $0.value < 1e17 ? Int64($0.value) : nil } : nil
      }
      guard let index = bounds.firstIndex(of: limit.rawValue) else {
        return bad(
          "`\(file)` counts requests up to \(heading[3..<all].map { String($0.dropFirst(3)) }.joined(separator: ", ")), not up to \(numberText(limit.seconds * 1e3))ms",
          "a histogram knows its bounds only: take one of them")
      }
      column = index + 3
    }
    var releases: [RecordedRelease] = []
    var minutes: [Double] = []
    for (index, cells) in lines.enumerated().dropFirst() {
      guard cells.count == heading.count, isBlockName(cells[0]), ["good", "bad"].contains(cells[1]), let minute = Double(cells[2]),
        let good = Int(cells[column]), let total = Int(cells[all]), let failed = Int(cells[all + 1]), good >= 0, good <= total, failed >= 0
      else { return bad("line \(index + 1) of `\(file)` does not fit its heading", "such as r1,good,5,24000,0 with counts that grow to the right") }
      if releases.last?.name != cells[0] {
        releases.append(RecordedRelease(name: cells[0], isBad: cells[1] == "bad", step: .zero, good: [], total: []))
        minutes.append(minute)
      } else if releases[releases.count - 1].total.count == 1 {
        releases[releases.count - 1].step = Nanoseconds(seconds: (minute - minutes[minutes.count - 1]) * 60)
      }
      releases[releases.count - 1].good.append(good)
      releases[releases.count - 1].total.append(total + failed)
    }
    guard !releases.isEmpty, releases.count <= 100, releases.allSatisfy({ $0.step > .zero }), Set(releases.map(\.name)).count == releases.count else {
      return bad("`\(file)` has no release with at least two steps of time, or one in two places", "keep the lines of a release together, oldest first")
    }
    return releases
  }
}

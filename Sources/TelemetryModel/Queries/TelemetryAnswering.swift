// A query of a block, answered: which function is called, and how its result becomes rows.

import ExperimentModel

extension TelemetryCapture {
  /// Rows that an answer keeps; the rest is counted in its notes.
  static let rowsMax = 100
  /// Bars of a waterfall that an answer keeps: results are saved in a file of at most 64 KiB.
  static let barsSaved = 40

  /// The answer to a question. Bounded in size whatever was captured; the same for the same capture.
  public func answer(_ query: TelemetryQuery) -> TelemetryAnswer {
    var draft = AnswerDraft(query)
    switch query.kind {
    case .red: addRED(red(where: query.where, groupBy: draft.labels), &draft)
    case .metricRED: addRED(red(metric: query.metric ?? "http.server.request.duration", groupBy: draft.labels), &draft)
    case .use: addUSE(&draft)
    case .goldenSignals: addGoldenSignals(query, &draft)
    case .apdex: addApdex(query, &draft)
    case .errors: addErrors(query, &draft)
    case .lift: addLifts(query, &draft)
    case .cardinality:
      for one in attributeCardinality() {
        draft.row([one.attribute], ["values": .count(one.values), "records": .count(one.records)])
        if one.isCut { draft.notes.append("`\(one.attribute)` has more values than were counted") }
      }
    case .series: addSeries(&draft)
    case .conformance: addConformance(query, &draft)
    case .unaccounted:
      let found = unaccounted(where: query.where)
      for one in found.services { draft.row([one.service], ["share": .share(one.share)]) }
      draft.whole["unaccounted"] = found.share.map { .share($0) }
    case .serviceMap:
      let map = serviceMap(where: query.where)
      for edge in map.edges.sorted(by: { ($1.calls, $0.from, $0.to) < ($0.calls, $1.from, $1.to) }) {
        draft.row(
          [map.nodes[edge.from].name, map.nodes[edge.to].name],
          ["calls": .count(edge.calls), "error_share": .share(edge.errors / edge.calls), "p95": .time(edge.p95)])
      }
      if map.omitted > 0 { draft.notes.append("\(map.omitted) more edges are left out") }
      draft.pictures.append(.serviceMap(map))
    case .criticalPath: addCriticalPath(query, &draft)
    case .spanMetrics:
      let found = spanMetrics(where: query.where, groupBy: draft.labels)
      for one in found {
        let bucket = one.bucket(ofQuantile: 0.95)
        draft.row(
          one.group,
          [
            "calls": .count(one.calls), "errors": .count(one.errors), "p95_low": bucket.map { .time($0 == 0 ? 0 : one.bounds[$0 - 1] * 1e9) },
            "p95_high": bucket.flatMap { $0 < one.bounds.count ? .time(one.bounds[$0] * 1e9) : nil },
          ])
      }
      draft.whole["calls_all"] = .count(spanMetrics(where: query.where, groupBy: [], entries: true).first?.calls ?? 0)
    case .sampling: addSampling(query, &draft)
    case .exemplars: addExemplars(query, &draft)
    case .heatMap:
      let map = heatMap(where: query.where)
      draft.whole["records"] = .count(map.counts.reduce(0) { $0 + $1.reduce(0, +) })
      if map.omitted > 0 { draft.notes.append("\(map.omitted) spans have no positive duration and are in no cell") }
      draft.pictures.append(.heatMap(map))
      // The slowest that is marked can be looked at.
      if let slowest = map.exemplars.max(by: { $0.row < $1.row }) { draft.pictures += picture(ofTrace: slowest.traceID) }
    case .waterfall: addWaterfall(query, &draft)
    case .flame:
      let flame = flameProfile(where: query.where)
      draft.whole["traces"] = .count(flame.traces)
      draft.pictures.append(.flame(flame.profile, traces: flame.traces))
    }
    return draft.answer
  }

  private func addExemplars(_ query: TelemetryQuery, _ draft: inout AnswerDraft) {
    let rows = exemplars(metric: query.metric, where: query.where).rows
    for row in rows.reversed() where row.count > 0 {
      let bucket = row.high.map { "up to \(Self.milliseconds($0))" } ?? "over \(Self.milliseconds(row.low))"
      draft.row([bucket, row.traceIDs.first ?? "–"], ["count": .count(row.count)])
    }
    let all = rows.reduce(0) { $0 + $1.count }
    var below = 0.0
    for row in rows {
      below += row.count
      guard below >= 0.99 * all, let picture = row.traceIDs.lazy.map(picture(ofTrace:)).first(where: { !$0.isEmpty }) else { continue }
      draft.notes.append("p99 lies in the bucket \(row.high.map { "up to \(Self.milliseconds($0))" } ?? "over \(Self.milliseconds(row.low))"); its trace is drawn")
      draft.pictures += picture
      return
    }
  }

  /// Its waterfall; nothing where the trace was not captured.
  private func picture(ofTrace hex: String) -> [TelemetryPicture] {
    TraceID(hex: hex).flatMap { trace($0) }.map { [.waterfall(waterfall($0, barsMax: Self.barsSaved))] } ?? []
  }

  private static func milliseconds(_ time: Double) -> String {
    let rounded = (time / 1e3).rounded() / 1e3
    return (rounded == rounded.rounded() && abs(rounded) < 1e15 ? String(Int64(rounded)) : "\(rounded)") + " ms"
  }

  private func addRED(_ rows: [REDRow], _ draft: inout AnswerDraft) {
    for one in rows {
      draft.row(
        one.group,
        [
          "requests": .count(one.requests), "rate": MetricValue(Estimate(one.rate), .perSecond), "error_share": .share(one.errorShare),
          "mean": .time(one.mean), "p50": .time(one.p50), "p95": .time(one.p95), "p99": .time(one.p99), "error_p95": one.errorP95.map { .time($0) },
        ])
    }
  }

  private func addUSE(_ draft: inout AnswerDraft) {
    for one in use() {
      draft.row(
        [one.service, one.resource],
        [
          "utilization": one.utilization.map { .share($0) }, "utilization_max": one.utilizationMax.map { .share($0) },
          "saturation": one.saturation.map { .plain($0) }, "saturation_max": one.saturationMax.map { .plain($0) }, "wait": one.wait.map { .time($0) },
          "errors": one.errors.map { .count($0) },
        ])
    }
  }

  private func addGoldenSignals(_ query: TelemetryQuery, _ draft: inout AnswerDraft) {
    if let all = red(where: query.where, groupBy: [], entries: true).first {
      draft.whole = [
        "rate": MetricValue(Estimate(all.rate), .perSecond), "error_share": .share(all.errorShare), "p50": .time(all.p50), "p95": .time(all.p95),
        "p99": .time(all.p99),
      ]
      draft.whole["error_p95"] = all.errorP95.map { .time($0) }
    }
    draft.whole["utilization"] = use().compactMap(\.utilization).max().map { .share($0) }
  }

  private func addApdex(_ query: TelemetryQuery, _ draft: inout AnswerDraft) {
    let found = apdex(where: query.where, threshold: Double((query.threshold ?? Nanoseconds(500_000_000)).rawValue))
    draft.whole = ["satisfied": .count(found.satisfied), "tolerating": .count(found.tolerating), "frustrated": .count(found.frustrated)]
    draft.whole["apdex"] = found.score.map { .plain($0) }
  }

  private func addErrors(_ query: TelemetryQuery, _ draft: inout AnswerDraft) {
    let groups = errorGroups(where: query.where)
    let all = groups.reduce(0) { $0 + $1.count }
    for one in groups {
      draft.row([one.fingerprint, one.type, one.route, one.message], ["count": .count(one.count), "error_share": .share(one.count / all)])
    }
    draft.whole["errors"] = .count(all)
  }

  private func addLifts(_ query: TelemetryQuery, _ draft: inout AnswerDraft) {
    let source: LiftSource = query.source == .logs ? .logs : query.source == .spans ? .spans : .traces
    let found = lifts(source, where: query.where, versus: query.versus)
    for one in found.rows {
      draft.row(
        [one.attribute, one.value],
        [
          "lift": MetricValue(one.lift, .ratio), "hits": .count(one.hits), "marked": .count(one.marked),
          "chosen_share": .share(Double(one.hits) / Double(found.chosen)), "share": .share(Double(one.marked) / Double(found.total)), "p": .plain(one.p),
        ])
    }
    draft.whole = [
      "chosen": .count(found.chosen), "records": .count(found.total), "tried": .count(found.tried), "found": .count(found.rows.count { $0.isFound }),
    ]
    if source == .spans { draft.notes.append("spans of one trace are not independent: p-values are too small") }
    draft.pictures.append(.lifts(found))
  }

  private func addSeries(_ draft: inout AnswerDraft) {
    let found = seriesCardinality()
    for one in found {
      draft.row([one.metric], ["series": .count(one.series), "product": one.product.map { .count($0) }, "stored": .count(one.stored)])
    }
    draft.whole = ["series_all": .count(found.reduce(0) { $0 + $1.series }), "stored_all": .count(found.reduce(0) { $0 + $1.stored })]
  }

  private func addConformance(_ query: TelemetryQuery, _ draft: inout AnswerDraft) {
    let selection = TelemetrySelection(query.where, over: spans)
    var findings: [String: Int] = [:]
    var judged = 0
    for one in spans where SpanConvention(one.span) != .none && selection.contains(one) {
      judged += 1
      for text in Set(SemanticConventions.check(one.span).map(\.description)) {
        if findings[text] != nil || findings.count < Self.groupsMax { findings[text, default: 0] += 1 }
      }
    }
    for (text, count) in findings.sorted(by: { ($1.value, $0.key) < ($0.value, $1.key) }) {
      draft.row([text], ["count": .count(count), "share": .share(Double(count) / Double(judged))])
    }
    let share = SemanticConventions.conformance(spans.lazy.filter { selection.contains($0) }.map(\.span))
    draft.whole["conformance"] = share.map { .share($0) }
  }

  private func addCriticalPath(_ query: TelemetryQuery, _ draft: inout AnswerDraft) {
    let report = criticalPath(where: query.where, versus: query.versus)
    for one in report.rows {
      draft.row(
        [one.service, one.name],
        [
          "self_time": .time(one.mean), "self_time_base": query.versus == nil ? nil : .time(one.base), "self_time_delta": .time(one.delta),
          "share": .share(one.share), "traces": .count(one.traces),
        ])
    }
    draft.whole = ["chosen": .count(report.chosen), "compared": .count(report.base), "excess": .time(report.excess), "broken": .count(report.broken)]
    if report.broken > 0 { draft.notes.append("\(report.broken) traces have no single root, and so no critical path") }
    if let trace = exampleTrace(where: query.where) { draft.pictures.append(.waterfall(waterfall(trace, barsMax: Self.barsSaved))) }
  }

  private func addSampling(_ query: TelemetryQuery, _ draft: inout AnswerDraft) {
    guard let spec = query.sampling else { return }
    let found: SamplingOutcome
    if let head = spec.head {
      found = replay(.ratio(head), slow: query.where)
    } else {
      var configuration = TailSampler.Configuration(policies: spec.tail.enumerated().map { TailPolicy("\($0)", TailRule($1)) })
      configuration.decisionWait = UInt64(max(0, spec.decisionWait.rawValue))
      found = replay(configuration, slow: query.where)
    }
    draft.whole = [
      "kept_traces": .count(found.keptTraces), "errors": .count(found.errors), "slow": .count(found.slow), "evicted": .count(found.evictedTraces),
    ]
    draft.whole["kept_share"] = found.keptShare.map { .share($0) }
    draft.whole["kept_errors"] = found.keptErrorShare.map { .share($0) }
    draft.whole["kept_slow"] = found.keptSlowShare.map { .share($0) }
  }

  private func addWaterfall(_ query: TelemetryQuery, _ draft: inout AnswerDraft) {
    guard let trace = exampleTrace(where: query.where) else { return }
    let found = waterfall(trace, barsMax: Self.barsSaved)
    for bar in found.bars {
      let critical = bar.critical.reduce(0) { $0 + $1.end - $1.start }
      draft.row(
        [bar.service, bar.name],
        ["start": .time(bar.time.start), "duration": .time(bar.time.end - bar.time.start), "self_time": .time(bar.selfTime), "critical": .time(critical)])
    }
    if found.omitted > 0 { draft.notes.append("\(found.omitted) more spans are not drawn") }
    draft.pictures.append(.waterfall(found))
  }
}

/// An answer as it grows.
private struct AnswerDraft {
  let labels: [String]
  private let columns: [String]
  private var rows: [TelemetryAnswer.Row] = []
  private var left = 0
  private let show: [String]
  var whole: [String: MetricValue] = [:]
  var notes: [String] = []
  var pictures: [TelemetryPicture] = []

  init(_ query: TelemetryQuery) {
    let isGrouped = [.red, .metricRED, .spanMetrics].contains(query.kind) && !query.groupBy.isEmpty
    labels = isGrouped ? query.groupBy : query.kind.labels
    columns = query.kind.columns.map(\.name)
    show = query.show
  }

  mutating func row(_ labels: [String], _ values: [String: MetricValue?]) {
    guard rows.count < TelemetryCapture.rowsMax else {
      left += 1
      return
    }
    rows.append(TelemetryAnswer.Row(labels: labels, values: values.compactMapValues { $0 }))
  }

  /// With the columns that are shown: of the labels those that `show` names or all, of the values likewise and in its order.
  var answer: TelemetryAnswer {
    let places = labels.indices.filter { show.isEmpty || show.contains(labels[$0]) || !show.contains(where: labels.contains) }
    let shown = show.filter(columns.contains)
    let kept = shown.isEmpty ? columns : shown
    return TelemetryAnswer(
      labels: places.map { labels[$0] }, columns: kept,
      rows: rows.map { row in TelemetryAnswer.Row(labels: places.map { row.labels[$0] }, values: row.values.filter { kept.contains($0.key) }) },
      whole: whole, notes: notes + (left > 0 ? ["\(left) more rows are left out"] : []), pictures: pictures)
  }
}

extension MetricValue {
  fileprivate static func count(_ value: Int) -> MetricValue { MetricValue(Estimate(Double(value)), .count) }
  fileprivate static func count(_ value: Double) -> MetricValue { MetricValue(Estimate(value), .count) }
  fileprivate static func time(_ nanoseconds: Double) -> MetricValue { MetricValue(Estimate(nanoseconds), .nanoseconds) }
  fileprivate static func share(_ value: Double) -> MetricValue { MetricValue(Estimate(value), .share) }
  fileprivate static func plain(_ value: Double) -> MetricValue { MetricValue(Estimate(value), .plain) }
}

extension TailRule {
  fileprivate init(_ policy: SamplingSpec.Policy) {
    switch policy {
    case .latency(let time): self = .latency(min: UInt64(max(0, time.rawValue)))
    case .statusError: self = .statusCode([.error])
    case .attribute(let key, let values): self = .stringAttribute(key: key, values: Set(values))
    // A share of 0 keeps nothing, and has no threshold.
    case .probabilistic(let share): self = SamplingThreshold(probability: share).map(TailRule.probabilistic) ?? .not(.alwaysSample)
    case .rateLimiting(let rate): self = .rateLimiting(spansPerSecond: rate)
    }
  }
}

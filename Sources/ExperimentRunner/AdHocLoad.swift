// A load run outside any notebook: a target that is already there, a profile from the command line, and one value with
// everything that was found. Judged by the rules of a block: intervals decide, and an INVALID run decides nothing.

import ExperimentModel
import LoadKernel
import MeasureKernel
import Statistics

/// What `nb load` asks for.
public struct LoadRequest: Sendable {
  public var profile: LoadProfile
  public var target: LoadTarget
  /// As it was typed, for the report.
  public var targetText: String
  public var options: LoadOptions
  public var objectives: [Judgement]
  public var environment: String
  /// Seconds since 1970, for a histogram log; nil: none is wanted.
  public var logStart: Double?
  public init(
    profile: LoadProfile, target: LoadTarget, targetText: String, options: LoadOptions, objectives: [Judgement], environment: String
  ) {
    self.profile = profile; self.target = target; self.targetText = targetText; self.options = options
    self.objectives = objectives; self.environment = environment
  }
}

/// Runs the load and judges it.
///
/// - Throws: `CellFailure` when no load could be run at all.
public func runLoad(
  _ request: LoadRequest, progress: ((LoadProgress) -> Void)? = nil, cancelled: () -> Bool
) throws(CellFailure) -> LoadReport {
  var request = request
  request.options.partLength = partLength(request.objectives)
  request.options.abortWhen = abortRules(request.objectives, arm: nil)
  let before = MachineProbe.sample()
  let seen = request.target.processes()
  let watch = LoadWatch(target: seen.pids)
  let record: LoadRecord
  do {
    record = try LoadEngine(profile: request.profile, target: request.target).run(
      request.options, progress: progress, atEnd: { watch.end() }, cancelled: cancelled)
  } catch {
    throw CellFailure(error.cause, remedy: error.remedy)
  }
  var report = LoadReport(
    target: request.targetText, traffic: trafficText(request.profile), seed: request.profile.seed, environment: request.environment)
  report.machine = MachineProbe.state(from: before, to: MachineProbe.sample())
  report.take(record)
  let footprint = watch.footprint
  let observation = LoadObservation(footprint, record, fsyncs: nil, targetUnknown: seen.unknown)
  report.observation = observation
  if let start = request.logStart, record.verdict != .invalid {
    let length = record.elapsed.seconds
    report.histogramLog = hdrLog(
      [
        HDRInterval(start: 0, length: length, tag: "response_time", histogram: record.response),
        HDRInterval(start: 0, length: length, tag: "service_time", histogram: record.service),
      ], startTime: start)
  }
  var metrics = loadMetrics(record, request.profile)
  for (name, value) in observation.metrics {
    if let unit = Metric.named(name)?.unit { metrics[name] = MetricValue(Estimate(value), unit) }
  }
  if let mean = metrics["mean"] { report.response?.mean = mean.estimate }
  report.thresholds = request.objectives.map { objective in
    var one: JudgementResult
    if let window = objective.window, record.verdict != .invalid, let length = record.partLength {
      one = judgeWindows(objective, window, [record], full: length)
    } else {
      one = judged(objective, metrics, record.verdict)
    }
    if record.aborted == objective.text { one.outcome = .fail }
    return one
  }
  if let text = record.aborted { report.doubts.append(Doubt(id: "aborted", text: "ended before its time, because `\(text)` had failed")) }
  return report
}

/// Metric values of a run without a lab, by the rules of a block's arm.
func loadMetrics(_ record: LoadRecord, _ profile: LoadProfile) -> [String: MetricValue] {
  let arm = LoadArm(name: "load", system: SystemSpec(id: "target", seed: 0, roles: [], data: []), profile: profile)
  return ArmMeasurement(arm, [Slice(record: record, counters: [:], samples: [], sampleTimes: [])]).metrics()
}

private func judged(_ judgement: Judgement, _ metrics: [String: MetricValue], _ verdict: RunValidity) -> JudgementResult {
  guard judgement.window == nil, let value = metrics[judgement.address.metric] else {
    return JudgementResult(text: judgement.text, measured: nil, outcome: .inconclusive)
  }
  // Times of an INVALID run are the generator's: they are neither judged nor shown.
  if verdict == .invalid { return JudgementResult(text: judgement.text, measured: nil, outcome: .inconclusive) }
  return JudgementResult(text: judgement.text, measured: value, outcome: Runner.outcome(value.estimate, judgement.op, judgement.limit.value))
}

/// `open, Poisson, 2000 rps for 10 s`.
func trafficText(_ profile: LoadProfile) -> String {
  let time = "\(plain(profile.duration.seconds)) s"
  switch profile.executor {
  case .constantArrivalRate: return "open, \(profile.arrivals.rawValue), \(plain(profile.rate ?? 0)) rps for \(time)"
  case .rampingArrivalRate:
    let stages = profile.stages.map { "\(plain($0.target)) rps by \(plain($0.duration.seconds)) s" }.joined(separator: ", ")
    return "open, \(profile.arrivals.rawValue), ramping: \(stages)"
  case .constantVUs: return "closed, \(profile.vus ?? 1) users for \(time)"
  case .rampingVUs:
    return "closed, ramping: " + profile.stages.map { "\(plain($0.target)) users by \(plain($0.duration.seconds)) s" }.joined(separator: ", ")
  case .sharedIterations: return "\(profile.iterations ?? 1) iterations by \(profile.vus ?? 1) users"
  }
}

extension LoadRecord {
  /// Said of an open run that was no steady state; a closed one cannot hold back what it has not sent.
  func steadyDoubt(above limit: Double, of name: String = "") -> Doubt? {
    guard plannedRate != nil, let residual = littleResidual, residual > limit else { return nil }
    return Doubt(
      id: "not-steady",
      text: "\(name)Little's law is off by \(Int((residual * 100).rounded())) %: so much of the time in flight came after the plan's end. "
        + "The queue grew, or the run was short beside its response times")
  }
}

extension LoadReport {
  /// The record's numbers, rearranged.
  fileprivate mutating func take(_ record: LoadRecord) {
    validity = record.verdict
    validityReason = record.reason
    isTargetsFault = record.isTargetsFault
    isPartial = record.isPartial
    examples = record.examples
    byName = record.named.map { one in
      LoadReportRequest(name: one.name, response: summary(one.response) { record.quantile($0, of: one) } ?? LatencySummary(count: 0, min: 0, mean: Estimate(0), max: 0, quantiles: [:]), failed: one.failed)
    }
    if let interval = record.stopped {
      doubts.append(
        Doubt(id: "stopped", text: "stopped when the interval was narrow enough: \(Int(interval.low)) to \(Int(interval.high)) ns at \(interval.confidence)"))
    }
    let redirects = record.statuses.filter { [301, 302, 303, 307, 308].contains($0.key) }
    if !redirects.isEmpty {
      let codes = redirects.keys.sorted().map(String.init).joined(separator: ", ")
      doubts.append(
        Doubt(
          id: "redirects",
          text: "\(redirects.values.reduce(0, +)) of \(record.completed + record.failed) answers were redirects (\(codes)), which are not "
            + "followed: to measure what they point to, load its URL"))
    }
    if let raw = record.raw, raw.truncated > 0 {
      doubts.append(
        Doubt(
          id: "raw-truncated",
          text: "raw samples of \(raw.rows.count) of \(raw.rows.count + raw.truncated) requests: there was no room for the \(raw.truncated) that "
            + "ended last, so --raw-rows must be larger to have all"))
    }
    if record.unasked > 0 {
      let example = record.unaskedExample.map { ", such as \($0)" } ?? ""
      doubts.append(Doubt(id: "unasked", text: "the target sent more than was asked for, \(record.unasked) times\(example)"))
    }
    for reason in record.reasons.dropFirst() { doubts.append(Doubt(id: "verdict", text: reason)) }
    requests = record.completed + record.failed
    failed = record.failed
    raw = record.raw
    errors = record.errors
    connectErrors = record.connectErrors
    unasked = record.unasked
    statuses = record.statuses
    elapsed = record.elapsed.seconds
    rate = record.achievedRate
    plannedRate = record.plannedRate
    response = summary(record.response, record.responseQuantile)
    service = summary(record.service, record.serviceQuantile)
    sendLag = summary(record.sendLag)
    effectiveRequests = record.response.count > 0 ? record.worth(0.99) : nil
    bytesIn = record.bytesIn
    bytesOut = record.bytesOut
    inFlightMean = record.inFlightMean
    littleResidual = record.littleResidual
    if let doubt = record.steadyDoubt(above: 0.05) { doubts.append(doubt) }
    generatorCPUShare = record.generatorCPUShare
    connections = record.connections
    windows = record.windows.map { window in
      LoadReportWindow(
        start: Double(window.start.rawValue), rate: Double(window.completed + window.failed) / max(1e-9, record.windowLength.seconds),
        failed: window.failed, p50: Double(window.p50.rawValue), p99: Double(window.p99.rawValue))
    }
    if record.response.count > 0, elapsed > 0 {
      distribution = PlotData(
        title: "Response and service time, cumulative", xLabel: "time", yLabel: "share of requests", xUnit: .nanoseconds, yUnit: .share,
        logX: true, series: [step("response time", record.response), step("service time", record.service)])
    }
  }

  /// - Parameter quantile: with its interval; nil: none is known.
  private func summary(_ histogram: Histogram, _ quantile: ((Double) -> Estimate)? = nil) -> LatencySummary? {
    guard histogram.count > 0 else { return nil }
    var quantiles: [String: Estimate] = [:]
    for (name, q) in LatencySummary.names where Double(histogram.count) * (1 - q) >= 1 || q <= 0.5 {
      quantiles[name] = quantile?(q) ?? Estimate(Double(histogram.quantile(q)))
    }
    return LatencySummary(
      count: Int(histogram.count), min: Double(histogram.min), mean: Estimate(histogram.mean), max: Double(histogram.max), quantiles: quantiles)
  }

  private func step(_ name: String, _ histogram: Histogram) -> PlotSeries {
    var x: [Double] = []
    var y: [Double] = []
    var seen = 0.0
    histogram.forEachBucket { value, count in
      seen += Double(count)
      x.append(Double(value))
      y.append(seen / Double(histogram.count))
    }
    let kept = thinned(x.count, to: 200)
    return PlotSeries(name: name, mark: .step, x: kept.map { x[$0] }, y: kept.map { y[$0] })
  }
}

// What a sampling policy would have kept of a capture that kept everything: its volume, and whether the errors and the slow
// traces are still there. Runs the samplers themselves, on the capture's own times.

import ExperimentModel

public struct SamplingOutcome: Hashable, Sendable {
  public var traces = 0
  public var keptTraces = 0
  public var spans = 0
  public var keptSpans = 0
  /// Traces with a span that failed.
  public var errors = 0
  public var keptErrors = 0
  /// Traces that the question calls slow.
  public var slow = 0
  public var keptSlow = 0
  /// Traces that the tail sampler had no room for.
  public var evictedTraces = 0

  /// Of the spans; nil without any.
  public var keptShare: Double? { spans > 0 ? Double(keptSpans) / Double(spans) : nil }
  /// nil without errors.
  public var keptErrorShare: Double? { errors > 0 ? Double(keptErrors) / Double(errors) : nil }
  public var keptSlowShare: Double? { slow > 0 ? Double(keptSlow) / Double(slow) : nil }
}

extension TelemetryCapture {
  /// A decision at the root by its trace id, followed by all of the trace.
  public func replay(_ sampler: HeadSampler, slow: TelemetryFilter) -> SamplingOutcome {
    outcome(slow) { sampler.decide($0.id).isSampled }
  }

  /// Whole traces, by policies, at the time at which their spans ended. Ticks of 100 ms stand for the collector's own.
  public func replay(_ configuration: TailSampler.Configuration, slow: TelemetryFilter) -> SamplingOutcome {
    let sampler = TailSampler(configuration)
    let order = spans.indices.sorted { (ended($0), $0) < (ended($1), $1) }
    var kept: Set<TraceID> = []
    var i = 0
    let tick: UInt64 = 100_000_000
    while i < order.count {
      let now = ended(order[i]) / tick
      var batch: [OriginatedSpan] = []
      while i < order.count, ended(order[i]) / tick == now {
        batch.append(spans[order[i]])
        i += 1
      }
      let time = now &* tick
      for one in sampler.decide(at: time) { kept.insert(one.traceID) }
      for one in sampler.add(TraceBatch(batch), at: time) { kept.insert(one.traceID) }
    }
    for one in sampler.flush(at: order.last.map(ended) ?? 0) { kept.insert(one.traceID) }
    var outcome = outcome(slow) { kept.contains($0.id) }
    outcome.evictedTraces = sampler.counts.evictedTraces
    // By the sampler's own count: it may have cut a trace, or lost its first spans.
    outcome.keptSpans = sampler.counts.keptSpans
    return outcome
  }

  private func ended(_ i: Int) -> UInt64 { max(spans[i].span.endUnixNano, spans[i].span.startUnixNano) }

  private func outcome(_ slow: TelemetryFilter, _ keeps: (Trace) -> Bool) -> SamplingOutcome {
    let selection = TelemetrySelection(slow, over: traces.lazy.map { spans[$0.root] })
    var outcome = SamplingOutcome()
    for trace in traces {
      let isKept = keeps(trace)
      outcome.traces += 1
      outcome.spans += trace.range.count
      let isError = spans[trace.range].contains { SemanticConventions.hasFailed($0.span) }
      let isSlow = selection.contains(spans[trace.root])
      if isError { outcome.errors += 1 }
      if isSlow { outcome.slow += 1 }
      guard isKept else { continue }
      outcome.keptTraces += 1
      outcome.keptSpans += trace.range.count
      if isError { outcome.keptErrors += 1 }
      if isSlow { outcome.keptSlow += 1 }
    }
    return outcome
  }
}

// The spans of a trace that wait for the decision.

struct PendingTrace {
  let traceID: TraceID
  let firstSeen: UInt64
  var spans: [OriginatedSpan] = []
  /// Spans over the limit; they are not in `spans`.
  var cut = 0

  /// From the first start to the last end, in nanoseconds. A span that ends before it begins counts from its start only.
  var duration: UInt64 {
    guard let start = spans.map(\.span.startUnixNano).min() else { return 0 }
    let end = spans.reduce(start) { max($0, max($1.span.endUnixNano, $1.span.startUnixNano)) }
    return end - start
  }

  /// R: what a caller set, or the trace id's own.
  var randomness: UInt64 {
    for one in spans where !one.span.traceState.isEmpty {
      if let state = TraceState(one.span.traceState), let set = OTelTraceState(state).randomness { return set }
    }
    return traceID.randomness
  }

  /// How many traces one stands for by the head sampling before: the largest weight that a span tells; 1 when none does.
  var headWeight: Double { spans.reduce(1) { max($0, $1.span.adjustedCount ?? 1) } }

  func hasAttribute(_ key: String, _ matches: (AttributeValue) -> Bool) -> Bool {
    var last: SpanOrigin?
    for one in spans {
      if let value = one.span.attributes[key], matches(value) { return true }
      if one.origin !== last, let value = one.origin.resource.attributes[key], matches(value) { return true }
      last = one.origin
    }
    return false
  }
}

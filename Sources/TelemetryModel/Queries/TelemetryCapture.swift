// What was captured of all three signals, laid out for questions: the spans of a trace stand together, a repeated span counts
// once, a log knows how long its trace took. Queries are functions of a capture and of nothing else.
//
//   spans    [ trace A: a1 a2 a3 ][ trace B: b1 ][ trace C: … ]       traces: id, range, root
//
// Memory is the spans' own and 40 bytes a trace; each query says what it adds.

public struct TelemetryCapture: Sendable {
  public struct Trace: Sendable {
    public var id: TraceID
    /// Places in `spans`.
    public var range: Range<Int>
    /// The span that the trace is judged by: without a parent, or else without a parent that is here, the first to start.
    public var root: Int
    /// A span without a parent id was captured.
    public var hasRoot: Bool
  }

  /// A log record with its sender.
  public struct Log: Sendable {
    public var record: LogRecord
    public var origin: SpanOrigin
    /// Nanoseconds: its own `http.server.request.duration`, or else that of its trace's root, or else, where spans were not captured,
    /// its own `nb.duration`, which a lab's access lines have; nil without any.
    public internal(set) var duration: Int64?

    public init(_ record: LogRecord, _ origin: SpanOrigin) {
      self.record = record
      self.origin = origin
      duration = seconds("http.server.request.duration")
    }

    /// An attribute that is a time in seconds, in nanoseconds.
    fileprivate func seconds(_ key: String) -> Int64? { record.attributes[key]?.number.flatMap { Int64(nanosecondsOfSeconds: $0) } }
  }

  /// A metric with its sender.
  public struct Metric: Sendable {
    public var metric: TelemetryMetric
    public var origin: SpanOrigin
    public init(_ metric: TelemetryMetric, _ origin: SpanOrigin) {
      self.metric = metric
      self.origin = origin
    }
  }

  public let spans: [OriginatedSpan]
  /// In the order of their first spans.
  public let traces: [Trace]
  public let logs: [Log]
  /// Each name of each sender once, with the points of all exports.
  public let metrics: [Metric]
  /// Spans that came twice, as after a retried request; they are not in `spans`.
  public let repeatedSpans: Int
  /// Spans longer than 2⁵³ ns (104 days), which a broken clock makes; they are not in `spans` either, as one would be every mean.
  public let endlessSpans: Int
  private let places: [TraceID: Int]

  public init(spans all: [OriginatedSpan] = [], logs: [Log] = [], metrics: [Metric] = []) {
    let received = all.contains { $0.span.isEndless } ? all.filter { !$0.span.isEndless } : all
    var places: [TraceID: Int] = [:]
    var traceOf: [Int] = []
    var sizes: [Int] = []
    traceOf.reserveCapacity(received.count)
    for i in received.indices {
      let id = received[i].span.traceID
      let place = places[id] ?? sizes.count
      if place == sizes.count {
        places[id] = place
        sizes.append(0)
      }
      sizes[place] += 1
      traceOf.append(place)
    }
    // Counting sort: stable, so that a trace's spans keep the order in which they came.
    var next = [0]
    for size in sizes { next.append(next[next.count - 1] + size) }
    var order = [Int](repeating: 0, count: received.count)
    for (i, place) in traceOf.enumerated() {
      order[next[place]] = i
      next[place] += 1
    }
    var spans: [OriginatedSpan] = []
    spans.reserveCapacity(received.count)
    var traces: [Trace] = []
    traces.reserveCapacity(sizes.count)
    var read = 0
    for size in sizes {
      let start = spans.count
      var seen: Set<SpanID> = []
      for i in order[read..<read + size] where size == 1 || seen.insert(received[i].span.spanID).inserted { spans.append(received[i]) }
      read += size
      traces.append(Self.trace(spans, start..<spans.count, seen))
    }
    self.spans = spans
    self.traces = traces
    self.places = places
    self.metrics = Self.joined(metrics)
    repeatedSpans = received.count - spans.count
    endlessSpans = all.count - received.count
    self.logs = logs.map { log in
      var log = log
      if log.duration == nil { log.duration = places[log.record.traceID].map { spans[traces[$0].root].span.duration } ?? log.seconds("nb.duration") }
      return log
    }
  }

  private static func trace(_ spans: [OriginatedSpan], _ range: Range<Int>, _ ids: Set<SpanID>) -> Trace {
    func first(_ isCandidate: (Span) -> Bool) -> Int? {
      var found: Int?
      for i in range where isCandidate(spans[i].span) && found.map({ spans[i].span.startUnixNano < spans[$0].span.startUnixNano }) ?? true { found = i }
      return found
    }
    let id = spans[range.lowerBound].span.traceID
    if let root = first(\.isRoot) { return Trace(id: id, range: range, root: root, hasRoot: true) }
    let root = first { !ids.contains($0.parentSpanID) } ?? first { _ in true }
    return Trace(id: id, range: range, root: root ?? range.lowerBound, hasRoot: false)
  }

  /// From requests as they came.
  public init(traces: [TraceBatch], logs: [LogBatch] = [], metrics: [MetricBatch] = []) {
    var origins = OriginTable()
    var spans: [OriginatedSpan] = []
    for batch in traces {
      for group in batch.resources {
        for scope in group.scopes {
          let origin = origins.origin(group, scope)
          for span in scope.records { spans.append(OriginatedSpan(span, origin)) }
        }
      }
    }
    self.init(
      spans: spans, logs: logs.flatMap { Self.originated($0).map { Log($0.0, $0.1) } },
      metrics: metrics.flatMap { Self.originated($0).map { Metric($0.0, $0.1) } })
  }

  private static func originated<Record>(_ batch: TelemetryBatch<Record>) -> [(Record, SpanOrigin)] {
    batch.resources.flatMap { group in
      group.scopes.flatMap { scope in
        let origin = SpanOrigin(
          resource: group.resource, scope: scope.scope, resourceSchemaURL: group.schemaURL, scopeSchemaURL: scope.schemaURL)
        return scope.records.map { ($0, origin) }
      }
    }
  }

  /// A trace by its id.
  public func trace(_ id: TraceID) -> Trace? { places[id].map { traces[$0] } }

  /// A trace put together.
  public func tree(_ trace: Trace) -> TraceTree { TraceTree(Array(spans[trace.range])) }

  /// Nanoseconds from the first start to the last start or end of all spans; 0 without any.
  public var window: UInt64 {
    guard let first = spans.lazy.map(\.span.startUnixNano).min() else { return 0 }
    return spans.lazy.map { max($0.span.endUnixNano, $0.span.startUnixNano) }.max()! - first
  }
}

extension TelemetryCapture {
  /// `4321 spans, 80 log records`, without what there is none of.
  public var contents: String {
    let all = [(spans.count, "spans"), (logs.count, "log records"), (metrics.count, "metrics")].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
    return all.isEmpty ? "nothing" : all.joined(separator: ", ")
  }
}

extension Span {
  fileprivate var isEndless: Bool { duration > 1 << 53 }
}

extension Int64 {
  /// nil when it is no number or does not fit.
  init?(nanosecondsOfSeconds seconds: Double) { self.init(exactly: (seconds * 1e9).rounded()) }
}

/// At most `limit` characters of a text that came from outside, and at most four bytes for each: results are saved.
func shortened(_ text: String, _ limit: Int = 120) -> String {
  if text.utf8.count <= limit { return text }
  var out = ""
  var bytes = 0
  for character in text.prefix(limit) {
    bytes += character.utf8.count
    if bytes > limit * 4 { break }
    out.append(character)
  }
  return out == text ? out : out + "…"
}

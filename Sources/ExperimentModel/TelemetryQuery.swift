// A question of an observe block to captured telemetry, and the answer that is saved: rows of labels and values, and what
// pictures are drawn from. Which columns each question has is a table here, for the planner, the pages and the reference alike.

public struct TelemetryQuery: Codable, Hashable, Sendable {
  public enum Kind: String, Codable, Sendable, CaseIterable {
    case red, use, apdex, errors, lift, cardinality, series, conformance, unaccounted, sampling, exemplars, waterfall, flame
    case metricRED = "metric_red"
    case goldenSignals = "golden_signals"
    case serviceMap = "service_map"
    case criticalPath = "critical_path"
    case spanMetrics = "span_metrics"
    case heatMap = "heat_map"
  }

  /// What `lift` counts.
  public enum Source: String, Codable, Sendable, CaseIterable { case traces, spans, logs }

  public var kind: Kind
  public var source: Source
  public var `where`: TelemetryFilter
  public var versus: TelemetryFilter?
  /// Of `red`, `metric_red` and `span_metrics`; empty: by service and route.
  public var groupBy: [String]
  /// Columns in order; empty: all.
  public var show: [String]
  /// Of `metric_red` and `exemplars`: the name of a histogram.
  public var metric: String?
  /// T of `apdex`.
  public var threshold: Nanoseconds?
  /// Of `sampling`, where `where` says which traces are slow.
  public var sampling: SamplingSpec?

  public init(
    _ kind: Kind, source: Source = .traces, where filter: TelemetryFilter = .all, versus: TelemetryFilter? = nil, groupBy: [String] = [],
    show: [String] = [], metric: String? = nil, threshold: Nanoseconds? = nil, sampling: SamplingSpec? = nil
  ) {
    self.kind = kind
    self.source = source
    self.where = filter
    self.versus = versus
    self.groupBy = groupBy
    self.show = show
    self.metric = metric
    self.threshold = threshold
    self.sampling = sampling
  }
}

/// Kinds of telemetry that a system can record.
public struct TelemetrySignals: OptionSet, Hashable, Sendable {
  public var rawValue: Int
  public init(rawValue: Int) { self.rawValue = rawValue }
  public static let traces = Self(rawValue: 1)
  public static let logs = Self(rawValue: 2)
  public static let metrics = Self(rawValue: 4)
}

/// What is replayed over a capture: a share at the root, or policies over whole traces.
public struct SamplingSpec: Codable, Hashable, Sendable {
  /// Under the names of the OpenTelemetry Collector's tail_sampling processor.
  public enum Policy: Codable, Hashable, Sendable {
    case latency(Nanoseconds)
    case statusError
    case attribute(key: String, values: [String])
    case probabilistic(Double)
    case rateLimiting(spansPerSecond: Int)
  }
  /// 0…1; nil: the policies decide.
  public var head: Double?
  public var tail: [Policy]
  public var decisionWait: Nanoseconds
  public init(head: Double? = nil, tail: [Policy] = [], decisionWait: Nanoseconds = Nanoseconds(30_000_000_000)) {
    self.head = head
    self.tail = tail
    self.decisionWait = decisionWait
  }
}

/// What a capture answered.
public struct TelemetryAnswer: Codable, Hashable, Sendable {
  public struct Row: Codable, Hashable, Sendable {
    /// One for each of the answer's `labels`.
    public var labels: [String]
    /// By column; a value that does not exist has no entry.
    public var values: [String: MetricValue]
    public init(labels: [String], values: [String: MetricValue]) {
      self.labels = labels
      self.values = values
    }
  }
  public var labels: [String]
  /// In order.
  public var columns: [String]
  /// What matters most first, so that the first row is `top`.
  public var rows: [Row]
  /// Figures of the whole answer.
  public var whole: [String: MetricValue]
  /// What a reader must know; sentences without a full stop.
  public var notes: [String]
  public var pictures: [TelemetryPicture]

  public init(
    labels: [String], columns: [String], rows: [Row], whole: [String: MetricValue] = [:], notes: [String] = [], pictures: [TelemetryPicture] = []
  ) {
    self.labels = labels
    self.columns = columns
    self.rows = rows
    self.whole = whole
    self.notes = notes
    self.pictures = pictures
  }
}

extension TelemetryQuery.Kind {
  /// In a line.
  public var asks: String {
    switch self {
    case .red: "rate, errors and duration of requests, from spans of servers and consumers"
    case .metricRED: "the same from a histogram that servers report: quantiles to their bucket"
    case .use: "utilisation, saturation and errors of resources, from metrics"
    case .goldenSignals: "traffic, errors, latency and saturation of requests as they came in"
    case .apdex: "how content users are at a threshold T"
    case .errors: "spans that failed, grouped by type, route and message"
    case .lift: "which values of attributes are commoner among the chosen than among all"
    case .cardinality: "different values of each attribute of spans"
    case .series: "different sets of labels of each metric"
    case .conformance: "spans against the semantic conventions"
    case .unaccounted: "time of roots in which none of their children ran"
    case .serviceMap: "who calls whom"
    case .criticalPath: "where the end of a trace waited, and where slow traces lose their time against others"
    case .spanMetrics: "counts and buckets of requests, made from spans"
    case .sampling: "what a share at the head would have kept of this capture"
    case .exemplars: "traces of each bucket of durations"
    case .heatMap: "durations over time, as counts in cells"
    case .waterfall: "one trace, whose duration is the median of those chosen"
    case .flame: "self times of spans under the spans that called them"
    }
  }

  /// Figures of the whole that only a load generator knows.
  public var ofGenerator: Set<String> { self == .spanMetrics ? ["generator_requests", "generator_p95", "count_error", "buckets_apart"] : [] }

  /// What the rows are called by, where `group_by` does not say it.
  public var labels: [String] {
    switch self {
    case .red, .metricRED, .spanMetrics: ["service.name", "http.route"]
    case .use: ["service.name", "resource"]
    case .errors: ["fingerprint", "error.type", "http.route", "message"]
    case .lift: ["attribute", "value"]
    case .cardinality: ["attribute"]
    case .series: ["metric"]
    case .conformance: ["finding"]
    case .unaccounted: ["service.name"]
    case .serviceMap: ["from", "to"]
    case .criticalPath: ["service.name", "name"]
    case .exemplars: ["bucket", "trace"]
    case .waterfall: ["service.name", "name"]
    case .apdex, .goldenSignals, .sampling, .heatMap, .flame: []
    }
  }

  /// Values of each row.
  public var columns: [Metric] {
    switch self {
    case .red, .metricRED:
      [
        .init("requests", .count, .none, "requests, adjusted for sampling"), .init("rate", .perSecond, .none, "requests per second"),
        .init("error_share", .share, .lower, "share of requests that failed"), .init("mean", .nanoseconds, .lower, "mean duration"),
        .init("p50", .nanoseconds, .lower, "median duration"), .init("p95", .nanoseconds, .lower, "95th percentile of duration"),
        .init("p99", .nanoseconds, .lower, "99th percentile of duration"),
        .init("error_p95", .nanoseconds, .lower, "95th percentile of duration of those that failed"),
      ]
    case .use:
      [
        .init("utilization", .share, .none, "mean share of a resource in use"), .init("utilization_max", .share, .none, "largest share of a resource in use"),
        .init("saturation", .plain, .lower, "mean number that waits for a resource"),
        .init("saturation_max", .plain, .lower, "largest number that waits for a resource"), .init("wait", .nanoseconds, .lower, "mean wait for a resource"),
        .init("errors", .count, .lower, "errors of a resource"),
      ]
    case .errors: [.init("count", .count, .lower, "errors of a group"), .init("error_share", .share, .lower, "of all errors")]
    case .lift:
      [
        .init("lift", .ratio, .none, "how much commoner a value is among the chosen than among all"),
        .init("hits", .count, .none, "chosen records that have a value"), .init("marked", .count, .none, "records that have a value"),
        .init("chosen_share", .share, .none, "share of the chosen records that have a value"),
        .init("share", .share, .none, "share of all records that have a value"), .init("p", .plain, .none, "Fisher's exact test by Holm for all values"),
      ]
    case .cardinality: [.init("values", .count, .none, "different values of an attribute"), .init("records", .count, .none, "spans that have an attribute")]
    case .series:
      [
        .init("series", .count, .lower, "different sets of labels of a metric"),
        .init("product", .count, .lower, "series that the labels of a metric can span"),
        .init("stored", .count, .lower, "series that a system keeps that follows Prometheus"),
      ]
    case .conformance: [.init("count", .count, .lower, "spans with a finding"), .init("share", .share, .lower, "share of spans with a finding")]
    case .unaccounted: [.init("share", .share, .lower, "share of the roots' time in which none of their children ran")]
    case .serviceMap:
      [
        .init("calls", .count, .none, "calls, adjusted for sampling"), .init("error_share", .share, .lower, "share of calls that failed"),
        .init("p95", .nanoseconds, .lower, "95th percentile of duration of the called side"),
      ]
    case .criticalPath:
      [
        .init("self_time", .nanoseconds, .lower, "mean time on the critical path of the chosen traces"),
        .init("self_time_base", .nanoseconds, .lower, "the same of those that they are held against"),
        .init("self_time_delta", .nanoseconds, .lower, "the difference of both"), .init("share", .share, .none, "share of the excess that it explains"),
        .init("traces", .count, .none, "chosen traces that have it on their critical path"),
      ]
    case .spanMetrics:
      [
        .init("calls", .count, .none, "calls, adjusted for sampling"), .init("errors", .count, .lower, "calls that failed"),
        .init("p95_low", .nanoseconds, .lower, "lower bound of the bucket that p95 lies in"),
        .init("p95_high", .nanoseconds, .lower, "upper bound of the bucket that p95 lies in"),
      ]
    case .exemplars: [.init("count", .count, .none, "requests of a bucket")]
    case .waterfall:
      [
        .init("start", .nanoseconds, .none, "start since the trace began"), .init("duration", .nanoseconds, .lower, "duration of a span"),
        .init("self_time", .nanoseconds, .lower, "time of a span in which none of its children ran"),
        .init("critical", .nanoseconds, .lower, "time of a span that the end of the trace waited for"),
      ]
    case .apdex, .goldenSignals, .sampling, .heatMap, .flame: []
    }
  }

  /// Figures of the whole answer.
  public var wholeColumns: [Metric] {
    switch self {
    case .apdex:
      [
        .init("apdex", .plain, .higher, "(satisfied + tolerating ÷ 2) ÷ all"), .init("satisfied", .count, .higher, "requests within T"),
        .init("tolerating", .count, .none, "requests within 4·T"), .init("frustrated", .count, .lower, "requests that are slower or failed"),
      ]
    case .goldenSignals:
      [
        .init("rate", .perSecond, .none, "requests per second"), .init("error_share", .share, .lower, "share of requests that failed"),
        .init("p50", .nanoseconds, .lower, "median duration"), .init("p95", .nanoseconds, .lower, "95th percentile of duration"),
        .init("p99", .nanoseconds, .lower, "99th percentile of duration"), .init("error_p95", .nanoseconds, .lower, "95th percentile of those that failed"),
        .init("utilization", .share, .none, "mean share of the fullest resource in use"),
      ]
    case .lift:
      [
        .init("chosen", .count, .none, "records that were chosen"), .init("records", .count, .none, "records that were looked at"),
        .init("tried", .count, .none, "values that were tried"), .init("found", .count, .none, "values that are commoner by more than chance"),
      ]
    case .criticalPath:
      [
        .init("chosen", .count, .none, "traces that were chosen"), .init("compared", .count, .none, "traces that the chosen are held against"),
        .init("excess", .nanoseconds, .lower, "difference of the mean durations"), .init("broken", .count, .lower, "traces without exactly one root"),
      ]
    case .conformance: [.init("conformance", .share, .higher, "share of spans that lack nothing that the conventions require")] + Self.recorded
    case .unaccounted: [.init("unaccounted", .share, .lower, "share of the roots' time in which none of their children ran")]
    case .sampling:
      [
        .init("kept_share", .share, .none, "share of the spans that are kept"), .init("kept_traces", .count, .none, "traces that are kept"),
        .init("kept_errors", .share, .higher, "share of the traces with an error that are kept"),
        .init("kept_slow", .share, .higher, "share of the slow traces that are kept"), .init("errors", .count, .none, "traces with an error"),
        .init("slow", .count, .none, "slow traces"), .init("evicted", .count, .lower, "traces that a sampler had no room for"),
      ]
    case .series: [.init("series_all", .count, .lower, "series of all metrics"), .init("stored_all", .count, .lower, "series that are stored, of all metrics")]
    case .spanMetrics:
      [
        .init("calls_all", .count, .none, "requests as they came in: without those that services made of each other"),
        // The runner's, which knows the load generator's own count.
        .init("generator_requests", .count, .none, "requests that the load generator counted"),
        .init("generator_p95", .nanoseconds, .lower, "95th percentile of response time by the load generator"),
        .init("count_error", .count, .none, "`calls_all` less the generator's requests"),
        .init("buckets_apart", .count, .lower, "buckets between the generator's p95 and that of `calls_all`"),
      ] + Self.recorded
    case .heatMap: [.init("records", .count, .none, "requests that are in a cell")]
    case .flame: [.init("traces", .count, .none, "traces that were added up")]
    case .errors: [.init("errors", .count, .lower, "spans that failed")]
    case .red, .metricRED, .use, .cardinality, .serviceMap, .exemplars, .waterfall: []
    }
  }

  /// Of the recording itself, which the runner knows.
  private static let recorded: [Metric] = [
    .init("spans_dropped", .count, .lower, "spans and log records that found no room"),
    .init("span_bytes", .bytes, .lower, "mean size of a recorded span as OTLP/Protobuf, its share of the resource with it"),
  ]

  /// What the recording of a load must hold to be asked.
  public func signals(_ source: TelemetryQuery.Source, metric: String?) -> TelemetrySignals {
    switch self {
    case .metricRED, .use, .series: .metrics
    case .exemplars: metric == nil ? .traces : .metrics
    case .lift: source == .logs ? .logs : .traces
    default: .traces
    }
  }

  /// Figures that only these queries have, each name once.
  public static let metrics: [Metric] = {
    var seen: Set<String> = []
    return allCases.flatMap { $0.columns + $0.wholeColumns }.filter { seen.insert($0.name).inserted }
  }()

  /// What `show` may name.
  public func shown(groupBy: [String]) -> [String] {
    let groups = [.red, .metricRED, .spanMetrics].contains(self) && !groupBy.isEmpty
    return (groups ? groupBy : labels) + columns.map(\.name)
  }
}

// Metrics as OTLP carries them: a name with a unit, and points of one of five kinds. How points come about from single
// values is in Metrics/ExplicitHistogram.swift and Metrics/ExponentialHistogram.swift.

/// A metric with its points. (`Metric` is a column of nb's own tables, in ExperimentModel.)
public struct TelemetryMetric: TelemetryRecord {
  public static var signal: TelemetrySignal { .metrics }

  public var name: String
  public var description: String
  /// UCUM: `s`, `By`, `{request}`, `1`.
  public var unit: String
  public var metadata: [Attribute]
  public var data: MetricData

  public init(name: String, description: String = "", unit: String = "", metadata: [Attribute] = [], data: MetricData) {
    self.name = name
    self.description = description
    self.unit = unit
    self.metadata = metadata
    self.data = data
  }
}

public enum MetricData: Hashable, Sendable {
  /// A kind that is not known here, or none at all.
  case none
  case gauge([NumberPoint])
  case sum([NumberPoint], Temporality, isMonotonic: Bool)
  case histogram([HistogramPoint], Temporality)
  case exponentialHistogram([ExponentialHistogramPoint], Temporality)
  case summary([SummaryPoint])

  public var pointCount: Int {
    switch self {
    case .none: 0
    case .gauge(let points): points.count
    case .sum(let points, _, _): points.count
    case .histogram(let points, _): points.count
    case .exponentialHistogram(let points, _): points.count
    case .summary(let points): points.count
    }
  }
}

/// Since the last report, or since the process began.
public enum Temporality: UInt8, Sendable, CaseIterable { case unspecified = 0, delta, cumulative }

public enum MetricNumber: Hashable, Sendable {
  case int(Int64)
  case double(Double)

  public var value: Double {
    switch self {
    case .int(let value): Double(value)
    case .double(let value): value
    }
  }
}

/// A point of a gauge or a sum.
public struct NumberPoint: Hashable, Sendable {
  public var attributes: [Attribute]
  public var startUnixNano: UInt64
  public var unixNano: UInt64
  /// nil: nothing was recorded.
  public var value: MetricNumber?
  public var exemplars: [Exemplar]
  /// Bit 0: no value was recorded.
  public var flags: UInt32

  public init(
    attributes: [Attribute] = [], startUnixNano: UInt64 = 0, unixNano: UInt64, value: MetricNumber?, exemplars: [Exemplar] = [], flags: UInt32 = 0
  ) {
    self.attributes = attributes
    self.startUnixNano = startUnixNano
    self.unixNano = unixNano
    self.value = value
    self.exemplars = exemplars
    self.flags = flags
  }
}

/// Counts between explicit bounds: bucket i holds values in (bound i−1, bound i], the last one everything above.
public struct HistogramPoint: Hashable, Sendable {
  public var attributes: [Attribute] = []
  public var startUnixNano: UInt64 = 0
  public var unixNano: UInt64 = 0
  public var count: UInt64 = 0
  /// nil when the values may be negative, because a sum that falls cannot be told from a restart.
  public var sum: Double?
  public var min: Double?
  public var max: Double?
  /// One more than `bounds`, or none of both.
  public var bucketCounts: [UInt64] = []
  public var bounds: [Double] = []
  public var exemplars: [Exemplar] = []
  public var flags: UInt32 = 0

  public init() {}
}

/// Counts in buckets (base^i, base^(i+1)] with base = 2^(2^−scale), for positive values and for the size of negative ones.
public struct ExponentialHistogramPoint: Hashable, Sendable {
  public var attributes: [Attribute] = []
  public var startUnixNano: UInt64 = 0
  public var unixNano: UInt64 = 0
  public var count: UInt64 = 0
  public var sum: Double?
  public var min: Double?
  public var max: Double?
  public var scale: Int32 = 0
  /// Values whose size is at most `zeroThreshold`.
  public var zeroCount: UInt64 = 0
  public var zeroThreshold: Double = 0
  public var positive = ExponentialBuckets()
  public var negative = ExponentialBuckets()
  public var exemplars: [Exemplar] = []
  public var flags: UInt32 = 0

  public init() {}
}

/// Neighbouring buckets; the first has the index `offset`.
public struct ExponentialBuckets: Hashable, Sendable {
  public var offset: Int32
  public var counts: [UInt64]

  public init(offset: Int32 = 0, counts: [UInt64] = []) {
    self.offset = offset
    self.counts = counts
  }
}

/// Quantiles computed by the sender. Kept for old senders: they cannot be merged.
public struct SummaryPoint: Hashable, Sendable {
  public struct Quantile: Hashable, Sendable {
    public var quantile: Double
    public var value: Double
    public init(quantile: Double, value: Double) {
      self.quantile = quantile
      self.value = value
    }
  }
  public var attributes: [Attribute] = []
  public var startUnixNano: UInt64 = 0
  public var unixNano: UInt64 = 0
  public var count: UInt64 = 0
  public var sum: Double = 0
  public var quantiles: [Quantile] = []
  public var flags: UInt32 = 0

  public init() {}
}

/// One measured value that stands for its bucket, with the trace it came from.
public struct Exemplar: Hashable, Sendable {
  public var filteredAttributes: [Attribute]
  public var unixNano: UInt64
  public var value: MetricNumber?
  public var traceID: TraceID
  public var spanID: SpanID

  public init(
    filteredAttributes: [Attribute] = [], unixNano: UInt64, value: MetricNumber?, traceID: TraceID = .none, spanID: SpanID = .none
  ) {
    self.filteredAttributes = filteredAttributes
    self.unixNano = unixNano
    self.value = value
    self.traceID = traceID
    self.spanID = spanID
  }
}

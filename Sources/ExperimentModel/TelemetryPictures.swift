// What pictures of telemetry are drawn from: plain values that queries make and saved results keep. Every text in them came
// from outside and is shown escaped; every list is bounded by the query that made it, which counts what it left out.

/// One trace over time.
public struct TraceWaterfall: Codable, Hashable, Sendable {
  public struct Stretch: Codable, Hashable, Sendable {
    /// Nanoseconds since the trace began.
    public var start: Double
    public var end: Double
    public init(_ start: Double, _ end: Double) {
      self.start = start
      self.end = end
    }

    /// `[start, end]`, to the nanosecond: results files hold hundreds of these.
    public init(from decoder: any Decoder) throws {
      var list = try decoder.unkeyedContainer()
      self.init(try list.decode(Double.self), try list.decode(Double.self))
    }

    public func encode(to encoder: any Encoder) throws {
      var list = encoder.unkeyedContainer()
      try list.encode(start.rounded())
      try list.encode(end.rounded())
    }
  }

  public struct Bar: Codable, Hashable, Sendable {
    public var name: String
    public var service: String
    /// 0 for a root or an orphan.
    public var depth: Int
    public var time: Stretch
    /// Nanoseconds in which none of its children ran.
    public var selfTime: Double
    public var isError: Bool
    /// Its parent is not in the capture.
    public var isOrphan: Bool
    /// What of it the end of the trace waited for.
    public var critical: [Stretch]
    public init(
      name: String, service: String, depth: Int, time: Stretch, selfTime: Double, isError: Bool = false, isOrphan: Bool = false,
      critical: [Stretch] = []
    ) {
      self.name = name
      self.service = service
      self.depth = depth
      self.time = time
      self.selfTime = selfTime
      self.isError = isError
      self.isOrphan = isOrphan
      self.critical = critical
    }
  }

  public var traceID: String
  /// Nanoseconds from the first start to the last end.
  public var duration: Double
  /// Parents before children, siblings by start.
  public var bars: [Bar]
  /// Where the root ran and no child of it did.
  public var gaps: [Stretch]
  /// Spans that are not drawn.
  public var omitted: Int
  public init(traceID: String, duration: Double, bars: [Bar], gaps: [Stretch] = [], omitted: Int = 0) {
    self.traceID = traceID
    self.duration = duration
    self.bars = bars
    self.gaps = gaps
    self.omitted = omitted
  }
}

/// Who called whom.
public struct ServiceMap: Codable, Hashable, Sendable {
  public enum Kind: String, Codable, Sendable { case clients, service, outside }

  public struct Node: Codable, Hashable, Sendable {
    public var name: String
    public var kind: Kind
    public init(name: String, kind: Kind) {
      self.name = name
      self.kind = kind
    }
  }

  public struct Edge: Codable, Hashable, Sendable {
    /// Places in `nodes`.
    public var from: Int
    public var to: Int
    /// Adjusted for sampling.
    public var calls: Double
    public var errors: Double
    /// Nanoseconds, of the called side.
    public var p95: Double
    public init(from: Int, to: Int, calls: Double, errors: Double, p95: Double) {
      self.from = from
      self.to = to
      self.calls = calls
      self.errors = errors
      self.p95 = p95
    }
  }

  public var nodes: [Node]
  public var edges: [Edge]
  /// Edges beyond the limit.
  public var omitted: Int
  public init(nodes: [Node], edges: [Edge], omitted: Int = 0) {
    self.nodes = nodes
    self.edges = edges
    self.omitted = omitted
  }
}

/// How many records fell into each cell of time and duration.
public struct LatencyHeatMap: Codable, Hashable, Sendable {
  /// A record of a cell, with the trace that it belongs to.
  public struct Exemplar: Codable, Hashable, Sendable {
    public var column: Int
    public var row: Int
    public var traceID: String
    public init(column: Int, row: Int, traceID: String) {
      self.column = column
      self.row = row
      self.traceID = traceID
    }
  }

  /// Nanoseconds of one column.
  public var columnWidth: Double
  /// Rising edges of the rows, nanoseconds; row i holds (edge i, edge i + 1].
  public var edges: [Double]
  /// By column, then row.
  public var counts: [[Int]]
  /// Records without a positive duration.
  public var omitted: Int
  public var exemplars: [Exemplar]
  public init(columnWidth: Double, edges: [Double], counts: [[Int]], omitted: Int = 0, exemplars: [Exemplar] = []) {
    self.columnWidth = columnWidth
    self.edges = edges
    self.counts = counts
    self.omitted = omitted
    self.exemplars = exemplars
  }
}

/// Which values of attributes are commoner among the chosen records than among all.
public struct AttributeLifts: Codable, Hashable, Sendable {
  public struct Row: Codable, Hashable, Sendable {
    public var attribute: String
    public var value: String
    /// Chosen records that have it.
    public var hits: Int
    /// Records that have it.
    public var marked: Int
    /// P(value | chosen) ÷ P(value), with its 95 % interval.
    public var lift: Estimate
    /// Fisher's exact test, one-sided, by Holm for all values that were tried.
    public var p: Double
    public init(attribute: String, value: String, hits: Int, marked: Int, lift: Estimate, p: Double) {
      self.attribute = attribute
      self.value = value
      self.hits = hits
      self.marked = marked
      self.lift = lift
      self.p = p
    }
    public var isFound: Bool { p <= 0.05 }
  }

  /// What was counted: `traces`, `spans`, `logs`.
  public var unit: String
  public var chosen: Int
  public var total: Int
  /// Values that are commoner among the chosen, by the lower bound of the lift, largest first, those found before the others.
  /// Those that are not found are there only where at least one hit was to be expected.
  public var rows: [Row]
  /// Values that were tried.
  public var tried: Int
  public init(unit: String, chosen: Int, total: Int, rows: [Row], tried: Int) {
    self.unit = unit
    self.chosen = chosen
    self.total = total
    self.rows = rows
    self.tried = tried
  }
}

/// Traces to look at for each bucket of a histogram.
public struct BucketExemplars: Codable, Hashable, Sendable {
  public struct Row: Codable, Hashable, Sendable {
    /// Nanoseconds, (low, high]; the last one has no upper bound.
    public var low: Double
    public var high: Double?
    public var count: Double
    public var traceIDs: [String]
    public init(low: Double, high: Double?, count: Double, traceIDs: [String]) {
      self.low = low
      self.high = high
      self.count = count
      self.traceIDs = traceIDs
    }
  }
  public var rows: [Row]
  public init(rows: [Row]) { self.rows = rows }
}

/// A picture of an answer.
public enum TelemetryPicture: Codable, Hashable, Sendable {
  case waterfall(TraceWaterfall)
  case serviceMap(ServiceMap)
  case heatMap(LatencyHeatMap)
  case lifts(AttributeLifts)
  /// Self times of spans in microseconds, of so many traces.
  case flame(StackProfile, traces: Int)
}

// Metrics made from spans, to be held against what a load generator or a service counted by itself; and exemplars, which lead
// from a bucket of a histogram to traces of that height.

import ExperimentModel

/// Requests of one group as counts and a histogram, both adjusted for sampling.
public struct SpanMetric: Hashable, Sendable {
  public var group: [String]
  public var calls: Double
  public var errors: Double
  /// Upper bounds in seconds, as HTTP metrics have them by convention.
  public var bounds: [Double]
  /// One more than `bounds`.
  public var buckets: [Double]

  /// The bucket that a quantile lies in; nil without calls.
  public func bucket(ofQuantile q: Double) -> Int? {
    guard calls > 0 else { return nil }
    var before = 0.0
    for (i, count) in buckets.enumerated() {
      before += count
      if count > 0, before >= q * calls * (1 - 1e-12) { return i }
    }
    return buckets.indices.last { buckets[$0] > 0 }
  }
}

/// Metrics made from spans beside what somebody else counted.
public struct SpanMetricAgreement: Hashable, Sendable {
  /// From spans minus the other's.
  public var countDifference: Double
  /// Buckets between the two quantiles; nil without calls.
  public var bucketDistance: Int?
  /// The count is equal (to 10⁻⁶ where it is adjusted), and the quantiles are in one bucket or in neighbours.
  public var agrees: Bool { abs(countDifference) < 1e-6 && bucketDistance.map { $0 <= 1 } ?? false }
}

extension TelemetryCapture {
  /// Requests by the keys given, as `red` counts them. Memory: a histogram a group.
  ///
  /// - Parameter entries: only requests as they came in.
  public func spanMetrics(
    where filter: TelemetryFilter = .all, groupBy keys: [String] = ["service.name", "http.route"], bounds: [Double] = ExplicitHistogram.httpSeconds,
    entries: Bool = false
  ) -> [SpanMetric] {
    let shape = ExplicitHistogram(bounds: bounds)
    var groups: [[String]: SpanMetric] = [:]
    forEachRequest(filter, entries: entries) { one, weight in
      var group = keys.map { shortened(one.label($0)) }
      if groups[group] == nil, groups.count >= Self.groupsMax { group = keys.map { _ in "…" } }
      var metric = groups.removeValue(forKey: group)
        ?? SpanMetric(group: group, calls: 0, errors: 0, bounds: bounds, buckets: [Double](repeating: 0, count: bounds.count + 1))
      metric.calls += weight
      if SemanticConventions.hasFailed(one.span) { metric.errors += weight }
      metric.buckets[shape.bucket(Double(max(0, one.span.duration)) / 1e9)] += weight
      groups[group] = metric
    }
    return groups.values.sorted { ($1.calls, $0.group.joined(separator: "\u{1}")) < ($0.calls, $1.group.joined(separator: "\u{1}")) }
  }

  /// Holds metrics of spans against another's count and quantile.
  ///
  /// - Parameters:
  ///   - value: the other's quantile `q`, seconds.
  public static func agreement(_ metrics: [SpanMetric], count: Double, quantile q: Double = 0.95, value: Double) -> SpanMetricAgreement {
    let calls = metrics.reduce(0) { $0 + $1.calls }
    guard let first = metrics.first, metrics.allSatisfy({ $0.bounds == first.bounds }) else {
      return SpanMetricAgreement(countDifference: calls - count, bucketDistance: nil)
    }
    var all = first
    for metric in metrics.dropFirst() {
      all.calls += metric.calls
      for i in all.buckets.indices { all.buckets[i] += metric.buckets[i] }
    }
    let other = ExplicitHistogram(bounds: first.bounds).bucket(value)
    return SpanMetricAgreement(countDifference: calls - count, bucketDistance: all.bucket(ofQuantile: q).map { abs($0 - other) })
  }

  /// Up to `perBucket` traces for each bucket of the requests' durations.
  ///
  /// - Parameter metric: the exemplars that a histogram of this name carries, instead of the spans' own; only of traces that are
  ///   in the capture. Buckets are then that metric's, in its own unit of seconds.
  public func exemplars(metric name: String? = nil, where filter: TelemetryFilter = .all, perBucket: Int = 3) -> BucketExemplars {
    guard let name else { return spanExemplars(filter, perBucket) }
    var rows: [BucketExemplars.Row] = []
    var bounds: [Double] = []
    for one in metrics where one.metric.name == name {
      guard case .histogram(let points, let temporality) = one.metric.data else { continue }
      // Cumulative points repeat what those before them counted: the last of each label set.
      let last = temporality == .delta ? points : Dictionary(points.map { ($0.attributes, $0) }, uniquingKeysWith: { $0.unixNano > $1.unixNano ? $0 : $1 })
        .values.sorted { $0.unixNano < $1.unixNano }
      // A point that contradicts itself, or has other buckets than those before it, is not counted.
      for point in last where ExplicitHistogram(point) != nil && (rows.isEmpty || bounds == point.bounds) {
        bounds = point.bounds
        if rows.isEmpty { rows = Self.emptyRows(bounds) }
        for i in rows.indices { rows[i].count += Double(point.bucketCounts[i]) }
      }
      for exemplar in points.flatMap(\.exemplars) where trace(exemplar.traceID) != nil && !rows.isEmpty {
        guard let value = exemplar.value?.value, value.isFinite else { continue }
        Self.add(exemplar.traceID, to: &rows[ExplicitHistogram(bounds: bounds).bucket(value)], perBucket)
      }
    }
    return BucketExemplars(rows: rows)
  }

  private func spanExemplars(_ filter: TelemetryFilter, _ perBucket: Int) -> BucketExemplars {
    let shape = ExplicitHistogram()
    var rows = Self.emptyRows(shape.bounds)
    forEachEntry(filter) { one, weight in
      let bucket = shape.bucket(Double(max(0, one.span.duration)) / 1e9)
      rows[bucket].count += weight
      Self.add(one.span.traceID, to: &rows[bucket], perBucket)
    }
    return BucketExemplars(rows: rows)
  }

  private static func emptyRows(_ bounds: [Double]) -> [BucketExemplars.Row] {
    (0...bounds.count).map { i in
      BucketExemplars.Row(low: i == 0 ? 0 : bounds[i - 1] * 1e9, high: i < bounds.count ? bounds[i] * 1e9 : nil, count: 0, traceIDs: [])
    }
  }

  private static func add(_ id: TraceID, to row: inout BucketExemplars.Row, _ most: Int) {
    if row.traceIDs.count < most, !row.traceIDs.contains(id.hex) { row.traceIDs.append(id.hex) }
  }
}

// Rate, errors and duration from a histogram that servers report themselves: no span is needed, so it is what there is when
// spans are sampled away. Quantiles are known to their bucket.

import ExperimentModel

extension TelemetryCapture {
  /// RED of a histogram metric by labels of its points and attributes of its senders, largest rate first.
  ///
  /// Points with `error.type`, or with a status code of HTTP from 500, are errors. Cumulative points count since the sender
  /// began. Points whose counts contradict each other, or whose bounds differ from the first ones of their group, are left out.
  ///
  /// - Returns: rows as `red` makes them; `rate` is per second of the points' own time.
  public func red(metric name: String, groupBy keys: [String] = ["service.name", "http.route"]) -> [REDRow] {
    struct Group {
      var all: BucketCounts?
      var failed: BucketCounts?
    }
    var groups: [[String]: Group] = [:]
    var times = (first: UInt64.max, last: UInt64(0))
    for one in metrics where one.metric.name == name {
      let scale = one.metric.unit.nanosecondsOfTime
      for point in one.metric.data.latencyPoints {
        if point.start > 0 { times.first = min(times.first, point.start) }
        times.first = min(times.first, point.end)
        times.last = max(times.last, point.end)
        guard let counts = BucketCounts(point.data, scale: scale) else { continue }
        var group = keys.map { key in
          key == "service.name" ? shortened(one.origin.service) : shortened((point.attributes[key] ?? one.origin.resource.attributes[key])?.label ?? "")
        }
        if groups[group] == nil, groups.count >= Self.groupsMax { group = keys.map { _ in "…" } }
        groups[group, default: Group()].all.merge(counts)
        let isError = point.attributes["error.type"] != nil || point.attributes["http.response.status_code"]?.int ?? 0 >= 500
        if isError { groups[group]!.failed.merge(counts) }
      }
    }
    let seconds = times.last > times.first ? Double(times.last - times.first) / 1e9 : 0
    return groups.compactMap { key, group -> REDRow? in
      guard let all = group.all, all.count > 0 else { return nil }
      return REDRow(
        group: key, requests: all.count, errors: group.failed?.count ?? 0, rate: seconds > 0 ? all.count / seconds : 0, mean: all.sum / all.count,
        p50: all.quantile(0.5), p95: all.quantile(0.95), p99: all.quantile(0.99), errorP95: group.failed?.quantile(0.95))
    }.sorted { ($1.requests, $0.group.joined(separator: "\u{1}")) < ($0.requests, $1.group.joined(separator: "\u{1}")) }
  }
}

extension String {
  /// Nanoseconds of one, for a unit of time in UCUM; seconds, as the conventions have it, for any other.
  var nanosecondsOfTime: Double {
    switch self {
    case "ms": 1e6
    case "us": 1e3
    case "ns": 1
    case "min": 60e9
    default: 1e9
    }
  }
}

/// One of the two kinds of histogram, with its values in nanoseconds.
private enum BucketCounts {
  case explicit(ExplicitHistogram, scale: Double)
  case exponential(ExponentialHistogram, scale: Double)

  init?(_ data: LatencyPoint.Data, scale: Double) {
    switch data {
    case .explicit(let point):
      guard let histogram = ExplicitHistogram(point) else { return nil }
      self = .explicit(histogram, scale: scale)
    case .exponential(let point):
      guard let histogram = ExponentialHistogram(point) else { return nil }
      self = .exponential(histogram, scale: scale)
    }
  }

  var count: Double {
    switch self {
    case .explicit(let one, _): Double(one.count)
    case .exponential(let one, _): Double(one.count)
    }
  }

  var sum: Double {
    switch self {
    case .explicit(let one, let scale): one.sum * scale
    case .exponential(let one, let scale): one.sum * scale
    }
  }

  func quantile(_ q: Double) -> Double {
    switch self {
    case .explicit(let one, let scale): (one.quantile(q) ?? 0) * scale
    case .exponential(let one, let scale): (one.quantile(q) ?? 0) * scale
    }
  }
}

extension Optional where Wrapped == BucketCounts {
  fileprivate mutating func merge(_ other: BucketCounts) {
    switch (self, other) {
    case (nil, _): self = other
    case (.explicit(var one, let scale)?, .explicit(let two, let same)) where one.bounds == two.bounds && scale == same:
      one.merge(two)
      self = .explicit(one, scale: scale)
    case (.exponential(var one, let scale)?, .exponential(let two, let same)) where scale == same:
      one.merge(two)
      self = .exponential(one, scale: scale)
    default: break
    }
  }
}

/// A point of either kind of histogram.
struct LatencyPoint {
  enum Data {
    case explicit(HistogramPoint)
    case exponential(ExponentialHistogramPoint)
  }
  var attributes: [Attribute]
  var start: UInt64
  var end: UInt64
  var data: Data
}

extension MetricData {
  /// Points to add up: all of them when they are deltas, the last of each label set when they are cumulative.
  var latencyPoints: [LatencyPoint] {
    let (points, temporality): ([LatencyPoint], Temporality)
    switch self {
    case .histogram(let all, let kind):
      points = all.map { LatencyPoint(attributes: $0.attributes, start: $0.startUnixNano, end: $0.unixNano, data: .explicit($0)) }
      temporality = kind
    case .exponentialHistogram(let all, let kind):
      points = all.map { LatencyPoint(attributes: $0.attributes, start: $0.startUnixNano, end: $0.unixNano, data: .exponential($0)) }
      temporality = kind
    default: return []
    }
    if temporality == .delta { return points }
    var last: [[Attribute]: LatencyPoint] = [:]
    for point in points where last[point.attributes].map({ $0.end <= point.end }) ?? true { last[point.attributes] = point }
    return last.values.sorted { $0.end < $1.end }
  }
}

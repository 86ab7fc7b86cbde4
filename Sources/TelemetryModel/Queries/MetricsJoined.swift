// A metric arrives once for each export; for questions its points belong together: of cumulative points only the last counts,
// and that can be told only when all of a series are seen at once.

extension TelemetryCapture {
  /// Metrics of one name, kind and sender as one, with the points of all exports, in the order in which they first came.
  static func joined(_ metrics: [Metric]) -> [Metric] {
    struct Key: Hashable {
      var resource: Resource
      var scope: InstrumentationScope
      var name: String
      var unit: String
      var kind: Int
    }
    var places: [Key: Int] = [:]
    var joined: [Metric] = []
    for one in metrics {
      let key = Key(
        resource: one.origin.resource, scope: one.origin.scope, name: one.metric.name, unit: one.metric.unit, kind: one.metric.data.kind)
      if let place = places[key] {
        joined[place].metric.data.append(one.metric.data)
      } else {
        places[key] = joined.count
        joined.append(one)
      }
    }
    return joined
  }
}

extension MetricData {
  /// What must agree for points to be of one series.
  fileprivate var kind: Int {
    switch self {
    case .none: 0
    case .gauge: 1
    case .summary: 2
    case .sum(_, let temporality, let isMonotonic): 10 + Int(temporality.rawValue) + (isMonotonic ? 5 : 0)
    case .histogram(_, let temporality): 20 + Int(temporality.rawValue)
    case .exponentialHistogram(_, let temporality): 30 + Int(temporality.rawValue)
    }
  }

  /// Adds the points of data of the same kind. Empties itself meanwhile, so that the points are not copied.
  fileprivate mutating func append(_ other: MetricData) {
    let own = self
    self = .none
    switch (own, other) {
    case (.gauge(var a), .gauge(let b)):
      a += b
      self = .gauge(a)
    case (.sum(var a, let temporality, let isMonotonic), .sum(let b, _, _)):
      a += b
      self = .sum(a, temporality, isMonotonic: isMonotonic)
    case (.histogram(var a, let temporality), .histogram(let b, _)):
      a += b
      self = .histogram(a, temporality)
    case (.exponentialHistogram(var a, let temporality), .exponentialHistogram(let b, _)):
      a += b
      self = .exponentialHistogram(a, temporality)
    case (.summary(var a), .summary(let b)):
      a += b
      self = .summary(a)
    default: self = own
    }
  }
}

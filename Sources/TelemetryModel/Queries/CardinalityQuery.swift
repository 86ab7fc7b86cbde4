// How many different values and series there are: the bill of a metrics system is by series, and a series is a set of labels.

/// One attribute of spans or of metrics.
public struct AttributeCardinality: Hashable, Sendable {
  public var attribute: String
  /// Different values.
  public var values: Int
  /// Records that have it.
  public var records: Int
  /// There were more than could be told apart: at least `values`.
  public var isCut: Bool
}

/// Series of one metric.
public struct SeriesCardinality: Hashable, Sendable {
  public var metric: String
  /// Different sets of labels, with the sender's.
  public var series: Int
  /// What the labels can span: the product of how many values each has, where one that is not always there counts one more.
  /// nil when it does not fit.
  public var product: Int?
  /// A histogram is kept as one series for each bucket, and its sum and count, by systems that follow Prometheus.
  public var stored: Int
  public var labels: [AttributeCardinality]
  public var isCut: Bool
}

/// Different values of a bounded kind.
private struct DistinctSet<Value: Hashable> {
  static var valuesMax: Int { 1_048_576 }
  private(set) var values: Set<Value> = []
  private(set) var isCut = false
  private(set) var records = 0

  mutating func insert(_ value: Value) {
    records += 1
    if values.count < Self.valuesMax { values.insert(value) } else if !values.contains(value) { isCut = true }
  }
}

extension TelemetryCapture {
  /// Attributes of spans and their resources, most values first. Exact up to 2²⁰ values each and 1,024 attributes.
  public func attributeCardinality() -> [AttributeCardinality] {
    var found: [String: DistinctSet<AttributeValue>] = [:]
    for one in spans {
      for attributes in [one.span.attributes, one.origin.resource.attributes] {
        for attribute in attributes where found[attribute.key] != nil || found.count < ValueNumbers.keysMax {
          found[attribute.key, default: DistinctSet()].insert(attribute.value)
        }
      }
    }
    return found.map { AttributeCardinality(attribute: shortened($0), values: $1.values.count, records: $1.records, isCut: $1.isCut) }
      .sorted { ($1.values, $0.attribute) < ($0.values, $1.attribute) }
  }

  /// Series of each metric, most first.
  public func seriesCardinality() -> [SeriesCardinality] {
    struct Found {
      var series = DistinctSet<[Attribute]>()
      var labels: [String: DistinctSet<AttributeValue>] = [:]
      var buckets = 1
    }
    var found: [String: Found] = [:]
    for one in metrics where found[one.metric.name] != nil || found.count < Self.groupsMax {
      let own = one.origin.resource.attributes
      for (attributes, buckets) in one.metric.data.labelSets {
        let labels = (attributes + own.filter { resource in !attributes.contains { $0.key == resource.key } }).sorted { $0.key < $1.key }
        var entry = found.removeValue(forKey: one.metric.name) ?? Found()
        entry.series.insert(labels)
        entry.buckets = max(entry.buckets, buckets)
        for label in labels where entry.labels[label.key] != nil || entry.labels.count < ValueNumbers.keysMax {
          entry.labels[label.key, default: DistinctSet()].insert(label.value)
        }
        found[one.metric.name] = entry
      }
    }
    return found.map { name, found in
      var product: Int? = 1
      for label in found.labels.values {
        let states = label.values.count + (label.records < found.series.records ? 1 : 0)
        let (next, overflows) = (product ?? 0).multipliedReportingOverflow(by: states)
        product = product == nil || overflows ? nil : next
      }
      let labels = found.labels.map { AttributeCardinality(attribute: shortened($0), values: $1.values.count, records: $1.records, isCut: $1.isCut) }
      return SeriesCardinality(
        metric: shortened(name), series: found.series.values.count, product: product, stored: found.series.values.count * found.buckets,
        labels: labels.sorted { ($1.values, $0.attribute) < ($0.values, $1.attribute) }, isCut: found.series.isCut)
    }.sorted { ($1.series, $0.metric) < ($0.series, $1.metric) }
  }
}

extension MetricData {
  /// Labels of each point, with how many series Prometheus keeps for it.
  fileprivate var labelSets: [(attributes: [Attribute], stored: Int)] {
    switch self {
    case .none: []
    case .gauge(let points), .sum(let points, _, _): points.map { ($0.attributes, 1) }
    case .histogram(let points, _): points.map { ($0.attributes, max(1, $0.bucketCounts.count) + 2) }
    case .exponentialHistogram(let points, _): points.map { ($0.attributes, 1) }
    case .summary(let points): points.map { ($0.attributes, $0.quantiles.count + 2) }
    }
  }
}

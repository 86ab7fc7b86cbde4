// Utilisation, saturation and errors of resources (Gregg's USE method), from metrics. Which metric says what is read from the
// names of the semantic conventions: a resource is what stands before the last word.
//
//   db.client.connection.count{state=used} ÷ …max    utilisation       *.utilization as it is
//   *.pending_requests  *.queue.*  *.pending         saturation        *.wait_time as a mean
//   *.timeouts  *.errors  *.dropped  *.rejected      errors

import ExperimentModel

/// One resource of one sender.
public struct USERow: Hashable, Sendable {
  public var service: String
  /// `db.client.connection`, with the values of its attributes in braces.
  public var resource: String
  /// 0…1, mean and largest of the points; nil: nothing said so.
  public var utilization: Double?
  public var utilizationMax: Double?
  /// Waiting for it, mean and largest.
  public var saturation: Double?
  public var saturationMax: Double?
  /// Mean wait, nanoseconds.
  public var wait: Double?
  /// During the capture; since the sender began, when it reports cumulatively.
  public var errors: Double?
}

extension TelemetryCapture {
  private enum USESide { case utilization, used, limit, saturation, wait, errors }

  /// Which side of USE a metric is, and of what.
  private static func side(_ name: String) -> (side: USESide, resource: String)? {
    let words = name.split(separator: ".").map(String.init)
    guard let last = words.last, words.count > 1 else { return nil }
    let resource = words.dropLast().joined(separator: ".")
    switch last {
    case "utilization": return (.utilization, resource)
    case "count", "usage", "used", "active": return (.used, resource)
    case "max", "limit", "size", "capacity":
      if words.dropLast().last == "queue" { return last == "size" ? (.saturation, words.dropLast(2).joined(separator: ".")) : nil }
      return (.limit, resource)
    case "pending_requests", "pending", "waiting", "queued", "queue": return (.saturation, resource)
    case "length", "depth": return words.dropLast().last == "queue" ? (.saturation, words.dropLast(2).joined(separator: ".")) : nil
    case "wait_time": return (.wait, resource)
    case "timeouts", "errors", "dropped", "rejected": return (.errors, resource)
    default: return nil
    }
  }

  /// By service and resource. At most 1,000 resources; what is beyond is left out.
  public func use() -> [USERow] {
    struct Values {
      var utilization: [Double] = []
      var used: [UInt64: Double] = [:]
      var limit: [UInt64: Double] = [:]
      var saturation: [Double] = []
      var wait = (sum: 0.0, count: 0.0)
      var errors: Double?
    }
    struct Key: Hashable {
      var service: String
      var resource: String
    }
    var found: [Key: Values] = [:]
    func key(_ metric: Metric, _ resource: String, _ attributes: [Attribute]) -> Key {
      // States of one pool are one resource.
      let labels = attributes.filter { !$0.key.hasSuffix("state") }.compactMap { a in a.value.label.map { "\(a.key)=\($0)" } }.sorted()
      return Key(service: metric.origin.service, resource: shortened(resource + (labels.isEmpty ? "" : "{\(labels.joined(separator: ", "))}")))
    }
    func update(_ key: Key, _ change: (inout Values) -> Void) {
      if found[key] != nil || found.count < Self.groupsMax { change(&found[key, default: Values()]) }
    }
    for metric in metrics {
      guard let (side, resource) = Self.side(metric.metric.name) else { continue }
      for point in metric.metric.data.numberPoints {
        guard let value = point.value?.value, value.isFinite, point.flags & 1 == 0 else { continue }
        let state = point.attributes.first { $0.key.hasSuffix("state") }?.value.label
        update(key(metric, resource, point.attributes)) { values in
          switch side {
          case .utilization: values.utilization.append(value)
          case .used: if state == nil || state == "used" || state == "busy" { values.used[point.unixNano, default: 0] += value }
          case .limit: values.limit[point.unixNano] = value
          case .saturation: values.saturation.append(value)
          case .wait, .errors: break
          }
        }
      }
      if side == .errors {
        for (attributes, rise) in metric.metric.rises { update(key(metric, resource, attributes)) { $0.errors = ($0.errors ?? 0) + rise } }
      }
      if side == .wait {
        let scale = metric.metric.unit.nanosecondsOfTime
        for (attributes, sum, count) in metric.metric.sums {
          update(key(metric, resource, attributes)) {
            $0.wait.sum += sum * scale
            $0.wait.count += count
          }
        }
      }
    }
    return found.compactMap { key, values -> USERow? in
      var row = USERow(service: key.service, resource: key.resource)
      var shares = values.utilization
      // A limit is reported more rarely than it is used: the last one known counts.
      let limits = values.limit.sorted { $0.key < $1.key }
      for (time, used) in values.used {
        if let limit = limits.last(where: { $0.key <= time })?.value ?? limits.first?.value, limit > 0 { shares.append(used / limit) }
      }
      (row.utilization, row.utilizationMax) = Self.meanAndMax(shares)
      (row.saturation, row.saturationMax) = Self.meanAndMax(values.saturation)
      row.wait = values.wait.count > 0 ? values.wait.sum / values.wait.count : nil
      row.errors = values.errors
      return row.utilization == nil && row.saturation == nil && row.wait == nil && row.errors == nil ? nil : row
    }.sorted { ($0.service, $0.resource) < ($1.service, $1.resource) }
  }

  private static func meanAndMax(_ values: [Double]) -> (Double?, Double?) {
    // In order, so that the sum is the same in every process.
    let sorted = values.sorted()
    return sorted.isEmpty ? (nil, nil) : (sorted.reduce(0, +) / Double(sorted.count), sorted.last)
  }
}

extension MetricData {
  var numberPoints: [NumberPoint] {
    switch self {
    case .gauge(let points), .sum(let points, _, _): points
    default: []
    }
  }
}

extension TelemetryMetric {
  /// By label set, what a sum rose by: the points added up when they are deltas; since the sender began when they are
  /// cumulative, with what it had before each restart.
  var rises: [(attributes: [Attribute], rise: Double)] {
    guard case .sum(let points, let temporality, _) = data else { return [] }
    var series: [[Attribute]: [NumberPoint]] = [:]
    for point in points { series[point.attributes, default: []].append(point) }
    return series.map { attributes, points in
      let values = points.sorted { $0.unixNano < $1.unixNano }.compactMap { $0.value?.value }
      if temporality == .delta { return (attributes, values.reduce(0, +)) }
      return (attributes, zip(values, values.dropFirst()).reduce(values.first ?? 0) { $0 + ($1.1 >= $1.0 ? $1.1 - $1.0 : $1.1) })
    }
  }

  /// By label set, sum and count of a histogram, the last point of cumulative ones.
  var sums: [(attributes: [Attribute], sum: Double, count: Double)] {
    guard case .histogram(let points, let temporality) = data else { return [] }
    var series: [[Attribute]: (sum: Double, count: Double, at: UInt64)] = [:]
    for point in points {
      let old = series[point.attributes]
      if temporality == .delta {
        series[point.attributes] = ((old?.sum ?? 0) + (point.sum ?? 0), (old?.count ?? 0) + Double(point.count), point.unixNano)
      } else if old.map({ $0.at <= point.unixNano }) ?? true {
        series[point.attributes] = (point.sum ?? 0, Double(point.count), point.unixNano)
      }
    }
    return series.map { ($0.key, $0.value.sum, $0.value.count) }
  }
}

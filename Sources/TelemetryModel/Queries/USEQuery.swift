// Utilisation, saturation and errors of resources (Gregg's USE method), from metrics. Which metric says what is read from the
// names of the semantic conventions: a resource is what stands before the last word.
//
//   *.use_time ÷ time ÷ *.max                        utilisation, exactly; else *.count{state=used} ÷ *.max as it was looked at,
//                                                    else *.utilization as it is
//   *.wait_time ÷ time                               saturation: requests that waited on average (Little's law), and the mean
//                                                    wait; else *.pending_requests  *.queue.*  *.pending as they were looked at
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
  private enum USESide { case utilization, used, limit, saturation, use, wait, errors }

  /// Which side of USE a metric is, and of what.
  private static func side(_ name: String) -> (side: USESide, resource: String)? {
    let words = name.split(separator: ".").map(String.init)
    guard let last = words.last, words.count > 1 else { return nil }
    let resource = words.dropLast().joined(separator: ".")
    switch last {
    case "utilization": return (.utilization, resource)
    case "count", "usage", "used", "active", "busy": return (.used, resource)
    case "max", "limit", "size", "capacity":
      if words.dropLast().last == "queue" { return last == "size" ? (.saturation, words.dropLast(2).joined(separator: ".")) : nil }
      return (.limit, resource)
    case "pending_requests", "pending", "waiting", "queued", "queue": return (.saturation, resource)
    case "length", "depth": return words.dropLast().last == "queue" ? (.saturation, words.dropLast(2).joined(separator: ".")) : nil
    case "use_time": return (.use, resource)
    case "wait_time": return (.wait, resource)
    case "timeouts", "errors", "dropped", "rejected": return (.errors, resource)
    default: return nil
    }
  }

  /// By service and resource, the fullest first. At most 1,000 resources; what is beyond is left out.
  public func use() -> [USERow] {
    struct Values {
      var utilization: [Double] = []
      var used: [UInt64: Double] = [:]
      var limit: [UInt64: Double] = [:]
      var saturation: [Double] = []
      /// Nanoseconds, of all together, and of the clock.
      var use = (sum: 0.0, time: 0.0)
      var wait = (sum: 0.0, count: 0.0, time: 0.0)
      var errors: Double?
    }
    struct Key: Hashable {
      var service: String
      var resource: String
    }
    var found: [Key: Values] = [:]
    func key(_ metric: Metric, _ resource: String, _ attributes: [Attribute]) -> Key {
      // States of one pool are one resource.
      // `db.client.connection.pool.name` of `db.client.connection` is its `pool.name`.
      func short(_ key: String) -> Substring { key.hasPrefix(resource + ".") ? key.dropFirst(resource.count + 1) : key[...] }
      let labels = attributes.filter { !$0.key.hasSuffix("state") }.compactMap { a in a.value.label.map { "\(short(a.key))=\($0)" } }.sorted()
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
          case .use, .wait, .errors: break
          }
        }
      }
      if side == .errors {
        for (attributes, rise) in metric.metric.rises { update(key(metric, resource, attributes)) { $0.errors = ($0.errors ?? 0) + rise } }
      }
      let scale = metric.metric.unit.nanosecondsOfTime
      for one in side == .wait || side == .use ? metric.metric.sums : [] {
        update(key(metric, resource, one.attributes)) {
          if side == .use { $0.use = ($0.use.sum + one.sum * scale, $0.use.time + one.time) }
          if side == .wait { $0.wait = ($0.wait.sum + one.sum * scale, $0.wait.count + one.count, $0.wait.time + one.time) }
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
      if values.use.time > 0, let limit = limits.last?.value, limit > 0 { row.utilization = values.use.sum / values.use.time / limit }
      if values.wait.time > 0 { row.saturation = values.wait.sum / values.wait.time }
      row.wait = values.wait.count > 0 ? values.wait.sum / values.wait.count : nil
      row.errors = values.errors
      return row.utilization == nil && row.saturation == nil && row.wait == nil && row.errors == nil ? nil : row
    }.sorted { a, b in
      let (left, right) = (a.utilization ?? -1, b.utilization ?? -1)
      return left == right ? (a.service, a.resource) < (b.service, b.resource) : left > right
    }
  }

  private static func meanAndMax(_ values: [Double]) -> (Double?, Double?) {
    // In order, so that the sum is the same in every process.
    let sorted = values.sorted()
    // One look at it is no largest value.
    return sorted.isEmpty ? (nil, nil) : (sorted.reduce(0, +) / Double(sorted.count), sorted.count > 1 ? sorted.last : nil)
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

  /// By label set, sum and count of a histogram and the nanoseconds in which they came, 0 where the sender does not say; the
  /// last point of cumulative ones.
  var sums: [(attributes: [Attribute], sum: Double, count: Double, time: Double)] {
    guard case .histogram(let points, let temporality) = data else { return [] }
    struct Key: Hashable {
      var attributes: [Attribute]
      /// What is cumulative begins anew with another start.
      var start: UInt64
    }
    var series: [Key: (sum: Double, count: Double, time: Double, at: UInt64)] = [:]
    for point in points {
      let key = Key(attributes: point.attributes, start: temporality == .delta ? 0 : point.startUnixNano)
      let old = series[key]
      let time = point.startUnixNano > 0 && point.unixNano > point.startUnixNano ? Double(point.unixNano - point.startUnixNano) : 0
      if temporality == .delta {
        series[key] = (
          (old?.sum ?? 0) + (point.sum ?? 0), (old?.count ?? 0) + Double(point.count), (old?.time ?? 0) + time, point.unixNano
        )
      } else if old.map({ $0.at <= point.unixNano }) ?? true {
        series[key] = (point.sum ?? 0, Double(point.count), time, point.unixNano)
      }
    }
    return series.map { ($0.key.attributes, $0.value.sum, $0.value.count, $0.value.time) }
  }
}

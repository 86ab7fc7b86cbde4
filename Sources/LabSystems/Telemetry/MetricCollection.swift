import TelemetryModel

/// The metrics of a service at a moment, as OTLP: names, units and instruments of the semantic conventions where these have them.
struct MetricCollection {
  private let service: ServiceTelemetry
  private let from: UInt64
  private let to: UInt64

  init(_ service: ServiceTelemetry, from: UInt64, to: UInt64) { self.service = service; self.from = from; self.to = to }

  static func attributes(_ line: RouteLine, _ status: Int, scheme: String) -> [Attribute] {
    var all = [Attribute("http.request.method", .string(line.method)), Attribute("url.scheme", .string(scheme))]
    if !line.route.isEmpty { all.append(Attribute("http.route", .string(line.route))) }
    all.append(Attribute("http.response.status_code", .int(Int64(status))))
    if status >= 500 { all.append(Attribute("error.type", .string(String(status)))) }
    return all
  }

  /// Histograms since the last time; the rest as it is now.
  func delta() -> [TelemetryMetric] {
    var points: [HistogramPoint] = []
    for line in service.lines {
      for part in line.drainDurations() {
        var point = part.histogram.point()
        point.attributes = Self.attributes(line, part.status, scheme: service.schemeName)
        point.startUnixNano = from
        point.unixNano = to
        point.exemplars = part.exemplars
        points.append(point)
      }
    }
    var metrics: [TelemetryMetric] = []
    if !points.isEmpty {
      metrics.append(
        TelemetryMetric(
          name: "http.server.request.duration", description: "Duration of HTTP server requests.", unit: "s", data: .histogram(points, .delta)))
    }
    for (name, those) in Self.grouped(service.allGauges) {
      let points = those.map { NumberPoint(attributes: $0.attributes, startUnixNano: service.counted, unixNano: to, value: .int(Int64($0.value))) }
      metrics.append(
        TelemetryMetric(
          name: name, description: those[0].help, unit: those[0].unit,
          data: those[0].isCounter
            ? .sum(points, .cumulative, isMonotonic: true)
            : those[0].isUpDownCounter ? .sum(points, .cumulative, isMonotonic: false) : .gauge(points)))
    }
    for sum in service.times.flatMap({ $0() }) {
      var point = HistogramPoint()
      point.attributes = sum.attributes
      point.startUnixNano = service.counted
      point.unixNano = to
      point.count = UInt64(max(0, sum.count))
      point.sum = Double(sum.nanoseconds) / 1e9
      if let index = metrics.firstIndex(where: { $0.name == sum.name }), case .histogram(let points, let kind) = metrics[index].data {
        metrics[index].data = .histogram(points + [point], kind)
      } else {
        metrics.append(TelemetryMetric(name: sum.name, description: sum.help, unit: "s", data: .histogram([point], .cumulative)))
      }
    }
    return metrics
  }

  /// By name, in the order of their first.
  static func grouped(_ gauges: [Gauge]) -> [(name: String, gauges: [Gauge])] {
    gauges.reduce(into: []) { groups, gauge in
      if let index = groups.firstIndex(where: { $0.name == gauge.name }) { groups[index].gauges.append(gauge) } else { groups.append((gauge.name, [gauge])) }
    }
  }
}

extension ServiceTelemetry {
  var schemeName: String { scheme == "https" ? "https" : "http" }

  /// Numbers of the service and of what was hung on it.
  var allGauges: [Gauge] {
    var methods: [(name: String, active: Int)] = []
    for line in lines where !line.isMessages {
      if let index = methods.firstIndex(where: { $0.name == line.method }) { methods[index].active += line.active } else { methods.append((line.method, line.active)) }
    }
    let active = methods.map {
      Gauge(
        name: "http.server.active_requests", unit: "{request}", help: "Number of active HTTP server requests.", isUpDownCounter: true,
        attributes: [Attribute("http.request.method", .string($0.name)), Attribute("url.scheme", .string(schemeName))], value: $0.active)
    }
    let lookups = lines.flatMap(\.durations).reduce((hit: 0, miss: 0)) { ($0.hit + $1.hits.hit, $0.miss + $1.hits.miss) }
    let cache = lookups == (0, 0) ? [] : [("hit", lookups.hit), ("miss", lookups.miss)].map {
      Gauge(
        name: "nb.cache.lookups", unit: "{lookup}", help: "Requests by what a cache on their way had.", isCounter: true,
        attributes: [Attribute("nb.cache", .string($0.0))], value: $0.1)
    }
    return active + cache + gauges.flatMap { $0() }
  }
}

import ExperimentModel
import Glibc
import Statistics
import TelemetryModel

/// A shop of four services with one hidden fault: a service that takes 120 ms longer for one value of one attribute, which about
/// 3 % of the traffic has. Everything is drawn from the seed; nothing in the telemetry says that something is wrong.
struct HiddenFaultShop {
  struct Fault: Hashable {
    var service: String
    var attribute: String
    var value: String
  }
  var fault: Fault
  var capture: TelemetryCapture
  /// Of the requests that the faulty service saw.
  var faultShare: Double

  /// Behind the edge.
  static let services = ["catalog", "pricing", "inventory"]
  /// Shares of values; in each attribute there is at least one of about 3 %.
  private static let attributes: [(key: String, values: [(String, Double)])] = [
    ("tenant.id", (1...32).map { ("tenant-\($0)", 1.0 / 32) }),
    ("order.currency", [("USD", 0.45), ("EUR", 0.3), ("GBP", 0.13), ("JPY", 0.06), ("CHF", 0.03), ("SEK", 0.03)]),
    ("cloud.region", [("us-east-1", 0.5), ("eu-west-1", 0.3), ("ap-south-1", 0.14), ("sa-east-1", 0.03), ("af-south-1", 0.03)]),
    ("app.version", [("3.1.0", 0.6), ("3.0.9", 0.34), ("3.2.0-rc1", 0.035), ("2.9.7", 0.025)]),
  ]

  init(seed: UInt64, requests: Int = 2_500, delay: Double = 120e6) {
    var random = SeededRandom(seed: seed, stream: 3)
    let rare = Self.attributes.flatMap { attribute in
      attribute.values.filter { (0.024...0.036).contains($0.1) }.map { (attribute.key, $0.0) }
    }
    let chosen = rare[Int(random.next() % UInt64(rare.count))]
    let fault = Fault(service: Self.services[Int(random.next() % 3)], attribute: chosen.0, value: chosen.1)
    let origins = Dictionary(uniqueKeysWithValues: (["edge"] + Self.services).map { name in
      let resource = Resource(attributes: [Attribute("service.name", .string(name)), Attribute("service.instance.id", .string(name + "-1"))])
      return (name, SpanOrigin(resource: resource, scope: InstrumentationScope(name: "lab")))
    })
    var spans: [OriginatedSpan] = []
    var logs: [TelemetryCapture.Log] = []
    var histograms: [String: ExplicitHistogram] = [:]
    var (seen, faulty) = (0, 0)
    var now: UInt64 = 1_700_000_000_000_000_000
    for n in 1...requests {
      now += UInt64(random.exponential() * 4e6)
      let route = ["/checkout", "/checkout", "/product/{id}", "/search"][Int(random.next() % 4)]
      // A search asks the catalog only, and a product page no inventory.
      let called = route == "/search" ? ["catalog"] : route == "/checkout" ? Self.services : ["catalog", "pricing"]
      var attributes = Self.attributes.map { Attribute($0.key, .string(Self.pick($0.values, &random))) }
      // A value that is nobody's cause: ten thousand users.
      attributes.append(Attribute("enduser.id", .string("user-\(random.next() % 10_000)")))
      let isFaulty = attributes.contains(Attribute(fault.attribute, .string(fault.value)))
      let id = TraceID(high: random.next(), low: random.next() | 1)
      let start = now
      var at = start + UInt64(200_000 + random.exponential() * 300_000)
      var children: [OriginatedSpan] = []
      for service in called {
        var work = Self.logNormal(5e6, 0.5, &random)
        if service == fault.service { seen += 1 }
        if service == fault.service, isFaulty {
          work += delay
          faulty += 1
        }
        let end = at + UInt64(work)
        let client = SpanID(random.next() | 1), server = SpanID(random.next() | 1)
        children.append(
          OriginatedSpan(
            Span(
              traceID: id, spanID: client, parentSpanID: SpanID(UInt64(n)), name: "GET", kind: .client, startUnixNano: at - 100_000,
              endUnixNano: end + 100_000, attributes: [Attribute("http.request.method", "GET"), Attribute("server.address", .string(service))]),
            origins["edge"]!))
        children.append(
          OriginatedSpan(
            Span(
              traceID: id, spanID: server, parentSpanID: client, name: "GET /\(service)", kind: .server, startUnixNano: at, endUnixNano: end,
              attributes: [
                Attribute("http.request.method", "GET"), Attribute("http.route", .string("/\(service)")), Attribute("http.response.status_code", 200),
              ]),
            origins[service]!))
        logs.append(
          TelemetryCapture.Log(
            LogRecord(unixNano: end, severity: .info, body: .string("answered \(random.next() % 900) rows"), traceID: id, spanID: server),
            origins[service]!))
        at = end + UInt64(200_000 + random.exponential() * 200_000)
      }
      let end = at + UInt64(100_000 + random.exponential() * 200_000)
      let own = [Attribute("http.request.method", "GET"), Attribute("http.route", .string(route)), Attribute("http.response.status_code", 200)]
      spans.append(
        OriginatedSpan(
          Span(
            traceID: id, spanID: SpanID(UInt64(n)), name: "GET \(route)", kind: .server, startUnixNano: start, endUnixNano: end,
            attributes: own + attributes), origins["edge"]!))
      spans += children
      logs.append(
        TelemetryCapture.Log(
          LogRecord(
            unixNano: end, severity: .info, body: "request", attributes: own + attributes, traceID: id, spanID: SpanID(UInt64(n))),
          origins["edge"]!))
      histograms[route, default: ExplicitHistogram()].record(Double(end - start) / 1e9)
    }
    let points = histograms.map { route, histogram in
      var point = histogram.point()
      point.attributes = [Attribute("http.route", .string(route))]
      point.startUnixNano = 1_700_000_000_000_000_000
      point.unixNano = now
      return point
    }
    let metric = TelemetryMetric(name: "http.server.request.duration", unit: "s", data: .histogram(points, .cumulative))
    self.fault = fault
    faultShare = Double(faulty) / Double(max(1, seen))
    capture = TelemetryCapture(spans: spans, logs: logs, metrics: [TelemetryCapture.Metric(metric, origins["edge"]!)])
  }

  private static func pick(_ values: [(String, Double)], _ random: inout SeededRandom) -> String {
    var u = random.uniform() * values.reduce(0) { $0 + $1.1 }
    for (value, share) in values {
      u -= share
      if u < 0 { return value }
    }
    return values[values.count - 1].0
  }

  private static func logNormal(_ median: Double, _ sigma: Double, _ random: inout SeededRandom) -> Double {
    median * exp(sigma * random.gaussian())
  }
}

import TelemetryModel

/// Metrics as Prometheus reads them: its text format 0.0.4, or OpenMetrics 1.0 for who accepts it, which knows units and exemplars.
/// Sums since the lab began, as its functions expect. Names as OpenTelemetry's compatibility rules make them: dots to `_`, unit and
/// `_total` at the end.
struct PrometheusText {
  static let contentType: StaticString = "text/plain; version=0.0.4; charset=utf-8"
  static let openContentType: StaticString = "application/openmetrics-text; version=1.0.0; charset=utf-8"

  private let isOpen: Bool
  private var text = ""

  static func of(_ services: [ServiceTelemetry], isOpen: Bool) -> String {
    var writer = PrometheusText(isOpen: isOpen)
    writer.durations(services)
    writer.gauges(services)
    writer.times(services)
    if isOpen { writer.text += "# EOF\n" }
    return writer.text
  }

  private init(isOpen: Bool) { self.isOpen = isOpen }

  // MARK: Families

  private mutating func durations(_ services: [ServiceTelemetry]) {
    let name = "http_server_request_duration_seconds"
    services.forEach { $0.lines.forEach { $0.settle() } }
    guard services.contains(where: { $0.lines.contains { !$0.durations.isEmpty } }) else { return }
    family(name, "histogram", "Duration of HTTP server requests.", unit: "seconds")
    for service in services {
      for line in service.lines {
        for part in line.durations {
          let labels = Self.labels(service, MetricCollection.attributes(line, part.status, scheme: service.schemeName))
          let total = part.total
          var below: UInt64 = 0
          for (i, count) in total.counts.enumerated() {
            below += count
            let bound = i < total.bounds.count ? Self.number(total.bounds[i]) : "+Inf"
            sample(name + "_bucket", labels + [("le", bound)], String(below), exemplar: part.exemplars.peek(i))
          }
          sample(name + "_sum", labels, Self.number(total.sum))
          sample(name + "_count", labels, String(total.count))
        }
      }
    }
  }

  private mutating func gauges(_ services: [ServiceTelemetry]) {
    let all = services.flatMap { service in service.allGauges.map { (service: service, gauge: $0) } }
    for name in Self.firsts(all.map(\.gauge.name)) {
      let those = all.filter { $0.gauge.name == name }
      let first = those[0].gauge
      let plain = Self.name(name)
      let family = first.isCounter && !isOpen ? plain + "_total" : plain
      self.family(family, first.isCounter ? "counter" : "gauge", first.help, unit: nil)
      for (service, gauge) in those {
        sample(first.isCounter ? plain + "_total" : plain, Self.labels(service, gauge.attributes), String(gauge.value))
      }
    }
  }

  /// Count and sum without quantiles.
  private mutating func times(_ services: [ServiceTelemetry]) {
    let all = services.flatMap { service in service.times.flatMap { $0() }.map { (service: service, sum: $0) } }
    for name in Self.firsts(all.map(\.sum.name)) {
      let those = all.filter { $0.sum.name == name }
      let plain = Self.name(name) + "_seconds"
      family(plain, "summary", those[0].sum.help, unit: "seconds")
      for (service, sum) in those {
        let labels = Self.labels(service, sum.attributes)
        sample(plain + "_sum", labels, Self.number(Double(sum.nanoseconds) / 1e9))
        sample(plain + "_count", labels, String(sum.count))
      }
    }
  }

  /// Each once, in the order of their first.
  private static func firsts(_ names: [String]) -> [String] {
    names.reduce(into: []) { kept, name in if !kept.contains(name) { kept.append(name) } }
  }

  // MARK: Lines

  private mutating func family(_ name: String, _ type: String, _ help: String, unit: String?) {
    text += "# HELP \(name) \(Self.escaped(help, quotes: isOpen))\n# TYPE \(name) \(type)\n"
    if isOpen, let unit { text += "# UNIT \(name) \(unit)\n" }
  }

  private mutating func sample(_ name: String, _ labels: [(String, String)], _ value: String, exemplar: Exemplar? = nil) {
    text += name + "{" + labels.map { "\($0.0)=\"\(Self.escaped($0.1, quotes: true))\"" }.joined(separator: ",") + "} " + value
    if isOpen, let exemplar, case .double(let seconds)? = exemplar.value {
      text += " # {trace_id=\"\(exemplar.traceID)\",span_id=\"\(exemplar.spanID)\"} \(Self.number(seconds)) \(Self.seconds(exemplar.unixNano))"
    }
    text += "\n"
  }

  private static func labels(_ service: ServiceTelemetry, _ attributes: [Attribute]) -> [(String, String)] {
    [("service_name", service.name), ("service_instance_id", service.instance)] + attributes.map { (name($0.key), $0.value.label ?? "") }
  }

  /// Letters, digits and `_`, no digit first.
  static func name(_ text: String) -> String {
    let plain = String(text.map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") ? $0 : "_" })
    return plain.first?.isNumber == true ? "_" + plain : plain
  }

  static func escaped(_ text: String, quotes: Bool) -> String {
    var out = ""
    for character in text.unicodeScalars {
      switch character {
      case "\\": out += "\\\\"
      case "\n": out += "\\n"
      case "\"" where quotes: out += "\\\""
      default: out.unicodeScalars.append(character)
      }
    }
    return out
  }

  /// The shortest text that reads back as the same number, as Python's and Go's clients write it.
  private static func number(_ value: Double) -> String { "\(value)" }

  private static func seconds(_ unixNano: UInt64) -> String {
    let rest = String(unixNano % 1_000_000_000)
    return "\(unixNano / 1_000_000_000)." + String(repeating: "0", count: 9 - rest.utf8.count) + rest
  }
}

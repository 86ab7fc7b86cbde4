// Spans, metrics and resources against the semantic conventions: only what follows them can be read by a tool that has never
// heard of the service.

public struct ConventionFinding: Hashable, Sendable, CustomStringConvertible {
  public enum Kind: Hashable, Sendable {
    /// The conventions require it of this kind of span.
    case missing
    /// They recommend it.
    case recommended
    case deprecated(replacement: String)
    case wrongType(expected: String)
    case wrongUnit(expected: String)
    case wrongInstrument(expected: String)
  }
  public var kind: Kind
  /// Name of the attribute or metric.
  public var name: String

  public var description: String {
    switch kind {
    case .missing: "\(name) is missing; the conventions require it"
    case .recommended: "\(name) is missing; the conventions recommend it"
    case .deprecated(let replacement): "\(name) is a name of old; write \(replacement)"
    case .wrongType(let expected): "\(name) has another type; write it as \(expected)"
    case .wrongUnit(let expected): "\(name) has another unit; its unit is \(expected)"
    case .wrongInstrument(let expected): "\(name) is measured with another instrument; it is a \(expected)"
    }
  }
}

/// Which conventions a span is under.
public enum SpanConvention: String, Sendable, CaseIterable {
  case httpServer, httpClient, database, messaging, rpc, none

  /// From the kind and the names of its attributes. A server's span without any of them counts as HTTP when its name begins with a
  /// method, so that a span with everything missing is found too.
  public init(_ span: Span) {
    func has(_ prefix: String) -> Bool { span.attributes.contains { $0.key.utf8.starts(with: prefix.utf8) } }
    let isNamedByMethod = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"].contains(String(span.name.prefix { $0 != " " }))
    if has("db.") {
      self = .database
    } else if has("messaging.") {
      self = .messaging
    } else if has("rpc.") {
      self = .rpc
    } else if span.kind == .server, has("http.") || has("url.") || isNamedByMethod {
      self = .httpServer
    } else if span.kind == .client, has("http.") || has("url.") || isNamedByMethod {
      self = .httpClient
    } else {
      self = .none
    }
  }

  /// What a span under the convention must have. `error.type` and the status code depend on how it went; see `check`.
  var required: [String] {
    switch self {
    case .httpServer: ["http.request.method", "url.path", "url.scheme"]
    case .httpClient: ["http.request.method", "server.address", "server.port", "url.full"]
    case .database: ["db.system.name"]
    case .messaging: ["messaging.system", "messaging.operation.name"]
    case .rpc: ["rpc.system.name", "rpc.method"]
    case .none: []
    }
  }

  var recommended: [String] {
    switch self {
    case .httpServer: ["http.route", "server.address", "http.response.status_code"]
    case .httpClient: ["http.response.status_code"]
    case .database: ["server.address", "db.operation.name"]
    case .messaging: ["messaging.destination.name"]
    case .rpc, .none: []
    }
  }
}

public enum SemanticConventions {
  /// What a span says that the conventions say otherwise; nothing for a span that is under none of them.
  public static func check(_ span: Span) -> [ConventionFinding] {
    let convention = SpanConvention(span)
    var found = names(span.attributes)
    if convention == .none { return found }
    func lacks(_ name: String) -> Bool { span.attributes[name] == nil }
    found += convention.required.filter(lacks).map { ConventionFinding(kind: .missing, name: $0) }
    if hasFailed(span, convention), lacks("error.type") { found.append(ConventionFinding(kind: .missing, name: "error.type")) }
    found += convention.recommended.filter(lacks).map { ConventionFinding(kind: .recommended, name: $0) }
    return found
  }

  /// An error by status, or by the code of HTTP: from 500 on a server, from 400 for a client.
  public static func hasFailed(_ span: Span) -> Bool {
    if span.status.code == .error { return true }
    // Which convention a span is under costs more than its code, and most codes are no error of anybody.
    guard let code = span.attributes["http.response.status_code"]?.int, code >= 400 else { return false }
    return hasFailed(span, SpanConvention(span))
  }

  private static func hasFailed(_ span: Span, _ convention: SpanConvention) -> Bool {
    if span.status.code == .error { return true }
    guard let code = span.attributes["http.response.status_code"]?.int else { return false }
    switch convention {
    case .httpServer: return code >= 500
    case .httpClient: return code >= 400
    default: return false
    }
  }

  public static func check(_ resource: Resource) -> [ConventionFinding] {
    let missing = resource.serviceName.isEmpty ? [ConventionFinding(kind: .missing, name: "service.name")] : []
    return missing + names(resource.attributes)
  }

  /// Unit and instrument of a metric whose name the conventions know.
  public static func check(_ metric: TelemetryMetric) -> [ConventionFinding] {
    guard let rule = ConventionNames.metrics[metric.name] else { return [] }
    var found: [ConventionFinding] = []
    if metric.unit != rule.unit { found.append(ConventionFinding(kind: .wrongUnit(expected: rule.unit), name: metric.name)) }
    if let instrument = metric.data.instrument, instrument != rule.instrument {
      found.append(ConventionFinding(kind: .wrongInstrument(expected: rule.instrument.rawValue), name: metric.name))
    }
    return found
  }

  /// The share of spans under a convention that lack nothing required and use no name of old; nil when there are none.
  public static func conformance(_ spans: some Sequence<Span>) -> Double? {
    var all = 0
    var good = 0
    for span in spans where SpanConvention(span) != .none {
      all += 1
      if check(span).allSatisfy({ $0.kind == .recommended }) { good += 1 }
    }
    return all == 0 ? nil : Double(good) / Double(all)
  }

  private static func names(_ attributes: [Attribute]) -> [ConventionFinding] {
    attributes.compactMap { attribute in
      if let replacement = ConventionNames.deprecated[attribute.key] {
        return ConventionFinding(kind: .deprecated(replacement: replacement), name: attribute.key)
      }
      guard let type = ConventionNames.types[attribute.key], !attribute.value.isOf(type) else { return nil }
      return ConventionFinding(kind: .wrongType(expected: type.rawValue), name: attribute.key)
    }
  }
}

extension AttributeValue {
  fileprivate func isOf(_ type: ConventionNames.ValueType) -> Bool {
    switch (self, type) {
    case (.string, .string), (.int, .int), (.double, .double), (.bool, .bool): true
    default: false
    }
  }
}

extension MetricData {
  /// nil for a summary, which belongs to no instrument, and for data of no kind.
  public var instrument: ConventionInstrument? {
    switch self {
    case .gauge: .gauge
    case .sum(_, _, let isMonotonic): isMonotonic ? .counter : .upDownCounter
    case .histogram, .exponentialHistogram: .histogram
    case .summary, .none: nil
    }
  }
}

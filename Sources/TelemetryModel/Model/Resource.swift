// Who sent telemetry (a resource), which library wrote it (a scope), and the nesting in which OTLP carries all three signals:
// resource → scope → records. Generic over the record, because traces, metrics and logs differ in nothing else here.

/// The process or machine that telemetry is about.
public struct Resource: Hashable, Sendable {
  public var attributes: [Attribute]
  public var droppedAttributes: UInt32

  public init(attributes: [Attribute] = [], droppedAttributes: UInt32 = 0) {
    self.attributes = attributes
    self.droppedAttributes = droppedAttributes
  }

  /// `service.name`; empty when it is not said.
  public var serviceName: String { attributes["service.name"]?.string ?? "" }
}

/// The library that recorded.
public struct InstrumentationScope: Hashable, Sendable {
  public var name: String
  public var version: String
  public var attributes: [Attribute]
  public var droppedAttributes: UInt32

  public init(name: String = "", version: String = "", attributes: [Attribute] = [], droppedAttributes: UInt32 = 0) {
    self.name = name
    self.version = version
    self.attributes = attributes
    self.droppedAttributes = droppedAttributes
  }
}

/// A span, a metric or a log record.
public protocol TelemetryRecord: Hashable, Sendable {
  static var signal: TelemetrySignal { get }
}

public enum TelemetrySignal: String, Sendable, CaseIterable {
  case traces, metrics, logs

  /// Where OTLP/HTTP sends it.
  public var path: String { "/v1/" + rawValue }
}

/// What one OTLP request carries.
public struct TelemetryBatch<Record: TelemetryRecord>: Hashable, Sendable {
  public var resources: [ResourceRecords<Record>]
  public init(resources: [ResourceRecords<Record>] = []) { self.resources = resources }

  /// One resource, one scope.
  public init(resource: Resource, scope: InstrumentationScope = InstrumentationScope(), records: [Record]) {
    resources = [ResourceRecords(resource: resource, scopes: [ScopeRecords(scope: scope, records: records)])]
  }

  public var recordCount: Int { resources.reduce(0) { $0 + $1.scopes.reduce(0) { $0 + $1.records.count } } }

  /// Every record, in order, with its resource and scope left out.
  public var records: [Record] { resources.flatMap { $0.scopes.flatMap(\.records) } }
}

public struct ResourceRecords<Record: TelemetryRecord>: Hashable, Sendable {
  public var resource: Resource
  public var scopes: [ScopeRecords<Record>]
  public var schemaURL: String

  public init(resource: Resource = Resource(), scopes: [ScopeRecords<Record>] = [], schemaURL: String = "") {
    self.resource = resource
    self.scopes = scopes
    self.schemaURL = schemaURL
  }
}

public struct ScopeRecords<Record: TelemetryRecord>: Hashable, Sendable {
  public var scope: InstrumentationScope
  public var records: [Record]
  public var schemaURL: String

  public init(scope: InstrumentationScope = InstrumentationScope(), records: [Record] = [], schemaURL: String = "") {
    self.scope = scope
    self.records = records
    self.schemaURL = schemaURL
  }
}

public typealias TraceBatch = TelemetryBatch<Span>
public typealias MetricBatch = TelemetryBatch<TelemetryMetric>
public typealias LogBatch = TelemetryBatch<LogRecord>

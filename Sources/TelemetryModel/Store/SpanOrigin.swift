// A span with who sent it. The origin is shared by all spans of a service and scope, so that keeping them apart costs a reference.

/// Resource and scope of spans, once for all of them.
public final class SpanOrigin: Sendable {
  public let resource: Resource
  public let scope: InstrumentationScope
  public let resourceSchemaURL: String
  public let scopeSchemaURL: String
  /// `service.name` of the resource; empty when it is not said.
  public let service: String

  public init(resource: Resource, scope: InstrumentationScope = InstrumentationScope(), resourceSchemaURL: String = "", scopeSchemaURL: String = "") {
    self.resource = resource
    self.scope = scope
    self.resourceSchemaURL = resourceSchemaURL
    self.scopeSchemaURL = scopeSchemaURL
    service = resource.serviceName
  }
}

public struct OriginatedSpan: Sendable {
  public var span: Span
  public var origin: SpanOrigin

  public init(_ span: Span, _ origin: SpanOrigin) {
    self.span = span
    self.origin = origin
  }
}

/// Finds the origin that an equal resource and scope had before. Bounded: a sender of ever new resources empties it again and
/// again, and its spans then have origins of their own.
struct OriginTable {
  private struct Key: Hashable {
    var resource: Resource
    var scope: InstrumentationScope
    var urls: [String]
  }
  private static let originsMax = 1024
  private var known: [Key: SpanOrigin] = [:]

  mutating func origin(_ group: ResourceRecords<Span>, _ scope: ScopeRecords<Span>) -> SpanOrigin {
    let key = Key(resource: group.resource, scope: scope.scope, urls: [group.schemaURL, scope.schemaURL])
    if let origin = known[key] { return origin }
    if known.count >= Self.originsMax { known.removeAll(keepingCapacity: true) }
    let origin = SpanOrigin(
      resource: group.resource, scope: scope.scope, resourceSchemaURL: group.schemaURL, scopeSchemaURL: scope.schemaURL)
    known[key] = origin
    return origin
  }
}

extension TelemetryBatch where Record == Span {
  /// Spans by their origins again, to be sent on. Origins stand in the order in which they first come.
  public init(_ spans: [OriginatedSpan]) {
    var places: [ObjectIdentifier: Int] = [:]
    var groups: [ResourceRecords<Span>] = []
    for one in spans {
      let place = places[ObjectIdentifier(one.origin)] ?? groups.count
      if place == groups.count {
        places[ObjectIdentifier(one.origin)] = place
        let scope = ScopeRecords<Span>(scope: one.origin.scope, schemaURL: one.origin.scopeSchemaURL)
        groups.append(ResourceRecords(resource: one.origin.resource, scopes: [scope], schemaURL: one.origin.resourceSchemaURL))
      }
      groups[place].scopes[0].records.append(one.span)
    }
    self.init(resources: groups)
  }
}

// Who calls whom, from the parents of spans: an edge is a span whose parent belongs to another service. What is called and
// sends no spans of its own, such as a database, is read from the client's attributes.

import ExperimentModel

extension TelemetryCapture {
  /// Edges that are kept apart.
  static let edgesMax = 400

  /// Nodes by name, edges by their ends. Traces without a root still show their calls. Memory: two numbers a call.
  public func serviceMap(where filter: TelemetryFilter = .all) -> ServiceMap {
    struct Key: Hashable {
      var from: ServiceMap.Node
      var to: ServiceMap.Node
    }
    struct Calls {
      var durations = WeightedValues()
      var errors = 0.0
    }
    let selection = TelemetrySelection(filter, over: traces.lazy.map { spans[$0.root] })
    var edges: [Key: Calls] = [:]
    var omitted: Set<Key> = []
    func add(_ from: ServiceMap.Node, _ to: ServiceMap.Node, _ one: OriginatedSpan) {
      let key = Key(from: from, to: to)
      guard edges[key] != nil || edges.count < Self.edgesMax else {
        if omitted.count < 100_000 { omitted.insert(key) }
        return
      }
      let weight = one.span.adjustedCount ?? 1
      edges[key, default: Calls()].durations.add(Double(max(0, one.span.duration)), weight: weight)
      if SemanticConventions.hasFailed(one.span) { edges[key]!.errors += weight }
    }
    let clients = ServiceMap.Node(name: "clients", kind: .clients)
    for trace in traces where selection.contains(spans[trace.root]) {
      var places: [SpanID: Int] = [:]
      for i in trace.range { places[spans[i].span.spanID] = i }
      var hasRemoteChild: Set<Int> = []
      for i in trace.range {
        let one = spans[i]
        if let parent = places[one.span.parentSpanID], !one.span.isRoot {
          guard spans[parent].origin.service != one.origin.service else { continue }
          hasRemoteChild.insert(parent)
          add(Self.node(spans[parent]), Self.node(one), one)
        } else if one.span.isRoot {
          add(clients, Self.node(one), one)
        }
      }
      for i in trace.range where !hasRemoteChild.contains(i) {
        if let outside = Self.outside(spans[i]) { add(Self.node(spans[i]), outside, spans[i]) }
      }
    }
    let nodes = Set(edges.keys.flatMap { [$0.from, $0.to] }).sorted { (Self.rank($0.kind), $0.name) < (Self.rank($1.kind), $1.name) }
    let placeOf = Dictionary(uniqueKeysWithValues: nodes.enumerated().map { ($1, $0) })
    let drawn = edges.map { key, calls in
      var durations = calls.durations
      return ServiceMap.Edge(
        from: placeOf[key.from]!, to: placeOf[key.to]!, calls: durations.weight, errors: calls.errors, p95: durations.quantile(0.95) ?? 0)
    }
    return ServiceMap(nodes: nodes, edges: drawn.sorted { ($0.from, $0.to) < ($1.from, $1.to) }, omitted: omitted.count)
  }

  private static func rank(_ kind: ServiceMap.Kind) -> Int { kind == .clients ? 0 : kind == .service ? 1 : 2 }

  private static func node(_ one: OriginatedSpan) -> ServiceMap.Node {
    ServiceMap.Node(name: one.origin.service.isEmpty ? "(no service.name)" : shortened(one.origin.service), kind: .service)
  }

  /// Whom a client's span went to, when nobody there answered with a span.
  private static func outside(_ one: OriginatedSpan) -> ServiceMap.Node? {
    guard one.span.kind == .client || one.span.kind == .producer else { return nil }
    let keys = ["peer.service", "db.system.name", "messaging.system", "rpc.service", "server.address"]
    return keys.lazy.compactMap { one.span.attributes[$0]?.label }.first.map { ServiceMap.Node(name: shortened($0), kind: .outside) }
  }
}

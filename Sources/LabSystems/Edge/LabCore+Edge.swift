// From an edge's spec to an Edge: what it needs from the rest of the system, and what the lab refuses.

import ExperimentModel

extension LabCore {
  /// - Throws: `LabError` for what the language refuses too: a lab can be given any JSON.
  func makeEdge(_ spec: EdgeSpec, _ name: String, _ upstreams: ((String, Int, Int) -> any Upstream)?) throws -> Edge {
    let place = "system, role \(name)"
    guard let upstreams else { throw LabError(place: place, cause: "an edge has nobody to ask here", remedy: "serve the system on a port") }
    guard let upstream = system.roles.first(where: { $0.name == spec.upstream }), let origin = system.origin(behind: name) else {
      throw LabError(
        place: place, cause: "behind it, by way of `\(spec.upstream)`, there is no role with routes",
        remedy: "let `upstream` name a role, and no edge itself again")
    }
    let count = upstream.instanceCount
    if let problem = problem(spec, count) { throw LabError(place: place, cause: problem, remedy: "see the edge's keys in the reference") }
    let edge = Edge(
      name, spec, backends: count, routes: origin.routes, seed: system.seed,
      upstream: upstreams(upstream.name, count, spec.connections), checks: upstreams(upstream.name, count, 1), environment: environment)
    edge.telemetry = telemetry.map { EdgeTelemetry($0.service(name, instance: name), routes: origin.routes) }
    return edge
  }

  private func problem(_ spec: EdgeSpec, _ instances: Int) -> String? {
    if let weights = spec.weights, weights.count != instances || weights.contains(where: { $0 <= 0 }) {
      return "\(weights.count) weights for \(instances) instances, or one that is not above 0"
    }
    if spec.bound <= 1 || spec.connections < 1 || spec.timeout <= .zero { return "a bound of 1, no connection or no time" }
    if let health = spec.health, health.interval <= .zero || health.fall < 1 || health.rise < 1 { return "a check without interval, fall or rise" }
    if let limit = spec.limit, limit.burst < 1 || limit.rate.map({ $0 <= 0 }) == true { return "a limit without rate or burst" }
    if let retry = spec.retry, retry.max < 0 || !(0...1).contains(retry.budget ?? 0) { return "fewer than no retries, or a budget outside 0…1" }
    if let breaker = spec.breaker, breaker.failures < 1 || breaker.window < 1 || !(0...1).contains(breaker.share ?? 0) {
      return "a breaker without failures or window, or a share outside 0…1"
    }
    if let shape = spec.shape, shape.rate.map({ $0 <= 0 }) == true || shape.window.map({ $0 < 1 }) == true { return "a link without rate or window" }
    return nil
  }
}

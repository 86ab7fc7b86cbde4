// A load block's scenario as this kernel sees it: the arrivals, keys, queues, workers, declared waits, calls, caches and locks of
// an arm, without a socket. Written against the same specification as the load kernel and the lab and sharing no code with
// them, so that what the two kernels agree on is no mistake that both inherited.

import ExperimentModel

/// One step of a route.
struct ScenarioStep {
  enum Kind: UInt8 { case wait, asynchronousWait, parallelCalls, serialCalls, cache, lock, unlock, fail }
  var kind: Kind
  /// Of its wait, cache or lock, or of the route that is called.
  var index = 0
  /// Calls.
  var count = 0
  /// Of requests that fail.
  var share = 0.0
}

/// A declared wait in seconds: a share of slow ones behind a least time.
struct ScenarioWait {
  var usual: Law
  var slow: Law = .constant(0)
  var slowShare = 0.0
  var slowLeast = 0.0

  init(_ distribution: WaitDistribution) {
    switch distribution {
    case .constant(let mean): usual = .constant(mean.seconds)
    case .uniform(let low, let high): usual = .uniform(low: low.seconds, high: high.seconds)
    case .exponential(let mean): usual = .exponential(mean: mean.seconds)
    case .lognormal(let mean, let sigma): usual = .lognormal(mean: mean.seconds, sigma: sigma)
    case .pareto(let mean, let alpha): usual = .pareto(mean: mean.seconds, alpha: alpha)
    case .mixture(let mean, let share, let least, let slowMean):
      usual = .exponential(mean: mean.seconds)
      (slow, slowShare, slowLeast) = (.exponential(mean: slowMean.seconds), share, least.seconds)
    }
  }
}

struct ScenarioRole {
  var workers: Int
  var queueLimit: Int
  /// Seconds.
  var timeout: Double
}

struct ScenarioRoute {
  var role: Int
  var steps: [ScenarioStep] = []
}

struct ScenarioRequest {
  var route: Int
  var weight: Double
  var keys: KeyDistribution?
}

/// A piece of the demand: a rate that runs along a straight line.
struct ScenarioPiece {
  /// Seconds.
  var length: Double
  /// Requests a second at its beginning and at its end.
  var from: Double
  var to: Double
}

/// Who sends.
enum ScenarioTraffic {
  case open([ScenarioPiece], isPoisson: Bool, connections: Int)
  /// Users who wait for their answer, then think.
  case closed(users: Int, think: Law, seconds: Double)
}

/// An arm that can be simulated.
public struct Scenario: Sendable {
  var traffic: ScenarioTraffic
  var requests: [ScenarioRequest] = []
  var roles: [ScenarioRole] = []
  var routes: [ScenarioRoute] = []
  var waits: [ScenarioWait] = []
  var caches: [CacheSpec] = []
  var locks = 0
  /// Keys that fill the caches before the first request: drawn from the scenario, or the most popular ones once.
  var warm: Warm?
  var seed: UInt64
  /// Stretches that follow one another with empty queues and the same caches, as the slices of a comparison do.
  var stretches: Int
  /// Stages that do real work, which takes no time here.
  public private(set) var unknown: [String] = []

  /// - Parameters:
  ///   - arm: with the durations that a stretch really has.
  ///   - stretches: how many of them.
  /// - Throws: `SimulationError` for what this kernel cannot follow, with the part that it is.
  public init(_ arm: LoadArm, stretches: Int = 1) throws(SimulationError) {
    let profile = arm.profile
    seed = profile.seed
    warm = arm.warm
    self.stretches = max(1, stretches)
    traffic = try Self.traffic(profile)
    if !arm.faults.isEmpty { throw Self.refusal("faults") }
    if profile.journeys != nil { throw Self.refusal("journeys") }
    for role in arm.system.roles {
      if role.edge != nil { throw Self.refusal("an edge, such as `\(role.name)`,") }
      if role.worker != nil { throw Self.refusal("a worker, such as `\(role.name)`,") }
      if role.instanceCount > 1 { throw Self.refusal("several instances of `\(role.name)`") }
      roles.append(ScenarioRole(workers: role.workers, queueLimit: role.queueLimit, timeout: role.timeout.seconds))
    }
    let all = arm.system.roles.enumerated().flatMap { index, role in role.routes.map { (index, role, $0) } }
    routes = all.map { index, _, _ in ScenarioRoute(role: index) }
    var locksByName: [String: Int] = [:]
    for (index, (_, role, route)) in all.enumerated() {
      for stage in route.stages {
        if let step = try step(stage, in: role, all.map { ($0.1.name, $0.2) }, &locksByName) { routes[index].steps.append(step) }
      }
    }
    locks = locksByName.count
    for request in profile.requests {
      let method = request.method == "HEAD" ? "GET" : request.method
      guard let index = all.firstIndex(where: { ($0.2.method == method || $0.2.method == request.method) && $0.2.answers(request.path) }) else {
        throw SimulationError(cause: "no route answers \(request.method) \(request.path)")
      }
      requests.append(ScenarioRequest(route: index, weight: request.weight, keys: request.key))
    }
    try refuseLoops()
  }

  static func refusal(_ what: String) -> SimulationError {
    SimulationError(cause: "the simulated twin cannot follow \(what)", remedy: "leave out `twin: sim`, or measure a block without it")
  }

  private static func traffic(_ profile: LoadProfile) throws(SimulationError) -> ScenarioTraffic {
    if profile.sessionLength != nil { throw refusal("sessions") }
    if profile.burst != nil { throw refusal("bursts") }
    if profile.replay != nil { throw refusal("replayed arrivals") }
    let isPoisson = profile.arrivals == .poisson
    let connections = profile.connections ?? 64
    switch profile.executor {
    case .constantArrivalRate:
      let rate = profile.rate ?? 0
      return .open([ScenarioPiece(length: profile.duration.seconds, from: rate, to: rate)], isPoisson: isPoisson, connections: connections)
    case .rampingArrivalRate:
      var rate = profile.rate ?? 0
      let pieces = profile.stages.map { stage in
        defer { rate = stage.target }
        return ScenarioPiece(length: stage.duration.seconds, from: stage.jump == true ? stage.target : rate, to: stage.target)
      }
      return .open(pieces, isPoisson: isPoisson, connections: connections)
    case .constantVUs:
      let think: Law =
        switch profile.think {
        case .constant(let time)?: .constant(time.seconds)
        case .exponential(let mean)?: .exponential(mean: mean.seconds)
        case .uniform(let low, let high)?: .uniform(low: low.seconds, high: high.seconds)
        case nil: .constant(profile.thinkTime?.seconds ?? 0)
        }
      return .closed(users: profile.vus ?? 1, think: think, seconds: profile.duration.seconds)
    case .rampingVUs, .sharedIterations: throw refusal("the executor `\(profile.executor.rawValue)`")
    }
  }

  /// nil: it takes no time here.
  private mutating func step(
    _ stage: StageSpec, in role: RoleSpec, _ all: [(role: String, route: RouteSpec)], _ locksByName: inout [String: Int]
  ) throws(SimulationError) -> ScenarioStep? {
    switch stage.work {
    case .wait(let wait):
      waits.append(ScenarioWait(wait.distribution))
      return ScenarioStep(kind: wait.isAsync ? .asynchronousWait : .wait, index: waits.count - 1)
    case .call(let call):
      guard let target = all.firstIndex(where: { $0.role == call.role && $0.route.method == "GET" && $0.route.answers(call.path) }) else {
        throw SimulationError(cause: "`\(stage.name)` calls \(call.path) of \(call.role), which no route answers")
      }
      return ScenarioStep(kind: call.mode == .parallel ? .parallelCalls : .serialCalls, index: target, count: call.k)
    case .cache(let cache):
      if cache.l2 != nil { throw Self.refusal("the second level of the cache `\(stage.name)`") }
      if cache.invalidateOn != nil { throw Self.refusal("the invalidation of the cache `\(stage.name)`") }
      if cache.bytes != nil { throw Self.refusal("the byte budget of the cache `\(stage.name)`") }
      caches.append(cache)
      return cache.capacity == 0 ? nil : ScenarioStep(kind: .cache, index: caches.count - 1)
    case .lock(let lock), .unlock(let lock):
      let index = locksByName[lock.lock] ?? locksByName.count
      locksByName[lock.lock] = index
      if case .lock = stage.work { return ScenarioStep(kind: .lock, index: index) }
      return ScenarioStep(kind: .unlock, index: index)
    case .error(let error):
      guard error.key.isEmpty, error.slow == nil else { throw Self.refusal("the keyed or slow errors of `\(stage.name)`") }
      return ScenarioStep(kind: .fail, share: error.share)
    case .limit: throw Self.refusal("the limit `\(stage.name)`")
    case .bytes: return nil
    case .sql, .cpu, .alloc, .io, .infer, .publish:
      if !unknown.contains(stage.name) { unknown.append(stage.name) }
      return nil
    }
  }

  /// A route that calls itself, over others or not, would never end.
  private func refuseLoops() throws(SimulationError) {
    func reaches(_ route: Int, _ path: [Int]) -> Bool {
      path.contains(route)
        || routes[route].steps.contains { ($0.kind == .parallelCalls || $0.kind == .serialCalls) && reaches($0.index, path + [route]) }
    }
    if routes.indices.contains(where: { reaches($0, []) }) { throw SimulationError(cause: "a route of this system calls itself") }
  }
}

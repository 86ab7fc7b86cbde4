import ExperimentModel

/// A reverse proxy. The way of a request, each step only if it is declared:
///
///     client ─ link ─ limit ─ cache ─ shed ─ balance ─→ attempt ─→ instance
///                                       ↑                  │ failed, slow: retry, hedge
///                                       └──────────────────┘
///
/// It decides with values (Balancer, CircuitBreaker, RetryBudget, HTTPCache, …) on the environment's clock and touches no socket:
/// `Connection` brings it requests, an `Upstream` carries its attempts. Lives on one event loop.
final class Edge {
  let name: String
  let spec: EdgeSpec
  let environment: any Environment
  let upstream: any Upstream
  /// Health checks have connections of their own: a full pool is no sick instance.
  let checks: any Upstream
  let backends: [Backend]
  let link: ShapedLink?
  let cache: HTTPCache?
  var random: SeededRandom
  var counts = EdgeCounts()
  var budget: RetryBudget
  var shedder: StandingDelay?
  var times: RecentTimes?
  /// Requests that wait for the load of a URL, by cache key.
  var flights: [String: [Visit]] = [:]
  /// Cache keys that are asked about in the background.
  var revalidations: Set<String> = []
  /// Attempts in the order in which they began, which is that of their deadlines.
  var under = AttemptQueue()
  private let limiter: RateLimiter?
  private let hashKey: HashKey
  private var balancer: any Balancer
  private(set) var inside = 0
  var isTimeoutArmed = false
  var evictionsBase = 0
  /// Answers that a fault spoils.
  var errors: [ErrorShare] = []
  /// nil: nothing is recorded.
  var telemetry: EdgeTelemetry?

  /// A client's request inside the edge.
  final class Visit {
    let request: ProxyRequest
    fileprivate let respond: (ProxyResponse) -> Void
    fileprivate var limits: [HeaderField] = []
    fileprivate var trail: EdgeTrail?
    init(_ request: ProxyRequest, respond: @escaping (ProxyResponse) -> Void) { self.request = request; self.respond = respond }
  }

  /// - Parameters:
  ///   - backends: how many instances the upstream has.
  ///   - routes: of the role behind, whose path variables a hash key may name.
  init(
    _ name: String, _ spec: EdgeSpec, backends: Int, routes: [RouteSpec], seed: UInt64, upstream: any Upstream, checks: any Upstream,
    environment: any Environment
  ) {
    self.name = name; self.spec = spec; self.environment = environment; self.upstream = upstream; self.checks = checks
    self.backends = (0..<backends).map { Backend(index: $0, upstream: spec.upstream, spec) }
    link = spec.shape.map { ShapedLink($0, seed: seed, environment: environment) }
    cache = spec.cache.map { HTTPCache($0) }
    limiter = spec.limit.flatMap { RateLimiter($0) }
    hashKey = HashKey(spec.hashKey, routes: routes)
    balancer = makeBalancer(spec, seed: seed)
    budget = RetryBudget(share: spec.retry?.budget)
    shedder = spec.shed.map { StandingDelay($0) }
    if case .quantile(let quantile)? = spec.hedge { times = RecentTimes(quantile: quantile) }
    random = SeededRandom(seed: seed, stream: "edge:" + name)
  }

  // MARK: The way of a request

  /// A whole request has arrived; `respond` is called exactly once, perhaps inside this call.
  func submit(_ request: ProxyRequest, isNewConnection: Bool, respond: @escaping (ProxyResponse) -> Void) {
    counts.requests += 1
    let visit = Visit(request, respond: respond)
    guard let link else { return admit(visit) }
    // A new connection costs the link one round trip more: its handshake.
    let handshake = isNewConnection ? link.halfTrip() + link.halfTrip() : 0
    environment.at(environment.now + handshake + link.halfTrip()) { [self] in admit(visit) }
  }

  private func admit(_ visit: Visit) {
    var visit = visit
    if let telemetry {
      let (trail, request) = telemetry.begin(visit.request)
      visit = Visit(request, respond: visit.respond)
      visit.trail = trail
    }
    inside += 1
    counts.inFlightPeak = max(counts.inFlightPeak, inside)
    if !errors.isEmpty, let status = errors.nextStatus() {
      return finish(visit, ProxyResponse(status: status, reason: "\(name): an injected error"))
    }
    if let most = spec.limit?.concurrency, inside > most {
      counts.limited += 1
      return finish(visit, ProxyResponse(status: 503, reason: "\(name): \(most) requests are inside already"))
    }
    switch limiter?.admit(visit.request, now: environment.now) {
    case .refused(let fields)?:
      counts.limited += 1
      visit.limits = fields
      return finish(visit, ProxyResponse(status: 429, reason: "\(name): more than the limit"))
    case .admitted(let fields)?: visit.limits = fields
    case nil: break
    }
    if let cache, cache.handles(visit.request) { return answerFromCache(visit, cache) }
    forward(visit.request) { [self] response in
      if let cache, !["GET", "HEAD"].contains(visit.request.method), (200..<400).contains(response.status) {
        cache.invalidate(visit.request.target)
      }
      finish(visit, response)
    }
  }

  func finish(_ visit: Visit, _ response: ProxyResponse) {
    inside -= 1
    var response = response
    response.fields.append(visit.limits)
    switch response.status {
    case ..<400: counts.succeeded += 1
    case ..<500: counts.clientErrors += 1
    default: counts.serverErrors += 1
    }
    if let trail = visit.trail { telemetry?.end(trail, response) }
    if visit.request.method != "HEAD" { counts.bytesOut += response.body.readableBytes }
    visit.respond(response)
  }

  // MARK: Instances

  /// An instance for the next attempt, another than those tried before if there is one; nil when none may be asked.
  func pick(avoiding tried: Set<Int>, for request: ProxyRequest) -> Backend? {
    let now = environment.now
    let up = backends.filter(\.health.isUp)
    let open = up.filter { $0.breaker?.admits(now: now) ?? true }
    if open.isEmpty, !up.isEmpty { counts.breakerDenied += 1 }
    let others = open.filter { !tried.contains($0.index) }
    let candidates = (others.isEmpty ? open : others).map(\.candidate)
    guard !candidates.isEmpty else { return nil }
    return backends[balancer.pick(candidates, key: hashKey.hash(of: request))]
  }

  /// Sends a request on; `done` gets the upstream's answer, or the edge's own 502, 503 or 504.
  func forward(_ request: ProxyRequest, done: @escaping (ProxyResponse) -> Void) {
    var request = request
    request.fields.append("Via", "1.1 \(name)")
    Dispatch(self, request, done: done).start()
  }
}

// The resolved `edge` role: a reverse proxy in front of the instances of another role. What is nil is switched off.

public enum BalancePolicy: String, Codable, Sendable, CaseIterable {
  /// One after the other.
  case roundRobin = "rr"
  /// As often as the weights say, evenly interleaved.
  case weightedRoundRobin = "wrr"
  case random
  /// The less busy of two that are drawn at random.
  case twoChoices = "p2c"
  /// The one with the fewest requests under way over its weight: join the shortest queue.
  case leastConnections = "least_conn"
  /// The same key goes to the same instance.
  case hash
  /// The same, unless that instance already has more than `bound` times the mean number under way.
  case boundedHash = "bounded_hash"
}

public struct EdgeSpec: Codable, Hashable, Sendable {
  /// The role whose instances are asked.
  public var upstream: String
  public var balance: BalancePolicy
  /// One for each instance; nil: all equal.
  public var weights: [Double]?
  /// `{variable}` of the upstream's route, or `header:NAME`; nil: the whole request target.
  public var hashKey: String?
  /// For `boundedHash`: a multiple of the mean number under way, above 1.
  public var bound: Double
  /// Kept-alive connections to each instance; a request waits for a free one.
  public var connections: Int
  /// Of one attempt: an instance that has not answered by then is given up.
  public var timeout: Nanoseconds
  public var health: HealthSpec?
  public var cache: EdgeCacheSpec?
  public var limit: EdgeLimitSpec?
  public var retry: RetrySpec?
  public var hedge: HedgeSpec?
  public var breaker: BreakerSpec?
  public var shed: ShedSpec?
  public var shape: LinkSpec?
  public init(
    upstream: String, balance: BalancePolicy = .roundRobin, weights: [Double]? = nil, hashKey: String? = nil, bound: Double = 1.25,
    connections: Int = 256, timeout: Nanoseconds = Nanoseconds(seconds: 10), health: HealthSpec? = nil, cache: EdgeCacheSpec? = nil,
    limit: EdgeLimitSpec? = nil, retry: RetrySpec? = nil, hedge: HedgeSpec? = nil, breaker: BreakerSpec? = nil, shed: ShedSpec? = nil,
    shape: LinkSpec? = nil
  ) {
    self.upstream = upstream; self.balance = balance; self.weights = weights; self.hashKey = hashKey; self.bound = bound
    self.connections = connections; self.timeout = timeout; self.health = health; self.cache = cache; self.limit = limit
    self.retry = retry; self.hedge = hedge; self.breaker = breaker; self.shed = shed; self.shape = shape
  }
}

/// Checks of every instance, and what takes one out of service and back.
public struct HealthSpec: Codable, Hashable, Sendable {
  public var interval: Nanoseconds
  /// Failed checks in a row that take an instance out of service.
  public var fall: Int
  /// Passed checks in a row that bring it back.
  public var rise: Int
  /// Asked with GET; nil: the lab's own check, which asks the process and not its queue.
  public var path: String?
  /// A refused connection takes an instance out at once.
  public var passive: Bool
  public init(interval: Nanoseconds, fall: Int, rise: Int, path: String? = nil, passive: Bool = true) {
    self.interval = interval; self.fall = fall; self.rise = rise; self.path = path; self.passive = passive
  }
}

/// A shared HTTP cache (RFC 9111); how long an answer is fresh is the upstream's `Cache-Control` to say.
public struct EdgeCacheSpec: Codable, Hashable, Sendable {
  public var policy: CachePolicy
  /// URLs with all their variants; nil: no limit.
  public var capacity: Int?
  /// Of stored bodies and fields; nil: no limit.
  public var bytes: Int?
  /// Freshness of answers that say nothing about it; nil: they are not stored.
  public var ttl: Nanoseconds?
  /// Concurrent misses of a URL wait for one load.
  public var singleFlight: Bool
  /// Query parameters that are no part of the key: names, `utm_*`, or `*` for all.
  public var ignoreQuery: [String]
  public init(
    policy: CachePolicy = .lru, capacity: Int? = nil, bytes: Int? = nil, ttl: Nanoseconds? = nil, singleFlight: Bool = false,
    ignoreQuery: [String] = []
  ) {
    self.policy = policy; self.capacity = capacity; self.bytes = bytes; self.ttl = ttl; self.singleFlight = singleFlight
    self.ignoreQuery = ignoreQuery
  }
}

public struct EdgeLimitSpec: Codable, Hashable, Sendable {
  /// Requests per second for each key; nil: no bucket.
  public var rate: Double?
  /// Requests that a full bucket admits at once.
  public var burst: Int
  /// A request header; nil: one bucket for all.
  public var header: String?
  /// Requests inside the edge at one time; nil: any number.
  public var concurrency: Int?
  public init(rate: Double? = nil, burst: Int = 1, header: String? = nil, concurrency: Int? = nil) {
    self.rate = rate; self.burst = burst; self.header = header; self.concurrency = concurrency
  }
}

public struct RetrySpec: Codable, Hashable, Sendable {
  public enum Backoff: String, Codable, Sendable, CaseIterable { case none, exponential, fullJitter = "full-jitter" }
  /// After the first attempt.
  public var max: Int
  /// Retries and hedges as a share of requests; nil: no budget.
  public var budget: Double?
  public var backoff: Backoff
  /// Before the first retry; doubles with each, up to `cap`.
  public var base: Nanoseconds
  public var cap: Nanoseconds
  public init(
    max: Int, budget: Double? = nil, backoff: Backoff = .none, base: Nanoseconds = Nanoseconds(10_000_000),
    cap: Nanoseconds = Nanoseconds(1_000_000_000)
  ) {
    self.max = max; self.budget = budget; self.backoff = backoff; self.base = base; self.cap = cap
  }
}

/// When a second attempt starts beside the first one.
public enum HedgeSpec: Codable, Hashable, Sendable {
  case time(Nanoseconds)
  /// Of the recent attempts' times, in 0…1.
  case quantile(Double)
}

public struct BreakerSpec: Codable, Hashable, Sendable {
  /// Failures in a row that open it.
  public var failures: Int
  /// Share of failures among the last `window` attempts that opens it too; nil: only `failures` counts.
  public var share: Double?
  public var window: Int
  /// Open for so long, then one attempt is let through.
  public var cooldown: Nanoseconds
  public init(failures: Int, share: Double? = nil, window: Int = 20, cooldown: Nanoseconds) {
    self.failures = failures; self.share = share; self.window = window; self.cooldown = cooldown
  }
}

public struct ShedSpec: Codable, Hashable, Sendable {
  /// Requests are turned away while no attempt of late was answered faster.
  public var queueDelay: Nanoseconds
  public init(queueDelay: Nanoseconds) { self.queueDelay = queueDelay }
}

/// The link between the edge and its clients: a declared wait, not a measured one.
public struct LinkSpec: Codable, Hashable, Sendable {
  /// Round trip: half before the request is seen, half before the answer goes out; once more for a new connection.
  public var delay: Nanoseconds
  /// Uniform ± around `delay`.
  public var jitter: Nanoseconds
  /// Bytes per second of all answers together; nil: as fast as loopback is.
  public var rate: Double?
  /// Bytes that one connection may have under way; credit returns a round trip later. nil: any number.
  public var window: Int?
  public init(delay: Nanoseconds = .zero, jitter: Nanoseconds = .zero, rate: Double? = nil, window: Int? = nil) {
    self.delay = delay; self.jitter = jitter; self.rate = rate; self.window = window
  }
}

extension SystemSpec {
  /// The edge that no other edge asks; nil when the system has none.
  public var frontEdge: RoleSpec? {
    let asked = Set(roles.compactMap { $0.edge?.upstream })
    return roles.first { $0.edge != nil && !asked.contains($0.name) }
  }

  /// Of the port where traffic enters; nil: HTTP/1.1. What is behind it is always that.
  public var transport: LabTransport? {
    if let front = frontEdge { return front.transport }
    return roles.compactMap(\.transport).first
  }

  /// The role that does the work behind the entry: what the queue's counters are of.
  public var firstOrigin: RoleSpec? { roles.first { $0.edge == nil } }

  /// Behind the edges from `name` on: the role that has routes.
  public func origin(behind name: String) -> RoleSpec? {
    var role = roles.first { $0.name == name }
    var steps = roles.count
    while let edge = role?.edge, steps > 0 {
      role = roles.first { $0.name == edge.upstream }
      steps -= 1
    }
    return role?.edge == nil ? role : nil
  }
}

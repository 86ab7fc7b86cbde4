// The resolved lab system: what `nb lab serve` gets as JSON on stdin. Everything is explicit here:
// overrides are applied, fences are inlined, defaults are filled in.

public struct SystemSpec: Codable, Hashable, Sendable {
  public var id: String
  public var seed: UInt64
  public var roles: [RoleSpec]
  public var data: [DatasetSpec]
  /// Real programs in the place of the lab's own parts; nil, and not in the JSON, without `--real`.
  public var real: [RealService]?
  /// nil, and not in the JSON: nothing is recorded.
  public var telemetry: TelemetrySpec?
  public init(id: String, seed: UInt64, roles: [RoleSpec], data: [DatasetSpec]) {
    self.id = id; self.seed = seed; self.roles = roles; self.data = data
  }
}

/// How clients talk to the entry of a lab, where it is not plain HTTP/1.1.
public enum LabTransport: String, Codable, Sendable, CaseIterable {
  /// HTTP/1.1 over TLS.
  case tls
  /// HTTP/2 over TLS, by ALPN; a client that does not offer it gets HTTP/1.1.
  case http2
  /// HTTP/2 with prior knowledge, without TLS.
  case http2Clear = "http2-clear"
}

/// Which names the attributes of spans have.
public enum ConventionAge: String, Codable, Sendable, CaseIterable {
  /// Those of OpenTelemetry's stable conventions for HTTP (since 1.23.0) and databases (since 1.33.0).
  case stable
  /// Those from before, which older libraries still write; `error.type` was not among them.
  case old
}

public struct RoleSpec: Codable, Hashable, Sendable {
  public var name: String
  /// `origin`, `edge` or `worker`.
  public var kind: String
  /// Slots of the FIFO queue that are served at the same time; not threads.
  public var workers: Int
  /// Requests that may wait; one more is answered 503 at once.
  public var queueLimit: Int
  /// A request that waited longer than this is answered 504.
  public var timeout: Nanoseconds
  public var routes: [RouteSpec]
  // What follows is left out of the JSON when nil, so that plans without it keep their digest.
  /// Processes of this role, each with its own queue, workers, caches and port; nil: one.
  public var count: Int?
  /// Those that differ, by number from 1.
  public var instances: [Int: InstanceSpec]?
  /// Of the kind `edge`, which has no workers, queue or routes of its own.
  public var edge: EdgeSpec?
  /// Of the port where traffic enters; nil: HTTP/1.1.
  public var transport: LabTransport?
  /// What it consumes; nil for a role that answers requests. A worker has one route, `WorkerSpec.method`.
  public var worker: WorkerSpec?
  /// Names on its spans; nil: `stable`.
  public var conventions: ConventionAge?
  public init(
    name: String, kind: String = "origin", workers: Int, queueLimit: Int, timeout: Nanoseconds,
    routes: [RouteSpec], worker: WorkerSpec? = nil
  ) {
    self.name = name; self.kind = kind; self.workers = workers; self.queueLimit = queueLimit
    self.timeout = timeout; self.routes = routes; self.worker = worker
  }
}

/// One instance of a role that is not like the others.
public struct InstanceSpec: Codable, Hashable, Sendable {
  public var workers: Int
  public var queueLimit: Int
  public var timeout: Nanoseconds
  public var routes: [RouteSpec]
  public init(workers: Int, queueLimit: Int, timeout: Nanoseconds, routes: [RouteSpec]) {
    self.workers = workers; self.queueLimit = queueLimit; self.timeout = timeout; self.routes = routes
  }
}

extension RoleSpec {
  public var instanceCount: Int { count ?? 1 }

  /// The role as instance `number` (from 1) is.
  public func instance(_ number: Int) -> RoleSpec {
    guard let own = instances?[number] else { return self }
    var role = self
    (role.workers, role.queueLimit, role.timeout, role.routes) = (own.workers, own.queueLimit, own.timeout, own.routes)
    return role
  }
}

public struct RouteSpec: Codable, Hashable, Sendable {
  public var method: String
  /// A path with at most one `{name}` segment per variable, such as `/product/{id}`.
  public var path: String
  public var stages: [StageSpec]
  public init(method: String, path: String, stages: [StageSpec]) {
    self.method = method; self.path = path; self.stages = stages
  }
}

extension RouteSpec {
  /// Whether the route's pattern matches a path, which may be a pattern itself: segment by segment, `{…}` anything.
  public func answers(_ path: String) -> Bool {
    let (parts, wanted) = (self.path.split(separator: "/"), path.prefix { $0 != "?" }.split(separator: "/"))
    return parts.count == wanted.count && zip(parts, wanted).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
  }
}

public struct StageSpec: Codable, Hashable, Sendable {
  /// The author's `as:`, else the stage kind; counters and overrides use it.
  public var name: String
  public var work: StageWork
  /// In a worker; nil is `message`.
  public var scope: StageScope?
  /// nil: every request passes.
  public var when: StageCondition?
  /// false: it has no span of its own; nil: it has one. Never true.
  public var span: Bool?
  public init(name: String, work: StageWork, scope: StageScope? = nil) { self.name = name; self.work = work; self.scope = scope }
}

public enum StageWork: Codable, Hashable, Sendable {
  case cache(CacheSpec)
  case sql(SQLSpec)
  case wait(WaitSpec)
  case bytes(BytesSpec)
  case cpu(CPUSpec)
  case call(CallSpec)
  case alloc(AllocSpec)
  case io(IOSpec)
  case infer(InferSpec)
  case publish(PublishSpec)
  /// Everything up to the `unlock` of the same stage name is inside.
  case lock(LockSpec)
  case unlock(LockSpec)
  case limit(LimitSpec)
  case error(ErrorSpec)
}

public enum CachePolicy: String, Codable, Sendable, CaseIterable { case lru, lfu, fifo, tinylfu }

public struct CacheSpec: Codable, Hashable, Sendable {
  /// Template over the route's variables, such as `{id}`.
  public var key: String
  public var policy: CachePolicy
  /// Entries; 0 switches the cache off (every lookup is a miss and nothing is stored).
  public var capacity: Int?
  /// Bytes of stored bodies; nil: no byte budget.
  public var bytes: Int?
  /// nil: entries never expire.
  public var ttl: Nanoseconds?
  /// Share of the TTL that is drawn at random (uniform ± jitter).
  public var jitter: Double
  /// Concurrent misses of a key wait for one load.
  public var singleFlight: Bool
  /// Second level over the memcached text protocol: `lab` starts one in the lab, else HOST:PORT.
  public var l2: String?
  /// Route whose requests drop the key, such as `PUT /product/{id}`.
  public var invalidateOn: String?
  public init(
    key: String, policy: CachePolicy = .lru, capacity: Int? = nil, bytes: Int? = nil,
    ttl: Nanoseconds? = nil, jitter: Double = 0, singleFlight: Bool = false, l2: String? = nil,
    invalidateOn: String? = nil
  ) {
    self.key = key; self.policy = policy; self.capacity = capacity; self.bytes = bytes
    self.ttl = ttl; self.jitter = jitter; self.singleFlight = singleFlight; self.l2 = l2
    self.invalidateOn = invalidateOn
  }
}

public struct SQLSpec: Codable, Hashable, Sendable {
  /// One SQLite statement; `:id` and other route variables are bound by name.
  public var statement: String
  /// Connections; a request waits for a free one in FIFO order.
  public var pool: Int
  /// A write is on the disk before the request goes on (SQLite's `synchronous = FULL`); nil is false.
  public var durable: Bool?
  public init(statement: String, pool: Int, durable: Bool? = nil) {
    self.statement = statement; self.pool = pool; self.durable = durable
  }
}

/// A distribution of a declared wait; all parameters in nanoseconds.
public enum WaitDistribution: Codable, Hashable, Sendable {
  case constant(mean: Nanoseconds)
  case uniform(min: Nanoseconds, max: Nanoseconds)
  case exponential(mean: Nanoseconds)
  /// Exponential with `mean`; for a share of the calls instead `slowMin` + exponential with `slowMean`: most
  /// replicas are warm, one is cold.
  case mixture(mean: Nanoseconds, slowShare: Double, slowMin: Nanoseconds, slowMean: Nanoseconds)
  /// The logarithm is normal with the standard deviation `sigma`: times that are products of many small factors.
  case lognormal(mean: Nanoseconds, sigma: Double)
  /// P(wait > t) = (least/t)^alpha with least = mean·(alpha − 1)/alpha: rare waits that carry much of the sum. `alpha` > 1.
  case pareto(mean: Nanoseconds, alpha: Double)
}

public struct WaitSpec: Codable, Hashable, Sendable {
  public var distribution: WaitDistribution
  /// The remote party this timer stands for; required, shown with every result.
  public var standsFor: String
  /// true: the worker is free for other requests meanwhile, and the request asks for one again afterwards. Never false:
  /// what an author leaves out is not in the digest of the question, so older results stay answers to it.
  public var releasesWorker: Bool?
  public var isAsync: Bool { releasesWorker == true }
  public init(distribution: WaitDistribution, standsFor: String, isAsync: Bool = false) {
    self.distribution = distribution; self.standsFor = standsFor
    releasesWorker = isAsync ? true : nil
  }
}

public struct BytesSpec: Codable, Hashable, Sendable {
  public enum Compression: String, Codable, Sendable, CaseIterable { case gzip }
  /// How the answer is given to the kernel.
  public struct Writing: Codable, Hashable, Sendable {
    /// 1: head and body in one write; 2: one write for each.
    public var writes: Int
    /// TCP_NODELAY; without it Nagle's algorithm holds a small second write back until the first is acknowledged.
    public var nodelay: Bool
    public init(writes: Int, nodelay: Bool) { self.writes = writes; self.nodelay = nodelay }
  }
  /// What a browser is told that a document is.
  public enum DocumentType: String, Codable, Sendable, CaseIterable { case html, css, javascript, svg, json, text }
  public struct Document: Codable, Hashable, Sendable {
    public var type: DocumentType
    public var text: String
    public init(type: DocumentType, text: String) { self.type = type; self.text = text }
  }
  /// With a document at least as long as its text; the rest is spaces, which change nothing in any of its types.
  public var size: Int
  public var etag: Bool
  /// nil: seeded letters.
  public var document: Document?
  // Sent as they are; left out of the JSON when nil.
  public var cacheControl: String?
  public var vary: String?
  public var setCookie: String?
  /// Of every answer anew, for clients that accept it; nil: none.
  public var compress: Compression?
  /// nil: one write, TCP_NODELAY on.
  public var writing: Writing?
  public init(size: Int, etag: Bool, compress: Compression? = nil, writing: Writing? = nil, document: Document? = nil) {
    self.size = size; self.etag = etag; self.compress = compress; self.writing = writing; self.document = document
  }
}

/// What a `cpu` stage computes; each call does the same work on the same seeded input.
public enum CPUWork: String, Codable, Sendable, CaseIterable {
  /// Hashes one KiB a unit.
  case sha256
  /// Sorts an array of one number a unit.
  case sort
  /// Encodes and decodes an array of one order a unit.
  case json
  /// Removes repeated numbers from an array of one number a unit by looking through those already kept: O(units²).
  case dedupeQuadratic = "dedupe-quadratic"
  /// The same result by a hash table: O(units).
  case dedupeHash = "dedupe-hash"
  /// A thousand dependent rounds of an integer hash a unit.
  case spin

  /// Units of one call at most: more than about a second of one processor is no request but a batch job.
  public var unitsMax: Int {
    switch self {
    case .sha256, .spin: 200_000
    case .sort, .dedupeHash: 2_000_000
    case .json: 50_000
    case .dedupeQuadratic: 50_000
    }
  }
}

public struct CPUSpec: Codable, Hashable, Sendable {
  public var work: CPUWork
  /// 1…`work.unitsMax`, for each call.
  public var units: Int
  public init(work: CPUWork, units: Int) { self.work = work; self.units = units }
}

/// Requests to another route of the same system, each over a real loopback connection.
public struct CallSpec: Codable, Hashable, Sendable {
  public enum Mode: String, Codable, Sendable, CaseIterable {
    /// One after the other: the times add up.
    case serial
    /// All at once: the slowest decides.
    case parallel
  }
  /// The role that answers.
  public var role: String
  /// A template over the calling route's variables, such as `/product/{id}`; always GET.
  public var path: String
  /// Calls for each request.
  public var k: Int
  public var mode: Mode
  public init(role: String, path: String, k: Int, mode: Mode) {
    self.role = role; self.path = path; self.k = k; self.mode = mode
  }
}

/// How keys 1…n are drawn; rank equals key (1 is the most popular).
public enum KeyDistribution: Codable, Hashable, Sendable {
  /// P(k) ∝ k^−s
  case zipf(n: Int, s: Double)
  case uniform(n: Int)
  case sequential(n: Int)
  public var n: Int {
    switch self { case .zipf(let n, _), .uniform(let n), .sequential(let n): n }
  }
}

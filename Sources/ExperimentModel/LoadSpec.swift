// What the load kernel is asked to do. One `LoadProfile` is one arm's traffic; `LoadCell` adds the
// design (single, comparison, sweep) that the runner executes.

public enum Executor: String, Codable, Sendable, CaseIterable {
  case constantArrivalRate = "constant-arrival-rate"
  case rampingArrivalRate = "ramping-arrival-rate"
  case constantVUs = "constant-vus"
  case rampingVUs = "ramping-vus"
  case sharedIterations = "shared-iterations"
  /// Arrivals are scheduled and do not wait for answers.
  public var isOpen: Bool { self == .constantArrivalRate || self == .rampingArrivalRate }
}

public enum Arrivals: String, Codable, Sendable, CaseIterable { case poisson, uniform }

/// One ramp: linear from the previous target to this one over `duration`.
/// The unit of `target` is requests per second for arrival rates, users for VUs.
public struct RampStage: Codable, Hashable, Sendable {
  public var target: Double
  public var duration: Nanoseconds
  public init(target: Double, duration: Nanoseconds) { self.target = target; self.duration = duration }
}

public struct RequestSpec: Codable, Hashable, Sendable {
  public var name: String
  public var weight: Double
  public var method: String
  /// With `{…}` replaced by a key drawn from `key`.
  public var path: String
  public var key: KeyDistribution?
  public var headers: [String: String]
  public var body: String?
  public init(
    name: String, weight: Double = 1, method: String, path: String, key: KeyDistribution? = nil,
    headers: [String: String] = [:], body: String? = nil
  ) {
    self.name = name; self.weight = weight; self.method = method; self.path = path
    self.key = key; self.headers = headers; self.body = body
  }
}

public struct LoadProfile: Codable, Hashable, Sendable {
  public var executor: Executor
  public var arrivals: Arrivals
  /// Requests per second (constant-arrival-rate).
  public var rate: Double?
  /// Total measured time of the arm; ignored by shared-iterations.
  public var duration: Nanoseconds
  public var stages: [RampStage]
  public var vus: Int?
  public var iterations: Int?
  /// Upper bound of open connections; nil: 64 for open executors, one per VU for closed ones.
  public var connections: Int?
  public var thinkTime: Nanoseconds?
  public var requests: [RequestSpec]
  /// Response timeout of one request.
  public var timeout: Nanoseconds
  public var seed: UInt64
  public init(
    executor: Executor, arrivals: Arrivals = .poisson, rate: Double? = nil,
    duration: Nanoseconds = .zero, stages: [RampStage] = [], vus: Int? = nil,
    iterations: Int? = nil, connections: Int? = nil, thinkTime: Nanoseconds? = nil,
    requests: [RequestSpec], timeout: Nanoseconds = Nanoseconds(seconds: 10), seed: UInt64 = 1
  ) {
    self.executor = executor; self.arrivals = arrivals; self.rate = rate; self.duration = duration
    self.stages = stages; self.vus = vus; self.iterations = iterations
    self.connections = connections; self.thinkTime = thinkTime; self.requests = requests
    self.timeout = timeout; self.seed = seed
  }
}

/// Traffic before measuring; excluded from every number.
public enum Warm: Codable, Hashable, Sendable {
  /// n requests of the arm's own scenario, closed loop.
  case requests(Int)
  /// The n most popular keys once each, closed loop.
  case topKeys(Int)
}

public enum Toxic: String, Codable, Sendable, CaseIterable { case expire, stall }

/// One entry of the fault timeline, relative to the start of each measured slice.
public struct FaultSpec: Codable, Hashable, Sendable {
  public var at: Nanoseconds
  /// How long (stall); zero for expire, which is an event.
  public var duration: Nanoseconds
  /// A role or a stage, such as `origin` or `product-cache`.
  public var target: String
  public var toxic: Toxic
  public init(at: Nanoseconds, duration: Nanoseconds, target: String, toxic: Toxic) {
    self.at = at; self.duration = duration; self.target = target; self.toxic = toxic
  }
}

/// One variant or sweep point, fully resolved.
public struct LoadArm: Codable, Hashable, Sendable {
  public var name: String
  /// Swept parameters by last path segment, for `@param=value`.
  public var params: [String: Double]
  public var system: SystemSpec
  public var profile: LoadProfile
  public var warm: Warm?
  public var faults: [FaultSpec]
  public init(
    name: String, params: [String: Double] = [:], system: SystemSpec, profile: LoadProfile,
    warm: Warm? = nil, faults: [FaultSpec] = []
  ) {
    self.name = name; self.params = params; self.system = system; self.profile = profile
    self.warm = warm; self.faults = faults
  }
}

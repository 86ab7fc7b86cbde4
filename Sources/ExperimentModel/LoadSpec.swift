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
  /// True: the target holds from the stage's first moment (stairs, spikes) instead of being reached at its end.
  public var jump: Bool?
  public init(target: Double, duration: Nanoseconds, jump: Bool? = nil) {
    self.target = target; self.duration = duration; self.jump = jump
  }
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
  // What follows is left out of the JSON when nil, so that plans without it keep their digest.
  /// The body as bytes, such as a file's; wins over `body`, and `{{…}}` in it is not replaced.
  public var bodyBytes: [UInt8]?
  /// `status==200`, `status<400`, `body~text`, `header:Name==value`; an answer that fails one is an error of kind `check`.
  /// With a check on the status, a status from 400 is no error by itself.
  public var checks: [String]?
  /// Values for `{{NAME}}` in later requests of the same user.
  public var captures: [CaptureSpec]?
  /// The pause before the next step of a journey.
  public var think: ThinkTime?
  public var tags: [String: String]?
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
  // What follows is left out of the JSON when nil, so that plans without it keep their digest.
  /// Scenarios of several steps, drawn by weight beside `requests`.
  public var journeys: [JourneySpec]?
  /// Rows for `{{COLUMN}}`; one row per iteration.
  public var data: DataTable?
  /// A jar of cookies per user.
  public var cookies: Bool?
  /// A distributed pause between iterations; wins over `thinkTime`.
  public var think: ThinkTime?
  /// Partly open: each arrival is a session of so many iterations with `think` between them; nil: one.
  public var sessionLength: Int?
  /// Open: groups that arrive at the same moment, instead of `rate`.
  public var burst: BurstSpec?
  /// Open: recorded arrivals from the start, ascending, instead of `rate`.
  public var replay: [Nanoseconds]?
  /// shared-iterations: `iterations` for each user instead of all together.
  public var iterationsPerUser: Bool?
  public var connectTimeout: Nanoseconds?
  /// Until the last byte of a request is handed to the kernel.
  public var sendTimeout: Nanoseconds?
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

extension LoadProfile {
  /// Names under which the requests are counted, in order, each once: a journey's step after its journey.
  public var requestNames: [String] {
    var names: [String] = []
    let steps = (journeys ?? []).flatMap { journey in journey.steps.map { "\(journey.name) / \($0.name)" } }
    for name in requests.map(\.name) + steps where !names.contains(name) { names.append(name) }
    return names
  }
}

// MARK: Scenario

/// A pause of a user, seeded.
public enum ThinkTime: Codable, Hashable, Sendable {
  case constant(Nanoseconds)
  case exponential(mean: Nanoseconds)
  case uniform(low: Nanoseconds, high: Nanoseconds)
}

public struct CaptureSpec: Codable, Hashable, Sendable {
  public enum Source: String, Codable, Sendable, CaseIterable {
    /// `$.a.b[0]`: names and indices.
    case json
    /// The value of a response header.
    case header
    /// The first group of a Swift regular expression, or all of its match. Needs about 100 times as long as the others.
    case regex
  }
  public var name: String
  public var source: Source
  public var expression: String
  public init(name: String, source: Source, expression: String) {
    self.name = name; self.source = source; self.expression = expression
  }
}

/// Steps in order on one user; a step that fails ends the iteration.
public struct JourneySpec: Codable, Hashable, Sendable {
  public var name: String
  public var weight: Double
  public var steps: [RequestSpec]
  public init(name: String, weight: Double = 1, steps: [RequestSpec]) {
    self.name = name; self.weight = weight; self.steps = steps
  }
}

public struct DataTable: Codable, Hashable, Sendable {
  public enum Order: String, Codable, Sendable, CaseIterable { case sequential, random, perUser = "per-user" }
  public var columns: [String]
  /// Each as long as `columns`.
  public var rows: [[String]]
  public var order: Order
  public init(columns: [String], rows: [[String]], order: Order = .sequential) {
    self.columns = columns; self.rows = rows; self.order = order
  }
}

public struct BurstSpec: Codable, Hashable, Sendable {
  /// Arrivals at one moment.
  public var size: Int
  public var every: Nanoseconds
  public init(size: Int, every: Nanoseconds) { self.size = size; self.every = every }
}

extension RampStage {
  /// Equal steps from `first` to `last`, each held for `hold`.
  public static func stairs(first: Double, last: Double, steps: Int, hold: Nanoseconds) -> [RampStage] {
    (0..<max(1, steps)).map {
      RampStage(target: steps > 1 ? first + (last - first) * Double($0) / Double(steps - 1) : first, duration: hold, jump: true)
    }
  }

  /// `base` for `before`, `peak` for `length`, `base` for `after`.
  public static func spike(
    base: Double, peak: Double, before: Nanoseconds, length: Nanoseconds, after: Nanoseconds
  ) -> [RampStage] {
    [
      RampStage(target: base, duration: before, jump: true), RampStage(target: peak, duration: length, jump: true),
      RampStage(target: base, duration: after, jump: true),
    ]
  }
}

/// Traffic before measuring; excluded from every number.
public enum Warm: Codable, Hashable, Sendable {
  /// n requests of the arm's own scenario, closed loop.
  case requests(Int)
  /// The n most popular keys once each, closed loop.
  case topKeys(Int)
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

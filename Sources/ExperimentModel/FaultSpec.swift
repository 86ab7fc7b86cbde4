// The fault bus: what can be done to a system while it is under load. One entry of a block's `faults` is a `FaultSpec`, and its
// JSON is also what `POST /_nb/fault` takes. The names and the meaning of network toxics are Toxiproxy's.

/// What a fault does.
public enum Toxic: String, Codable, Sendable, CaseIterable {
  // Of a network, on what a role or an edge answers.
  case latency, bandwidth, slicer, timeout
  case slowClose = "slow_close"
  case resetPeer = "reset_peer"
  case limitData = "limit_data"
  // Of a role.
  case stall, kill, restart
  case errorRate = "error_rate"
  // Of the lab's process.
  case cpuLimit = "cpu_limit"
  case memLimit = "mem_limit"
  // Of a cache.
  case expire

  /// What it can be done to.
  public enum Reach: Sendable {
    /// Client connections of a role or an edge with a port of its own.
    case connections
    /// A role with a queue, or a worker.
    case role
    /// A role or an edge that answers requests.
    case answers
    /// The process in which the whole lab is: `lab`, or its only role.
    case process
    case cache
  }

  public var reach: Reach {
    switch self {
    case .latency, .bandwidth, .slicer, .timeout, .slowClose, .resetPeer, .limitData: .connections
    case .stall, .kill, .restart: .role
    case .errorRate: .answers
    case .cpuLimit, .memLimit: .process
    case .expire: .cache
    }
  }

  /// Happens at one moment: there is nothing to last.
  public var isEvent: Bool { self == .expire || self == .restart }

  /// A timer stands for a network's time, and its numbers are as good as the declaration.
  public var isDeclaredTime: Bool {
    switch self {
    case .latency, .bandwidth, .slicer, .timeout, .slowClose: true
    default: false
    }
  }

  /// One setting, as it is called in a block and on the wire.
  public struct Parameter: Sendable {
    public var name: String
    /// As it would be written in a block; nil: it has to be given.
    public var standard: String?
    init(_ name: String, _ standard: String? = nil) { self.name = name; self.standard = standard }
  }

  /// In the order of the reference.
  public var parameters: [Parameter] {
    let own: [Parameter] =
      switch self {
      case .latency: [Parameter("latency"), Parameter("jitter", "0s")]
      case .bandwidth: [Parameter("rate")]
      case .slowClose: [Parameter("delay")]
      case .timeout: [Parameter("timeout")]
      case .resetPeer: [Parameter("timeout", "0s")]
      case .slicer: [Parameter("average_size"), Parameter("size_variation", "0B"), Parameter("delay", "0s")]
      case .limitData: [Parameter("bytes")]
      case .errorRate: [Parameter("share"), Parameter("status", "503")]
      case .cpuLimit: [Parameter("cpus"), Parameter("period", "100ms")]
      case .memLimit: [Parameter("bytes")]
      case .stall, .kill, .restart, .expire: []
      }
    return reach == .connections ? own + [Parameter("toxicity", "1")] : own
  }

  /// The target of what is done to the whole process.
  public static let process = "lab"
}

/// Settings of all toxics together; each has its own few. Flat in JSON, and what is nil is left out.
public struct ToxicParameters: Codable, Hashable, Sendable {
  /// Added to every answer.
  public var latency: Nanoseconds?
  /// Half width of an even spread around `latency`.
  public var jitter: Nanoseconds?
  /// Bytes per second of each connection.
  public var rate: Int?
  public var delay: Nanoseconds?
  public var timeout: Nanoseconds?
  public var averageSize: Int?
  public var sizeVariation: Int?
  public var bytes: Int?
  public var share: Double?
  public var status: Int?
  /// CPUs' worth of time.
  public var cpus: Double?
  public var period: Nanoseconds?
  /// Share of connections that it is done to.
  public var toxicity: Double?
  public init() {}

  enum CodingKeys: String, CodingKey, CaseIterable {
    case latency, jitter, rate, delay, timeout, bytes, share, status, cpus, period, toxicity
    case averageSize = "average_size"
    case sizeVariation = "size_variation"
  }

  public static var names: [String] { CodingKeys.allCases.map(\.rawValue) }

  /// Everything that is set, as plain numbers: nanoseconds, bytes, shares.
  public var given: [(name: String, value: Double)] {
    func number(_ key: CodingKeys) -> Double? {
      switch key {
      case .latency: latency.map { Double($0.rawValue) }
      case .jitter: jitter.map { Double($0.rawValue) }
      case .delay: delay.map { Double($0.rawValue) }
      case .timeout: timeout.map { Double($0.rawValue) }
      case .period: period.map { Double($0.rawValue) }
      case .rate: rate.map(Double.init)
      case .averageSize: averageSize.map(Double.init)
      case .sizeVariation: sizeVariation.map(Double.init)
      case .bytes: bytes.map(Double.init)
      case .status: status.map(Double.init)
      case .share: share
      case .cpus: cpus
      case .toxicity: toxicity
      }
    }
    return CodingKeys.allCases.compactMap { key in number(key).map { (key.rawValue, $0) } }
  }

  /// Sets one by its name; other names are ignored.
  public mutating func set(_ name: String, to value: Double) {
    let time = Nanoseconds(Int64(value))
    switch CodingKeys(rawValue: name) {
    case .latency: latency = time
    case .jitter: jitter = time
    case .delay: delay = time
    case .timeout: timeout = time
    case .period: period = time
    case .rate: rate = Int(value)
    case .averageSize: averageSize = Int(value)
    case .sizeVariation: sizeVariation = Int(value)
    case .bytes: bytes = Int(value)
    case .status: status = Int(value)
    case .share: share = value
    case .cpus: cpus = value
    case .toxicity: toxicity = value
    case nil: break
    }
  }
}

/// One entry of the fault timeline, relative to the start of each measured slice.
public struct FaultSpec: Codable, Hashable, Sendable {
  public var at: Nanoseconds
  /// How long; zero: until the slice ends, or for an event, at once.
  public var duration: Nanoseconds
  /// A role, one of its instances, a cache or `lab`, such as `origin`, `origin.2` or `product-cache`.
  public var target: String
  public var toxic: Toxic
  public var parameters: ToxicParameters
  public init(at: Nanoseconds, duration: Nanoseconds, target: String, toxic: Toxic, parameters: ToxicParameters = ToxicParameters()) {
    self.at = at; self.duration = duration; self.target = target; self.toxic = toxic; self.parameters = parameters
  }

  private enum CodingKeys: String, CodingKey { case at, duration, target, toxic }

  /// On the wire a fault happens at once, and one without a duration stays until it is cleared.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    at = try fields.decodeIfPresent(Nanoseconds.self, forKey: .at) ?? .zero
    duration = try fields.decodeIfPresent(Nanoseconds.self, forKey: .duration) ?? .zero
    target = try fields.decode(String.self, forKey: .target)
    toxic = try fields.decode(Toxic.self, forKey: .toxic)
    parameters = try ToxicParameters(from: decoder)
  }

  public func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: CodingKeys.self)
    try fields.encode(at, forKey: .at)
    try fields.encode(duration, forKey: .duration)
    try fields.encode(target, forKey: .target)
    try fields.encode(toxic, forKey: .toxic)
    try parameters.encode(to: encoder)
  }

  /// What makes a fault impossible, by the key that it is about.
  public struct Problem: Sendable {
    public enum Kind: Sendable { case missing, doesNotApply, outOfRange }
    public var kind: Kind
    public var key: String
    public var cause: String
    public var remedy: String
  }

  /// Every mistake in the parameters, none twice. The same for a block and for what a lab is sent.
  public var problems: [Problem] {
    let own = toxic.parameters
    var found: [Problem] = []
    for parameter in own where parameter.standard == nil && !parameters.given.contains(where: { $0.name == parameter.name }) {
      let example = Self.ranges[parameter.name]?.example ?? "…"
      found.append(
        Problem(
          kind: .missing, key: parameter.name, cause: "the toxic `\(toxic.rawValue)` needs `\(parameter.name)`",
          remedy: "such as `\(parameter.name): \(example)`"))
    }
    for (name, value) in parameters.given {
      guard own.contains(where: { $0.name == name }) else {
        let takes = own.isEmpty ? "it has no parameters" : "it has " + own.map { "`\($0.name)`" }.joined(separator: ", ")
        found.append(
          Problem(kind: .doesNotApply, key: name, cause: "`\(name)` does nothing with the toxic `\(toxic.rawValue)`", remedy: "leave it out; \(takes)"))
        continue
      }
      if let row = Self.ranges[name], !row.range.contains(value) {
        found.append(Problem(kind: .outOfRange, key: name, cause: "`\(name)` lies \(row.words)", remedy: "such as `\(row.example)`"))
      }
    }
    if toxic == .slicer, let size = parameters.averageSize, let variation = parameters.sizeVariation, variation >= size {
      found.append(
        Problem(kind: .outOfRange, key: "size_variation", cause: "`size_variation` is not below `average_size`", remedy: "a slice has at least one byte"))
    }
    return found
  }

  private static let hour = 3600e9
  private static let ranges: [String: (range: ClosedRange<Double>, words: String, example: String)] = [
    "latency": (0...hour, "between 0s and 1h", "50ms"), "jitter": (0...hour, "between 0s and 1h", "10ms"),
    "delay": (0...hour, "between 0s and 1h", "200ms"), "timeout": (0...hour, "between 0s and 1h", "500ms"),
    "rate": (1...1e12, "above 0", "64KiB"), "average_size": (1...1e9, "above 0", "100B"), "size_variation": (0...1e9, "at 0 or above", "20B"),
    "bytes": (1...1e15, "above 0", "64KiB"), "share": (0...1, "between 0 and 1", "0.05"), "status": (400...599, "between 400 and 599", "503"),
    "cpus": (0.01...1024, "between 0.01 and 1024", "0.5"), "period": (1e6...1e9, "between 1ms and 1s", "100ms"),
    "toxicity": (0...1, "between 0 and 1", "0.5"),
  ]
}

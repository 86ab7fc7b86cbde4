// What a load run outside any notebook found out, as one value: `nb load` prints it, exports it and judges it. Every time
// is in nanoseconds. Made by the runner from the kernel's record; nothing here is computed from something that is not in it.

/// Quantiles of one kind of time, with 95 % intervals where there are any.
public struct LatencySummary: Codable, Hashable, Sendable {
  public var count: Int
  public var min: Double
  public var mean: Estimate
  public var max: Double
  /// By name: p50, p75, p90, p95, p99, p999, p9999; without those that so few values cannot tell.
  public var quantiles: [String: Estimate]
  public init(count: Int, min: Double, mean: Estimate, max: Double, quantiles: [String: Estimate]) {
    self.count = count; self.min = min; self.mean = mean; self.max = max; self.quantiles = quantiles
  }

  /// The quantiles that a summary may have, in order.
  public static let names: [(name: String, q: Double)] = [
    ("p50", 0.5), ("p75", 0.75), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99), ("p999", 0.999), ("p9999", 0.9999),
  ]
}

/// One stretch of a run.
public struct LoadReportWindow: Codable, Hashable, Sendable {
  /// From the start of the run, in nanoseconds.
  public var start: Double
  /// Answers per second.
  public var rate: Double
  public var failed: Int
  public var p50: Double
  public var p99: Double
  public init(start: Double, rate: Double, failed: Int, p50: Double, p99: Double) {
    self.start = start; self.rate = rate; self.failed = failed; self.p50 = p50; self.p99 = p99
  }
}

/// Requests of one name of the scenario.
public struct LoadReportRequest: Codable, Hashable, Sendable {
  public var name: String
  public var response: LatencySummary
  public var failed: Int
  public init(name: String, response: LatencySummary, failed: Int) {
    self.name = name; self.response = response; self.failed = failed
  }
}

public struct LoadReport: Codable, Hashable, Sendable {
  /// As it was typed.
  public var target: String
  /// The traffic in words: `open, Poisson, 2,000 rps for 10 s`.
  public var traffic: String
  public var seed: UInt64
  /// CPU, cores, kernel, nb version in one line.
  public var environment: String
  public var machine: MachineState
  public var validity: RunValidity
  public var validityReason: String?
  /// Every deciding reason lies with the target: it did not keep up, refused or failed. Else with the generator or this machine.
  public var isTargetsFault: Bool
  /// Stopped before its time; the numbers are of what had been sent.
  public var isPartial: Bool
  public var requests: Int
  public var failed: Int
  /// By kind.
  public var errors: [String: Int]
  /// One example of each kind.
  public var examples: [String: String]
  public var statuses: [Int: Int]
  /// Attempts to connect that failed, by kind; one that carried a request is in `errors` as well.
  public var connectErrors: [String: Int]
  /// Times that the target sent more than was asked for.
  public var unasked: Int
  /// Seconds.
  public var elapsed: Double
  /// Requests per second that were answered; planned ones for an open model.
  public var rate: Double
  public var plannedRate: Double?
  /// From the intended send to the last byte, from the actual send, and the generator's own lateness; nil: nothing was answered.
  public var response: LatencySummary?
  public var service: LatencySummary?
  public var sendLag: LatencySummary?
  public var bytesIn: Int
  public var bytesOut: Int
  public var inFlightMean: Double
  /// |L − λW|/L with L counted by the loop, not derived from the times; nil: nothing was in flight.
  public var littleResidual: Double?
  /// Independent response times that would know the p99 as well: requests that waited together say less than their number; nil: not known.
  public var effectiveRequests: Double?
  /// Of one core.
  public var generatorCPUShare: Double
  public var connections: Int
  /// What both ends used; nil: not looked at.
  public var observation: LoadObservation?
  public var windows: [LoadReportWindow]
  public var byName: [LoadReportRequest]
  /// Cumulative distributions of response and service time, for a picture.
  public var distribution: PlotData?
  /// An HdrHistogram interval log of response and service time; nil: not asked for.
  public var histogramLog: String?
  /// Single requests; nil: not asked for.
  public var raw: RawSamples?
  public var thresholds: [JudgementResult]
  public var doubts: [Doubt]

  public init(target: String, traffic: String, seed: UInt64, environment: String) {
    self.target = target; self.traffic = traffic; self.seed = seed; self.environment = environment
    machine = .quiet; validity = .valid; isTargetsFault = false; isPartial = false; requests = 0; failed = 0; errors = [:]; examples = [:]
    statuses = [:]; connectErrors = [:]; unasked = 0; elapsed = 0; rate = 0; bytesIn = 0; bytesOut = 0; inFlightMean = 0; generatorCPUShare = 0
    connections = 0; windows = []; byName = []; thresholds = []; doubts = []
  }
}

/// Where a system stops keeping its objective.
public struct CapacityReport: Codable, Hashable, Sendable {
  /// One tried rate.
  public struct Trial: Codable, Hashable, Sendable {
    public var rate: Double
    /// nil: the run was not valid, and says nothing.
    public var keeps: Bool?
    /// The objective's metric at this rate.
    public var measured: MetricValue?
    public var validity: RunValidity
    public init(rate: Double, keeps: Bool?, measured: MetricValue?, validity: RunValidity) {
      self.rate = rate; self.keeps = keeps; self.measured = measured; self.validity = validity
    }
  }

  public var target: String
  /// As it was typed: `p99<50ms`.
  public var objective: String
  /// The highest rate that keeps the objective, with its 95 % interval or the bracket that was reached; nil: none does, or all do.
  public var capacity: Estimate?
  /// Requests per second that were served while more was offered; nil: not seen.
  public var ceiling: Double?
  /// In the order in which they were tried.
  public var trials: [Trial]
  /// Why there is no capacity, or what limits it; a sentence without a full stop.
  public var reason: String?
  public init(target: String, objective: String, capacity: Estimate?, trials: [Trial], reason: String? = nil) {
    self.target = target; self.objective = objective; self.capacity = capacity; self.trials = trials; self.reason = reason
  }
}

// What a load run returns and complains about: plain values, no behaviour beyond merging.

import ExperimentModel
import Statistics

/// Why no load could be run at all; what happens during a run is counted in the record instead.
public struct LoadError: Error, Sendable, Hashable {
  public var id: String
  public var cause: String
  public var remedy: String?
  public init(id: String, cause: String, remedy: String?) {
    self.id = id
    self.cause = cause
    self.remedy = remedy
  }
}

/// One stretch of a run, by the time at which requests were answered.
public struct LoadWindow: Sendable, Hashable {
  public var start: Nanoseconds
  public var completed = 0
  public var failed = 0
  /// Answers that said `X-Cache: HIT` or `MISS`.
  public var hits = 0
  public var misses = 0
  /// Nanoseconds.
  public var mean = 0.0
  /// From a histogram of 8 bits: at most 0.4 % off.
  public var p50 = Nanoseconds.zero
  public var p99 = Nanoseconds.zero
}

/// One request of the scenario, for a table per request.
public struct NamedRecord: Sendable {
  public var name: String
  public var tags: [String: String] = [:]
  public var completed = 0
  public var failed = 0
  /// Answers to requests that have checks, and those that passed.
  public var checked = 0
  public var passed = 0
  /// Response times, 7 bits: at most 0.8 % off.
  public var response = Histogram(bits: 7)
  public init(name: String, tags: [String: String] = [:]) {
    self.name = name
    self.tags = tags
  }
}

public struct LoadRecord: Sendable {
  /// From the intended send to the last byte.
  public var response = Histogram()
  /// From the actual send to the last byte.
  public var service = Histogram()
  /// Actual minus intended send while a connection was free: the generator's own error.
  public var sendLag = Histogram()
  public var sent = 0
  /// Answered in full with a status below 400 (or as its checks ask).
  public var completed = 0
  public var failed = 0
  /// By the name of an `ErrorKind`.
  public var errors: [String: Int] = [:]
  /// The first failure of each kind, in words.
  public var examples: [String: String] = [:]
  public var statuses: [Int: Int] = [:]
  /// Answers to requests that have checks, and those that passed.
  public var checked = 0
  public var passed = 0
  public var hits = 0
  public var misses = 0
  public var bytesIn = 0
  public var bytesOut = 0
  public var elapsed = Nanoseconds.zero
  /// Arrivals of the plan over its duration; nil for closed models.
  public var plannedRate: Double?
  public var achievedRate = 0.0
  /// λW: the times between intended send and end of all requests, over the run's time.
  public var inFlightMean = 0.0
  /// L: time average of the number of requests between intended send and end, counted by the loop inside the run's time.
  public var inFlightCounted = 0.0
  /// What the recorded times say that `inFlightCounted` must be: the same requests, cut to the same time.
  public var inFlightExplained = 0.0
  /// CPU time of the generator's threads over elapsed time: 1 is one CPU.
  public var generatorCPUShare = 0.0
  /// The share of it that was work, not waiting in a spin; nil when unknown.
  public var generatorWorkShare: Double?
  public var windows: [LoadWindow] = []
  public var windowLength = Nanoseconds.zero
  /// Response times by stretches of equal length, for intervals.
  public var batches: [LoadBatch] = []
  /// Stretches of `partLength`, when they were asked for; of a single run, not of merged slices.
  public var parts: [LoadPart] = []
  public var partLength: Nanoseconds?
  /// When each arrival of an open plan was due, in nanoseconds from the start, in the order of beginning; empty: not asked for.
  public var arrivals: [Int64] = []
  /// The limit that ended the run before its time.
  public var aborted: String?
  /// Connections that the run had.
  public var connections = 0
  /// Connections opened over the whole run, and attempts that failed.
  public var connectionsOpened = 0
  public var connectionsFailed = 0
  /// The failed attempts by the name of an `ErrorKind`; one that carried a request is in `errors` as well.
  public var connectErrors: [String: Int] = [:]
  /// Times that a target sent more than was asked for, which costs the connection; and what the first one began with.
  public var unasked = 0
  public var unaskedExample: String?
  /// Arrivals that the plan held up to its end, and how many of them were begun by then; 0 for closed models.
  public var planned = 0
  public var begun = 0
  /// Requests that ended without a byte sent: the target was down, or the drain was over.
  public var unsent = 0
  /// Requests that waited for a connection.
  public var waited = 0
  public var clockSteps = 0
  /// Received by the kernel's own stamps.
  public var stamped = 0
  public var named: [NamedRecord] = []
  /// Single requests, if `LoadOptions.rawRows` asked for them.
  public var raw: RawSamples?
  /// Ended before its time by the user.
  public var isPartial = false
  /// Ended by the stop rule, and the interval that did it (ns).
  public var stopped: Interval?
  /// During the run, and before it (connects, calibration); nil: another program's loop made them.
  public var systemCalls: SystemCalls?
  public var systemCallsBefore: SystemCalls?
  /// nil: not TCP, or not asked.
  public var tcp: TCPTotals?
  public var verdict = RunValidity.valid
  public var reason: String?
  /// All reasons, the verdict's first.
  public var reasons: [String] = []
  /// The verdict is not VALID, and every reason lies with the target or its connections (refused, too slow for the plan): a
  /// faster generator would find the same. A capacity search reads it as "not kept"; false: the generator or this machine.
  public var isTargetsFault = false

  public init() {}
}

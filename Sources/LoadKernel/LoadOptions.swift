// How a profile is run, beside what it asks: slices, threads, limits for safety, when to stop.

import ExperimentModel

public struct LoadOptions: Sendable {
  /// Replaces the profile's duration, for one slice of it.
  public var measured: Nanoseconds?
  /// Makes the slices of an arm draw different numbers; the same salt draws the same in every arm.
  public var seedSalt: UInt64 = 0
  /// Length of the record's windows; nil: a 200th of the duration, 10 ms to 1 s; 10 ms when a run ends by count.
  public var windowLength: Nanoseconds?
  /// No spinning before a send: later by up to 0.1 ms, but without the CPU.
  public var polite = false
  /// Loops, each on a thread of its own, that share one plan and the connections.
  public var threads = 1
  /// Binds loop i to CPU `cpu + i`; the calling thread stays bound while the run lasts.
  public var cpu: Int?
  /// Requests per second that are never exceeded: an open plan above it is refused, closed users are slowed down.
  public var maxRate: Double?
  /// Ends the run when the interval is narrow enough.
  public var stopWhen: StopRule?
  /// Kernel stamps for the time of receipt, where the system has them.
  public var kernelStamps = false
  /// Requests that are kept one by one, at 40 bytes each, in `LoadRecord.raw`; each loop has its share. 0: none.
  public var rawRows = 0
  /// A target without a single connection is an error; false: it is a record with verdict INVALID.
  public var requiresConnection = true
  /// Time after the plan's end in which late answers still count; nil: the response timeout. What then still waits
  /// for a connection is counted as failed.
  public var drain: Nanoseconds?
  public var clock = LoadClock.system
  public init() {}

  /// Of one slice of a profile.
  func seed(_ profile: LoadProfile) -> UInt64 { profile.seed &+ seedSalt &* 0x9E37_79B9_7F4A_7C15 }
}

/// Interval-driven stopping: at each look the batch means of the window quantiles get an interval of confidence
/// 1 − (1 − `confidence`)/looks, so that all looks together keep the risk.
public struct StopRule: Sendable, Hashable {
  /// 0…1; of the response time.
  public var quantile: Double
  /// Half width of the interval over its mean, such as 0.05.
  public var relativeHalfWidth: Double
  public var confidence: Double
  /// Numbers of windows at which to look, ascending, 20 or more.
  public var looks: [Int]
  public init(quantile: Double, relativeHalfWidth: Double, confidence: Double = 0.95, looks: [Int] = [40, 80, 120, 160]) {
    self.quantile = quantile
    self.relativeHalfWidth = relativeHalfWidth
    self.confidence = confidence
    self.looks = looks
  }
}

/// For a progress line, at most ten times a second.
public struct LoadProgress: Sendable {
  public var elapsed: Nanoseconds
  /// nil when the run ends by count.
  public var total: Nanoseconds?
  public var requests: Int
  /// Requests per second so far.
  public var rate: Double
  /// Of the first loop.
  public var p99: Nanoseconds
  public var failed: Int
}

// How a profile is run, beside what it asks: slices, threads, limits for safety, when to stop.

import ExperimentModel
import Statistics

public struct LoadOptions: Sendable {
  /// Replaces the profile's duration, for one slice of it.
  public var measured: Nanoseconds?
  /// Makes the slices of an arm draw different numbers; the same salt draws the same in every arm.
  public var seedSalt: UInt64 = 0
  /// Length of the record's windows; nil: a 200th of the duration, 10 ms to 1 s; 10 ms when a run ends by count.
  public var windowLength: Nanoseconds?
  /// Keeps `LoadRecord.arrivals`.
  public var keepsArrivals = false
  /// Keeps `LoadRecord.parts` of this length; nil: none.
  public var partLength: Nanoseconds?
  /// Ends the run when one of these is broken beyond doubt.
  public var abortWhen: [AbortRule] = []
  /// Spins for a twentieth of the time at most before its sends: later by up to 0.1 ms, but nearly without the CPU.
  public var polite = false
  /// Idle processors stay awake during an open plan, where that is permitted; false: as sleepy as they are without nb.
  public var keepsAwake = true
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

  /// Whether a run of this profile is to keep idle processors awake: a closed loop has no times to keep.
  public func keepsAwake(_ profile: LoadProfile) -> Bool { keepsAwake && profile.executor.isOpen }

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

/// A limit that ends a run. Looked at four times a second over all answers of the first loop so far; broken beyond doubt: the whole
/// 99.9 % interval of the share of answers on the wrong side (Wilson) lies above what the limit allows, since many looks
/// at few answers find something every time.
public struct AbortRule: Sendable, Hashable {
  public enum Figure: Sendable, Hashable { case quantile(Double), mean, max, failedShare, checks, rate }
  public var figure: Figure
  public var op: Operator
  /// Nanoseconds, a share or requests per second.
  public var limit: Double
  /// Not looked at before.
  public var after: Nanoseconds
  /// What the record says when it was this one.
  public var text: String
  public init(figure: Figure, op: Operator, limit: Double, after: Nanoseconds, text: String) {
    self.figure = figure; self.op = op; self.limit = limit; self.after = after; self.text = text
  }

  /// - Parameter elapsed: of the run so far.
  func isBroken(_ record: LoadRecord, elapsed: Nanoseconds) -> Bool {
    let answers = record.completed + record.failed
    guard elapsed >= after, answers > 0 else { return false }
    switch figure {
    case .quantile(let q):
      // p95 < 80 ms is broken when more than 5 % are not below 80 ms; p95 > 80 ms when more than 95 % are not above.
      var wrong = 0
      record.response.forEachBucket { value, count in if !op.holds(Double(value), limit) { wrong += Int(count) } }
      let allowed = op == .greater || op == .greaterOrEqual ? q : 1 - q
      return op != .equal && low(wrong, of: Int(record.response.count)) > allowed
    case .failedShare: return isBeyond(record.failed, answers)
    case .checks: return isBeyond(record.passed, record.checked)
    case .mean: return record.response.count >= 100 && !op.holds(record.response.mean, limit)
    case .max: return (op == .less || op == .lessOrEqual) && record.response.count > 0 && !op.holds(Double(record.response.max), limit)
    case .rate: return elapsed.seconds >= 1 && !op.holds(Double(answers) / elapsed.seconds, limit)
    }
  }

  private func isBeyond(_ successes: Int, _ count: Int) -> Bool {
    guard count > 0, let interval = wilsonInterval(successes: successes, of: count, confidence: 0.999) else { return false }
    return !op.holds(interval.low, limit) && !op.holds(interval.high, limit)
  }

  private func low(_ successes: Int, of count: Int) -> Double {
    wilsonInterval(successes: successes, of: count, confidence: 0.999)?.low ?? 0
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

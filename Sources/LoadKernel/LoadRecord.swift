// What a load run asks, returns and complains about: plain values, no behaviour beyond merging.

import ExperimentModel
import Statistics

/// A server on this machine. Other hosts are refused: no load tool should aim by accident.
public struct LoadTarget: Sendable, Hashable {
  public var host: String
  public var port: Int
  public init(host: String, port: Int) {
    self.host = host
    self.port = port
  }
}

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

public struct LoadOptions: Sendable {
  /// Replaces the profile's duration, for one slice of it.
  public var measured: Nanoseconds?
  /// Makes the slices of an arm draw different numbers; the same salt draws the same in every arm.
  public var seedSalt: UInt64 = 0
  /// Length of the record's windows; nil: a 200th of the duration, 10 ms to 1 s; 10 ms when a run ends by count.
  public var windowLength: Nanoseconds?
  /// No spinning before a send: later by up to 0.1 ms, but without the CPU.
  public var polite = false
  public init() {}
}

/// For a progress line, at most ten times a second.
public struct LoadProgress: Sendable {
  public var elapsed: Nanoseconds
  /// nil when the run ends by count.
  public var total: Nanoseconds?
  public var requests: Int
  /// Requests per second so far.
  public var rate: Double
  public var p99: Nanoseconds
  public var failed: Int
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
  public var p50 = Nanoseconds.zero
  public var p99 = Nanoseconds.zero
}

public struct LoadRecord: Sendable {
  /// From the intended send to the last byte.
  public var response = Histogram()
  /// From the actual send to the last byte.
  public var service = Histogram()
  /// Actual minus intended send while a connection was free: the generator's own error.
  public var sendLag = Histogram()
  public var sent = 0
  /// Answered in full with a status below 400.
  public var completed = 0
  public var failed = 0
  /// By kind: connect, reset, closed, timeout, status, malformed.
  public var errors: [String: Int] = [:]
  public var statuses: [Int: Int] = [:]
  public var hits = 0
  public var misses = 0
  public var bytesIn = 0
  public var bytesOut = 0
  public var elapsed = Nanoseconds.zero
  /// Arrivals of the plan over its duration; nil for closed models.
  public var plannedRate: Double?
  public var achievedRate = 0.0
  /// Time average of requests between intended send and answer.
  public var inFlightMean = 0.0
  /// CPU time of the generator's thread over elapsed time.
  public var generatorCPUShare = 0.0
  public var windows: [LoadWindow] = []
  public var windowLength = Nanoseconds.zero
  /// Connections that the run had.
  public var connections = 0
  public var verdict = RunValidity.valid
  public var reason: String?

  public init() {}

  /// Adds another slice of the same arm and judges the whole.
  public mutating func merge(_ other: LoadRecord) {
    let total = elapsed.seconds + other.elapsed.seconds
    if total > 0 {
      inFlightMean = (inFlightMean * elapsed.seconds + other.inFlightMean * other.elapsed.seconds) / total
      generatorCPUShare = (generatorCPUShare * elapsed.seconds + other.generatorCPUShare * other.elapsed.seconds) / total
      achievedRate = (achievedRate * elapsed.seconds + other.achievedRate * other.elapsed.seconds) / total
      if let mine = plannedRate, let theirs = other.plannedRate {
        plannedRate = (mine * elapsed.seconds + theirs * other.elapsed.seconds) / total
      }
    }
    response.merge(other.response)
    service.merge(other.service)
    sendLag.merge(other.sendLag)
    sent += other.sent
    completed += other.completed
    failed += other.failed
    errors.merge(other.errors, uniquingKeysWith: +)
    statuses.merge(other.statuses, uniquingKeysWith: +)
    hits += other.hits
    misses += other.misses
    bytesIn += other.bytesIn
    bytesOut += other.bytesOut
    windows += other.windows.map { window in
      var moved = window
      moved.start = moved.start + elapsed
      return moved
    }
    elapsed = elapsed + other.elapsed
    connections = max(connections, other.connections)
    judge()
  }
}

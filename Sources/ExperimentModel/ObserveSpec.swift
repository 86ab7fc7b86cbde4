// What an observe block looks at: where a running fence spends its time, what changed in a recorded series, or what
// the recording of a load block says when it is asked again.

public enum ObserveCell: Codable, Hashable, Sendable {
  case profile(ProfileQuery)
  case changePoints(SeriesQuery)
  /// Is the number of requests in the system the product of rate and time? `from` is a load block.
  case littlesLaw(from: String)
  /// The mean of the windows' p99 beside the p99 of the merged windows.
  case mergedQuantiles(from: String, windows: Int)
  /// Does the lab's memory grow, and when does it reach `limit`?
  case memoryTrend(from: String, limit: Int)

  /// What the plans of a bench block's SQL statements say.
  case plan(from: String)
  /// This machine as an instrument.
  case machine
  /// What the roles of a load block's lab said of themselves; `arm` where the block compares.
  case telemetry(from: String, arm: String?, TelemetryQuery, rows: Int)

  /// The load block whose recording is asked.
  public var source: String? {
    switch self {
    case .profile, .changePoints, .plan, .machine: nil
    case .littlesLaw(let from), .mergedQuantiles(let from, _), .memoryTrend(let from, _), .telemetry(let from, _, _, _): from
    }
  }
}

/// Samples of the stack of a fence that runs again and again.
public struct ProfileQuery: Codable, Hashable, Sendable {
  public var fence: FenceSpec
  public var duration: Nanoseconds
  public init(fence: FenceSpec, duration: Nanoseconds) {
    self.fence = fence
    self.duration = duration
  }
}

/// A recorded series, oldest first.
public struct SeriesQuery: Codable, Hashable, Sendable {
  /// Relative to the course's folder; for messages.
  public var file: String
  public var points: [SeriesPoint]
  public init(file: String, points: [SeriesPoint]) {
    self.file = file
    self.points = points
  }
}

public struct SeriesPoint: Codable, Hashable, Sendable {
  /// ISO date.
  public var date: String
  public var value: Double
  public var commit: String?
  public init(date: String, value: Double, commit: String?) {
    self.date = date
    self.value = value
    self.commit = commit
  }
}

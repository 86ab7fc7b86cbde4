// What an observe block looks at: where a running fence spends its time, or what changed in a recorded series.

public enum ObserveCell: Codable, Hashable, Sendable {
  case profile(ProfileQuery)
  case changePoints(SeriesQuery)
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

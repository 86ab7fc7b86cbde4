// A gate as `nb grade` judges it.

public struct GradedGate: Codable, Hashable, Sendable {
  public enum State: String, Codable, Sendable {
    case pass, fail, inconclusive
    /// What it asks was not measured.
    case notRun = "not run"
    /// What it asks was measured before its block was changed, or with another learner's seed.
    case stale
  }
  /// `day08`
  public var lesson: String
  public var block: String
  /// As the author wrote it.
  public var gate: String
  public var measured: MetricValue?
  public var state: State
  /// nil: the state says it all.
  public var note: String?
  public init(lesson: String, block: String, gate: String, measured: MetricValue? = nil, state: State, note: String? = nil) {
    self.lesson = lesson; self.block = block; self.gate = gate; self.measured = measured; self.state = state; self.note = note
  }
}

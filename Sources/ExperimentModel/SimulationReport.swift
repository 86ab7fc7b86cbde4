// What `nb sim` prints.

public struct SimulationReport: Sendable {
  public var model: String
  public var seed: UInt64
  public var replications: Int
  public var arm: ArmResult
  /// Parameters that are words; the numbers are the arm's.
  public var words: [String: String]
  /// The formula beside the numbers; nil: none holds.
  public var closedForm: String?
  /// Customers of each replication that were not counted.
  public var warmUp: Int
  /// Of the counted replications.
  public var events: Int
  /// Wall time, the look for the warm-up included.
  public var seconds: Double
  public init(
    model: String, seed: UInt64, replications: Int, arm: ArmResult, words: [String: String], closedForm: String?, warmUp: Int, events: Int, seconds: Double
  ) {
    self.model = model; self.seed = seed; self.replications = replications; self.arm = arm; self.words = words; self.closedForm = closedForm
    self.warmUp = warmUp; self.events = events; self.seconds = seconds
  }
}

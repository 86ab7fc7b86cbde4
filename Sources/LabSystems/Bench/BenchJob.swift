import ExperimentModel

/// What a bench child is told on the first line of its stdin.
public struct BenchJob: Codable, Hashable, Sendable {
  public var subject: SubjectSpec
  public var system: SystemSpec?
  public var seed: UInt64
  public init(subject: SubjectSpec, system: SystemSpec?, seed: UInt64) {
    self.subject = subject; self.system = system; self.seed = seed
  }
}

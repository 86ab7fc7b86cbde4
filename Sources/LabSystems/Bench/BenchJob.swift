import ExperimentModel

/// What a bench child is told on the first line of its stdin.
public struct BenchJob: Codable, Hashable, Sendable {
  public var subject: SubjectSpec
  public var system: SystemSpec?
  public var seed: UInt64
  /// Connections that ask the statement at the same time; nil: one, on the child's only thread.
  public var readers: Int?
  public init(subject: SubjectSpec, system: SystemSpec?, seed: UInt64, readers: Int? = nil) {
    self.subject = subject; self.system = system; self.seed = seed; self.readers = readers
  }
}

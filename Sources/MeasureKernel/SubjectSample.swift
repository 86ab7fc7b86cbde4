// What a subject can do, and what one sample of it is.

/// Something that is timed: it runs k times when asked and says what that took.
public protocol TimedSubject: AnyObject {
  var name: String { get }
  /// A process is started for each iteration: the process is the unit, and one iteration is one sample.
  var isPerProcess: Bool { get }
  /// Two starts of the same program may differ in speed for as long as they live (addresses, pages): it is started
  /// anew several times during a measurement, so that the difference becomes part of the noise that is seen.
  var isRestarted: Bool { get }
  /// One sample of K iterations.
  ///
  /// - Parameter timeout: seconds; a subject that takes longer is ended.
  /// - Throws: `MeasureError` when it crashes, hangs or answers nonsense.
  func run(_ iterations: Int, timeout: Double) throws(MeasureError) -> SubjectSample
  /// Ends it and everything it has started; may be called more than once.
  func stop()
}

/// Totals over one `run K`.
public struct SubjectSample: Sendable, Hashable {
  /// Wall time in nanoseconds.
  public var ns: Int64
  /// CPU time of the child's process in nanoseconds.
  public var cpu: Int64
  /// Over the results of the K iterations; as printed by the child.
  public var checksum: String
  /// Other counts by name, such as `vm_steps`.
  public var extras: [String: Double]
  /// What it used besides time, as far as it could be read.
  public var use: ResourceUse

  public init(ns: Int64, cpu: Int64, checksum: String, extras: [String: Double] = [:], use: ResourceUse = ResourceUse()) {
    self.ns = ns; self.cpu = cpu; self.checksum = checksum; self.extras = extras; self.use = use
  }
}

// What can be timed, and what one sample of it is. Fences, commands and the lab's own work all look like this.

/// Totals over one sample of K iterations.
public struct SubjectSample: Sendable, Hashable {
  /// Wall time in nanoseconds.
  public var ns: Int64
  /// CPU time of the child's process in nanoseconds.
  public var cpu: Int64
  /// Over the results of the K iterations; as printed by the child.
  public var checksum: String
  /// Other counts by name, such as `vm_steps`.
  public var extras: [String: Double]
  public var use: ResourceUse
  /// What the machine did meanwhile; nil: not asked for.
  public var receipt: SampleReceipt?
  /// Which start of its subject it belongs to, from 0: samples of one start share the layout in memory that the program got.
  public var start = 0

  public init(
    ns: Int64, cpu: Int64, checksum: String, extras: [String: Double] = [:], use: ResourceUse = .init(),
    receipt: SampleReceipt? = nil
  ) {
    self.ns = ns; self.cpu = cpu; self.checksum = checksum; self.extras = extras; self.use = use; self.receipt = receipt
  }
}

/// Something that runs K iterations when asked. Not shared between threads.
public protocol TimedSubject: AnyObject {
  var name: String { get }
  /// A process is started for each iteration: the process is then the unit, a sample has one, and twice
  /// the work need not be checked.
  var startsProcesses: Bool { get }
  /// Two starts of one program may differ in speed for as long as they live (addresses, pages): it is started anew
  /// several times during a measurement, so that the difference becomes part of the noise that is seen.
  var isRestarted: Bool { get }
  /// What a reader must know about its samples; sentences without a full stop.
  var doubts: [String] { get }
  /// Returns when its first sample would be a sample and not a part of its start.
  func waitUntilReady() throws(MeasureError)
  /// One sample.
  ///
  /// - Parameter timeout: seconds; a subject that takes longer is ended.
  func run(_ iterations: Int, timeout: Double) throws(MeasureError) -> SubjectSample
  /// Ends it and everything it has started. May be called twice.
  func stop()
}

extension TimedSubject {
  public var startsProcesses: Bool { false }
  public var isRestarted: Bool { false }
  public var doubts: [String] { [] }
  public func waitUntilReady() throws(MeasureError) {}
}

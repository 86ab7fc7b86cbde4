// A bench subject in a child process, driven by lines:
//
//   nb → child   one line: the job                child → nb   ready [what a reader must know]
//   nb → child   run K                            child → nb   ns=… cpu=… checksum=… [name=…]
//   nb → child   empty K                          child → nb   ns=… cpu=… checksum=… (fences only)
//   nb → child   quit
//
// Totals over K iterations. What fails is one line `error: …`, or `fault: LINE COLUMN …` with a line of
// the fence. Names that ResourceUse knows are resources, others are extras. The child is always ended.

import CKernelShims
import ExperimentModel

/// What is in a sample besides the subject's own work, in nanoseconds. Reported, never subtracted.
public struct HarnessOverhead: Hashable, Sendable {
  /// Of one iteration with an empty body: the loop, the call, the sum of the results.
  public var perIteration: Double
  /// Of two readings of the clock with nothing between them.
  public var clockPair: Double
}

/// Work of the lab as a subject: a child that gets its job as its first line.
///
/// - Parameter isSingle: it works on one thread and has nobody at its other end, so it is bound to the CPU that all such subjects share.
public func labSubject(
  name: String, argv: [String], firstLine: String, isSingle: Bool, cancelled: @escaping () -> Bool
) throws(MeasureError) -> any TimedSubject {
  try SubjectProcess(name: name, argv: argv, firstLine: firstLine, isPinned: isSingle, timeout: 20, cancelled: cancelled)
}

public final class SubjectProcess: TimedSubject {
  public let name: String
  /// node compiles while it runs: a new start would be measured cold.
  public var isRestarted: Bool { fence.map { $0.language != .javascript } ?? false }
  public var doubts: [String] {
    if let note { return ["\(name): \(note)"] }
    return fence?.language == .javascript ? ["\(name): one start: how much one start of a program differs from another is not in the interval"] : []
  }
  /// What the child said of itself.
  private var note: String?
  private let child: ChildProcess
  /// Whose lines the child's faults are about.
  private let fence: FenceSpec?
  private let counters: PerfCounters?
  private let isPinned: Bool
  /// Seconds that it may take to get ready.
  private let patience: Double
  private var isReady = false

  /// Work of the lab: lines over stdin and stdout, the job as JSON. It gets ready while others are started.
  convenience init(
    name: String, argv: [String], firstLine: String, isPinned: Bool = false, timeout: Double, cancelled: @escaping () -> Bool
  ) throws(MeasureError) {
    let launcher = try Launcher(name: "subject \(name)", argv: argv, leavesByItself: true)
    let child = try ChildProcess(launcher: launcher, channel: .standard, cancelled: cancelled)
    try self.init(beginning: name, child: child, firstLine: firstLine, fence: nil, counts: false, isPinned: isPinned, timeout: timeout)
  }

  /// As the other, and waits until it is ready.
  convenience init(
    name: String, child: ChildProcess, firstLine: String, fence: FenceSpec?, counts: Bool, isPinned: Bool = false, timeout: Double
  ) throws(MeasureError) {
    try self.init(beginning: name, child: child, firstLine: firstLine, fence: fence, counts: counts, isPinned: isPinned, timeout: timeout)
    try waitUntilReady()
  }

  /// - Parameters:
  ///   - counts: with the processor's counters, where there are any.
  ///   - isPinned: on one CPU, the same for all, once it is ready: two cores may differ in speed.
  private init(
    beginning name: String, child: ChildProcess, firstLine: String, fence: FenceSpec?, counts: Bool, isPinned: Bool = false, timeout: Double
  ) throws(MeasureError) {
    self.name = name
    self.child = child
    self.fence = fence
    self.isPinned = isPinned
    patience = timeout
    counters = counts ? PerfCounters.of(child.pid) : nil
    try child.send(line: firstLine)
  }

  public func waitUntilReady() throws(MeasureError) {
    guard !isReady else { return }
    let first = try answer(patience)
    guard first == "ready" || first.hasPrefix("ready ") else { throw MeasureError("subject \(name) did not say `ready`") }
    note = first == "ready" ? nil : String(first.dropFirst("ready ".count))
    if isPinned { _ = nb_pin_process(child.pid) }
    isReady = true
  }

  /// Asks it to leave; a child that stays is ended.
  public func stop() {
    try? child.send(line: "quit")
    child.stop()
  }

  /// One sample of K iterations.
  ///
  /// - Parameter timeout: seconds; a subject that is silent for longer is ended.
  public func run(_ iterations: Int, timeout: Double) throws(MeasureError) -> SubjectSample {
    try sample("run \(iterations)", timeout)
  }

  /// What the harness itself costs: K iterations of a body that does nothing. Not for work of the lab.
  public func runEmpty(_ iterations: Int, timeout: Double) throws(MeasureError) -> SubjectSample {
    try sample("empty \(iterations)", timeout)
  }

  /// What the harness costs, from at least a millisecond of empty iterations; the least of five.
  public func overhead(timeout: Double = 20) throws(MeasureError) -> HarnessOverhead {
    var iterations = 1_000
    while try runEmpty(iterations, timeout: timeout).ns < 1_000_000, iterations < 1 << 30 { iterations *= 4 }
    var least = Int64.max
    var clock = Int64.max
    for _ in 0..<5 {
      least = min(least, try runEmpty(iterations, timeout: timeout).ns)
      clock = min(clock, try runEmpty(0, timeout: timeout).ns)
    }
    return HarnessOverhead(perIteration: Double(least) / Double(iterations), clockPair: Double(clock))
  }

  private func sample(_ request: String, _ timeout: Double) throws(MeasureError) -> SubjectSample {
    try waitUntilReady()
    let before = counters?.read()
    try child.send(line: request)
    let answer = try answer(timeout)
    var sample = SubjectSample(ns: -1, cpu: 0, checksum: "")
    for field in answer.split(separator: " ") {
      guard let equals = field.firstIndex(of: "=") else { continue }
      let value = String(field[field.index(after: equals)...])
      switch field[..<equals] {
      case "ns": sample.ns = Int64(value) ?? -1
      case "cpu": sample.cpu = Int64(value) ?? 0
      case "checksum": sample.checksum = value
      case let word: if !sample.use.take(word, value) { sample.extras[String(word)] = Double(value) }
      }
    }
    guard sample.ns >= 0, !sample.checksum.isEmpty else {
      throw MeasureError(
        "subject \(name): `\(answer.prefix(200))` is not an answer", remedy: "an answer is `ns=… cpu=… checksum=…`")
    }
    if let counters, let before { sample.use.take(counters.read().since(before)) }
    return sample
  }

  private func answer(_ timeout: Double) throws(MeasureError) -> String {
    let line: String
    do { line = try child.line(timeout: timeout) } catch {
      // A crash of a compiled fence may have said where: `fence/nb-fence.swift:3: Fatal error: …`.
      guard let fence, error.messages.isEmpty else { throw error }
      var placed = error
      placed.messages = CompilerMessages.parse(child.lastPrinted, fence)
      throw placed
    }
    if line.hasPrefix("error:") { throw MeasureError("subject \(name): \(line.dropFirst(6).drop { $0 == " " })") }
    if line.hasPrefix("fault:") { throw fault(line.dropFirst(6).split(separator: " ", maxSplits: 2).map(String.init)) }
    return line
  }

  /// `LINE COLUMN text`; line 0: not in the fence.
  private func fault(_ words: [String]) -> MeasureError {
    guard words.count == 3, let line = Int(words[0]), let column = Int(words[1]), line > 0, let fence else {
      return MeasureError("subject \(name): \(words.last ?? "failed without a reason")")
    }
    let message = SourceMessage(
      kind: .error, path: fence.path, line: fence.line + line - 1, column: column > 0 ? column : nil, text: words[2])
    return MeasureError("subject \(name) failed at \(message.path):\(message.line): \(words[2])", messages: [message])
  }
}

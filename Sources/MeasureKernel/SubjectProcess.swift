// A bench subject in a child process, driven by lines over two pipes:
//
//   nb → child   one line: the job as JSON        child → nb   ready
//   nb → child   run K                            child → nb   ns=… cpu=… checksum=… [name=…]
//   nb → child   quit
//
// Totals over K iterations; what fails is one line `error: …`. The child is always ended. A child of the lab
// answers on its stdout; a code fence answers on descriptor 3, so that what the fence prints is no answer.

import CKernelShims

/// A child of the lab as a subject.
///
/// - Parameter firstLine: the job, as the lab reads it.
public func labSubject(name: String, argv: [String], firstLine: String) throws(MeasureError) -> any TimedSubject {
  try SubjectProcess(name: name, argv: argv, firstLine: firstLine, timeout: 20)
}

final class SubjectProcess: TimedSubject {
  let name: String
  let isPerProcess = false
  let isRestarted: Bool
  private let child: ChildProcess
  /// Turns what a child says of itself into places of the notebook.
  private let explain: (String) -> MeasureError?

  init(name: String, argv: [String], firstLine: String, timeout: Double) throws(MeasureError) {
    self.name = name
    explain = { _ in nil }
    isRestarted = false
    child = try ChildProcess(name: "subject \(name)", argv: argv)
    try child.send(line: firstLine)
    guard try answer(timeout) == "ready" else { throw MeasureError("subject \(name) did not say `ready`") }
  }

  /// A code fence; see FenceProgram.
  ///
  /// - Parameter isPinned: on one CPU, the same for all subjects: two cores may run at different speeds, and what
  ///   takes turns needs only one.
  init(
    name: String, launcher: Launcher, outputLimit: Int, timeout: Double, isPinned: Bool, explain: @escaping (String) -> MeasureError?
  ) throws(MeasureError) {
    self.name = name
    self.explain = explain
    isRestarted = true
    child = try ChildProcess(launcher: launcher, channel: .control(limit: outputLimit))
    if isPinned { _ = nb_pin_process(child.pid) }
    guard try answer(timeout) == "ready" else { throw MeasureError("subject \(name) did not say `ready`") }
  }

  /// Asks it to leave; a child that stays is ended.
  func stop() {
    try? child.send(line: "quit")
    child.stop()
  }

  /// One sample of K iterations.
  ///
  /// - Parameter timeout: seconds; a subject that is silent for longer is ended.
  func run(_ iterations: Int, timeout: Double) throws(MeasureError) -> SubjectSample {
    try child.send(line: "run \(iterations)")
    let answer = try answer(timeout)
    var sample = SubjectSample(ns: -1, cpu: 0, checksum: "")
    for field in answer.split(separator: " ") {
      guard let equals = field.firstIndex(of: "=") else { continue }
      let value = String(field[field.index(after: equals)...])
      switch field[..<equals] {
      case "ns": sample.ns = Int64(value) ?? -1
      case "cpu": sample.cpu = Int64(value) ?? 0
      case "checksum": sample.checksum = value
      default:
        if !sample.use.take(field[..<equals], value) { sample.extras[String(field[..<equals])] = Double(value) }
      }
    }
    sample.use.dropInheritedMemory()
    guard sample.ns >= 0, !sample.checksum.isEmpty else {
      throw MeasureError(
        "subject \(name): `\(answer.prefix(200))` is not an answer", remedy: "an answer is `ns=… cpu=… checksum=…`")
    }
    return sample
  }

  private func answer(_ timeout: Double) throws(MeasureError) -> String {
    let line: String
    do { line = try child.line(timeout: timeout) } catch { throw explain(error.cause) ?? error }
    guard !line.hasPrefix("error:") else {
      let text = String(line.dropFirst(6).drop { $0 == " " })
      throw explain(text) ?? MeasureError("subject \(name): \(text)")
    }
    return line
  }
}

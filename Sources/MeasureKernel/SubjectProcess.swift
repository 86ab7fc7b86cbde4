// A bench subject in a child process, driven by lines over two pipes:
//
//   nb → child   one line: the job as JSON        child → nb   ready
//   nb → child   run K                            child → nb   ns=… cpu=… checksum=… [name=…]
//   nb → child   quit
//
// Totals over K iterations; what fails is one line `error: …`. The child is always ended.

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
}

final class SubjectProcess {
  let name: String
  private let child: ChildProcess

  init(name: String, argv: [String], firstLine: String, timeout: Double) throws(MeasureError) {
    self.name = name
    child = try ChildProcess(name: "subject \(name)", argv: argv)
    try child.send(line: firstLine)
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
    var sample = SubjectSample(ns: -1, cpu: 0, checksum: "", extras: [:])
    for field in answer.split(separator: " ") {
      guard let equals = field.firstIndex(of: "=") else { continue }
      let value = String(field[field.index(after: equals)...])
      switch field[..<equals] {
      case "ns": sample.ns = Int64(value) ?? -1
      case "cpu": sample.cpu = Int64(value) ?? 0
      case "checksum": sample.checksum = value
      default: sample.extras[String(field[..<equals])] = Double(value)
      }
    }
    guard sample.ns >= 0, !sample.checksum.isEmpty else { 
      throw MeasureError(
        "subject \(name): `\(answer.prefix(200))` is not an answer", remedy: "an answer is `ns=… cpu=… checksum=…`")
    }
    return sample
  }

  private func answer(_ timeout: Double) throws(MeasureError) -> String {
    let line = try child.line(timeout: timeout)
    guard !line.hasPrefix("error:") else { throw MeasureError("subject \(name): \(line.dropFirst(6).drop { $0 == " " })") }
    return line
  }
}

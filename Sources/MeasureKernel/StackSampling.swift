// The dialogue with a child that has the profiler: samples on, the subject again and again, samples off.

import ExperimentModel

/// Samples of a fence's stack while it runs for about as long as wanted.
///
/// - Parameters:
///   - child: has said `ready`; its harness hands `profile …` lines on to the profiler.
///   - duration: of running; reading the answer takes some milliseconds more.
///   - cancelled: asked between batches; what was sampled until then is returned.
/// - Returns: stacks from the program's start on; `rooted(at: "subject")` leaves out the harness.
/// - Throws: `MeasureError` when the child fails or has no profiler.
func sampleStacks(
  of child: ChildProcess, lasting duration: Nanoseconds, rate: Int = ProfilerSource.rate, cancelled: () -> Bool = { false }
) throws(MeasureError) -> StackProfile {
  let timeout = 20 + 2 * duration.seconds
  func run(_ iterations: Int) throws(MeasureError) -> Double {
    try child.send(line: "run \(iterations)")
    let answer = try child.line(timeout: timeout)
    let field = answer.split(separator: " ").first { $0.hasPrefix("ns=") }
    guard let ns = field.flatMap({ Double($0.dropFirst(3)) }) else {
      throw MeasureError("the profiled subject answered `\(answer.prefix(200))`")
    }
    return ns
  }
  // A batch of a twentieth of the time: the lines between batches are then no part of the profile worth naming.
  let wanted = Double(duration.rawValue) / 20
  var batch = 1
  var once = try run(1)
  while once < wanted / 10, batch < 1 << 40 {
    batch *= 8
    once = try run(batch)
  }
  batch = max(1, Int(Double(batch) * wanted / max(1, once)))
  try child.send(line: "profile start \(rate)")
  let started = try child.line(timeout: 20)
  guard started == "profile started" else {
    let cause = started.hasPrefix("error: ") ? String(started.dropFirst(7)) : "the child answered `\(started.prefix(200))`"
    throw MeasureError("no profile: \(cause)")
  }
  var spent = 0.0
  while spent < Double(duration.rawValue), !cancelled() { spent += try run(batch) }
  try child.send(line: "profile stop")
  var answer = ProfileAnswer()
  while true {
    if let profile = try answer.take(try child.line(timeout: 60)) { return profile }
  }
}

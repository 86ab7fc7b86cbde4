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
  func run(_ iterations: Int) throws(MeasureError) -> ProfileBatch.Took {
    try child.send(line: "run \(iterations)")
    let answer = try child.line(timeout: timeout)
    func field(_ name: String) -> Double? {
      answer.split(separator: " ").first { $0.hasPrefix(name) }.flatMap { Double($0.dropFirst(name.count)) }
    }
    guard let wall = field("ns=") else { throw MeasureError("the profiled subject answered `\(answer.prefix(200))`") }
    return .init(wall: wall, cpu: field("cpu=") ?? wall)
  }
  // A batch of a twentieth of the time: the lines between batches are then no part of the profile worth naming.
  var batch = ProfileBatch(wanted: Double(duration.rawValue) / 20)
  while batch.grows(after: try run(batch.iterations)) {}
  try child.send(line: "profile start \(rate)")
  let started = try child.line(timeout: 20)
  guard started == "profile started" else {
    let cause = started.hasPrefix("error: ") ? String(started.dropFirst(7)) : "the child answered `\(started.prefix(200))`"
    throw MeasureError("no profile: \(cause)")
  }
  var spent = 0.0
  while spent < Double(duration.rawValue), !cancelled() {
    let took = try run(batch.iterations)
    spent += took.wall
    _ = batch.grows(after: took)
  }
  try child.send(line: "profile stop")
  var answer = ProfileAnswer()
  while true {
    if let profile = try answer.take(try child.line(timeout: 60)) { return profile }
  }
}

/// How many calls of the subject one line asks for.
///
/// Sized by CPU time, for that is what is sampled: on a busy machine a batch that seems long may have waited for most of
/// it, and where batches are short the samples fall into the harness. It grows while sampling too.
struct ProfileBatch {
  /// Nanoseconds that a batch took.
  struct Took {
    var wall, cpu: Double
  }

  /// Nanoseconds of CPU that a batch is to take; half of it is enough, and so are four times as many on the clock.
  let wanted: Double
  private(set) var iterations = 1

  init(wanted: Double) { self.wanted = wanted }

  /// Takes in how long the last batch took and says whether the next one has more calls.
  mutating func grows(after took: Took) -> Bool {
    guard took.cpu * 2 < wanted, took.wall < wanted * 4, iterations < 1 << 40 else { return false }
    // A subject that mostly waits reaches its limit on the clock first.
    let factor = min(8, wanted / max(1, took.cpu), 4 * wanted / max(1, took.wall))
    iterations = max(iterations + 1, Int(Double(iterations) * factor))
    return true
  }
}

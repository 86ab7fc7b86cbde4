// Subjects side by side: one iteration count shared by all, rounds in balanced seeded order, parity of
// checksums, and the check that twice the work takes twice the time. The statistics are the caller's.

import CKernelShims
import ExperimentModel
import Statistics

public struct BenchRecord: Sendable {
  /// By subject, in the order of the cell; one entry per round, so that entries of one index are a pair.
  public var samples: [[SubjectSample]]
  /// Iterations of every sample.
  public var iterations: Int
  /// All subjects returned the same checksums for the same work.
  public var parity: Bool
  /// What a reader must know; sentences without a full stop.
  public var doubts: [String]
}

/// Measures the subjects of a cell in turns.
///
/// Every subject is one child process for the whole cell. First the iteration count is calibrated,
/// then the work check runs (which warms all subjects up), then the rounds, ABBA.
///
/// - Parameters:
///   - childArguments: command and first line (the job) for subject i.
///   - quick: at most 20 rounds.
///   - budget: measuring stops when it is used up, never below 6 rounds.
/// - Returns: fewer rounds than planned when `cancelled`; every subject then has the same number.
/// - Throws: `MeasureError` when a subject crashes, hangs or answers nonsense.
public func measure(
  _ cell: BenchCell, childArguments: (Int) -> (argv: [String], firstLine: String), quick: Bool, budget: Nanoseconds,
  progress: (String) -> Void, cancelled: () -> Bool
) throws(MeasureError) -> BenchRecord {
  guard !cell.subjects.isEmpty else {
    throw MeasureError("the bench has no subjects", remedy: "list at least one under `subjects:`")
  }
  let start = nb_now()
  var subjects: [SubjectProcess] = []
  defer { subjects.forEach { $0.stop() } }
  for (index, subject) in cell.subjects.enumerated() {
    progress("starting \(subject.name)")
    let child = childArguments(index)
    subjects.append(try SubjectProcess(name: subject.name, argv: child.argv, firstLine: child.firstLine, timeout: 20))
  }
  progress("calibrating")
  var times: [Double] = []
  for subject in subjects { times.append(try calibrate(subject, cancelled)) }
  let asked = quick ? min(cell.pairs, 20) : cell.pairs
  let spent = nb_now() - start
  let plan = BatchPlan(times: times, rounds: asked, budget: Double(max(0, budget.rawValue - spent)))
  var record = BenchRecord(
    samples: Array(repeating: [], count: subjects.count), iterations: plan.iterations, parity: true,
    doubts: doubts(plan, asked, cell.subjects[times.indices.min { times[$0] < times[$1] }!].name))
  // Ten times what calibration expects, for a machine that is suddenly busy.
  let timeout = 10 + 20 * times.max()! * Double(plan.iterations) / 1e9
  for subject in subjects where !cancelled() {
    progress("checking \(subject.name)")
    var ratios: [Double] = []
    for _ in 0..<WorkCheck.repeats {
      let once = try subject.run(plan.iterations, timeout: timeout).ns
      let twice = try subject.run(2 * plan.iterations, timeout: timeout).ns
      ratios.append(Double(twice) / Double(max(1, once)))
    }
    if let doubt = WorkCheck.doubt(subject: subject.name, ratios: ratios) { record.doubts.append(doubt) }
  }
  for (round, turn) in abbaOrder(arms: subjects.count, rounds: plan.rounds, seed: cell.seed).enumerated() {
    if cancelled() { break }
    if round >= BatchPlan.fewestRounds, nb_now() - start > budget.rawValue {
      record.doubts.append("stopped after \(round) of \(plan.rounds) pairs: the block's time was used up")
      break
    }
    progress("pair \(round + 1)/\(plan.rounds)")
    for index in turn { record.samples[index].append(try subjects[index].run(plan.iterations, timeout: timeout)) }
    if Set(record.samples.map { $0[round].checksum }).count > 1 { record.parity = false }
  }
  return record
}

/// Nanoseconds of one iteration: doubles the count until a sample lasts a millisecond.
private func calibrate(_ subject: SubjectProcess, _ cancelled: () -> Bool) throws(MeasureError) -> Double {
  var iterations = 1
  while true {
    let sample = try subject.run(iterations, timeout: 20)
    let time = Double(max(1, sample.ns))
    if time >= BatchPlan.goodSample || iterations >= 1 << 24 || cancelled() { return time / Double(iterations) }
    iterations *= time > BatchPlan.goodSample / 10 ? 2 : 8
  }
}

private func doubts(_ plan: BatchPlan, _ asked: Int, _ fastest: String) -> [String] {
  var doubts: [String] = []
  if plan.shortestSample < BatchPlan.leastSample {
    doubts.append("\(fastest): a sample lasts only \(Int(plan.shortestSample)) ns, near the clock's own cost")
  } else if plan.shortestSample < 0.99 * BatchPlan.goodSample {
    doubts.append(
      "\(fastest): a sample lasts \(Int(plan.shortestSample / 1e3)) µs; the block's time does not allow the 1 ms that gates ask for")
  }
  if plan.rounds < asked { doubts.append("\(plan.rounds) pairs instead of \(asked): the block's time does not allow more") }
  return doubts
}

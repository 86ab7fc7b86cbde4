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
  try measure(
    cell,
    subject: { (index) throws(MeasureError) -> any TimedSubject in
      let child = childArguments(index)
      return try SubjectProcess(name: cell.subjects[index].name, argv: child.argv, firstLine: child.firstLine, timeout: 20)
    }, quick: quick, budget: budget, progress: progress, cancelled: cancelled)
}

/// Measures the subjects of a cell in turns, however they are made.
///
/// Where a process is started for each iteration there is nothing to calibrate: one start is one sample, after one
/// that warms files and caches up and is not counted; the number of rounds follows from its time, before any is seen.
///
/// - Parameter subject: makes subject i; called once for each, in order.
public func measure(
  _ cell: BenchCell, subject make: (Int) throws(MeasureError) -> any TimedSubject, quick: Bool, budget: Nanoseconds,
  progress: (String) -> Void, cancelled: () -> Bool
) throws(MeasureError) -> BenchRecord {
  guard !cell.subjects.isEmpty else {
    throw MeasureError("the bench has no subjects", remedy: "list at least one under `subjects:`")
  }
  var subjects: [any TimedSubject] = []
  defer { subjects.forEach { $0.stop() } }
  for (index, subject) in cell.subjects.enumerated() {
    progress("starting \(subject.name)")
    subjects.append(try make(index))
  }
  // What starting costs once everything is compiled.
  var startCost = 0.0
  for index in subjects.indices where subjects[index].isRestarted {
    let before = nb_now()
    try restart(&subjects, index, make)
    startCost += Double(nb_now() - before)
  }
  // What has to be compiled first is not measuring.
  let start = nb_now()
  progress("calibrating")
  let asked = quick ? min(cell.pairs, 20) : cell.pairs
  if subjects.contains(where: \.isPerProcess) { return try measureStarts(cell, subjects, asked, budget, start, progress, cancelled) }
  var times: [Double] = []
  for subject in subjects { times.append(try calibrate(subject, cancelled)) }
  let spent = nb_now() - start
  let isRestarted = startCost > 0
  // A third of the time is for starting anew.
  let plan = BatchPlan(
    times: times, rounds: asked, budget: Double(max(0, budget.rawValue - spent)) * (isRestarted ? 0.67 : 1),
    sample: isRestarted ? BatchPlan.longSample : BatchPlan.goodSample)
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
  // One after the other means just that: each is started once.
  let spells = cell.order == .sequential ? 1 : spells(plan, times, startCost, Double(max(0, budget.rawValue)))
  if cell.order != .sequential, subjects.contains(where: \.isRestarted), spells < BatchPlan.fewestRounds {
    record.doubts.append(
      "only \(spells) starts of each subject: how much one start of the same program differs from another is not in the interval")
  }
  for spell in 0..<spells where !cancelled() {
    if spell > 0 {
      for index in subjects.indices where subjects[index].isRestarted {
        try restart(&subjects, index, make)
        _ = try subjects[index].run(plan.iterations, timeout: timeout)
      }
    }
    // Rounds are dealt out evenly.
    let rounds = plan.rounds * (spell + 1) / spells - plan.rounds * spell / spells
    let done = record.samples[0].count
    try takeRounds(
      cell, subjects, rounds, timeout, budget, start, &record, first: done, of: plan.rounds, progress, cancelled)
    if nb_now() - start > budget.rawValue, record.samples[0].count >= BatchPlan.fewestRounds { break }
  }
  return record
}

/// How often everything is started anew: up to ten times, within a third of the budget.
private func spells(_ plan: BatchPlan, _ times: [Double], _ startCost: Double, _ budget: Double) -> Int {
  guard startCost > 0 else { return 1 }
  let one = startCost + times.reduce(0, +) * Double(plan.iterations)
  return max(1, min(10, plan.rounds, Int(budget / 3 / one)))
}

private func restart(
  _ subjects: inout [any TimedSubject], _ index: Int, _ make: (Int) throws(MeasureError) -> any TimedSubject
) throws(MeasureError) {
  subjects[index].stop()
  subjects[index] = try make(index)
}

/// Rounds of processes, each started once for a sample.
private func measureStarts(
  _ cell: BenchCell, _ subjects: [any TimedSubject], _ asked: Int, _ budget: Nanoseconds, _ start: Int64, _ progress: (String) -> Void,
  _ cancelled: () -> Bool
) throws(MeasureError) -> BenchRecord {
  // Ended by time even where the block has none: a command may hang.
  let timeout = max(60, 3 * budget.seconds)
  for subject in subjects where !cancelled() { _ = try subject.run(1, timeout: timeout) }
  let round = Double(max(1, nb_now() - start))
  let affordable = (Double(max(0, budget.rawValue)) * BatchPlan.plannedShare - round) / round
  let rounds = max(BatchPlan.fewestRounds, min(asked, Int(max(0, affordable))))
  var record = BenchRecord(samples: Array(repeating: [], count: subjects.count), iterations: 1, parity: true, doubts: [])
  if rounds < asked { record.doubts.append("\(rounds) pairs instead of \(asked): the block's time does not allow more") }
  try takeRounds(
    cell, subjects, rounds, timeout, Nanoseconds(3 * budget.rawValue), start, &record, first: 0, of: rounds, progress, cancelled)
  return record
}

private func takeRounds(
  _ cell: BenchCell, _ subjects: [any TimedSubject], _ rounds: Int, _ timeout: Double, _ budget: Nanoseconds, _ start: Int64,
  _ record: inout BenchRecord, first: Int, of all: Int, _ progress: (String) -> Void, _ cancelled: () -> Bool
) throws(MeasureError) {
  if cell.order == .sequential {
    for index in subjects.indices {
      for round in 0..<rounds where !cancelled() {
        progress("\(subjects[index].name) \(first + round + 1)/\(all)")
        record.samples[index].append(try subjects[index].run(record.iterations, timeout: timeout))
      }
    }
    let whole = record.samples.map(\.count).min() ?? 0
    for index in subjects.indices { record.samples[index] = Array(record.samples[index].prefix(whole)) }
    record.parity = (0..<whole).allSatisfy { round in Set(record.samples.map { $0[round].checksum }).count == 1 }
    return
  }
  let order = abbaOrder(arms: subjects.count, rounds: rounds, seed: cell.seed &+ UInt64(first))
  for (round, turn) in zip(first..., order) {
    if cancelled() { break }
    if round >= BatchPlan.fewestRounds, nb_now() - start > budget.rawValue {
      record.doubts.append("stopped after \(round) of \(all) pairs: the block's time was used up")
      break
    }
    progress("pair \(round + 1)/\(all)")
    for index in turn { record.samples[index].append(try subjects[index].run(record.iterations, timeout: timeout)) }
    if Set(record.samples.map { $0[round].checksum }).count > 1 { record.parity = false }
  }
}

/// Nanoseconds of one iteration: doubles the count until a sample lasts a millisecond.
private func calibrate(_ subject: any TimedSubject, _ cancelled: () -> Bool) throws(MeasureError) -> Double {
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

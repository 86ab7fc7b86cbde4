// Subjects side by side: one iteration count shared by all, rounds in balanced seeded order, parity of
// checksums, and the check that twice the work takes twice the time. The statistics are the caller's.

import CKernelShims
import ExperimentModel
import Statistics

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
  progress: (String) -> Void, cancelled: @escaping () -> Bool
) throws(MeasureError) -> BenchRecord {
  let policy = MeasurePolicy(pairs: cell.pairs, quick: quick, budget: budget, seed: cell.seed, order: cell.order ?? .abba)
  return try measure(
    cell.subjects.map(\.name), policy,
    start: { index throws(MeasureError) in
      let child = childArguments(index)
      return try SubjectProcess(
        name: cell.subjects[index].name, argv: child.argv, firstLine: child.firstLine, timeout: 20, cancelled: cancelled)
    }, progress: progress, cancelled: cancelled)
}

/// Measures any subjects in turns; `measure(_:childArguments:…)` says how.
///
/// A subject that asks for it is started anew up to ten times, between rounds and within a third of the budget. The
/// budget counts from when all have been started once: compiling is not measuring.
///
/// Where a subject starts processes, every sample is one process of each: the process is the unit, and
/// neither the iteration count nor the work check has a meaning.
///
/// - Parameters:
///   - start: makes subject i; it is stopped here, whatever happens.
///   - cancelled: asked between samples; whole rounds are kept. What `start` makes should ask it too, so that
///     a long sample is given up.
///   - decided: asked at the policy's looks with all samples so far; true ends the measuring.
public func measure(
  _ names: [String], _ policy: MeasurePolicy, start: (Int) throws(MeasureError) -> any TimedSubject,
  decided: (([[SubjectSample]]) -> Bool)? = nil, progress: (String) -> Void, cancelled: () -> Bool
) throws(MeasureError) -> BenchRecord {
  guard !names.isEmpty else {
    throw MeasureError("the bench has no subjects", remedy: "list at least one under `subjects:`")
  }
  let measurement = Measurement(names, policy)
  defer { measurement.stop() }
  try measurement.begin(start, progress, cancelled)
  try measurement.calibrate(progress, cancelled)
  try measurement.check(progress, cancelled)
  switch policy.order {
  case .abba: try measurement.takeTurns(start, decided, share: 1, progress, cancelled)
  case .sequential: try measurement.takeOneAfterTheOther(progress, cancelled)
  }
  try measurement.inject(progress, cancelled)
  return measurement.finished()
}

/// Measures the same subjects at several sizes, which take turns as well: a machine that changes its speed meanwhile does
/// so for all sizes alike, and the growth over them stays what it is.
///
/// All sizes are started, calibrated and checked first; then each takes a sixth of its rounds, in an order that
/// turns round every time, until all have theirs. An order of `sequential` is measured size by size.
///
/// - Parameters:
///   - policy: of each size; its budget is one size's share.
///   - start: makes subject i at size s.
/// - Returns: one record for each size, in order.
public func measureSizes(
  _ names: [String], _ policy: MeasurePolicy, sizes: Int, start: (_ size: Int, _ subject: Int) throws(MeasureError) -> any TimedSubject,
  progress: (_ size: Int, String) -> Void, cancelled: () -> Bool
) throws(MeasureError) -> [BenchRecord] {
  guard policy.order == .abba, sizes > 1 else {
    var records: [BenchRecord] = []
    for size in 0..<sizes where !cancelled() {
      records.append(
        try measure(
          names, policy, start: { index throws(MeasureError) in try start(size, index) }, progress: { progress(size, $0) }, cancelled: cancelled))
    }
    return records
  }
  let measurements = (0..<sizes).map { _ in Measurement(names, policy) }
  defer { measurements.forEach { $0.stop() } }
  for (size, measurement) in measurements.enumerated() where !cancelled() {
    try measurement.begin({ index throws(MeasureError) in try start(size, index) }, { progress(size, $0) }, cancelled)
    try measurement.calibrate({ progress(size, $0) }, cancelled)
    try measurement.check({ progress(size, $0) }, cancelled)
    measurement.pause()
  }
  let parts = 6
  for part in 1...parts {
    for size in part % 2 == 1 ? Array(0..<sizes) : (0..<sizes).reversed() where !cancelled() {
      measurements[size].resume()
      try measurements[size].takeTurns(
        { index throws(MeasureError) in try start(size, index) }, nil, share: Double(part) / Double(parts), { progress(size, $0) }, cancelled)
      measurements[size].pause()
    }
  }
  return measurements.map { $0.finished() }
}

/// The state of one measurement.
private final class Measurement {
  private let names: [String]
  private let policy: MeasurePolicy
  private var began = nb_now()
  /// Nanoseconds of starting everything anew once; 0: nothing is.
  private var startCost = 0.0
  /// nil: failed and left out.
  private var subjects: [(any TimedSubject)?] = []
  /// Nanoseconds of one iteration.
  private var times: [Double?] = []
  private var rounds = 0
  /// Turns of all rounds, made with the first, and how many have been taken.
  private var turns: [[Int]] = []
  private var taken = 0
  private var startsSoFar = 0
  /// Its time was used up.
  private var isOver = false
  /// Nanoseconds until it was paused.
  private var spent: Int64 = 0
  private var timeout = 20.0
  private var record = BenchRecord(samples: [], iterations: 1, parity: true, doubts: [])
  private let probe: ContentionProbe?

  init(_ names: [String], _ policy: MeasurePolicy) {
    self.names = names
    self.policy = policy
    probe = policy.takesReceipts ? ContentionProbe() : nil
    record.samples = Array(repeating: [], count: names.count)
    record.warmUp = Array(repeating: [], count: names.count)
    times = Array(repeating: nil, count: names.count)
  }

  func stop() { subjects.forEach { $0?.stop() } }

  /// While another one measures, its own time stands still.
  func pause() { spent = nb_now() - began }
  func resume() { began = nb_now() - spent }

  private var startsProcesses: Bool { subjects.contains { $0?.startsProcesses == true } }

  /// Does something with a subject that still takes part; leaves it out when that fails and others remain.
  private func attempt<T>(
    _ index: Int, _ cancelled: () -> Bool, _ work: (any TimedSubject) throws(MeasureError) -> T
  ) throws(MeasureError) -> T? {
    guard let subject = subjects[index] else { return nil }
    do { return try work(subject) } catch {
      if cancelled() { return nil }
      return try leaveOut(index, error)
    }
  }

  private func leaveOut<T>(_ index: Int, _ error: MeasureError) throws(MeasureError) -> T? {
    guard policy.keepsGoing, index > 0 else {
      var placed = error
      placed.subject = index
      throw placed
    }
    subjects[index]?.stop()
    subjects[index] = nil
    record.failures[index] = error
    record.samples[index] = []
    return nil
  }

  func begin(
    _ start: (Int) throws(MeasureError) -> any TimedSubject, _ progress: (String) -> Void, _ cancelled: () -> Bool
  ) throws(MeasureError) {
    subjects = Array(repeating: nil, count: names.count)
    for (index, name) in names.enumerated() where !cancelled() {
      progress("starting \(name)")
      do { subjects[index] = try start(index) } catch {
        if !cancelled() { let _: Void? = try leaveOut(index, error) }
      }
    }
    for index in names.indices { _ = try attempt(index, cancelled) { subject throws(MeasureError) in try subject.waitUntilReady() } }
    guard policy.order == .abba else { return began = nb_now() }
    let before = nb_now()
    var isRestarted = false
    for index in names.indices where subjects[index]?.isRestarted == true && !cancelled() {
      isRestarted = true
      try restart(index, start, cancelled)
    }
    began = nb_now()
    if isRestarted { startCost = Double(max(1, began - before)) }
  }

  private func restart(
    _ index: Int, _ start: (Int) throws(MeasureError) -> any TimedSubject, _ cancelled: () -> Bool
  ) throws(MeasureError) {
    subjects[index]?.stop()
    do { subjects[index] = try start(index) } catch {
      if !cancelled() { let _: Void? = try leaveOut(index, error) }
    }
  }

  func calibrate(_ progress: (String) -> Void, _ cancelled: () -> Bool) throws(MeasureError) {
    progress("calibrating")
    for index in names.indices {
      times[index] = try attempt(index, cancelled) { subject throws(MeasureError) in
        if subject.startsProcesses { return Double(max(1, try subject.run(1, timeout: 3_600).ns)) }
        let time = try oneIteration(subject, cancelled)
        return try warmUp(index, subject, time, cancelled)
      }
    }
    let known = times.compactMap { $0 }
    guard !cancelled(), !known.isEmpty else { return }
    let budget = Double(max(0, policy.budget.rawValue - (nb_now() - began))) * (policy.injectedShare == nil ? 1 : 5.0 / 6)
    let asked = policy.rounds
    if startsProcesses {
      rounds = BatchPlan.processRounds(times: known, rounds: asked, budget: budget)
      if rounds < asked { record.doubts.append("\(rounds) pairs instead of \(asked): the block's time does not allow more") }
    } else {
      // A third of the time is for starting anew.
      let plan = BatchPlan(
        times: known, rounds: asked, budget: startCost > 0 ? 0.67 * budget : budget,
        sample: startCost > 0 ? BatchPlan.longSample : policy.sample)
      rounds = plan.rounds
      record.starts = starts(known)
      record.iterations = plan.iterations
      let fastest = times.indices.min { times[$0] ?? .infinity < times[$1] ?? .infinity } ?? 0
      record.doubts += planDoubts(plan, asked, names[fastest])
    }
    // Ten times what calibration expects, for a machine that is suddenly busy.
    timeout = 10 + 20 * (known.max() ?? 0) * Double(record.iterations) / 1e9
  }

  /// How often everything is started for its samples.
  private func starts(_ times: [Double]) -> Int {
    guard startCost > 0 else { return 1 }
    // Each start is followed by one sample that is not counted.
    let one = startCost + times.reduce(0) { $0 + max($1 * Double(record.iterations), BatchPlan.runUp) }
    let starts = max(1, min(policy.startsMost, rounds, Int(min(1e6, Double(policy.budget.rawValue) / 3 / one))))
    if starts < BatchPlan.fewestRounds {
      record.doubts.append(
        "\(starts == 1 ? "one start" : "only \(starts) starts") of each subject: how much one start of a program differs from another is not in the interval")
    }
    return starts
  }

  /// Samples until the subject has settled; the time of one iteration then.
  private func warmUp(
    _ index: Int, _ subject: any TimedSubject, _ time: Double, _ cancelled: () -> Bool
  ) throws(MeasureError) -> Double {
    guard policy.warmUpMost > 0 else { return time }
    let iterations = max(1, Int(min(1e9, BatchPlan.goodSample / time)))
    while record.warmUp[index].count < policy.warmUpMost, !policy.settled(record.warmUp[index]), !cancelled() {
      let sample = try subject.run(iterations, timeout: 20 + 20 * time * Double(iterations) / 1e9)
      record.warmUp[index].append(Double(max(1, sample.ns)) / Double(iterations))
    }
    if !policy.settled(record.warmUp[index]) {
      record.doubts.append("\(names[index]): its time still changed after \(record.warmUp[index].count) samples of warming up")
    }
    return record.warmUp[index].isEmpty ? time : medianOf(Array(record.warmUp[index].suffix(5)))
  }

  func check(_ progress: (String) -> Void, _ cancelled: () -> Bool) throws(MeasureError) {
    guard !startsProcesses else { return }
    for index in names.indices where subjects[index] != nil && !cancelled() {
      progress("checking \(names[index])")
      let ratios = try attempt(index, cancelled) { subject throws(MeasureError) in
        var ratios: [Double] = []
        for _ in 0..<WorkCheck.repeats {
          let once = try subject.run(record.iterations, timeout: timeout).ns
          let twice = try subject.run(2 * record.iterations, timeout: timeout).ns
          ratios.append(Double(twice) / Double(max(1, once)))
        }
        return ratios
      }
      if let ratios, let doubt = WorkCheck.doubt(subject: names[index], ratios: ratios) { record.doubts.append(doubt) }
    }
  }

  private func take(_ index: Int, _ cancelled: () -> Bool) throws(MeasureError) {
    let before = probe?.read()
    guard var sample = try attempt(index, cancelled, { subject throws(MeasureError) in
      try subject.run(record.iterations, timeout: timeout)
    }) else { return }
    if let probe, let before { sample.receipt = ContentionProbe.receipt(from: before, to: probe.read()) }
    sample.start = startsSoFar
    record.samples[index].append(sample)
  }

  /// Rounds until `share` of them have been taken.
  func takeTurns(
    _ start: (Int) throws(MeasureError) -> any TimedSubject, _ decided: (([[SubjectSample]]) -> Bool)?, share: Double,
    _ progress: (String) -> Void, _ cancelled: () -> Bool
  ) throws(MeasureError) {
    if turns.isEmpty { turns = abbaOrder(arms: names.count, rounds: rounds, seed: policy.seed) }
    let until = min(rounds, Int((share * Double(rounds)).rounded()))
    while taken < until, !isOver, !cancelled() {
      let round = taken
      if round >= BatchPlan.fewestRounds, nb_now() - began > policy.budget.rawValue {
        record.doubts.append("stopped after \(round) of \(rounds) pairs: the block's time was used up")
        isOver = true
        break
      }
      progress("pair \(round + 1)/\(rounds)")
      // Rounds are dealt out evenly to the starts.
      if round > 0, round * record.starts / rounds != (round - 1) * record.starts / rounds { try startAnew(start, cancelled) }
      for index in turns[round] { try take(index, cancelled) }
      taken += 1
      guard let decided, policy.looks.contains(round + 1) else { continue }
      record.looks += 1
      if decided(record.samples), round + 1 < rounds {
        record.stoppedEarly = true
        isOver = true
      }
    }
  }

  /// Iterations after a start that are not counted: caches, pages and branches are cold, and where samples are short, more than one is.
  private func runUp(_ index: Int) -> Int {
    max(record.iterations, Int(min(1e9, BatchPlan.runUp / max(1, times[index] ?? .infinity))))
  }

  /// Everything that asks for it, each with one sample that is not counted.
  private func startAnew(
    _ start: (Int) throws(MeasureError) -> any TimedSubject, _ cancelled: () -> Bool
  ) throws(MeasureError) {
    startsSoFar += 1
    for index in names.indices where subjects[index]?.isRestarted == true && !cancelled() {
      try restart(index, start, cancelled)
      _ = try attempt(index, cancelled) { subject throws(MeasureError) in try subject.run(runUp(index), timeout: timeout) }
    }
  }

  /// Pairs of the first subject with a known share more work, in the time that was kept for it.
  func inject(_ progress: (String) -> Void, _ cancelled: () -> Bool) throws(MeasureError) {
    guard let share = policy.injectedShare, !startsProcesses, policy.order == .abba, let time = times[0], !cancelled() else { return }
    let k = record.iterations
    let more = k + Int((share * Double(k)).rounded())
    let left = Double(policy.budget.rawValue - (nb_now() - began))
    let pairs = min(40, Int(min(1e6, left / (2.1 * time * Double(k)))))
    guard more > k, pairs >= 12 else { return }
    var injected = InjectedSlowDown(share: Double(more - k) / Double(k))
    progress("injecting a slow-down")
    for turn in abbaOrder(arms: 2, rounds: pairs, seed: policy.seed &+ 1) {
      for arm in turn {
        let sample = try attempt(0, cancelled) { subject throws(MeasureError) in
          try subject.run(arm == 0 ? k : more, timeout: timeout)
        }
        guard let sample else { return }
        if arm == 0 { injected.plain.append(Double(sample.ns)) } else { injected.slowed.append(Double(sample.ns)) }
      }
    }
    record.injected = injected
  }

  func takeOneAfterTheOther(_ progress: (String) -> Void, _ cancelled: () -> Bool) throws(MeasureError) {
    for index in names.indices {
      for round in 0..<rounds where subjects[index] != nil {
        if cancelled() { break }
        progress("\(names[index]) \(round + 1)/\(rounds)")
        try take(index, cancelled)
      }
    }
  }

  /// Whole rounds only, and what their checksums say.
  func finished() -> BenchRecord {
    let taking = names.indices.filter { subjects[$0] != nil }
    let whole = taking.map { record.samples[$0].count }.min() ?? 0
    for index in taking {
      record.samples[index].removeLast(record.samples[index].count - whole)
      record.doubts += subjects[index]?.doubts ?? []
    }
    record.parity = (0..<whole).allSatisfy { round in Set(taking.map { record.samples[$0][round].checksum }).count <= 1 }
    return record
  }
}

/// Nanoseconds of one iteration: doubles the count until a sample lasts a millisecond.
private func oneIteration(_ subject: any TimedSubject, _ cancelled: () -> Bool) throws(MeasureError) -> Double {
  var iterations = 1
  while true {
    var time = Double(max(1, try subject.run(iterations, timeout: 20).ns))
    // What the first iteration loads and keeps the later ones find there: a time that is long enough must be so twice.
    if time >= BatchPlan.goodSample, time < 100 * BatchPlan.goodSample, !cancelled() {
      time = min(time, Double(max(1, try subject.run(iterations, timeout: 20).ns)))
    }
    if time >= BatchPlan.goodSample || iterations >= 1 << 24 || cancelled() { return time / Double(iterations) }
    iterations *= time > BatchPlan.goodSample / 10 ? 2 : 8
  }
}

private func planDoubts(_ plan: BatchPlan, _ asked: Int, _ fastest: String) -> [String] {
  var doubts: [String] = []
  if plan.shortestSample < BatchPlan.leastSample {
    doubts.append("\(fastest): a sample lasts only \(Int(plan.shortestSample)) ns, near the clock's own cost")
  } else if plan.shortestSample < 0.99 * BatchPlan.goodSample {
    let shortest = Int(plan.shortestSample / 1e3)
    doubts.append("\(fastest): a sample lasts \(shortest) µs; the block's time does not allow the 1 ms that gates ask for")
  }
  if plan.rounds < asked { doubts.append("\(plan.rounds) pairs instead of \(asked): the block's time does not allow more") }
  return doubts
}

// One load cell: a lab process per arm, warm-up outside every number, then slices. Arms of a
// comparison run in turns (ABBA or BAAB, seeded) with all labs up; points of a sweep run one after
// the other. Each slice keeps its own record, because pairs of slices are what a comparison compares.

import ExperimentModel
import Foundation
import LoadKernel
import Statistics

/// What one slice of one arm gave.
struct Slice {
  var record: LoadRecord
  /// The lab's counters over this slice; zeroed before it.
  var counters: [String: Double]
  /// As they were at its start, where the slice begins with what another one left in a queue; else empty.
  var before: [String: Double] = [:]
  /// The same counters, cumulative, at regular moments of the slice: batches for intervals.
  var samples: [[String: Double]]
  /// When each of `samples` was taken, from the start of the slice; the last one at its end.
  var sampleTimes: [Nanoseconds]
  /// Kept for blocks that ask the recording, else empty.
  var requests: [RecordedRequest] = []
  var guessed = 0
  var footprint = SliceFootprint()
  /// Response times of the trace twin; nil: there is none.
  var twin: TwinTimes?
}

struct LoadExecution {
  let cell: Cell
  let load: LoadCell
  let runner: Runner

  func run(into result: inout CellResult) throws {
    var slices: [[Slice]]
    let arms: [LoadArm]
    switch load.design {
    case .single:
      arms = load.arms
      slices = [try runAlone(arms[0], into: &result)]
    case .compare(let comparison):
      arms = load.arms
      slices = try runInTurns(runs: runner.options.quick ? max(6, min(comparison.runs, 6)) : comparison.runs, into: &result)
    case .sweep(let param, _, let quick):
      let last = param.split(separator: ".").last.map(String.init) ?? param
      arms = runner.options.quick && !quick.isEmpty
        ? load.arms.filter { arm in arm.params[last].map(quick.contains) ?? false } : load.arms
      slices = []
      for arm in arms {
        slices.append(try runAlone(arm, into: &result))
        if wasAborted(slices) { break }
      }
      result.rowLabel = last
    }
    if let text = slices.joined().compactMap(\.record.aborted).first {
      guard slices.prefix(arms.count).allSatisfy({ !$0.isEmpty }) else {
        throw CellFailure("`\(text)` failed and ended the block before every arm had run", remedy: "abortOnFail asked for that")
      }
      result.doubts.append(Doubt(id: "aborted", text: "ended before its time, because `\(text)` had failed"))
    }
    var closed: [Slice]?
    if load.twin == .closed, !wasAborted(slices), !runner.cancelled() { closed = try runAlone(closedTwin(of: arms[0], slices[0]), into: &result) }
    try measure(Array(arms.prefix(slices.count)), slices, closed, into: &result)
  }

  private func wasAborted(_ slices: [[Slice]]) -> Bool { slices.joined().contains { $0.record.aborted != nil } }

  /// One lab, started for this arm and ended after it. Where a pause of the machine has spoiled the run, it is taken once more.
  private func runAlone(_ arm: LoadArm, into result: inout CellResult) throws -> [Slice] {
    let first = try runOnce(arm)
    guard let reason = spoiled([first], arm), mayTakeAgain(first) else { return [first] }
    let again = try runOnce(arm)
    result.doubts.append(Doubt(id: "again", text: "\(arm.name): measured again, for the first run was INVALID: \(reason)"))
    return [again]
  }

  private func runOnce(_ arm: LoadArm) throws -> Slice {
    let lab = try LabProcess(arm.system, launcher: runner.options.launcher)
    defer { lab.stop() }
    let engine = try makeEngine(arm, lab, scaleIterations: true)
    try warm(arm, engine, lab)
    return try slice(arm, engine, lab, index: 0, of: 1)
  }

  /// All labs up, slices in balanced seeded order.
  private func runInTurns(runs: Int, into result: inout CellResult) throws -> [[Slice]] {
    let labs = try LabProcess.start(load.arms.map(\.system), launcher: runner.options.launcher)
    defer { labs.forEach { $0.stop() } }
    var engines: [LoadEngine] = []
    for (arm, lab) in zip(load.arms, labs) {
      let engine = try makeEngine(arm, lab, scaleIterations: false)
      try warm(arm, engine, lab)
      engines.append(engine)
    }
    var slices = [[Slice]](repeating: [], count: load.arms.count)
    let order = abbaOrder(arms: load.arms.count, rounds: runs, seed: load.arms[0].profile.seed)
    for (round, turn) in order.enumerated() {
      for arm in turn {
        slices[arm].append(try slice(load.arms[arm], engines[arm], labs[arm], index: round, of: runs))
        if wasAborted(slices) { return slices }
      }
    }
    // A round is taken again as a whole, so that what is compared ran side by side.
    for (index, arm) in load.arms.enumerated() {
      guard let reason = spoiled(slices[index], arm) else { continue }
      let rounds = worstRounds(slices[index])
      for round in rounds {
        for other in order[round] {
          slices[other][round] = try slice(load.arms[other], engines[other], labs[other], index: round, of: runs)
        }
      }
      guard !rounds.isEmpty else { continue }
      let what = rounds.count == 1 ? "a slice of each arm was" : "\(rounds.count) slices of each arm were"
      result.doubts.append(Doubt(id: "again", text: "\(arm.name): \(what) measured again, for the run was INVALID: \(reason)"))
    }
    return slices
  }

  // MARK: Spoiled by the machine

  /// Why the run of an arm says nothing, where that is not the target's doing; nil: it says something.
  ///
  /// A lateness of the generator tells nothing of the answers' times, so to measure again because of it favours no outcome; the result
  /// says that it was done.
  private func spoiled(_ slices: [Slice], _ arm: LoadArm) -> String? {
    // What was recorded is asked as it was: two runs would be asked together.
    guard !runner.cancelled(), !wasAborted([slices]), !runner.recordings.wanted.contains(cell.id) else { return nil }
    let merged = ArmMeasurement(arm, slices).merged
    guard merged.verdict == .invalid, !merged.isTargetsFault else { return nil }
    return merged.reason ?? "the generator fell behind"
  }

  /// Once, and only what is short: a lesson's time is promised, a tenth of it or less to a quick run.
  private func mayTakeAgain(_ slice: Slice) -> Bool { slice.record.elapsed.seconds <= (runner.options.quick ? 1 : 3.5) }

  /// The latest of the slices that are INVALID by themselves, two at most.
  private func worstRounds(_ slices: [Slice]) -> [Int] {
    slices.indices.filter { slices[$0].record.verdict == .invalid && !slices[$0].record.isTargetsFault && mayTakeAgain(slices[$0]) }
      .sorted { slices[$0].record.sendLag.quantile(0.99) > slices[$1].record.sendLag.quantile(0.99) }
      .prefix(2).sorted()
  }

  /// - Parameter scaleIterations: in a comparison an iteration count is the experiment itself (200
  ///   requests on one expiry) and quick takes fewer slices instead.
  private func makeEngine(_ arm: LoadArm, _ lab: LabProcess, scaleIterations: Bool) throws -> LoadEngine {
    var profile = scaledProfile(arm)
    let share = runner.timeShare(cell)
    if scaleIterations, let n = profile.iterations { profile.iterations = max(1, Int(Double(n) * share)) }
    do {
      var target = LoadTarget(host: "127.0.0.1", port: lab.port)
      if let transport = arm.system.transport {
        target.transport = LoadTarget.Transport(transport)
        // The lab's own, which nobody vouches for.
        target.acceptsAnyCertificate = true
      }
      return try LoadEngine(profile: profile, target: target)
    } catch {
      throw CellFailure(error.cause, remedy: error.remedy)
    }
  }

  /// With the times that a run of this length has.
  func scaledProfile(_ arm: LoadArm) -> LoadProfile {
    var profile = arm.profile
    let share = runner.timeShare(cell)
    profile.duration = Nanoseconds(seconds: profile.duration.seconds * share)
    for index in profile.stages.indices { profile.stages[index].duration = Nanoseconds(seconds: profile.stages[index].duration.seconds * share) }
    return profile
  }

  private func warm(_ arm: LoadArm, _ engine: LoadEngine, _ lab: LabProcess) throws {
    guard let warm = arm.warm else { return }
    try warmUp(warm, arm, engine, lab)
  }

  private func warmUp(_ warm: Warm, _ arm: LoadArm, _ engine: LoadEngine, _ lab: LabProcess) throws {
    runner.report(.progress(id: cell.id, note: "warming \(arm.name)", rate: nil, p99: nil, left: nil))
    do throws(LoadError) {
      switch warm {
      case .requests(let n): try engine.warm(requests: max(1, Int(Double(n) * runner.timeShare(cell))))
      case .topKeys(let n): try engine.warm(topKeys: n)
      }
    } catch {
      throw lab.isAlive ? CellFailure(error.cause, remedy: error.remedy) : CellFailure("the lab died while it was warmed")
    }
  }

  private func slice(
    _ arm: LoadArm, _ engine: LoadEngine, _ lab: LabProcess, index: Int, of count: Int
  ) throws -> Slice {
    var later: [FaultSpec] = []
    var restarted = false
    // No fault of this slice may be felt in the next one, or in another arm's.
    defer { if !arm.faults.isEmpty { try? lab.clearFaults() } }
    for fault in arm.faults.map({ scaled($0, arm.profile) }) {
      if fault.at <= .zero {
        try lab.inject(fault)
        restarted = restarted || fault.toxic == .expire
      } else {
        later.append(fault)
      }
    }
    // `warm: {keys: top-N}` is the warm-up that follows a restart: every slice that begins with an
    // expiry gets it again, otherwise only the first one would be warm. `{requests: N}` fills once.
    if restarted, case .topKeys = arm.warm, let warm = arm.warm { try warmUp(warm, arm, engine, lab) }
    try lab.resetCounters()
    let before = arm.system.roles.contains { $0.worker != nil } ? try lab.counters() : [:]
    let timeline = SliceTimeline(later, lab, duration: engineDuration(arm.profile))
    defer { timeline.end() }
    var options = LoadOptions()
    options.seedSalt = UInt64(index)
    // An open loop sleeps between requests, and is woken some 20 µs after an answer is there.
    options.kernelStamps = arm.profile.executor.isOpen
    if arm.profile.duration > .zero, count > 1 {
      options.measured = Nanoseconds(
        seconds: arm.profile.duration.seconds * runner.timeShare(cell) / Double(count))
    }
    let isRecorded = runner.recordings.wanted.contains(cell.id)
    let usual = usualWindow(options.measured ?? engineDuration(arm.profile))
    if isRecorded { options.windowLength = LoadRecord.recordingWindow(options.measured ?? engineDuration(arm.profile)) }
    let note = count > 1 ? "\(arm.name) \(index + 1)/\(count)" : arm.name
    let queue = TraceTwin.role(arm)
    options.keepsArrivals = queue != nil
    let expected = ArrivalPlan(arm.profile, duration: options.measured, seed: 1)?.expected ?? 0
    if queue != nil, expected < Double(TraceTwin.mostPaired) { options.rawRows = Int(expected * 1.2) + 1_000 }
    if queue != nil { try lab.startTrace() }
    // A quick run is shorter, and so are its windows.
    options.partLength = partLength(cell.thresholds).map { Nanoseconds(seconds: $0.seconds * runner.timeShare(cell)) }
    options.abortWhen = abortRules(cell.thresholds, arm: arm, share: runner.timeShare(cell))
    let watch = LoadWatch(target: [lab.pid])
    var record: LoadRecord
    do {
      record = try engine.run(
        options,
        progress: { now in
          let left = now.total.map { Nanoseconds(max(0, $0.rawValue - now.elapsed.rawValue)) }
          runner.report(.progress(id: cell.id, note: note, rate: now.rate, p99: now.p99, left: left))
        }, atEnd: { watch.end() }, cancelled: runner.cancelled)
    } catch {
      throw lab.isAlive ? CellFailure(error.cause, remedy: error.remedy) : CellFailure("the lab died during the run")
    }
    guard lab.isAlive else { throw CellFailure("the lab died during the run") }
    timeline.end()
    if let failure = timeline.failure { throw failure }
    let counters = try lab.counters()
    if isRecorded, arm.system.telemetry?.isSilent == false {
      var telemetry = try lab.telemetry()
      telemetry.dropped = arm.system.roles.reduce(0) { $0 + Int((counters["\($1.name).spans_dropped"] ?? 0) + (counters["\($1.name).logs_dropped"] ?? 0)) }
      runner.recordings.keep(telemetry, of: cell.id, arm: arm.name)
    }
    let twin = try queue.flatMap { TraceTwin.times(record, services: try lab.trace(of: $0.name), workers: $0.workers) }
    record.raw = nil
    let taken = isRecorded ? record.takeRequests(windowLength: usual) : (requests: [], guessed: 0)
    return Slice(
      record: record, counters: counters, before: before, samples: timeline.samples + [counters], sampleTimes: timeline.times + [record.elapsed],
      requests: taken.requests, guessed: taken.guessed, footprint: watch.footprint, twin: twin)
  }

  /// A quick run is shorter, and its faults come sooner and pass sooner.
  private func scaled(_ fault: FaultSpec, _ profile: LoadProfile) -> FaultSpec {
    guard engineDuration(profile) > .zero else { return fault }
    var fault = fault
    let share = runner.timeShare(cell)
    fault.at = Nanoseconds(seconds: fault.at.seconds * share)
    fault.duration = Nanoseconds(seconds: fault.duration.seconds * share)
    return fault
  }

  /// Of a whole run at this profile; zero when it ends by count.
  private func engineDuration(_ profile: LoadProfile) -> Nanoseconds {
    guard profile.executor != .sharedIterations else { return .zero }
    let ramps = profile.stages.reduce(Nanoseconds.zero) { $0 + $1.duration }
    let full = ramps > .zero ? ramps : profile.duration
    return Nanoseconds(seconds: full.seconds * runner.timeShare(cell))
  }

  /// The windows that a record has when nobody asks for others.
  private func usualWindow(_ duration: Nanoseconds) -> Nanoseconds {
    guard duration > .zero else { return Nanoseconds(10_000_000) }
    return Nanoseconds(min(max(duration.rawValue / 200, 10_000_000), 1_000_000_000))
  }
}


extension LoadTarget.Transport {
  init(_ transport: LabTransport) {
    switch transport {
    case .tls: self = .tls
    case .http2: self = .http2
    case .http2Clear: self = .http2Clear
    }
  }
}

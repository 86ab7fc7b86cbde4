// What a bench block names → something that can be timed: a child of the lab for what is built in and for SQL, a
// compiled or interpreted fence, a program. And, where one fails, what to say at which line of the notebook.

import ExperimentModel
import Foundation
import MeasureKernel
import Statistics

/// What was measured at one size, or in all where nothing is varied.
struct BenchPoint {
  /// nil: nothing is varied.
  var size: Int?
  var record: BenchRecord
  /// Instructions of one iteration by subject, counted by valgrind; empty where the processor counts or nobody asked.
  var instructions: [Double?] = []
}

/// How a measurement differs from that of a block.
struct BenchSetting {
  /// Where a subject lives, when not all live in one place: two revisions do not.
  struct Place {
    /// Working folder of commands.
    var folder: String?
    var system: SystemSpec?
    /// By size, where a parameter of the system is varied.
    var systems: [SystemSpec]?
  }
  /// Looks after which it may stop; nil: all pairs are taken.
  var looks: SequentialLooks?
  /// More work that the baseline is given on purpose; nil: none.
  var injectedShare: Double?
  /// By subject; empty: the block's own place.
  var places: [Place] = []
  /// By subject: shell commands before the first sample, each in its subject's folder.
  var setups: [String?] = []
}

/// What the fences of one block share.
private struct BlockFences {
  /// Each is compiled once.
  var built: [FenceSpec: BuiltFence] = [:]
  /// When the first of them was ready to be started, in the time of the monotonic clock.
  var began: String?
}

extension Runner {
  /// The job that a child of the lab gets as its first line; the lab decodes the same shape.
  private struct SubjectJob: Encodable {
    var subject: SubjectSpec
    var system: SystemSpec?
    var seed: UInt64
    var readers: Int?
  }

  /// The samples of every size, each within its share of the budget.
  func measurePoints(
    _ bench: BenchCell, id: String, budget: Nanoseconds, setting: BenchSetting = BenchSetting()
  ) throws(MeasureError) -> [BenchPoint] {
    let chosen = options.quick ? bench.quickSizes ?? bench.sizes : bench.sizes
    let sizes: [Int?] = chosen.map { $0.map(Optional.some) } ?? [nil]
    if let setup = bench.setup { try runOnce(setup, in: options.commands.folder) }
    for (index, setup) in setting.setups.enumerated() {
      if let setup { try runOnce(setup, in: setting.places[index].folder) }
    }
    var fences = BlockFences()
    let policy = policy(bench, Nanoseconds(budget.rawValue / Int64(sizes.count)), setting)
    func label(_ size: Int) -> String { sizes[size].map { "\(bench.sizeName) = \($0), " } ?? "" }
    let note = { (size: Int, text: String) in
      report(.progress(id: id, note: label(size) + text, rate: nil, p99: nil, left: nil))
    }
    let names = bench.subjects.map(\.name)
    let records: [BenchRecord]
    if sizes.count > 1 {
      records = try measureSizes(
        names, policy, sizes: sizes.count,
        start: { size, index throws(MeasureError) in try start(index, bench, sizes[size], setting, &fences) }, progress: note, cancelled: cancelled)
    } else {
      records = [
        try measure(
          names, policy, start: { index throws(MeasureError) in try start(index, bench, sizes[0], setting, &fences) },
          decided: setting.looks.map(Self.decided), progress: { note(0, $0) }, cancelled: cancelled)
      ]
    }
    var points: [BenchPoint] = []
    for (size, record) in records.enumerated() {
      var point = BenchPoint(size: sizes[size], record: record)
      if bench.countsInstructions == true, record.samples.contains(where: { $0.first?.use.instructions == nil }) {
        point.instructions = try bench.subjects.indices.map { index throws(MeasureError) in
          note(size, "counting instructions")
          return try countInstructions(bench.subjects[index], sizes[size], record.iterations, fences.built)
        }
      }
      points.append(point)
    }
    return points
  }

  private func policy(_ bench: BenchCell, _ budget: Nanoseconds, _ setting: BenchSetting) -> MeasurePolicy {
    var policy = MeasurePolicy(
      pairs: bench.pairs, quick: options.quick, budget: budget, seed: bench.seed, order: bench.order ?? .abba, takesReceipts: true)
    if bench.subjects.contains(where: \.warmsUp) {
      // Change points over the series; asked only now and then, as it looks at all of it.
      policy.settled = { times in times.count >= 40 && times.count % 20 == 0 && classifyWarmUp(times)?.kind.steadyFrom != nil }
      policy.warmUpMost = 120
    }
    if bench.variesReaders == true { policy.sample = 2e7 }
    policy.injectedShare = setting.injectedShare
    if let looks = setting.looks { policy.looks = looks.sizes }
    return policy
  }

  /// Whether a look has decided every comparison with the first subject.
  private static func decided(_ looks: SequentialLooks) -> ([[SubjectSample]]) -> Bool {
    { samples in
      let times = samples.map { $0.map { Double($0.ns) } }
      return times.dropFirst().allSatisfy { candidate in
        if case .stop = looks.decide(baseline: times[0], candidate: candidate, starts: samples[0].map(\.start)) { true } else { false }
      }
    }
  }

  private func start(
    _ index: Int, _ bench: BenchCell, _ size: Int?, _ setting: BenchSetting, _ fences: inout BlockFences
  ) throws(MeasureError) -> any TimedSubject {
    let spec = bench.subjects[index]
    let place = setting.places.isEmpty ? nil : setting.places[index]
    var options = options.commands
    options.folder = place?.folder ?? options.folder
    options.prepare = bench.prepare ?? options.prepare
    options.counts = spec.counts ?? []
    switch spec.work {
    case .fence(let fence):
      let ready: BuiltFence
      if let known = fences.built[fence] {
        ready = known
      } else {
        ready = try clock.leavingOut { () throws(MeasureError) in try FenceWorkshop(cache: self.options.fenceCache).build(fence) }
      }
      fences.built[fence] = ready
      // Subjects are started several times in a block. What is to outlast that, such as the heat of a machine that a lesson plays,
      // needs a moment that all starts share.
      let began = fences.began ?? "\(monotonicTime())"
      fences.began = began
      options.environment["NB_BEGAN"] = began
      options.countsEvents = true
      return try ready.start(name: spec.name, n: size, options: options, cancelled: cancelled)
    case .command(let command):
      return try CommandSubject(name: spec.name, command: command, options: options, cancelled: cancelled)
    case .builtin, .sql:
      var system = spec.system ?? (place == nil ? bench.system(at: size) : place?.system)
      if let size, let index = bench.sizes?.firstIndex(of: size), let systems = place?.systems, systems.indices.contains(index) { system = systems[index] }
      if bench.variesRows == true, let size { system = system?.withRows(size) }
      var subject = spec
      subject.system = nil
      if bench.sizeName == "n" { subject.n = size ?? spec.n }
      let job = SubjectJob(subject: subject, system: system, seed: bench.seed, readers: bench.variesReaders == true ? size : nil)
      guard let json = try? JSONEncoder().encode(job) else {
        throw MeasureError("subject \(spec.name) has numbers that are not finite")
      }
      // Other work may have a server at its other end, or several threads.
      var isSingle = false
      if case .sql = spec.work { isSingle = job.readers == nil }
      return try labSubject(
        name: spec.name, argv: [self.options.launcher.executable] + self.options.subjectArguments,
        firstLine: String(decoding: json, as: UTF8.self), isSingle: isSingle, cancelled: cancelled)
    }
  }

  /// By valgrind; nil where it is missing, or for work that it cannot be told apart from what surrounds it.
  private func countInstructions(
    _ spec: SubjectSpec, _ size: Int?, _ iterations: Int, _ built: [FenceSpec: BuiltFence]
  ) throws(MeasureError) -> Double? {
    guard Tools.find("valgrind") != nil else { return nil }
    switch spec.work {
    case .fence(let fence):
      // Exact, so a few iterations do.
      guard let ready = built[fence] else { return nil }
      return try InstructionCount.of(ready, n: size, iterations: min(iterations, 20), options: options.commands)?.perIteration
    case .command(let command):
      return try InstructionCount.of(command, name: spec.name, options: options.commands).perIteration
    case .builtin, .sql: return nil
    }
  }

  /// What a reader must know where code was kept from something; nil: nothing was, or there was no code but nb's own.
  func confinementDoubt(_ works: [SubjectWork]) -> Doubt? {
    let hasCode = works.contains { work in
      switch work { case .fence, .command: true; case .builtin, .sql: false }
    }
    return hasCode ? options.commands.confinement.map { Doubt(id: "confined", text: $0.text) } : nil
  }

  /// A block's `setup`: a shell command, once, before anything is measured.
  private func runOnce(_ command: String, in folder: String?) throws(MeasureError) {
    var options = CommandOptions()
    options.folder = folder
    options.confinement = self.options.commands.confinement
    options.subtractsShell = false
    options.timeout = 600
    _ = try CommandSubject(name: "setup", command: CommandSpec(text: command, usesShell: true), options: options, cancelled: cancelled)
  }

  // MARK: Failures

  /// What went wrong, at lines of the notebook: the compiler's words, or else the line of the fence that failed.
  func failureNotes(_ error: MeasureError, _ work: Work) -> [FailureNote]? {
    let notes = error.messages.map { FailureNote(isError: $0.kind == .error, line: $0.line, column: $0.column, text: $0.text) }
    if !notes.isEmpty { return notes }
    guard let fence = failedFence(error, work) else { return nil }
    return [FailureNote(isError: true, line: max(1, fence.line - 1), column: nil, text: error.description)]
  }

  private func failedFence(_ error: MeasureError, _ work: Work) -> FenceSpec? {
    switch work {
    case .bench(let bench):
      guard let index = error.subject, bench.subjects.indices.contains(index), case .fence(let fence) = bench.subjects[index].work
      else { return nil }
      return fence
    case .observe(.profile(let query)): return query.fence
    default: return nil
    }
  }
}

extension SubjectSpec {
  /// Interpreters compile while they run.
  fileprivate var warmsUp: Bool {
    guard case .fence(let fence) = work else { return false }
    return fence.language == .javascript || fence.language == .python
  }
}

extension SystemSpec {
  /// The same with another size of its first dataset, which keeps its popularity's shape.
  func withRows(_ rows: Int) -> SystemSpec {
    guard let first = data.first else { return self }
    var other = self
    other.data[0] = first.resized(to: rows)
    return other
  }
}

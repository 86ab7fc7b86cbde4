// A program as a subject: started once for each iteration, waited for with wait4, cleared away afterwards.

import CKernelShims
import ExperimentModel
import Glibc
import Synchronization

public struct CommandOptions: Hashable, Sendable {
  /// The shell of `usesShell`, `setup`, `prepare` and `cleanup`.
  public var shell = "sh"
  /// Working folder; nil: nb's own.
  public var folder: String?
  /// Added to nb's environment.
  public var environment: [String: String] = [:]
  /// File that is its stdin; nil: nothing. It is opened again for each run.
  public var input: String?
  /// Timed runs print into a pipe that nb reads, not to /dev/null: for programs that notice the difference.
  public var capturesOutput = false
  /// The checksum has what it prints on stdout; otherwise only how it ends.
  public var comparesOutput = false
  /// What is read out of what it prints on stdout and stderr; it is then printed into pipes, as with `capturesOutput`.
  public var counts: [PrintedCount] = []
  /// Bytes that it may print where that is read; always in the first run.
  public var outputLimit = 64 << 20
  /// Seconds that one run may take, and `setup`, `prepare` and `cleanup` as well.
  public var timeout = 60.0
  /// Shell command before the first run.
  public var setup: String?
  /// Shell command before each run, not timed.
  public var prepare: String?
  /// Shell command after the last run.
  public var cleanup: String?
  /// Clears the page cache before each run; needs root.
  public var dropsCaches = false
  /// A status other than 0 is no failure.
  public var ignoresFailure = false
  /// The shell's own time is measured beforehand and taken off.
  public var subtractsShell = true
  /// With the processor's counters, where there are any.
  public var countsEvents = false
  public var limits = ResourceLimits.standard
  /// What it may reach; nil: what nb may.
  public var confinement: Confinement?
  public init() {}
}

/// One run of a command.
public struct CommandRun: Hashable, Sendable {
  /// Wall time in nanoseconds, from just before it was started until it was reaped.
  public var ns: Int64
  public var use: ResourceUse
  public var end: ProcessEnd
}

public final class CommandSubject: TimedSubject {
  public let name: String
  public let options: CommandOptions
  public var startsProcesses: Bool { true }
  /// Median cost of a shell that does nothing; nil: no shell, or not measured.
  public private(set) var shellCost: CommandRun?
  /// Largest resident memory in bytes, from the first run.
  public private(set) var maxRSS: Int64?
  /// FNV-1a of what the first run printed on stdout.
  public private(set) var outputHash: UInt64 = 0
  private let argv: [String]
  private let counters: [PrintedCounter]
  private let launcher: Launcher
  private var prepare: Launcher?
  private let nothing: Int32
  private let cancelled: () -> Bool
  private var slowestShellShare = 0.0
  private var isStopped = false

  /// - Throws: when the command is no list of words, or its program is not there.
  public convenience init(
    name: String, command: CommandSpec, options: CommandOptions = .init(), cancelled: @escaping () -> Bool = { false }
  ) throws(MeasureError) {
    if command.usesShell {
      try self.init(name: name, argv: [options.shell, "-c", command.text], isShell: true, options: options, cancelled: cancelled)
    } else {
      try self.init(name: name, argv: try commandWords(command.text), options: options, cancelled: cancelled)
    }
  }

  /// Runs `setup`, then the command once, untimed: its checksum, its memory, and whether it works.
  ///
  /// - Parameters:
  ///   - isShell: `argv` is a shell whose own time is of no interest.
  ///   - cancelled: asked while it runs; true ends the run with an error.
  /// - Throws: `MeasureError` when any of them fails.
  public init(
    name: String, argv: [String], isShell: Bool = false, options: CommandOptions = .init(),
    cancelled: @escaping () -> Bool = { false }
  ) throws(MeasureError) {
    self.name = name
    self.cancelled = cancelled
    self.argv = argv
    self.options = options
    counters = try options.counts.map { count throws(MeasureError) in try PrintedCounter(count, of: name) }
    launcher = try Launcher(
      name: "subject \(name)", argv: argv, environment: options.environment, folder: options.folder, limits: options.limits,
      endsWithParent: true, confinement: options.confinement)
    nothing = open("/dev/null", O_RDWR | O_CLOEXEC)
    guard nothing >= 0 else { throw MeasureError("subject \(name): /dev/null cannot be opened") }
    if let text = options.setup { try auxiliary("setup", text).run() }
    if let text = options.prepare { prepare = try shellLauncher("prepare", text) }
    if isShell, options.subtractsShell { shellCost = try measureShell() }
    try firstRun()
  }

  deinit {
    stop()
    close(nothing)
  }

  public var doubts: [String] {
    let silent = counters.filter { !$0.hasMatched }.map { "\(name): nothing that it printed is a `\($0.count.metric)` by the block's expression" }
    guard slowestShellShare > 0.5 else { return silent }
    let percent = Int((slowestShellShare * 100).rounded())
    return silent + ["\(name): the shell takes \(percent) % of the time, which was taken off; start the program without one"]
  }

  /// K runs, one after the other; the sample has their sums.
  public func run(_ iterations: Int, timeout: Double) throws(MeasureError) -> SubjectSample {
    var sample: SubjectSample?
    for _ in 0..<max(1, iterations) {
      let run = try once(timeout: min(timeout, options.timeout))
      let checksum = checksum(run.end, run.hash)
      guard var total = sample else {
        sample = SubjectSample(
          ns: run.ns, cpu: (run.use.user ?? 0) + (run.use.system ?? 0), checksum: checksum, extras: run.counts, use: run.use)
        continue
      }
      total.ns += run.ns
      total.cpu += (run.use.user ?? 0) + (run.use.system ?? 0)
      total.use.add(run.use)
      total.extras.merge(run.counts) { $0 + $1 }
      if total.checksum != checksum { total.checksum += ",\(checksum)" }
      sample = total
    }
    guard var sample else { throw MeasureError("subject \(name) was not run") }
    if let cost = shellCost {
      sample.extras["shell"] = Double(cost.ns) * Double(max(1, iterations))
      sample.takeOff(cost, times: Int64(max(1, iterations)), share: &slowestShellShare)
    }
    return sample
  }

  /// Runs `cleanup`. Nothing of the command is left running between samples.
  public func stop() {
    guard !isStopped else { return }
    isStopped = true
    if let text = options.cleanup { try? auxiliary("cleanup", text).run() }
  }

  // MARK: One run

  private func once(timeout: Double) throws(MeasureError) -> OneRun {
    if let prepare { try Auxiliary(launcher: prepare, nothing: nothing, timeout: options.timeout).run() }
    if options.dropsCaches { try dropCaches() }
    let done = try execute(captures: options.capturesOutput || !counters.isEmpty, timeout: timeout)
    var use = done.use
    // Exec counts the memory of the process that called it, which is nb's: what is not above that is not known.
    if let peak = use.maxRSS, peak <= Self.ownPeak() { use.maxRSS = nil }
    var counts: [String: Double] = [:]
    if !counters.isEmpty {
      let said = String(decoding: (done.output?.head ?? []) + (done.errors?.head ?? []), as: UTF8.self)
      for counter in counters { counts[counter.count.metric] = try counter.value(in: said) }
    }
    return OneRun(ns: done.ns, use: use, end: done.end, hash: done.output?.hash ?? outputHash, counts: counts)
  }

  private struct OneRun {
    var ns: Int64
    var use: ResourceUse
    var end: ProcessEnd
    var hash: UInt64
    var counts: [String: Double]
  }

  private func firstRun() throws(MeasureError) {
    if let prepare { try Auxiliary(launcher: prepare, nothing: nothing, timeout: options.timeout).run() }
    let detached = try Launcher(
      name: "subject \(name)", argv: ["/bin/sh", "-c", Launcher.detachingScript, "sh"] + argv, environment: options.environment,
      folder: options.folder, limits: options.limits, endsWithParent: false, confinement: options.confinement)
    let done = try execute(detached, captures: true, isDetached: true, timeout: options.timeout)
    maxRSS = done.use.maxRSS
    outputHash = done.output?.hash ?? 0
  }

  private func execute(
    _ other: Launcher? = nil, captures: Bool, isDetached: Bool = false, timeout: Double
  ) throws(MeasureError) -> Execution {
    var input = nothing
    if let file = options.input {
      input = open(file, O_RDONLY | O_CLOEXEC)
      guard input >= 0 else {
        throw MeasureError("subject \(name): its input \(file) cannot be read: \(Launcher.reason())")
      }
    }
    defer { if input != nothing { close(input) } }
    var plan = ExecutionPlan(
      input: input, nothing: nothing, captures: captures, outputLimit: options.outputLimit, timeout: timeout,
      counts: options.countsEvents, isDetached: isDetached, cancelled: cancelled)
    if !counters.isEmpty { plan.kept = options.outputLimit }
    let done = try (other ?? launcher).execute(plan)
    let isFailure = switch done.end { case .exit(let status): status != 0 && !options.ignoresFailure; case .signal: true }
    guard !isFailure else {
      let said = done.errors.map { PipeReader.quoted($0) } ?? ""
      var remedy = "run it by hand; a status that means no failure can be ignored"
      if case .signal = done.end { remedy = "run it by hand" }
      throw MeasureError("subject \(name) failed: \(done.end)\(said)", remedy: remedy)
    }
    return done
  }

  private func checksum(_ end: ProcessEnd, _ hash: UInt64) -> String {
    let status = switch end { case .exit(let status): "exit\(status)"; case .signal(let number): "signal\(number)" }
    return options.comparesOutput ? "\(status)-\(String(hash, radix: 16))" : status
  }

  private static func ownPeak() -> Int64 {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return Int64(usage.ru_maxrss) * 1_024
  }

  private func dropCaches() throws(MeasureError) {
    sync()
    let file = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC)
    defer { if file >= 0 { close(file) } }
    guard file >= 0, write(file, "3\n", 2) == 2 else {
      throw MeasureError("subject \(name): the page cache cannot be cleared here", remedy: "run as root, or measure warm")
    }
  }

  // MARK: Shells

  private func shellLauncher(_ what: String, _ text: String) throws(MeasureError) -> Launcher {
    try Launcher(
      name: "\(what) of \(name)", argv: [options.shell, "-c", text], environment: options.environment, folder: options.folder,
      endsWithParent: true, confinement: options.confinement)
  }

  private func auxiliary(_ what: String, _ text: String) throws(MeasureError) -> Auxiliary {
    Auxiliary(launcher: try shellLauncher(what, text), nothing: nothing, timeout: options.timeout)
  }

  /// One cost of a shell for all subjects of this process. Each subject its own would be a difference between two subjects
  /// that run the same command: with 20 starts each, up to 6 % of a command of 2 ms.
  private static let shellCosts = Mutex<[String: CommandRun]>([:])

  /// Median of 20 starts of the shell with nothing to do, as hyperfine calibrates (with its mean of 50).
  private func measureShell() throws(MeasureError) -> CommandRun {
    let key = "\(options.shell)\n\(options.folder ?? "")\n\(options.confinement?.folder ?? "")"
    if let known = Self.shellCosts.withLock({ $0[key] }) { return known }
    let found = try shellRuns()
    return Self.shellCosts.withLock { costs in
      let first = costs[key] ?? found
      costs[key] = first
      return first
    }
  }

  private func shellRuns() throws(MeasureError) -> CommandRun {
    let empty = try shellLauncher("the shell", "")
    var runs: [Execution] = []
    for _ in 0..<20 { runs.append(try empty.execute(ExecutionPlan(input: nothing, nothing: nothing, timeout: options.timeout))) }
    func middle(_ value: (Execution) -> Int64) -> Int64 { runs.map(value).sorted()[runs.count / 2] }
    var use = ResourceUse()
    use.user = middle { $0.use.user ?? 0 }
    use.system = middle { $0.use.system ?? 0 }
    return CommandRun(ns: middle(\.ns), use: use, end: .exit(0))
  }
}

/// A shell command beside the timed ones: what it prints matters only when it fails.
private struct Auxiliary {
  var launcher: Launcher
  var nothing: Int32
  var timeout: Double

  func run() throws(MeasureError) {
    let done = try launcher.execute(ExecutionPlan(input: nothing, nothing: nothing, captures: true, timeout: timeout))
    guard done.end.isSuccess else {
      let said = done.errors.map { PipeReader.quoted($0) } ?? ""
      throw MeasureError("\(launcher.name) failed: \(done.end)\(said)", remedy: "run it by hand")
    }
  }
}

extension SubjectSample {
  /// Takes the shell's own time off, never below zero; `share` grows to its part of the time.
  fileprivate mutating func takeOff(_ shell: CommandRun, times: Int64, share: inout Double) {
    share = max(share, Double(shell.ns * times) / Double(max(1, ns)))
    ns = max(0, ns - shell.ns * times)
    cpu = max(0, cpu - ((shell.use.user ?? 0) + (shell.use.system ?? 0)) * times)
    if let user = use.user { use.user = max(0, user - (shell.use.user ?? 0) * times) }
    if let system = use.system { use.system = max(0, system - (shell.use.system ?? 0) * times) }
  }
}

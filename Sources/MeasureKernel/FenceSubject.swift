// A fence that was built, and how it is started: with the harness as a child that stays, or as a program
// that is started for each iteration.

import CKernelShims
import ExperimentModel
import Glibc

/// Nanoseconds of the clock that a fence reads as CLOCK_MONOTONIC.
public func monotonicTime() -> Int64 { nb_now() }

public struct BuiltFence: Sendable {
  public var fence: FenceSpec
  /// It was made before; nothing was compiled.
  public var isCached: Bool
  /// What the compiler said although it succeeded.
  public var warnings: [SourceMessage]
  /// Its folder in the cache.
  var folder: String
  /// Without arguments of a run.
  var argv: [String]

  /// Started for each iteration, as a command is.
  public var startsProcesses: Bool { fence.isProcess || fence.language.isAlwaysProcess }

  /// Starts it, `setup` included.
  ///
  /// - Parameters:
  ///   - name: in messages and results; nil: the fence's id.
  ///   - n: what `subject` is called with; nil: as the fence says. A program gets it as its first argument,
  ///     a shell fence as `$1` and `$n`.
  ///   - options: of the processes; for the harness only `environment`, `folder`, `limits`, `outputLimit`,
  ///     `timeout` (of `setup`), `confinement` and `countsEvents` count.
  ///   - cancelled: asked while it runs; true ends the run with an error.
  public func start(
    name: String? = nil, n: Int? = nil, options: CommandOptions = .init(), cancelled: @escaping () -> Bool = { false }
  ) throws(MeasureError) -> any TimedSubject {
    startsProcesses
      ? try startProgram(name ?? fence.id, n ?? fence.n, options, cancelled)
      : try startHarness(name: name, n: n, options: options, cancelled: cancelled)
  }

  private func startProgram(
    _ name: String, _ n: Int, _ options: CommandOptions, _ cancelled: @escaping () -> Bool
  ) throws(MeasureError) -> CommandSubject {
    var options = options
    options.comparesOutput = true
    options.environment["n"] = "\(n)"
    options.environment.merge(Self.environment) { given, _ in given }
    let isShell = fence.language == .shell && !fence.isProcess
    let given = Set(fence.options ?? [])
    let words = argv.map { given.contains($0) ? $0.replacing("{n}", with: "\(n)") : $0 } + ["\(n)"]
    return try CommandSubject(name: name, argv: words, isShell: isShell, options: options, cancelled: cancelled)
  }

  /// Starts the child that runs iterations when asked.
  ///
  /// - Precondition: `startsProcesses` is false.
  public func startHarness(
    name: String? = nil, n: Int? = nil, options: CommandOptions = .init(), cancelled: @escaping () -> Bool = { false }
  ) throws(MeasureError) -> SubjectProcess {
    precondition(!startsProcesses, "a fence with its own main has no harness")
    let name = name ?? fence.id
    let launcher = try Launcher(
      name: "subject \(name)", argv: argv, environment: Self.environment.merging(options.environment) { $1 },
      folder: options.folder, limits: options.limits, endsWithParent: true, confinement: options.confinement)
    let child = try ChildProcess(launcher: launcher, channel: .control(limit: options.outputLimit), cancelled: cancelled)
    return try SubjectProcess(
      name: name, child: child, firstLine: "\(n ?? fence.n)", fence: fence, counts: options.countsEvents,
      // node compiles and collects garbage on threads of its own.
      isPinned: fence.language != .javascript, timeout: options.timeout)
  }

  /// Hashes in Python are salted per process, which would change checksums; a crash in Swift need not be
  /// explained for seconds.
  static let environment = ["PYTHONHASHSEED": "0", "SWIFT_BACKTRACE": "enable=no"]
}

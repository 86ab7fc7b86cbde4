// Instructions counted by valgrind, where the processor does not count for us: exact to a few in a million,
// the same on a busy machine, 50 times slower than running.

import ExperimentModel
import Glibc

public struct InstructionCount: Hashable, Sendable {
  /// Of one iteration; for a command of the whole run, start-up included.
  public var perIteration: Double
  /// Of starting, `setup` and ending; nil: not told apart.
  public var startUp: Double?

  /// Runs a command once under callgrind. Of its children only the program itself is counted.
  public static func of(
    _ command: CommandSpec, name: String, options: CommandOptions = .init()
  ) throws(MeasureError) -> InstructionCount {
    let argv = command.usesShell ? [options.shell, "-c", command.text] : try commandWords(command.text)
    return InstructionCount(perIteration: Double(try collected(argv, name: name, options)), startUp: nil)
  }

  /// Runs a fence with K and with 2K iterations: the difference is K iterations without any start-up.
  ///
  /// - Returns: nil for JavaScript, whose machine code changes while it runs, and is not comparable.
  public static func of(
    _ built: BuiltFence, n: Int? = nil, iterations: Int, options: CommandOptions = .init()
  ) throws(MeasureError) -> InstructionCount? {
    guard built.fence.language != .javascript else { return nil }
    let n = n ?? built.fence.n
    let name = built.fence.id
    if built.startsProcesses {
      return InstructionCount(perIteration: Double(try collected(built.argv + ["\(n)"], name: name, options)), startUp: nil)
    }
    func run(_ k: Int) throws(MeasureError) -> Int {
      // The harness of compiled fences is the program itself, that of Python gets the fence after the word.
      var words = built.argv
      words.insert("once", at: built.fence.language == .python ? words.count - 1 : words.count)
      return try collected(words + ["\(n)", "\(k)"], name: name, options)
    }
    let k = max(1, iterations)
    let once = try run(k)
    let twice = try run(2 * k)
    return InstructionCount(perIteration: Double(twice - once) / Double(k), startUp: Double(2 * once - twice))
  }

  private static func collected(_ argv: [String], name: String, _ options: CommandOptions) throws(MeasureError) -> Int {
    let valgrind = try Tools.need(["valgrind"], for: "counting the instructions of \(name)")
    let nothing = open("/dev/null", O_RDWR | O_CLOEXEC)
    defer { close(nothing) }
    let launcher = try Launcher(
      name: "subject \(name) under valgrind", argv: [valgrind, "--tool=callgrind", "--callgrind-out-file=/dev/null"] + argv,
      environment: BuiltFence.environment.merging(options.environment) { $1 }, folder: options.folder, limits: options.limits,
      endsWithParent: true, confinement: options.confinement)
    var plan = ExecutionPlan(input: nothing, nothing: nothing, captures: true, timeout: options.timeout)
    plan.outputLimit = options.outputLimit
    let done = try launcher.execute(plan)
    let said = done.errors?.lastText ?? ""
    // `==123== Collected : 4567`
    let line = said.split(separator: "\n").last { $0.contains("Collected : ") }
    guard done.end.isSuccess || options.ignoresFailure, let count = line?.split(separator: " ").last.flatMap({ Int($0) }) else {
      throw MeasureError(
        "the instructions of \(name) were not counted: \(done.end)\(done.errors.map { PipeReader.quoted($0) } ?? "")",
        remedy: "does `valgrind` run the program by hand?")
    }
    return count
  }
}

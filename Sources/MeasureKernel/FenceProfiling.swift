// A fence with the profiler beside its harness: another build than the one that is timed, kept in the same cache.

import ExperimentModel
import Glibc

extension FenceWorkshop {
  /// Builds a fence with the profiler, runs it for about `duration` and says where its CPU time went.
  ///
  /// Swift is compiled with frame pointers here, which costs it a few per cent; C and Python run as they are timed.
  ///
  /// - Parameters:
  ///   - n: what `subject` is called with; nil: as the fence says.
  ///   - options: as for `BuiltFence.startHarness`.
  ///   - cancelled: asked while it runs; what was sampled until then is returned.
  /// - Returns: stacks from `subject` on.
  /// - Throws: `MeasureError`: what the compiler or the fence said, or that this language's profile is unknown.
  public func profile(
    _ fence: FenceSpec, lasting duration: Nanoseconds, n: Int? = nil, options: CommandOptions = .init(),
    cancelled: @escaping () -> Bool = { false }
  ) throws(MeasureError) -> StackProfile {
    let built = try buildProfiled(fence)
    let name = "the profile of `\(fence.id)`"
    let launcher = try Launcher(
      name: name, argv: built.argv, environment: BuiltFence.environment.merging(options.environment) { $1 },
      folder: options.folder, limits: options.limits, endsWithParent: true, confinement: options.confinement)
    let child = try ChildProcess(launcher: launcher, channel: .control(limit: options.outputLimit), cancelled: cancelled)
    defer { child.stop() }
    try child.send(line: "\(n ?? fence.n)")
    let greeting = try child.line(timeout: options.timeout)
    guard greeting == "ready" else { throw MeasureError("\(name): \(greeting)") }
    return subjectOnly(try sampleStacks(of: child, lasting: duration, cancelled: cancelled), fence.language)
  }

  /// The fence with the sampler in it; from the cache when it was built before.
  public func buildProfiled(_ fence: FenceSpec) throws(MeasureError) -> BuiltFence {
    guard !fence.isProcess, [.c, .swift, .python].contains(fence.language) else {
      let what = fence.isProcess ? "a fence with its own main" : "a fence in \(fence.language.rawValue)"
      throw MeasureError(
        "the profile of \(what) is unknown: nb has no sampler for it", remedy: "profile a swift, c or python fence that defines `subject(n)`")
    }
    var workshop = self
    if fence.language != .python { workshop.flags += try profilerFlags(fence) }
    return try workshop.build(fence)
  }

  /// The compiled profiler, and what makes stacks whole.
  private func profilerFlags(_ fence: FenceSpec) throws(MeasureError) -> [String] {
    let compiler = try Tools.need(["clang", "cc", "gcc"], for: "the profile of the fence `\(fence.id)`")
    let arguments = ProfilerSource.compilerFlags + ["-c", "nb-profiler.c", "-o", "nb-profiler.o"]
    let key = "profiler \(ProfilerSource.version)\n\(Tools.identity(compiler))\n\(arguments.joined(separator: " "))"
    let made = try FenceCache(folder: cache).entry(key, product: "nb-profiler.o") { folder throws(MeasureError) in
      try FenceCache.write(ProfilerSource.c, to: "\(folder)/nb-profiler.c")
      let nothing = open("/dev/null", O_RDWR | O_CLOEXEC)
      defer { close(nothing) }
      let launcher = try Launcher(
        name: "the profiler: \(compiler)", argv: [compiler] + arguments, environment: ["LC_ALL": "C"], folder: folder, endsWithParent: true)
      let done = try launcher.execute(ExecutionPlan(input: nothing, nothing: nothing, captures: true, timeout: compileTimeout))
      guard done.end.isSuccess else {
        let said = String(decoding: done.errors?.head ?? [], as: UTF8.self)
        throw MeasureError("the profiler does not compile: \(said.prefix(400))", remedy: "run `nb doctor`: it needs the C library's headers")
      }
    }
    let file = (made.folder.hasPrefix("/") ? made.folder : absolute(made.folder)) + "/nb-profiler.o"
    return [file] + ProfilerSource.linkerFlags + (fence.language == .swift ? ProfilerSource.swiftFlags : [])
  }

  private func absolute(_ path: String) -> String {
    let real = realpath(path, nil)
    defer { free(real) }
    return real.map { String(cString: $0) } ?? path
  }

  /// Without the harness. What calls a Swift subject from C, and the subject itself, are one frame: the compiler
  /// makes one of them or two.
  private func subjectOnly(_ whole: StackProfile, _ language: FenceLanguage) -> StackProfile {
    let entries: Set = ["nb_subject", "fence.nbExportedSubject", "fence.subject", "subject"]
    let inner = whole.stacks.compactMap { stack -> StackProfile.Stack? in
      guard let start = stack.frames.firstIndex(where: entries.contains) else { return nil }
      let below = stack.frames[start...].drop { language == .swift ? entries.contains($0) : $0 == "subject" }
      // A subject that calls itself is seen as often as it is on the stack.
      let depth = language == .swift ? 1 : stack.frames.count - start - below.count
      return .init(Array(repeating: "subject", count: depth) + below, stack.count)
    }
    var profile = StackProfile(
      stacks: inner, dropped: whole.dropped, rate: whole.rate, cpuSeconds: whole.cpuSeconds, doubts: whole.doubts)
    let outside = whole.samples - profile.samples
    if outside * 20 > whole.samples {
      profile.doubts.append("\(outside) of \(whole.samples) samples were not below `subject`, or their stack was cut, and are left out")
    }
    return profile
  }
}

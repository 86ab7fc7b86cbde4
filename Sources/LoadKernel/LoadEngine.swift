// A run from profile to record: compiles the scenario, opens the connections, starts one loop a thread, adds up their
// records and judges the whole. HTTP/1.1 over TCP and Unix sockets by its own loops; TLS and HTTP/2 by NIOLoadEngine.

import CKernelShims
import ExperimentModel
import Glibc
import Statistics

public struct LoadEngine: Sendable {
  let profile: LoadProfile
  let target: LoadTarget
  let scenario: Scenario
  /// For a target with TLS or HTTP/2, which must never get plain bytes by mistake.
  private let other: NIOLoadEngine?
  private let margin = WakeMargin()

  /// - Throws: `LoadError` for a scenario that cannot be compiled: empty, a check or capture that is none, a variable that
  ///   nothing gives.
  public init(profile: LoadProfile, target: LoadTarget) throws(LoadError) {
    other = target.transport == .http1 ? nil : try NIOLoadEngine(profile: profile, target: target)
    self.profile = profile
    self.target = target
    scenario = try Scenario(profile, target: target)
  }

  /// Runs the profile, or `options.measured` of it. Connections are open before the clock starts.
  ///
  /// - Parameters:
  ///   - progress: called at most ten times a second, `cancelled` twenty times; both on the calling thread.
  ///   - atEnd: called after the last answer, while the connections are open; with TLS and HTTP/2 after they are closed.
  /// - Throws: when no connection can be opened (unless `options.requiresConnection` is false), when the target is another
  ///   host without permission, when the plan is above `options.maxRate`. What goes wrong later is counted in the record.
  public func run(
    _ options: LoadOptions = LoadOptions(), progress: ((LoadProgress) -> Void)? = nil,
    atEnd: (() -> Void)? = nil, cancelled: () -> Bool = { false }
  ) throws(LoadError) -> LoadRecord {
    let awake = AwakeProcessors(options.keepsAwake(profile))
    defer { awake.release() }
    if let other {
      let record = try other.run(options, progress: progress, cancelled: cancelled)
      atEnd?()
      return record
    }
    try profile.check(options)
    let loops = try makeLoops(options)
    var first: LoadRecord?
    withExtendedLifetime(loops) {
      let pinned = Affinity(loops.count == 1 && options.cpu == nil ? nil : options.cpu)
      let begin = options.clock.now() + 2_000_000
      let others = loops.dropFirst().map { LoopThread($0, begin: begin) }
      var record = loops[0].run(from: begin, progress, cancelled, atEnd: atEnd)
      // The others end with the plan, or by the flag when the first was stopped.
      for other in others { record.addLoop(other.join()) }
      record.judge()
      first = record
      pinned.restore()
    }
    return first ?? LoadRecord()
  }

  private func makeLoops(_ options: LoadOptions) throws(LoadError) -> [LoadLoop] {
    let count = profile.slotCount
    let threads = min(max(1, options.threads), count, 64)
    try profile.reserveDescriptors(connections: count, loops: threads)
    let shared = SharedCounters(loops: threads)
    var loops: [LoadLoop] = []
    var opened = 0
    for loop in 0..<threads {
      let mine = count / threads + (loop < count % threads ? 1 : 0)
      let made = try LoadLoop(profile, scenario, target, options, count: mine, loop: loop, shared: shared, margin: margin)
      opened += made.connectAll()
      loops.append(made)
      if opened == 0 { break }
    }
    guard opened == 0, options.requiresConnection else {
      if loops.count < threads { return try restart(loops[0], options, count: count) }
      return loops
    }
    let failure = loops[0].firstFailure
    throw LoadError(
      id: "connect-failed", cause: "no connection to \(target.text): \(failure?.text ?? "no answer")", remedy: failure?.kind.remedy)
  }

  /// A target that is down needs one loop to say so.
  private func restart(_ loop: LoadLoop, _ options: LoadOptions, count: Int) throws(LoadError) -> [LoadLoop] {
    let one = try LoadLoop(profile, scenario, target, options, count: count, shared: SharedCounters(loops: 1), margin: margin)
    one.firstFailure = loop.firstFailure
    return [one]
  }

  // MARK: Warming

  /// Sends requests of the scenario in a closed loop and forgets them.
  public func warm(requests: Int) throws(LoadError) {
    try warm(iterations: requests, topKeys: nil)
  }

  /// Asks once for each of the `topKeys` most popular keys of the first request that has a key.
  public func warm(topKeys: Int) throws(LoadError) {
    try warm(iterations: topKeys, topKeys: topKeys)
  }

  private func warm(iterations: Int, topKeys: Int?) throws(LoadError) {
    var warm = profile
    warm.executor = .sharedIterations
    warm.vus = 32
    warm.iterations = iterations
    warm.iterationsPerUser = nil
    warm.connections = nil
    warm.thinkTime = nil
    warm.think = nil
    if topKeys != nil, let keyed = profile.requests.first(where: { $0.key != nil }) {
      warm.requests = [keyed]
      warm.journeys = nil
      // The first key, the second, …: rank equals key.
      warm.requests[0].key = .sequential(n: iterations)
    }
    var options = LoadOptions()
    // Its own draws: the measured slices must not replay the keys that filled the cache.
    options.seedSalt = 0xFFFF_0001
    let record = try LoadEngine(profile: warm, target: target).run(options)
    if record.completed == 0, let kind = record.errors.first {
      throw LoadError(id: "warm-failed", cause: "every warm-up request failed (\(kind.key))", remedy: "look at the lab's routes")
    }
  }
}

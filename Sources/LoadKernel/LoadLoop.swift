// The loop: one thread, one epoll, no allocation and no reference counting per request. Open models begin at the
// plan's times whatever the target does; an arrival without a free connection stays in the plan with its intended time,
// so a backlog needs no memory. Measured against wrk in `make bench`.
//
// What is sent when is decided by LoadRules, which the other engine follows as well; here is how. The parts: +Sending
// sends, +Receiving takes answers, +Failures connects, closes and counts.
//
// Clock: one read before each send and one at each answer (25 ns each on the vDSO, of 7 µs that a request costs). One
// read per wake-up would be cheaper, but in a batch of 64 answers the last would be stamped up to 0.4 ms before it was
// read: flattering, and by an amount that grows with the load.

import CKernelShims
import ExperimentModel
import Glibc
import Statistics

/// The state of one loop of a run; lives on one thread at a time.
final class LoadLoop {
  let profile: LoadProfile
  let options: LoadOptions
  let scenario: Scenario
  let connections: Connections
  let clock: LoadClock
  let loop: Int
  let loops: Int
  let shared: SharedCounters
  @exclusivity(unchecked) var writer: RequestWriter
  // Values of one thread that never call back: checking each access for overlaps at run time would cost 5 % of a request.
  @exclusivity(unchecked) var rules: LoadRules
  var recorder: Recorder
  var users: [User]
  var sinks: [ResponseSink] = []
  var freeSinks: [Int32] = []
  var regexes: [String: Regex<AnyRegexOutput>] = [:]

  @exclusivity(unchecked) var last: Int64 = 0
  var isStopping = false
  /// Kernel stamps are on CLOCK_REALTIME: what to add.
  var stampOffset: Int64 = 0
  var firstFailure: (kind: ErrorKind, text: String)?
  /// Taken and touched before the start is chosen; this loop's share of the rows.
  private var raw: RawLog?
  private var waiting: Int64 = 0
  private let kept: WakeMargin
  private var margin: TimerMargin
  private var watch: ClockWatch
  private var sweepCursor = 0
  private var lastSweep: Int64 = 0
  private var lastReport: Int64 = 0
  private var lastAbortLook: Int64 = 0

  /// - Parameters:
  ///   - count: connections of this loop.
  ///   - margin: what earlier runs of the plan found, and where this one leaves what it found.
  init(
    _ profile: LoadProfile, _ scenario: Scenario, _ target: LoadTarget, _ options: LoadOptions, count: Int, loop: Int = 0,
    shared: SharedCounters, margin: WakeMargin = WakeMargin()
  ) throws(LoadError) {
    self.profile = profile
    self.options = options
    self.scenario = scenario
    self.loop = loop
    self.shared = shared
    kept = margin
    self.margin = options.polite ? .polite(gap: 0) : .precise(atMost: 150_000)
    loops = shared.loops
    clock = options.clock
    writer = RequestWriter(scenario, seed: options.seed(profile), loop: loop)
    rules = LoadRules(profile, scenario, options, count: count, loop: loop, loops: shared.loops)
    connections = try Connections(count: count, target: target, stamps: options.kernelStamps)
    recorder = Recorder(start: 0, windowLength: Nanoseconds(100_000_000))
    raw = RawLog(capacity: options.rawRows / loops + (loop < options.rawRows % loops ? 1 : 0))
    let needsUser = scenario.variableCount > 0 || scenario.usesCookies
    users = needsUser ? (0..<count).map { _ in User(variables: scenario.variableCount) } : []
    watch = ClockWatch(options.clock)
  }

  /// - Parameters: progress, cancelled: asked by the first loop, at most every 50 ms; atEnd: called with all connections still open.
  func run(
    from begin: Int64, _ progress: ((LoadProgress) -> Void)?, _ cancelled: () -> Bool, atEnd: (() -> Void)? = nil
  ) -> LoadRecord {
    let turn = rules.isOpen ? FirstTurn(isOwn: options.cpu != nil, loops: loops, rate: peakRate, spins: isPrecise) : nil
    defer { turn?.release() }
    prepare(begin, spinsAtMost: turn?.spinsAtMost)
    let callsBefore = connections.calls
    let cpuStart = nb_thread_cpu()
    lastSweep = rules.start
    lastReport = rules.start
    last = clock.now()
    // Without a plan the first sends would all have the loop's own start-up as their lag.
    while true {
      beginAll()
      let ending = rules.ending(last)
      if ending == .drained { abandon() }
      if ending != .goesOn { break }
      if last - lastSweep >= 5_000_000 {
        keepHouse(progress, cancelled)
        if isStopping { break }
      }
      wait(until: min(rules.wake(last), last + (profile.executor == .rampingVUs ? 5_000_000 : 50_000_000)))
    }
    var record = finish(cpu: nb_thread_cpu() - cpuStart)
    record.systemCalls = connections.calls - callsBefore
    record.systemCallsBefore = callsBefore
    record.tcp = connections.tcpTotals
    atEnd?()
    return record
  }

  /// Sends at the plan's times to the microsecond, at the price of spinning.
  var isPrecise: Bool { rules.isOpen && !options.polite }

  /// Requests per second of this loop, at most.
  private var peakRate: Double { rules.plan.map { profile.peakRate(of: $0) / Double(loops) } ?? 0 }

  /// Between two requests of the plan, on average, in nanoseconds; 0 without one.
  private var gap: Int64 { Int64((rules.plan.map { $0.duration / max(1, $0.expected) } ?? 0) * 1e9) }

  private func prepare(_ begin: Int64, spinsAtMost: Int64?) {
    nb_tight_timers()
    watch.look()
    if rules.isOpen { margin = isPrecise ? calibrated(atMost: spinsAtMost) : .polite(gap: gap, known: kept.known) }
    rules.begin(at: max(begin, clock.now() + 500_000))
    let kept = recorder
    recorder = Recorder(
      start: rules.start, windowLength: rules.windowLength(options), named: scenario.names,
      seriesQuantile: loop == 0 ? options.stopWhen?.quantile : nil,
      parts: options.partLength.map { PartRecorder(start: rules.start, end: rules.end, length: $0) },
      raw: raw.take() ?? RawLog(capacity: 0), requestNames: scenario.requestNames)
    recorder.openedBefore(kept)
    stampOffset = clock.now() - nb_real_now()
  }

  /// From how much too late this machine's timers wake up, the worst of twenty waits. A processor that has slept longer wakes up later,
  /// so the waits are as long as those of the plan, up to 2 ms. They are for the first run of a plan only: the slices of a comparison
  /// go on from where the one before was.
  ///
  /// - Parameter atMost: nanoseconds; nil: an eighth of the gap between two sends, or what nobody notices.
  private func calibrated(atMost: Int64?) -> TimerMargin {
    // A margin of 500 µs costs an eighth of a core at 250 requests/s; nobody notices 6 % at 120.
    let most = atMost ?? min(max(gap / 8, 150_000), 500_000)
    if let known = kept.known { return .precise(known, atMost: most) }
    let wait = min(max(gap / 2, 100_000), 2_000_000)
    var worst: Int64 = 0
    for _ in 0..<20 {
      let before = nb_now()
      _ = connections.wait(wait, limit: 1)
      worst = max(worst, nb_now() - before - wait)
    }
    return .precise(max(worst + worst / 4, 40_000), atMost: most)
  }

  /// Everything that is due has begun or never will; counts what the plan still held.
  private func abandon() {
    while let intended = rules.giveUp(last) {
      example(.timeout, FailureText.noConnection)
      refuse(intended, .timeout)
    }
    for slot in 0..<connections.count where connections.slots[slot].busy {
      example(.timeout, FailureText.drained)
      recorder.failed(.timeout, name: name(slot), now: last)
      ended(slot, at: last)
      keepRaw(slot, status: 0, .timeout, now: last, isUnsent: connections.slots[slot].isUnsent)
      connections.slots[slot].busy = false
    }
  }

  // MARK: Waiting

  private func wait(until wake: Int64) {
    while true {
      var timeout = wake - last
      if timeout <= 0 {
        timeout = 0
      } else if rules.isOpen {
        timeout = timeout > margin.time ? timeout - margin.time : 0
      }
      let n = connections.wait(timeout)
      let now = clock.now()
      // A call that found events at once is work; one that found none was a wait, or a turn of the spin.
      if n <= 0 || now - last > 3_000 { waiting += now - last }
      last = now
      if n > 0 {
        for i in 0..<Int(n) {
          handle(connections.events[i])
          guard isPrecise else { continue }
          last = clock.now()
          beginAll()
        }
        return
      }
      if timeout > 0, rules.isOpen { margin.follow(late: now - wake) }
      if now >= wake { return }
    }
  }

  func handle(_ event: epoll_event) {
    let slot = Int(event.data.u64 & 0xFFFF_FFFF)
    // The socket of this event may have been replaced earlier in the batch.
    guard connections.slots[slot].generation == UInt32(event.data.u64 >> 32) else { return }
    if connections.slots[slot].link == .connecting {
      guard event.events & (EPOLLOUT.rawValue | EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0 else { return }
      let code = connections.connectError(slot)
      if code != 0 {
        connectFailed(slot, code)
        return
      }
      connected(slot)
    }
    if event.events & EPOLLOUT.rawValue != 0, connections.slots[slot].pending != nil {
      let code = connections.flush(slot)
      if code != 0 {
        fail(slot, .reset, code: code)
        return
      }
    }
    if event.events & ~EPOLLOUT.rawValue != 0 {
      receive(slot, ended: event.events & (EPOLLRDHUP.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0)
    }
  }

  // MARK: Housekeeping, each 5 ms

  private func keepHouse(_ progress: ((LoadProgress) -> Void)?, _ cancelled: () -> Bool) {
    lastSweep = last
    sweepTimeouts()
    watch.look()
    if options.kernelStamps { stampOffset = clock.now() - nb_real_now() }
    rules.adjustUsers(last)
    shared.publish(loop, answered: recorder.answered, failed: recorder.failed)
    if shared.isStopped { isStopping = true }
    if rules.hasGivenUp(last) { isStopping = true }
    guard loop == 0, last - lastReport >= 50_000_000 else { return }
    lastReport = last
    if cancelled() {
      recorder.partial()
      shared.stop()
      isStopping = true
    }
    abortIfBroken()
    if let rule = options.stopWhen, let interval = rule.decide(recorder.series) {
      recorder.stopped(interval)
      shared.stop()
      isStopping = true
    }
    let start = rules.start
    guard let progress, last > start, (last - start) / 50_000_000 % 2 == 0 else { return }
    let answered = shared.answered
    progress(
      LoadProgress(
        elapsed: Nanoseconds(last - start), total: rules.total.map { Nanoseconds($0) }, requests: answered,
        rate: Double(answered) / (Double(last - start) / 1e9),
        p99: Nanoseconds(recorder.record.response.quantile(0.99)), failed: shared.failed))
  }

  private func abortIfBroken() {
    guard !options.abortWhen.isEmpty, last - lastAbortLook >= 250_000_000 else { return }
    lastAbortLook = last
    guard let broken = options.abortWhen.first(where: { $0.isBroken(recorder.record, elapsed: Nanoseconds(last - rules.start)) }) else { return }
    recorder.aborted(broken.text)
    shared.stop()
    isStopping = true
  }

  /// A part of the slots each time, all of them within 100 ms: at 10,000 users a full sweep would take longer than a send
  /// may be late.
  private func sweepTimeouts() {
    let limit = profile.timeout.rawValue
    let connectLimit = (profile.connectTimeout ?? Nanoseconds(seconds: 5)).rawValue
    let sendLimit = (profile.sendTimeout ?? profile.timeout).rawValue
    for _ in 0..<(connections.count / 20 + 1) {
      let slot = sweepCursor
      sweepCursor = sweepCursor + 1 < connections.count ? sweepCursor + 1 : 0
      if connections.slots[slot].link == .connecting {
        if last - connections.slots[slot].connectBegan > connectLimit { connectFailed(slot, ETIMEDOUT) }
      } else if connections.slots[slot].busy {
        let age = last - connections.slots[slot].sent
        if connections.slots[slot].pending != nil, age > sendLimit {
          fail(slot, .timeout, text: "the target did not take the request")
        } else if age > limit {
          fail(slot, .timeout, text: connections.slots[slot].received > 0 ? FailureText.noEnd : FailureText.noAnswer)
        }
      }
    }
  }

  private func finish(cpu: Int64) -> LoadRecord {
    let now = clock.now()
    if rules.isOpen { kept.keep(margin.time) }
    // A step may also have ended the run.
    watch.look()
    recorder.clockSteps(watch.steps)
    recorder.planned(rules.planned, begun: rules.begun)
    // The span of an open run is its plan: the drain after it is not time in which requests were due.
    let start = rules.start
    let span = rules.isOpen && !isStopping ? max(rules.end - start, 1) : max(now - start, 1)
    var unfinished: Int64 = 0
    for slot in 0..<connections.count where connections.slots[slot].busy {
      unfinished += rules.inFlight.inside(from: connections.slots[slot].intended, to: now)
    }
    var record = recorder.finish(
      now: now, span: span, cpu: cpu, work: max(0, now - start - waiting), plannedRate: rules.plannedRate,
      counted: rules.inFlight.total(at: now), unfinished: unfinished)
    record.connections = connections.count
    record.partLength = options.partLength
    record.arrivals = rules.begunAt
    return record
  }
}

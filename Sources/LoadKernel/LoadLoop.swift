// The loop: one thread, one epoll, no allocation and no reference counting per request. Open models begin at the
// plan's times whatever the target does; an arrival without a free connection stays in the plan with its intended time,
// so a backlog needs no memory. Measured against wrk in `make bench`.
//
// An arrival (open) or a user (closed) runs iterations; an iteration is one request or the steps of a journey. The parts:
// +Sending begins iterations and sends, +Receiving takes answers, +Failures closes, counts and cools down.
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
  let isOpen: Bool
  let loop: Int
  let loops: Int
  let shared: SharedCounters
  var writer: RequestWriter
  var plan: ArrivalPlan?
  var think: SeededRandom
  var recorder: Recorder
  var due: DueQueue
  var free: [Int32] = []
  var users: [User]
  var sinks: [ResponseSink] = []
  var freeSinks: [Int32] = []
  var regexes: [String: Regex<AnyRegexOutput>] = [:]

  /// The next arrival of the plan that has not begun, on the run's clock; nil: the plan is over.
  var nextIntended: Int64?
  var planned = 0
  var begun = 0
  var begunInTime = 0
  /// Requests on their way, sessions of arrivals in progress, slots that pause after failed connects.
  var inFlight = 0
  var sessions = 0
  var cooling = 0
  var downSince: Int64 = .max
  var lastConnectKind = ErrorKind.refused
  /// Iterations that may still begin (shared); .max without such a limit.
  var iterationsLeft = Int.max
  var activeUsers: Int
  var start: Int64 = 0
  var end: Int64 = .max
  var last: Int64 = 0
  var isStopping = false
  /// Nanoseconds between requests of closed users under a cap, and when the next may go.
  let gap: Int64
  var nextAllowed: Int64 = 0
  /// Kernel stamps are on CLOCK_REALTIME: what to add.
  var stampOffset: Int64 = 0
  /// Sequential keys instead of drawn ones (warming).
  var nextKey: Int?
  var firstFailure: (kind: ErrorKind, text: String)?
  /// Taken and touched before the start is chosen; this loop's share of the rows.
  private var raw: RawLog?
  private var waiting: Int64 = 0
  private var spinMargin: Int64 = 60_000
  private var spinMost: Int64 = 150_000
  private var watch: ClockWatch
  private var sweepCursor = 0
  private var lastSweep: Int64 = 0
  private var lastReport: Int64 = 0

  /// - Parameter count: connections of this loop.
  init(
    _ profile: LoadProfile, _ scenario: Scenario, _ target: LoadTarget, _ options: LoadOptions, count: Int, loop: Int = 0,
    shared: SharedCounters
  ) throws(LoadError) {
    self.profile = profile
    self.options = options
    self.scenario = scenario
    self.loop = loop
    self.shared = shared
    loops = shared.loops
    clock = options.clock
    isOpen = profile.executor.isOpen
    let seed = profile.seed &+ options.seedSalt &* 0x9E37_79B9_7F4A_7C15
    writer = RequestWriter(scenario, seed: seed, loop: loop, loops: loops)
    plan = ArrivalPlan(profile, duration: options.measured, seed: seed)
    think = SeededRandom(seed: seed, stream: 4 + UInt64(loop) << 8)
    connections = try Connections(count: count, target: target, stamps: options.kernelStamps)
    recorder = Recorder(start: 0, windowLength: Nanoseconds(100_000_000))
    raw = RawLog(capacity: options.rawRows / loops + (loop < options.rawRows % loops ? 1 : 0))
    due = DueQueue(capacity: count)
    let needsUser = scenario.variableCount > 0 || scenario.usesCookies
    users = needsUser ? (0..<count).map { _ in User(variables: scenario.variableCount) } : []
    activeUsers = profile.executor == .rampingVUs ? 0 : count
    gap = options.maxRate.map { Int64(1e9 * Double(shared.loops) / max($0, 1e-3)) } ?? 0
    watch = ClockWatch(options.clock)
  }

  /// - Parameters: progress, cancelled: asked by the first loop, at most every 50 ms.
  func run(from begin: Int64, _ progress: ((LoadProgress) -> Void)?, _ cancelled: () -> Bool) -> LoadRecord {
    let total = prepare(begin)
    let cpuStart = nb_thread_cpu()
    lastSweep = start
    lastReport = start
    last = clock.now()
    // Without a plan the first sends would all have the loop's own start-up as their lag.
    while true {
      var wake = Int64.max
      while due.first <= last {
        let entry = due.pop()
        awake(entry.slot, at: entry.time)
      }
      if isOpen { dispatch() }
      if isOver() { break }
      wake = min(due.first, isOpen ? (free.isEmpty ? .max : nextIntended ?? .max) : end)
      if isOpen, nextIntended != nil, free.isEmpty, cooling == connections.count { wake = min(wake, nextIntended ?? wake) }
      if last - lastSweep >= 5_000_000 {
        keepHouse(total, progress, cancelled)
        if isStopping { break }
      }
      wait(until: min(wake, last + (profile.executor == .rampingVUs ? 5_000_000 : 50_000_000)))
    }
    return finish(cpu: nb_thread_cpu() - cpuStart)
  }

  /// - Returns: the planned length in nanoseconds; nil when the run ends by count.
  private func prepare(_ begin: Int64) -> Int64? {
    nb_tight_timers()
    watch.look()
    if isOpen, !options.polite { calibrate() }
    start = max(begin, clock.now() + 500_000)
    let duration = (options.measured ?? profile.duration).rawValue
    let ramp = profile.stages.reduce(Int64(0)) { $0 + $1.duration.rawValue }
    let kept = recorder
    recorder = Recorder(
      start: start, windowLength: windowLength(duration, ramp), named: scenario.names,
      seriesQuantile: loop == 0 ? options.stopWhen?.quantile : nil,
      raw: raw.take() ?? RawLog(capacity: 0), requestNames: scenario.requestNames)
    recorder.openedBefore(kept)
    stampOffset = clock.now() - nb_real_now()
    var total: Int64?
    switch profile.executor {
    case .sharedIterations:
      let all = profile.iterations ?? profile.vus ?? 1
      if profile.iterationsPerUser == true {
        for slot in 0..<connections.count { connections.slots[slot].left = all }
      } else {
        iterationsLeft = all / loops + (loop < all % loops ? 1 : 0)
      }
    case .constantVUs:
      end = start + duration
      total = duration
    case .rampingVUs:
      end = start + ramp
      total = ramp
    case .constantArrivalRate, .rampingArrivalRate:
      total = Int64((plan?.duration ?? 0) * 1e9)
      end = start + (total ?? 0)
    }
    if isOpen {
      free.reserveCapacity(connections.count)
      free = (0..<connections.count).reversed().map { Int32($0) }
      nextIntended = plan?.next(skipping: loop).map { $0 + start }
      if nextIntended != nil { planned += 1 }
    } else if profile.executor == .rampingVUs {
      for slot in 0..<connections.count { connections.slots[slot].parked = true }
    } else {
      for slot in 0..<connections.count { schedule(slot, at: start, .iteration) }
    }
    return total
  }

  private func windowLength(_ duration: Int64, _ ramp: Int64) -> Nanoseconds {
    if let given = options.windowLength { return given }
    guard profile.executor != .sharedIterations else { return Nanoseconds(10_000_000) }
    let length = isOpen ? Int64((plan?.duration ?? 0) * 1e9) : ramp > 0 ? ramp : duration
    return Nanoseconds(min(max(length / 200, 10_000_000), 1_000_000_000))
  }

  /// How much too late this machine's timers wake up: the margin before a send that is spun, from the worst of twenty waits. A
  /// processor that has slept longer wakes up later, so the waits are as long as those of the plan, up to 2 ms.
  private func calibrate() {
    let gap = Int64((plan.map { $0.duration / max(1, $0.expected) } ?? 0) * 1e9)
    // A margin of 500 µs costs an eighth of a core at 250 requests/s; nobody notices 6 % at 120.
    spinMost = min(max(gap / 8, 150_000), 500_000)
    let wait = min(max(gap / 2, 100_000), 2_000_000)
    var worst: Int64 = 0
    for _ in 0..<20 {
      let before = nb_now()
      _ = nb_epoll_wait(connections.epoll, connections.events, 0x1, wait)
      worst = max(worst, nb_now() - before - wait)
    }
    spinMargin = min(max(worst + worst / 4, 40_000), spinMost)
  }

  private func isOver() -> Bool {
    if isOpen {
      if nextIntended == nil, sessions == 0 { return true }
      // Late answers count for a while; what still has no connection then is given up.
      let drain = (options.drain ?? profile.timeout).rawValue
      if last > end, last - end > drain {
        abandon()
        return true
      }
      return false
    }
    if last >= end, due.count > 0 { due.removeAll() }
    if inFlight > 0 || due.count > 0 { return false }
    // A run by time lasts its time, also while every user thinks beyond its end.
    return end == .max || last >= end
  }

  /// Everything that is due has begun or never will; counts what the plan still held.
  private func abandon() {
    while nextIntended != nil {
      refuseArrival(.timeout, FailureText.noConnection)
    }
    for slot in 0..<connections.count where connections.slots[slot].busy {
      example(.timeout, FailureText.drained)
      recorder.failed(.timeout, name: name(slot), now: last)
      keepRaw(slot, status: 0, .timeout, now: last, isUnsent: connections.slots[slot].isUnsent)
    }
  }

  // MARK: Waiting

  private func wait(until wake: Int64) {
    while true {
      var timeout = wake - last
      if timeout <= 0 {
        timeout = 0
      } else if isOpen, !options.polite {
        timeout = timeout > spinMargin ? timeout - spinMargin : 0
      }
      let n = nb_epoll_wait(connections.epoll, connections.events, Int32(Connections.batch), timeout)
      let now = clock.now()
      // A call that found events at once is work; one that found none was a wait, or a turn of the spin.
      if n <= 0 || now - last > 3_000 { waiting += now - last }
      last = now
      if n > 0 {
        for i in 0..<Int(n) { handle(connections.events[i]) }
        return
      }
      // The margin follows the quantile that the verdict looks at: 10 µs up for a wake-up that missed its time, 50 ns down for
      // one that did not, so it settles where one in 200 is late.
      if timeout > 0, isOpen { spinMargin = min(max(now > wake ? spinMargin + 10_000 : spinMargin - 50, 30_000), spinMost) }
      if now >= wake { return }
    }
  }

  func handle(_ event: epoll_event) {
    let slot = Int(event.data.u64 & 0xFFFF_FFFF)
    // The socket of this event may have been replaced earlier in the batch.
    guard connections.slots[slot].generation == UInt32(event.data.u64 >> 32) else { return }
    if connections.slots[slot].link == .connecting {
      guard event.events & (EPOLLOUT.rawValue | EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0 else { return }
      let code = nb_socket_error(connections.slots[slot].descriptor)
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

  private func keepHouse(_ total: Int64?, _ progress: ((LoadProgress) -> Void)?, _ cancelled: () -> Bool) {
    lastSweep = last
    sweepTimeouts()
    watch.look()
    if options.kernelStamps { stampOffset = clock.now() - nb_real_now() }
    if profile.executor == .rampingVUs { adjustUsers() }
    shared.publish(loop, answered: recorder.answered, failed: recorder.failed)
    if shared.isStopped { isStopping = true }
    // A run that ends by count has no other end while the target is down.
    if total == nil, cooling == connections.count {
      downSince = min(downSince, last)
      if last - downSince > 5_000_000_000 { isStopping = true }
    } else {
      downSince = .max
    }
    guard loop == 0, last - lastReport >= 50_000_000 else { return }
    lastReport = last
    if cancelled() {
      recorder.partial()
      shared.stop()
      isStopping = true
    }
    if let rule = options.stopWhen, let interval = rule.decide(recorder.series) {
      recorder.stopped(interval)
      shared.stop()
      isStopping = true
    }
    guard let progress, last > start, (last - start) / 50_000_000 % 2 == 0 else { return }
    let answered = shared.answered
    progress(
      LoadProgress(
        elapsed: Nanoseconds(last - start), total: total.map { Nanoseconds($0) }, requests: answered,
        rate: Double(answered) / (Double(last - start) / 1e9),
        p99: Nanoseconds(recorder.record.response.quantile(0.99)), failed: shared.failed))
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
    // A step may also have ended the run.
    watch.look()
    recorder.clockSteps(watch.steps)
    recorder.planned(planned, begun: begunInTime)
    // The span of an open run is its plan: the drain after it is not time in which requests were due.
    let span = isOpen && !isStopping ? max(end - start, 1) : max(now - start, 1)
    let planned = plan.map { $0.expected / max($0.duration, 1e-9) }
    var record = recorder.finish(now: now, span: span, cpu: cpu, work: max(0, now - start - waiting), plannedRate: planned)
    record.connections = connections.count
    return record
  }
}

import ExperimentModel
import NIOCore

/// An origin: a FIFO queue, its workers, and the walk of each request through the stages of its route. A worker role has
/// a `Consumer` instead of the queue; the walk is the same. Lives on one event loop; it never touches a socket.
final class Role {
  let name: String
  /// `origin.2` when the role has several, else its name.
  let instanceName: String
  private let environment: any Environment
  private var queue: WorkerQueue<Exchange>
  private var isDraining = false
  private var isTimeoutArmed = false

  private var requests = 0
  private var rejected = 0
  private var timedOut = 0
  private var queueWait: Int64 = 0
  private var queuePeak = 0
  /// Requests that were taken in and are not answered, and the time integral of that number.
  private var inside: Occupancy
  /// Nanoseconds from a worker's taking a request to its answer, in the order of taking; −1: not yet answered; nil: not asked for.
  private(set) var trace: [Int64]?
  private static let traceMax = 500_000
  /// Which life of the process this is: a `kill` ends one, and what still runs of it counts for nothing.
  private var life = 0
  private(set) var downUntil = Int64.min
  /// Answers that a fault spoils.
  var errors: [ErrorShare] = []
  /// What waits for the end of a stall.
  private var sleepers: [() -> Void] = []
  /// Where its messages come from; nil for a role that answers requests.
  var consumer: Consumer?
  /// nil: nothing is recorded, and nothing decided by attributes.
  var telemetry: ServiceTelemetry?

  /// - Parameter number: which of the role's instances, from 1.
  init(_ spec: RoleSpec, number: Int = 1, environment: any Environment) throws {
    let place = "system, role \(spec.name)"
    guard spec.kind == (spec.worker == nil ? "origin" : "worker") else {
      throw LabError(
        place: place, cause: "kind `\(spec.kind)` is not served by this lab", remedy: "use `kind: origin` or `kind: worker`")
    }
    guard spec.workers > 0, spec.queueLimit >= 0 else {
      throw LabError(
        place: place, cause: "\(spec.workers) workers with a queue of \(spec.queueLimit)",
        remedy: "use at least one worker and a queue of zero or more")
    }
    name = spec.name
    instanceName = spec.instanceCount > 1 ? "\(spec.name).\(number)" : spec.name
    self.environment = environment
    inside = Occupancy(now: environment.now)
    queue = WorkerQueue(
      workers: spec.workers, queueLimit: spec.queueLimit, timeout: spec.timeout.rawValue)
  }

  // MARK: The way of a request

  /// A request arrives; its owner hears of it exactly once.
  func submit(_ exchange: Exchange) {
    if Counters.areOn { requests += 1 }
    exchange.life = life
    if let telemetry { begin(exchange, telemetry) }
    if isDown {
      exchange.isCutOff = true
      let owner = exchange.owner
      exchange.owner = nil
      owner?.answered(exchange)
      return
    }
    count(1)
    if !errors.isEmpty, let status = errors.nextStatus() {
      exchange.fail(status, "\(name): an injected error")
      return answer(exchange)
    }
    switch queue.arrive(exchange, now: environment.now) {
    case .start:
      taken(exchange)
      run(exchange)
    case .wait:
      queuePeak = max(queuePeak, queue.depth)
      exchange.trail?.queues()
      armTimeout()
    case .reject:
      rejected += 1
      exchange.fail(503, "\(name): queue is full")
      answer(exchange)
    }
  }

  /// A stage that said `later` is done. The work of a worker that was killed meanwhile ends here, before its next effect.
  func resume(_ exchange: Exchange) {
    exchange.trail?.leave()
    if consumer != nil, exchange.life != life { return }
    run(exchange)
  }

  /// Leads a message of the consumer's through the stages of its route, past the queue; ends in `complete`.
  func walk(_ exchange: Exchange) {
    exchange.life = life
    if let telemetry { begin(exchange, telemetry) }
    run(exchange)
  }

  /// Requests that wait for a worker, and workers that are busy.
  var load: (waiting: Int, busy: Int) { (queue.depth, queue.busy) }

  /// Since counting began: how long workers were busy and requests waited for one, nanoseconds of all of them together, and how
  /// many were taken.
  var times: (busy: Int64, waited: Int64, takes: Int) { (queue.busyTime(now: environment.now), queueWait, queue.takes) }

  /// Slots that are served at the same time.
  var slots: Int { queue.workers }

  /// A stage that will say `later` needs no worker meanwhile: others get this one. `resumeParked` follows.
  func park(_ exchange: Exchange) {
    guard exchange.life == life else { return }
    queue.release(now: environment.now)
    drain()
  }

  /// A parked request goes on as soon as it has a worker again.
  func resumeParked(_ exchange: Exchange) {
    exchange.trail?.leave()
    // What still runs of a killed process has no worker, and needs none.
    guard exchange.life != life || queue.comeBack(exchange, now: environment.now) else {
      exchange.trail?.queues()
      return
    }
    run(exchange)
  }

  private func run(_ exchange: Exchange) {
    let stages = exchange.route.stages
    if !exchange.route.notes.isEmpty { return runNoted(exchange) }
    while exchange.nextStage < stages.count {
      let stage = stages[exchange.nextStage]
      exchange.nextStage += 1
      if stage.isOff { continue }
      switch stage.probe.inside({ stage.enter(exchange) }) {
      case .next: continue
      case .answer: return complete(exchange)
      case .later: return
      }
    }
    complete(exchange)
  }

  /// The answer is known: fills the caches that were missed (innermost first), drops invalidated keys,
  /// answers, and lets the next request in.
  func complete(_ exchange: Exchange) {
    exchange.trail?.leave()
    while let held = exchange.locks.popLast() { held.release() }
    while let fill = exchange.fills.popLast() { fill.cache.loaded(fill.key, by: exchange) }
    let invalidations = exchange.route.invalidations
    if exchange.answer.status < 300 {
      while exchange.invalidationsDone < invalidations.count {
        let (cache, template) = invalidations[exchange.invalidationsDone]
        exchange.invalidationsDone += 1
        // With a second level the delete must be answered before the writer is: `drop` completes later.
        if cache.drop(template.key(exchange.variables), for: exchange) == .later { return }
      }
    }
    // A remote party's answer to a process that was killed meanwhile: nobody waits for it any more.
    guard exchange.life == life else { return }
    let (traced, taken) = (exchange.traceIndex, exchange.taken)
    if let consumer {
      traceEnd(traced, since: taken)
      exchange.trail?.end(exchange)
      return consumer.finished(exchange)
    }
    // The slot is free before the answer goes out: a client's next request must not meet the slot of its last one.
    queue.release(now: environment.now)
    answer(exchange)
    // Writing the answer keeps this thread from the next request, so it is part of the service.
    traceEnd(traced, since: taken)
    drain()
  }

  private func answer(_ exchange: Exchange) {
    count(-1)
    let owner = exchange.owner
    exchange.owner = nil
    // Before it is written: the connection may begin with its next request at once.
    exchange.trail?.end(exchange)
    owner?.answered(exchange)
  }

  /// Starts waiting requests while workers are free. A loop and not recursion: a thousand queued hits
  /// complete one after the other on a flat stack.
  private func drain() {
    if isDraining { return }
    isDraining = true
    defer { isDraining = false }
    while true {
      let now = environment.now
      expire(now)
      guard let (exchange, waited) = queue.take(now: now) else { return }
      queueWait += waited
      exchange.trail?.isTaken()
      taken(exchange)
      run(exchange)
    }
  }

  // MARK: The trace

  /// Begins a trace anew, or ends it.
  func setTrace(_ on: Bool) { trace = on ? [] : nil }

  private func traceEnd(_ index: Int, since taken: Int64) {
    if index >= 0, index < trace?.count ?? 0 { trace?[index] = environment.now - taken }
  }

  private func taken(_ exchange: Exchange) {
    guard let count = trace?.count, count < Self.traceMax else { return }
    exchange.traceIndex = count
    exchange.taken = environment.now
    trace?.append(-1)
  }

  // MARK: Timeouts and the stall fault

  private func expire(_ now: Int64) {
    while let (exchange, waited) = queue.takeExpired(now: now) {
      queueWait += waited
      timedOut += 1
      exchange.fail(504, "\(name): waited longer than the timeout")
      answer(exchange)
    }
  }

  /// One timer per role suffices: with one timeout for all, the oldest request expires first.
  private func armTimeout() {
    guard !isTimeoutArmed, let deadline = queue.nextTimeout else { return }
    isTimeoutArmed = true
    environment.at(deadline) { [self] in
      isTimeoutArmed = false
      expire(environment.now)
      armTimeout()
    }
  }

  /// Takes no request from the queue for `duration` nanoseconds, or until `wake`; requests in service go on.
  func stall(_ duration: Int64?) {
    let end = duration.map { environment.now + $0 } ?? .max
    if let consumer { return consumer.stall(until: end) }
    queue.stall(until: end)
    if end < .max { environment.at(end) { [self] in awake() } }
  }

  /// Ends a stall.
  func wake() {
    if let consumer { return consumer.wake() }
    queue.wake()
    awake()
  }

  private func awake() {
    guard environment.now >= queue.stalledUntil else { return }
    let waiting = sleepers
    sleepers = []
    waiting.forEach { $0() }
    drain()
  }

  /// Calls `work` when the process runs: at once, or when its stall is over. What a health check sees: it asks the process, never
  /// its queue, and takes no worker from anybody.
  func whenAwake(_ work: @escaping () -> Void) {
    if environment.now < queue.stalledUntil { sleepers.append(work) } else { work() }
  }

  // MARK: The kill fault

  var isDown: Bool { environment.now < downUntil }

  /// The process is gone for `duration` nanoseconds, or until `revive`: what waits or runs is lost. Who closes the sockets calls this.
  func kill(_ duration: Int64?) {
    life += 1
    downUntil = duration.map { environment.now + $0 } ?? .max
    queue.abandon(now: environment.now)
    count(-inside.level)
    awake()
    consumer?.kill(until: downUntil)
  }

  /// The process is back, sooner than its kill had said.
  func revive() {
    guard isDown else { return }
    downUntil = environment.now
    consumer?.revive()
  }

  // MARK: Counters

  private func count(_ step: Int) {
    guard Counters.areOn else { return }
    inside.change(by: step, now: environment.now)
  }

  func appendCounters(to counters: inout Counters) {
    if let consumer { return consumer.appendCounters(to: &counters) }
    telemetry?.appendCounters(to: &counters)
    counters.add(name, "requests", requests)
    counters.add(name, "rejected", rejected)
    counters.add(name, "timed_out", timedOut)
    counters.add(name, "queue_wait_ns", Int(queueWait))
    counters.peak(name, "queue_peak", queuePeak)
    counters.add(name, "inside_ns", Int(inside.time(now: environment.now)))
  }

  func resetCounters() {
    consumer?.resetCounters()
    requests = 0; rejected = 0; timedOut = 0; queueWait = 0
    queuePeak = queue.depth
    inside.reset(now: environment.now)
    queue.resetCounters(now: environment.now)
  }
}

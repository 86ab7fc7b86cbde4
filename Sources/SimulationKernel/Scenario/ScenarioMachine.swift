// The scenario as a state machine: requests walk through the steps of their routes, as the lab's specification says.
// A role is a queue in order of arrival with a limit and a patience; a wait holds the worker, an asynchronous one gives it back
// and asks for one again, ahead of those who have none yet; calls hold the worker of the caller.

import ExperimentModel
import Statistics

/// A request, or a call that another one makes. Not private: the compiler (6.3.1) breaks at a pool of a private type.
struct Walker: BitwiseCopyable {
  /// When it was due.
  var intended: Double
  /// When it began to wait for a worker, and later for a worker again.
  var queued = 0.0
  var route: Int32
  var step: Int32 = 0
  var key: Int32
  /// Who waits for this call; −1: the one who sent it.
  var caller: Int32 = -1
  /// Calls without an answer, and calls not yet made.
  var open: Int32 = 0
  var unsent: Int32 = 0
  /// Its user in a closed scenario.
  var user: Int32 = -1
  /// The cache that its answer fills; −1: none.
  var fills: Int32 = -1
  /// The lock that it holds; −1: none.
  var holds: Int32 = -1
  /// The next of those who wait for the same load.
  var follower: Int32 = -1
  var hasFailed = false
  var isReturning = false
}

struct RoleQueue: ~Copyable {
  let spec: ScenarioRole
  var busy = 0
  var waiting = Line<UInt32>()
  var returning = Line<UInt32>()
  init(_ spec: ScenarioRole) { self.spec = spec }
}

struct LockQueue: ~Copyable {
  var isHeld = false
  var waiting = Line<UInt32>()
}

/// What a replication of a scenario found.
struct ScenarioRecord: ~Copyable {
  /// Response times from the intended send, of answered requests.
  var responses = Tally()
  var failed = 0
  var hits = 0
  var lookups = 0
}

struct ScenarioMachine: EventMachine, ~Copyable {
  private enum What: UInt32 { case arrival, goOn, start, think }
  private static var numberBits: UInt32 { 22 }

  private let scenario: Scenario
  private let weights: [Double]
  private let weightSum: Double
  /// Of the request with the most of them.
  private let mostKeys: Int
  private var samplers: [(usual: Sampler, slow: Sampler)]
  private var keys: [KeySampler?]
  private var caches: [any SimulatedCache]
  /// By cache and key, until when an entry is good; empty without a time to live.
  private var expiries: [[Double]]
  /// By cache and key, the walker that loads it, plus one; empty without single flight.
  private var loads: [[Int32]]
  private var thinking: Sampler?

  private var arrivalStream: Stream
  private var choiceStream: Stream
  private var thinkStream: Stream
  private var waitStreams: [Stream]
  private var failStream: Stream
  private var lifeStream: Stream
  private var keyStream: SeededRandom

  private var roles: [RoleBox]
  private var lockQueues: [LockBox]
  private var walkers = Pool<Walker>()
  private var arrivals: ScenarioArrivals?
  /// Requests sent and not answered, of an open scenario, and those that wait for a connection.
  private var inFlight = 0
  private var unsent = Line<UInt32>()
  private var closesAt = Double.infinity
  /// Of the stretches before this one; times of caches go on.
  var offset = 0.0
  var record = ScenarioRecord()

  /// A queue in a box: an array cannot hold what cannot be copied.
  private final class RoleBox {
    var queue: RoleQueue
    init(_ spec: ScenarioRole) { queue = RoleQueue(spec) }
  }
  private final class LockBox { var queue = LockQueue() }

  init(_ scenario: Scenario, replication: Int) {
    self.scenario = scenario
    weights = scenario.requests.map(\.weight)
    weightSum = scenario.requests.reduce(0) { $0 + $1.weight }
    let mostKeys = scenario.requests.compactMap(\.keys?.n).max() ?? 1
    self.mostKeys = mostKeys
    func stream(_ source: Int) -> Stream { Stream(seed: scenario.seed, replication: replication, source: source) }
    arrivalStream = stream(0)
    choiceStream = stream(1)
    thinkStream = stream(2)
    failStream = stream(3)
    lifeStream = stream(4)
    keyStream = SeededRandom(seed: scenario.seed, stream: 0x5CE0_0000_0000 + UInt64(replication))
    waitStreams = scenario.waits.indices.map { stream(16 + $0) }
    samplers = scenario.waits.map { (Sampler($0.usual), Sampler($0.slow)) }
    keys = scenario.requests.map { request in
      switch request.keys {
      case .zipf(let n, let s)?: .zipf(n: n, s: s)
      case .uniform(let n)?: .uniform(n: n)
      case .sequential(let n)?: .sequential(n: n)
      case nil: nil
      }
    }
    caches = scenario.caches.map { spec in
      let capacity = spec.capacity ?? mostKeys
      return switch spec.policy {
      case .lru: ListCache(keys: mostKeys, capacity: capacity, movesOnHit: true)
      case .fifo: ListCache(keys: mostKeys, capacity: capacity, movesOnHit: false)
      case .lfu: LFUCache(keys: mostKeys, capacity: capacity)
      case .tinylfu: AdmissionCache(keys: mostKeys, capacity: capacity)
      }
    }
    expiries = scenario.caches.map { $0.ttl == nil ? [] : [Double](repeating: -1, count: mostKeys + 1) }
    loads = scenario.caches.map { $0.singleFlight ? [Int32](repeating: 0, count: mostKeys + 1) : [] }
    roles = scenario.roles.map(RoleBox.init)
    lockQueues = (0..<scenario.locks).map { _ in LockBox() }
    if case .closed(_, let think, _) = scenario.traffic { thinking = Sampler(think) }
    fillCaches()
  }

  /// The warm-up, in which only the caches change that anybody sees later.
  private mutating func fillCaches() {
    guard !caches.isEmpty, let warm = scenario.warm else { return }
    func fill(_ key: Int) {
      for index in caches.indices {
        _ = caches[index].access(key)
        if !expiries[index].isEmpty { expiries[index][key] = scenario.caches[index].ttl?.seconds ?? 0 }
      }
    }
    switch warm {
    case .topKeys(let n): for key in 0..<min(n, mostKeys) { fill(key + 1) }
    case .requests(let n):
      for _ in 0..<n {
        fill(key(of: choose()))
      }
    }
  }

  /// Drawn; a path without a variable is one key.
  private mutating func key(of request: Int) -> Int { keys[request] == nil ? 1 : keys[request]!.next(&keyStream) }

  private mutating func choose() -> Int {
    guard weights.count > 1 else { return 0 }
    var left = choiceStream.uniform() * weightSum
    for (index, weight) in weights.enumerated() {
      left -= weight
      if left < 0 { return index }
    }
    return weights.count - 1
  }

  // MARK: Arrivals

  mutating func start(_ agenda: inout Agenda) {
    switch scenario.traffic {
    case .open(let pieces, let isPoisson, _):
      arrivals = ScenarioArrivals(pieces, isPoisson: isPoisson)
      scheduleArrival(&agenda)
    case .closed(let users, _, let seconds):
      closesAt = seconds
      for user in 0..<users { schedule(.think, UInt32(user), at: 0, &agenda) }
    }
  }

  private mutating func scheduleArrival(_ agenda: inout Agenda) {
    if let time = arrivals?.next(&arrivalStream) { schedule(.arrival, 0, at: time, &agenda) }
  }

  private func schedule(_ what: What, _ number: UInt32, at time: Double, _ agenda: inout Agenda) {
    agenda.schedule(what.rawValue << Self.numberBits | number, at: time)
  }

  mutating func handle(_ event: Event, _ agenda: inout Agenda) {
    let number = event.what & (1 << Self.numberBits - 1)
    switch What(rawValue: event.what >> Self.numberBits) {
    case .arrival:
      scheduleArrival(&agenda)
      begin(user: -1, &agenda)
    case .think:
      if agenda.now < closesAt { begin(user: Int32(number), &agenda) }
    case .start: submit(number, &agenda)
    case .goOn, nil: resume(number, &agenda)
    }
  }

  private mutating func begin(user: Int32, _ agenda: inout Agenda) {
    let request = choose()
    let key = key(of: request)
    let walker = Walker(intended: agenda.now, route: Int32(scenario.requests[request].route), key: Int32(key), user: user)
    guard let number = walkers.insert(walker) else { return agenda.refuse("more than \(walkers.count) requests are on their way") }
    if case .open(_, _, let connections) = scenario.traffic {
      guard inFlight < connections else {
        if !unsent.append(number) { agenda.refuse("more than \(unsent.count) requests wait for a connection") }
        return
      }
      inFlight += 1
    }
    submit(number, &agenda)
  }

  // MARK: Queues

  private mutating func submit(_ number: UInt32, _ agenda: inout Agenda) {
    let role = roles[scenario.routes[Int(walkers[number].route)].role]
    expire(role, &agenda)
    walkers[number].queued = agenda.now
    if role.queue.busy < role.queue.spec.workers, role.queue.waiting.count == 0, role.queue.returning.count == 0 {
      role.queue.busy += 1
      walk(number, &agenda)
    } else if role.queue.waiting.count >= role.queue.spec.queueLimit || !role.queue.waiting.append(number) {
      walkers[number].hasFailed = true
      answer(number, &agenda)
    }
  }

  /// A worker is free: the next one has it. Through the agenda, so that a thousand hits in a row need no deep stack.
  private mutating func release(_ role: RoleBox, _ agenda: inout Agenda) {
    role.queue.busy -= 1
    take(role, &agenda)
  }

  private mutating func take(_ role: RoleBox, _ agenda: inout Agenda) {
    if role.queue.busy < role.queue.spec.workers {
      if let number = role.queue.returning.popFirst() {
        role.queue.busy += 1
        return schedule(.goOn, number, at: agenda.now, &agenda)
      }
      expire(role, &agenda)
      guard let number = role.queue.waiting.popFirst() else { return }
      role.queue.busy += 1
      return schedule(.goOn, number, at: agenda.now, &agenda)
    }
  }

  /// Whoever waited too long has failed. The lab says so when the patience ends and here it is said at the next look at the
  /// queue, which counts the same ones.
  private mutating func expire(_ role: RoleBox, _ agenda: inout Agenda) {
    while let first = role.queue.waiting.first, agenda.now - walkers[first].queued >= role.queue.spec.timeout {
      _ = role.queue.waiting.popFirst()
      walkers[first].hasFailed = true
      answer(first, &agenda)
    }
  }

  // MARK: Steps

  private mutating func resume(_ number: UInt32, _ agenda: inout Agenda) {
    if walkers[number].isReturning {
      walkers[number].isReturning = false
      let role = roles[scenario.routes[Int(walkers[number].route)].role]
      guard role.queue.busy < role.queue.spec.workers, role.queue.returning.count == 0 else {
        if !role.queue.returning.append(number) { agenda.refuse("more than \(role.queue.returning.count) requests wait for a worker again") }
        return
      }
      role.queue.busy += 1
    }
    walk(number, &agenda)
  }

  private mutating func walk(_ number: UInt32, _ agenda: inout Agenda) {
    let steps = scenario.routes[Int(walkers[number].route)].steps
    while Int(walkers[number].step) < steps.count {
      let step = steps[Int(walkers[number].step)]
      walkers[number].step += 1
      switch step.kind {
      case .wait: return schedule(.goOn, number, at: agenda.now + wait(step.index), &agenda)
      case .asynchronousWait:
        walkers[number].isReturning = true
        schedule(.goOn, number, at: agenda.now + wait(step.index), &agenda)
        return release(roles[scenario.routes[Int(walkers[number].route)].role], &agenda)
      case .parallelCalls, .serialCalls:
        walkers[number].open = Int32(step.count)
        walkers[number].unsent = Int32(step.count)
        for _ in 0..<(step.kind == .parallelCalls ? step.count : 1) { call(step.index, by: number, &agenda) }
        return
      case .cache: if !passesCache(step.index, number, &agenda) { return }
      case .lock:
        let lock = lockQueues[step.index]
        walkers[number].holds = Int32(step.index)
        guard lock.queue.isHeld else {
          lock.queue.isHeld = true
          continue
        }
        if !lock.queue.waiting.append(number) { agenda.refuse("more than \(lock.queue.waiting.count) requests wait for a lock") }
        return
      case .unlock: unlock(number, &agenda)
      case .fail:
        if failStream.uniform() < step.share {
          walkers[number].hasFailed = true
          return complete(number, &agenda)
        }
      }
    }
    complete(number, &agenda)
  }

  private mutating func wait(_ index: Int) -> Double {
    let spec = scenario.waits[index]
    if spec.slowShare > 0, waitStreams[index].uniform() < spec.slowShare { return spec.slowLeast + samplers[index].slow.next(&waitStreams[index]) }
    return samplers[index].usual.next(&waitStreams[index])
  }

  private mutating func unlock(_ number: UInt32, _ agenda: inout Agenda) {
    guard walkers[number].holds >= 0 else { return }
    let lock = lockQueues[Int(walkers[number].holds)]
    walkers[number].holds = -1
    if let next = lock.queue.waiting.popFirst() { schedule(.goOn, next, at: agenda.now, &agenda) } else { lock.queue.isHeld = false }
  }

  private mutating func call(_ route: Int, by caller: UInt32, _ agenda: inout Agenda) {
    walkers[caller].unsent -= 1
    let child = Walker(intended: agenda.now, route: Int32(route), key: walkers[caller].key, caller: Int32(caller))
    guard let number = walkers.insert(child) else { return agenda.refuse("more than \(walkers.count) requests are on their way") }
    schedule(.start, number, at: agenda.now, &agenda)
  }

  /// - Returns: whether the walker goes on with the next step: it has missed.
  private mutating func passesCache(_ index: Int, _ number: UInt32, _ agenda: inout Agenda) -> Bool {
    let key = Int(walkers[number].key)
    record.lookups += 1
    if caches[index].contains(key), expiries[index].isEmpty || expiries[index][key] > offset + agenda.now {
      _ = caches[index].access(key)
      record.hits += 1
      complete(number, &agenda)
      return false
    }
    if !loads[index].isEmpty {
      let leader = loads[index][key] - 1
      if leader >= 0 {
        // Waits for the load that is on its way, and keeps its worker.
        let first = UInt32(leader)
        walkers[number].follower = walkers[first].follower
        walkers[first].follower = Int32(number)
        return false
      }
      loads[index][key] = Int32(number) + 1
    }
    walkers[number].fills = Int32(index)
    return true
  }

  private mutating func fill(_ number: UInt32, _ agenda: inout Agenda) {
    let index = Int(walkers[number].fills)
    guard index >= 0 else { return }
    walkers[number].fills = -1
    let key = Int(walkers[number].key)
    if !walkers[number].hasFailed {
      _ = caches[index].access(key)
      if let ttl = scenario.caches[index].ttl?.seconds {
        let jitter = scenario.caches[index].jitter
        expiries[index][key] = offset + agenda.now + ttl * (jitter > 0 ? 1 + jitter * (2 * lifeStream.uniform() - 1) : 1)
      }
    }
    guard !loads[index].isEmpty else { return }
    loads[index][key] = 0
    var follower = walkers[number].follower
    walkers[number].follower = -1
    while follower >= 0 {
      let next = walkers[UInt32(follower)].follower
      walkers[UInt32(follower)].follower = -1
      walkers[UInt32(follower)].hasFailed = walkers[number].hasFailed
      complete(UInt32(follower), &agenda)
      follower = next
    }
  }

  // MARK: Ends

  private mutating func complete(_ number: UInt32, _ agenda: inout Agenda) {
    unlock(number, &agenda)
    fill(number, &agenda)
    let role = roles[scenario.routes[Int(walkers[number].route)].role]
    release(role, &agenda)
    answer(number, &agenda)
  }

  private mutating func answer(_ number: UInt32, _ agenda: inout Agenda) {
    let walker = walkers.remove(number)
    if walker.caller >= 0 { return answered(UInt32(walker.caller), failed: walker.hasFailed, &agenda) }
    if walker.hasFailed { record.failed += 1 } else { record.responses.record(agenda.now - walker.intended) }
    if walker.user >= 0, thinking != nil {
      schedule(.think, UInt32(walker.user), at: agenda.now + thinking!.next(&thinkStream), &agenda)
    } else if let next = unsent.popFirst() {
      schedule(.start, next, at: agenda.now, &agenda)
    } else {
      inFlight -= 1
    }
  }

  /// A call has its answer.
  private mutating func answered(_ caller: UInt32, failed: Bool, _ agenda: inout Agenda) {
    walkers[caller].open -= 1
    if failed { walkers[caller].hasFailed = true }
    let step = scenario.routes[Int(walkers[caller].route)].steps[Int(walkers[caller].step) - 1]
    if step.kind == .serialCalls {
      // A serial caller gives up at the first failure.
      if walkers[caller].unsent > 0, !walkers[caller].hasFailed { return call(step.index, by: caller, &agenda) }
    } else if walkers[caller].open > 0 {
      return
    }
    if walkers[caller].hasFailed { complete(caller, &agenda) } else { walk(caller, &agenda) }
  }
}

// The rules of a run, once for both engines: who begins an iteration when, what a user does next, how long a failure pauses, when
// it is over. A value that decides and does nothing: engines tell it what happened and send what it orders. No clock of its own but
// for the very first sends, no sockets, and after `init` no allocation.
//
// An arrival (open) or a user (closed) runs iterations; an iteration is one request or the steps of a journey. An arrival without
// a free slot stays in the plan with its intended time, so a backlog needs no memory. The parts: here what time brings,
// +Answers what answers and failures bring.

import ExperimentModel
import Statistics

struct LoadRules: ~Copyable {
  /// What a slot is about, beside its request on the wire; 32 bytes.
  struct Turn {
    /// What happens when the slot is due.
    enum Wake: UInt8 { case none, step, iteration, cool }
    var wake = Wake.none
    var isCooling = false
    var isParked = false
    /// Requests and connects that failed in a row.
    var failures: UInt8 = 0
    var template: Int32 = 0
    var entry: Int32 = 0
    var step: Int32 = 0
    var row: Int32 = 0
    /// Iterations of the session, or of the user, that are left.
    var left = 1
  }

  /// A request to be sent now.
  struct Order {
    var slot: Int
    /// Nanoseconds on the run's clock.
    var intended: Int64
    /// Lateness is the generator's; else the target's, or nothing was intended.
    var hasLag: Bool
    /// It waited for a slot.
    var waited: Bool
    /// Begins an iteration: what the user captured before is forgotten.
    var isFirst: Bool
  }

  enum Step {
    case send(Order)
    /// An arrival fails as the connects before it did: every slot pauses.
    case refuse(intended: Int64)
    case wait
  }

  enum Ending { case goesOn, over, drained }

  let profile: LoadProfile
  let scenario: Scenario
  let isOpen: Bool
  let count: Int
  let loop: Int
  let loops: Int
  /// Read by `pointee`: what swiftc 6.3 makes of its subscript in here for the thread sanitizer is no valid code.
  let turns: UnsafeMutablePointer<Turn>
  let plan: ArrivalPlan?
  private let clock: LoadClock
  private let measured: Nanoseconds
  private let drain: Int64
  private let isCountedPerUser: Bool
  private let sessionLength: Int
  private let keepsArrivals: Bool
  private var arrivals: ArrivalPlan?
  private var draw: IterationDraw
  var think: SeededRandom
  var due: DueQueue
  var free: [Int32] = []
  /// The next arrival of the plan that has not begun, on the run's clock; nil: the plan is over.
  private(set) var nextIntended: Int64?
  private(set) var planned = 0
  /// Before the plan's end.
  private(set) var begun = 0
  /// Intended times of the arrivals that were begun, from the start, when they are to be kept.
  private(set) var begunAt: [Int64] = []
  /// Requests on their way, sessions of arrivals in progress, slots that pause after failed connects.
  var inFlight = InFlightCount()
  var sessions = 0
  var cooling = 0
  private var downSince: Int64 = .max
  var lastConnectKind = ErrorKind.refused
  /// Iterations that may still begin (shared); .max without such a limit.
  private(set) var iterationsLeft = Int.max
  private(set) var activeUsers: Int
  private(set) var start: Int64 = 0
  private(set) var end: Int64 = .max
  /// Nanoseconds between requests of closed users under a cap, and when the next may go.
  private let gap: Int64
  private var nextAllowed: Int64 = 0

  /// - Parameter count: slots (connections or lanes) of this loop.
  init(_ profile: LoadProfile, _ scenario: Scenario, _ options: LoadOptions, count: Int, loop: Int = 0, loops: Int = 1) {
    self.profile = profile
    self.scenario = scenario
    self.count = count
    self.loop = loop
    self.loops = loops
    isOpen = profile.executor.isOpen
    clock = options.clock
    measured = options.measured ?? profile.duration
    drain = (options.drain ?? profile.timeout).rawValue
    isCountedPerUser = profile.iterationsPerUser == true
    keepsArrivals = options.keepsArrivals
    sessionLength = max(1, profile.sessionLength ?? 1)
    let seed = options.seed(profile)
    plan = ArrivalPlan(profile, duration: options.measured, seed: seed)
    arrivals = plan
    draw = IterationDraw(scenario, seed: seed, loop: loop, loops: loops)
    think = SeededRandom(seed: seed, stream: 4 + UInt64(loop) << 8)
    due = DueQueue(capacity: count)
    turns = .allocate(capacity: count)
    turns.initialize(repeating: Turn(), count: count)
    activeUsers = profile.executor == .rampingVUs ? 0 : count
    gap = options.maxRate.map { Int64(1e9 * Double(loops) / max($0, 1e-3)) } ?? 0
  }
  deinit { turns.deallocate() }

  /// Sets the run's start and puts the first turns into the queue.
  mutating func begin(at start: Int64) {
    self.start = start
    switch profile.executor {
    case .sharedIterations:
      let all = profile.iterations ?? profile.vus ?? 1
      if isCountedPerUser {
        for slot in 0..<count { (turns + slot).pointee.left = all }
      } else {
        iterationsLeft = all / loops + (loop < all % loops ? 1 : 0)
      }
    case .constantVUs: end = start + measured.rawValue
    case .rampingVUs: end = start + profile.stages.reduce(Int64(0)) { $0 + $1.duration.rawValue }
    case .constantArrivalRate, .rampingArrivalRate: end = start + Int64((plan?.duration ?? 0) * 1e9)
    }
    // A closed run lasts until its last answer.
    inFlight.observe(from: start, to: isOpen ? end : .max)
    if keepsArrivals { begunAt.reserveCapacity(Int(plan?.expected ?? 0) + 1_024) }
    if isOpen {
      free.reserveCapacity(count)
      free = (0..<count).reversed().map { Int32($0) }
      nextIntended = arrivals?.next(skipping: loop).map { $0 + start }
      if nextIntended != nil { planned += 1 }
    } else if profile.executor == .rampingVUs {
      for slot in 0..<count { (turns + slot).pointee.isParked = true }
    } else {
      for slot in 0..<count { schedule(slot, at: start, .iteration) }
    }
  }

  /// Nanoseconds; nil when the run ends by count.
  var total: Int64? { end == .max ? nil : end - start }

  /// Length of the record's windows: a 200th of the run.
  func windowLength(_ options: LoadOptions) -> Nanoseconds {
    options.windowLength ?? Nanoseconds(min(max((total ?? 0) / 200, 10_000_000), 1_000_000_000))
  }

  /// Requests per second that the plan asks for; nil for closed models.
  var plannedRate: Double? { plan.map { $0.expected / max($0.duration, 1e-9) } }

  // MARK: What time brings

  /// The next thing to do at this moment; asked again until it is `wait`.
  mutating func next(_ now: Int64) -> Step {
    while due.first <= now {
      let entry = due.pop()
      if let order = awake(entry.slot, at: entry.time, now) { return .send(order) }
    }
    guard isOpen, let intended = nextIntended, intended <= now else { return .wait }
    guard let slot = free.popLast() else {
      guard cooling == count else { return .wait }
      take(now)
      return .refuse(intended: intended)
    }
    take(now)
    return .send(session(Int(slot), intended, waited: false))
  }

  /// When time brings the next thing; .max: only an answer can.
  func wake(_ now: Int64) -> Int64 {
    guard isOpen else { return end > now ? min(due.first, end) : due.first }
    let last = end > now ? end : .max
    guard !free.isEmpty || cooling == count else { return min(due.first, last) }
    return min(due.first, nextIntended ?? .max, last)
  }

  /// Whether everything that was to begin has begun and ended. `drained`: late answers have had their time, and what still has no
  /// slot is to be given up.
  mutating func ending(_ now: Int64) -> Ending {
    if isOpen {
      // A plan that ends with nothing due, such as a stage of 0 rps, lasts its time: what it waits for is the target's.
      if nextIntended == nil, sessions == 0, now >= end { return .over }
      return now > end && now - end > drain ? .drained : .goesOn
    }
    if now >= end, due.count > 0 { due.removeAll() }
    if inFlight.count > 0 || due.count > 0 { return .goesOn }
    // A run by time lasts its time, also while every user thinks beyond its end.
    return end == .max || now >= end ? .over : .goesOn
  }

  /// The intended time of an arrival that will not begin any more.
  mutating func giveUp(_ now: Int64) -> Int64? {
    guard let intended = nextIntended else { return nil }
    take(now)
    return intended
  }

  /// A run that ends by count has no other end while the target is down.
  mutating func hasGivenUp(_ now: Int64) -> Bool {
    guard end == .max, cooling == count else {
      downSince = .max
      return false
    }
    downSince = min(downSince, now)
    return now - downSince > 5_000_000_000
  }

  /// How many users a ramp asks for at this moment; wakes those that come.
  mutating func adjustUsers(_ now: Int64) {
    guard profile.executor == .rampingVUs else { return }
    // The users of all loops take turns, so that each loop has its share of every level.
    let all = profile.users(at: now - start)
    let before = activeUsers
    activeUsers = min(count, all / loops + (loop < all % loops ? 1 : 0))
    guard activeUsers > before, now < end else { return }
    for slot in before..<activeUsers where (turns + slot).pointee.isParked {
      (turns + slot).pointee.isParked = false
      schedule(slot, at: turn(now), .iteration)
    }
  }

  /// The arrival in front is no longer waiting.
  mutating func take(_ now: Int64) {
    // Given up after the plan's end it was never begun.
    if now <= end { begun += 1 }
    nextIntended = arrivals?.next(skipping: loops - 1).map { $0 + start }
    if nextIntended != nil { planned += 1 }
  }

  mutating func session(_ slot: Int, _ intended: Int64, waited: Bool) -> Order {
    sessions += 1
    if keepsArrivals { begunAt.append(intended - start) }
    (turns + slot).pointee.left = sessionLength
    return iteration(slot, intended, hasLag: !waited, waited: waited)
  }

  private mutating func awake(_ slot: Int, at time: Int64, _ now: Int64) -> Order? {
    let wake = (turns + slot).pointee.wake
    (turns + slot).pointee.wake = .none
    if (turns + slot).pointee.isCooling {
      (turns + slot).pointee.isCooling = false
      cooling -= 1
    }
    switch wake {
    case .none: return nil
    case .cool: return release(slot, now)
    case .step:
      return order(slot, time, hasLag: true)
    case .iteration:
      if isOpen { return iteration(slot, time, hasLag: true, waited: false) }
      // All users begin together: only from the moment of its own send is a first request late.
      return userIteration(slot, time == start ? clock.now() : time, hasLag: time != start, now)
    }
  }

  /// A closed user's next iteration, unless the run is over for it.
  mutating func userIteration(_ slot: Int, _ intended: Int64, hasLag: Bool, _ now: Int64) -> Order? {
    guard now < end else { return nil }
    if slot >= activeUsers {
      (turns + slot).pointee.isParked = true
      return nil
    }
    if isCountedPerUser {
      guard (turns + slot).pointee.left > 0 else { return nil }
      (turns + slot).pointee.left -= 1
    } else if iterationsLeft != .max {
      guard iterationsLeft > 0 else { return nil }
      iterationsLeft -= 1
    }
    return iteration(slot, intended, hasLag: hasLag, waited: false)
  }

  mutating func iteration(_ slot: Int, _ intended: Int64, hasLag: Bool, waited: Bool) -> Order {
    let entry = draw.entry()
    (turns + slot).pointee.entry = Int32(truncatingIfNeeded: entry)
    (turns + slot).pointee.step = 0
    (turns + slot).pointee.template = scenario.entries[entry].firstTemplate
    if scenario.data != nil { (turns + slot).pointee.row = Int32(truncatingIfNeeded: draw.row(user: slot * loops + loop)) }
    return order(slot, intended, hasLag: hasLag, waited: waited, isFirst: true)
  }

  mutating func order(_ slot: Int, _ intended: Int64, hasLag: Bool, waited: Bool = false, isFirst: Bool = false) -> Order {
    inFlight.begin(at: intended)
    return Order(slot: slot, intended: intended, hasLag: hasLag, waited: waited, isFirst: isFirst)
  }

  /// A request is over, well or badly; told before `answered` or `failed`.
  ///
  /// - Returns: the part of its time that lies in the run's window.
  mutating func ended(from intended: Int64, to time: Int64) -> Int64 {
    inFlight.end(at: time)
    return inFlight.inside(from: intended, to: time)
  }

  mutating func schedule(_ slot: Int, at time: Int64, _ wake: Turn.Wake) {
    (turns + slot).pointee.wake = wake
    due.push(time, slot)
  }

  /// When a closed user may send: now, or at its turn under a cap of the rate.
  mutating func turn(_ time: Int64) -> Int64 {
    guard gap > 0, !isOpen else { return time }
    let turn = max(time, nextAllowed)
    nextAllowed = turn + gap
    return turn
  }
}

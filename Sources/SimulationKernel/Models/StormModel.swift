// The model `storm`: clients that give up and try again, before a server that stalls for a moment (day 20). Above λ(1 + retries) > μ the
// retries alone keep it overloaded after the stall is over: it works on attempts that nobody waits for any more.

import ExperimentModel
import Statistics

struct StormModel: SimulatedModel {
  let rate: Double
  let service: Law
  let workers: Int
  let timeout: Double
  let retries: Int
  /// Retries for each first attempt that clients allow themselves; nil: without a budget.
  let budget: Double?
  let backoff: Double
  let shed: Double?
  let stallAt: Double
  let stall: Double
  let horizon: Double
  let window: Double

  init(_ p: Parameters) throws(SimulationError) {
    (rate, service, workers) = (p.number("rate"), try p.law("service"), p.whole("workers"))
    (timeout, retries, budget, backoff) = (p.seconds("timeout"), p.whole("retries"), p.given("budget"), p.seconds("backoff"))
    (shed, stallAt, stall) = (p.givenSeconds("shed"), p.seconds("stall_at"), p.seconds("stall"))
    (horizon, window) = (p.seconds("horizon"), p.seconds("window"))
    guard rate > 0, timeout > 0 else { throw p.refusal("`rate` and `timeout` are above 0", "such as rate 50rps, timeout 150ms") }
    guard window > 0, window <= horizon else { throw p.refusal("`window` is \(shown(window)) s of \(shown(horizon)) s", "give a window inside the horizon") }
    guard horizon * rate * Double(1 + retries) < 1e9 else {
      throw p.refusal("up to \(shown(horizon * rate * Double(1 + retries))) attempts in `horizon`", "at most 1000000000")
    }
  }

  func replicate(seed: UInt64, index: Int, cancelled: () -> Bool) throws(SimulationError) -> Replication {
    var machine = StormMachine(self, seed: seed, replication: index)
    let end = try run(&machine, RunLimits(horizon: horizon), cancelled: cancelled)
    var found = Replication(events: end.events)
    let first = Double(machine.firstInWindow)
    found.values["goodput"] = Double(machine.goodInWindow) / window
    found.values["queue_peak"] = Double(machine.peak)
    if first > 0 {
      let share = Double(machine.goodInWindow) / first
      found.values["good_per_first_attempt"] = share
      found.values["amplification"] = Double(machine.attemptsInWindow) / first
      found.values["recovered"] = share >= 0.9 ? 1 : 0
    }
    let times = (0..<machine.bins.count).map { Double($0) * StormMachine.bin }
    let rates = (0..<machine.bins.count).map { Double(machine.bins[$0]) / StormMachine.bin }
    found.series = [SimSeries(metric: "goodput", times: times, values: rates)]
    return found
  }

  private var capacity: Double { Double(workers) / service.mean }

  var closedForm: String? {
    if isMetastable { return "λ(1 + retries) > μ: overload that feeds itself, all attempts time out" }
    return theory.isEmpty ? nil : "M/M/1: P(T ≤ timeout)"
  }

  /// Retries alone keep the server overloaded, for as long as nobody stops them. The stall must last long enough for a queue of a timeout.
  private var isMetastable: Bool {
    budget == nil && shed == nil && backoff == 0 && rate * Double(1 + retries) > 1.2 * capacity && stall > 3 * timeout
  }

  var theory: [String: Double] {
    if isMetastable { return ["good_per_first_attempt": 0, "goodput": 0, "amplification": Double(1 + retries), "recovered": 0] }
    guard retries == 0, stall == 0, shed == nil, workers == 1, service.isExponential, rate < capacity else { return [:] }
    let good = 1 - Portable.exp(-(capacity - rate) * timeout)
    return ["good_per_first_attempt": good, "goodput": rate * good, "amplification": 1]
  }
}

/// What a client is waiting for.
private struct Call: BitwiseCopyable {
  var id: UInt64
  /// When the attempt that it now waits for was sent; negative: it pauses before the next one.
  var sent: Double
  var attempt: Int32
}

/// An attempt in the server's line.
private struct Attempt: BitwiseCopyable {
  var slot: UInt32
  var attempt: Int32
  var id: UInt64
  var arrival: Double
  var service: Double
}

struct StormMachine: EventMachine, ~Copyable {
  /// Seconds of a point of the timeline.
  static let bin = 0.25
  private enum Kind { static let (arrival, done, timeout, again, stall, resume): (UInt32, UInt32, UInt32, UInt32, UInt32, UInt32) = (0, 1, 2, 3, 4, 5) }

  private let model: StormModel
  private let service: Sampler
  private var arrivals: Stream
  private var services: Stream
  private var pauses: Stream
  private var calls = Pool<Call>()
  private var working = Pool<Attempt>()
  private var line = Line<Attempt>()
  private var busy = 0
  private var isStalled = false
  private var lastID: UInt64 = 0
  /// Retries that may be sent now; grows with first attempts.
  private var tokens = 10.0
  private let windowStart: Double
  var firstInWindow = 0
  var attemptsInWindow = 0
  var goodInWindow = 0
  var peak = 0
  var bins: Slots<Int>

  init(_ model: StormModel, seed: UInt64, replication: Int) {
    self.model = model
    service = Sampler(model.service)
    arrivals = Stream(seed: seed, replication: replication, source: 0)
    services = Stream(seed: seed, replication: replication, source: 1)
    pauses = Stream(seed: seed, replication: replication, source: 2)
    windowStart = model.horizon - model.window
    bins = Slots(min(100_000, Int(model.horizon / Self.bin) + 1), 0)
  }

  mutating func start(_ agenda: inout Agenda) {
    agenda.schedule(Kind.arrival, after: arrivals.exponential() / model.rate)
    if model.stall > 0 {
      agenda.schedule(Kind.stall, at: model.stallAt)
      agenda.schedule(Kind.resume, at: model.stallAt + model.stall)
    }
  }

  mutating func handle(_ event: Event, _ agenda: inout Agenda) {
    let slot = event.what >> 3
    switch event.what & 7 {
    case Kind.arrival:
      agenda.schedule(Kind.arrival, after: arrivals.exponential() / model.rate)
      if event.time >= windowStart { firstInWindow += 1 }
      tokens = min(10, tokens + (model.budget ?? 0))
      lastID += 1
      guard let slot = calls.insert(Call(id: lastID, sent: event.time, attempt: 0)) else { return agenda.refuse("more than \(calls.count) clients wait") }
      send(slot, &agenda)
    case Kind.done:
      finish(working.remove(slot), &agenda)
      busy -= 1
      work(&agenda)
    case Kind.timeout:
      // Of an attempt that has been answered or given up since, it no longer means anything.
      guard calls[slot].sent + model.timeout == event.time else { return }
      failed(slot, &agenda)
    case Kind.again:
      calls[slot].sent = event.time
      send(slot, &agenda)
    case Kind.stall: isStalled = true
    default:
      isStalled = false
      work(&agenda)
    }
  }

  /// The current attempt of a call goes out.
  private mutating func send(_ slot: UInt32, _ agenda: inout Agenda) {
    if agenda.now >= windowStart { attemptsInWindow += 1 }
    let call = calls[slot]
    if let shed = model.shed, let oldest = line.first, agenda.now - oldest.arrival > shed {
      // Turned away at once; the client learns it at once.
      return failed(slot, &agenda)
    }
    agenda.schedule(Kind.timeout | slot << 3, at: agenda.now + model.timeout)
    let attempt = Attempt(slot: slot, attempt: call.attempt, id: call.id, arrival: agenda.now, service: service.next(&services))
    if !line.append(attempt) { return agenda.refuse("more than \(line.count) attempts wait") }
    if line.count > peak { peak = line.count }
    work(&agenda)
  }

  private mutating func work(_ agenda: inout Agenda) {
    while !isStalled, busy < model.workers, let attempt = line.popFirst() {
      busy += 1
      guard let place = working.insert(attempt) else { return agenda.refuse("more than \(working.count) attempts are worked on") }
      agenda.schedule(Kind.done | place << 3, after: attempt.service)
    }
  }

  private mutating func finish(_ attempt: Attempt, _ agenda: inout Agenda) {
    let call = calls[attempt.slot]
    // Nobody waits for it any more: the work was for nothing.
    guard call.id == attempt.id, call.attempt == attempt.attempt, call.sent == attempt.arrival else { return }
    if agenda.now >= windowStart { goodInWindow += 1 }
    let index = Int(agenda.now / Self.bin)
    if index < bins.count { bins[index] += 1 }
    close(attempt.slot)
  }

  private mutating func failed(_ slot: UInt32, _ agenda: inout Agenda) {
    let attempt = calls[slot].attempt
    guard Int(attempt) < model.retries else { return close(slot) }
    if model.budget != nil {
      guard tokens >= 1 else { return close(slot) }
      tokens -= 1
    }
    calls[slot].attempt = attempt + 1
    calls[slot].sent = -1
    // Full jitter over an exponentially growing pause.
    let longest = model.backoff * Double(1 << min(attempt, 20))
    agenda.schedule(Kind.again | slot << 3, after: longest > 0 ? longest * pauses.uniform() : 0)
  }

  private mutating func close(_ slot: UInt32) {
    calls[slot].id = 0
    calls[slot].sent = -1
    _ = calls.remove(slot)
  }
}

// The model `limiter`: a token bucket before Poisson arrivals, or before ones that come in bursts (day 22). It drops what finds no
// token, or lets it wait for one. In every run, over all of its stretches of time: let through ≤ burst + refill × time, or the run fails.

import ExperimentModel

struct LimiterModel: SimulatedModel {
  let isShaping: Bool
  let refill: Double
  let burst: Int
  let rate: Double
  /// Mean seconds with and without arrivals; nil: Poisson.
  let phases: (on: Double, off: Double)?
  let customers: Int
  let horizon: Double?

  init(_ p: Parameters) throws(SimulationError) {
    (isShaping, refill, burst, rate) = (p.word("mode") == "shape", p.number("refill"), p.whole("burst"), p.number("rate"))
    phases = p.word("arrivals") == "onoff" ? (p.seconds("on"), p.seconds("off")) : nil
    horizon = p.givenSeconds("horizon")
    customers = horizon == nil ? p.size("customers", least: 1_000) : .max
    guard refill > 0, rate > 0 else { throw p.refusal("`refill` and `rate` are above 0", "such as refill 100rps, rate 80rps") }
    if let phases, phases.on <= 0 { throw p.refusal("`on` is 0: nothing ever comes", "give a time above 0") }
    if isShaping, horizon == nil, rate >= refill {
      throw p.refusal(
        "ρ = \(shown(rate / refill)): the queue grows without bound and has no steady state", "give `horizon:`, a lower rate, or `mode: drop`")
    }
    if horizon == nil, rate / refill * Double(customers) > 4e9 {
      throw p.refusal("\(shown(rate / refill)) requests come for each that is let through", "give a lower rate, or fewer `customers`")
    }
    if let horizon, horizon * rate > 4e9 { throw p.refusal("\(shown(horizon * rate)) arrivals in `horizon`", "at most 4000000000") }
  }

  func replicate(seed: UInt64, index: Int, cancelled: () -> Bool) throws(SimulationError) -> Replication {
    var machine = LimiterMachine(self, seed: seed, replication: index)
    let end = try run(&machine, RunLimits(horizon: horizon ?? .infinity), cancelled: cancelled)
    guard machine.excessMost <= Double(burst) + 1e-3 else {
      throw SimulationError(cause: "the bucket let \(shown(machine.excessMost)) more through than its rate allows, above its burst of \(burst)")
    }
    var found = Replication(events: end.events)
    let time = min(end.time, horizon ?? .infinity) - machine.began
    guard machine.offered > 0, time > 0 else { return found }
    found.values = [
      "rate": Double(machine.allowed) / time, "shed_share": Double(machine.offered - machine.allowed) / Double(machine.offered),
      "burst_peak": machine.excessMost,
    ]
    if isShaping, let mean = machine.delays.mean {
      found.values["mean"] = mean * 1e9
      found.values["waiting_share"] = Double(machine.waited) / Double(machine.allowed)
      // Who did not wait is counted in the lowest bucket, which ends at 2⁻³⁴ s.
      for (name, q) in responseQuantiles {
        let delay = machine.delays.quantile(q)
        found.values[name] = delay <= 0x1p-34 ? 0 : delay * 1e9
      }
    }
    return found
  }

  // MARK: Theory

  var closedForm: String? {
    guard horizon == nil, phases == nil else { return nil }
    if isShaping { return burst == 1 ? "M/D/1" : "M/D/1, \(burst - 1) services early, exact" }
    return "M/D/1 with its work bounded by the burst, exact"
  }

  var theory: [String: Double] {
    guard horizon == nil, phases == nil else { return [:] }
    let load = rate / refill
    if isShaping {
      let delay = bucketDelay(load: load, burst: burst)
      return ["rate": rate, "shed_share": 0, "mean": delay.mean / refill * 1e9, "waiting_share": delay.waitingShare]
    }
    let allowed = bucketAllowedShare(load: load, burst: burst)
    return ["rate": rate * allowed, "shed_share": 1 - allowed]
  }
}

/// One event a request: when it leaves is known when it comes, because nothing overtakes.
struct LimiterMachine: EventMachine, ~Copyable {
  private let model: LimiterModel
  private var arrivals: Stream
  private var phases: Stream
  private let warmUp: Int
  /// Seconds of the present burst of arrivals that are left.
  private var onLeft = 0.0
  /// At `last`, the time at which the last request was let through.
  private var tokens: Double
  private var last = 0.0
  private var seen = 0
  /// Of counted requests: that came, that were let through, that waited.
  /// The same stream of requests by another count, which knows nothing of tokens: most let through in a stretch that ends now, less refill × time.
  private var excess = 0.0
  private(set) var excessMost = 0.0
  var offered = 0
  var allowed = 0
  var waited = 0
  var delays = Tally()
  var began = 0.0

  init(_ model: LimiterModel, seed: UInt64, replication: Int) {
    self.model = model
    arrivals = Stream(seed: seed, replication: replication, source: 0)
    phases = Stream(seed: seed, replication: replication, source: 1)
    tokens = Double(model.burst)
    // The full bucket of the beginning is used up, or forgotten, by twice as many requests.
    warmUp = model.horizon == nil ? max(model.customers / 10, 2 * model.burst) : 0
    if let phases = model.phases { onLeft = phases.on * self.phases.exponential() }
  }

  mutating func start(_ agenda: inout Agenda) { agenda.schedule(0, after: gap()) }

  @inline(__always) private mutating func gap() -> Double {
    let gap = arrivals.exponential() / model.rate
    guard let (on, off) = model.phases else { return gap }
    // As much of the time with arrivals as the higher rate in it needs, and the pauses between.
    var (need, time) = (gap * on / (on + off), 0.0)
    while need > onLeft {
      need -= onLeft
      time += onLeft + off * phases.exponential()
      onLeft = on * phases.exponential()
    }
    onLeft -= need
    return time + need
  }

  @inline(__always) mutating func handle(_ event: Event, _ agenda: inout Agenda) {
    agenda.schedule(0, after: gap())
    let isCounted = seen >= warmUp
    if isCounted { offered &+= 1 }
    // Who comes while others wait is behind them.
    let start = max(event.time, last)
    let there = min(Double(model.burst), tokens + (start - last) * model.refill)
    var leave = start
    if there >= 1 {
      tokens = there - 1
    } else if model.isShaping {
      leave = start + (1 - there) / model.refill
      tokens = 0
    } else {
      return
    }
    excess = max(0, excess - (leave - last) * model.refill) + 1
    if excess > excessMost { excessMost = excess }
    last = leave
    // Counted by those that are let through: of a hundred times too many the bucket sees few.
    seen &+= 1
    if seen == warmUp { began = event.time }
    guard isCounted else { return }
    // Of a horizon only what left within it.
    if let horizon = model.horizon, leave > horizon { return }
    allowed &+= 1
    delays.record(leave - event.time)
    if leave > event.time { waited &+= 1 }
    if allowed == model.customers { agenda.stop() }
  }
}

// The model `batcher`: requests of different length share the slots of an accelerator that makes one token in each slot at every
// step (day 24). Static: a batch is full of what waits, and ends with its longest. Continuous: whoever ends makes room at once.

import ExperimentModel

struct BatcherModel: SimulatedModel {
  let isContinuous: Bool
  let slots: Int
  /// Seconds of a request alone: tokens times the length of a step.
  let length: Law
  let step: Double
  /// nil: saturated, somebody always waits.
  let rate: Double?
  let customers: Int

  init(_ p: Parameters) throws(SimulationError) {
    isContinuous = p.word("scheduler") == "continuous"
    slots = p.whole("slots")
    step = p.seconds("step")
    guard step > 0 else { throw p.refusal("`step` is 0", "give a time above 0") }
    length = try p.law("tokens", mean: p.number("tokens") * step)
    rate = p.given("rate")
    customers = p.size("customers", least: 1_000)
    guard let rate else { return }
    guard rate > 0 else { throw p.refusal("the arrival rate is 0", "give a rate above 0, or none for saturation") }
    // What a static batch loses is known for exponential lengths; for others the line refuses when it is full.
    let capacity = Double(slots) / length.mean / (isContinuous || !length.isExponential ? 1 : harmonic(slots))
    if rate >= capacity {
      throw p.refusal("ρ = \(shown(rate / capacity)): the queue grows without bound", "give less than \(shown(capacity)) requests a second, or no `rate` for saturation")
    }
  }

  func replicate(seed: UInt64, index: Int, cancelled: () -> Bool) throws(SimulationError) -> Replication {
    var machine = BatcherMachine(self, seed: seed, replication: index)
    let end = try run(&machine, cancelled: cancelled)
    var found = Replication(events: end.events)
    let time = end.time - machine.began
    guard let mean = machine.sojourn.mean, time > 0 else { return found }
    found.values["tokens_per_second"] = machine.worked / step / time
    found.values["utilisation"] = machine.worked / (time * Double(slots))
    if rate != nil {
      found.values["mean"] = mean * 1e9
      for (name, q) in responseQuantiles { found.values[name] = machine.sojourn.quantile(q) * 1e9 }
    }
    return found
  }

  var closedForm: String? {
    if rate == nil { return isContinuous ? "a token in each slot at each step" : length.isExponential ? "a token in each slot at each step, over H of the slots" : nil }
    return isContinuous && length.isExponential ? "M/M/\(slots) (Erlang C)" : nil
  }

  var theory: [String: Double] {
    guard let rate else {
      guard isContinuous || length.isExponential else { return [:] }
      let used = isContinuous ? 1 : 1 / harmonic(slots)
      return ["tokens_per_second": Double(slots) / step * used, "utilisation": used]
    }
    guard isContinuous, length.isExponential else { return [:] }
    var known = [
      "mean": (mmcWait(servers: slots, arrivalRate: rate, serviceRate: 1 / length.mean) + length.mean) * 1e9,
      "tokens_per_second": rate * length.mean / step, "utilisation": rate * length.mean / Double(slots),
    ]
    for (name, q) in responseQuantiles { known[name] = mmcSojourn(quantile: q, servers: slots, arrivalRate: rate, serviceRate: 1 / length.mean) * 1e9 }
    return known
  }
}

/// H_n = 1 + ½ + … + 1/n: the longest of n exponential lengths over their mean, so what a static batch of n loses.
public func harmonic(_ n: Int) -> Double { (1...max(1, n)).reduce(0) { $0 + 1 / Double($1) } }

struct BatcherMachine: EventMachine, ~Copyable {
  private static let arrival: UInt32 = 0
  /// Continuous: one request has ended; static: the batch has.
  private static let end: UInt32 = 1

  private let isContinuous: Bool
  private let slots: Int
  private let gap: Double?
  private let length: Sampler
  private let customers: Int
  private let warmUp: Int
  private var arrivals: Stream
  private var lengths: Stream
  private var line = Line<Job>()
  private var busy = 0
  private var batch = Line<Job>()
  private var done = 0
  var sojourn = Tally()
  /// Slot-seconds of work that ended, after the warm-up.
  var worked = 0.0
  var began = 0.0

  init(_ model: BatcherModel, seed: UInt64, replication: Int) {
    (isContinuous, slots, gap, customers) = (model.isContinuous, model.slots, model.rate.map { 1 / $0 }, model.customers)
    length = Sampler(model.length)
    // A queue at this load forgets its start in a few hundred requests; a tenth is more.
    warmUp = model.customers / 10
    arrivals = Stream(seed: seed, replication: replication, source: 0)
    lengths = Stream(seed: seed, replication: replication, source: 1)
  }

  mutating func start(_ agenda: inout Agenda) {
    if let gap { agenda.schedule(Self.arrival, after: gap * arrivals.exponential()) } else { fill(&agenda) }
  }

  mutating func handle(_ event: Event, _ agenda: inout Agenda) {
    if event.what == Self.arrival, let gap {
      agenda.schedule(Self.arrival, after: gap * arrivals.exponential())
      if !line.append(Job(arrival: event.time, service: length.next(&lengths))) { agenda.refuse("more than \(line.count) requests wait") }
    } else if isContinuous {
      busy -= 1
    } else {
      // All answers of a static batch leave together.
      while let job = batch.popFirst() { finish(job, at: event.time, &agenda) }
      busy = 0
    }
    fill(&agenda)
  }

  private mutating func fill(_ agenda: inout Agenda) {
    guard isContinuous || busy == 0 else { return }
    var longest = 0.0
    while busy < slots, let job = gap == nil ? Job(arrival: agenda.now, service: length.next(&lengths)) : line.popFirst() {
      busy += 1
      if isContinuous {
        agenda.schedule(Self.end, after: job.service)
        finish(job, at: agenda.now + job.service, &agenda)
      } else {
        longest = max(longest, job.service)
        _ = batch.append(job)
      }
    }
    if !isContinuous, busy > 0 { agenda.schedule(Self.end, after: longest) }
  }

  private mutating func finish(_ job: Job, at end: Double, _ agenda: inout Agenda) {
    done += 1
    guard done > warmUp else {
      if done == warmUp { began = agenda.now }
      return
    }
    sojourn.record(end - job.arrival)
    worked += job.service
    if done - warmUp == customers { agenda.stop() }
  }
}

// The model `serverless`: an instance for each request that finds no idle one, kept for a while after its last one (day 18).
//
//   request ── idle one kept? ── yes: the last that came back ──> service
//                  └── no: a new one ── cold start ────────────> service ── idle ── `keep_alive` later it is gone

import ExperimentModel

struct ServerlessModel: SimulatedModel {
  let rate: Double
  let service: Law
  let cold: Double
  let coldBilled: Double
  let keepAlive: Double
  let limit: Int?
  /// USD of a millisecond, of a request, and of what is always on a second.
  let priceMillisecond: Double
  let priceRequest: Double
  let priceAlwaysOn: Double
  let customers: Int

  /// Seconds until an instance of the empty beginning is forgotten.
  var settling: Double { keepAlive + 10 * (service.mean + cold) }
  var warmUp: Int { Int(rate * settling) }

  init(_ p: Parameters) throws(SimulationError) {
    (rate, service, cold, coldBilled) = (p.number("rate"), try p.law("service"), p.seconds("cold"), p.number("cold.billed"))
    (keepAlive, limit, customers) = (p.seconds("keep_alive"), p.given("limit").map { Int($0) }, p.size("customers", least: 1_000))
    priceMillisecond = p.number("memory") / 1_073_741_824 * p.number("price.gb_second") / 1_000
    priceRequest = p.number("price.request")
    guard rate > 0, rate < 1e9 else { throw p.refusal("the arrival rate is \(shown(rate)) a second", "give a rate above 0") }
    let busy = rate * service.mean
    let always = max(1, (busy / (Double(p.whole("instance.slots")) * p.number("instance.utilisation")) - 1e-9).rounded(.up))
    priceAlwaysOn = always * p.number("instance.price") / 3_600
    guard rate * (service.mean + cold) < 1e6 || limit != nil else {
      throw p.refusal("\(shown(rate * (service.mean + cold))) requests would be served at one time", "at most 1000000: give a lower rate, or a `limit:`")
    }
    guard rate * settling <= 1e8 else {
      throw p.refusal("\(shown(rate * settling)) requests come before the first idle instance is forgotten", "at most 100000000: give a shorter `keep_alive`")
    }
  }

  func replicate(seed: UInt64, index: Int, cancelled: () -> Bool) throws(SimulationError) -> Replication {
    var machine = ServerlessMachine(self, seed: seed, replication: index)
    let end = try run(&machine, cancelled: cancelled)
    machine.close(at: end.time)
    var found = Replication(events: end.events)
    let time = end.time - machine.began
    guard machine.offered > 0, time > 0 else { return found }
    found.values = [
      "shed_share": Double(machine.shed) / Double(machine.offered), "instances": (machine.busyArea + machine.idleArea) / time,
      "in_flight": machine.busyArea / time,
    ]
    guard let mean = machine.responses.mean else { return found }
    let accepted = Double(machine.responses.count)
    let cost = machine.milliseconds * priceMillisecond + accepted * priceRequest
    found.values["cold_share"] = Double(machine.started) / accepted
    found.values["mean"] = mean * 1e9
    found.values["rate"] = accepted / time
    found.values["per_million"] = cost / accepted * 1e6
    if priceAlwaysOn > 0 { found.values["cost_index"] = cost / time / priceAlwaysOn }
    for (name, q) in responseQuantiles { found.values[name] = machine.responses.quantile(q) * 1e9 }
    return found
  }

  // MARK: Theory

  var closedForm: String? { prediction?.name }
  var theory: [String: Double] { prediction?.values ?? [:] }

  private var prediction: Prediction? {
    if limit == 1 { return alone }
    // With a start that takes time the requests that find nobody idle hold an instance longer, and no known queue is left.
    guard cold == 0 else { return nil }
    let offered = rate * service.mean
    let shed = limit.map { erlangB(servers: $0, offered: offered) } ?? 0
    var known = ["shed_share": shed, "in_flight": offered * (1 - shed), "rate": rate * (1 - shed), "mean": service.mean * 1e9]
    addCost(coldShare: 0, &known)
    let name = limit.map { "M/G/\($0)/\($0) (Erlang B)" } ?? "M/G/∞"
    guard service.isExponential, let found = idleStack(rate: rate, serviceMean: service.mean, keepAlive: keepAlive, limit: limit) else {
      return Prediction(name, known)
    }
    known["cold_share"] = found.coldShare
    known["instances"] = found.instances
    return Prediction("\(name), idle instances as a stack of passage times", known)
  }

  /// One instance: a renewal process, whatever the law of service. The pause before a request that is accepted has no memory.
  private var alone: Prediction {
    let coldShare = Portable.exp(-rate * keepAlive)
    let busy = service.mean + coldShare * cold
    let cycle = 1 / rate + busy
    var known = [
      "cold_share": coldShare, "mean": busy * 1e9, "shed_share": busy / cycle, "in_flight": busy / cycle, "rate": 1 / cycle,
      "instances": (busy + (1 - coldShare) / rate) / cycle,
    ]
    addCost(coldShare: coldShare, &known)
    return Prediction("one instance: exp(−λ·keep_alive) starts, M/G/1/1", known)
  }

  private func addCost(coldShare: Double, _ known: inout [String: Double]) {
    guard let warm = billed(0), let started = billed(cold * coldBilled * 1_000), let rate = known["rate"] else { return }
    let cost = (warm * (1 - coldShare) + started * coldShare) * priceMillisecond + priceRequest
    known["per_million"] = cost * 1e6
    if priceAlwaysOn > 0 { known["cost_index"] = cost * rate / priceAlwaysOn }
  }

  /// Mean of the milliseconds that are paid, rounded up, with whole ones before; known for two laws.
  private func billed(_ before: Double) -> Double? {
    switch service {
    case .constant(let time): (time * 1_000 + before - 1e-9).rounded(.up)
    case .exponential(let mean) where before == before.rounded(): before + 1 / (1 - Portable.exp(-1 / (mean * 1_000)))
    default: nil
    }
  }
}

struct ServerlessMachine: EventMachine, ~Copyable {
  private static let (arrival, departure): (UInt32, UInt32) = (0, 1)

  private let model: ServerlessModel
  private let service: Sampler
  private let room: Int
  private var arrivals: Stream
  private var services: Stream
  /// When each idle instance came back; the last one is taken first, so that when it is too old all are.
  private var idle = Line<Double>()
  private var busy = 0
  private var lastTime = 0.0
  private var isCounting = false
  var responses = Tally()
  var offered = 0
  var shed = 0
  var started = 0
  var milliseconds = 0.0
  /// ∫ busy instances dt and ∫ idle ones that are kept dt, since `began`.
  var busyArea = 0.0
  var idleArea = 0.0
  var began = 0.0

  init(_ model: ServerlessModel, seed: UInt64, replication: Int) {
    self.model = model
    service = Sampler(model.service)
    room = model.limit ?? .max
    arrivals = Stream(seed: seed, replication: replication, source: 0)
    services = Stream(seed: seed, replication: replication, source: 1)
  }

  mutating func start(_ agenda: inout Agenda) { agenda.schedule(Self.arrival, after: arrivals.exponential() / model.rate) }

  @inline(__always) mutating func handle(_ event: Event, _ agenda: inout Agenda) {
    busyArea += Double(busy) * (event.time - lastTime)
    lastTime = event.time
    guard event.what == Self.arrival else {
      busy &-= 1
      if model.keepAlive > 0, !idle.append(event.time) { agenda.refuse("more than \(idle.count) instances are idle") }
      return
    }
    if offered == model.customers { return agenda.stop() }
    agenda.schedule(Self.arrival, after: arrivals.exponential() / model.rate)
    if !isCounting, event.time >= model.settling { (isCounting, began, busyArea, idleArea) = (true, event.time, 0, 0) }
    let work = service.next(&services)
    if isCounting { offered &+= 1 }
    if busy >= room {
      if isCounting { shed &+= 1 }
      return
    }
    busy &+= 1
    let isCold = !takeIdle(at: event.time)
    let time = isCold ? model.cold + work : work
    agenda.schedule(Self.departure, after: time)
    guard isCounting else { return }
    responses.record(time)
    if isCold { started &+= 1 }
    milliseconds += ((work + (isCold ? model.cold * model.coldBilled : 0)) * 1_000 - 1e-9).rounded(.up)
  }

  /// - Returns: false when none is idle that is still kept.
  @inline(__always) private mutating func takeIdle(at now: Double) -> Bool {
    guard let since = idle.popLast() else { return false }
    idleArea += kept(since, until: now)
    if now - since <= model.keepAlive { return true }
    while let since = idle.popLast() { idleArea += kept(since, until: now) }
    return false
  }

  private func kept(_ since: Double, until now: Double) -> Double { max(0, min(now, since + model.keepAlive) - max(since, began)) }

  mutating func close(at end: Double) { while let since = idle.popLast() { idleArea += kept(since, until: end) } }
}

// The model `queue` (and `mm1`): G/G/c/K in five orders of service, with the closed form of its special cases.

import ExperimentModel
import Statistics

struct QueueModel: SimulatedModel {
  enum Order: String { case fifo, lifo, sharing, priority, shortest }

  let service: Law
  let between: Law
  let servers: Int
  let room: Int
  let order: Order
  let urgentShare: Double
  let horizon: Double?
  let customers: Int
  private(set) var warmUp = 0
  var arrivalRate: Double { 1 / between.mean }
  /// Of one server, if it could serve all.
  var load: Double { service.mean / between.mean / Double(servers) }

  init(_ p: Parameters) throws(SimulationError) {
    service = try p.law("service")
    let isMM1 = p.model.name == "mm1"
    servers = isMM1 ? 1 : p.whole("c")
    order = isMM1 ? .fifo : Order(rawValue: p.word("order")) ?? .fifo
    room = isMM1 ? .max : p.given("limit").map { Int($0) } ?? .max
    urgentShare = order == .priority ? p.number("urgent_share") : 0
    if p.given("rho") != nil, p.given("rate") != nil { throw p.refusal("both `rho` and `rate` are given", "leave one of them out") }
    let rate = p.given("rate") ?? (p.given("rho") ?? 0.8) * Double(servers) / service.mean
    guard rate > 0, rate < 1e12 else { throw p.refusal("the arrival rate is \(shown(rate)) a second", "give a rate above 0") }
    between = isMM1 ? .exponential(mean: 1 / rate) : try p.law("arrivals", mean: 1 / rate)
    horizon = p.givenSeconds("horizon")
    guard room >= servers else { throw p.refusal("`limit` is \(room), less than the \(servers) servers", "the limit counts who is served too") }
    customers = horizon == nil ? p.size("customers", least: 1_000) : .max
    if horizon == nil, room == .max, load >= 1 {
      throw p.refusal("ρ = \(shown(load)): the queue grows without bound and has no steady state", "give `horizon:` to see how it grows, or `limit:`")
    }
    if let horizon, horizon * rate > 4e9 { throw p.refusal("\(shown(horizon * rate)) arrivals in `horizon`", "at most 4000000000") }
  }

  // MARK: Runs

  mutating func prepare(seed: UInt64, replications: Int, cancelled: () -> Bool) throws(SimulationError) {
    guard horizon == nil else { return }
    warmUp = try SimulationKernel.warmUp(customers: customers, most: 1_000_000, replications: replications) { index, sample, step throws(SimulationError) in
      try pass(seed, index, customers: sample, warmUp: 0, step: step, cancelled).series.first?.values ?? []
    }
  }

  func replicate(seed: UInt64, index: Int, cancelled: () -> Bool) throws(SimulationError) -> Replication {
    try pass(seed, index, customers: customers, warmUp: warmUp, step: 0, cancelled)
  }

  private func pass(_ seed: UInt64, _ index: Int, customers: Int, warmUp: Int, step: Int, _ cancelled: () -> Bool) throws(SimulationError) -> Replication {
    switch order {
    case .fifo: try pass(FirstInFirstOut.self, seed, index, customers, warmUp, step, cancelled)
    case .lifo: try pass(LastInFirstOut.self, seed, index, customers, warmUp, step, cancelled)
    case .priority: try pass(PriorityOrder.self, seed, index, customers, warmUp, step, cancelled)
    case .shortest: try pass(ShortestFirst.self, seed, index, customers, warmUp, step, cancelled)
    case .sharing: try passSharing(seed, index, customers, warmUp, step, cancelled)
    }
  }

  /// Generic, so that the whole loop is compiled for the order.
  private func pass<W: WaitingLine & ~Copyable>(
    _ order: W.Type, _ seed: UInt64, _ index: Int, _ customers: Int, _ warmUp: Int, _ step: Int, _ cancelled: () -> Bool
  ) throws(SimulationError) -> Replication {
    var machine = QueueMachine<W>(self, seed: seed, replication: index, customers: customers, warmUp: warmUp, seriesStep: step)
    let end = try run(&machine, RunLimits(horizon: horizon ?? .infinity), cancelled: cancelled)
    return summary(machine.record, end)
  }

  private func passSharing(
    _ seed: UInt64, _ index: Int, _ customers: Int, _ warmUp: Int, _ step: Int, _ cancelled: () -> Bool
  ) throws(SimulationError) -> Replication {
    var machine = SharingMachine(self, seed: seed, replication: index, customers: customers, warmUp: warmUp, seriesStep: step)
    let end = try run(&machine, RunLimits(horizon: horizon ?? .infinity), cancelled: cancelled)
    return summary(machine.record, end)
  }

  private func summary(_ record: borrowing QueueRecord, _ end: RunEnd) -> Replication {
    var run = Replication(events: end.events)
    if !record.series.isEmpty { run.series = [SimSeries(metric: "mean", times: [], values: record.series)] }
    let n = Double(record.sojourn.count)
    guard let mean = record.sojourn.mean else { return run }
    let time = min(end.time, horizon ?? .infinity) - record.began
    run.values = [
      "mean": mean * 1e9, "queue_wait": record.waitSum / n * 1e9,
    ]
    // Who shares a server is served at once, and waits all the same.
    if order != .sharing { run.values["waiting_share"] = Double(record.waited) / n }
    for (name, q) in responseQuantiles { run.values[name] = record.sojourn.quantile(q) * 1e9 }
    if record.arrived > 0 { run.values["shed_share"] = Double(record.blocked) / Double(record.arrived) }
    if record.urgent > 0 { run.values["urgent_wait"] = record.urgentWait / Double(record.urgent) * 1e9 }
    if time > 0 {
      run.values["utilisation"] = min(1, record.serviceSum / (time * Double(servers)))
      run.values["in_flight"] = record.area / time
      run.values["rate"] = n / time
    }
    return run
  }

  // MARK: Theory

  var closedForm: String? { horizon == nil ? prediction.name : nil }
  var theory: [String: Double] { horizon == nil ? prediction.values : [:] }

  private var prediction: (name: String, values: [String: Double]) {
    let (mean, c, rate) = (service.mean, servers, arrivalRate)
    var known: [String: Double] = [:]
    func fill(wait: Double) {
      known["queue_wait"] = wait * 1e9
      known["mean"] = (wait + mean) * 1e9
      known["in_flight"] = rate * (wait + mean)
      known["utilisation"] = load
      known["rate"] = rate
    }
    let isPoisson = between.isExponential
    if room < .max {
      if isPoisson, service.isExponential, order != .shortest {
        let p = MMcK(servers: c, room: room, offered: rate * mean)
        let kept = rate * (1 - p.blocked)
        known["shed_share"] = p.blocked
        known["in_flight"] = p.inside
        known["rate"] = kept
        known["utilisation"] = kept * mean / Double(c)
        known["mean"] = p.inside / kept * 1e9
        known["queue_wait"] = (p.inside / kept - mean) * 1e9
        if order != .sharing { known["waiting_share"] = p.waits }
        return ("M/M/c/K", known)
      }
      guard isPoisson, room == servers else { return ("no closed form", [:]) }
      let blocked = erlangB(servers: c, offered: rate * mean)
      known = ["shed_share": blocked, "rate": rate * (1 - blocked), "in_flight": rate * mean * (1 - blocked), "queue_wait": 0, "mean": mean * 1e9]
      return ("Erlang B", known)
    }
    if isPoisson, service.isExponential, order != .shortest {
      let wait = mmcWait(servers: c, arrivalRate: rate, serviceRate: 1 / mean)
      fill(wait: wait)
      if order != .sharing { known["waiting_share"] = erlangC(servers: c, offered: rate * mean) }
      if order == .fifo {
        for (name, q) in responseQuantiles { known[name] = mmcSojourn(quantile: q, servers: c, arrivalRate: rate, serviceRate: 1 / mean) * 1e9 }
      }
      // Cobham 1954: whom the urgent wait for is who is served, and the urgent before them.
      if order == .priority { known["urgent_wait"] = wait * (1 - load) / (1 - urgentShare * load) * 1e9 }
      return (c == 1 ? "M/M/1" : "M/M/\(c) (Erlang C)", known)
    }
    if isPoisson, c == 1, service.squaredVariation.isFinite {
      let wait = mg1Wait(utilisation: load, serviceMean: mean, squaredVariation: service.squaredVariation)
      switch order {
      case .sharing:
        fill(wait: load * mean / (1 - load))
        return ("M/G/1 with sharing: E[S]/(1 − ρ)", known)
      case .shortest:
        guard service.isExponential else { return ("no closed form", [:]) }
        fill(wait: shortestFirstWait(arrivalRate: rate, serviceMean: mean))
        return ("M/M/1, shortest first (Phipps)", known)
      default:
        fill(wait: wait)
        known["waiting_share"] = load
        if order == .priority { known["urgent_wait"] = wait * (1 - load) / (1 - urgentShare * load) * 1e9 }
        return ("M/G/1 (Pollaczek–Khinchine)", known)
      }
    }
    guard order != .sharing, order != .shortest, service.squaredVariation.isFinite, between.squaredVariation.isFinite else { return ("no closed form", [:]) }
    fill(
      wait: kingmanWait(
        servers: c, arrivalRate: rate, serviceMean: mean, arrivalVariation: between.squaredVariation, serviceVariation: service.squaredVariation))
    return ("Kingman’s approximation", known)
  }
}

/// Quantiles of response times that a queue shows.
let responseQuantiles: [(name: String, q: Double)] = [("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99), ("p999", 0.999)]

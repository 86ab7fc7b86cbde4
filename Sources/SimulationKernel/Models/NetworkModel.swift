// The model `network`: up to four stations in a row, each a queue of its own, with a way back from the last to the first. Open: customers
// come from outside and leave. Closed: a number of users who wait for their answer, think, and ask again (days 3 and 4).

import ExperimentModel
import Statistics

struct NetworkModel: SimulatedModel {
  struct Station {
    let name: String
    let servers: Int
    let service: Law
  }

  let stations: [Station]
  /// Of an open network; nil: closed.
  let rate: Double?
  let users: Int
  /// nil: nobody thinks.
  let think: Law?
  let feedback: Double
  let horizon: Double?
  let customers: Int
  private(set) var warmUp = 0
  private var prediction: (name: String, values: [String: Double])?

  /// How often a customer passes each station, in the mean.
  var visits: Double { 1 / (1 - feedback) }
  /// Seconds of service that a customer asks of a station, over its servers.
  func load(_ station: Station) -> Double { visits * station.service.mean / Double(station.servers) }
  /// The station with the least capacity.
  var bottleneck: Int { stations.indices.reduce(0) { load(stations[$1]) > load(stations[$0]) ? $1 : $0 } }

  init(_ p: Parameters) throws(SimulationError) {
    stations = try Self.stations(p)
    feedback = p.number("feedback")
    guard feedback < 1 else { throw p.refusal("`feedback` is 1: nobody would ever leave", "give a share below 1") }
    if p.given("rate") != nil, p.given("users") != nil {
      throw p.refusal("both `rate` and `users` are given", "leave one out: a rate makes the network open, users make it closed")
    }
    users = Int(p.given("users") ?? 0)
    rate = users > 0 ? nil : p.given("rate") ?? 50
    think = p.seconds("think") > 0 ? try p.law("think") : nil
    horizon = p.givenSeconds("horizon")
    customers = horizon == nil ? p.size("customers", least: 1_000) : .max
    try check(p)
    // The closed form of many users costs as much as a replication: it is computed once.
    prediction = horizon == nil ? closedForms : nil
  }

  private static func stations(_ p: Parameters) throws(SimulationError) -> [Station] {
    var found: [Station] = []
    for name in ["s1", "s2", "s3", "s4"] {
      let mean = name == "s1" || name == "s2" ? p.seconds("\(name).service") : p.givenSeconds("\(name).service") ?? 0
      if mean == 0 {
        if name == "s1" { throw p.refusal("`s1.service` is 0", "give a time above 0") }
        continue
      }
      found.append(Station(name: name, servers: p.whole("\(name).c"), service: try p.law("\(name).service", mean: mean)))
    }
    return found
  }

  private func check(_ p: Parameters) throws(SimulationError) {
    guard let rate else { return }
    guard rate > 0, rate < 1e12 else { throw p.refusal("the arrival rate is \(shown(rate)) a second", "give a rate above 0") }
    if horizon == nil {
      for station in stations where rate * load(station) >= 1 {
        throw p.refusal(
          "ρ = \(shown(rate * load(station))) at `\(station.name)`: its queue grows without bound and has no steady state",
          "give `horizon:` to see how it grows, a lower `rate:`, or more servers, `\(station.name).c:`")
      }
    }
    if let horizon, horizon * rate > 4e9 { throw p.refusal("\(shown(horizon * rate)) arrivals in `horizon`", "at most 4000000000") }
  }

  mutating func prepare(seed: UInt64, replications: Int, cancelled: () -> Bool) throws(SimulationError) {
    guard horizon == nil else { return }
    warmUp = try SimulationKernel.warmUp(customers: customers, most: 500_000, replications: replications) { index, sample, step throws(SimulationError) in
      var machine = NetworkMachine(self, seed: seed, replication: index, customers: sample, warmUp: 0, step: step)
      _ = try run(&machine, cancelled: cancelled)
      return machine.course
    }
  }

  func replicate(seed: UInt64, index: Int, cancelled: () -> Bool) throws(SimulationError) -> Replication {
    var machine = NetworkMachine(self, seed: seed, replication: index, customers: customers, warmUp: warmUp, step: 0)
    let end = try run(&machine, RunLimits(horizon: horizon ?? .infinity), cancelled: cancelled)
    var found = Replication(events: end.events)
    let last = horizon ?? end.time
    let time = last - machine.began
    guard let mean = machine.sojourn.mean, time > 0 else { return found }
    machine.settle(last)
    found.values = ["mean": mean * 1e9, "rate": Double(machine.sojourn.count) / time, "in_flight": machine.insideArea / time]
    for (name, q) in responseQuantiles { found.values[name] = machine.sojourn.quantile(q) * 1e9 }
    found.values["utilisation"] = min(1, machine.stations[bottleneck].busyArea / (time * Double(stations[bottleneck].servers)))
    found.values["rate_bound"] = rounded(rateBound)
    return found
  }

  // MARK: Theory

  var closedForm: String? { prediction?.name }
  var theory: [String: Double] { prediction?.values ?? [:] }
}

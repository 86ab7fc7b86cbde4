// The model `disk`: operations on a disk with a head, or on one with channels (day 15).
//
//   closed: `depth` operations are always there, each begun again when it ends (after a thought)   open: Poisson arrivals at `rate`
//   hdd: way of the head + part of a turn + transfer, one at a time     ssd: `channels` operations at a time
//   commits: each with its flush, or all that wait share one

import ExperimentModel

struct DiskModel: SimulatedModel {
  enum Scheduler: String { case fifo, shortest, elevator }
  enum Commit: String { case none, each, group }

  let isSSD: Bool
  let isRandom: Bool
  let scheduler: Scheduler
  let commit: Commit
  let depth: Int
  let think: Double
  /// nil: closed.
  let rate: Double?
  let channels: Int
  let seek: SeekCurve
  let turn: Double
  let transfer: Double
  let service: Law
  let flush: Double
  let customers: Int
  let horizon: Double?
  /// Computed once: a chain of flushes is a long sum.
  private var prediction: Prediction?

  /// Mean and variance of an operation alone, without a flush; of an hdd served in order of arrival.
  var alone: (mean: Double, variance: Double) {
    if isSSD { return (service.mean + transfer, service.squaredVariation * service.mean * service.mean) }
    return isRandom ? (seek.mean + turn / 2 + transfer, seek.variance + turn * turn / 12) : (transfer, 0)
  }

  init(_ p: Parameters) throws(SimulationError) {
    (isSSD, isRandom) = (p.word("device") == "ssd", p.word("pattern") == "random")
    scheduler = isSSD ? .fifo : Scheduler(rawValue: p.word("scheduler")) ?? .fifo
    commit = Commit(rawValue: p.word("commit")) ?? .none
    (depth, think, rate) = (p.whole("depth"), p.seconds("think"), p.given("rate"))
    // A log has one end.
    channels = isSSD && commit == .none ? p.whole("channels") : 1
    seek = SeekCurve(least: p.seconds("settle"), mean: p.seconds("seek"))
    turn = 60 / p.number("rpm")
    let (block, bandwidth) = (p.number("block"), p.given("bandwidth") ?? (isSSD ? .infinity : 200 * 1_048_576))
    transfer = block / bandwidth
    service = try p.law("service")
    flush = commit == .none ? 0 : p.seconds("flush")
    horizon = p.givenSeconds("horizon")
    customers = horizon == nil ? p.size("customers", least: 1_000) : .max
    guard block > 0, bandwidth > 0 else { throw p.refusal("`block` and `bandwidth` are above 0", "such as block 4KiB, bandwidth 200MiB") }
    guard seek.mean >= seek.least else {
      throw p.refusal("`seek` is \(shown(seek.mean)) s, less than `settle`, \(shown(seek.least)) s", "the mean way is longer than the shortest")
    }
    guard alone.mean.isFinite, alone.mean > 0 else { throw p.refusal("an operation takes no time", "give a `service` above 0") }
    try checkRate(p)
    guard horizon == nil else { return }
    if let rate { prediction = openPrediction(rate) } else { prediction = closedPrediction }
  }

  private func checkRate(_ p: Parameters) throws(SimulationError) {
    guard let rate else { return }
    guard rate > 0 else { throw p.refusal("the rate is 0", "give a rate above 0, or none for a closed queue of `depth`") }
    if horizon == nil, rate >= capacity {
      throw p.refusal(
        "ρ = \(shown(rate / capacity)): the queue grows without bound and has no steady state",
        "give `horizon:`, or less than \(shown(capacity)) operations a second")
    }
    if let horizon, horizon * rate > 1e9 { throw p.refusal("\(shown(horizon * rate)) operations in `horizon`", "at most 1000000000") }
  }

  /// Operations a second that the disk does when many wait; of a scheduler that chooses its way no more than with the shortest ones.
  private var capacity: Double {
    let way = isRandom && !isSSD && scheduler != .fifo ? alone.mean - seek.mean + seek.least : alone.mean
    return Double(channels) / (commit == .each ? way + flush : way)
  }

  func replicate(seed: UInt64, index: Int, cancelled: () -> Bool) throws(SimulationError) -> Replication {
    var machine = DiskMachine(self, seed: seed, replication: index)
    let end = try run(&machine, RunLimits(horizon: horizon ?? .infinity), cancelled: cancelled)
    machine.advance(to: min(end.time, horizon ?? .infinity))
    var found = Replication(events: end.events)
    let time = min(end.time, horizon ?? .infinity) - machine.began
    guard let mean = machine.responses.mean, time > 0 else { return found }
    found.values = [
      "iops": Double(machine.responses.count) / time, "mean": mean * 1e9, "utilisation": min(1, machine.busyArea / (time * Double(channels))),
      "in_flight": machine.insideArea / time,
    ]
    for (name, q) in responseQuantiles { found.values[name] = machine.responses.quantile(q) * 1e9 }
    if commit != .none, machine.flushes > 0 { found.values["commits_per_flush"] = Double(machine.flushed) / Double(machine.flushes) }
    return found
  }

  // MARK: Theory

  var closedForm: String? { prediction?.name }
  var theory: [String: Double] { prediction?.values ?? [:] }

  private var closedPrediction: Prediction? {
    let mean = alone.mean
    let n = Double(depth)
    func known(_ name: String, _ throughput: Double, busy: Double) -> Prediction {
      let inside = n - throughput * think
      return Prediction(name, ["iops": throughput, "mean": inside / throughput * 1e9, "in_flight": inside, "utilisation": busy])
    }
    // How far the head goes depends on who waits.
    guard scheduler == .fifo || depth == 1 || !isRandom else { return nil }
    if commit == .group {
      guard think == 0 || depth == 1 else { return nil }
      if depth == 1 { return known("a flush for each", 1 / (think + mean + flush), busy: (mean + flush) / (think + mean + flush)) }
      var found = known("depth/(2·flush + depth·S): who is answered misses one flush", n / (2 * flush + n * mean), busy: 1)
      found.values["commits_per_flush"] = n / 2
      return found
    }
    let work = mean + flush
    if think == 0 || depth <= channels {
      let used = min(n, Double(channels))
      let throughput = think == 0 ? used / work : n / (think + work)
      return known("min(depth, channels)/S, and Little’s law", throughput, busy: throughput * work / Double(channels))
    }
    guard isSSD, service.isExponential, transfer == 0, flush == 0 else { return nil }
    let found = machineRepair(customers: depth, think: think, servers: channels, service: mean)
    return known("M/M/\(channels)//\(depth) (machine repair)", found.throughput, busy: found.throughput * mean / Double(channels))
  }

  private func openPrediction(_ rate: Double) -> Prediction? {
    let mean = alone.mean
    let variance = alone.variance
    guard scheduler == .fifo || !isRandom, variance.isFinite else { return nil }
    if commit == .group {
      guard variance == 0, let found = groupCommit(rate: rate, flush: flush, each: mean) else { return nil }
      return Prediction(
        "Markov chain of the flushes’ sizes, exact",
        ["iops": rate, "mean": found.response * 1e9, "in_flight": rate * found.response, "commits_per_flush": found.commitsPerFlush]
      )
    }
    let work = mean + flush
    func known(_ name: String, wait: Double) -> Prediction {
      Prediction(name, ["iops": rate, "mean": (wait + work) * 1e9, "in_flight": rate * (wait + work), "utilisation": rate * work / Double(channels)])
    }
    if isSSD, service.isExponential, transfer == 0, flush == 0 {
      var found = known("M/M/\(channels) (Erlang C)", wait: mmcWait(servers: channels, arrivalRate: rate, serviceRate: 1 / work))
      for (name, q) in responseQuantiles { found.values[name] = mmcSojourn(quantile: q, servers: channels, arrivalRate: rate, serviceRate: 1 / work) * 1e9 }
      return found
    }
    let variation = variance / (work * work)
    if channels == 1 {
      // Two ways in a row share a place, which makes them a little alike.
      let name = isSSD || !isRandom ? "M/G/1 (Pollaczek–Khinchine)" : "M/G/1 (Pollaczek–Khinchine), as if ways were independent: within 2 %"
      return known(name, wait: mg1Wait(utilisation: rate * work, serviceMean: work, squaredVariation: variation))
    }
    return known(
      "Kingman’s approximation",
      wait: kingmanWait(servers: channels, arrivalRate: rate, serviceMean: work, arrivalVariation: 1, serviceVariation: variation))
  }
}

// The model `fleet`: instances of which a part is bought on the spot market and can be taken away at short notice (day 18).
//
//   notice ─────── the instance takes no new work from here on, and is paid for until the notice is over
//     └─ boot ──── a replacement is ordered at the notice, and works after `boot`

import ExperimentModel

struct FleetModel: SimulatedModel {
  let need: Int
  let onDemand: Int
  let spot: Int
  /// Reclaims of one spot instance a second.
  let reclaimRate: Double
  let togetherProbability: Double
  let togetherShare: Double
  let notice: Double
  let boot: Double
  let price: Double
  let horizon: Double

  init(_ p: Parameters) throws(SimulationError) {
    need = p.whole("need")
    onDemand = Int((Double(need) * (1 - p.number("spot_share"))).rounded())
    // What is bought beyond the need is bought where it is cheap.
    spot = Int((Double(need - onDemand) * (1 + p.number("over_provision")) - 1e-9).rounded(.up))
    reclaimRate = p.number("reclaim.per_hour") / 3_600
    (togetherProbability, togetherShare) = (p.number("reclaim.correlated.probability"), p.number("reclaim.correlated.share"))
    (notice, boot, price, horizon) = (p.seconds("reclaim.notice"), p.seconds("boot"), p.number("spot_price"), p.seconds("horizon"))
    guard horizon > 0 else { throw p.refusal("`horizon` is 0", "such as 30d") }
    guard Double(spot) * reclaimRate * horizon < 1e8 else {
      throw p.refusal("\(shown(Double(spot) * reclaimRate * horizon)) reclaims in `horizon`", "at most 100000000")
    }
  }

  func replicate(seed: UInt64, index: Int, cancelled: () -> Bool) throws(SimulationError) -> Replication {
    var machine = FleetMachine(self, seed: seed, replication: index)
    let end = try run(&machine, RunLimits(horizon: horizon), cancelled: cancelled)
    machine.advance(to: horizon)
    return Replication(
      values: [
        "under_capacity_minutes": machine.under / 60, "reclaims": Double(machine.reclaimed),
        "instances": Double(onDemand) + machine.worked / horizon,
        "cost_index": (Double(onDemand) * horizon + price * machine.paid) / (Double(need) * horizon),
      ],
      events: end.events, series: [SimSeries(metric: "instances", times: machine.times, values: machine.levels)])
  }

  var closedForm: String? { "compound Poisson: more instances missing within one boot than were bought too many" }

  /// Losses within the last `boot` exceed what is over; taken with all spot instances running, which they nearly always are.
  var theory: [String: Double] {
    let spare = onDemand + spot - need
    let single = Double(spot) * reclaimRate * (1 - togetherProbability) * boot
    let many = Double(spot) * reclaimRate * togetherProbability * boot
    // Halves of halves, when several correlated losses come together: each takes its share of what is left.
    var enough = 0.0
    var weight = Portable.exp(-many)
    var left = spot
    for events in 0..<50 {
      if events > 0 {
        weight *= many / Double(events)
        left -= together(of: left)
      }
      let lost = spot - left
      guard lost <= spare else { break }
      var term = Portable.exp(-single)
      var sum = term
      for k in stride(from: 1, through: spare - lost, by: 1) {
        term *= single / Double(k)
        sum += term
      }
      enough += weight * sum
    }
    let missing = max(0, 1 - enough)
    return ["under_capacity_minutes": missing * horizon / 60]
  }

  func together(of running: Int) -> Int { min(running, max(1, Int((togetherShare * Double(running)).rounded()))) }
}

struct FleetMachine: EventMachine, ~Copyable {
  private static let (reclaim, booted, gone): (UInt32, UInt32, UInt32) = (0, 1, 2)

  private let model: FleetModel
  private var reclaims: Stream
  private var kinds: Stream
  private var running: Int
  /// Running, booting and those whose notice is not over.
  private var billed: Int
  private var last = 0.0
  /// Seconds with fewer instances than are needed; seconds of spot instances that were paid, and that worked.
  var under = 0.0
  var paid = 0.0
  var worked = 0.0
  var reclaimed = 0
  var times: [Double] = [0]
  var levels: [Double]

  init(_ model: FleetModel, seed: UInt64, replication: Int) {
    self.model = model
    reclaims = Stream(seed: seed, replication: replication, source: 0)
    kinds = Stream(seed: seed, replication: replication, source: 1)
    (running, billed) = (model.spot, model.spot)
    levels = [Double(model.onDemand + model.spot)]
  }

  mutating func start(_ agenda: inout Agenda) { announce(&agenda) }

  /// As if all ran; whoever does not is spared. So every variant sees its reclaims at the same times.
  private mutating func announce(_ agenda: inout Agenda) {
    let rate = Double(model.spot) * model.reclaimRate
    if rate > 0 { agenda.schedule(Self.reclaim, after: reclaims.exponential() / rate) }
  }

  mutating func advance(to time: Double) {
    if model.onDemand + running < model.need { under += time - last }
    paid += Double(billed) * (time - last)
    worked += Double(running) * (time - last)
    last = time
  }

  mutating func handle(_ event: Event, _ agenda: inout Agenda) {
    advance(to: event.time)
    switch event.what {
    case Self.reclaim:
      announce(&agenda)
      let (whom, isTogether) = (kinds.uniform() * Double(model.spot), kinds.uniform() < model.togetherProbability)
      guard whom < Double(running) else { return }
      let lost = isTogether ? model.together(of: running) : 1
      for _ in 0..<lost {
        agenda.schedule(Self.booted, after: model.boot)
        agenda.schedule(Self.gone, after: model.notice)
      }
      running -= lost
      billed += lost
      reclaimed += lost
    case Self.booted: running += 1
    default: billed -= 1
    }
    // A month of reclaims is a few hundred points; more are not drawn.
    if times.count < 2_000 {
      times.append(event.time)
      levels.append(Double(model.onDemand + running))
    }
  }
}

// The model `autoscaler`: instances follow a day's demand, but boot for two minutes (day 17). Reactive looks at the demand of now,
// predictive at what this time of day is known for, hybrid takes the larger of both.

import ExperimentModel

struct AutoscalerModel: SimulatedModel {
  let policy: String
  let isSpikeDay: Bool
  let base: Double
  let peak: Double
  let jump: Double
  let spike: Double
  let perInstance: Double
  let target: Double
  let limit: Double
  let boot: Double
  let interval: Double
  let hold: Double
  let noise: Double
  let days: Double

  /// When the known campaign begins, and for how long it lasts: as every day, at nine, for an hour.
  static let campaign = (at: 9.0 * 3_600, length: 3_600.0)
  static let spikeLength = 1_800.0

  init(_ p: Parameters) throws(SimulationError) {
    (policy, isSpikeDay) = (p.word("policy"), p.word("day") == "spike")
    (base, peak, jump, spike) = (p.number("base"), p.number("peak"), p.number("campaign"), p.number("spike"))
    (perInstance, target, limit) = (p.number("per_instance"), p.number("target"), p.number("limit"))
    (boot, interval, hold, noise) = (p.seconds("boot"), p.seconds("interval"), p.seconds("hold"), p.number("noise"))
    days = p.seconds("horizon") / 86_400
    guard perInstance > 0, target > 0, limit >= target else {
      throw p.refusal("`per_instance` and `target` are above 0, and `limit` is not below `target`", "such as 50rps, 0.7 and 0.9")
    }
    guard interval >= 1, days > 0, days <= 3_650 else { throw p.refusal("`interval` is at least 1s, `horizon` above 0 and at most 3650d", nil) }
    guard peak >= base, peak / perInstance < 1e6 else { throw p.refusal("`peak` is at least `base`, and a million instances at most", nil) }
  }

  /// Demand at a time of day without noise; what the past days say.
  func usual(_ time: Double) -> Double {
    let day = time - (time / 86_400).rounded(.down) * 86_400
    // A hill over the day, lowest at three in the night: 1 − cos, by the parabola that is near to it.
    let x = day / 86_400 - 0.125
    let turn = x < 0 ? x + 1 : x
    let hill = turn < 0.25 ? 8 * turn * turn : turn < 0.75 ? 1 - 8 * (turn - 0.5) * (turn - 0.5) : 8 * (1 - turn) * (1 - turn)
    let isCampaign = day >= Self.campaign.at && day < Self.campaign.at + Self.campaign.length
    return (base + (peak - base) * hill) * (isCampaign ? 1 + jump : 1)
  }

  func replicate(seed: UInt64, index: Int, cancelled: () -> Bool) throws(SimulationError) -> Replication {
    var machine = AutoscalerMachine(self, seed: seed, replication: index)
    let end = try run(&machine, RunLimits(horizon: days * 86_400), cancelled: cancelled)
    return Replication(
      values: ["violation_minutes": machine.violated / 60 / days, "instance_hours": machine.paid / 3_600 / days, "instances": machine.paid / (days * 86_400)],
      events: end.events, series: [SimSeries(metric: "instances", times: machine.times, values: machine.levels)])
  }

  var closedForm: String? { theory.isEmpty ? nil : "each jump costs a reactive scaler half an interval and a boot" }

  var theory: [String: Double] {
    // Only where the jump takes more than the room between target and limit, and noise adds nothing.
    guard policy == "reactive", noise == 0, !isSpikeDay, base == peak, target * (1 + jump) > 1.05 * limit, days == days.rounded() else { return [:] }
    return ["violation_minutes": (boot + interval / 2) / 60]
  }
}

struct AutoscalerMachine: EventMachine, ~Copyable {
  private static let (second, check, ready): (UInt32, UInt32, UInt32) = (0, 1, 2)
  /// Seconds from one look at the demand to the next.
  private static let step = 5.0

  private let model: AutoscalerModel
  private var noiseStream: Stream
  private var phases: Stream
  private var running: Int
  private var booting = 0
  private var demand = 0.0
  private var spikeAt = 0.0
  /// Instances that a scale-down must keep: the most that were wanted since `hold` ago.
  private var wanted = Line<Wish>()
  private var sinceChart = 0
  var violated = 0.0
  var paid = 0.0
  var times: [Double] = []
  var levels: [Double] = []

  private struct Wish: BitwiseCopyable {
    var time: Double
    var count: Int32
  }

  init(_ model: AutoscalerModel, seed: UInt64, replication: Int) {
    self.model = model
    noiseStream = Stream(seed: seed, replication: replication, source: 0)
    phases = Stream(seed: seed, replication: replication, source: 1)
    running = max(1, Int((model.usual(0) / (model.target * model.perInstance)).rounded(.up)))
  }

  mutating func start(_ agenda: inout Agenda) {
    // Not in step with the campaign, and the unforeseen spike some time in the afternoon.
    agenda.schedule(Self.check, at: phases.uniform() * model.interval)
    spikeAt = (13 + 6 * phases.uniform()) * 3_600
    agenda.schedule(Self.second, at: 0)
  }

  mutating func handle(_ event: Event, _ agenda: inout Agenda) {
    switch event.what {
    case Self.second:
      agenda.schedule(Self.second, after: Self.step)
      demand = model.usual(event.time)
      let day = event.time - (event.time / 86_400).rounded(.down) * 86_400
      if model.isSpikeDay, day >= spikeAt, day < spikeAt + AutoscalerModel.spikeLength { demand *= 1 + model.spike }
      if model.noise > 0 { demand *= max(0, 1 + model.noise * noiseStream.normal()) }
      if demand > model.limit * model.perInstance * Double(running) { violated += Self.step }
      paid += Double(running + booting) * Self.step
      chart(event.time)
    case Self.check:
      agenda.schedule(Self.check, after: model.interval)
      scale(event.time, &agenda)
    default:
      booting -= 1
      running += 1
    }
  }

  private mutating func scale(_ now: Double, _ agenda: inout Agenda) {
    var expected = 0.0
    if model.policy != "predictive" { expected = demand }
    if model.policy != "reactive" {
      // The most of the time from when a boot would end to the next check.
      for ahead in [0, model.interval / 2, model.interval, model.boot, model.boot + model.interval] {
        expected = max(expected, model.usual(now + ahead))
      }
    }
    let count = max(1, Int((expected / (model.target * model.perInstance)).rounded(.up)))
    if !wanted.append(Wish(time: now, count: Int32(count))) { agenda.refuse("more than \(wanted.count) decisions are held") }
    while let first = wanted.first, first.time < now - model.hold { _ = wanted.popFirst() }
    if count > running + booting {
      for _ in 0..<(count - running - booting) { agenda.schedule(Self.ready, after: model.boot) }
      booting = count - running
    } else if booting == 0 {
      var most: Int32 = 0
      for i in 0..<wanted.count { most = max(most, wanted[i].count) }
      running = min(running, max(Int(most), 1))
    }
  }

  private mutating func chart(_ now: Double) {
    sinceChart += 1
    guard sinceChart >= 60, times.count < 2_000 else { return }
    sinceChart = 0
    times.append(now)
    levels.append(Double(running))
  }
}

// The regions as a state machine. Hot.

import Statistics

/// A request under way.
struct GlobalRequest: InLine {
  var issued: Double
  /// The whole of it, jitter included.
  var roundTrip: Double
  var service: Double
  var next: UInt32
  var key: Int32
  var region: Int8
  var site: Int8
  var isWrite: Bool
}

/// A write that waits to be confirmed: when it comes to each site.
struct GlobalWrite: BitwiseCopyable {
  var key: Int32
  var first: Double
  var second: Double
  var third: Double
}

struct RegionsMachine: EventMachine, ~Copyable {
  private static let (issue, arrive, answer, confirm, served): (UInt32, UInt32, UInt32, UInt32, UInt32) = (0, 1, 2, 3, 4)

  private let model: RegionsModel
  private let count: Int
  private let gap: Double
  private let servers: Int
  private let service: Sampler
  private let customers: Int
  private let warmUp: Int
  private let step: Int
  private let shares: Slots<Double>
  private let isUp: Slots<Bool>
  private let nearest: Slots<Int>
  private let roundTrip: Slots<Double>
  private let wayBetween: Slots<Double>
  private let slowness: Slots<Double>
  private var arrivals: Stream
  private var services: Stream
  private var people: Stream
  private var kinds: Stream
  private var ways: Stream
  private var choices: Stream
  private var keyStream: SeededRandom
  private var sampler: KeySampler
  private var requests = Pool<GlobalRequest>()
  private var confirming = Pool<GlobalWrite>()
  /// When the last confirmed write of each key comes to each site.
  private var applied: Slots<Double>
  /// Of `latency`: mean answer by region and site; of `least_load`: requests on their way to a site or in it.
  private var measured: Slots<Double>
  private var sent: Slots<Int>
  private var done = 0
  private var courseSum = 0.0
  var stations: Slots<ServiceStation>
  var reads = Tally()
  var writes = Tally()
  var stale = 0
  var sums: Slots<Double>
  var counts: Slots<Int>
  var began = 0.0
  var course: [Double] = []

  init(_ model: RegionsModel, seed: UInt64, replication: Int, customers: Int, warmUp: Int, step: Int) {
    let (regions, sites) = (model.shares.count, model.sites.count)
    var shares = Slots(regions, 0.0)
    var isUp = Slots(sites, true)
    var nearest = Slots(regions, 0)
    var roundTrip = Slots(regions * sites, 0.0)
    var measured = Slots(regions * sites, 0.0)
    var way = Slots(sites * sites, 0.0)
    var slowness = Slots(sites, 1.0)
    for region in 0..<regions {
      shares[region] = model.shares[region]
      nearest[region] = model.nearest(region)
      for site in 0..<sites {
        roundTrip[region * sites + site] = model.roundTrip[region][site]
        measured[region * sites + site] = model.isUp[site] ? model.roundTrip[region][site] + model.jitter + model.service.mean : .infinity
      }
    }
    for site in 0..<sites {
      isUp[site] = model.isUp[site]
      slowness[site] = model.slowness[site]
      for other in 0..<sites { way[site * sites + other] = model.between[site][other] }
    }
    self.model = model
    count = sites
    gap = 1 / model.rate
    servers = model.servers
    service = Sampler(model.service)
    self.customers = customers
    self.warmUp = warmUp
    self.step = step
    self.shares = shares
    self.isUp = isUp
    self.nearest = nearest
    self.roundTrip = roundTrip
    wayBetween = way
    self.slowness = slowness
    arrivals = Stream(seed: seed, replication: replication, source: 0)
    services = Stream(seed: seed, replication: replication, source: 1)
    people = Stream(seed: seed, replication: replication, source: 2)
    kinds = Stream(seed: seed, replication: replication, source: 3)
    ways = Stream(seed: seed, replication: replication, source: 4)
    choices = Stream(seed: seed, replication: replication, source: 5)
    keyStream = SeededRandom(seed: seed, stream: 0x51D0_0000_0000 + UInt64(replication) << 16 + 6)
    sampler = .zipf(n: model.n, s: model.s)
    applied = Slots(model.n * sites, -.infinity)
    self.measured = measured
    sent = Slots(sites, 0)
    stations = Slots(sites, ServiceStation())
    sums = Slots(regions, 0)
    counts = Slots(regions, 0)
  }

  mutating func start(_ agenda: inout Agenda) { agenda.schedule(Self.issue, after: gap * arrivals.exponential()) }

  @inline(__always) mutating func handle(_ event: Event, _ agenda: inout Agenda) {
    let slot = event.what >> 3
    switch event.what & 7 {
    case Self.issue:
      agenda.schedule(Self.issue, after: gap * arrivals.exponential())
      issue(&agenda)
    case Self.arrive: arrive(slot, &agenda)
    case Self.answer: learn(requests.remove(slot), agenda.now)
    case Self.confirm:
      let write = confirming.remove(slot)
      let row = (Int(write.key) - 1) * count
      applied[row] = write.first
      if count > 1 { applied[row + 1] = write.second }
      if count > 2 { applied[row + 2] = write.third }
    default: serve(slot, &agenda)
    }
  }

  private mutating func issue(_ agenda: inout Agenda) {
    var (region, rest) = (0, people.uniform())
    while region < counts.count - 1, rest >= shares[region] {
      rest -= shares[region]
      region += 1
    }
    let isWrite = kinds.uniform() < model.writeShare
    let site = isWrite && model.writes == .home ? model.home : route(region)
    sent[site] += 1
    let request = GlobalRequest(
      issued: agenda.now, roundTrip: roundTrip[region * count + site] + model.jitter * ways.exponential(),
      service: service.next(&services) * slowness[site], next: 0, key: Int32(sampler.next(&keyStream)), region: Int8(region), site: Int8(site),
      isWrite: isWrite)
    guard let slot = requests.insert(request) else { return agenda.refuse("more than \(requests.count) requests are under way") }
    agenda.schedule(Self.arrive | slot << 3, after: request.roundTrip / 2)
  }

  private mutating func route(_ region: Int) -> Int {
    switch model.policy {
    case .geo: return nearest[region]
    case .latency:
      if choices.uniform() < model.probe {
        let site = choices.index(below: count)
        return isUp[site] ? site : nearest[region]
      }
      var best = nearest[region]
      for site in 0..<count where measured[region * count + site] < measured[region * count + best] { best = site }
      return best
    case .leastLoad:
      var best = nearest[region]
      for site in 0..<count where isUp[site] && sent[site] < sent[best] { best = site }
      return best
    }
  }

  private mutating func arrive(_ slot: UInt32, _ agenda: inout Agenda) {
    let request = requests[slot]
    let site = Int(request.site)
    if !request.isWrite, done >= warmUp, agenda.now < applied[(Int(request.key) - 1) * count + site] { stale += 1 }
    if stations[site].busy < servers {
      stations[site].work(1, agenda.now)
      agenda.schedule(Self.served | slot << 3, after: request.service)
    } else {
      stations[site].append(slot, &requests)
    }
  }

  private mutating func serve(_ slot: UInt32, _ agenda: inout Agenda) {
    let request = requests[slot]
    let site = Int(request.site)
    if let next = stations[site].popFirst(requests) {
      agenda.schedule(Self.served | next << 3, after: requests[next].service)
    } else {
      stations[site].work(-1, agenda.now)
    }
    sent[site] -= 1
    let confirmed = request.isWrite ? write(request.key, site, &agenda) : 0
    record(request, agenda.now - request.issued + request.roundTrip / 2 + confirmed, &agenda)
    if model.policy == .latency {
      agenda.schedule(Self.answer | slot << 3, after: request.roundTrip / 2)
    } else {
      _ = requests.remove(slot)
    }
  }

  /// - Returns: how long the site waits for confirmations of others.
  private mutating func write(_ key: Int32, _ site: Int, _ agenda: inout Agenda) -> Double {
    var fastest = Double.infinity
    let row = (Int(key) - 1) * count
    guard model.confirmations > 0 else {
      for other in 0..<count {
        applied[row + other] = other == site ? -.infinity : agenda.now + wayBetween[site * count + other] / 2 + model.lag
      }
      return 0
    }
    var times = (-Double.infinity, -Double.infinity, -Double.infinity)
    for other in 0..<count where other != site && isUp[other] {
      let trip = wayBetween[site * count + other] + model.jitter * ways.exponential()
      fastest = min(fastest, trip)
      let comes = agenda.now + trip / 2
      switch other {
      case 0: times.0 = comes
      case 1: times.1 = comes
      default: times.2 = comes
      }
    }
    guard let slot = confirming.insert(GlobalWrite(key: key, first: times.0, second: times.1, third: times.2)) else {
      agenda.refuse("more than \(confirming.count) writes wait to be confirmed")
      return 0
    }
    agenda.schedule(Self.confirm | slot << 3, after: fastest)
    return fastest
  }

  private mutating func record(_ request: GlobalRequest, _ time: Double, _ agenda: inout Agenda) {
    done += 1
    if step > 0 {
      courseSum += time
      if done % step == 0 {
        course.append(courseSum / Double(step))
        courseSum = 0
      }
    }
    guard done > warmUp else {
      if done == warmUp { reset(agenda.now) }
      return
    }
    if request.isWrite {
      writes.record(time)
    } else {
      reads.record(time)
      sums[Int(request.region)] += time
      counts[Int(request.region)] += 1
    }
    if done - warmUp == customers { agenda.stop() }
  }

  private mutating func learn(_ request: GlobalRequest, _ now: Double) {
    let place = Int(request.region) * count + Int(request.site)
    measured[place] += model.ewma * (now - request.issued - measured[place])
  }

  private mutating func reset(_ now: Double) {
    settle(now)
    for site in 0..<count { stations[site].busyArea = 0 }
    began = now
  }

  /// Brings what is integrated over time up to a moment.
  mutating func settle(_ now: Double) {
    for site in 0..<count { stations[site].work(0, now) }
  }
}

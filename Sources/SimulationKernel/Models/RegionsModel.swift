// The model `regions`: users in six regions, up to three sites, light in glass between them (day 25).
//
// A request takes half of its round trip to its site, waits for a server there, and half to come back. A read is stale when the last write of
// its key that was confirmed somewhere has not come to its site when the read arrives there. Copies of writes take no server.

import ExperimentModel
import Statistics

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

struct RegionsModel: SimulatedModel {
  enum Policy: String { case geo, latency, leastLoad = "least_load" }
  enum Writes: String { case home, quorum, local }

  let policy: Policy
  let writes: Writes
  let writeShare: Double
  let rate: Double
  /// Of the regions; they sum to 1.
  let shares: [Double]
  /// Sites, the lost one too.
  let sites: [City]
  let isUp: [Bool]
  let servers: Int
  let service: Law
  /// Of each site: how many times longer its services take.
  let slowness: [Double]
  /// Seconds without jitter, by region and site; and from site to site.
  let roundTrip: [[Double]]
  let between: [[Double]]
  let jitter: Double
  let lag: Double
  let probe: Double
  let ewma: Double
  let n: Int
  let s: Double
  let horizon: Double?
  let customers: Int
  private(set) var warmUp = 0
  private var prediction: (name: String, values: [String: Double])?

  /// The first site that is up.
  var home: Int { isUp.firstIndex(of: true) ?? 0 }
  /// Confirmations of other sites that a write waits for.
  var confirmations: Int { writes == .quorum ? sites.count / 2 : 0 }

  init(_ p: Parameters) throws(SimulationError) {
    policy = Policy(rawValue: p.word("policy")) ?? .geo
    writes = Writes(rawValue: p.word("write.to")) ?? .home
    (writeShare, rate, servers, service) = (p.number("write.share"), p.number("rate"), p.whole("servers"), try p.law("service"))
    let names = (1...p.whole("sites")).map { p.word("site\($0)") }
    let sites = names.compactMap { name in City.sites.first { $0.name == name } }
    self.sites = sites
    let (slow, lost, factor) = (p.whole("degraded"), p.whole("lost"), p.number("degraded.factor"))
    isUp = sites.indices.map { $0 != lost - 1 }
    slowness = sites.indices.map { $0 == slow - 1 ? factor : 1 }
    let given = City.regions.map { p.number("share.\($0.city.name)") }
    let total = given.reduce(0, +)
    shares = given.map { $0 / total }
    let path = p.number("path_factor")
    roundTrip = City.regions.map { region in sites.map { Self.roundTrip(region.city, $0, path) } }
    between = sites.map { one in sites.map { Self.roundTrip(one, $0, path) } }
    (jitter, lag, probe, ewma) = (p.seconds("jitter"), p.seconds("lag"), p.number("probe"), p.number("ewma"))
    (n, s, horizon) = (p.whole("n"), p.number("s"), p.givenSeconds("horizon"))
    customers = horizon == nil ? p.size("customers", least: 1_000) : .max
    guard total > 0 else { throw p.refusal("all shares of the demand are 0", "give at least one above 0") }
    guard Set(names).count == names.count else { throw p.refusal("two sites are in one place: \(names.joined(separator: ", "))", "give each another") }
    for (name, number) in [("degraded", slow), ("lost", lost)] where number > sites.count {
      throw p.refusal("`\(name)` is \(number), and there are \(sites.count) sites", "give the number of one, or 0")
    }
    try check(p)
    prediction = horizon == nil ? closedForms : nil
  }

  private func check(_ p: Parameters) throws(SimulationError) {
    guard isUp.contains(true) else { throw p.refusal("the only site is lost", "give `sites` above 1, or `lost` 0") }
    if isUp.count(where: { $0 }) - 1 < confirmations {
      let lost = sites[isUp.firstIndex(of: false) ?? 0].name
      throw p.refusal("without `\(lost)` there is no majority of \(sites.count) sites", "give three `sites`, or another `write.to:`")
    }
    guard rate > 0, rate < 1e12 else { throw p.refusal("the rate is \(shown(rate)) a second", "give a rate above 0") }
    if let horizon, horizon * rate > 1e9 { throw p.refusal("\(shown(horizon * rate)) requests in `horizon`", "at most 1000000000") }
    guard rate * longestDelay < 1e6 else {
      throw p.refusal("\(shown(rate * longestDelay)) requests come while a write is on its way", "at most 1000000: a shorter `lag:` or a lower `rate:`")
    }
    guard horizon == nil else { return }
    let remedy = "give `horizon:` to see how it grows, more `servers:`, or another `policy:`"
    if policy == .geo {
      for site in sites.indices where load(site) >= 1 {
        throw p.refusal("ρ = \(shown(load(site))) at `\(sites[site].name)`: its queue grows without bound and has no steady state", remedy)
      }
      return
    }
    let all = sites.indices.reduce(0.0) { $0 + (isUp[$1] ? Double(servers) / (service.mean * slowness[$1]) : 0) }
    if rate >= all { throw p.refusal("ρ = \(shown(rate / all)) of all sites: queues grow without bound and have no steady state", remedy) }
    let alone = service.mean * slowness[home] / Double(servers) * rate * writeShare
    if writes == .home, alone >= 1 {
      throw p.refusal("ρ = \(shown(alone)) at `\(sites[home].name)`, of the writes alone: its queue grows without bound", remedy)
    }
  }

  /// Seconds of light in fibre, there and back, over a way that is so many times the great circle. The distance is in whole kilometres, so that
  /// the C library’s sines give the same everywhere.
  static func roundTrip(_ a: City, _ b: City, _ pathFactor: Double) -> Double {
    2 * distance(a, b) / (0.67 * 299_792.458) * pathFactor
  }

  /// Kilometres on a sphere of the earth’s mean radius (haversine).
  static func distance(_ a: City, _ b: City) -> Double {
    let degree = Double.pi / 180
    let (up, across) = (sin((b.latitude - a.latitude) * degree / 2), sin((b.longitude - a.longitude) * degree / 2))
    let chord = up * up + cos(a.latitude * degree) * cos(b.latitude * degree) * across * across
    return (2 * 6371.0088 * asin(min(1, chord.squareRoot()))).rounded()
  }

  /// The nearest site that is up.
  func nearest(_ region: Int) -> Int {
    sites.indices.filter { isUp[$0] }.min { roundTrip[region][$0] < roundTrip[region][$1] } ?? home
  }

  mutating func prepare(seed: UInt64, replications: Int, cancelled: () -> Bool) throws(SimulationError) {
    guard horizon == nil else { return }
    let cut = try SimulationKernel.warmUp(customers: customers, most: 500_000, replications: replications) { index, sample, step throws(SimulationError) in
      var machine = RegionsMachine(self, seed: seed, replication: index, customers: sample, warmUp: 0, step: step)
      _ = try run(&machine, cancelled: cancelled)
      return machine.course
    }
    // Before a lag has passed twice, too few writes are on their way.
    warmUp = max(cut, Int(2 * longestDelay * rate))
  }

  /// Of a write, or nearly so: seconds.
  private var longestDelay: Double { lag + (between.flatMap { $0 }.max() ?? 0) + 10 * jitter }

  func replicate(seed: UInt64, index: Int, cancelled: () -> Bool) throws(SimulationError) -> Replication {
    var machine = RegionsMachine(self, seed: seed, replication: index, customers: customers, warmUp: warmUp, step: 0)
    let end = try run(&machine, RunLimits(horizon: horizon ?? .infinity), cancelled: cancelled)
    var found = Replication(events: end.events)
    let last = horizon ?? end.time
    let time = last - machine.began
    machine.settle(last)
    if let mean = machine.reads.mean {
      found.values = ["mean": mean * 1e9]
      for (name, q) in responseQuantiles { found.values[name] = machine.reads.quantile(q) * 1e9 }
      if writeShare > 0 { found.values["stale_share"] = Double(machine.stale) / Double(machine.reads.count) }
      let means = shares.indices.map { machine.counts[$0] > 0 ? machine.sums[$0] / Double(machine.counts[$0]) : 0 }
      found.values["worst_region_mean"] = (means.max() ?? 0) * 1e9
    }
    if let mean = machine.writes.mean {
      found.values["write_mean"] = mean * 1e9
      found.values["write_p95"] = machine.writes.quantile(0.95) * 1e9
    }
    if time > 0 {
      found.values["utilisation"] = sites.indices.reduce(0) { max($0, min(1, machine.stations[$1].busyArea / (time * Double(servers)))) }
    }
    return found
  }

  // MARK: Theory

  var closedForm: String? { prediction?.name }
  var theory: [String: Double] { prediction?.values ?? [:] }
}

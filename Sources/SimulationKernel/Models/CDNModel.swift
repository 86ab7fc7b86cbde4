// The model `cdn`: caches near users, one for each POP, and perhaps a shield between them and the origin (days 8 and 12).
//
// An answer is fresh for `ttl` from the moment at which the origin gave it: its age travels with it (RFC 9111, 4.2.3), so that what a POP
// gets from the shield lives as long as the shield's own copy. What is stale or purged keeps its place in an eviction order, and is loaded
// anew into it. A load takes no time in which others could ask too.

import ExperimentModel
import Statistics

struct CDNModel: SimulatedModel {
  let n: Int
  let s: Double
  let pops: Int
  let rate: Double
  /// nil: room for all keys.
  let policy: CachePolicy?
  let capacity: Int
  let shield: (policy: CachePolicy?, capacity: Int)?
  /// Infinite: for ever.
  let ttl: Double
  let purgeRate: Double
  let purgesByPopularity: Bool
  let purgeDelay: Double
  let latency: (pop: Double, shield: Double, origin: Double)
  let requests: Int
  private(set) var warmUp = 0
  let popularity: [Double]

  init(_ p: Parameters) throws(SimulationError) {
    (n, s, pops, rate) = (p.whole("n"), p.number("s"), p.whole("pops"), p.number("rate"))
    guard rate > 0, rate < 1e12 else { throw p.refusal("the rate is \(shown(rate)) a second", "give a rate above 0") }
    policy = CachePolicy(rawValue: p.word("policy"))
    capacity = policy == nil ? n : p.whole("capacity")
    let shieldWord = p.word("shield.policy")
    let shieldPolicy = CachePolicy(rawValue: shieldWord)
    shield = shieldWord == "none" ? nil : (shieldPolicy, shieldPolicy == nil ? n : p.whole("shield.capacity"))
    ttl = p.givenSeconds("ttl") ?? (policy == nil ? 60 : .infinity)
    purgeRate = p.given("purge.rate") ?? 0
    (purgesByPopularity, purgeDelay) = (p.word("purge.by") == "popularity", p.seconds("purge.delay"))
    latency = (p.seconds("latency.pop"), p.seconds("latency.shield"), p.seconds("latency.origin"))
    requests = p.size("requests", least: 1_000)
    popularity = portableZipf(n: n, s: s)
    try check(p)
    warmUp = startsSteady ? 0 : try warmUpRequests(p)
  }

  private func check(_ p: Parameters) throws(SimulationError) {
    guard ttl > 0 else { throw p.refusal("`ttl` is 0: nothing would be kept", "give a time above 0, or none") }
    if shieldKeepsAll, ttl == .infinity, purgeRate == 0 {
      throw p.refusal("the shield would keep all keys for ever, and the origin rest", "give `ttl:`, `purge.rate:` or another `shield.policy:`")
    }
    guard purgeRate * purgeDelay <= 1e6 else {
      throw p.refusal("\(shown(purgeRate * purgeDelay)) purges would be under way at one time", "at most 1000000: a lower `purge.rate` or `purge.delay`")
    }
    let memory = Double(pops) * bytes(policy, capacity) + (shield.map { bytes($0.policy, $0.capacity) } ?? 0)
    guard memory <= 0x1p29 else {
      throw p.refusal("\(pops) POPs of \(n) keys would need \(shown((memory / 0x1p20).rounded())) MiB", "at most 512 MiB: fewer `pops` or a smaller `n`")
    }
  }

  private func bytes(_ policy: CachePolicy?, _ capacity: Int) -> Double {
    let order: Double
    switch policy {
    case nil: order = 0
    case .lru, .fifo: order = 9
    case .lfu: order = 16
    case .tinylfu: order = 13
    }
    return Double(n) * (order + (entriesEnd ? 8 : 0)) + (policy == .lfu ? 4 * Double(capacity) : 0)
  }

  /// Whether an entry can be there and yet not be of use.
  var entriesEnd: Bool { policy == nil || ttl < .infinity || purgeRate > 0 }

  /// With room for all keys the steady state is known exactly, and the run begins in it.
  var startsSteady: Bool { policy == nil && (shield == nil || shieldKeepsAll) }
  private var shieldKeepsAll: Bool { shield.map { $0.policy == nil } ?? false }

  func purgeRate(of key: Int) -> Double { purgeRate * (purgesByPopularity ? popularity[key] : 1 / Double(n)) }

  /// Three times what a full cache takes to be filled with other keys (see `CacheModel`), and three lives of an entry. Where an eviction order
  /// forgets, purges need no time: a key that was asked for once is in its steady state.
  private func warmUpRequests(_ p: Parameters) throws(SimulationError) -> Int {
    let keepsAll = policy == nil || shieldKeepsAll
    let life = min(ttl, keepsAll && purgeRate > 0 ? Double(n) / purgeRate : .infinity)
    if life < .infinity, rate * life > Self.longestLife {
      throw p.refusal(
        "an entry’s life of \(shown(life)) s is \(shown(rate * life)) requests long",
        "at most \(shown(Self.longestLife)): a lower `rate` and fewer `pops`, or a shorter `ttl:`")
    }
    /// Shares of the keys, the most popular of the cache’s own requests first; the rarest key’s is the last to come to a cache with room for all.
    func refill(_ policy: CachePolicy?, _ capacity: Int, _ shares: [Double], rarest: Double) -> Double {
      guard let policy else { return 0 }
      let fill = Che.characteristicTime(popularity: shares, capacity: capacity)
      let learning = policy == .lfu && (1..<n).contains(capacity) ? 8 / shares[capacity - 1] : 0
      return max(3 * (fill.isFinite ? fill : 1 / rarest), learning)
    }
    var most = refill(policy, capacity, popularity, rarest: popularity[n - 1]) * Double(pops)
    if let shield {
      let misses = edgeMisses
      let share = misses.reduce(0, +)
      let shares = misses.map { $0 / share }
      if share > 0 { most = max(most, refill(shield.policy, shield.capacity, shares.sorted(by: >), rarest: shares[n - 1]) / share) }
    }
    if life < .infinity { most = max(most, 3 * rate * life) }
    return Int(min(most, Self.longestWarmUp))
  }

  private static let longestLife = 3e6
  private static let longestWarmUp = 1e7

  func replicate(seed: UInt64, index: Int, cancelled: () -> Bool) throws(SimulationError) -> Replication {
    var machine = CDNMachine(self, seed: seed, replication: index)
    let end = try run(&machine, cancelled: cancelled)
    var found = Replication(events: end.events)
    let total = Double(requests)
    let (misses, origin) = (total - Double(machine.edgeHits), Double(machine.originLoads))
    found.values = ["hit_ratio": Double(machine.edgeHits) / total, "origin_share": origin / total]
    found.values["ttfb"] = ttfb(missed: misses / total, origin: origin / total)
    if end.time > machine.began { found.values["origin_rps"] = origin / (end.time - machine.began) }
    if shield != nil, misses > 0 { found.values["shield_hit_ratio"] = 1 - origin / misses }
    if purgeRate > 0, origin < total { found.values["stale_share"] = Double(machine.stale) / (total - origin) }
    if policy != nil { found.values["lfu_bound"] = rounded(popularity.prefix(capacity).reduce(0, +)) }
    return found
  }

  /// Nanoseconds.
  func ttfb(missed: Double, origin: Double) -> Double {
    (latency.pop + (shield == nil ? 0 : missed * latency.shield) + origin * latency.origin) * 1e9
  }
}

/// A cache of one of the policies, chosen once: the others are empty.
struct PolicyCache {
  private enum Kind { case all, list, lfu, admission }
  private let kind: Kind
  private var list: ListCache
  private var lfu: LFUCache
  private var admission: AdmissionCache

  init(_ policy: CachePolicy?, keys: Int, capacity: Int) {
    switch policy {
    case nil: kind = .all
    case .lru, .fifo: kind = .list
    case .lfu: kind = .lfu
    case .tinylfu: kind = .admission
    }
    list = ListCache(keys: kind == .list ? keys : 0, capacity: capacity, movesOnHit: policy == .lru)
    lfu = LFUCache(keys: kind == .lfu ? keys : 0, capacity: capacity)
    admission = AdmissionCache(keys: kind == .admission ? keys : 0, capacity: capacity)
  }

  /// Whether the key has a place, which with room for all it always has.
  @inline(__always) mutating func access(_ key: Int) -> Bool {
    switch kind {
    case .all: true
    case .list: list.access(key)
    case .lfu: lfu.access(key)
    case .admission: admission.access(key)
    }
  }
}

// The model `cache`: Zipf keys through one cache, optionally with scans (a run of keys that nobody
// asks for otherwise). Replications use the same keys in every arm (common random numbers), so that
// differences between policies carry no sampling noise. As theory for `hit_ratio`: Che (lru), its FIFO form (fifo), and the
// most popular keys (perfect LFU). LFU that forgets and TinyLFU have no closed form, only the bound above them, and neither has
// an arm with scans, whose requests are not independent.

import ExperimentModel
import Statistics

/// One arm of the model, checked and complete.
struct CacheModel: SimulatedModel {
  var n: Int
  var s: Double
  var capacity: Int
  var policy: CachePolicy
  /// LFU that forgets nobody.
  var isPerfect = false
  /// Counted requests, after the warm-up.
  var requests: Int
  var warmUp: Int
  /// A scan of `scanLength` keys runs after every `scanEvery` requests; 0: none.
  var scanEvery: Int
  var scanLength: Int

  /// Keys so rare that this does not suffice (s above 1.5 or so) weigh less than the interval is wide.
  private static let longestWarmUp = 1e7

  init(_ p: Parameters) throws(SimulationError) {
    n = p.whole("n")
    capacity = p.whole("capacity")
    requests = p.size("requests", least: 1_000)
    scanEvery = Int(p.given("scan.every") ?? 0)
    scanLength = scanEvery > 0 ? Int(p.given("scan.length") ?? 0) : 0
    s = p.number("s")
    isPerfect = p.word("policy") == "perfect-lfu"
    policy = isPerfect ? .lfu : CachePolicy(rawValue: p.word("policy")) ?? .lru
    // Three fill times: by then a key's presence no longer depends on the empty start (e⁻³ of the keys
    // in play have not been asked for). LFU also has to learn the order of popularity, which takes until
    // the rarest key worth keeping has been seen a few times.
    let popularity = zipfPopularity(n: n, s: s)
    let fill = Che.characteristicTime(popularity: popularity, capacity: capacity)
    // A cache with room for all is full when the rarest key has come.
    let refill = 3 * (fill.isFinite ? fill : 1 / popularity[n - 1])
    let learning = policy == .lfu && (1..<n).contains(capacity) ? (isPerfect ? 40 : 8) / popularity[capacity - 1] : 0
    warmUp = Int(min(max(refill, learning), Self.longestWarmUp))
  }

  /// Share of hits after the warm-up, scans not counted.
  func hitRatio(_ sampler: inout KeySampler, _ random: inout SeededRandom) -> Double {
    let keys = n + scanLength
    switch policy {
    case .lru: return drive(ListCache(keys: keys, capacity: capacity, movesOnHit: true), &sampler, &random)
    case .fifo: return drive(ListCache(keys: keys, capacity: capacity, movesOnHit: false), &sampler, &random)
    case .lfu: return drive(LFUCache(keys: keys, capacity: capacity, isPerfect: isPerfect), &sampler, &random)
    case .tinylfu: return drive(AdmissionCache(keys: keys, capacity: capacity), &sampler, &random)
    }
  }

  /// Generic, so that the loop is specialised per policy and has no existential in it.
  private func drive<Cache: SimulatedCache>(
    _ empty: Cache, _ sampler: inout KeySampler, _ random: inout SeededRandom
  ) -> Double {
    var cache = empty
    var hits = 0
    var untilScan = scanEvery
    for i in 0..<(warmUp + requests) {
      let hit = cache.access(sampler.next(&random))
      if hit, i >= warmUp { hits += 1 }
      if scanLength > 0 {
        untilScan -= 1
        if untilScan == 0 {
          untilScan = scanEvery
          for key in 1...scanLength { _ = cache.access(n + key) }
        }
      }
    }
    return Double(hits) / Double(requests)
  }

  func replicate(seed: UInt64, index: Int, cancelled: () -> Bool) throws(SimulationError) -> Replication {
    if cancelled() { throw SimulationError(cause: "the simulation was interrupted") }
    var sampler = KeySampler.zipf(n: n, s: s)
    var random = SeededRandom(seed: seed, stream: 0x5EED_0000 + UInt64(index))
    return Replication(
      values: ["hit_ratio": hitRatio(&sampler, &random), "lfu_bound": rounded(lfuBound(n: n, s: s, capacity: capacity))], events: warmUp + requests)
  }

  var closedForm: String? {
    guard scanLength == 0 else { return nil }
    return switch policy {
    case .lru: "Che"
    case .fifo: "Che, for FIFO"
    case .lfu: isPerfect ? "Σ of the most popular keys" : nil
    case .tinylfu: nil
    }
  }

  var theory: [String: Double] {
    guard scanLength == 0 else { return [:] }
    return switch policy {
    case .lru: ["hit_ratio": Che.hitRatio(n: n, s: s, capacity: capacity)]
    case .fifo: ["hit_ratio": Che.fifoHitRatio(n: n, s: s, capacity: capacity)]
    case .lfu: isPerfect ? ["hit_ratio": rounded(lfuBound(n: n, s: s, capacity: capacity))] : [:]
    case .tinylfu: [:]
    }
  }
}

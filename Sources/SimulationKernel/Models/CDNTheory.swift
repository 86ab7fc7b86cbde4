// Closed forms of the model `cdn`.

import ExperimentModel

/// An entry that lives until its freshness ends or its key is purged, whichever is first; purges are Poisson.
struct EntryLife {
  /// Seconds; may be infinite where there are purges.
  var ttl: Double
  /// A second.
  var purges: Double

  /// Seconds.
  var mean: Double { purges > 0 ? (1 - Portable.exp(-purges * ttl)) / purges : ttl }

  /// The probability that somebody who asks at this rate does so within the life.
  func asked(_ rate: Double) -> Double {
    guard rate > 0 else { return 0 }
    return rate / (rate + purges) * (1 - Portable.exp(-(rate + purges) * ttl))
  }

  /// Mean part of the life in which the entry is older than the key's last change, whose purge takes `delay`:
  /// ∫ e^(−wa) (1 − e^(−w·min(a, delay))) da. At the age a the entry is there when no purge has come since, and stale when the key has
  /// changed in the last `delay` of its life.
  func stale(delay: Double) -> Double {
    guard purges > 0 else { return 0 }
    let (w, young) = (purges, min(delay, ttl))
    let early = (1 - Portable.exp(-w * young)) / w - (1 - Portable.exp(-2 * w * young)) / (2 * w)
    let late = ttl > delay ? (1 - Portable.exp(-w * delay)) * (Portable.exp(-w * young) - Portable.exp(-w * ttl)) / w : 0
    return early + late
  }
}

extension CDNModel {
  /// The share of all requests that are for a key and miss at their POP. Exact with room for all keys, Che for `lru` and `fifo`; of
  /// other policies, and where entries end in an eviction order, that of `lru` without an end, which is near enough for a warm-up.
  var edgeMisses: [Double] {
    switch policy {
    case nil:
      return popularity.indices.map { key in
        popularity[key] / (1 + rate * popularity[key] / Double(pops) * EntryLife(ttl: ttl, purges: purgeRate(of: key)).mean)
      }
    case .fifo:
      let time = Che.fifoCharacteristicTime(popularity: popularity, capacity: capacity)
      return popularity.map { time == .infinity ? 0 : $0 / (1 + $0 * time) }
    case .lru, .lfu, .tinylfu:
      let time = Che.characteristicTime(popularity: popularity, capacity: capacity)
      return popularity.map { time == .infinity ? 0 : $0 * Portable.exp(-$0 * time) }
    }
  }

  private var prediction: (name: String, values: [String: Double])? {
    if startsSteady { return shield == nil ? freshness : sharedFreshness }
    guard policy == .lru || policy == .fifo, ttl == .infinity else { return nil }
    if purgeRate > 0 { return purgedLRU }
    let missed = edgeMisses.reduce(0, +)
    let name = policy == .lru ? "Che" : "Che, for FIFO"
    guard let shield else { return (name, values(missed: missed, origin: missed)) }
    return shieldOrigin(shield).map { ("\(name), of the shield on the POPs’ misses", values(missed: missed, origin: $0)) }
  }

  var closedForm: String? { prediction?.name }
  var theory: [String: Double] { prediction?.values ?? [:] }

  private func values(missed: Double, origin: Double, stale: Double? = nil) -> [String: Double] {
    var known = ["hit_ratio": 1 - missed, "origin_share": origin, "origin_rps": origin * rate, "ttfb": ttfb(missed: missed, origin: origin)]
    if shield != nil, missed > 0 { known["shield_hit_ratio"] = 1 - origin / missed }
    if let stale { known["stale_share"] = stale / (1 - origin) }
    return known
  }

  /// Each POP by itself: an entry lives for L and is loaded by the next request after that, so that of 1 + λE[L] requests one misses.
  private var freshness: (String, [String: Double]) {
    var stale = 0.0
    for key in popularity.indices {
      let (life, asked) = (EntryLife(ttl: ttl, purges: purgeRate(of: key)), rate * popularity[key] / Double(pops))
      stale += popularity[key] * asked * life.stale(delay: purgeDelay) / (1 + asked * life.mean)
    }
    let missed = edgeMisses.reduce(0, +)
    return ("λL/(1 + λL) of each key at each POP", values(missed: missed, origin: missed, stale: purgeRate > 0 ? stale : nil))
  }

  /// With a shield the copies of a key die at one moment, because its age travels with it: a cycle of L + 1/Λ. In it the origin is asked once,
  /// and each POP but the one that asked misses once if it is asked at all.
  private var sharedFreshness: (String, [String: Double]) {
    var (missed, origin, stale) = (0.0, 0.0, 0.0)
    for key in popularity.indices {
      let (life, all) = (EntryLife(ttl: ttl, purges: purgeRate(of: key)), rate * popularity[key])
      let cycle = popularity[key] / (1 + all * life.mean)
      origin += cycle
      missed += cycle * (1 + Double(pops - 1) * life.asked(all / Double(pops)))
      stale += cycle * all * life.stale(delay: purgeDelay)
    }
    return ("1/(1 + ΛL) of each key at the shield", values(missed: missed, origin: origin, stale: purgeRate > 0 ? stale : nil))
  }

  /// An entry is of use when it was last asked for, and so made fresh, less than Che’s time ago and not purged since.
  private var purgedLRU: (String, [String: Double])? {
    guard policy == .lru, shield == nil else { return nil }
    // In seconds of one POP.
    let time = Che.characteristicTime(popularity: popularity, capacity: capacity) * Double(pops) / rate
    let hit = popularity.indices.reduce(0.0) { sum, key in
      sum + popularity[key] * EntryLife(ttl: time, purges: purgeRate(of: key)).asked(rate * popularity[key] / Double(pops))
    }
    return ("Che, with purges", values(missed: 1 - hit, origin: 1 - hit))
  }

  /// Share of requests that reach the origin through a shield, by Che’s approximation with the POPs’ misses as its requests. Between two misses of
  /// one POP lies at least the time for which it keeps a key, so that in this stretch only the others ask (Garetto, Leonardi and Martina,
  /// ACM ToMPECS 1(3), 2016); else the misses are taken for Poisson. Within 1 point from 1 POP on.
  private func shieldOrigin(_ shield: (policy: CachePolicy?, capacity: Int)) -> Double? {
    let misses = edgeMisses
    let share = misses.reduce(0, +)
    guard share > 0 else { return 0 }
    guard shield.capacity > 0 else { return share }
    guard shield.capacity < n else { return 0 }
    let form = policy == .lru ? Che.characteristicTime : Che.fifoCharacteristicTime
    let kept = Double(pops) * form(popularity, capacity)
    // Times in requests of all POPs.
    func stretch(_ time: Double) -> Double { (time * Double(pops - 1) + max(0, time - kept)) / Double(pops) }
    switch shield.policy {
    case .lru:
      let time = Che.characteristicTime(popularity: misses.map { $0 / share }, capacity: shield.capacity) / share
      return misses.reduce(0) { $0 + $1 * Portable.exp(-$1 * stretch(time)) }
    case .fifo:
      // What comes in stays for the time, so that by Little's law Σ (misses of the shield) × time is the capacity.
      func loads(_ time: Double) -> Double { misses.reduce(0) { $0 + $1 / (1 + $1 * stretch(time)) } }
      var (low, high) = (0.0, Double(shield.capacity))
      while loads(high) * high < Double(shield.capacity), high < 1e15 { (low, high) = (high, high * 2) }
      for _ in 0..<60 {
        let middle = (low + high) / 2
        if loads(middle) * middle < Double(shield.capacity) { low = middle } else { high = middle }
      }
      return loads(high)
    case nil, .lfu, .tinylfu: return nil
    }
  }
}

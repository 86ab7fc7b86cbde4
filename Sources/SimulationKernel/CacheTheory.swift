// Closed forms for caches, the oracles that stand beside measured and simulated hit ratios.

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Che's approximation (Che, Tung, Wang 2002; Fricker, Robert, Roberts, arXiv 1202.3974): under
/// independent requests a key stays in an LRU cache for nearly the same time T_C, the root of
/// Σ (1 − e^(−pᵢT)) = C, so that its hit ratio is 1 − e^(−pᵢT_C).
public enum Che {
  /// Characteristic time in requests; infinite when the cache holds every key.
  public static func characteristicTime(popularity: [Double], capacity: Int) -> Double {
    guard capacity < popularity.count else { return .infinity }
    guard capacity > 0 else { return 0 }
    return root(from: Double(capacity), Double(capacity)) { time in
      var occupancy = 0.0
      var slope = 0.0
      for p in popularity {
        let absent = exp(-p * time)
        occupancy += 1 - absent
        slope += p * absent
      }
      return (occupancy, slope)
    }
  }

  /// Hit ratio of LRU with keys 1…n, P(k) ∝ k^−s.
  public static func hitRatio(n: Int, s: Double, capacity: Int) -> Double {
    hitRatio(popularity: zipfPopularity(n: n, s: s), capacity: capacity)
  }

  public static func hitRatio(popularity: [Double], capacity: Int) -> Double {
    let time = characteristicTime(popularity: popularity, capacity: capacity)
    if time == .infinity { return 1 }
    return popularity.reduce(0) { $0 - $1 * expm1(-$1 * time) }
  }

  /// FIFO (and random eviction) under the same assumption: occupancy pᵢT/(1 + pᵢT) (Fricker et al., 5).
  public static func fifoHitRatio(n: Int, s: Double, capacity: Int) -> Double {
    let popularity = zipfPopularity(n: n, s: s)
    let time = fifoCharacteristicTime(popularity: popularity, capacity: capacity)
    if time == .infinity { return 1 }
    return popularity.reduce(0) { $0 + $1 * $1 * time / (1 + $1 * time) }
  }

  /// The root of Σ pᵢT/(1 + pᵢT) = C: how long a key stays in a FIFO cache, in requests; infinite when the cache holds every key.
  static func fifoCharacteristicTime(popularity: [Double], capacity: Int) -> Double {
    guard capacity < popularity.count else { return .infinity }
    guard capacity > 0 else { return 0 }
    return root(from: Double(capacity), Double(capacity)) { time in
      var occupancy = 0.0
      var slope = 0.0
      for p in popularity {
        let absent = 1 / (1 + p * time)
        occupancy += 1 - absent
        slope += p * absent * absent
      }
      return (occupancy, slope)
    }
  }

  /// Where an increasing concave function of time reaches `target`, by Newton's method. From the left,
  /// where the time of `target` requests always is (each brings at most one key), the tangents never
  /// overshoot, so no bracket is needed; about ten evaluations instead of bisection's fifty.
  private static func root(
    from start: Double, _ target: Double, _ occupancy: (Double) -> (value: Double, slope: Double)
  ) -> Double {
    var time = start
    for _ in 0..<200 {
      let (value, slope) = occupancy(time)
      guard slope > 0 else { break }
      let step = (target - value) / slope
      time += step
      if abs(step) <= 1e-10 * time { break }
    }
    return time
  }
}

/// P(k) ∝ k^−s for k = 1…n.
public func zipfPopularity(n: Int, s: Double) -> [Double] {
  let weights = (1...n).map { pow(Double($0), -s) }
  let total = weights.reduce(0, +)
  return weights.map { $0 / total }
}

/// The hit ratio of a cache that knows the popularities and keeps the most popular keys: an upper
/// bound for any policy under independent requests.
public func lfuBound(n: Int, s: Double, capacity: Int) -> Double {
  zipfPopularity(n: n, s: s).prefix(max(0, capacity)).reduce(0, +)
}

/// The share of hits that are older than the last write of their key, when a key is written at
/// `writeRate` per second (Poisson) and an entry lives `ttl` seconds: the mean of 1 − e^(−wt) over an
/// entry's age, 1 − (1 − e^(−wT))/(wT).
public func ttlStaleShare(writeRate: Double, ttl: Double) -> Double {
  let x = writeRate * ttl
  return x > 0 ? 1 + expm1(-x) / x : 0
}

/// Mean of a mixture of hits and misses.
public func hitMixtureMean(hitRatio: Double, hit: Double, miss: Double) -> Double {
  hitRatio * hit + (1 - hitRatio) * miss
}

// Random numbers of named laws, from a seeded stream. Hot: an exponential costs about 3 ns, nothing is allocated, and the
// tables are literal (ZigguratTables.swift), so that a seed gives the same numbers on every machine.

import Statistics

/// What the samplers look up; built once, and never freed.
private nonisolated(unsafe) let layers: (exponential: UnsafePointer<Double>, normal: UnsafePointer<Double>) = {
  /// Edge and height of each layer side by side: one line of the cache for both.
  func pairs(_ edges: [Double], _ height: (Double) -> Double) -> UnsafePointer<Double> {
    let table = UnsafeMutablePointer<Double>.allocate(capacity: 2 * edges.count)
    for (i, x) in edges.enumerated() {
      table[2 * i] = x
      table[2 * i + 1] = height(x)
    }
    return UnsafePointer(table)
  }
  return (pairs(exponentialLayers) { Portable.exp(-$0) }, pairs(normalLayers) { Portable.exp(-$0 * $0 / 2) })
}()

/// A stream of one source of randomness: arrivals have theirs, services theirs, so that two variants of a model see the same
/// customers (common random numbers).
struct Stream {
  private var random: SeededRandom
  private let exponentialTable: UnsafePointer<Double>
  private let normalTable: UnsafePointer<Double>

  /// - Parameters:
  ///   - replication: from 0.
  ///   - source: a number of the model's own, below 2¹⁶.
  init(seed: UInt64, replication: Int, source: Int) {
    random = SeededRandom(seed: seed, stream: 0x51D0_0000_0000 + UInt64(replication) << 16 + UInt64(source))
    exponentialTable = layers.exponential
    normalTable = layers.normal
  }

  /// Uniform on [0, 1).
  @inline(__always) mutating func uniform() -> Double { random.uniform() }

  /// Uniform on 0..<n, n below 2³².
  @inline(__always) mutating func index(below n: Int) -> Int { Int(((random.next() >> 32) &* UInt64(truncatingIfNeeded: n)) >> 32) }

  /// Exponential with mean 1, by the ziggurat: one draw and one comparison in 98.9 % of cases.
  @inline(__always) mutating func exponential() -> Double {
    let bits = random.next()
    let layer = 2 * Int(truncatingIfNeeded: bits & 0xFF)
    let x = Double(bits >> 11) * 0x1p-53 * exponentialTable[layer]
    if x < exponentialTable[layer + 2] { return x }
    return exponentialEdge(layer, x)
  }

  @inline(never) private mutating func exponentialEdge(_ start: Int, _ candidate: Double) -> Double {
    var (layer, x) = (start, candidate)
    // What lies beyond the lowest layer's edge is the same law again.
    var beyond = 0.0
    while true {
      if x < exponentialTable[layer + 2] { return beyond + x }
      if layer == 0 {
        beyond += exponentialTable[2]
      } else {
        let (low, high) = (exponentialTable[layer + 1], exponentialTable[layer + 3])
        if low + uniform() * (high - low) < Portable.exp(-x) { return beyond + x }
      }
      let bits = random.next()
      layer = 2 * Int(truncatingIfNeeded: bits & 0xFF)
      x = Double(bits >> 11) * 0x1p-53 * exponentialTable[layer]
    }
  }

  /// Normal with mean 0 and deviation 1.
  mutating func normal() -> Double {
    while true {
      let bits = random.next()
      let layer = 2 * Int(truncatingIfNeeded: bits & 0xFF)
      let sign = bits & 0x100 == 0 ? 1.0 : -1.0
      let x = Double(bits >> 11) * 0x1p-53 * normalTable[layer]
      if x < normalTable[layer + 2] { return sign * x }
      if layer == 0 {
        // Marsaglia's tail (1964).
        let r = normalTable[2]
        while true {
          let a = exponential() / r
          if 2 * exponential() > a * a { return sign * (r + a) }
        }
      }
      let (low, high) = (normalTable[layer + 1], normalTable[layer + 3])
      if low + uniform() * (high - low) < Portable.exp(-x * x / 2) { return sign * x }
    }
  }

  /// Gamma with this shape and scale 1 (Marsaglia and Tsang 2000).
  mutating func gamma(_ shape: Double) -> Double {
    if shape < 1 { return gamma(shape + 1) * Portable.exp(-exponential() / shape) }
    let d = shape - 1.0 / 3
    let c = 1 / (9 * d).squareRoot()
    while true {
      let x = normal()
      let root = 1 + c * x
      guard root > 0 else { continue }
      let v = root * root * root
      if -exponential() < 0.5 * x * x + d - d * v + d * Portable.log(v) { return d * v }
    }
  }

  /// How often something of rate 1 happens in `mean`: by counting below 30, above it as a Gamma wait for the middle one
  /// (Ahrens and Dieter 1974).
  mutating func poisson(_ mean: Double) -> Int {
    if mean > 30 {
      let middle = Int(mean * 7 / 8)
      let wait = gamma(Double(middle))
      return wait > mean ? binomial(middle - 1, mean / wait) : middle + poisson(mean - wait)
    }
    var count = 0
    var passed = exponential()
    while passed < mean {
      count += 1
      passed += exponential()
    }
    return count
  }

  /// Successes in n trials; by trying.
  mutating func binomial(_ n: Int, _ p: Double) -> Int {
    var count = 0
    for _ in 0..<max(0, n) where uniform() < p { count += 1 }
    return count
  }
}

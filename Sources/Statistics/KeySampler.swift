// Draws keys 1…n, where the key is its rank: 1 is the most popular. Never holds a generator of its
// own: the caller's stream decides, so that two samplers can share or separate their draws.

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A distribution over the keys 1…n, drawn in constant time.
public struct KeySampler: Sendable {
  private enum Kind { case uniform, sequential, alias }
  private let kind: Kind
  /// The number of keys.
  public let n: Int
  /// Zipf only: the share of its column that belongs to slot i; the rest belongs to `alias[i]`.
  private var share: [Double] = []
  private var alias: [Int32] = []
  private var position = 0

  /// Every key is equally likely.
  public static func uniform(n: Int) -> KeySampler { KeySampler(kind: .uniform, n: n) }

  /// 1, 2, … n, 1, … without randomness.
  public static func sequential(n: Int) -> KeySampler { KeySampler(kind: .sequential, n: n) }

  /// P(k) ∝ k^−s, by Vose's alias method (IEEE TSE 17, 1991): exact up to rounding, 12 bytes a key.
  ///
  /// - Precondition: 0 < n ≤ 2³¹ − 1 and s is finite and not negative (0 is the uniform distribution).
  public static func zipf(n: Int, s: Double) -> KeySampler {
    precondition(s.isFinite && s >= 0, "the Zipf exponent is a number from 0")
    var sampler = KeySampler(kind: .alias, n: n)
    var weights = (1...n).map { pow(Double($0), -s) }
    let total = weights.reduce(0, +)
    for i in weights.indices { weights[i] *= Double(n) / total }
    sampler.share = [Double](repeating: 1, count: n)
    sampler.alias = (0..<n).map { Int32($0) }
    var small = weights.indices.filter { weights[$0] < 1 }
    var large = weights.indices.filter { weights[$0] >= 1 }
    // What is left in either list at the end differs from 1 by rounding only and keeps its share of 1.
    while let poor = small.popLast(), let rich = large.last {
      sampler.share[poor] = weights[poor]
      sampler.alias[poor] = Int32(rich)
      weights[rich] -= 1 - weights[poor]
      if weights[rich] < 1 { small.append(large.removeLast()) }
    }
    return sampler
  }

  private init(kind: Kind, n: Int) {
    precondition(n > 0 && n <= Int(Int32.max), "the number of keys is 1 to 2³¹ − 1")
    self.kind = kind
    self.n = n
  }

  /// The next key, 1…n. Takes one number from `random`; a sequential sampler takes none.
  public mutating func next(_ random: inout SeededRandom) -> Int {
    switch kind {
    case .uniform: return 1 + Int(random.uniform() * Double(n))
    case .sequential:
      position = position == n ? 1 : position + 1
      return position
    case .alias:
      let point = random.uniform() * Double(n)
      let slot = Int(point)
      return 1 + (point - Double(slot) < share[slot] ? slot : Int(alias[slot]))
    }
  }
}

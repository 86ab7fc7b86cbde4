import ExperimentModel

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

// Seeded keys for bench subjects and tests. The load generator has its own sampler in another
// module on purpose: one shared bug must not cancel itself out.

/// Draws keys 1…n of a distribution. Zipf by inversion of the exact cumulative sum: O(n) memory,
/// O(log n) a draw, no rejection constant to get wrong.
struct KeyStream {
  private let distribution: KeyDistribution
  /// P(key ≤ k) at index k − 1; empty unless Zipf.
  private let cumulative: [Double]
  private var random: SeededRandom
  private var position = 0

  init(_ distribution: KeyDistribution, seed: UInt64) {
    precondition(distribution.n > 0, "a key distribution needs n > 0")
    self.distribution = distribution
    random = SeededRandom(seed: seed, stream: "keys")
    guard case .zipf(let n, let s) = distribution else { cumulative = []; return }
    var sum = 0.0
    var sums = (1...n).map { k in sum += pow(Double(k), -s); return sum }
    for i in sums.indices { sums[i] /= sum }
    sums[n - 1] = 1
    cumulative = sums
  }

  mutating func next() -> Int {
    switch distribution {
    case .sequential(let n):
      defer { position += 1 }
      return position % n + 1
    case .uniform(let n):
      return min(n, Int(random.unit() * Double(n)) + 1)
    case .zipf:
      let u = random.unit()
      var low = 0
      var high = cumulative.count - 1
      while low < high {
        let middle = (low + high) / 2
        if cumulative[middle] > u { high = middle } else { low = middle + 1 }
      }
      return low + 1
    }
  }
}

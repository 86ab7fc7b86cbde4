// Order statistics of all m · n differences of two samples, without making them: what Hodges and Lehmann's shift and
// Moses' interval are.

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The differences x − y of all pairs, as if sorted.
struct SortedDifferences {
  private let x: [Double]
  private let y: [Double]
  let count: Int

  init(_ x: [Double], _ y: [Double]) {
    self.x = x.sorted()
    self.y = y.sorted()
    count = x.count * y.count
  }

  /// The median, for an even count the mean of the two middle ones.
  var median: Double { count % 2 == 1 ? value(rank: count / 2 + 1) : (value(rank: count / 2) + value(rank: count / 2 + 1)) / 2 }

  /// The difference of this rank, from 1: found by halving the range of values until no double lies between.
  func value(rank: Int) -> Double {
    precondition(rank >= 1 && rank <= count, "ranks run from 1")
    var low = x[0] - y[y.count - 1]
    var high = x[x.count - 1] - y[0]
    if notAbove(low) >= rank { return low }
    // notAbove(low) < rank ≤ notAbove(high)
    while low.nextUp < high {
      let middle = low + (high - low) / 2
      guard middle > low, middle < high else { break }
      if notAbove(middle) >= rank { high = middle } else { low = middle }
    }
    return high
  }

  /// How many differences are ≤ `limit`: rounding keeps order, so that one walk along both samples counts them.
  private func notAbove(_ limit: Double) -> Int {
    var total = 0
    var from = y.count
    // y[from...] are those that x reaches; a larger x reaches fewer.
    for value in x.reversed() {
      while from > 0, value - y[from - 1] <= limit { from -= 1 }
      total += y.count - from
    }
    return total
  }

  /// Differences of ranks k and m·n + 1 − k, k the largest with P(U < k) ≤ α/2; nil when there is none, as also in an
  /// empty sample.
  func interval(_ confidence: Double) -> Interval? {
    guard count > 0, let k = mannWhitneyRank(x.count, y.count, tail: (1 - confidence) / 2) else { return nil }
    return Interval(low: value(rank: k), high: value(rank: count + 1 - k), confidence: confidence)
  }
}

/// The largest k with P(U < k) ≤ `tail` for Mann and Whitney's U of m and n samples without ties; nil below 1.
///
/// Exact to 50 samples a side (`mannWhitneyDistribution`), else the normal approximation with continuity correction
/// (Lehmann 1975, 1.3).
func mannWhitneyRank(_ m: Int, _ n: Int, tail: Double) -> Int? {
  if max(m, n) <= 50 {
    var sum = 0.0
    var k = 0
    for share in mannWhitneyDistribution(m, n) {
      sum += share
      guard sum <= tail else { break }
      k += 1
    }
    return k >= 1 ? k : nil
  }
  let (a, b) = (Double(m), Double(n))
  let sigma = (a * b * (a + b + 1) / 12).squareRoot()
  let z = studentQuantile(1 - tail, degrees: 1e7)
  let k = Int((a * b / 2 - z * sigma + 0.5).rounded(.down))
  return k >= 1 ? k : nil
}

/// P(U = u) for u = 0…m·n, all values different: the coefficients of the Gaussian binomial
/// Π (1 − q^(n+i))/(1 − q^i), i = 1…m, over their sum (Mann and Whitney 1947).
///
/// Only the lower half is made, from small counts upward, so that the tails are whole numbers below 2⁵³ and exact; the
/// upper half is its mirror.
func mannWhitneyDistribution(_ m: Int, _ n: Int) -> [Double] {
  let half = m * n / 2
  var ways = [Double](repeating: 0, count: half + 1)
  ways[0] = 1
  for i in stride(from: 1, through: m, by: 1) {
    for u in stride(from: half, through: n + i, by: -1) { ways[u] -= ways[u - n - i] }
    for u in stride(from: i, through: half, by: 1) { ways[u] += ways[u - i] }
  }
  let all = ways + ways.prefix(m * n - half).reversed()
  let total = all.reduce(0, +)
  return all.map { $0 / total }
}

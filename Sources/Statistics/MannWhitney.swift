// The unpaired comparison that benchstat makes, for reading its files and for samples that were never paired.
// Where pairs exist `comparePaired` is right: drift common to both sides stays in these ranks.

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The result of a Mann–Whitney U test.
public struct MannWhitney: Hashable, Sendable {
  /// Pairs (x, y) with x > y, ties counted half.
  public var u: Double
  /// Two-sided.
  public var pValue: Double
  /// True when `pValue` comes from all arrangements of the samples, false for the normal approximation.
  public var exact: Bool
}

/// Wilcoxon–Mann–Whitney U test of "x and y come from one distribution", two-sided, with benchstat's limits:
/// exact up to 50 samples a side, with ties up to 25 (the permutation distribution of the midranks that are
/// there); above that the normal approximation with tie correction and continuity correction
/// (Mann and Whitney 1947; Lehmann 1975).
///
/// - Returns: nil when a side is empty, a value is not finite, or all values are equal.
public func mannWhitneyU(_ x: [Double], _ y: [Double]) -> MannWhitney? {
  let all = x + y
  guard !x.isEmpty, !y.isEmpty, all.allSatisfy({ $0.isFinite }), let first = all.first, all.contains(where: { $0 != first })
  else { return nil }
  // Doubled midranks are whole numbers.
  let order = all.indices.sorted { all[$0] < all[$1] }
  var doubled = [Int](repeating: 0, count: all.count)
  var tieTerm = 0.0
  var start = 0
  while start < order.count {
    var end = start
    while end < order.count, all[order[end]] == all[order[start]] { end += 1 }
    for position in start..<end { doubled[order[position]] = start + end + 1 }
    let size = Double(end - start)
    tieTerm += size * size * size - size
    start = end
  }
  let rankSum = doubled[..<x.count].reduce(0, +)
  let doubledU = rankSum - x.count * (x.count + 1)
  let u = Double(doubledU) / 2
  let limit = tieTerm > 0 ? 25 : 50
  if max(x.count, y.count) <= limit {
    let p = exactPValue(doubledRanks: doubled, first: x.count, sum: rankSum, tied: tieTerm > 0)
    return MannWhitney(u: u, pValue: p, exact: true)
  }
  let (m, n, total) = (Double(x.count), Double(y.count), Double(all.count))
  let sigma = (m * n / 12 * (total + 1 - tieTerm / (total * (total - 1)))).squareRoot()
  let distance = max(0, abs(u - m * n / 2) - 0.5)
  return MannWhitney(u: u, pValue: min(1, erfc(distance / sigma / 2.0.squareRoot())), exact: false)
}

/// Twice the smaller tail, both including what was seen, of the rank sum of `first` of the samples chosen
/// at random: counted as the share of choices of each size for each sum, rank by rank.
private func exactPValue(doubledRanks: [Int], first: Int, sum: Int, tied: Bool) -> Double {
  // Without ties all doubled ranks are even, and half of the table would stay empty.
  let unit = tied ? 1 : 2
  let ranks = doubledRanks.map { $0 / unit }.sorted()
  let seen = sum / unit
  let most = ranks.suffix(first).reduce(0, +)
  let width = most + 1
  // ways[k * width + s]: choices of k ranks with sum s. Doubles hold counts up to 10³⁰⁸ to 16 digits.
  var ways = [Double](repeating: 0, count: (first + 1) * width)
  ways[0] = 1
  ways.withUnsafeMutableBufferPointer { ways in
    var reached = 0
    for (index, rank) in ranks.enumerated() {
      reached += rank
      let top = min(reached, most)
      guard rank <= top else { continue }
      for k in stride(from: min(first, index + 1), through: 1, by: -1) {
        let (to, from) = (k * width, (k - 1) * width - rank)
        for s in rank...top { ways[to + s] += ways[from + s] }
      }
    }
  }
  let row = ways[(first * width)...]
  let total = row.reduce(0, +)
  let low = row.prefix(seen + 1).reduce(0, +) / total
  let high = row.dropFirst(seen).reduce(0, +) / total
  return min(1, 2 * min(low, high))
}

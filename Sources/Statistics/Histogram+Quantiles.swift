// Reading a histogram: ranks, quantiles with their intervals, the distribution function. All values in
// nanoseconds, at most `2^−bits` of themselves off.

extension Histogram {
  /// The value at rank ⌈q·n⌉; 0 when empty.
  public func quantile(_ q: Double) -> Int64 {
    value(atRank: Int((Swift.min(Swift.max(q, 0), 1) * Double(count)).rounded(.up)))
  }

  /// The value at a rank from 1; a rank outside 1…n is the nearest one; 0 when empty.
  public func value(atRank rank: Int) -> Int64 {
    guard count > 0 else { return 0 }
    if rank <= 1 { return min }
    if rank >= count { return max }
    // From the nearer end: p99 is asked for while a run is going on.
    if rank > count / 2 {
      var above = count
      var i = index(of: max)
      while true {
        above -= Int(counts[i])
        if above < rank { return representative(i) }
        i -= 1
      }
    }
    var below = 0
    var i = index(of: min)
    while true {
      below += Int(counts[i])
      if below >= rank { return representative(i) }
      i += 1
    }
  }

  /// Order-statistic interval of quantile `q` with at least `confidence`, from binomial ranks.
  /// The values are taken as independent.
  ///
  /// - Returns: nil when there are too few values; see `binomialRanks`.
  public func interval(_ q: Double, confidence: Double) -> (low: Int64, high: Int64)? {
    guard let ranks = binomialRanks(n: count, q: q, confidence: confidence) else { return nil }
    return (value(atRank: ranks.lower), value(atRank: ranks.upper))
  }

  /// Calls `body` with each non-empty bucket's value and count, in increasing order.
  public func forEachBucket(_ body: (_ value: Int64, _ count: Int) -> Void) {
    guard count > 0 else { return }
    for i in index(of: min)...index(of: max) where counts[i] > 0 { body(representative(i), Int(counts[i])) }
  }

  /// The empirical distribution function as steps (value, share of values up to it), at most about
  /// `limit` of them and always with the last one, (max, 1).
  public func cumulative(limit: Int = 512) -> [(value: Int64, share: Double)] {
    var steps: [(value: Int64, share: Double)] = []
    var below = 0
    var kept = 0
    forEachBucket { value, here in
      below += here
      // A step for each 1/limit of the values, and for each bucket of the thin tail's last 1/limit.
      guard (below - kept) * limit >= count || (count - below) * limit < count else { return }
      kept = below
      steps.append((value, Double(below) / Double(count)))
    }
    guard steps.count > 2 * limit else { return steps }
    let stride = (steps.count + limit - 1) / limit
    return steps.indices.filter { $0 % stride == stride - 1 || $0 == steps.count - 1 }.map { steps[$0] }
  }
}

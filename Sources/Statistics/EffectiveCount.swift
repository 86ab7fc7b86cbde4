// How many independent values the times of a load run are worth. A request that waits in a queue waits behind its
// neighbours, so the times of a busy server come in clusters: an order-statistic interval that takes them as independent
// covers the true p99 of an M/M/1 queue at 80 % load in 20 of 100 runs of ten seconds, and the median in 28.

/// Sums over one stretch of a run; all stretches have the same length in time.
public struct SeriesBatch: Hashable, Sendable {
  /// Number of values, their sum, and how many of them lie above the quantile in question.
  public var count: Double
  public var sum: Double
  public var exceeding: Double
  public init(count: Double, sum: Double, exceeding: Double) {
    self.count = count; self.sum = sum; self.exceeding = exceeding
  }
}

/// The number of independent values that would know quantile `q` as well as these batches do: share·(1 − share) of the values
/// above it over the variance of that share, which batches show with all their memory (Cochran, Sampling Techniques, 6.4, for
/// batches of different counts; widened for what neighbouring batches still share). Above the median also the values' own
/// variance over that of their mean, and the smaller counts: a run too short for its queue has hardly met its worst
/// stretches, and the few it met look more regular than they are.
///
/// - Parameters:
///   - batches: in order of time.
///   - variance: of the single values.
/// - Returns: 1 … number of values; with fewer than 20 batches that hold anything the number of values, since so few show no memory.
public func effectiveCount(_ batches: [SeriesBatch], q: Double, variance: Double) -> Double {
  let count = batches.reduce(0) { $0 + $1.count }
  guard count > 1, batches.filter({ $0.count > 0 }).count >= 20 else { return count }
  let share = batches.reduce(0) { $0 + $1.exceeding } / count
  let mean = batches.reduce(0) { $0 + $1.sum } / count
  var worth = count
  // Each batch's surplus over what its count would give at the overall share or mean.
  func judge(_ single: Double, _ surplus: [Double]) {
    let b = Double(surplus.count)
    let squares = surplus.reduce(0) { $0 + $1 * $1 }
    let spread = b / (b - 1) * squares / (count * count) * (b / effectiveSampleSize(surplus))
    if spread > 0 { worth = min(worth, single / spread) }
  }
  judge(share * (1 - share), batches.map { $0.exceeding - share * $0.count })
  if q > 0.5 { judge(variance, batches.map { $0.sum - mean * $0.count }) }
  return max(1, worth)
}

extension Histogram {
  /// Order-statistic interval of quantile `q` from values that are worth `worth` independent ones: the binomial ranks of that many,
  /// stretched over all.
  ///
  /// - Returns: nil when `worth` is too small for both tails; see `binomialRanks`.
  public func interval(_ q: Double, confidence: Double, worth: Double) -> (low: Int64, high: Int64)? {
    let n = Swift.max(1, Swift.min(count, Int(worth)))
    guard let ranks = binomialRanks(n: n, q: q, confidence: confidence) else { return nil }
    let stretch = Double(count + 1) / Double(n + 1)
    return (
      value(atRank: Int((Double(ranks.lower) * stretch).rounded(.down))),
      value(atRank: Int((Double(ranks.upper) * stretch).rounded(.up)))
    )
  }

  /// Of the values, from their buckets; 0 for fewer than two.
  public var variance: Double {
    guard count > 1 else { return 0 }
    let center = mean
    var squares = 0.0
    forEachBucket { value, here in squares += (Double(value) - center) * (Double(value) - center) * Double(here) }
    return squares / Double(count - 1)
  }
}

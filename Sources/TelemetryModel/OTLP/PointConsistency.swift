// Points whose parts contradict each other are rejected when they come in: later, every sum and quantile over them would be
// wrong without a sign.

extension HistogramPoint {
  /// One count more than bounds, or neither; bounds that rise; counts that add up.
  func isConsistent(bucketsMax: Int) -> Bool {
    guard bucketCounts.count <= bucketsMax else { return false }
    if bucketCounts.isEmpty { return bounds.isEmpty }
    guard bucketCounts.count == bounds.count + 1, bucketCounts.total == count else { return false }
    return zip(bounds, bounds.dropFirst()).allSatisfy { $0 < $1 } && !bounds.contains { $0.isNaN }
  }
}

extension ExponentialHistogramPoint {
  /// Counts that add up, a scale that is one, buckets whose indexes are 32-bit integers.
  func isConsistent(bucketsMax: Int) -> Bool {
    guard positive.counts.count <= bucketsMax, negative.counts.count <= bucketsMax else { return false }
    guard ExponentialHistogram.scales.contains(Int(scale)), zeroThreshold >= 0 else { return false }
    guard [positive, negative].allSatisfy({ Int($0.offset) + $0.counts.count <= Int(Int32.max) }) else { return false }
    guard let p = positive.counts.total, let n = negative.counts.total else { return false }
    let (buckets, over) = p.addingReportingOverflow(n)
    let (all, overAgain) = buckets.addingReportingOverflow(zeroCount)
    return !over && !overAgain && all == count
  }
}

extension [UInt64] {
  /// The sum; nil when it does not fit.
  var total: UInt64? {
    var sum: UInt64 = 0
    for count in self {
      let (next, over) = sum.addingReportingOverflow(count)
      if over { return nil }
      sum = next
    }
    return sum
  }
}

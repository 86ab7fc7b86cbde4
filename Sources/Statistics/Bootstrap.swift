// Intervals for statistics that have no order-statistics interval, such as a p99 of merged slices:
// resample the pairs, recompute, take percentiles.

/// Percentile interval of a statistic over slice pairs.
///
/// Blocks of `blockLength` neighbouring pairs are drawn with replacement (Künsch's moving blocks,
/// wrapped round the end so that every pair is equally likely), which keeps memory of that length.
///
/// - Parameters:
///   - pairs: number of slice pairs; the closure gets `pairs` indices below it.
///   - statistic: the value for a resample; nil leaves the resample out.
/// - Returns: nil below 6 pairs, or when more than a tenth of the resamples had no value.
public func bootstrapOverPairs(
  pairs: Int, seed: UInt64, resamples: Int = 1_000, blockLength: Int = 1, confidence: Double = 0.95,
  statistic: ([Int]) -> Double?
) -> Interval? {
  guard pairs >= 6, resamples >= 100, blockLength >= 1, blockLength < pairs else { return nil }
  var random = SeededRandom(seed: seed, stream: 0xB007_57A9)
  var values: [Double] = []
  values.reserveCapacity(resamples)
  var indices = [Int](repeating: 0, count: pairs)
  for _ in 0..<resamples {
    var filled = 0
    while filled < pairs {
      let start = Int(random.uniform() * Double(pairs))
      for step in 0..<min(blockLength, pairs - filled) {
        indices[filled] = (start + step) % pairs
        filled += 1
      }
    }
    if let value = statistic(indices), value.isFinite { values.append(value) }
  }
  guard values.count * 10 >= resamples * 9 else { return nil }
  values.sort()
  let tail = (1 - confidence) / 2
  return Interval(
    low: sampleQuantile(sorted: values, tail), high: sampleQuantile(sorted: values, 1 - tail),
    confidence: confidence)
}

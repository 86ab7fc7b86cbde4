// How many independent samples a series in order of time is worth. Neighbouring measurements
// resemble each other (heat, other tenants), and an interval that ignores it is too narrow: at
// φ = 0.6 a nominal 95 % interval of the median covers 78 % (method.md, 1).

/// Lag-1 autocorrelation with its small-sample bias taken out, r1 + (1 + 3 r1)/n; 0 for a constant series.
public func lagOneAutocorrelation(_ samples: [Double]) -> Double {
  let n = samples.count
  guard n >= 3 else { return 0 }
  let mean = sampleMean(samples)
  var squares = 0.0
  var products = 0.0
  for i in 0..<n {
    let deviation = samples[i] - mean
    squares += deviation * deviation
    if i > 0 { products += deviation * (samples[i - 1] - mean) }
  }
  guard squares > 0 else { return 0 }
  let raw = products / squares
  return min(0.999, raw + (1 + 3 * raw) / Double(n))
}

/// The number of independent samples that estimate as well as these, between 1 and n.
///
/// n (1 − r1)/(1 + r1) for first-order memory. Where r1 is clearly positive and there are enough
/// samples, batch means are asked too (batches double until their own r1 < 0.1, never fewer than 20
/// batches), and the smaller answer counts: it sees memory longer than one step. Negative correlation
/// is not taken as a gift: the result never exceeds n.
public func effectiveSampleSize(_ samples: [Double]) -> Double {
  let n = Double(samples.count)
  guard samples.count >= 3 else { return n }
  let r1 = lagOneAutocorrelation(samples)
  guard r1 > 0 else { return n }
  var effective = n * (1 - r1) / (1 + r1)
  if r1 > 2 / n.squareRoot(), let batched = batchMeansSize(samples) {
    effective = min(effective, batched)
  }
  return min(n, max(1, effective))
}

/// n s²/(b s_b²) with the longest batches tried; nil when there is no room for 20 batches of two.
private func batchMeansSize(_ samples: [Double]) -> Double? {
  let variance = sampleVariance(samples)
  var best: Double?
  doubledBatches(samples, fewest: 20, from: 2) { length, means in
    let spread = sampleVariance(means)
    guard variance > 0, spread > 0 else { return false }
    best = Double(samples.count) * variance / (Double(length) * spread)
    return lagOneAutocorrelation(means) >= 0.1
  }
  return best
}

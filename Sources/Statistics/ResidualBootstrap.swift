// Intervals for the coefficients of a curve whose x were chosen, not drawn: new noise from the residuals on the old
// curve, fitted again.

/// Percentile intervals of what `fit` returns, one for each of its values.
///
/// Residuals are centred and blown up by √(n/(n − p)) · t/z: a fit with p parameters swallows p of n residuals, and
/// percentiles of a normal statistic reach z deviations where Student's t would reach t (Efron and Tibshirani 1993, 9.4,
/// for the first; the second makes the interval of a mean that of `meanInterval`).
///
/// - Parameters:
///   - fitted: the curve at each point; `values` what was measured there.
///   - relative: residuals are shares of the curve, else differences.
///   - fit: all values anew for a resample, in order; nil leaves it out. Infinite values are allowed, nan is not.
/// - Returns: nil when n ≤ p + 1, or when more than a tenth of the resamples had no fit.
func bootstrapResiduals(
  fitted: [Double], values: [Double], relative: Bool, parameters: Int, resamples: Int, confidence: Double, seed: UInt64,
  fit: ([Double]) -> [Double]?
) -> [Interval]? {
  let n = fitted.count
  guard n > parameters + 1, values.count == n, resamples >= 100 else { return nil }
  let tail = (1 - confidence) / 2
  let degrees = Double(n - parameters)
  let blow =
    (Double(n) / degrees).squareRoot() * studentQuantile(1 - tail, degrees: degrees) / studentQuantile(1 - tail, degrees: 1e7)
  let raw = zip(values, fitted).map { relative ? $0 / $1 - 1 : $0 - $1 }
  let centre = sampleMean(raw)
  let noise = raw.map { blow * ($0 - centre) }
  var random = SeededRandom(seed: seed, stream: 0x2E51_D0A1)
  var drawn: [[Double]] = []
  for _ in 0..<resamples {
    let resample = fitted.map { level in
      let miss = noise[Int(random.uniform() * Double(n))]
      // A tenth of the curve is the least: noise that large has no fit anyway.
      return max(0.1 * level, relative ? level * (1 + miss) : level + miss)
    }
    if let found = fit(resample), !found.contains(where: \.isNaN) { drawn.append(found) }
  }
  guard drawn.count * 10 >= resamples * 9, let width = drawn.first?.count else { return nil }
  return (0..<width).map { k in
    let sorted = drawn.map { $0[k] }.sorted()
    // Order statistics, not interpolated: values may be infinite.
    let cut = Int(tail * Double(sorted.count))
    return Interval(low: sorted[cut], high: sorted[sorted.count - 1 - cut], confidence: confidence)
  }
}

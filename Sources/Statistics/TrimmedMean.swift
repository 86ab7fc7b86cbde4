// The 20 % trimmed mean with Yuen's standard error: the secondary estimate of a paired comparison.

/// A trimmed mean with its standard error and interval, in the samples' unit.
public struct TrimmedMean: Hashable, Sendable {
  public var value: Double
  public var standardError: Double
  public var interval: Interval
}

/// Mean of the middle 1 − 2·`trim` of the samples; standard error from the winsorised variance,
/// s_w / ((1 − 2γ)√n), Student's t with n − 2⌊γn⌋ − 1 degrees (Yuen 1974; Tukey and McLaughlin 1963).
///
/// - Returns: nil when fewer than 4 samples are left after trimming.
public func trimmedMeanYuen(_ samples: [Double], trim: Double = 0.2, confidence: Double = 0.95) -> TrimmedMean? {
  precondition(trim >= 0 && trim < 0.5, "less than half is trimmed on each side")
  let n = samples.count
  let cut = Int(trim * Double(n))
  guard n - 2 * cut >= 4 else { return nil }
  let sorted = samples.sorted()
  let value = sampleMean(Array(sorted[cut..<(n - cut)]))
  let winsorised = sorted.map { min(max($0, sorted[cut]), sorted[n - 1 - cut]) }
  let error = sampleVariance(winsorised).squareRoot() / ((1 - 2 * trim) * Double(n).squareRoot())
  let reach = studentQuantile(1 - (1 - confidence) / 2, degrees: Double(n - 2 * cut - 1)) * error
  return TrimmedMean(
    value: value, standardError: error,
    interval: Interval(low: value - reach, high: value + reach, confidence: confidence))
}

// The 20 % trimmed mean with Yuen's standard error: the secondary estimate of a paired comparison.

/// A trimmed mean with its standard error and interval, in the samples' unit.
public struct TrimmedMean: Hashable, Sendable {
  public var value: Double
  public var standardError: Double
  /// Student's degrees of freedom: one fewer than the samples that are left after trimming.
  public var degrees: Double
  public var interval: Interval

  /// Two-sided p of "the trimmed mean is `value`"; without any spread 1 or 0.
  public func pValue(against value: Double = 0) -> Double {
    guard standardError > 0 else { return self.value == value ? 1 : 0 }
    return min(1, 2 * studentCDF(-abs(self.value - value) / standardError, degrees: degrees))
  }
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
  let degrees = Double(n - 2 * cut - 1)
  let reach = studentQuantile(1 - (1 - confidence) / 2, degrees: degrees) * error
  return TrimmedMean(
    value: value, standardError: error, degrees: degrees,
    interval: Interval(low: value - reach, high: value + reach, confidence: confidence))
}

/// Yuen's test for pairs on log-ratios: the trimmed mean of d_i = ln A_i − ln B_i, so that drift that is
/// common to a pair falls out before anything is trimmed; `interval.mapped(exp)` is the ratio's.
///
/// - Returns: nil for unequal counts, values that are not positive, or fewer than 4 pairs after trimming. It
///   takes pairs as independent; `comparePaired` judges whether they are.
public func yuenPaired(
  baseline: [Double], candidate: [Double], trim: Double = 0.2, confidence: Double = 0.95
) -> TrimmedMean? {
  pairedLogRatios(baseline: baseline, candidate: candidate).flatMap { trimmedMeanYuen($0, trim: trim, confidence: confidence) }
}

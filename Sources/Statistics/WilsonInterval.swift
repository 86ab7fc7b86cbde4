// The interval of a share, for counts of independent yes-or-no observations such as samples of a profiler.

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Wilson's score interval (1927) of the probability behind `successes` out of `trials`, within 0…1.
///
/// Unlike p ± z·√(p(1 − p)/n) it keeps its coverage near 0 and 1: no success in 100 trials gives 0…0.037, not 0…0.
///
/// - Returns: nil without trials or when `successes` is not within 0…trials.
public func wilsonInterval(successes: Int, of trials: Int, confidence: Double = 0.95) -> Interval? {
  precondition(confidence > 0 && confidence < 1, "a confidence lies between 0 and 1")
  guard trials > 0, (0...trials).contains(successes) else { return nil }
  let n = Double(trials)
  let share = Double(successes) / n
  let z = twoSidedNormalDeviate(confidence)
  let center = (share + z * z / (2 * n)) / (1 + z * z / n)
  let reach = z / (1 + z * z / n) * (share * (1 - share) / n + z * z / (4 * n * n)).squareRoot()
  // At 0 and n the bound is exactly 0 and 1; rounding must not move it past the share itself.
  let low = successes == 0 ? 0 : max(0, center - reach)
  let high = successes == trials ? 1 : min(1, center + reach)
  return Interval(low: min(low, share), high: max(high, share), confidence: confidence)
}

/// The z with P(|Z| ≤ z) = confidence, by bisection of erfc.
private func twoSidedNormalDeviate(_ confidence: Double) -> Double {
  var (low, high) = (0.0, 40.0)
  for _ in 0..<80 {
    let middle = (low + high) / 2
    if erfc(middle / 2.0.squareRoot()) > 1 - confidence { low = middle } else { high = middle }
  }
  return (low + high) / 2
}

// Which order statistics enclose a quantile, from the exact binomial distribution. No
// assumption about the samples' distribution is made beyond independence.

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Ranks (from 1) of the order statistics that enclose quantile `q` with at least `confidence`.
///
/// The number of samples below the true quantile is binomial (n, q). `lower` is the largest rank with
/// P(X < lower) ≤ α/2 and `upper` the smallest with P(X ≥ upper) ≤ α/2, so each tail is exact.
///
/// - Returns: nil when n is too small for both tails: at 95 % below 6 (p50), 36 (p90), 72 (p95),
///   368 (p99) and 3,688 (p99.9).
/// - Complexity: O(√n); only ten standard deviations around the mean are summed.
public func binomialRanks(n: Int, q: Double, confidence: Double) -> (lower: Int, upper: Int)? {
  guard n > 0, q > 0, q < 1, confidence > 0, confidence < 1 else { return nil }
  let tail = (1 - confidence) / 2
  let mean = Double(n) * q
  let reach = 10 * (mean * (1 - q)).squareRoot() + 10
  let first = max(0, Int(mean - reach))
  let last = min(n, Int(mean + reach) + 1)

  var probabilities: [Double] = []
  probabilities.reserveCapacity(last - first + 1)
  var mass = exp(logBinomial(n, first) + Double(first) * log(q) + Double(n - first) * log1p(-q))
  for k in first...last {
    // A step of the recurrence loses nothing that matters, but cannot leave an underflow of 0.
    if mass == 0 { mass = exp(logBinomial(n, k) + Double(k) * log(q) + Double(n - k) * log1p(-q)) }
    probabilities.append(mass)
    mass *= Double(n - k) / Double(k + 1) * (q / (1 - q))
  }

  var below = 0.0
  var lower = 0
  for (offset, p) in probabilities.enumerated() {
    below += p
    guard below <= tail else { break }
    lower = first + offset + 1
  }
  var above = 0.0
  var upper = n + 1
  for (offset, p) in probabilities.enumerated().reversed() {
    above += p
    guard above <= tail else { break }
    upper = first + offset
  }
  return lower >= 1 && upper <= n && lower < upper ? (lower, upper) : nil
}

/// ln of n over k.
func logBinomial(_ n: Int, _ k: Int) -> Double {
  lgamma(Double(n) + 1) - lgamma(Double(k) + 1) - lgamma(Double(n - k) + 1)
}

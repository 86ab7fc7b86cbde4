// Equivalence is a finding of its own, not the absence of a difference: two one-sided tests (Schuirmann 1987).

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Does a median log-ratio lie inside ±ln(1 + δ)? Both one-sided tests must reject at α, which is the same as
/// the interval of confidence 1 − 2α lying inside the band.
public struct Equivalence: Hashable, Sendable {
  /// Of the log-ratio, with confidence 1 − 2α.
  public var interval: Interval
  /// ln(1 + δ).
  public var band: Double
  /// The larger of the two one-sided p-values; ≤ α exactly when `holds`.
  public var pValue: Double

  public var holds: Bool { -band < interval.low && interval.high < band }
}

/// Two one-sided sign tests at α = 1 − `confidence` of paired log-ratios in order of time.
///
/// - Parameter delta: δ, the share that counts as no difference, not negative; 0 is never equivalent.
/// - Returns: nil when the log-ratios have no interval: fewer than 6, or dependent on each other too much.
public func equivalence(ofLogRatios d: [Double], delta: Double, confidence: Double = 0.95, starts: [Int]? = nil) -> Equivalence? {
  precondition(delta >= 0 && delta.isFinite, "a band is a share from 0")
  // 1 − 2α without the digits that binary fractions leave behind: 0.9, not 0.8999….
  let level = ((2 * confidence - 1) * 1e9).rounded() / 1e9
  let band = log1p(delta)
  guard let interval = quantileInterval(d, q: 0.5, confidence: level, starts: starts),
    let above = medianTest(d, against: -band, starts: starts), let below = medianTest(d, against: band, starts: starts)
  else { return nil }
  return Equivalence(interval: interval, band: band, pValue: max(above.above, below.below))
}

// Is the candidate faster, when all of its samples were taken after the baseline's? Rank statistics without pairs.
// Drift between the two stays in the ratio, as nothing can tell it from a difference: where rounds can be made,
// `comparePaired` is right (method.md, 1).

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What two samples of times say about the candidate.
public struct PooledComparison: Hashable, Sendable {
  /// baseline ÷ candidate: exp of Hodges and Lehmann's shift, the median of all differences of logarithms.
  public var ratio: Double
  /// Moses' interval at the asked confidence: order statistics of the differences.
  public var interval: Interval
  /// Two-sided p of "both come from one distribution" by `mannWhitneyU`; 1 when all values are equal.
  public var pValue: Double
  /// `equivalent` when the interval of confidence 1 − 2α lies inside ±ln(1 + δ), as in `comparePaired`.
  public var verdict: PairedVerdict
  public var baselineCount: Int
  public var candidateCount: Int
  /// What a reader must know; complete sentences without a full stop.
  public var doubts: [String]
}

/// Compares samples that were taken one side after the other, each sample independent of the next.
///
/// The ratio and interval assume that the two distributions of ln t differ in their place only (Hodges and Lehmann 1963;
/// Moses' interval in Lehmann, "Nonparametrics", 1975, 2.6: it inverts the rank test). Ranks are exact where both sides have
/// at most 50 samples, as in `mannWhitneyU`, but always those without ties, which makes the interval of tied
/// samples a little wider; above that the normal approximation with continuity correction.
///
/// - Parameters:
///   - delta: values closer than this share count as equivalent.
/// - Returns: nil for values that are not positive and finite, or when there are too few for the asked confidence: at
///   95 % below 4 on each side.
/// - Complexity: O((m + n) log²), no table of the m · n differences.
public func comparePooled(
  baseline: [Double], candidate: [Double], equivalence delta: Double = 0.02, confidence: Double = 0.95
) -> PooledComparison? {
  precondition(delta >= 0 && delta.isFinite, "a band is a share from 0")
  guard (baseline + candidate).allSatisfy({ $0 > 0 && $0.isFinite }) else { return nil }
  let differences = SortedDifferences(baseline.map { log($0) }, candidate.map { log($0) })
  // 1 − 2α without the digits that binary fractions leave behind: 0.9, not 0.8999….
  let narrow = ((2 * confidence - 1) * 1e9).rounded() / 1e9
  guard let logInterval = differences.interval(confidence), let inner = differences.interval(narrow) else { return nil }
  let band = log1p(delta)
  let same = -band < inner.low && inner.high < band
  let verdict: PairedVerdict =
    same ? .equivalent : logInterval.low > 0 ? .faster : logInterval.high < 0 ? .slower : .unresolved

  var doubts: [String] = []
  for (name, side) in [("baseline", baseline), ("candidate", candidate)] where side.count >= 20 {
    let worth = effectiveSampleSize(side)
    guard worth < 0.5 * Double(side.count) else { continue }
    doubts.append(
      "neighbouring samples of the \(name) resemble each other: \(side.count) are worth \(Int(worth)), and the interval is too narrow")
  }
  return PooledComparison(
    ratio: exp(differences.median), interval: logInterval.mapped(exp),
    pValue: mannWhitneyU(baseline, candidate)?.pValue ?? 1, verdict: verdict, baselineCount: baseline.count,
    candidateCount: candidate.count, doubts: doubts)
}

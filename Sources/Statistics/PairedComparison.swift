// Is the candidate faster? Paired, on log-ratios, without assuming a distribution (method.md, 1).
// Pairs ran next to each other, so what drifts (clock speed, neighbours) falls out of each ratio.
// Nothing here decides whether the run itself was valid: that is the kernels' and the runner's part.

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What a paired comparison of times says about the candidate. For metrics where higher is better the
/// caller turns the words round.
public enum PairedVerdict: String, Hashable, Sendable {
  /// The candidate's values are lower: the whole 95 % interval of baseline ÷ candidate lies above 1.
  case faster
  case slower
  /// The 90 % interval of the ratio lies between 1/(1 + δ) and 1 + δ (two one-sided tests at 5 %, see
  /// `Equivalence`), even when 1 itself is excluded: δ is what the author calls no difference.
  case equivalent
  case unresolved
}

public struct PairedComparison: Hashable, Sendable {
  /// baseline ÷ candidate: exp of the median log-ratio.
  public var ratio: Double
  /// At the asked confidence (95 %).
  public var interval: Interval
  /// Two-sided p of "the ratio is 1" by the sign test that `interval` inverts; for `holm` and `benjaminiHochberg`.
  public var pValue: Double
  /// Two one-sided tests of the log-ratio at the asked α: 90 % when the confidence is 95 %.
  public var equivalence: Equivalence
  /// exp of the 20 % trimmed mean of the log-ratios, with Yuen's standard error: a second opinion.
  public var trimmed: Interval?
  public var verdict: PairedVerdict
  public var pairs: Int
  /// Independent pairs that these are worth.
  public var effectivePairs: Double
  /// Odd against even baseline values, when a control was given.
  public var control: AAControl?
  /// What a reader must know; complete sentences without a full stop.
  public var doubts: [String]
}

/// The baseline against itself: what the instrument reports when there is nothing to find.
public struct AAControl: Hashable, Sendable {
  public var ratio: Double
  public var interval: Interval
}

/// Compares value i of the baseline with value i of the candidate, which ran next to it.
///
/// d_i = ln A_i − ln B_i, estimate exp(median d), interval from the order statistics of d widened by
/// its effective sample size.
///
/// - Parameters:
///   - delta: values closer than this share count as equivalent.
///   - confidence: lower α for several looks: 1 − 0.05/4 with four.
///   - starts: which start of the two programs each pair is from; nil: they were started once. Pairs of one start share what the
///     start brought, so the interval is at least as wide as the difference between starts makes it (`RankWidening`).
///   - control: baseline values in order of time for the A/A control, usually `baseline` itself.
/// - Returns: nil for fewer than 6 pairs, unequal counts, values that are not positive, or pairs that
///   depend on each other too much to bound their median.
public func comparePaired(
  baseline: [Double], candidate: [Double], equivalence delta: Double = 0.02,
  confidence: Double = 0.95, control: [Double]? = nil, starts: [Int]? = nil
) -> PairedComparison? {
  guard let d = pairedLogRatios(baseline: baseline, candidate: candidate), d.count >= 6 else { return nil }
  guard let logInterval = quantileInterval(d, q: 0.5, confidence: confidence, starts: starts),
    let test = medianTest(d, starts: starts),
    let same = equivalence(ofLogRatios: d, delta: delta, confidence: confidence, starts: starts)
  else { return nil }
  let verdict: PairedVerdict =
    same.holds ? .equivalent : logInterval.low > 0 ? .faster : logInterval.high < 0 ? .slower : .unresolved

  let effective = effectiveSampleSize(d)
  var doubts: [String] = []
  if same.holds, !logInterval.contains(0) {
    doubts.append("a difference was measured, but it is smaller than the \(percent(delta)) that count as one")
  }
  if effective < 0.5 * Double(d.count), d.count >= 20 {
    doubts.append(
      "neighbouring pairs resemble each other: \(d.count) pairs are worth \(Int(effective)), and the interval is wider for it")
  }
  if isBimodal(d) {
    doubts.append("the pair ratios fall into two groups: look at the distribution before trusting one number")
  }
  var aa: AAControl?
  if let control, let found = controlAA(control) {
    aa = AAControl(ratio: found.ratio, interval: found.interval)
    if !found.interval.contains(1) {
      doubts.append("the baseline differs from itself (A/A control), so the machine was not steady")
    }
  }
  return PairedComparison(
    ratio: exp(sampleQuantile(sorted: d.sorted(), 0.5)), interval: logInterval.mapped(exp),
    pValue: test.pValue, equivalence: same,
    trimmed: trimmedMeanYuen(d, confidence: confidence)?.interval.mapped(exp), verdict: verdict,
    pairs: d.count, effectivePairs: effective, control: aa, doubts: doubts)
}

/// d_i = ln A_i − ln B_i of values that ran next to each other; nil for unequal counts or values that are not
/// positive and finite.
public func pairedLogRatios(baseline: [Double], candidate: [Double]) -> [Double]? {
  guard baseline.count == candidate.count, (baseline + candidate).allSatisfy({ $0 > 0 && $0.isFinite }) else { return nil }
  return zip(baseline, candidate).map { log($0) - log($1) }
}

/// A/A control at no extra time: odd against even values of the baseline, in order of time.
///
/// Every second pair is mirrored (1, 4, 5, 8, … against 2, 3, 6, 7, …), as in ABBA, so that a steady drift
/// cancels. From 6 pairs on the interval is that of `comparePaired`; with 3 to 5 (a load comparison
/// has 6 or 8 slices) it is Student's t on the log-ratios, as order statistics cannot reach 95 % there.
///
/// - Returns: nil below 6 values or when a value is not positive.
public func controlAA(_ baselineSlices: [Double]) -> (ratio: Double, interval: Interval)? {
  guard baselineSlices.count >= 6, baselineSlices.allSatisfy({ $0 > 0 && $0.isFinite }) else { return nil }
  let d = (0..<baselineSlices.count / 2).map { pair in
    let difference = log(baselineSlices[2 * pair]) - log(baselineSlices[2 * pair + 1])
    return pair % 2 == 0 ? difference : -difference
  }
  if d.count >= 6 {
    guard let interval = quantileInterval(d, q: 0.5, confidence: 0.95) else { return nil }
    return (exp(sampleQuantile(sorted: d.sorted(), 0.5)), interval.mapped(exp))
  }
  guard let interval = meanInterval(d, confidence: 0.95) else { return nil }
  return (exp(sampleMean(d)), interval.mapped(exp))
}

private func percent(_ share: Double) -> String {
  let tenths = (share * 1000).rounded() / 10
  return tenths == tenths.rounded() ? "\(Int(tenths)) %" : "\(tenths) %"
}

// What a paired comparison could have found, and how many pairs would find what is wanted. "No difference was
// found" says little without it.

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The power of the median interval of paired log-ratios, from their own spread: no distribution is assumed.
///
/// The interval excludes 1 when fewer than k of n log-ratios lie on the wrong side, k its lower rank. With a
/// true log-ratio of Δ a share F(−Δ) does, F the distribution of the log-ratios around their median. So the
/// smallest Δ with power P solves: binomial(n, F(−Δ)) < k with probability P. Both signs are asked
/// alike, so F is that of |d − median|, which doubles what its middle is known from. As k depends on the r1
/// that the next samples will happen to show, the power is the mean over nine equally likely ones.
public struct DetectableEffect: Hashable, Sendable {
  /// Ascending |d_i − median d|.
  private let deviations: [Double]
  /// Lag-1 autocorrelation that is planned with: 0 where the measured one may be chance.
  public let lagOne: Double
  public let pairs: Int
  public let confidence: Double
  public let power: Double

  /// - Parameter logRatios: d_i = ln A_i − ln B_i of a finished comparison, in order of time.
  /// - Returns: nil below 12 pairs (their spread is not known well enough to plan with), when one is not finite,
  ///   or when they depend on each other too much.
  public init?(ofLogRatios logRatios: [Double], confidence: Double = 0.95, power: Double = 0.8) {
    precondition(confidence > 0 && confidence < 1 && power > 0.05 && power < 1, "probabilities inside (0, 1)")
    guard logRatios.count >= 12, logRatios.allSatisfy({ $0.isFinite }), RankWidening(of: logRatios) != nil
    else { return nil }
    let measured = lagOneAutocorrelation(logRatios)
    lagOne = measured > 2 / Double(logRatios.count).squareRoot() ? measured : 0
    let middle = medianOf(logRatios)
    deviations = logRatios.map { abs($0 - middle) }.sorted()
    pairs = logRatios.count
    self.confidence = confidence
    self.power = power
  }

  /// The same for values that are paired by position; nil also for unequal counts or values that are not positive.
  public init?(baseline: [Double], candidate: [Double], confidence: Double = 0.95, power: Double = 0.8) {
    guard let d = pairedLogRatios(baseline: baseline, candidate: candidate) else { return nil }
    self.init(ofLogRatios: d, confidence: confidence, power: power)
  }

  /// The smallest change that these pairs would have found with the asked power, as a share: 0.03 is a ratio of
  /// 1.03 or 1/1.03. nil when no change is certain enough to be found with so few independent pairs.
  public var minimum: Double? { minimum(pairs: pairs) }

  /// The same for another number of such pairs.
  public func minimum(pairs: Int) -> Double? {
    detectableShare(pairs: pairs).map { expm1(deviation(share: 1 - 2 * $0)) }
  }

  /// Pairs, measured with the same spread and memory, that find `change` (a share above 0, as in `minimum`) with
  /// the asked power; nil when more than `most` would be needed.
  public func pairs(toFind change: Double, most: Int = 100_000) -> Int? {
    precondition(change > 0 && change.isFinite, "a change is a share above 0")
    func finds(_ pairs: Int) -> Bool { (minimum(pairs: pairs) ?? .infinity) <= change }
    // Ranks are whole, so the minimum does not fall evenly: doubling brackets, bisection finds a number that
    // suffices while one pair fewer does not.
    var enough = 6
    while !finds(enough) {
      guard enough < most else { return nil }
      enough = min(most, enough * 2)
    }
    var short = enough == 6 ? 5 : enough / 2
    while enough - short > 1 {
      let middle = (enough + short) / 2
      if finds(middle) { enough = middle } else { short = middle }
    }
    return enough
  }

  /// The share of log-ratios that may lie on the wrong side so that the interval still excludes 1 with the
  /// asked power; nil when not even a share of 0 has it.
  private func detectableShare(pairs: Int) -> Double? {
    let ranks = likelyRanks(pairs: pairs)
    let independent = Double(pairs) * (1 - lagOne) / (1 + lagOne)
    /// P(X < k) for each k, X binomial (n, p), as an incomplete beta function that also knows shares of a sample.
    func reached(_ p: Double) -> Double {
      let sum = ranks.reduce(0.0) { sum, rank in
        let most = Double(rank - 1) * independent / Double(pairs)
        return sum + incompleteBeta(1 - p, independent - most, most + 1)
      }
      return sum / Double(Self.likelyDeviates.count)
    }
    var (low, high) = (0.0, 0.5)
    guard reached(low) >= power else { return nil }
    for _ in 0..<40 {
      let p = (low + high) / 2
      if reached(p) >= power { low = p } else { high = p }
    }
    return low
  }

  /// Standard normal quantiles at 1/18, 3/18, … 17/18.
  private static let likelyDeviates = [-1.593, -0.967, -0.589, -0.282, 0, 0.282, 0.589, 0.967, 1.593]

  /// Lower ranks of the intervals that the next `pairs` pairs may get, for r1 ~ N(ρ, (1 − ρ²)/n); a refused one is
  /// left out.
  private func likelyRanks(pairs: Int) -> [Int] {
    let error = ((1 - lagOne * lagOne) / Double(pairs)).squareRoot()
    return Self.likelyDeviates.compactMap { deviate in
      let r1 = min(0.999, lagOne + deviate * error)
      let effective = r1 > 0 ? Double(pairs) * (1 - r1) / (1 + r1) : Double(pairs)
      return RankWidening(n: pairs, lagOne: r1, effective: effective)?
        .ranks(n: pairs, q: 0.5, confidence: confidence)?.lower
    }
  }

  /// The quantile of |d − median|. Within the middle half it is a line through 0: a density is about even around its
  /// median, and the few samples next to it tell little. For normal noise the line errs by 7 % to the safe side.
  private func deviation(share: Double) -> Double {
    let linear = 0.5
    if share >= linear { return sampleQuantile(sorted: deviations, min(1, share)) }
    return sampleQuantile(sorted: deviations, linear) * max(0, share) / linear
  }
}

// What memory costs an interval of order statistics: its ranks move outward by √(n / n_eff). The sign test
// uses the same rule, so that a p-value and its interval never disagree. And what it costs that samples come from few starts of a
// program, each of which is a little faster or slower than the others for as long as it lasts.

/// How far ranks move from their centre because neighbouring samples resemble each other.
struct RankWidening: Hashable, Sendable {
  /// What distances from the centre are multiplied with, from 1.
  var factor: Double
  /// Rounds the moved ranks away from the centre rather than to the nearest.
  var outward: Bool
  /// Takes the extremes when a moved rank leaves the sample; else there is no interval.
  var clamped: Bool

  /// Independent samples.
  static let independent = RankWidening(factor: 1, outward: false, clamped: false)

  /// Below this many samples a measured autocorrelation is mostly chance, so it may widen an interval
  /// to the extremes but is no reason to refuse one.
  static let smallestJudgeable = 20

  /// From here on a lag-1 autocorrelation is known to about ±0.15 and is taken as it is.
  static let long = 40

  private init(factor: Double, outward: Bool, clamped: Bool) {
    self.factor = factor
    self.outward = outward
    self.clamped = clamped
  }

  /// The widening for samples in order of time; nil when they are refused.
  ///
  /// From 40 samples on the factor is √(n / n_eff), and a series that is worth fewer than 6 is refused, as no
  /// 95 % interval of a median exists below six independent samples. A shorter series knows its own r1
  /// badly: AR(0.6) with n = 20 looks like r1 < 0.3 in every seventh run, and widened for what they show, the
  /// intervals that are given then cover 90 %. So with s = (40 − n)/20, at most 1, the r1 that is widened for is
  /// (1 + 0.8 s)(r1 − 0.1 s): nothing for what chance gives independent samples, more than was measured above
  /// 0.23. The extremes then hold most medians, and a short series is refused below 6 − 2 s only.
  ///
  /// The constants were chosen by simulation, seeds 1…10,000 of each kind of noise. On seeds that had no part in it
  /// (1,000,001…1,020,000, n = 20) AR(0.3) and AR(0.6) cover 95.9 and 94.4 % of the given, AR(0.9) 91.5 % with the
  /// refused, and on independent noise the median width is 1.07 to 1.22 times the oracle's (the mean up to 1.51).
  ///
  /// - Parameter starts: which start of its program each sample is from; nil: unknown, or there was one.
  init?(of samples: [Double], starts: [Int]? = nil) {
    self.init(n: samples.count, lagOne: lagOneAutocorrelation(samples), effective: effectiveSampleSize(samples))
    guard let starts else { return }
    let clustered = Self.clustered(samples, starts)
    guard clustered > factor else { return }
    // Few starts that differ much leave all samples inside, which is an answer.
    (factor, clamped) = (clustered, true)
  }

  /// Below so many starts nothing is widened for them: how they differ is then not known.
  static let fewestStarts = 6

  /// By how much the standard error of a share is larger than that of independent samples, from 0: Woodruff's interval of a median in
  /// clusters (1952; Francisco and Fuller 1991). The share of the samples below the median is counted in each start; its variance comes
  /// from how these counts differ, with Student's t for the number of starts instead of the normal quantile.
  private static func clustered(_ samples: [Double], _ starts: [Int]) -> Double {
    precondition(samples.count == starts.count, "each sample is from one start")
    let groups = Dictionary(grouping: samples.indices) { starts[$0] }.values
    guard groups.count >= fewestStarts else { return 0 }
    let median = sampleQuantile(sorted: samples.sorted(), 0.5)
    let (n, k) = (Double(samples.count), Double(groups.count))
    var squares = 0.0
    for group in groups {
      let below = group.reduce(0.0) { $0 + (samples[$1] < median ? 1 : samples[$1] == median ? 0.5 : 0) }
      let surplus = (below - Double(group.count) / 2) / n
      squares += surplus * surplus
    }
    let variance = squares * k / (k - 1)
    let t = studentQuantile(0.975, degrees: k - 1) / studentQuantile(0.975, degrees: 1e7)
    return t * (variance * 4 * n).squareRoot()
  }

  /// The same for n samples with a measured r1 that are worth `effective` independent ones.
  init?(n: Int, lagOne r1: Double, effective: Double) {
    guard n < Self.long else {
      guard effective >= 6 else { return nil }
      self.init(factor: (Double(n) / effective).squareRoot(), outward: false, clamped: false)
      return
    }
    let short = min(1, Double(Self.long - n) / 20)
    if n >= Self.smallestJudgeable, effective < 6 - 2 * short { return nil }
    let judged = min(0.95, max(0, (1 + 0.8 * short) * (r1 - 0.1 * short)))
    self.init(factor: ((1 + judged) / (1 - judged)).squareRoot(), outward: true, clamped: true)
  }

  /// Rank `rank` moved away from `center`, q (n + 1): ranks run from 1.
  func moved(_ rank: Int, from center: Double) -> Int {
    guard factor > 1 else { return rank }
    let exact = center + (Double(rank) - center) * factor
    // In a longer series to the nearest: the binomial ranks are already the outer ones, and another rank
    // for any chance correlation would cost power (3 % at n = 40 was then found in 94.9 instead of 96.2 %).
    guard outward else { return Int(exact.rounded(.toNearestOrAwayFromZero)) }
    return Int(exact.rounded(exact < center ? .down : .up))
  }

  /// The widened ranks of an interval; nil when there are too few samples.
  func ranks(n: Int, q: Double, confidence: Double) -> (lower: Int, upper: Int)? {
    guard let ranks = binomialRanks(n: n, q: q, confidence: confidence) else { return nil }
    let center = q * Double(n + 1)
    let lower = moved(ranks.lower, from: center)
    let upper = moved(ranks.upper, from: center)
    if lower >= 1, upper <= n { return (lower, upper) }
    return clamped ? (max(1, lower), min(n, upper)) : nil
  }
}

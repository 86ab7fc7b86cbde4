// What a reader must know about samples before trusting one number: far values, several modes, memory.
// Flags never remove a sample: an outlier is a measurement too, and often the interesting one.

/// Samples beyond fences, by their position in the input; flagged and kept.
public struct Outliers: Hashable, Sendable {
  /// What lies below `low` or above `high` is flagged, in the samples' unit.
  public var low: Double
  public var high: Double
  /// Positions in ascending order.
  public var indices: [Int]
}

/// Tukey's fences (1977): `reach` interquartile ranges outside the quartiles; 1.5 flags "outside", 3 "far out".
///
/// - Returns: nil below 6 samples, or when one is not finite.
public func tukeyOutliers(_ samples: [Double], reach: Double = 1.5) -> Outliers? {
  guard samples.count >= 6, samples.allSatisfy({ $0.isFinite }) else { return nil }
  let sorted = samples.sorted()
  let (first, third) = (sampleQuantile(sorted: sorted, 0.25), sampleQuantile(sorted: sorted, 0.75))
  return outliers(samples, low: first - reach * (third - first), high: third + reach * (third - first))
}

/// Modified z-scores (Iglewicz and Hoaglin 1993): |x − median| above `limit` times MAD/0.6745. Where more than half
/// of the samples are equal the MAD is 0, and the mean absolute deviation times 1.2533 takes its place.
///
/// - Returns: nil below 6 samples, or when one is not finite.
public func madOutliers(_ samples: [Double], limit: Double = 3.5) -> Outliers? {
  guard samples.count >= 6, samples.allSatisfy({ $0.isFinite }) else { return nil }
  let middle = medianOf(samples)
  let deviations = samples.map { abs($0 - middle) }
  let mad = medianOf(deviations)
  let scale = mad > 0 ? mad / 0.6744898 : sampleMean(deviations) * 1.2533141
  return outliers(samples, low: middle - limit * scale, high: middle + limit * scale)
}

private func outliers(_ samples: [Double], low: Double, high: Double) -> Outliers {
  Outliers(low: low, high: high, indices: samples.indices.filter { samples[$0] < low || samples[$0] > high })
}

/// How samples in order of time depend on their predecessors.
public enum SampleMemory: Hashable, Sendable {
  /// Lag-1 autocorrelation within ±2/√n: what chance gives independent samples in 19 of 20 series.
  case independent
  /// They resemble (or, below 0, avoid) their neighbours and are worth `effective` independent ones.
  case remembering(lagOne: Double, effective: Double)
  /// No level that they return to was seen: a trend, a step, a random walk. Quantile intervals are refused.
  case wandering(lagOne: Double)

  /// Judges samples in order of time; nil below 20, where a correlation is mostly chance.
  public init?(of samples: [Double]) {
    guard samples.count >= RankWidening.smallestJudgeable, samples.allSatisfy({ $0.isFinite }) else { return nil }
    let lagOne = lagOneAutocorrelation(samples)
    if RankWidening(of: samples) == nil {
      self = .wandering(lagOne: lagOne)
    } else if abs(lagOne) <= 2 / Double(samples.count).squareRoot() {
      self = .independent
    } else {
      self = .remembering(lagOne: lagOne, effective: effectiveSampleSize(samples))
    }
  }
}

/// All flags of one series of samples in order of time.
public struct SampleFlags: Hashable, Sendable {
  /// Beyond Tukey's outer fences; nil below 6 samples.
  public var farOut: Outliers?
  /// nil below 20 samples.
  public var modes: DipTest?
  /// nil below 20 samples.
  public var memory: SampleMemory?

  /// More than one mode at 5 %. On samples that remember the dip also sees slow swings, so it is trusted only
  /// where they are independent.
  public var isBimodal: Bool {
    guard let modes, case .independent = memory else { return false }
    return modes.pValue <= 0.05
  }

  /// - Parameters `seed`, `resolution` (the step of the clock), `resamples`: as in `dipTest`.
  /// - Returns: nil when a sample is not finite.
  public init?(of samples: [Double], seed: UInt64 = 1, resolution: Double = 0, resamples: Int = 999) {
    guard samples.allSatisfy({ $0.isFinite }) else { return nil }
    farOut = tukeyOutliers(samples, reach: 3)
    modes = dipTest(samples, seed: seed, resamples: resamples, resolution: resolution)
    memory = SampleMemory(of: samples)
  }
}

// A knee with what repeated samples say about it: does the curve bend at all, and how sure is the place?

/// The knee of a curve that was measured several times at each x.
public struct Knee: Hashable, Sendable {
  /// The x of the knee of the mean curve; one of those that were measured.
  public var x: Double
  /// Percentiles of the knee over resamples of each x's samples: never finer than the x that were measured.
  public var interval: Interval
  /// Share of the resamples that have a knee.
  public var found: Double
}

/// The knee of the mean curve with a bootstrap interval over the samples at each x.
///
/// Kneedle finds a knee in the noise of a straight line as well. So the height of the mean curve over the chord of its ends
/// is tested at each inner point (Welch's t of three means, one-sided, Bonferroni over the inner points): where none
/// stands out at 1 − `confidence`, there is no knee.
///
/// - Parameters:
///   - samples: for each x its values, at least two.
///   - resamples: at least 100; each draws anew from the samples of every x.
/// - Returns: nil when the curve is straight within its noise, when fewer than half of the resamples have a knee, and for
///   what `kneeIndex` refuses.
public func knee(
  x: [Double], samples: [[Double]], curve: KneeCurve, direction: KneeDirection, sensitivity: Double = 1,
  confidence: Double = 0.95, resamples: Int = 1_000, seed: UInt64 = 1
) -> Knee? {
  precondition(resamples >= 100, "percentiles need resamples")
  guard x.count == samples.count, samples.allSatisfy({ $0.count >= 2 }) else { return nil }
  let means = samples.map(sampleMean)
  guard let index = kneeIndex(x: x, y: means, curve: curve, direction: direction, sensitivity: sensitivity),
    bends(x, samples, means, curve, confidence)
  else { return nil }
  var random = SeededRandom(seed: seed, stream: 0x6EED)
  var found: [Double] = []
  for _ in 0..<resamples {
    let drawn = samples.map { values in
      sampleMean(values.map { _ in values[Int(random.uniform() * Double(values.count))] })
    }
    if let place = kneeIndex(x: x, y: drawn, curve: curve, direction: direction, sensitivity: sensitivity) { found.append(x[place]) }
  }
  guard found.count * 2 >= resamples else { return nil }
  found.sort()
  let cut = Int((1 - confidence) / 2 * Double(found.count))
  return Knee(
    x: x[index], interval: Interval(low: found[cut], high: found[found.count - 1 - cut], confidence: confidence),
    found: Double(found.count) / Double(resamples))
}

/// Does an inner mean stand out from the chord on the curve's side?
private func bends(_ x: [Double], _ samples: [[Double]], _ means: [Double], _ curve: KneeCurve, _ confidence: Double) -> Bool {
  let last = x.count - 1
  let errors = samples.map { sampleVariance($0) / Double($0.count) }
  let level = (1 - confidence) / Double(max(1, last - 1))
  return (1..<last).contains { i in
    let w = (x[i] - x[0]) / (x[last] - x[0])
    let height = (means[i] - (1 - w) * means[0] - w * means[last]) * (curve == .concave ? 1 : -1)
    guard height > 0 else { return false }
    // Welch and Satterthwaite: parts of the variance with their degrees of freedom.
    let parts = [(i, 1.0), (0, (1 - w) * (1 - w)), (last, w * w)].map { (variance: errors[$0.0] * $0.1, n: samples[$0.0].count) }
    let variance = parts.reduce(0) { $0 + $1.variance }
    guard variance > 0 else { return true }
    let degrees = variance * variance / parts.reduce(0) { $0 + $1.variance * $1.variance / Double($1.n - 1) }
    return 1 - studentCDF(height / variance.squareRoot(), degrees: degrees) < level
  }
}

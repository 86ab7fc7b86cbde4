// Two limits: y = min(peak, slope · x). Operations per second over operations per byte (Williams, Waterman and Patterson,
// CACM 52, 2009), throughput over offered load, throughput over connections before any contention.

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The two limits, where they meet, and an interval for each.
public struct Roofline: Hashable, Sendable {
  /// In y's unit.
  public var peak: Double
  /// In y's unit per x's.
  public var slope: Double
  public var peakInterval: Interval?
  public var slopeInterval: Interval?
  public var breakpointInterval: Interval?
  /// √(Σ (ln y − ln fit)²/(n − 2)), as a share.
  public var relativeError: Double
  /// Points below and above the breakpoint.
  public var rising: Int
  public var level: Int

  /// The x where the limits meet: peak ÷ slope.
  public var breakpoint: Double { peak / slope }

  public func value(at x: Double) -> Double { min(peak, slope * x) }
}

/// Least squares of ln y: every split of the sorted points into rising and level ones has its limits in closed form, and
/// the one with the smallest sum for min(peak, slope · x) itself is taken.
///
/// Intervals are percentiles of a bootstrap of residuals that finds the split anew, because a breakpoint between two
/// points is known worse than the limits on its sides (`bootstrapResiduals`).
///
/// - Parameters:
///   - x: positive; repeated measurements are repeated points. `y`: positive, as many.
///   - resamples: 0 for no intervals.
/// - Returns: nil for other x or y, and when one of the limits is not seen by at least two points at different x: then there
///   is no breakpoint to find. Without intervals below 5 points.
public func fitRoofline(
  _ x: [Double], _ y: [Double], confidence: Double = 0.95, resamples: Int = 1_000, seed: UInt64 = 1
) -> Roofline? {
  guard x.count == y.count, (x + y).allSatisfy({ $0 > 0 && $0.isFinite }) else { return nil }
  let order = x.indices.sorted { x[$0] < x[$1] }
  let logs = order.map { (x: log(x[$0]), y: log(y[$0])) }
  let places = logs.map(\.x)
  guard let best = rooflineSplit(places, logs.map(\.y)) else { return nil }
  let degrees = Double(max(1, x.count - 2))
  var found = Roofline(
    peak: exp(best.peak), slope: exp(best.slope), relativeError: (best.sum / degrees).squareRoot(), rising: best.rising,
    level: x.count - best.rising)
  guard x.count >= 5, resamples >= 100 else { return found }
  let drawn = bootstrapResiduals(
    fitted: places.map { exp(min(best.peak, best.slope + $0)) }, values: logs.map { exp($0.y) }, relative: true, parameters: 2,
    resamples: resamples, confidence: confidence, seed: seed
  ) { resample in rooflineSplit(places, resample.map { log($0) }).map { [exp($0.peak), exp($0.slope), exp($0.peak - $0.slope)] } }
  guard let drawn else { return found }
  (found.peakInterval, found.slopeInterval, found.breakpointInterval) = (drawn[0], drawn[1], drawn[2])
  return found
}

/// The best split of points sorted by `x`, all in logarithms.
private func rooflineSplit(_ x: [Double], _ y: [Double]) -> (peak: Double, slope: Double, sum: Double, rising: Int)? {
  let n = x.count
  guard n >= 4 else { return nil }
  var best: (peak: Double, slope: Double, sum: Double, rising: Int)?
  for k in 2...(n - 2) where x[k - 1] < x[k] && x[0] < x[k - 1] && x[k] < x[n - 1] {
    let slope = (0..<k).reduce(0) { $0 + y[$1] - x[$1] } / Double(k)
    let peak = (k..<n).reduce(0) { $0 + y[$1] } / Double(n - k)
    let sum = (0..<n).reduce(0) { total, i in
      let miss = y[i] - min(peak, slope + x[i])
      return total + miss * miss
    }
    if sum < best?.sum ?? .infinity { best = (peak, slope, sum, k) }
  }
  return best
}

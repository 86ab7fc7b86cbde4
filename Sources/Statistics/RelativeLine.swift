// A straight line through times whose spread grows with them: y = a + b·x, as a fixed cost and the cost of one more.

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// y = a + b·x with an interval for each coefficient.
public struct RelativeLine: Hashable, Sendable {
  /// At x = 0, in y's unit.
  public var a: Double
  /// Of one more x, in y's unit over x's.
  public var b: Double
  public var aInterval: Interval
  public var bInterval: Interval
  /// √(Σ (y/fit − 1)²/(n − 2)).
  public var relativeError: Double
  public var points: Int

  public func value(at x: Double) -> Double { a + b * x }
}

/// Least squares of the relative residuals y/fit − 1: the weights 1/fit² are found by repeating the weighted line
/// (iteratively reweighted least squares, McCullagh and Nelder 1989, 9.2, with variance in proportion to the mean squared).
/// Weights by the measured y instead would draw the line to its low points.
///
/// Intervals are Student's t with n − 2 degrees of freedom from the weighted normal equations. They hold if the line does.
///
/// - Parameters:
///   - x: finite, at least two different ones; repeated measurements are repeated points.
///   - y: positive, as many.
/// - Returns: nil for fewer than 3 points, for other x or y, or when the fit leaves the positive at a measured x.
public func fitRelativeLine(_ x: [Double], _ y: [Double], confidence: Double = 0.95) -> RelativeLine? {
  guard x.count == y.count, x.count >= 3, x.allSatisfy(\.isFinite), y.allSatisfy({ $0 > 0 && $0.isFinite }), Set(x).count > 1 else { return nil }
  var fitted = y
  var (a, b) = (0.0, 0.0)
  var inverse = (aa: 0.0, bb: 0.0)
  for _ in 0..<100 {
    var (s0, s1, s2, t0, t1) = (0.0, 0.0, 0.0, 0.0, 0.0)
    for i in x.indices {
      let w = 1 / (fitted[i] * fitted[i])
      s0 += w; s1 += w * x[i]; s2 += w * x[i] * x[i]
      t0 += w * y[i]; t1 += w * y[i] * x[i]
    }
    let determinant = s0 * s2 - s1 * s1
    guard determinant > 1e-14 * s0 * s2 else { return nil }
    let next = (a: (s2 * t0 - s1 * t1) / determinant, b: (s0 * t1 - s1 * t0) / determinant)
    inverse = (s2 / determinant, s0 / determinant)
    fitted = x.map { next.a + next.b * $0 }
    guard fitted.allSatisfy({ $0 > 0 }) else { return nil }
    let still = abs(next.a - a) <= 1e-12 * abs(next.a) && abs(next.b - b) <= 1e-12 * abs(next.b)
    (a, b) = next
    if still { break }
  }
  let degrees = Double(x.count - 2)
  let variance = zip(y, fitted).reduce(0) { $0 + ($1.0 / $1.1 - 1) * ($1.0 / $1.1 - 1) } / degrees
  let t = studentQuantile(1 - (1 - confidence) / 2, degrees: degrees)
  func interval(_ value: Double, _ part: Double) -> Interval {
    let reach = t * (variance * part).squareRoot()
    return Interval(low: value - reach, high: value + reach, confidence: confidence)
  }
  return RelativeLine(
    a: a, b: b, aInterval: interval(a, inverse.aa), bInterval: interval(b, inverse.bb), relativeError: variance.squareRoot(), points: x.count)
}

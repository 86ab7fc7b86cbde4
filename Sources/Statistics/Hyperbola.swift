// A cost that is shared: y = a + b/x, as time per item over the size of a batch, where b is paid once a batch and a once
// an item.

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// y = a + b/x with an interval for each coefficient.
public struct Hyperbola: Hashable, Sendable {
  /// What y comes down to for large x, in y's unit.
  public var a: Double
  /// What is shared among x, in y's unit times x's.
  public var b: Double
  public var aInterval: Interval
  public var bInterval: Interval
  /// √(Σ (y/fit − 1)²/(n − 2)).
  public var relativeError: Double
  public var points: Int

  /// The x at which both parts are equal, b/a: batches much larger gain little. nil when a coefficient is not positive.
  public var balance: Double? { a > 0 && b > 0 ? b / a : nil }

  public func value(at x: Double) -> Double { a + b / x }
}

/// Least squares of the relative residuals y/fit − 1: the weights 1/fit² are found by repeating the weighted line in 1/x
/// (iteratively reweighted least squares, McCullagh and Nelder 1989, 9.2, with variance in proportion to the mean squared).
/// Weights by the measured y instead would draw the curve to its low points.
///
/// Intervals are Student's t with n − 2 degrees of freedom from the weighted normal equations.
///
/// - Parameters:
///   - x: positive, at least two different ones; repeated measurements are repeated points.
///   - y: positive, as many.
/// - Returns: nil for fewer than 3 points, for other x or y, or when the fit leaves the positive at a measured x.
public func fitHyperbola(_ x: [Double], _ y: [Double], confidence: Double = 0.95) -> Hyperbola? {
  guard x.count == y.count, x.count >= 3, (x + y).allSatisfy({ $0 > 0 && $0.isFinite }), Set(x).count > 1 else { return nil }
  let z = x.map { 1 / $0 }
  var fitted = y
  var (a, b) = (0.0, 0.0)
  var inverse = (aa: 0.0, bb: 0.0)
  for _ in 0..<100 {
    var (s0, s1, s2, t0, t1) = (0.0, 0.0, 0.0, 0.0, 0.0)
    for i in x.indices {
      let w = 1 / (fitted[i] * fitted[i])
      s0 += w; s1 += w * z[i]; s2 += w * z[i] * z[i]
      t0 += w * y[i]; t1 += w * y[i] * z[i]
    }
    let determinant = s0 * s2 - s1 * s1
    guard determinant > 1e-14 * s0 * s2 else { return nil }
    let next = (a: (s2 * t0 - s1 * t1) / determinant, b: (s0 * t1 - s1 * t0) / determinant)
    inverse = (s2 / determinant, s0 / determinant)
    fitted = z.map { next.a + next.b * $0 }
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
  return Hyperbola(
    a: a, b: b, aInterval: interval(a, inverse.aa), bInterval: interval(b, inverse.bb),
    relativeError: variance.squareRoot(), points: x.count)
}

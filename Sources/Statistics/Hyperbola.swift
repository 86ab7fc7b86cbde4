// A cost that is shared: y = a + b/x, as time per item over the size of a batch, where b is paid once a batch and a once
// an item.

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

/// The line in 1/x of `fitRelativeLine`, with its intervals.
///
/// - Parameters:
///   - x: positive, at least two different ones; repeated measurements are repeated points.
///   - y: positive, as many.
/// - Returns: nil for fewer than 3 points, for other x or y, or when the fit leaves the positive at a measured x.
public func fitHyperbola(_ x: [Double], _ y: [Double], confidence: Double = 0.95) -> Hyperbola? {
  guard x.allSatisfy({ $0 > 0 }), let line = fitRelativeLine(x.map { 1 / $0 }, y, confidence: confidence) else { return nil }
  return Hyperbola(
    a: line.a, b: line.b, aInterval: line.aInterval, bInterval: line.bInterval, relativeError: line.relativeError, points: line.points)
}

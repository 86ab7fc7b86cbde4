// A slope that outliers cannot turn: for leaks and trends over history.

/// A line y = intercept + slope·x; slope in y's unit per x's unit.
public struct TrendLine: Hashable, Sendable {
  public var slope: Double
  public var intercept: Double
  /// 95 % interval of the slope (Sen 1968, from the variance of Kendall's S); nil below 6 points.
  public var slopeInterval: Interval?
}

/// Median of the slopes of all pairs of points with different x.
///
/// - Returns: nil below two different x or when the counts differ.
/// - Complexity: O(n² log n); thin long series first.
public func theilSen(_ x: [Double], _ y: [Double]) -> TrendLine? {
  guard x.count == y.count, x.count >= 2 else { return nil }
  var slopes: [Double] = []
  for i in x.indices {
    for j in x.indices[(i + 1)...] where x[j] != x[i] { slopes.append((y[j] - y[i]) / (x[j] - x[i])) }
  }
  guard !slopes.isEmpty else { return nil }
  slopes.sort()
  let slope = sampleQuantile(sorted: slopes, 0.5)
  let intercept = sampleQuantile(sorted: zip(x, y).map { $1 - slope * $0 }.sorted(), 0.5)
  var interval: Interval?
  let n = Double(x.count)
  if x.count >= 6 {
    let spread = 1.959964 * (n * (n - 1) * (2 * n + 5) / 18).squareRoot()
    let count = Double(slopes.count)
    let low = Int(((count - spread) / 2).rounded(.down))
    let high = Int(((count + spread) / 2).rounded(.up))
    if low >= 0, high < slopes.count {
      interval = Interval(low: slopes[low], high: slopes[high], confidence: 0.95)
    }
  }
  return TrendLine(slope: slope, intercept: intercept, slopeInterval: interval)
}

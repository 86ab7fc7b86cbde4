// Where a curve turns: Kneedle (Satopää, Albrecht, Irwin and Raghavan, "Finding a Kneedle in a Haystack", ICDCSW 2011).
// It finds the turn of any bent curve, so that a straight line must be told from a bent one first: `knee` over repeated
// samples does.

/// Which way a curve bends.
public enum KneeCurve: String, CaseIterable, Hashable, Sendable {
  /// Its steps become smaller, as throughput over load.
  case concave
  /// Its steps become larger, as latency over load.
  case convex
}

/// Which way a curve runs.
public enum KneeDirection: String, CaseIterable, Hashable, Sendable {
  case increasing, decreasing
}

/// The point where the curve turns, as an index of `x`; nil when there is none.
///
/// The curve is scaled to the unit square and mirrored to a concave, increasing one. Its height above the diagonal has a
/// local maximum at each candidate, which is the knee once the height has fallen by `sensitivity` mean steps of x before
/// it rises again. The first one counts, as in the paper's offline variant; nothing is smoothed.
///
/// - Parameters:
///   - x: ascending, no two equal; `y` as many, all finite.
///   - sensitivity: the paper's S; 1 suits data without noise, larger values wait for a clearer fall.
/// - Returns: nil for fewer than 3 points, unequal counts, x that do not ascend, values that are not finite, a constant or
///   a straight line.
public func kneeIndex(
  x: [Double], y: [Double], curve: KneeCurve, direction: KneeDirection, sensitivity: Double = 1
) -> Int? {
  precondition(sensitivity >= 0, "a fall is not negative")
  guard x.count == y.count, x.count >= 3, (x + y).allSatisfy({ $0.isFinite }), zip(x, x.dropFirst()).allSatisfy({ $0 < $1 }),
    let low = y.min(), let high = y.max(), low < high
  else { return nil }
  let last = x.count - 1
  // Convex decreasing turns over in y, concave decreasing in x, convex increasing in both.
  let flipY = curve == .convex
  let flipX = (curve == .convex) == (direction == .increasing)
  let heights = x.indices.map { i in
    let source = flipX ? last - i : i
    let u = (x[source] - x[0]) / (x[last] - x[0])
    let v = (y[source] - low) / (high - low)
    return (flipY ? 1 - v : v) - (flipX ? 1 - u : u)
  }
  // What rounding leaves of a straight line; in doubles a bend that small cannot be seen.
  guard heights.contains(where: { $0 > 1e-9 }) else { return nil }
  let fall = sensitivity / Double(last)
  var candidate: Int?
  for i in 0..<last {
    let (before, after) = (heights[max(0, i - 1)], heights[i + 1])
    if heights[i] >= before, heights[i] >= after { candidate = i }
    if heights[i] <= before, heights[i] <= after { candidate = nil }
    if let found = candidate, after < heights[found] - fall { return flipX ? last - found : found }
  }
  return nil
}

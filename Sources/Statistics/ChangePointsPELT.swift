// Changes of mean in a long series, all at once and exactly: PELT (Killick, Fearnhead and Eckley, JASA 107, 2012).
// For warm-up, where a series has hundreds of values; a short history of nights is `changePoints`' (EDivisive.swift).

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What a further change point must gain, in units of the noise variance: this · ln n for n values.
///
/// Chosen by simulation. Flat series, spikes clipped, in which a change was reported, % of seeds 1…1,000 (n = 200 | 1,000):
///
/// | factor | normal | 10 % spikes | AR(0.3) | AR(0.6) |
/// |---|---|---|---|---|
/// | 3 | 0.4, 0 | 10.7, 13.1 | 28.3, 26.8 | 98.9, 100 |
/// | 6 | 0, 0 | 0.7, 0.6 | 1.2, 0.1 | 74.0, 94.4 |
/// | 10 | 0, 0 | 0, 0.4 | 0, 0 | 30.5, 32.7 |
/// | 15 | 0, 0 | 0, 0.2 | 0, 0 | 8.3, 5.3 |
///
/// 15, which Barrett et al. (OOPSLA 2017) use too, bears the memory that machines have; its price is that a level of m
/// values is seen from about √(15 ln n/m) deviations on: 40 of 200 iterations, 1.4.
public let changePointPenaltyFactor = 15.0

/// Indices of the first value of each new level, ascending; without the 0 of the first level.
///
/// Minimises Σ (x − mean of its segment)²/σ² + penalty · (number of changes) over all ways to cut the series into
/// segments of at least `shortest` values: the normal cost with known variance. σ² is robust and local
/// (`firstDifferenceNoise`), so that the changes themselves do not hide in it.
///
/// - Parameters:
///   - values: in order of time, all finite. Spikes are changes for a normal cost: clip them first
///     (`clippedToRunningMedian`).
///   - shortest: the fewest values of a segment, from 1.
///   - penalty: `changePointPenaltyFactor` · ln n unless given.
///   - noise: σ in the values' unit where it is known better than from the series; positive.
/// - Returns: empty when a value is not finite, when all are equal, and below 2 · `shortest` values.
/// - Complexity: O(n) when changes come at a steady rate, O(n²) for a flat series: 2 million steps for 2,000 values.
public func changePointsPELT(
  _ values: [Double], shortest: Int = 8, penalty: Double? = nil, noise: Double? = nil
) -> [Int] {
  precondition(shortest >= 1 && penalty ?? 0 >= 0, "segments have values, and changes do not pay for themselves")
  let n = values.count
  guard n >= 2 * shortest, values.allSatisfy({ $0.isFinite }) else { return [] }
  let scale = noise ?? firstDifferenceNoise(values)
  guard scale > 0 else { return [] }
  let beta = penalty ?? changePointPenaltyFactor * log(Double(n))
  let cost = SegmentCost(values, scale: scale)

  // best[t]: the least cost of the first t values with β for each segment; −β takes back that of the first.
  var best = [Double](repeating: .infinity, count: n + 1)
  best[0] = -beta
  var lastCut = [Int](repeating: 0, count: n + 1)
  var candidates = [0]
  for t in shortest...n {
    // A cut may be used once a whole segment fits behind it. From then on it beats each earlier cut s that is no
    // better here, whatever follows, because cutting never raises a sum of squares (the paper's K = 0).
    let opened = t - shortest
    if opened >= shortest {
      candidates.removeAll { best[$0] + cost(from: $0, to: opened) >= best[opened] }
      candidates.append(opened)
    }
    for s in candidates {
      let total = best[s] + cost(from: s, to: t) + beta
      if total < best[t] { (best[t], lastCut[t]) = (total, s) }
    }
  }
  var found: [Int] = []
  var t = lastCut[n]
  while t > 0 {
    found.append(t)
    t = lastCut[t]
  }
  return found.reversed()
}

/// Σ (x − mean)²/σ² of any stretch in two subtractions, from sums of the values less their median.
struct SegmentCost {
  private var sums = [0.0]
  private var squares = [0.0]

  init(_ values: [Double], scale: Double) {
    let middle = medianOf(values)
    for value in values {
      let z = (value - middle) / scale
      sums.append(sums[sums.count - 1] + z)
      squares.append(squares[squares.count - 1] + z * z)
    }
  }

  func callAsFunction(from: Int, to: Int) -> Double {
    let sum = sums[to] - sums[from]
    return max(0, squares[to] - squares[from] - sum * sum / Double(to - from))
  }
}

/// The standard deviation of single values around a level that may change: the median absolute difference of neighbours
/// × 1.4826/√2, in the values' unit (von Neumann 1941 with Hampel's scale). Where half of the neighbours are equal, as
/// on a coarse clock or in an exact series, their root mean square ÷ √2 instead; 0 when all values are equal.
///
/// Memory makes neighbours alike: in AR(φ) this is √(1 − φ) of the standard deviation.
public func firstDifferenceNoise(_ values: [Double]) -> Double {
  guard values.count >= 2 else { return 0 }
  let distances = zip(values.dropFirst(), values).map { abs($0 - $1) }
  let robust = 1.4826 * medianOf(distances) / 2.0.squareRoot()
  if robust > 0 { return robust }
  return (distances.reduce(0) { $0 + $1 * $1 } / Double(2 * distances.count)).squareRoot()
}

/// Each value moved to within `sigmas` · `firstDifferenceNoise` of the median of the `window` values around it, so that
/// spikes stay visible but carry no more weight than a large deviation. A level of more than `window`/2 values passes
/// unharmed, and its edge stays where it is.
public func clippedToRunningMedian(_ values: [Double], window: Int = 15, sigmas: Double = 3) -> [Double] {
  precondition(window >= 1 && sigmas > 0, "a window has values")
  let reach = sigmas * firstDifferenceNoise(values)
  let width = min(window, values.count)
  return values.indices.map { i in
    // At the ends the window stops: it is as wide, and no longer centred.
    let from = min(max(0, i - width / 2), values.count - width)
    let middle = medianOf(Array(values[from..<from + width]))
    return min(max(values[i], middle - reach), middle + reach)
  }
}

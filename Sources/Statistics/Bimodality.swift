// Do the samples fall into two groups? Hartigan's dip: how far the empirical distribution is from the nearest
// one with a single mode. It asks nothing about shape, so skew, long tails and spikes are no second mode.

/// The dip of samples and how often a flat distribution, the hardest single mode, dips as far by chance.
public struct DipTest: Hashable, Sendable {
  /// Distance between distribution functions, 1/(2n)…¼.
  public var dip: Double
  /// Share of seeded uniform samples with at least this dip, never 0 (Davison and Hinkley 1997).
  public var pValue: Double
}

/// Hartigan and Hartigan's dip (1985): the largest distance between the empirical distribution function and the
/// closest unimodal one; nil below 4 samples or when one is not finite.
///
/// - Complexity: O(n log n).
public func dipStatistic(_ samples: [Double]) -> Double? {
  guard samples.count >= 4, samples.allSatisfy({ $0.isFinite }) else { return nil }
  return dip(sorted: samples.sorted())
}

/// Tests "one mode" against "more than one" by Monte Carlo over uniform samples of the same size.
///
/// - Parameter resolution: the step of the clock that made the samples. Samples on a grid have atoms,
///   and atoms are modes; equal samples are spread evenly over one step. 0 for continuous samples.
/// - Returns: nil below 20 samples (two groups of fewer than ten are an anecdote), or when one is not finite.
/// - Complexity: `resamples` times O(n log n).
public func dipTest(
  _ samples: [Double], seed: UInt64 = 1, resamples: Int = 999, resolution: Double = 0
) -> DipTest? {
  guard samples.count >= fewestForModes, resamples >= 99, samples.allSatisfy({ $0.isFinite }) else { return nil }
  let seen = dip(sorted: spread(samples.sorted(), over: resolution))
  var random = SeededRandom(seed: seed, stream: 0xD1B)
  var reached = 1
  for _ in 0..<resamples where dip(sorted: uniformSpacings(samples.count, &random)) >= seen { reached += 1 }
  return DipTest(dip: seen, pValue: Double(reached) / Double(resamples + 1))
}

/// Below this many samples no second mode is claimed.
private let fewestForModes = 20

/// Two groups? The dip test at 1 % without resampling, for every comparison; false below 20 samples.
///
/// √n·dip against its 99 % point over uniform samples of n = 20, 50, 200 (200,000 each, seed 1) and 1,000 (50,000),
/// interpolated in 1/√n; under the root of the observed one stands what the samples are worth.
public func isBimodal(_ samples: [Double]) -> Bool {
  guard samples.count >= fewestForModes, let dip = dipStatistic(samples) else { return false }
  let x = 1 / Double(samples.count).squareRoot()
  var limit = criticalDips[0].limit
  for (low, high) in zip(criticalDips, criticalDips.dropFirst()) where x <= low.x {
    limit = low.limit + max(0, (low.x - x) / (low.x - high.x)) * (high.limit - low.limit)
  }
  return dip * effectiveSampleSize(samples).squareRoot() > limit
}

/// x = 1/√n and the 99 % point of √n·dip.
private let criticalDips: [(x: Double, limit: Double)] = [(20, 0.540), (50, 0.572), (200, 0.604), (1_000, 0.620)].map {
  (1 / Double($0.0).squareRoot(), $0.1)
}

/// n ascending uniform values without sorting: sums of exponential spacings.
private func uniformSpacings(_ n: Int, _ random: inout SeededRandom) -> [Double] {
  var sum = 0.0
  return (0..<n).map { _ in
    sum += random.exponential()
    return sum
  }
}

/// Runs of equal ascending samples, spread evenly over `step` around their value.
private func spread(_ sorted: [Double], over step: Double) -> [Double] {
  guard step > 0 else { return sorted }
  var result = sorted
  var start = 0
  while start < sorted.count {
    var end = start
    while end < sorted.count, sorted[end] == sorted[start] { end += 1 }
    for i in start..<end { result[i] += step * ((Double(i - start) + 0.5) / Double(end - start) - 0.5) }
    start = end
  }
  return result
}

/// The dip of ascending samples. Counts in place of shares until the end: the lower corners of the steps are
/// (x_i, i), the upper ones (x_i, i + 1), i from 0.
///
/// The interval that must hold the mode starts as everything. Left of it the closest unimodal function is the
/// greatest convex minorant of the lower corners, right of it the least concave majorant of the upper ones. While the
/// two differ by more than the dip so far, the interval shrinks to where they differ most.
private func dip(sorted x: [Double]) -> Double {
  let n = x.count
  guard x[0] < x[n - 1] else { return 0.5 / Double(n) }
  let convex = hull(x, from: 0, to: n - 1, step: 1)
  let concave = hull(x, from: n - 1, to: 0, step: -1)
  var (low, high) = (0, n - 1)
  var worst = 1.0
  while true {
    // Vertices of both hulls within the interval, ascending.
    var minorant = [high]
    while let last = minorant.last, last > low { minorant.append(convex[last]) }
    minorant.reverse()
    var majorant = [low]
    while let last = majorant.last, last < high { majorant.append(concave[last]) }
    let widest = widestGap(x, minorant, majorant)
    guard widest.gap > worst else { break }
    for (a, b) in zip(minorant, minorant.dropFirst()) where b <= widest.low {
      worst = max(worst, distance(x, a, b, sign: 1))
    }
    for (a, b) in zip(majorant, majorant.dropFirst()) where a >= widest.high {
      worst = max(worst, distance(x, a, b, sign: -1))
    }
    guard widest.low > low || widest.high < high else { break }
    (low, high) = (widest.low, widest.high)
  }
  return worst / Double(2 * n)
}

/// For every index the next vertex towards `from` of the hull of the points (x_i, i) between: of the convex
/// minorant for an ascending walk, of the concave majorant for a descending one.
private func hull(_ x: [Double], from: Int, to: Int, step: Int) -> [Int] {
  var previous = [Int](repeating: from, count: x.count)
  for j in stride(from: from + step, through: to, by: step) {
    var a = j - step
    // A vertex falls while the one before it is seen from j at no smaller slope.
    while a != from {
      let b = previous[a]
      if Double(j - a) * (x[j] - x[b]) > Double(j - b) * (x[j] - x[a]) { break }
      a = b
    }
    previous[j] = a
  }
  return previous
}

/// Where majorant and minorant differ most, over the vertices of both: the gap in counts between the upper
/// corners' hull and the lower corners' hull, and the hull vertices around it that bound the next interval.
private func widestGap(
  _ x: [Double], _ minorant: [Int], _ majorant: [Int]
) -> (gap: Double, low: Int, high: Int) {
  var best = (gap: 0.0, low: minorant[0], high: majorant[majorant.count - 1])
  var segment = 0
  for vertex in minorant {
    while segment + 2 < majorant.count, majorant[segment + 1] < vertex { segment += 1 }
    let gap = line(x, majorant[segment], majorant[segment + 1], at: vertex) - Double(vertex) + 1
    if gap > best.gap { best = (gap, vertex, majorant[segment + 1]) }
  }
  segment = 0
  for vertex in majorant {
    while segment + 2 < minorant.count, minorant[segment + 1] <= vertex { segment += 1 }
    let gap = Double(vertex) + 1 - line(x, minorant[segment], minorant[segment + 1], at: vertex)
    if gap > best.gap { best = (gap, minorant[segment], vertex) }
  }
  return best
}

/// The line through (x_a, a) and (x_b, b) at x_i; a where both stand at one x.
private func line(_ x: [Double], _ a: Int, _ b: Int, at i: Int) -> Double {
  x[b] > x[a] ? Double(a) + Double(b - a) * (x[i] - x[a]) / (x[b] - x[a]) : Double(a)
}

/// The largest distance in counts between a hull's segment and the corners on its other side.
private func distance(_ x: [Double], _ a: Int, _ b: Int, sign: Double) -> Double {
  guard b - a > 1, x[b] > x[a] else { return 1 }
  return (a...b).reduce(1.0) { max($0, sign * (Double($1) - line(x, a, b, at: $1)) + 1) }
}

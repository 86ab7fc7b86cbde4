// Changes of level in a recorded series: divisive search with the energy statistic (Matteson and James, JASA 109,
// 2014), each candidate judged by Welch's t-test and a smallest size, as performance histories are judged by
// Hunter (Fleming et al., ICPE 2023; now Apache Otava).

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A change of level.
public struct ChangePoint: Hashable, Sendable {
  /// The first value of the new level, from 0.
  public var index: Int
  /// Means of the stretches before and after, up to the neighbouring changes.
  public var before: Double
  public var after: Double
  /// Two-sided, from Welch's t-test of the two stretches.
  public var p: Double
  /// after ÷ before − 1.
  public var relativeChange: Double { after / before - 1 }
}

/// The changes of level in `values`, in order.
///
/// - Parameters:
///   - values: oldest first, all finite.
///   - significance: a change with a larger p counts as chance. The split with the largest distance is judged, so that
///     this must be far below the wanted rate of false alarms: 10⁻⁴ gives less than 5 in 100 flat series of 60 values.
///   - smallest: a relative change below this is not reported; 0.01 is 1 %.
///   - stretch: the fewest values on either side of a change.
public func changePoints(_ values: [Double], significance: Double = 0.0001, smallest: Double = 0.01, stretch: Int = 4) -> [ChangePoint] {
  guard stretch >= 2, values.allSatisfy(\.isFinite) else { return [] }
  var found: [Int] = []
  func search(_ from: Int, _ to: Int) {
    guard to - from >= 2 * stretch, let split = bestSplit(values[from..<to], stretch) else { return }
    guard welchP(values[from..<split], values[split..<to]) <= significance else { return }
    found.append(split)
    search(from, split)
    search(split, to)
  }
  search(0, values.count)
  found.sort()
  // What was found within a long stretch is judged again between its neighbours; the weakest goes first.
  while true {
    let judged = found.indices.map { judge(values, found, $0) }
    guard let weakest = judged.indices.filter({ judged[$0].p > significance || abs(judged[$0].relativeChange) < smallest })
      .max(by: { judged[$0].p < judged[$1].p })
    else { return judged }
    found.remove(at: weakest)
  }
}

private func judge(_ values: [Double], _ found: [Int], _ place: Int) -> ChangePoint {
  let from = place > 0 ? found[place - 1] : 0
  let to = place + 1 < found.count ? found[place + 1] : values.count
  let (a, b) = (values[from..<found[place]], values[found[place]..<to])
  return ChangePoint(index: found[place], before: sampleMean(Array(a)), after: sampleMean(Array(b)), p: welchP(a, b))
}

/// The split with the largest energy distance q·(2·E|X−Y| − E|X−X'| − E|Y−Y'|), q = m·n/(m + n).
private func bestSplit(_ values: ArraySlice<Double>, _ stretch: Int) -> Int? {
  let x = Array(values)
  let count = x.count
  // Sums of distances within the left part, within the right part and between them, moved one value at a time.
  var within = 0.0
  var between = 0.0
  var right = 0.0
  for i in 0..<count { for j in (i + 1)..<max(i + 1, count) { right += abs(x[i] - x[j]) } }
  var best: (split: Int, energy: Double)?
  for split in 1..<count {
    let moved = x[split - 1]
    let toLeft = x[..<(split - 1)].reduce(0) { $0 + abs($1 - moved) }
    let toRight = x[split...].reduce(0) { $0 + abs($1 - moved) }
    within += toLeft
    right -= toRight
    between += toRight - toLeft
    guard split >= stretch, count - split >= stretch else { continue }
    let (m, n) = (Double(split), Double(count - split))
    let energy = m * n / (m + n) * (2 * between / (m * n) - within / (m * (m - 1) / 2) - right / (n * (n - 1) / 2))
    if energy > best?.energy ?? -.infinity { best = (split, energy) }
  }
  return best.map { values.startIndex + $0.split }
}

/// Welch's t-test, two-sided; 1 where neither side varies and both are equal.
func welchP(_ a: ArraySlice<Double>, _ b: ArraySlice<Double>) -> Double {
  let (m, n) = (Double(a.count), Double(b.count))
  guard m > 1, n > 1 else { return 1 }
  func variance(_ values: ArraySlice<Double>) -> (mean: Double, error: Double) {
    let mean = values.reduce(0, +) / Double(values.count)
    return (mean, values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count - 1) / Double(values.count))
  }
  let (left, right) = (variance(a), variance(b))
  let error = left.error + right.error
  guard error > 0 else { return left.mean == right.mean ? 1 : 0 }
  let t = abs(left.mean - right.mean) / error.squareRoot()
  let degrees = error * error / (left.error * left.error / (m - 1) + right.error * right.error / (n - 1))
  return 2 * (1 - studentCDF(t, degrees: degrees))
}

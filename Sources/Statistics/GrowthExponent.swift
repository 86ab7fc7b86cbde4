// How time grows with size: the exponent b of t = a·n^b.

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The growth exponent with its 95 % interval.
///
/// One exponent for each round, by least squares through ln t over ln n; the estimate is their median and the interval
/// that of order statistics. The interval covers the noise of measuring, not a bend of the curve: look at the plot.
///
/// - Parameters:
///   - sizes: n, positive, at least two different ones.
///   - times: for each size its times by round, positive; longer lists are cut to the shortest.
/// - Returns: nil for fewer than two different sizes, unequal counts or no round.
public func growthExponent(sizes: [Double], times: [[Double]]) -> (value: Double, interval: Interval?)? {
  guard sizes.count == times.count, sizes.allSatisfy({ $0 > 0 }), Set(sizes).count > 1 else { return nil }
  let rounds = times.map(\.count).min() ?? 0
  guard rounds > 0, times.allSatisfy({ $0.allSatisfy { $0 > 0 } }) else { return nil }
  let x = sizes.map { log($0) }
  let middle = x.reduce(0, +) / Double(x.count)
  let spread = x.reduce(0) { $0 + ($1 - middle) * ($1 - middle) }
  let slopes = (0..<rounds).map { round in
    zip(x, times).reduce(0) { $0 + ($1.0 - middle) * log($1.1[round]) } / spread
  }
  return (medianOf(slopes), quantileInterval(slopes, q: 0.5, confidence: 0.95))
}

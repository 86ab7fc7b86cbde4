// The test of a median that makes no assumption but independence, and its form for samples that remember.

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Two-sided exact sign test that the median of `differences` is 0; zeros are left out.
public func signTest(_ differences: [Double]) -> Double {
  let n = differences.filter { $0 != 0 }.count
  guard n > 0 else { return 1 }
  let positive = differences.filter { $0 > 0 }.count
  let extreme = min(positive, n - positive)
  var mass = 1.0
  for _ in 0..<min(n, 1_000) { mass /= 2 }
  // 2⁻ⁿ underflows only where the answer is 0 for any reader, or where both sides are near n/2.
  guard n <= 1_000 else { return normalTail(n, extreme) }
  var sum = mass
  for k in 0..<extreme {
    mass *= Double(n - k) / Double(k + 1)
    sum += mass
  }
  return min(1, 2 * sum)
}

/// Normal approximation with continuity correction, through Student's t with very many degrees.
private func normalTail(_ n: Int, _ extreme: Int) -> Double {
  let z = (Double(extreme) + 0.5 - Double(n) / 2) / (Double(n).squareRoot() / 2)
  return min(1, 2 * studentCDF(min(z, 0), degrees: 1e7))
}

/// The sign test that `quantileInterval` inverts, for samples in order of time.
///
/// One-sided p-values come from the same binomial tail and the same widened ranks as the interval: p is the
/// smallest α at which the interval of confidence 1 − α excludes the value. A sample equal to the value speaks
/// against both sides, as in the interval; without memory and ties this is the exact sign test.
public struct MedianTest: Hashable, Sendable {
  /// p of "the median is not above the value"; small when the samples lie above.
  public var above: Double
  /// p of "the median is not below the value"; small when the samples lie below.
  public var below: Double
  /// Two-sided.
  public var pValue: Double { min(1, 2 * min(above, below)) }
}

/// Tests the median of `samples`, in order of time, against `value`.
///
/// - Parameter autocorrelated: false for samples known to be independent; their order is then ignored.
/// - Parameter starts: as of `quantileInterval`.
/// - Returns: nil below 6 samples, when one is not finite, or when they depend on each other too much; a row
///   of a table counts as p = 1 then.
public func medianTest(_ samples: [Double], against value: Double = 0, autocorrelated: Bool = true, starts: [Int]? = nil) -> MedianTest? {
  let n = samples.count
  guard n >= 6, samples.allSatisfy({ $0.isFinite }),
    let widening = autocorrelated ? RankWidening(of: samples, starts: starts) : .independent
  else { return nil }
  // tails[k] = P(X < k) for X binomial (n, ½).
  var tails = [0.0]
  for k in 0..<n {
    let mass = exp(lgamma(Double(n) + 1) - lgamma(Double(k) + 1) - lgamma(Double(n - k) + 1) - Double(n) * log(2.0))
    tails.append(tails[k] + mass)
  }
  /// The tail of the smallest rank that, moved, still lies beyond `others` samples of the other side.
  func tail(_ others: Int) -> Double {
    let center = Double(n + 1) / 2
    let rank = (1...n).first { k in
      let moved = widening.moved(k, from: center)
      return (widening.clamped ? max(1, moved) : moved) > others
    }
    return rank.map { min(1, tails[$0]) } ?? 1
  }
  return MedianTest(above: tail(samples.count { $0 <= value }), below: tail(samples.count { $0 >= value }))
}

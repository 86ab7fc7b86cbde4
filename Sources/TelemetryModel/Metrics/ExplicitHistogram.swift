// A histogram with given bounds, as HTTP metrics have them by convention. Bucket i holds values in (bound i−1, bound i].
// Histograms of the same bounds add up without loss; a quantile is known to its bucket only.

public struct ExplicitHistogram: Hashable, Sendable {
  /// Seconds; OpenTelemetry's semantic conventions for `http.server.request.duration` and its like.
  public static let httpSeconds = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]

  public let bounds: [Double]
  /// One more than `bounds`.
  public private(set) var counts: [UInt64]
  public private(set) var count: UInt64 = 0
  public private(set) var sum = 0.0
  public private(set) var min: Double?
  public private(set) var max: Double?
  /// NaN and infinite values; they are not in `count`.
  public private(set) var skipped: UInt64 = 0

  /// - Parameter bounds: rising.
  public init(bounds: [Double] = httpSeconds) {
    precondition(zip(bounds, bounds.dropFirst()).allSatisfy { $0 < $1 } && bounds.allSatisfy(\.isFinite), "bounds are finite and rise")
    self.bounds = bounds
    counts = [UInt64](repeating: 0, count: bounds.count + 1)
  }

  /// From a point of OTLP.
  /// - Returns: nil when its counts do not fit its bounds or its count.
  public init?(_ point: HistogramPoint) {
    guard point.isConsistent(bucketsMax: .max), !point.bucketCounts.isEmpty, point.bounds.allSatisfy(\.isFinite) else { return nil }
    self.init(bounds: point.bounds)
    counts = point.bucketCounts
    count = point.count
    sum = point.sum ?? 0
    min = point.min
    max = point.max
  }

  /// Counts a value. No allocation.
  public mutating func record(_ value: Double, times: UInt64 = 1) {
    guard value.isFinite else {
      skipped &+= times
      return
    }
    counts[bucket(value)] &+= times
    count &+= times
    sum += value * Double(times)
    if value < (min ?? .infinity) { min = value }
    if value > (max ?? -.infinity) { max = value }
  }

  /// The bucket of a value: the first whose bound is not below it.
  public func bucket(_ value: Double) -> Int {
    var low = 0
    var high = bounds.count
    while low < high {
      let middle = (low + high) / 2
      if bounds[middle] < value { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// Adds a histogram of the same bounds.
  public mutating func merge(_ other: ExplicitHistogram) {
    precondition(bounds == other.bounds, "histograms of one metric have one set of bounds")
    for i in counts.indices { counts[i] &+= other.counts[i] }
    count &+= other.count
    sum += other.sum
    skipped &+= other.skipped
    min = [min, other.min].compactMap(\.self).min()
    max = [max, other.max].compactMap(\.self).max()
  }

  /// The value of nearest rank, ⌈q·n⌉, as a place within its bucket, in which the true one lies too. nil without values.
  public func quantile(_ q: Double) -> Double? {
    guard count > 0, q >= 0, q <= 1 else { return nil }
    let rank = Swift.max(1, UInt64((q * Double(count)).rounded(.up)))
    var before: UInt64 = 0
    for (i, inBucket) in counts.enumerated() {
      guard before + inBucket >= rank else {
        before += inBucket
        continue
      }
      // The outermost buckets have no bound on one side; the smallest and largest value stand there, or else the other bound.
      let edges = [i > 0 ? bounds[i - 1] : nil, i < bounds.count ? bounds[i] : nil]
      let low = Swift.max(edges[0] ?? min ?? edges[1] ?? 0, min ?? -.infinity)
      let high = Swift.min(edges[1] ?? max ?? edges[0] ?? 0, max ?? .infinity)
      return low + (high - low) * (Double(rank - before) - 0.5) / Double(inBucket)
    }
    return max
  }

  /// As a point of OTLP, without attributes and times.
  public func point() -> HistogramPoint {
    var point = HistogramPoint()
    point.count = count
    point.sum = sum
    point.min = min
    point.max = max
    point.bucketCounts = counts
    point.bounds = bounds
    return point
  }
}

// A histogram whose buckets grow by a constant factor, base = 2^(2^−scale), and which picks its scale itself: it begins as fine
// as it may be and halves the number of buckets whenever a value would need more than 160 of them. Two neighbours become one
// exactly, because base² is the base of the next coarser scale; so merging loses nothing, in any order.
//
//   scale 1, base √2     (1, 1.41]  (1.41, 2]  (2, 2.83]  (2.83, 4]
//   scale 0, base 2      (1,             2]    (2,              4]
//
// OpenTelemetry, metrics data model, ExponentialHistogram. With 160 buckets the scale of latencies between 1 ms and 10 s ends
// at 3: a quantile is at most 9 % of its value off, and usually half of that.

import Glibc

public struct ExponentialHistogram: Hashable, Sendable {
  /// What the data model asks every reader to understand.
  public static let scales = -10...20
  public static let bucketsMaxUsual = 160

  /// Buckets of each sign.
  public let bucketsMax: Int
  public private(set) var scale: Int
  public private(set) var count: UInt64 = 0
  public private(set) var sum = 0.0
  /// Exact; nil when nothing was recorded, or when the point that this came from did not say.
  public private(set) var min: Double?
  public private(set) var max: Double?
  /// Values whose size is at most `zeroThreshold`.
  public private(set) var zeroCount: UInt64 = 0
  public private(set) var zeroThreshold: Double
  /// NaN and infinite values; they are in no bucket and not in `count`.
  public private(set) var skipped: UInt64 = 0
  private var positive: BucketWindow
  private var negative: BucketWindow

  /// - Parameters:
  ///   - bucketsMax: at least 4, so that every scale down to −10 fits.
  ///   - scale: where it begins.
  public init(bucketsMax: Int = bucketsMaxUsual, scale: Int = 20, zeroThreshold: Double = 0) {
    precondition(bucketsMax >= 4 && Self.scales.contains(scale) && zeroThreshold >= 0, "4 buckets, scale −10…20, threshold from 0")
    self.bucketsMax = bucketsMax
    self.scale = scale
    self.zeroThreshold = zeroThreshold
    positive = BucketWindow(capacity: bucketsMax)
    negative = BucketWindow(capacity: bucketsMax)
  }

  /// The factor between neighbouring bounds.
  public var base: Double { Self.base(scale) }
  public static func base(_ scale: Int) -> Double { exp2(exp2(Double(-scale))) }

  // MARK: Recording

  /// Counts a value. Constant time and no allocation, but for the few times that the scale changes.
  public mutating func record(_ value: Double, times: UInt64 = 1) {
    guard value.isFinite else {
      skipped &+= times
      return
    }
    count &+= times
    sum += value * Double(times)
    if value < (min ?? .infinity) { min = value }
    if value > (max ?? -.infinity) { max = value }
    let size = abs(value)
    if size <= zeroThreshold {
      zeroCount &+= times
      return
    }
    let index = Self.finestIndex(size) >> (Self.scales.upperBound - scale)
    let steps = (value > 0 ? positive : negative).stepsToHold(index, index)
    coarsen(steps)
    if value > 0 { positive.add(times, at: index >> steps) } else { negative.add(times, at: index >> steps) }
  }

  /// The bucket of a size at scale 20: base^i < size ≤ base^(i+1). All scales derive from this one by shifting, so that they
  /// never disagree. A power of two is exact; any other size is off by less than 10⁻⁹ of a bucket.
  static func finestIndex(_ size: Double) -> Int {
    let whole = Int(size.exponent) << scales.upperBound
    if size.significand == 1 { return whole - 1 }
    let part = Int(log2(size.significand) * Double(1 << scales.upperBound))
    return whole + Swift.min(part, 1 << scales.upperBound - 1)
  }

  private mutating func coarsen(_ steps: Int) {
    if steps == 0 { return }
    scale -= steps
    positive.coarsen(steps)
    negative.coarsen(steps)
  }

  // MARK: Merging

  /// Adds what another histogram counted. The result is the one that had recorded all values of both.
  public mutating func merge(_ other: ExponentialHistogram) {
    var other = other
    if other.scale > scale { other.coarsen(other.scale - scale) } else { coarsen(scale - other.scale) }
    let steps = Swift.max(positive.stepsToHold(other.positive), negative.stepsToHold(other.negative))
    coarsen(steps)
    other.coarsen(steps)
    if zeroThreshold != other.zeroThreshold { raiseThresholds(&other) }
    count &+= other.count
    sum += other.sum
    skipped &+= other.skipped
    zeroCount &+= other.zeroCount
    min = [min, other.min].compactMap(\.self).min()
    max = [max, other.max].compactMap(\.self).max()
    positive.add(other.positive)
    negative.add(other.negative)
  }

  /// Both get the larger threshold, raised to the next bound of a bucket, and every bucket below it joins the zero count.
  private mutating func raiseThresholds(_ other: inout ExponentialHistogram) {
    let threshold = Swift.max(zeroThreshold, other.zeroThreshold)
    let last = Self.finestIndex(threshold) >> (Self.scales.upperBound - scale)
    let holds = [positive, negative, other.positive, other.negative].contains { $0[last] > 0 }
    zeroThreshold = holds ? bound(last + 1) : threshold
    other.zeroThreshold = zeroThreshold
    zeroCount &+= positive.removeUp(to: last) &+ negative.removeUp(to: last)
    other.zeroCount &+= other.positive.removeUp(to: last) &+ other.negative.removeUp(to: last)
  }

  // MARK: Reading

  /// base^index, from the exact exponent, so that it stays finite at the ends.
  func bound(_ index: Int) -> Double {
    exp2(Double(index) * exp2(Double(-scale)))
  }

  /// The value of nearest rank, ⌈q·n⌉, as a place within its bucket: the true one lies in the same bucket. nil without values.
  public func quantile(_ q: Double) -> Double? {
    guard count > 0, q >= 0, q <= 1 else { return nil }
    let rank = Swift.max(1, UInt64((q * Double(count)).rounded(.up)))
    var before: UInt64 = 0
    for (index, inBucket) in negative.filled.reversed() {
      if before + inBucket >= rank { return clamp(-place(index, inBucket, inBucket + before + 1 - rank)) }
      before += inBucket
    }
    if before + zeroCount >= rank { return clamp(0) }
    before += zeroCount
    for (index, inBucket) in positive.filled {
      if before + inBucket >= rank { return clamp(place(index, inBucket, rank - before)) }
      before += inBucket
    }
    return max
  }

  /// The k-th of n values spread evenly over the logarithm of the bucket.
  private func place(_ index: Int, _ n: UInt64, _ k: UInt64) -> Double {
    let share = (Double(k) - 0.5) / Double(n)
    return exp2((Double(index) + share) * exp2(Double(-scale)))
  }

  private func clamp(_ value: Double) -> Double { Swift.min(Swift.max(value, min ?? -.infinity), max ?? .infinity) }

  // MARK: Points

  /// As a point of OTLP, without attributes and times.
  public func point() -> ExponentialHistogramPoint {
    var point = ExponentialHistogramPoint()
    point.count = count
    point.sum = sum
    point.min = min
    point.max = max
    point.scale = Int32(scale)
    point.zeroCount = zeroCount
    point.zeroThreshold = zeroThreshold
    point.positive = positive.buckets
    point.negative = negative.buckets
    return point
  }

  /// From a point; one with more buckets than `bucketsMax` becomes coarser.
  /// - Returns: nil when its counts do not add up, or its scale is outside −10…20.
  public init?(_ point: ExponentialHistogramPoint, bucketsMax: Int = bucketsMaxUsual) {
    guard point.isConsistent(bucketsMax: .max) else { return nil }
    self.init(bucketsMax: bucketsMax, scale: Int(point.scale), zeroThreshold: point.zeroThreshold)
    for side in [point.positive, point.negative] {
      let filled = side.filled
      guard let first = filled.first?.index, let last = filled.last?.index else { continue }
      var steps = 0
      while last >> steps - first >> steps >= bucketsMax { steps += 1 }
      steps -= Int(point.scale) - scale
      if steps > 0 { scale -= steps }
    }
    guard scale >= Self.scales.lowerBound else { return nil }
    let steps = Int(point.scale) - scale
    for (index, count) in point.positive.filled { positive.add(count, at: index >> steps) }
    for (index, count) in point.negative.filled { negative.add(count, at: index >> steps) }
    count = point.count
    sum = point.sum ?? 0
    min = point.min
    max = point.max
    zeroCount = point.zeroCount
  }
}

extension ExponentialBuckets {
  /// Index and count of each bucket that holds something.
  var filled: [(index: Int, count: UInt64)] {
    counts.enumerated().compactMap { $1 > 0 ? (Int(offset) + $0, $1) : nil }
  }
}

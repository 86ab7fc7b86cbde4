// A log-linear histogram of nanoseconds (the idea of HdrHistogram): the first 2ᵇ values have a bucket
// each, and every further power of two is cut into 2ᵇ⁻¹ equal ones. Memory is constant, recording is
// O(1) without allocation, and histograms add up without loss. It never keeps single values.
//
//   value      0 … 2ᵇ−1   2ᵇ … 2ᵇ⁺¹   2ᵇ⁺¹ … 2ᵇ⁺²   …   2⁴² … 2⁴³
//   width          1            2              4        …    2⁴³⁻ᵇ
//
// With b = 11 that is 270 kB, and a quantile is at most 1/2048 of its value off.

public struct Histogram: Sendable, Hashable {
  /// The exponent b: values below 2ᵇ are exact.
  public let bits: Int
  var counts: [UInt64]
  /// Number of values.
  public internal(set) var count = 0
  /// Exact sum of the values; wraps after 292 years of nanoseconds.
  public internal(set) var sum = 0
  /// Smallest and largest value, exact; 0 when empty.
  public internal(set) var min: Int64 = 0
  public internal(set) var max: Int64 = 0

  /// The largest relative error of a quantile at the usual 11 bits: half a bucket's width over its
  /// smallest value.
  public static let relativeError = 1.0 / 2048
  /// Values from 2⁴³ ns (2.4 hours) share the last bucket; `max` and `mean` stay exact.
  private static let octaves = 43

  /// - Parameter bits: 11 for results; fewer for a small histogram with a relative error of 2^−bits.
  public init(bits: Int = 11) {
    precondition((2...20).contains(bits), "bits are 2 to 20")
    self.bits = bits
    counts = [UInt64](repeating: 0, count: (1 << bits) + (Self.octaves - bits) * (1 << (bits - 1)))
  }

  /// Exact mean; 0 when empty.
  public var mean: Double { count > 0 ? Double(sum) / Double(count) : 0 }

  /// Counts one value in nanoseconds; a negative one counts as 0.
  public mutating func record(_ value: Int64) {
    let value = value < 0 ? 0 : value
    counts[index(of: value)] &+= 1
    if count == 0 {
      min = value
      max = value
    } else {
      if value < min { min = value }
      if value > max { max = value }
    }
    count &+= 1
    sum &+= Int(value)
  }

  /// Forgets everything, keeps the memory.
  public mutating func removeAll() {
    guard count > 0 else { return }
    for i in index(of: min)...index(of: max) { counts[i] = 0 }
    count = 0
    sum = 0
    min = 0
    max = 0
  }

  /// Adds another histogram: `merge(a, b)` equals recording the values of both.
  ///
  /// - Precondition: both have the same `bits`.
  public mutating func merge(_ other: Histogram) {
    precondition(bits == other.bits, "histograms of different precision do not add up")
    guard other.count > 0 else { return }
    for i in index(of: other.min)...index(of: other.max) { counts[i] &+= other.counts[i] }
    min = count == 0 ? other.min : Swift.min(min, other.min)
    max = count == 0 ? other.max : Swift.max(max, other.max)
    count += other.count
    sum &+= other.sum
  }

  // MARK: Buckets

  func index(of value: Int64) -> Int {
    if value < 1 << Int64(bits) { return Int(value) }
    let half = 1 << (bits - 1)
    let shift = 64 - value.leadingZeroBitCount - bits
    return Swift.min((1 << bits) + (shift - 1) * half + Int(value >> Int64(shift)) - half, counts.count - 1)
  }

  /// Smallest value and width of a bucket.
  func bounds(_ index: Int) -> (low: Int64, width: Int64) {
    if index < 1 << bits { return (Int64(index), 1) }
    let half = 1 << (bits - 1)
    let (octave, place) = (index - (1 << bits)).quotientAndRemainder(dividingBy: half)
    return (Int64(place + half) << Int64(octave + 1), 1 << Int64(octave + 1))
  }

  /// The value that stands for a bucket: its middle, but never outside of what was recorded.
  func representative(_ index: Int) -> Int64 {
    let (low, width) = bounds(index)
    return Swift.min(Swift.max(low + (width - 1) / 2, min), max)
  }
}

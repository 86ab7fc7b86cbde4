/// Ages in nanoseconds, in buckets a sixteenth of a power of two wide, so that a quantile is at most 7 % too high. Counts of
/// buckets can be added up over time, as quantiles cannot; so buckets are what leaves the lab.
struct AgeHistogram {
  private static let bits = 4
  private var buckets: [Int: Int] = [:]
  private(set) var count = 0
  private(set) var sum = 0
  private(set) var max = 0

  mutating func record(_ age: Int64) {
    let value = Int(Swift.max(0, age))
    buckets[Self.bucket(value), default: 0] += 1
    count += 1
    sum += value
    max = Swift.max(max, value)
  }

  /// Values below 32 have a bucket of their own; above, the five leading bits choose it.
  private static func bucket(_ value: Int) -> Int {
    let shift = Swift.max(0, Int.bitWidth - value.leadingZeroBitCount - (bits + 1))
    return shift << bits + (value >> shift)
  }

  /// The largest value of a bucket.
  private static func limit(_ bucket: Int) -> Int {
    let shift = Swift.max(0, bucket >> bits - 1)
    return ((bucket - shift << bits) + 1) << shift - 1
  }

  /// Upper limit and count of each bucket that is not empty, ascending.
  var filled: [(limit: Int, count: Int)] {
    buckets.sorted { $0.key < $1.key }.map { (Self.limit($0.key), $0.value) }
  }

  /// The smallest bucket limit that at least `q` of the values do not exceed; 0 without values.
  func quantile(_ q: Double) -> Int {
    let wanted = Int((q * Double(count)).rounded(.up))
    var seen = 0
    for bucket in filled {
      seen += bucket.count
      if seen >= wanted { return Swift.min(bucket.limit, max) }
    }
    return 0
  }
}

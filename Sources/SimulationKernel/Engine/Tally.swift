// Times of a run: their mean, and a histogram from which any quantile can be read. Hot: once a customer.

/// Non-negative numbers, counted in 1,024 equal buckets an octave, from 2⁻³⁴ to 2³⁰: a quantile is at most 1/2048 of its value off, and
/// less after interpolation. The bucket is read off the number's bits, without a division.
struct Tally: ~Copyable {
  private let counts: UnsafeMutablePointer<UInt32>
  private(set) var count = 0
  private(set) var sum = 0.0
  private(set) var max = 0.0
  /// The first bucket that is not empty, so that a quantile need not look at all that are.
  private var lowest = Self.buckets

  private static let base = (1023 - 34) << 10
  private static let buckets = 64 << 10

  init() {
    counts = .allocate(capacity: Self.buckets)
    counts.initialize(repeating: 0, count: Self.buckets)
  }

  deinit { counts.deallocate() }

  @inline(__always) mutating func record(_ value: Double) {
    let index = Int(truncatingIfNeeded: value.bitPattern >> 42) &- Self.base
    let bucket = index < 0 ? 0 : index >= Self.buckets ? Self.buckets &- 1 : index
    counts[bucket] &+= 1
    if bucket < lowest { lowest = bucket }
    count &+= 1
    sum += value
    if value > max { max = value }
  }

  mutating func removeAll() {
    counts.update(repeating: 0, count: Self.buckets)
    (count, sum, max, lowest) = (0, 0, 0, Self.buckets)
  }

  /// nil: nothing was recorded.
  var mean: Double? { count > 0 ? sum / Double(count) : nil }

  /// The value that a share of q does not exceed, interpolated inside its bucket; 0 when empty.
  func quantile(_ q: Double) -> Double { quantiles([q])[0] }

  /// The same for several shares, ascending, in one pass.
  func quantiles(_ shares: [Double]) -> [Double] {
    var found: [Double] = []
    found.reserveCapacity(shares.count)
    var below = 0.0
    for index in lowest..<Self.buckets where counts[index] > 0 {
      let here = Double(counts[index])
      while found.count < shares.count, below + here >= shares[found.count] * Double(count) {
        let low = index == 0 ? 0 : Double(bitPattern: UInt64(index + Self.base) << 42)
        let high = Double(bitPattern: UInt64(index + 1 + Self.base) << 42)
        found.append(min(low + (high - low) * (shares[found.count] * Double(count) - below) / here, max))
      }
      if found.count == shares.count { break }
      below += here
    }
    while found.count < shares.count { found.append(max) }
    return found
  }
}

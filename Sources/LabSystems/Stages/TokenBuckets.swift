/// Token buckets by key, in whole numbers: a token is 10¹² units, and a rate of one thousandth of a token per second is one
/// unit a nanosecond. So a bucket admits exactly what its rate and its burst allow, however long it runs.
///
/// A full bucket and an unknown key are the same, so full ones are forgotten first. Beyond `keysMax` the key that was asked
/// for longest ago is forgotten though it owes tokens; `forgotten` counts how often that could have admitted too much.
struct TokenBuckets {
  static let unitsPerToken = 1_000_000_000_000

  struct Decision: Equatable {
    var isAdmitted: Bool
    /// Whole tokens that are left.
    var remaining: Int
    /// Nanoseconds until there is a whole token again; 0 when there is one.
    var wait: Int
  }

  private struct Bucket { var key: String; var units: Int; var at: Int64 }

  private let unitsPerNanosecond: Int
  private let capacity: Int
  private let keysMax: Int
  private var slots: [String: Int32] = [:]
  private var buckets: [Bucket] = []
  private var freeSlots: [Int32] = []
  /// Asked for longest ago first.
  private var order = SlotList()
  private(set) var forgotten = 0

  /// - Parameters:
  ///   - milliTokensPerSecond: 1…10⁹.
  ///   - burst: 1…10⁶, so that a capacity fits into 64 bits.
  init(milliTokensPerSecond: Int, burst: Int, keysMax: Int = 65_536) {
    precondition((1...1_000_000_000).contains(milliTokensPerSecond) && (1...1_000_000).contains(burst) && keysMax > 0)
    unitsPerNanosecond = milliTokensPerSecond
    capacity = burst * Self.unitsPerToken
    self.keysMax = keysMax
  }

  var count: Int { slots.count }

  /// Nanoseconds in which an empty bucket fills.
  var window: Int { (capacity - 1) / unitsPerNanosecond + 1 }

  /// One request of a key; takes a token if there is one.
  mutating func take(_ key: String, now: Int64) -> Decision {
    let slot = slot(key, now)
    var bucket = buckets[Int(slot)]
    bucket.units = units(bucket, now)
    bucket.at = now
    let isAdmitted = bucket.units >= Self.unitsPerToken
    if isAdmitted { bucket.units -= Self.unitsPerToken }
    buckets[Int(slot)] = bucket
    let missing = max(0, Self.unitsPerToken - bucket.units)
    return Decision(
      isAdmitted: isAdmitted, remaining: bucket.units / Self.unitsPerToken,
      wait: (missing + unitsPerNanosecond - 1) / unitsPerNanosecond)
  }

  private func units(_ bucket: Bucket, _ now: Int64) -> Int {
    let (gained, overflow) = max(0, Int(now - bucket.at)).multipliedReportingOverflow(by: unitsPerNanosecond)
    // Both are below 2⁶², so the sum does not overflow.
    return overflow || gained >= capacity ? capacity : min(capacity, bucket.units + gained)
  }

  private mutating func slot(_ key: String, _ now: Int64) -> Int32 {
    if let slot = slots[key] {
      order.remove(slot)
      order.append(slot)
      return slot
    }
    makeRoom(now)
    let bucket = Bucket(key: key, units: capacity, at: now)
    let slot = freeSlots.popLast() ?? Int32(buckets.count)
    if Int(slot) == buckets.count { buckets.append(bucket) } else { buckets[Int(slot)] = bucket }
    slots[key] = slot
    order.append(slot)
    return slot
  }

  /// Forgets full buckets from the old end, two for each new key, so that the cost of a request stays constant.
  private mutating func makeRoom(_ now: Int64) {
    for _ in 0..<2 {
      guard order.first >= 0, units(buckets[Int(order.first)], now) == capacity else { break }
      forget(order.first)
    }
    guard slots.count >= keysMax else { return }
    forgotten += 1
    forget(order.first)
  }

  private mutating func forget(_ slot: Int32) {
    slots[buckets[Int(slot)].key] = nil
    order.remove(slot)
    freeSlots.append(slot)
  }
}

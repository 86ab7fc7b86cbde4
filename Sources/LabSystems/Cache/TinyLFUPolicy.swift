/// LRU with an admission filter: a new key enters a full cache only when it was requested more often
/// than the key it would push out (TinyLFU: Einziger, Friedman, Manes 2017, without the window).
struct TinyLFUPolicy: EvictionPolicy {
  static var countsRequests: Bool { true }

  private var order = LRUPolicy(capacity: 0)
  private var sketch: FrequencySketch
  private var hashes: [UInt64] = []

  init(capacity: Int) { sketch = FrequencySketch(capacity: capacity) }

  var victim: Int32? { order.victim }
  mutating func requested(hash: UInt64) { sketch.add(hash) }
  mutating func touched(_ slot: Int32) { order.touched(slot) }
  mutating func inserted(_ slot: Int32, hash: UInt64) {
    while hashes.count <= Int(slot) { hashes.append(0) }
    hashes[Int(slot)] = hash
    order.inserted(slot, hash: hash)
  }
  mutating func removed(_ slot: Int32) { order.removed(slot) }
  func admits(hash: UInt64) -> Bool {
    guard let victim = order.victim else { return true }
    return sketch.estimate(hash) > sketch.estimate(hashes[Int(victim)])
  }
}

/// Count-min sketch of four rows of counters that stop at 15 and are halved after every
/// 10 × capacity additions, so that old popularity fades. Row r of hash h is mix(h + r·φ) mod width.
struct FrequencySketch {
  static let rows = 4
  static let countMax: UInt8 = 15

  let width: Int
  /// Additions after which all counters are halved.
  let period: Int
  private var counts: [UInt8]
  private var additions = 0

  init(capacity: Int) {
    let wanted = max(16, min(capacity, 1 << 20) * 4)
    var power = 16
    while power < wanted { power *= 2 }
    width = power
    period = max(1, min(capacity, 1 << 20)) * 10
    counts = [UInt8](repeating: 0, count: power * Self.rows)
  }

  private func index(_ hash: UInt64, _ row: Int) -> Int {
    let mixed = mix64(hash &+ UInt64(row) &* 0x9E37_79B9_7F4A_7C15)
    return row * width + Int(mixed & UInt64(width - 1))
  }

  mutating func add(_ hash: UInt64) {
    for row in 0..<Self.rows {
      let i = index(hash, row)
      if counts[i] < Self.countMax { counts[i] += 1 }
    }
    additions += 1
    guard additions == period else { return }
    for i in counts.indices { counts[i] >>= 1 }
    additions = 0
  }

  func estimate(_ hash: UInt64) -> UInt8 {
    var lowest = Self.countMax
    for row in 0..<Self.rows { lowest = min(lowest, counts[index(hash, row)]) }
    return lowest
  }
}

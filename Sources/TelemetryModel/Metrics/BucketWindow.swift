// Neighbouring buckets of one sign, in a ring: bucket i lies at i modulo the capacity, so that the window grows at both ends
// without moving a count.

struct BucketWindow: Hashable, Sendable {
  private var ring: [UInt64]
  private var first = 0
  private var last = -1

  init(capacity: Int) { ring = [UInt64](repeating: 0, count: capacity) }

  private var isEmpty: Bool { last < first }

  private func slot(_ index: Int) -> Int {
    let rest = index % ring.count
    return rest < 0 ? rest + ring.count : rest
  }

  subscript(index: Int) -> UInt64 { index >= first && index <= last ? ring[slot(index)] : 0 }

  /// How often neighbours must join until the window also holds these indexes.
  func stepsToHold(_ low: Int, _ high: Int) -> Int {
    if isEmpty && low == high { return 0 }
    let low = isEmpty ? low : min(low, first)
    let high = isEmpty ? high : max(high, last)
    var steps = 0
    while high >> steps - low >> steps >= ring.count { steps += 1 }
    return steps
  }

  func stepsToHold(_ other: BucketWindow) -> Int { other.isEmpty ? 0 : stepsToHold(other.first, other.last) }

  /// The index must fit, as `stepsToHold` has said.
  mutating func add(_ count: UInt64, at index: Int) {
    if isEmpty {
      first = index
      last = index
    } else {
      first = min(first, index)
      last = max(last, index)
    }
    ring[slot(index)] &+= count
  }

  mutating func add(_ other: BucketWindow) {
    for (index, count) in other.filled { add(count, at: index) }
  }

  mutating func coarsen(_ steps: Int) {
    if isEmpty { return }
    var coarser = BucketWindow(capacity: ring.count)
    for (index, count) in filled { coarser.add(count, at: index >> steps) }
    self = coarser
  }

  /// Empties the buckets up to an index and returns what they held.
  mutating func removeUp(to end: Int) -> UInt64 {
    var kept = BucketWindow(capacity: ring.count)
    var removed: UInt64 = 0
    for (index, count) in filled {
      if index <= end { removed &+= count } else { kept.add(count, at: index) }
    }
    self = kept
    return removed
  }

  /// Index and count of each bucket that holds something, rising.
  var filled: [(index: Int, count: UInt64)] {
    isEmpty ? [] : (first...last).compactMap { self[$0] > 0 ? ($0, self[$0]) : nil }
  }

  var buckets: ExponentialBuckets {
    isEmpty ? ExponentialBuckets() : ExponentialBuckets(offset: Int32(first), counts: (first...last).map { self[$0] })
  }

  // Where a window lies in its ring does not matter, only what it holds.
  static func == (a: Self, b: Self) -> Bool { a.ring.count == b.ring.count && a.filled.elementsEqual(b.filled, by: ==) }
  func hash(into hasher: inout Hasher) {
    for (index, count) in filled {
      hasher.combine(index)
      hasher.combine(count)
    }
  }
}

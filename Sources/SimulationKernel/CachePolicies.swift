// Cache policies over integer keys 1…n for the simulation. Written apart from the lab's caches on
// purpose: the two check each other. Arrays instead of dictionaries, because keys are dense.

import ExperimentModel

/// A cache of keys; `access` says whether the key was there and makes it so according to the policy.
protocol SimulatedCache {
  mutating func access(_ key: Int) -> Bool
  func contains(_ key: Int) -> Bool
}

/// LRU and FIFO: a doubly linked list through two arrays; FIFO does not move a key on a hit.
struct ListCache: SimulatedCache {
  private var next: [Int32]
  private var previous: [Int32]
  private var present: [Bool]
  private var size = 0
  private let capacity: Int
  private let movesOnHit: Bool

  /// Slot 0 is the sentinel: next[0] is the newest key, previous[0] the oldest.
  init(keys: Int, capacity: Int, movesOnHit: Bool) {
    next = [Int32](repeating: 0, count: keys + 1)
    previous = next
    present = [Bool](repeating: false, count: keys + 1)
    self.capacity = capacity
    self.movesOnHit = movesOnHit
  }

  func contains(_ key: Int) -> Bool { present[key] }

  mutating func access(_ key: Int) -> Bool {
    if present[key] {
      if movesOnHit {
        unlink(key)
        pushFront(key)
      }
      return true
    }
    guard capacity > 0 else { return false }
    if size == capacity {
      let oldest = Int(previous[0])
      unlink(oldest)
      present[oldest] = false
      size -= 1
    }
    present[key] = true
    pushFront(key)
    size += 1
    return false
  }

  private mutating func unlink(_ key: Int) {
    next[Int(previous[key])] = next[key]
    previous[Int(next[key])] = previous[key]
  }

  private mutating func pushFront(_ key: Int) {
    next[key] = next[0]
    previous[key] = 0
    previous[Int(next[0])] = Int32(key)
    next[0] = Int32(key)
  }
}

/// LFU: evicts the key with the fewest hits since it came in, the oldest of those. A binary heap with positions, ordered by
/// (count, time of the last change). Perfect LFU counts all requests of every key, and a key with fewer of them than any inside
/// does not come in: in the long run the most popular keys are there.
struct LFUCache: SimulatedCache {
  private var heap: [Int32] = []
  private var position: [Int32]
  private var count: [Int32]
  private var stamp: [Int]
  private var clock = 0
  private let capacity: Int
  private let isPerfect: Bool

  init(keys: Int, capacity: Int, isPerfect: Bool = false) {
    self.isPerfect = isPerfect
    position = [Int32](repeating: -1, count: keys + 1)
    count = [Int32](repeating: 0, count: keys + 1)
    stamp = [Int](repeating: 0, count: keys + 1)
    self.capacity = capacity
  }

  func contains(_ key: Int) -> Bool { position[key] >= 0 }

  mutating func access(_ key: Int) -> Bool {
    clock += 1
    if position[key] >= 0 {
      count[key] += 1
      stamp[key] = clock
      siftDown(Int(position[key]))
      return true
    }
    guard capacity > 0 else { return false }
    count[key] = isPerfect ? count[key] + 1 : 1
    stamp[key] = clock
    if heap.count == capacity {
      if isPerfect, count[key] < count[Int(heap[0])] { return false }
      position[Int(heap[0])] = -1
      heap[0] = Int32(key)
      position[key] = 0
      siftDown(0)
    } else {
      heap.append(Int32(key))
      position[key] = Int32(heap.count - 1)
      siftUp(heap.count - 1)
    }
    return false
  }

  private func less(_ a: Int32, _ b: Int32) -> Bool {
    (count[Int(a)], stamp[Int(a)]) < (count[Int(b)], stamp[Int(b)])
  }

  private mutating func siftUp(_ start: Int) {
    var i = start
    while i > 0, less(heap[i], heap[(i - 1) / 2]) {
      swap(i, (i - 1) / 2)
      i = (i - 1) / 2
    }
  }

  private mutating func siftDown(_ start: Int) {
    var i = start
    while true {
      var child = 2 * i + 1
      guard child < heap.count else { return }
      if child + 1 < heap.count, less(heap[child + 1], heap[child]) { child += 1 }
      guard less(heap[child], heap[i]) else { return }
      swap(i, child)
      i = child
    }
  }

  private mutating func swap(_ i: Int, _ j: Int) {
    heap.swapAt(i, j)
    position[Int(heap[i])] = Int32(i)
    position[Int(heap[j])] = Int32(j)
  }
}

/// LRU behind an admission filter: a missed key comes in only when it was seen more often, over a
/// halving history, than the key it would push out (the idea of TinyLFU, with exact counts).
struct AdmissionCache: SimulatedCache {
  private var next: [Int32]
  private var previous: [Int32]
  private var present: [Bool]
  private var seen: [Int32]
  private var accesses = 0
  private var size = 0
  private let capacity: Int
  private let history: Int

  init(keys: Int, capacity: Int) {
    next = [Int32](repeating: 0, count: keys + 1)
    previous = next
    present = [Bool](repeating: false, count: keys + 1)
    seen = next
    self.capacity = capacity
    history = max(1, capacity) * 10
  }

  func contains(_ key: Int) -> Bool { present[key] }

  mutating func access(_ key: Int) -> Bool {
    accesses += 1
    seen[key] += 1
    if accesses == history {
      accesses /= 2
      for i in seen.indices { seen[i] /= 2 }
    }
    if present[key] {
      unlink(key)
      pushFront(key)
      return true
    }
    guard capacity > 0 else { return false }
    if size == capacity {
      let oldest = Int(previous[0])
      guard seen[key] > seen[oldest] else { return false }
      unlink(oldest)
      present[oldest] = false
      size -= 1
    }
    present[key] = true
    pushFront(key)
    size += 1
    return false
  }

  private mutating func unlink(_ key: Int) {
    next[Int(previous[key])] = next[key]
    previous[Int(next[key])] = previous[key]
  }

  private mutating func pushFront(_ key: Int) {
    next[key] = next[0]
    previous[key] = 0
    previous[Int(next[0])] = Int32(key)
    next[0] = Int32(key)
  }
}

import ExperimentModel
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif
@testable import LabSystems

/// The four policies written down as plainly as possible: arrays and linear search, one rule after the other.
private struct ReferenceCache {
  struct Entry { var key: Int; var uses = 1; var since: Int }
  let policy: CachePolicy
  let capacity: Int
  var entries: [Entry] = []
  var sketch: [[Int]] = []
  var additions = 0
  var clock = 0

  init(_ policy: CachePolicy, _ capacity: Int) {
    self.policy = policy; self.capacity = capacity
    var width = 16
    while width < capacity * 4 { width *= 2 }
    sketch = Array(repeating: Array(repeating: 0, count: width), count: 4)
  }

  func cell(_ key: Int, _ row: Int) -> Int {
    Int(mix64(key.stableHash &+ UInt64(row) &* 0x9E37_79B9_7F4A_7C15) % UInt64(sketch[0].count))
  }
  func estimate(_ key: Int) -> Int { (0..<4).map { sketch[$0][cell(key, $0)] }.min()! }

  /// Looks a key up and stores it on a miss; whether it was there.
  mutating func request(_ key: Int) -> Bool {
    clock += 1
    for row in 0..<4 { sketch[row][cell(key, row)] = min(15, sketch[row][cell(key, row)] + 1) }
    additions += 1
    if additions == capacity * 10 {
      sketch = sketch.map { $0.map { $0 / 2 } }
      additions = 0
    }
    if let i = entries.firstIndex(where: { $0.key == key }) {
      entries[i].uses += 1
      if policy != .fifo { entries[i].since = clock }
      return true
    }
    if entries.count == capacity {
      // Lowest use count for LFU, then the longest without a change of place.
      let i = entries.indices.min {
        let (a, b) = (entries[$0], entries[$1])
        return policy == .lfu && a.uses != b.uses ? a.uses < b.uses : a.since < b.since
      }!
      if policy == .tinylfu && estimate(key) <= estimate(entries[i].key) { return false }
      entries.remove(at: i)
    }
    entries.append(Entry(key: key, since: clock))
    return false
  }
}

@Suite struct CachePolicyTests {
  @Test(arguments: CachePolicy.allCases, [1, 37, 100])
  func equalsThePlainReference(policy: CachePolicy, capacity: Int) {
    var keys = KeyStream(.zipf(n: 1_000, s: 0.9), seed: 5)
    var reference = ReferenceCache(policy, capacity)
    let cache: any BoundedCache<Int, Int> = makeCache(policy, capacity: capacity, byteLimit: nil)
    for i in 0..<50_000 {
      let key = keys.next()
      let hit = cache.value(for: key, now: 0) != nil
      if !hit { cache.insert(key, for: key, cost: 1, expires: .max) }
      guard hit == reference.request(key) else {
        Issue.record("\(policy) differs at request \(i)")
        return
      }
    }
    #expect(cache.count == capacity && cache.bytes == capacity)
  }

  /// Che, Tung, Wang 2002: hit(k) = 1 − e^(−p_k·T) with T solving Σ(1 − e^(−p_k·T)) = C.
  @Test(arguments: [100, 1_000])
  func lruIsWithinOnePointOfChe(capacity: Int) {
    let n = 10_000
    var p = (1...n).map { pow(Double($0), -0.9) }
    let sum = p.reduce(0, +)
    for i in p.indices { p[i] /= sum }
    var (low, high) = (0.0, 1e7)
    for _ in 0..<100 {
      let t = (low + high) / 2
      if p.reduce(0, { $0 + 1 - exp(-$1 * t) }) < Double(capacity) { low = t } else { high = t }
    }
    let che = p.reduce(0) { $0 + $1 * (1 - exp(-$1 * low)) }

    var keys = KeyStream(.zipf(n: n, s: 0.9), seed: 3)
    let cache: any BoundedCache<Int, Int> = makeCache(.lru, capacity: capacity, byteLimit: nil)
    var hits = 0
    for i in 0..<220_000 {
      let key = keys.next()
      if cache.value(for: key, now: 0) != nil { if i >= 20_000 { hits += 1 } } else {
        cache.insert(key, for: key, cost: 1, expires: .max)
      }
    }
    #expect(abs(Double(hits) / 200_000 - che) < 0.01)
  }

  @Test(arguments: CachePolicy.allCases)
  func keepsItsByteBudgetThroughRandomUse(policy: CachePolicy) {
    var random = SeededRandom(seed: 9)
    let cache: any BoundedCache<Int, Int> = makeCache(policy, capacity: nil, byteLimit: 1_000)
    var sizes: [Int: Int] = [:]
    for now in 0..<20_000 {
      let key = Int(random.next() % 60)
      switch random.next() % 10 {
      case 0: cache.remove(key)
      case 1 where now % 997 == 0: cache.removeAll()
      case 2...5:
        let size = Int(random.next() % 300) + 1
        cache.insert(size, for: key, cost: size, expires: Int64(now) + 500)
        sizes[key] = size
      default:
        if let found = cache.value(for: key, now: Int64(now)) { #expect(found == sizes[key]) }
      }
      #expect(cache.bytes <= 1_000 && cache.bytes >= 0)
    }
    cache.insert(0, for: -1, cost: 1_001, expires: .max)
    #expect(cache.value(for: -1, now: 0) == nil)
    cache.removeAll()
    #expect(cache.bytes == 0 && cache.count == 0)
  }

  @Test func expiryIsExactToTheNanosecond() {
    let cache: any BoundedCache<Int, Int> = makeCache(.lru, capacity: 10, byteLimit: nil)
    cache.insert(1, for: 1, cost: 1, expires: 100)
    #expect(cache.value(for: 1, now: 99) == 1)
    #expect(cache.value(for: 1, now: 100) == nil)
    #expect(cache.expirations == 1 && cache.count == 0)
  }
}

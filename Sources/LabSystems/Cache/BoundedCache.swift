import ExperimentModel

// The store under every cache of the lab: keys to values under an entry limit and a byte budget.
// Time comes in as an argument; randomness, sockets and single-flight are the callers' business.

/// What every policy's cache can do; hides the policy from the stages.
protocol BoundedCache<Key, Value>: AnyObject {
  associatedtype Key
  associatedtype Value
  var count: Int { get }
  /// Sum of the costs of the entries.
  var bytes: Int { get }
  /// Entries pushed out by capacity since the start.
  var evictions: Int { get }
  /// Entries found past their time, since the start.
  var expirations: Int { get }
  /// New keys that the policy did not let in, since the start.
  var rejections: Int { get }
  /// The value of a key that has not expired by `now`; counts as a use of it.
  func value(for key: Key, now: Int64) -> Value?
  /// Stores a value; pushes others out as needed. A value larger than the whole budget is not stored.
  func insert(_ value: Value, for key: Key, cost: Int, expires: Int64)
  /// Drops a key; whether it was there.
  @discardableResult func remove(_ key: Key) -> Bool
  /// Drops everything; how many there were.
  @discardableResult func removeAll() -> Int
}

/// A cache with an exact policy. `capacity` nil: no entry limit; `byteLimit` nil: no byte budget.
final class PolicyCache<Key: CacheKey, Value, Policy: EvictionPolicy>: BoundedCache {
  private struct Entry {
    var key: Key
    var value: Value
    var cost: Int
    var expires: Int64
  }

  private let capacity: Int
  private let byteLimit: Int
  private var slots: [Key: Int32] = [:]
  private var entries: [Entry?] = []
  private var free: [Int32] = []
  private var policy: Policy
  private(set) var bytes = 0
  private(set) var evictions = 0
  private(set) var expirations = 0
  private(set) var rejections = 0
  var count: Int { slots.count }

  init(capacity: Int?, byteLimit: Int?) {
    self.capacity = capacity ?? .max
    self.byteLimit = byteLimit ?? .max
    // 64 Ki entries: only the sketch's size depends on this guess.
    policy = Policy(capacity: capacity ?? 65_536)
    if let capacity { slots.reserveCapacity(min(capacity, 1 << 20)) }
  }

  func value(for key: Key, now: Int64) -> Value? {
    if Policy.countsRequests { policy.requested(hash: key.stableHash) }
    guard let slot = slots[key] else { return nil }
    let entry = entries[Int(slot)]!
    if entry.expires <= now {
      drop(slot, key)
      expirations += 1
      return nil
    }
    policy.touched(slot)
    return entry.value
  }

  func insert(_ value: Value, for key: Key, cost: Int, expires: Int64) {
    if capacity == 0 || cost > byteLimit { return }
    if let slot = slots[key] {
      // A refresh is not a use: two loads of one key must not make it look popular.
      bytes += cost - entries[Int(slot)]!.cost
      entries[Int(slot)] = Entry(key: key, value: value, cost: cost, expires: expires)
      while bytes > byteLimit, let victim = policy.victim { evict(victim) }
      return
    }
    let hash = Policy.countsRequests ? key.stableHash : 0
    while slots.count >= capacity || bytes + cost > byteLimit {
      guard let victim = policy.victim else { break }
      guard policy.admits(hash: hash) else { rejections += 1; return }
      evict(victim)
    }
    let slot: Int32
    let entry = Entry(key: key, value: value, cost: cost, expires: expires)
    if let reused = free.popLast() {
      slot = reused
      entries[Int(slot)] = entry
    } else {
      slot = Int32(entries.count)
      entries.append(entry)
    }
    slots[key] = slot
    bytes += cost
    policy.inserted(slot, hash: hash)
  }

  @discardableResult func remove(_ key: Key) -> Bool {
    guard let slot = slots[key] else { return false }
    drop(slot, key)
    return true
  }

  @discardableResult func removeAll() -> Int {
    let dropped = slots.count
    for (key, slot) in slots { drop(slot, key) }
    assert(bytes == 0 && slots.isEmpty && policy.victim == nil)
    return dropped
  }

  private func evict(_ slot: Int32) {
    drop(slot, entries[Int(slot)]!.key)
    evictions += 1
  }

  private func drop(_ slot: Int32, _ key: Key) {
    bytes -= entries[Int(slot)]!.cost
    entries[Int(slot)] = nil
    slots[key] = nil
    policy.removed(slot)
    free.append(slot)
  }
}

/// The cache of a declared policy.
func makeCache<Key: CacheKey, Value>(
  _ policy: CachePolicy, capacity: Int?, byteLimit: Int?
) -> any BoundedCache<Key, Value> {
  switch policy {
  case .lru: PolicyCache<Key, Value, LRUPolicy>(capacity: capacity, byteLimit: byteLimit)
  case .lfu: PolicyCache<Key, Value, LFUPolicy>(capacity: capacity, byteLimit: byteLimit)
  case .fifo: PolicyCache<Key, Value, FIFOPolicy>(capacity: capacity, byteLimit: byteLimit)
  case .tinylfu: PolicyCache<Key, Value, TinyLFUPolicy>(capacity: capacity, byteLimit: byteLimit)
  }
}

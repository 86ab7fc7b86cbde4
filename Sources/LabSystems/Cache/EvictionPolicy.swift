/// Decides which entry leaves a full cache, and whether a new one may enter. Entries are slots:
/// small integers that the cache hands out and reuses, so that a policy is arrays of links and
/// never hashes a key. A policy never sees values, bytes or time.
protocol EvictionPolicy {
  /// Whether `requested` must be told the hash of every looked-up key.
  static var countsRequests: Bool { get }
  /// - Parameter capacity: entries the cache may hold, or its best guess when only bytes are bounded.
  init(capacity: Int)
  /// A lookup of a key with this hash, hit or miss, before anything else.
  mutating func requested(hash: UInt64)
  /// A lookup found this slot.
  mutating func touched(_ slot: Int32)
  mutating func inserted(_ slot: Int32, hash: UInt64)
  mutating func removed(_ slot: Int32)
  /// The slot that leaves next; nil when there is none.
  var victim: Int32? { get }
  /// Whether a new key with this hash may push the victim out.
  func admits(hash: UInt64) -> Bool
}

extension EvictionPolicy {
  static var countsRequests: Bool { false }
  mutating func requested(hash: UInt64) {}
  func admits(hash: UInt64) -> Bool { true }
}

/// A key whose hash is the same in every process: a frequency sketch must be reproducible.
protocol CacheKey: Hashable { var stableHash: UInt64 { get } }
extension String: CacheKey { var stableHash: UInt64 { mix64(fnv1a(self)) } }
extension Int: CacheKey { var stableHash: UInt64 { mix64(UInt64(bitPattern: Int64(self))) } }

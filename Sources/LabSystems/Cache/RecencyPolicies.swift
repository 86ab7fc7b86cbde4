// The two policies that are one list each; they differ only in what a hit does.

/// Least recently used leaves: a hit moves the slot to the new end.
struct LRUPolicy: EvictionPolicy {
  private var order = SlotList()
  init(capacity: Int) {}
  var victim: Int32? { order.first >= 0 ? order.first : nil }
  mutating func touched(_ slot: Int32) {
    if order.last == slot { return }
    order.remove(slot)
    order.append(slot)
  }
  mutating func inserted(_ slot: Int32, hash: UInt64) { order.append(slot) }
  mutating func removed(_ slot: Int32) { order.remove(slot) }
}

/// Oldest insertion leaves: a hit does nothing.
struct FIFOPolicy: EvictionPolicy {
  private var order = SlotList()
  init(capacity: Int) {}
  var victim: Int32? { order.first >= 0 ? order.first : nil }
  mutating func touched(_ slot: Int32) {}
  mutating func inserted(_ slot: Int32, hash: UInt64) { order.append(slot) }
  mutating func removed(_ slot: Int32) { order.remove(slot) }
}

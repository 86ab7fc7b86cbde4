// When which slot has something to do next: a binary heap in one slab. A slot is in it at most once, so it never
// grows: pushing and popping cost O(log n) and allocate nothing.

struct DueQueue: ~Copyable {
  private struct Entry { var time: Int64; var slot: Int32 }
  private let entries: UnsafeMutablePointer<Entry>
  private let capacity: Int
  private(set) var count = 0

  init(capacity: Int) {
    self.capacity = capacity
    entries = .allocate(capacity: max(1, capacity))
  }
  deinit { entries.deallocate() }

  /// The earliest time; .max when empty.
  var first: Int64 { count > 0 ? entries[0].time : .max }

  /// - Precondition: fewer than `capacity` entries.
  mutating func push(_ time: Int64, _ slot: Int) {
    precondition(count < capacity, "a slot is due once")
    var i = count
    count += 1
    while i > 0 {
      let parent = (i - 1) / 2
      if entries[parent].time <= time { break }
      entries[i] = entries[parent]
      i = parent
    }
    entries[i] = Entry(time: time, slot: Int32(truncatingIfNeeded: slot))
  }

  /// - Precondition: not empty.
  mutating func pop() -> (time: Int64, slot: Int) {
    precondition(count > 0, "nothing is due")
    let top = entries[0]
    count -= 1
    let last = entries[count]
    var i = 0
    while true {
      var child = 2 * i + 1
      if child >= count { break }
      if child + 1 < count, entries[child + 1].time < entries[child].time { child += 1 }
      if last.time <= entries[child].time { break }
      entries[i] = entries[child]
      i = child
    }
    entries[i] = last
    return (top.time, Int(top.slot))
  }

  mutating func removeAll() { count = 0 }
}

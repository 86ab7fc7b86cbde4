/// A doubly linked list of slots in two arrays; every operation is O(1) and allocates only when a
/// slot number is seen for the first time.
///
///     first (oldest) ⇄ … ⇄ last (newest)
struct SlotList {
  private var next: [Int32] = []
  private var previous: [Int32] = []
  private(set) var first: Int32 = -1
  private(set) var last: Int32 = -1

  mutating func append(_ slot: Int32) {
    let i = Int(slot)
    while next.count <= i { next.append(-1); previous.append(-1) }
    next[i] = -1
    previous[i] = last
    if last >= 0 { next[Int(last)] = slot } else { first = slot }
    last = slot
  }

  mutating func remove(_ slot: Int32) {
    let before = previous[Int(slot)]
    let after = next[Int(slot)]
    if before >= 0 { next[Int(before)] = after } else { first = after }
    if after >= 0 { previous[Int(after)] = before } else { last = before }
  }
}

// What is to happen at a known time, earliest first. A binary heap in one array: replies are due in nearly
// ascending order, where an insertion costs one comparison.

/// One thing to do.
struct Due {
  enum Kind: UInt8 { case answer, read }

  var time: Int64
  /// The log's ticket of the request; ties go in its order.
  var ticket: Int
  var slot: Int32
  /// The slot has another connection when its generation is another.
  var generation: UInt32
  var kind: Kind
  var fate: Fate
  var isHead: Bool
  var closes: Bool

  @inline(__always)
  static func earlier(_ a: Due, _ b: Due) -> Bool { a.time != b.time ? a.time < b.time : a.ticket < b.ticket }
}

struct DueQueue {
  private var items: [Due] = []

  init() { items.reserveCapacity(4_096) }

  var nextTime: Int64 { items.isEmpty ? .max : items[0].time }
  var count: Int { items.count }

  mutating func removeAll() { items.removeAll(keepingCapacity: true) }

  mutating func insert(_ item: Due) {
    var hole = items.count
    items.append(item)
    while hole > 0 {
      let parent = (hole - 1) / 2
      if !Due.earlier(item, items[parent]) { break }
      items[hole] = items[parent]
      hole = parent
    }
    items[hole] = item
  }

  mutating func removeFirst() -> Due {
    let first = items[0]
    let item = items.removeLast()
    if items.isEmpty { return first }
    var hole = 0
    while true {
      var child = 2 * hole + 1
      if child >= items.count { break }
      if child + 1 < items.count && Due.earlier(items[child + 1], items[child]) { child += 1 }
      if !Due.earlier(items[child], item) { break }
      items[hole] = items[child]
      hole = child
    }
    items[hole] = item
    return first
  }
}

// Memory of a model: taken once, never copied, freed with it. An array would do, but for the check of its one owner at every
// write, which these structs, being owned once by their type, do not need. Indices are checked in debug builds.

/// A fixed number of slots.
struct Slots<Element: BitwiseCopyable>: ~Copyable {
  private let base: UnsafeMutablePointer<Element>
  let count: Int

  init(_ count: Int, _ initial: Element) {
    precondition(count >= 0)
    self.count = count
    base = .allocate(capacity: max(1, count))
    base.initialize(repeating: initial, count: count)
  }

  deinit { base.deallocate() }

  subscript(_ index: Int) -> Element {
    @inline(__always) get {
      assert(index >= 0 && index < count)
      return base[index]
    }
    @inline(__always) set {
      assert(index >= 0 && index < count)
      base[index] = newValue
    }
  }
}

/// A waiting line: in at the back, out at the front or at the back. Doubles when full, up to `countMax`.
struct Line<Element: BitwiseCopyable>: ~Copyable {
  private var base: UnsafeMutablePointer<Element>
  private var mask: Int
  private var head = 0
  private(set) var count = 0

  /// More than this is refused: a line that long only grows.
  static var countMax: Int { 1 << 22 }

  init() {
    mask = 63
    base = .allocate(capacity: 64)
  }

  deinit { base.deallocate() }

  /// From the front.
  subscript(_ index: Int) -> Element {
    assert(index >= 0 && index < count)
    return base[(head &+ index) & mask]
  }

  var first: Element? { count > 0 ? base[head] : nil }

  /// - Returns: false when there is no room, and never will be.
  @inline(__always) mutating func append(_ element: Element) -> Bool {
    if count > mask, !grow() { return false }
    base[(head &+ count) & mask] = element
    count &+= 1
    return true
  }

  @inline(__always) mutating func popFirst() -> Element? {
    guard count > 0 else { return nil }
    let element = base[head]
    head = (head &+ 1) & mask
    count &-= 1
    return element
  }

  @inline(__always) mutating func popLast() -> Element? {
    guard count > 0 else { return nil }
    count &-= 1
    return base[(head &+ count) & mask]
  }

  /// Takes out any one; the last one takes its place.
  mutating func remove(at index: Int) -> Element {
    let element = self[index]
    count &-= 1
    base[(head &+ index) & mask] = base[(head &+ count) & mask]
    return element
  }

  mutating func removeAll() { (head, count) = (0, 0) }

  @inline(never) private mutating func grow() -> Bool {
    let capacity = mask + 1
    guard capacity < Self.countMax else { return false }
    let larger = UnsafeMutablePointer<Element>.allocate(capacity: capacity * 2)
    for i in 0..<count { (larger + i).initialize(to: base[(head + i) & mask]) }
    base.deallocate()
    (base, mask, head) = (larger, capacity * 2 - 1, 0)
    return true
  }
}

/// Slots that come and go: each has a number below 2²² while it is in use.
struct Pool<Element: BitwiseCopyable>: ~Copyable {
  private var base: UnsafeMutablePointer<Element>
  private var free: UnsafeMutablePointer<UInt32>
  private var capacity: Int
  private var freeCount = 0
  private var used = 0

  init() {
    capacity = 64
    base = .allocate(capacity: capacity)
    free = .allocate(capacity: capacity)
  }

  deinit {
    base.deallocate()
    free.deallocate()
  }

  /// How many are in use.
  var count: Int { used - freeCount }

  /// - Returns: nil when there is no room, and never will be.
  @inline(__always) mutating func insert(_ element: Element) -> UInt32? {
    if freeCount > 0 {
      freeCount &-= 1
      base[Int(free[freeCount])] = element
      return free[freeCount]
    }
    if used == capacity, !grow() { return nil }
    base[used] = element
    used &+= 1
    return UInt32(truncatingIfNeeded: used &- 1)
  }

  @inline(__always) mutating func remove(_ index: UInt32) -> Element {
    assert(Int(index) < used)
    free[freeCount] = index
    freeCount &+= 1
    return base[Int(index)]
  }

  subscript(_ index: UInt32) -> Element {
    @inline(__always) get {
      assert(Int(index) < used)
      return base[Int(index)]
    }
    @inline(__always) set {
      assert(Int(index) < used)
      base[Int(index)] = newValue
    }
  }

  @inline(never) private mutating func grow() -> Bool {
    guard capacity < KeyedHeap.countMax else { return false }
    let (wider, list) = (UnsafeMutablePointer<Element>.allocate(capacity: capacity * 2), UnsafeMutablePointer<UInt32>.allocate(capacity: capacity * 2))
    wider.moveInitialize(from: base, count: used)
    base.deallocate()
    free.deallocate()
    (base, free, capacity) = (wider, list, capacity * 2)
    return true
  }
}

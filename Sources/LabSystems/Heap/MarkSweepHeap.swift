import Foundation

/// A managed heap of fixed size with a stop-the-world mark–sweep collector (McCarthy 1960), in one mapping of its own.
///
/// Objects have 64 bytes: a mark, four references and some payload. Free ones form a list. When the list is empty the
/// program stops: everything that the root reaches is marked with an explicit stack, then the whole heap is swept into a new
/// list. A collection marks L live objects and sweeps H slots, and leaves H − L free; so A allocations of short-lived
/// objects cause A/(H − L) collections.
///
/// Used by one thread at a time.
final class MarkSweepHeap: @unchecked Sendable {
  /// Work of one call, and the processor time that it took.
  struct Work {
    var allocated = 0
    var collections = 0
    /// Wall time of the pauses, each measured by itself.
    var pause: Int64 = 0
    var pauseMax: Int64 = 0
    /// Processor time of the pauses and of the whole call.
    var collecting: Int64 = 0
    var processor: Int64 = 0
    /// Objects that the last collection reached; nil: there was none.
    var reached: Int?
    /// The heap is full of live objects: the call went without the rest of its memory.
    var isExhausted = false

    /// Takes in what another call did.
    mutating func add(_ other: Work) {
      allocated += other.allocated
      collections += other.collections
      pause += other.pause
      pauseMax = max(pauseMax, other.pauseMax)
      collecting += other.collecting
      processor += other.processor
      reached = other.reached ?? reached
      isExhausted = isExhausted || other.isExhausted
    }
  }

  typealias Reference = UInt32
  static let none: Reference = .max

  private struct Object {
    /// Of the collection that reached it last; 0 on the free list.
    var mark: UInt32
    /// The next free slot while on the free list.
    var payload: UInt32
    var references: (Reference, Reference, Reference, Reference)
    var data: (UInt64, UInt64, UInt64, UInt64, UInt64)
  }

  let slots: Int
  /// Objects that were reachable at the last collection, those leaked since included.
  private(set) var live: Int
  private let objects: UnsafeMutablePointer<Object>
  /// Marking pushes an object once, so a place for each suffices whatever the graph looks like.
  private let stack: UnsafeMutablePointer<Reference>
  private let bytes: Int
  private var free: Reference
  private var collection: UInt32 = 1
  private let root: Reference
  /// Newest of the leaked objects; each refers to the one before it.
  private var leaked: Reference = none

  /// Builds the live set: a binary tree whose nodes have a third reference to a seeded other one, so that tracing jumps
  /// through memory as it does in a program.
  /// - Parameters: counts of objects, `heap` above `live`.
  /// - Throws: `LabError` when the system gives no memory.
  init(heap: Int, live: Int, seed: UInt64, place: String) throws {
    precondition(heap > live && live >= 0 && heap < Int(Self.none) && MemoryLayout<Object>.stride == 64)
    slots = heap
    self.live = live
    bytes = heap * MemoryLayout<Object>.stride
    let total = bytes + heap * MemoryLayout<Reference>.stride
    let mapping = mmap(nil, total, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let mapping, mapping != MAP_FAILED else {
      throw LabError(place: place, cause: "no memory for a heap of \(bytes >> 20) MiB", remedy: "write a smaller `heap`")
    }
    objects = mapping.bindMemory(to: Object.self, capacity: heap)
    stack = (mapping + bytes).bindMemory(to: Reference.self, capacity: heap)
    var random = SeededRandom(seed: seed, stream: "heap")
    for i in 0..<heap {
      let isLive = i < live
      func child(_ k: Int) -> Reference { isLive && k < live ? Reference(k) : Self.none }
      let other = isLive ? Reference(truncatingIfNeeded: random.next() % UInt64(live)) : Self.none
      objects[i] = Object(
        mark: isLive ? collection : 0, payload: isLive ? Reference(i) : i + 1 < heap ? Reference(i + 1) : Self.none,
        references: (child(2 * i + 1), child(2 * i + 2), other, Self.none), data: (0, 0, 0, 0, 0))
    }
    root = live > 0 ? 0 : Self.none
    free = Reference(live)
  }

  deinit { munmap(UnsafeMutableRawPointer(objects), bytes + slots * MemoryLayout<Reference>.stride) }

  /// Makes `temporary` objects that nothing refers to once the next one is there, and `kept` ones that stay reachable.
  func request(temporary: Int, kept: Int) -> Work {
    var work = Work()
    let start = ThreadClock.processorTime()
    for i in 0..<temporary {
      guard let object = allocate(&work) else { break }
      // As a program would: it refers to something that lives, and is written to.
      objects[Int(object)].references.0 = root
      objects[Int(object)].data.0 = UInt64(truncatingIfNeeded: i)
    }
    for _ in 0..<kept {
      guard !work.isExhausted, let object = allocate(&work) else { break }
      objects[Int(object)].references.3 = leaked
      leaked = object
    }
    work.processor = ThreadClock.processorTime() - start
    return work
  }

  @inline(__always)
  private func allocate(_ work: inout Work) -> Reference? {
    if free == Self.none {
      collect(&work)
      guard free != Self.none else {
        work.isExhausted = true
        return nil
      }
    }
    let object = free
    free = objects[Int(object)].payload
    objects[Int(object)].mark = collection
    objects[Int(object)].references = (Self.none, Self.none, Self.none, Self.none)
    work.allocated += 1
    return object
  }

  // MARK: The pause

  private func collect(_ work: inout Work) {
    let (wall, processor) = (ThreadClock.now(), ThreadClock.processorTime())
    // The number may come round again after four billion collections; no mark is as old as that.
    collection = collection == .max ? 1 : collection + 1
    live = mark(from: root) + mark(from: leaked)
    sweep()
    let pause = ThreadClock.now() - wall
    work.collections += 1
    work.reached = live
    work.pause += pause
    work.pauseMax = max(work.pauseMax, pause)
    work.collecting += ThreadClock.processorTime() - processor
  }

  /// Objects that were not marked before.
  private func mark(from start: Reference) -> Int {
    var depth = 0
    var count = 0
    push(start, &depth)
    while depth > 0 {
      depth -= 1
      count += 1
      let (a, b, c, d) = objects[Int(stack[depth])].references
      push(a, &depth); push(b, &depth); push(c, &depth); push(d, &depth)
    }
    return count
  }

  @inline(__always)
  private func push(_ object: Reference, _ depth: inout Int) {
    guard object != Self.none, objects[Int(object)].mark != collection else { return }
    objects[Int(object)].mark = collection
    stack[depth] = object
    depth += 1
  }

  /// From the end, so that the list begins at the start of the heap.
  private func sweep() {
    var list = Self.none
    for i in stride(from: slots - 1, through: 0, by: -1) where objects[i].mark != collection {
      objects[i].mark = 0
      objects[i].payload = list
      list = Reference(i)
    }
    free = list
  }
}

// The recorder's state and its one data structure: a ring of slot numbers that every slot goes round.
//
//        reclaimed          exported            published
//   ─────────┼──────────────────┼───────────────────┼────────►
//            │   free to take   │ ended, not yet    │   (open slots are out of the ring)
//            │                  │ exported          │
//
// The loop takes a slot at `reclaimed` and puts it back at `published` when the span ends; the exporter moves `exported` up.
// Each mark has one writer, so two atomic words are all that the threads share.

import Synchronization

struct RecorderCore {
  let memory: UnsafeMutableRawPointer
  let layout: RecordedLayout
  let ring: UnsafeMutablePointer<UInt32>
  /// Slots − 1; the number of slots is a power of two.
  let mask: Int
  let published: UnsafeMutablePointer<Atomic<Int>>
  let exported: UnsafeMutablePointer<Atomic<Int>>
  /// Spans that found no free slot; read by others.
  let dropped: UnsafeMutablePointer<Atomic<Int>>

  // The loop's own.
  var reclaimed = 0
  var exportedSeen: Int
  var publishedOwn: Int
  var ids: IDGenerator
  /// The root sampler's threshold; `TraceParent.unknown` samples nothing.
  var rejection: UInt64

  init(slots: Int, layout: RecordedLayout, ids: IDGenerator, rejection: UInt64) {
    precondition(slots > 0 && slots & (slots - 1) == 0 && slots < Int(ActiveSpan.noSlot), "slots are a power of two")
    memory = .allocate(byteCount: slots * layout.stride, alignment: 64)
    self.layout = layout
    ring = .allocate(capacity: slots)
    for i in 0..<slots {
      (memory + i * layout.stride).initializeMemory(as: RecordedHeader.self, to: RecordedHeader())
      ring[i] = UInt32(i)
    }
    mask = slots - 1
    published = .allocate(capacity: 1)
    published.initialize(to: Atomic(slots))
    exported = .allocate(capacity: 1)
    exported.initialize(to: Atomic(slots))
    dropped = .allocate(capacity: 1)
    dropped.initialize(to: Atomic(0))
    exportedSeen = slots
    publishedOwn = slots
    self.ids = ids
    self.rejection = rejection
  }

  func deallocate() {
    memory.deallocate()
    ring.deallocate()
    published.deallocate()
    exported.deallocate()
    dropped.deallocate()
  }

  @inline(__always)
  func header(_ slot: UInt32) -> UnsafeMutablePointer<RecordedHeader> {
    memory.advanced(by: Int(slot) &* layout.stride).assumingMemoryBound(to: RecordedHeader.self)
  }

  @inline(__always)
  func place<Part>(_ slot: UInt32, _ offset: Int, _ index: UInt16, _: Part.Type = Part.self) -> UnsafeMutablePointer<Part> {
    let bytes = Int(slot) &* layout.stride &+ offset
    return memory.advanced(by: bytes).assumingMemoryBound(to: Part.self) + Int(index)
  }

  /// A free slot; nil, and counted, when the exporter is behind by all of them.
  @inline(__always)
  mutating func takeSlot() -> UInt32? {
    if reclaimed == exportedSeen {
      exportedSeen = exported.pointee.load(ordering: .acquiring)
      if reclaimed == exportedSeen {
        dropped.pointee.add(1, ordering: .relaxed)
        return nil
      }
    }
    let slot = ring[reclaimed & mask]
    reclaimed &+= 1
    return slot
  }

  @inline(__always)
  mutating func publish(_ slot: UInt32) {
    ring[publishedOwn & mask] = slot
    publishedOwn &+= 1
    published.pointee.store(publishedOwn, ordering: .releasing)
  }
}

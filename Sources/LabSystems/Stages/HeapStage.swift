import ExperimentModel

/// Makes objects on a heap, on a thread and one request after the other: what a pause stops, it stops for all. A request
/// that fills the heap waits for the collection, and so do those behind it.
final class HeapStage: Stage {
  /// Of the churning kinds only `allocated` and the processor time.
  typealias Work = MarkSweepHeap.Work
  enum Heap: Sendable { case marked(MarkSweepHeap), churned(any ObjectChurn) }

  let name: String
  let probe: StageProbe
  var isOff = false
  private let heap: Heap
  private let line: SerialLine
  /// Objects of one request.
  private let temporary: Int
  private let kept: Int
  /// Objects that are there from the start.
  private let liveObjects: Int
  /// Objects that the last collection reached; nil before the first.
  private var reached: Int?
  private var calls = 0
  private var total = Work()
  private var exhausted = 0
  private var leaked = 0

  /// - Throws: `LabError` when there is no memory for the heap.
  init(_ spec: AllocSpec, _ objects: ObjectHeap, name: String, seed: UInt64, environment: any Environment, place: String) throws {
    self.name = name
    probe = StageProbe(name, .real)
    line = SerialLine(environment)
    temporary = ObjectHeap.count(spec.perRequest)
    kept = ObjectHeap.count(spec.leak)
    liveObjects = ObjectHeap.count(objects.live)
    heap = try Self.makeHeap(objects, seed: seed, place: place)
  }

  /// - Throws: `LabError` when there is no memory, or no room beside what lives.
  static func makeHeap(_ objects: ObjectHeap, seed: UInt64, place: String) throws -> Heap {
    let live = ObjectHeap.count(objects.live)
    switch objects.kind {
    case .markSweep:
      guard let headroom = objects.headroom, headroom > 0 else {
        throw LabError(
          place: place, cause: "a heap of \(objects.heap ?? 0) bytes for \(objects.live) live ones",
          remedy: "make `heap` larger than `live`: the space between is what allocation uses")
      }
      return .marked(try MarkSweepHeap(heap: live + headroom, live: live, seed: seed, place: place))
    case .malloc: return .churned(MallocChurn(live: live))
    case .arc: return .churned(CountedChurn(live: live))
    }
  }

  func enter(_ exchange: Exchange) -> StageStep {
    let (heap, temporary, kept, probe) = (heap, temporary, kept, probe)
    line.offload { probe.inside { Self.work(heap, temporary, kept) } } then: { [self] work in
      calls += 1
      add(work)
      if work.isExhausted {
        exhausted += 1
        exchange.fail(500, "\(name): the heap is full of live objects")
        exchange.route.role.complete(exchange)
      } else {
        exchange.route.role.resume(exchange)
      }
    }
    return .later
  }

  static func work(_ heap: Heap, _ temporary: Int, _ kept: Int) -> Work {
    switch heap {
    case .marked(let heap): return heap.request(temporary: temporary, kept: kept)
    case .churned(let churn):
      let start = ThreadClock.processorTime()
      churn.churn(temporary)
      churn.keep(kept)
      return Work(allocated: temporary + kept, processor: ThreadClock.processorTime() - start)
    }
  }

  private func add(_ work: Work) {
    total.add(work)
    reached = work.reached ?? reached
    // Kept objects come last, after all temporary ones.
    leaked += max(0, work.allocated - temporary)
  }

  func appendCounters(to counters: inout Counters) {
    counters.add(name, "calls", calls)
    counters.add(name, "allocated_bytes", total.allocated * ObjectHeap.objectSize)
    counters.add(name, "leaked_bytes", leaked * ObjectHeap.objectSize)
    counters.add(name, "live_bytes", (liveObjects + leaked) * ObjectHeap.objectSize)
    counters.add(name, "work_ns", Int(total.processor))
    guard case .marked = heap else {
      counters.add(name, "live_objects", liveObjects + leaked)
      return
    }
    // What a collection found alive, and not what was asked for: that is how a leak shows.
    counters.add(name, "live_objects", reached ?? liveObjects)
    counters.add(name, "collections", total.collections)
    counters.add(name, "pause_ns", Int(total.pause))
    counters.peak(name, "pause_max_ns", Int(total.pauseMax))
    counters.add(name, "gc_ns", Int(total.collecting))
    counters.add(name, "exhausted", exhausted)
  }

  /// What is leaked stays leaked.
  func resetCounters() {
    calls = 0; total = Work(); exhausted = 0
  }
}

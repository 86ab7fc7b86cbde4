import ExperimentModel
import Testing

@testable import LabSystems

/// The heap that collects: judged by its law, A/(H − L) collections, and by what survives.
@Suite struct MarkSweepHeapTests {
  private func heap(_ slots: Int, _ live: Int) throws -> MarkSweepHeap {
    try MarkSweepHeap(heap: slots, live: live, seed: 3, place: "test")
  }

  @Test(arguments: [1.25, 1.5, 2, 4, 8])
  func collectionsAreAllocationOverHeadroom(ratio: Double) throws {
    let (live, allocations) = (10_000, 300_000)
    let heap = try heap(Int(ratio * Double(live)), live)
    var (collections, allocated) = (0, 0)
    for _ in 0..<100 {
      let work = heap.request(temporary: allocations / 100, kept: 0)
      #expect(!work.isExhausted && work.pause >= work.pauseMax && (work.collections > 0) == (work.pause > 0))
      #expect(work.processor >= work.collecting)
      collections += work.collections
      allocated += work.allocated
    }
    #expect(allocated == allocations)
    let law = Double(allocations) / Double(heap.slots - live)
    #expect(abs(Double(collections) - law) <= 1, "\(collections) collections, the law says \(law)")
    #expect(heap.live == live, "all that the root reaches survived, and nothing else")
  }

  @Test func whatLeaksIsLiveAndFillsTheHeapInTheEnd() throws {
    let heap = try heap(1_000, 100)
    var kept = 0
    var last = MarkSweepHeap.Work()
    while !last.isExhausted {
      last = heap.request(temporary: 0, kept: 50)
      kept += last.allocated
    }
    #expect(kept == 900 && heap.live == 1_000)
    // Full for good: nothing is allocated any more, and every request tries once.
    let after = heap.request(temporary: 10, kept: 0)
    #expect(after.isExhausted && after.allocated == 0 && after.collections == 1)
  }

  /// The more leaks, the less headroom: collections come faster. Against a plain reference that only counts.
  @Test func aLeakEatsTheHeadroom() throws {
    let (slots, live) = (5_000, 1_000)
    let heap = try heap(slots, live)
    var reference = (free: slots - live, live: live, collections: 0)
    func allocate(_ isKept: Bool) {
      if reference.free == 0 {
        reference.collections += 1
        reference.free = slots - reference.live
      }
      reference.free -= 1
      if isKept { reference.live += 1 }
    }
    var collections = 0
    for _ in 0..<200 {
      let work = heap.request(temporary: 300, kept: 10)
      collections += work.collections
      for _ in 0..<300 { allocate(false) }
      for _ in 0..<10 { allocate(true) }
    }
    #expect(collections == reference.collections && collections > 200 * 310 / (slots - live))
  }

  @Test func withoutLiveObjectsTheWholeHeapIsHeadroom() throws {
    let heap = try heap(100, 0)
    #expect(heap.request(temporary: 1_000, kept: 0).collections == 9)
    #expect(heap.live == 0)
  }
}

/// The stage around it, on the virtual clock.
@Suite struct HeapStageTests {
  private func system(_ spec: AllocSpec, workers: Int = 4) -> SystemSpec {
    Sample.system(
      workers: workers, rows: 0,
      routes: [RouteSpec(method: "GET", path: "/", stages: [StageSpec(name: "heap", work: .alloc(spec))])])
  }

  private func run(_ spec: AllocSpec, requests: Int) throws -> (core: LabCore, client: Collector) {
    let environment = VirtualEnvironment()
    let core = try LabCore(system(spec), environment: environment)
    let client = Collector(environment)
    for tag in 0..<requests { client.send(core, "GET", "/", tag: tag) }
    #expect(client.seen.isEmpty, "the loop computes nothing")
    environment.advance(by: 1_000_000_000)
    return (core, client)
  }

  @Test func requestsGoOneAfterTheOther() throws {
    let objects = ObjectHeap(kind: .markSweep, live: 6_400, heap: 12_800)
    let (core, client) = try run(AllocSpec(perRequest: 3_200, leak: 0, objects: objects), requests: 20)
    #expect(client.seen.map(\.tag) == Array(0..<20) && client.seen.allSatisfy { $0.status == 200 })
    // A microsecond each on the virtual clock, although four workers are there: a heap has one thread.
    #expect(client.seen.last!.at - client.seen[0].at == 19_000)
    // 50 objects each into a headroom of 100.
    #expect(core.counter("heap.collections") == 9 && core.counter("heap.allocated_bytes") == 20 * 3_200)
    #expect(core.counter("heap.live_bytes") == 6_400 && core.counter("heap.exhausted") == 0)
    #expect(core.counter("heap.work_ns") >= core.counter("heap.gc_ns") && core.counter("heap.pause_ns") > 0)
    core.stages.forEach { $0.resetCounters() }
    #expect(core.counter("heap.collections") == 0 && core.counter("heap.live_bytes") == 6_400)
  }

  @Test func whatACollectionFindsAliveGrowsWithTheLeakAndOnlyWithIt() throws {
    let objects = ObjectHeap(kind: .markSweep, live: 6_400, heap: 64_000)
    let (leaky, _) = try run(AllocSpec(perRequest: 19_200, leak: 64, objects: objects), requests: 200)
    let (sound, _) = try run(AllocSpec(perRequest: 19_200, leak: 0, objects: objects), requests: 200)
    #expect(sound.counter("heap.live_objects") == 100)
    // The last collection was at most one headroom ago: three requests.
    #expect((296...300).contains(leaky.counter("heap.live_objects")), "\(leaky.counter("heap.live_objects"))")
  }

  @Test func aFullHeapFailsTheRequest() throws {
    // Twenty of a hundred objects leak with each request: five requests, and the heap is full.
    let objects = ObjectHeap(kind: .markSweep, live: 0, heap: 6_400)
    let (core, client) = try run(AllocSpec(perRequest: 640, leak: 1_280, objects: objects), requests: 8)
    #expect(client.seen.map(\.status) == [200, 200, 200, 200, 200, 500, 500, 500])
    #expect(client.seen[5].body.contains("full of live objects") && core.counter("heap.exhausted") == 3)
  }

  @Test(arguments: [ObjectHeap.Kind.malloc, .arc])
  func othersChurnWithoutPauses(kind: ObjectHeap.Kind) throws {
    let (core, client) = try run(
      AllocSpec(perRequest: 6_400, leak: 100, objects: ObjectHeap(kind: kind, live: 64_000)), requests: 10)
    #expect(client.seen.count == 10 && client.seen.allSatisfy { $0.status == 200 })
    // 100 bytes are two objects.
    #expect(core.counter("heap.allocated_bytes") == 10 * (6_400 + 128) && core.counter("heap.leaked_bytes") == 1_280)
    #expect(core.counter("heap.live_bytes") == 65_280 && core.counter("heap.collections") == -1, "no such counter")
  }

  @Test func whatCannotBeServedIsRefused() {
    let objects = ObjectHeap(kind: .markSweep, live: 6_400, heap: 6_400)
    for spec in [
      AllocSpec(perRequest: 64, leak: 0, objects: objects), AllocSpec(perRequest: 17 << 20, leak: 0), AllocSpec(perRequest: -1, leak: 0),
      AllocSpec(perRequest: 64, leak: 0, objects: ObjectHeap(kind: .malloc, live: 2 << 30)),
    ] {
      #expect(throws: LabError.self) { try LabCore(system(spec), environment: VirtualEnvironment()) }
    }
  }
}

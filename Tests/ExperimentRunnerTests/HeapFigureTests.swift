import ExperimentModel
import LoadKernel
import MeasureKernel
import Testing

@testable import ExperimentRunner

private func heapSystem(live: Int = 6_400, heap: Int = 12_800, perRequest: Int = 6_400, leak: Int = 0) -> SystemSpec {
  let spec = AllocSpec(perRequest: perRequest, leak: leak, objects: ObjectHeap(kind: .markSweep, live: live, heap: heap))
  return SystemSpec(
    id: "s", seed: 0,
    roles: [
      RoleSpec(
        name: "origin", workers: 8, queueLimit: 8, timeout: .zero,
        routes: [RouteSpec(method: "GET", path: "/", stages: [StageSpec(name: "heap", work: .alloc(spec))])])
    ], data: [])
}

@Suite struct HeapFigureTests {
  @Test("shares are of processor time, pauses of collections, growth of what is alive over requests")
  func load() {
    let samples = (1...10).map { ["heap.calls": Double($0 * 20), "heap.live_objects": 100 + Double($0 * 60)] }
    let counters: [String: Double] = [
      "heap.calls": 200, "heap.live_objects": 700, "heap.collections": 40, "heap.gc_ns": 3e6, "heap.work_ns": 4e6, "heap.pause_ns": 8e6,
      "heap.pause_max_ns": 5e5,
    ]
    var record = LoadRecord()
    record.elapsed = Nanoseconds(seconds: 1)
    let arm = LoadArm(
      name: "a", system: heapSystem(), profile: LoadProfile(executor: .constantVUs, requests: [RequestSpec(name: "r", method: "GET", path: "/")]))
    let slice = Slice(record: record, counters: counters, samples: samples, sampleTimes: samples.indices.map { Nanoseconds(Int64($0)) })
    let metrics = ArmMeasurement(arm, [slice]).metrics()
    for (name, value) in [
      ("collections", 40.0), ("gc_pause_max", 5e5), ("live_objects", 700), ("live_growth", 3),
    ] { #expect(metrics[name]?.estimate.value == value, "\(name)") }
    #expect(metrics["live_growth"]?.estimate.low == 3)
    let more = ArmMeasurement(arm, (0..<6).map { _ in slice }).metrics()
    #expect(more["gc_share"].map { abs($0.estimate.value - 0.75) < 1e-9 } == true && more["gc_pause_mean"]?.estimate.value == 2e5)
  }

  private func sample(_ ns: Int64, _ extras: [String: Double]) -> SubjectSample {
    var sample = SubjectSample(ns: ns, cpu: ns, checksum: "1")
    sample.extras = extras
    return sample
  }

  @Test("a bench of messages: one sync for a commit, time for a message")
  func messages() {
    let samples = (0..<8).map { _ in sample(1_000_000, ["messages": 200, "fsyncs": 10]) }
    let metrics = itemMetrics(samples, iterations: 10).mapValues(\.estimate.value)
    #expect(metrics == ["item_time": 5_000, "throughput": 200_000, "fsyncs_per_msg": 0.05])
    #expect(itemMetrics([sample(5, [:])], iterations: 1).isEmpty)
  }

  @Test("a bench of objects: collections of one iteration over all samples, and their law")
  func objects() throws {
    let samples = (0..<8).map { i in
      sample(1_000_000, ["objects": 1_000, "collections": i % 2 == 0 ? 10 : 9, "gc_ns": 400_000, "heap_ns": 800_000, "pause_ns": 380_000, "pause_max_ns": 50_000])
    }
    let metrics = itemMetrics(samples, iterations: 10).mapValues(\.estimate.value)
    #expect(metrics["collections"] == 0.95 && metrics["gc_share"] == 0.5 && metrics["gc_pause_max"] == 50_000 && metrics["item_time"] == 1_000)
    let subject = SubjectSpec(name: "alloc", work: .builtin("alloc"))
    // 100 objects into a headroom of 100.
    #expect(itemTheory(subject, heapSystem()) == ["collections": 1])
    #expect(itemTheory(subject, heapSystem(leak: 64)).isEmpty, "a leak eats the headroom")
    let counts = try #require(ItemCounts(samples))
    #expect(counts.items == 8_000 && counts.shared == 76 && counts.item == .objects)
  }
}

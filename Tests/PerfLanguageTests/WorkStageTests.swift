import DocumentModel
import ExperimentModel
import Testing
import TextModel

@testable import PerfLanguage

/// The stages that wait, work and write, from their keys to their specifications.
@Suite struct WorkStageTests {
  private func notebook(_ stage: String, set: String = "{}", workers: Int = 8) -> String {
    """
    ```perf
    kind: system
    id: working
    origin:
      workers: \(workers)
      routes:
        GET /p:
          - \(stage)
    ```

    ```perf
    kind: load
    id: base
    uses: working
    set: \(set)
    executor: constant-arrival-rate
    rate: 20rps
    duration: 4s
    scenario: [{get: /p}]
    ```
    """
  }

  private func work(_ stage: String, set: String = "{}") throws -> StageWork {
    let (planned, found) = plan(notebook(stage, set: set))
    try #require(found.isEmpty, "\(found)")
    guard case .load(let load)? = planned.plan.cells.first?.work else { throw Unplanned() }
    return try #require(load.arms[0].system.roles[0].routes[0].stages.first?.work)
  }
  private struct Unplanned: Error {}

  @Test func whatIsLeftOutHasTheTablesValue() throws {
    #expect(try work("io: {}") == .io(IOSpec(operation: .read, size: 4096, direct: false, depth: 1, access: .random, file: 64 << 20)))
    #expect(try work("infer: {}") == .infer(InferSpec(model: .small, batch: 1, maxDelay: .zero, precision: .fp32)))
    #expect(try work("alloc: {leak: 1KiB}") == .alloc(AllocSpec(perRequest: 0, leak: 1024)))
    #expect(try work("bytes: {size: 2KiB}") == .bytes(BytesSpec(size: 2048, etag: false)))
  }

  /// A question that does not use what is new has the digest that it had before: its saved results stay answers to it.
  @Test func olderQuestionsAreStillTheSame() throws {
    let digests = try ["bytes: {size: 2KiB}", "bytes: {size: 2KiB, compress: none, writes: 1, nodelay: true}"].map {
      try #require(plan(notebook($0)).planned.plan.cells.first).inputs
    }
    #expect(digests[0] == digests[1])
    for stage in ["bytes: {size: 2KiB, writes: 2}", "bytes: {size: 2KiB, compress: gzip}"] {
      #expect(try #require(plan(notebook(stage)).planned.plan.cells.first).inputs != digests[0])
    }
  }

  @Test func everyWordIsRead() throws {
    for kind in ObjectHeap.Kind.allCases {
      let heap = kind == .markSweep ? ", heap: 2MiB" : ""
      let objects = ObjectHeap(kind: kind, live: 1 << 20, heap: kind == .markSweep ? 2 << 20 : nil)
      #expect(
        try work("alloc: {kind: \(kind.rawValue), live: 1MiB, per_request: 64KiB\(heap)}")
          == .alloc(AllocSpec(perRequest: 65_536, leak: 0, objects: objects)))
    }
    for operation in IOSpec.Operation.allCases {
      guard case .io(let spec) = try work("io: {op: \(operation.rawValue), access: sequential, direct: true, depth: 64}") else {
        Issue.record("no io")
        continue
      }
      #expect(spec.operation == operation && spec.access == .sequential && spec.direct && spec.depth == 64)
    }
    for model in InferSpec.Model.allCases {
      let read = try work("infer: {model: \(model.rawValue), batch: 8, max_delay: 5ms, precision: int8}")
      #expect(read == .infer(InferSpec(model: model, batch: 8, maxDelay: Nanoseconds(5_000_000), precision: .int8)))
    }
    let mean = Nanoseconds(20_000_000)
    for (written, distribution) in [
      ("dist: lognormal, mean: 20ms, sigma: 0.5", WaitDistribution.lognormal(mean: mean, sigma: 0.5)),
      ("dist: pareto, mean: 20ms, alpha: 1.5", .pareto(mean: mean, alpha: 1.5)),
    ] {
      for isAsync in [false, true] {
        let read = try work("wait: {\(written), async: \(isAsync), stands_for: test}")
        #expect(read == .wait(WaitSpec(distribution: distribution, standsFor: "test", isAsync: isAsync)))
      }
    }
  }

  /// Overrides meet the same rules, at their own place.
  @Test func overridesAreJudgedToo() {
    let found = plan(notebook("alloc: {as: heap, kind: mark-sweep, live: 1MiB, heap: 2MiB}", set: "{heap.live: 4MiB}")).found
    #expect(found.map(\.id.rawValue) == ["out-of-range"], "\(found)")
    #expect(plan(notebook("infer: {as: net, batch: 8}", workers: 4)).found.map(\.id.rawValue) == ["out-of-range"])
    #expect(plan(notebook("infer: {as: net, batch: 8}", set: "{origin.workers: 4}")).found.map(\.id.rawValue) == ["out-of-range"])
    #expect(plan(notebook("io: {as: disk, size: 512B}", set: "{disk.direct: true}")).found.map(\.id.rawValue) == ["out-of-range"])
  }
}

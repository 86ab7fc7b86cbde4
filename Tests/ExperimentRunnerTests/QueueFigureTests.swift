import ExperimentModel
import LoadKernel
import Testing

@testable import ExperimentRunner

private func system(workers: Int = 4, mean: Int64 = 10_000_000, limit: Int? = nil) -> SystemSpec {
  let publish = StageSpec(name: "accept", work: .publish(PublishSpec(topic: "orders", fsync: .none, limit: limit)))
  let wait = WaitSpec(distribution: .exponential(mean: Nanoseconds(mean)), standsFor: "mail", isAsync: false)
  return SystemSpec(
    id: "s", seed: 0,
    roles: [
      RoleSpec(name: "origin", workers: 8, queueLimit: 8, timeout: .zero, routes: [RouteSpec(method: "POST", path: "/o/{id}", stages: [publish])]),
      RoleSpec(
        name: "worker", kind: "worker", workers: workers, queueLimit: 0, timeout: .zero,
        routes: [RouteSpec(method: WorkerSpec.method, path: "/orders/{id}/{offset}", stages: [StageSpec(name: "mail", work: .wait(wait))])],
        worker: WorkerSpec(consumes: "orders")),
    ], data: [])
}

private func arm(_ system: SystemSpec, rate: Double = 300) -> LoadArm {
  LoadArm(
    name: "a", system: system,
    profile: LoadProfile(
      executor: .constantArrivalRate, rate: rate, duration: Nanoseconds(seconds: 2), requests: [RequestSpec(name: "o", method: "POST", path: "/o/{id}")]))
}

private func slice(_ counters: [String: Double], before: [String: Double] = [:], samples: [[String: Double]] = []) -> Slice {
  var record = LoadRecord()
  record.elapsed = Nanoseconds(seconds: 2)
  return Slice(
    record: record, counters: counters, before: before, samples: samples, sampleTimes: samples.indices.map { Nanoseconds(Int64($0) * 100_000_000) })
}

@Suite struct QueueFigureTests {
  private let counters: [String: Double] = [
    "orders.published": 100, "orders.fsyncs": 100, "orders.dropped": 3, "orders.depth": 10, "worker.consumed": 120, "worker.acked": 80,
    "worker.redelivered": 20, "worker.failed": 12, "worker.dead_lettered": 4, "worker.duplicates": 2, "worker.fsyncs": 20, "worker.unfinished": 13,
    "worker.age_ns": 8e9, "worker.age_max_ns": 3e8, "worker.age_le.100": 60, "worker.age_le.300": 20,
  ]

  @Test("what became of the messages is counted, and shares are of what they say")
  func counts() {
    let metrics = ArmMeasurement(arm(system()), [slice(counters, samples: [counters])]).metrics().mapValues(\.estimate.value)
    for (name, value) in [
      ("published", 100.0), ("deliveries", 120), ("processed", 80), ("redeliveries", 20), ("duplicates", 2), ("dead_letters", 4), ("dropped", 3),
      ("queue_depth", 10), ("wasted_share", 0.1), ("process_rate", 40), ("fsyncs_per_msg", 1.5), ("age_mean", 1e8), ("age_max", 3e8), ("lost", 0),
    ] { #expect(metrics[name] == value, "\(name): \(metrics[name] ?? -1)") }
    #expect(metrics["double_effects"] == nil, "the worker writes nothing")
  }

  @Test("lost is what is neither done, dead, dropped nor still to come, with what was left from before")
  func lost() throws {
    let names = try #require(QueueNames(system()))
    #expect(lostMessages([:], counters, names) == 0)
    var fewer = counters
    fewer["worker.acked"] = 79
    #expect(lostMessages([:], fewer, names) == 1)
    #expect(lostMessages(["worker.unfinished": 5], counters, names) == 5)
    fewer["worker.acked"] = 90
    #expect(lostMessages([:], fewer, names) == 0, "never below zero")
  }

  @Test("rows beyond one for each message are known only when nothing is under way")
  func effects() {
    var writing = system()
    writing.roles[1].routes[0].stages.insert(StageSpec(name: "book", work: .sql(SQLSpec(statement: "INSERT", pool: 1))), at: 0)
    var ended = counters.merging(["book.rows_changed": 87, "worker.unfinished": 0]) { $1 }
    #expect(ArmMeasurement(arm(writing), [slice(ended)]).metrics()["double_effects"]?.estimate.value == 7)
    ended["worker.unfinished"] = 1
    #expect(ArmMeasurement(arm(writing), [slice(ended)]).metrics()["double_effects"] == nil)
  }

  @Test("the age of the oldest message grows by its slope; several slices give an interval")
  func growth() throws {
    let samples = (0..<10).map { ["worker.lag_ns": Double($0) * 5e7] }
    let one = try #require(ArmMeasurement(arm(system()), [slice(counters, samples: samples)]).metrics()["age_growth"]?.estimate)
    #expect(abs(one.value - 0.5) < 1e-9 && one.low == 0.5 && one.high == 0.5)
    let many = ArmMeasurement(arm(system()), (0..<6).map { _ in slice(counters, samples: samples) }).metrics()["age_growth"]
    #expect(many.map { abs($0.estimate.value - 0.5) < 1e-9 && $0.estimate.low != nil } == true)
  }

  @Test("M/M/4 at an offered load of 3, against the textbook: C = 0.5094, W = 15.094 ms")
  func erlang() throws {
    let values = Theories.queue(arm(system()))
    #expect(abs(try #require(values["age_mean"]) / 15.0943e6 - 1) < 1e-4)
    #expect(try #require(values["age_p95"]) > values["age_mean"]! && values["age_growth"] == nil)
    #expect(Theories.queue(arm(system(limit: 5))).isEmpty, "a bounded queue is another one")
  }

  @Test("below the load the fluid limit says how fast the oldest message ages")
  func fluid() throws {
    #expect(abs(try #require(Theories.queue(arm(system(workers: 1)))["age_growth"]) - 2.0 / 3) < 1e-12)
    #expect(Theories.queue(arm(system(workers: 3))) == ["age_growth": 0])
    #expect(Theories.dependsOnDuration(arm(system(workers: 2))) && !Theories.dependsOnDuration(arm(system())))
  }
}

@Suite struct AgeBucketTests {
  private func buckets(_ counts: [Int: Int]) -> AgeBuckets {
    AgeBuckets(Dictionary(uniqueKeysWithValues: counts.map { ("w.age_le.\($0.key)", Double($0.value)) }), name: "w")
  }

  @Test("a quantile is the smallest limit that enough ages do not exceed, over all batches")
  func quantiles() {
    let batches = [buckets([10: 50, 20: 25]), buckets([20: 20, 1_000: 5])]
    for (q, limit) in [(0.5, 10.0), (0.51, 20), (0.95, 20), (0.951, 1_000), (1, 1_000)] { #expect(AgeBuckets.quantile(q, batches) == limit, "\(q)") }
    #expect(AgeBuckets.quantile(0.5, []) == nil && AgeBuckets.quantile(0.5, [buckets([:])]) == nil)
    #expect(AgeBuckets(["other.age_le.5": 1], name: "w").counts.isEmpty)
  }

  @Test("an interval needs six batches, holds the value, and has no width where all batches agree")
  func intervals() throws {
    let same = [AgeBuckets](repeating: buckets([10: 5, 40: 5]), count: 6)
    #expect(AgeBuckets.estimate(0.5, Array(same.prefix(5)), seed: 1) == Estimate(10))
    #expect(AgeBuckets.estimate(0.5, same, seed: 1) == Estimate(10, low: 10, high: 10))
    let mixed = (1...12).map { buckets([$0 * 10: 10]) }
    let found = try #require(AgeBuckets.estimate(0.5, mixed, seed: 1))
    #expect(found.value == 60 && found.low! < 60 && found.high! > 60 && found.low! >= 20 && found.high! <= 110)
    #expect(found == AgeBuckets.estimate(0.5, mixed, seed: 1), "seeded")
  }
}

// From the lab's counters of a queue to metric values: what became of the messages, and how old they were. A message's age is
// from its publishing to its acknowledgement; ages leave the lab as counts of buckets, which add up over time.

import ExperimentModel
import Statistics

/// The first worker of a system, and the topic that it takes messages from.
struct QueueNames: Hashable {
  var worker: String
  var topic: String

  init?(_ system: SystemSpec) {
    guard let role = system.roles.first(where: { $0.worker != nil }), let spec = role.worker else { return nil }
    (worker, topic) = (role.name, spec.consumes)
  }
}

extension ArmMeasurement {
  static let queueFigures: Set<String> = [
    "published", "deliveries", "processed", "process_rate", "redeliveries", "wasted_share", "duplicates", "dead_letters", "dropped", "lost",
    "queue_depth", "queue_depth_max", "fsyncs_per_msg", "age_mean", "age_p50", "age_p95", "age_p99", "age_max", "age_growth",
  ]

  func putQueue(_ total: [String: Double], _ runs: Double, _ put: (String, Estimate?) -> Void) {
    guard let names = QueueNames(arm.system), let published = total["\(names.topic).published"] else { return }
    func worker(_ counter: String) -> Double { total["\(names.worker).\(counter)"] ?? 0 }
    func count(_ metric: String, _ value: Double) { put(metric, Estimate(value / runs)) }
    count("published", published)
    count("dropped", total["\(names.topic).dropped"] ?? 0)
    for (metric, counter) in [
      ("deliveries", "consumed"), ("processed", "acked"), ("redeliveries", "redelivered"), ("duplicates", "duplicates"), ("dead_letters", "dead_lettered"),
    ] { count(metric, worker(counter)) }
    count("lost", slices.reduce(0) { $0 + lostMessages($1.before, $1.counters, names) })
    if let effects = doubleEffects(names) { count("double_effects", effects) }
    put("wasted_share", ratio("\(names.worker).failed", ["\(names.worker).consumed"]))
    put("process_rate", Estimate(worker("acked") / max(1e-9, merged.elapsed.seconds)))
    let syncs = total.filter { $0.key.hasSuffix(".fsyncs") }.values.reduce(0, +)
    if worker("acked") > 0 { put("fsyncs_per_msg", Estimate(syncs / worker("acked"))) }
    let depths = slices.map { slice in (slice.samples + [slice.counters]).compactMap { $0["\(names.topic).depth"] } }
    put("queue_depth_max", depths.joined().max().map { Estimate($0) })
    put("queue_depth", depths.compactMap(\.last).max().map { Estimate($0) })
    putAges(names, put)
  }

  private func putAges(_ names: QueueNames, _ put: (String, Estimate?) -> Void) {
    put("age_mean", ratio("\(names.worker).age_ns", ["\(names.worker).acked"]))
    put("age_max", slices.compactMap { $0.counters["\(names.worker).age_max_ns"] }.max().map { Estimate($0) })
    let batches = counterBatches.map { AgeBuckets($0, name: names.worker) }
    let seed = arm.profile.seed
    for (metric, q) in [("age_p50", 0.5), ("age_p95", 0.95), ("age_p99", 0.99)] {
      put(metric, isPart ? AgeBuckets.quantile(q, batches).map { Estimate($0) } : AgeBuckets.estimate(q, batches, seed: seed))
    }
    put("age_growth", ageGrowth(names))
  }

  /// Counters of each slice; of a few slices, the steps from one reading to the next.
  private var counterBatches: [[String: Double]] {
    slices.flatMap { slice -> [[String: Double]] in
      guard slices.count < 6 else { return [slice.counters] }
      var before: [String: Double] = [:]
      return slice.samples.filter { !$0.isEmpty }.map { sample in
        defer { before = sample }
        return sample.merging(before) { $0 - $1 }
      }
    }
  }

  /// How fast the oldest unfinished message grows older: 0 where the workers keep up, 1 − μ/λ where they do not (the fluid limit),
  /// 1 where nothing is done any more.
  private func ageGrowth(_ names: QueueNames) -> Estimate? {
    let lines = slices.compactMap { slice -> TrendLine? in
      let known = zip(slice.sampleTimes, slice.samples).compactMap { at, sample in
        sample["\(names.worker).lag_ns"].map { (Double(at.rawValue), $0) }
      }
      return theilSen(known.map(\.0), known.map(\.1))
    }
    guard !lines.isEmpty else { return nil }
    if lines.count == 1 { return Estimate(lines[0].slope, low: lines[0].slopeInterval?.low, high: lines[0].slopeInterval?.high) }
    return ratioEstimate(lines.map(\.slope), lines.map { _ in 1 })
  }

  /// Rows of the worker's first sql stage beyond one for each message; nil while a message is under way, which may have written.
  private func doubleEffects(_ names: QueueNames) -> Double? {
    let stages = arm.system.roles.first { $0.name == names.worker }?.routes.flatMap(\.stages) ?? []
    guard let stage = stages.first(where: { if case .sql = $0.work { true } else { false } }) else { return nil }
    var beyond = 0.0
    for slice in slices {
      let ends = [slice.before, slice.counters].map { $0["\(names.worker).unfinished"] ?? 0 }
      guard ends == [0, 0], let rows = slice.counters["\(stage.name).rows_changed"] else { return nil }
      beyond += rows - (slice.counters["\(names.worker).acked"] ?? 0)
    }
    return beyond
  }
}

/// Messages that were taken in and are neither done, dead or dropped nor still to come. Below zero only where dropped messages
/// came back with a killed worker, and then nothing is lost.
func lostMessages(_ before: [String: Double], _ after: [String: Double], _ names: QueueNames) -> Double {
  func value(_ counters: [String: Double], _ name: String) -> Double { counters[name] ?? 0 }
  let (worker, topic) = (names.worker, names.topic)
  let had = value(before, "\(worker).unfinished") + value(after, "\(topic).published")
  let found = value(after, "\(worker).acked") + value(after, "\(worker).dead_lettered") + value(after, "\(topic).dropped")
  return max(0, had - found - value(after, "\(worker).unfinished"))
}

// Bench subjects that work in items: from the child's counts to metric values, their closed forms, and the hyperbola of a cost
// that items share. The messages of a commit share its sync; the objects between two collections share the second one.

import ExperimentModel
import MeasureKernel
import Statistics

extension BenchCell {
  /// The system of a point.
  func system(at size: Int?) -> SystemSpec? {
    guard let size, let systems, let index = sizes?.firstIndex(of: size), systems.indices.contains(index) else { return system }
    return systems[index]
  }

  /// Of its sizes, for an axis.
  var sizeUnit: MetricUnit { ["heap", "live", "per_request", "leak", "size"].contains(sizeName) && variesPath != nil ? .bytes : .count }
}

/// What a subject counted over all samples; nil where it does no items.
struct ItemCounts: Hashable {
  /// What an item is, as the child calls it.
  enum Item: String { case messages, objects, answers }
  var item: Item
  var items: Double
  /// Commits or collections.
  var shared: Double

  init?(_ samples: [SubjectSample]) {
    func sum(_ name: String) -> Double? {
      let values = samples.compactMap { $0.extras[name] }
      return values.count == samples.count && !values.isEmpty ? values.reduce(0, +) : nil
    }
    if let messages = sum("messages"), let fsyncs = sum("fsyncs"), messages > 0 {
      (item, items, shared) = (.messages, messages, fsyncs)
    } else if let objects = sum("objects"), objects > 0 {
      (item, items, shared) = (.objects, objects, sum("collections") ?? 0)
    } else if let answers = sum("answers"), answers > 0 {
      (item, items, shared) = (.answers, answers, 0)
    } else {
      return nil
    }
  }
}

/// Times of items with intervals of order statistics, counts exact, shares with the interval of a ratio over samples.
func itemMetrics(_ samples: [SubjectSample], iterations: Int) -> [String: MetricValue] {
  guard let counts = ItemCounts(samples) else { return [:] }
  var metrics: [String: MetricValue] = [:]
  func put(_ name: String, _ estimate: Estimate?) {
    if let estimate, let unit = Metric.named(name)?.unit { metrics[name] = MetricValue(estimate, unit) }
  }
  func putMedian(_ name: String, _ values: [Double]) {
    let interval = quantileInterval(values, q: 0.5, confidence: 0.95, starts: samples.map(\.start))
    put(name, Estimate(medianOf(values), low: interval?.low, high: interval?.high))
  }
  let times = samples.map { Double($0.ns) / max(1, $0.extras[counts.item.rawValue] ?? 1) }
  if counts.item != .answers { putMedian("item_time", times) }
  putMedian("throughput", times.map { 1e9 / max($0, 1e-9) })
  if counts.item == .messages { put("fsyncs_per_msg", Estimate(counts.shared / counts.items)) }
  func all(_ name: String) -> [Double] { samples.map { $0.extras[name] ?? 0 } }
  guard counts.item == .objects, samples.allSatisfy({ $0.extras["collections"] != nil }) else { return metrics }
  put("collections", Estimate(counts.shared / Double(samples.count * iterations)))
  put("gc_share", ratioEstimate(all("gc_ns"), all("heap_ns")))
  if counts.shared > 0 {
    put("gc_pause_mean", ratioEstimate(all("pause_ns"), all("collections")))
    put("gc_pause_max", all("pause_max_ns").max().map { Estimate($0) })
  }
  return metrics
}

/// Closed forms of one iteration: A/(H − L) collections, 1/b fsyncs a message.
func itemTheory(_ subject: SubjectSpec, _ system: SystemSpec?) -> [String: Double] {
  switch subject.work {
  case .builtin("commit"):
    return (system?.roles.compactMap(\.worker).first?.batch).map { ["fsyncs_per_msg": 1 / Double($0)] } ?? [:]
  case .builtin("alloc"):
    guard let (_, spec, objects) = system?.heapStage, let headroom = objects.headroom, spec.leak == 0 else { return [:] }
    return ["collections": Double(ObjectHeap.count(spec.perRequest)) / Double(headroom)]
  default: return [:]
  }
}

extension Runner {
  /// y = a + b/x in an arm without a point, y the time of an item and x the items that share a commit or a collection.
  func fitHyperbolas(_ bench: BenchCell, _ points: [BenchPoint], into result: inout CellResult) {
    for (index, subject) in bench.subjects.enumerated() {
      var (x, y): ([Double], [Double]) = ([], [])
      for point in points {
        let samples = point.record.samples[index]
        guard let counts = ItemCounts(samples), counts.shared > 0 else { continue }
        for sample in samples {
          x.append(counts.items / counts.shared)
          y.append(Double(sample.ns) / max(1, sample.extras[counts.item.rawValue] ?? 1))
        }
      }
      guard let fit = fitHyperbola(x, y) else { continue }
      var metrics = [
        "item_cost": MetricValue(Estimate(fit.a, low: fit.aInterval.low, high: fit.aInterval.high), .nanoseconds),
        "shared_cost": MetricValue(Estimate(fit.b, low: fit.bInterval.low, high: fit.bInterval.high), .nanoseconds),
      ]
      if let balance = fit.balance { metrics["balance"] = MetricValue(Estimate(balance), .plain) }
      result.arms.append(ArmResult(name: subject.name, metrics: metrics))
    }
  }

  /// Over all points: how far a count of collections is from allocations over heap minus live. At most 1, as the heap of a
  /// child is neither empty nor full when its samples begin.
  func addCollectionsError(_ bench: BenchCell, _ points: [BenchPoint], into result: inout CellResult) {
    var worst: Double?
    for (index, subject) in bench.subjects.enumerated() {
      for point in points {
        guard let law = itemTheory(subject, subject.system ?? bench.system(at: point.size))["collections"], let counts = ItemCounts(point.record.samples[index])
        else { continue }
        let predicted = law * Double(point.record.samples[index].count * point.record.iterations)
        worst = max(worst ?? 0, abs(counts.shared - predicted))
      }
    }
    guard let worst, let whole = result.arms.firstIndex(where: { $0.name.isEmpty }) else { return }
    result.arms[whole].metrics["collections_error"] = MetricValue(Estimate(worst), .plain)
  }
}

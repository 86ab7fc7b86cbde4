// From the lab's counters of a heap of objects to metric values: how often it was collected, what that cost, and whether what
// is alive grows.

import ExperimentModel
import Statistics

extension ArmMeasurement {
  static let heapFigures: Set<String> = ["collections", "gc_share", "gc_pause_mean", "gc_pause_max", "live_objects", "live_growth"]

  func putHeap(_ total: [String: Double], _ runs: Double, _ put: (String, Estimate?) -> Void) {
    guard let name = arm.system.heapStage?.name else { return }
    put("live_objects", slices.last?.counters["\(name).live_objects"].map { Estimate($0) })
    put("live_growth", liveGrowth(name))
    guard let collections = total["\(name).collections"] else { return }
    put("collections", Estimate(collections / runs))
    put("gc_share", ratio("\(name).gc_ns", ["\(name).work_ns"]))
    guard collections > 0 else { return }
    put("gc_pause_mean", ratio("\(name).pause_ns", ["\(name).collections"]))
    put("gc_pause_max", slices.compactMap { $0.counters["\(name).pause_max_ns"] }.max().map { Estimate($0) })
  }

  /// Over all slices, laid end to end; requests are those of the heap's own stage.
  private func liveGrowth(_ name: String) -> Estimate? {
    var (requests, live): ([Double], [Double]) = ([], [])
    var start = 0.0
    for slice in slices {
      for sample in slice.samples {
        guard let calls = sample["\(name).calls"], let objects = sample["\(name).live_objects"] else { continue }
        requests.append(start + calls)
        live.append(objects)
      }
      start += slice.counters["\(name).calls"] ?? 0
    }
    guard requests.count >= 6, let line = theilSen(requests, live) else { return nil }
    return Estimate(line.slope, low: line.slopeInterval?.low, high: line.slopeInterval?.high)
  }
}

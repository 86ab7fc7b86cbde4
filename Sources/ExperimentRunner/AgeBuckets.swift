// Ages of messages over a stretch of time, as the lab counts them: `WORKER.age_le.LIMIT`, each limit the largest age of its
// bucket. Quantiles are those limits, so they are never too low and at most 7 % too high.

import ExperimentModel
import Statistics

struct AgeBuckets: Hashable {
  /// By limit in nanoseconds.
  private(set) var counts: [Double: Double] = [:]

  init(_ counters: [String: Double], name: String) {
    let prefix = "\(name).age_le."
    for (key, count) in counters where count > 0 && key.hasPrefix(prefix) {
      if let limit = Double(key.dropFirst(prefix.count)) { counts[limit] = count }
    }
  }

  /// The smallest limit that a share q of all ages do not exceed; nil without ages.
  static func quantile(_ q: Double, _ batches: [AgeBuckets]) -> Double? {
    weighted(q, sorted(batches), [Double](repeating: 1, count: batches.count))
  }

  /// The same with a 95 % interval from 500 resamples of the batches with replacement (percentile bootstrap; batches and not
  /// messages, because neighbours in a queue resemble each other). No interval below 6 batches that have ages.
  static func estimate(_ q: Double, _ batches: [AgeBuckets], seed: UInt64) -> Estimate? {
    let kept = batches.filter { !$0.counts.isEmpty }
    let entries = sorted(kept)
    guard let value = weighted(q, entries, [Double](repeating: 1, count: kept.count)) else { return nil }
    guard kept.count >= 6 else { return Estimate(value) }
    var random = SeededRandom(seed: seed, stream: 0xA6E5)
    let found = (0..<500).compactMap { _ -> Double? in
      var weights = [Double](repeating: 0, count: kept.count)
      for _ in kept.indices { weights[min(kept.count - 1, Int(random.uniform() * Double(kept.count)))] += 1 }
      return weighted(q, entries, weights)
    }.sorted()
    return Estimate(value, low: min(value, found[Int(0.025 * Double(found.count))]), high: max(value, found[Int(0.975 * Double(found.count))]))
  }

  private typealias Entry = (limit: Double, batch: Int, count: Double)

  private static func sorted(_ batches: [AgeBuckets]) -> [Entry] {
    batches.enumerated().flatMap { index, one in one.counts.map { (limit: $0.key, batch: index, count: $0.value) } }
      .sorted { ($0.limit, $0.batch) < ($1.limit, $1.batch) }
  }

  private static func weighted(_ q: Double, _ entries: [Entry], _ weights: [Double]) -> Double? {
    let total = entries.reduce(0) { $0 + $1.count * weights[$1.batch] }
    guard total > 0 else { return nil }
    let wanted = (q * total).rounded(.up)
    var seen = 0.0
    for entry in entries {
      seen += entry.count * weights[entry.batch]
      if seen >= wanted { return entry.limit }
    }
    return entries.last?.limit
  }
}

// From columns of stamps to the numbers of `/_referee/summary`. Pure; sorts copies, so it is for the time after a
// load, not for the middle of one.

import Foundation

/// Of a sample in nanoseconds, by nearest rank.
struct StampQuantiles: Codable, Hashable {
  var count: Int
  var mean: Double
  var min: Int64
  var p50: Int64
  var p90: Int64
  var p99: Int64
  var p999: Int64
  var max: Int64

  /// nil for no values.
  init?(_ values: [Int64]) {
    if values.isEmpty { return nil }
    let sorted = values.sorted()
    func at(_ quantile: Double) -> Int64 {
      sorted[Swift.min(sorted.count, Swift.max(1, Int((quantile * Double(sorted.count)).rounded(.up)))) - 1]
    }
    count = sorted.count
    mean = sorted.reduce(0) { $0 + Double($1) } / Double(sorted.count)
    (min, p50, p90) = (sorted[0], at(0.5), at(0.9))
    (p99, p999, max) = (at(0.99), at(0.999), sorted[sorted.count - 1])
  }
}

struct ArrivalSummary: Codable, Hashable {
  struct Clock: Codable, Hashable {
    /// Half-width of what is known of CLOCK_REALTIME − CLOCK_MONOTONIC.
    var uncertaintyNs: Int64
    var steps: Int
    var doubtful: Int
  }

  struct LatenessBounds: Codable, Hashable {
    var count: Int
    var p50: Int64?
    var p99: Int64?
    var max: Int64
  }

  /// Requests, and those of them whose stamps are kept.
  var count: Int
  var kept: Int
  var overflow: Int
  /// CLOCK_MONOTONIC, of the kept arrivals.
  var firstNs: Int64?
  var lastNs: Int64?
  /// Requests a second between the first and the last kept arrival.
  var rate: Double?
  var interArrival: StampQuantiles?
  /// Kolmogorov–Smirnov distance of the gaps from an exponential law with the observed rate.
  var ksExponential: Double?
  /// Kernel stamp to just before the answer's send.
  var responseTime: StampQuantiles?
  var kernelToUser: StampQuantiles?
  /// Timed answers against their due time; quantiles are bounds, at most twice too large.
  var replyLateness: LatenessBounds
  var counts: RefereeCounts
  var clock: Clock
  /// CPU of the referee since the last reset.
  var cpuNs: Int64

  init(_ log: ArrivalLog, counts: RefereeCounts, lateness: Lateness, clock: KernelClock, cpu: Int64) {
    (count, kept, overflow) = (log.count, log.kept, log.overflow)
    let (kernel, user, sent) = (log.column(.kernel), log.column(.user), log.column(.sent))
    let gaps = Self.gaps(Array(kernel))
    if let (first, last) = Self.ends(kernel) {
      (firstNs, lastNs) = (first, last)
      if last > first { rate = Double(kernel.count - 1) * 1e9 / Double(last - first) }
    }
    interArrival = StampQuantiles(gaps)
    ksExponential = Self.distanceFromExponential(gaps)
    responseTime = StampQuantiles(kernel.indices.compactMap { sent[$0] == 0 ? nil : sent[$0] - kernel[$0] })
    kernelToUser = StampQuantiles(kernel.indices.map { user[$0] - kernel[$0] })
    replyLateness = LatenessBounds(count: lateness.count, p50: lateness.bound(0.5), p99: lateness.bound(0.99), max: lateness.max)
    self.counts = counts
    self.clock = Clock(uncertaintyNs: clock.uncertainty, steps: clock.steps, doubtful: clock.doubtful)
    cpuNs = cpu
  }

  var json: Data {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
    // Every number in here is finite, so encoding cannot fail.
    return (try? encoder.encode(self)) ?? Data("{}".utf8)
  }

  /// Between neighbours in time: rows are in order of reading, which may differ across connections.
  static func gaps(_ stamps: [Int64]) -> [Int64] {
    let sorted = stamps.sorted()
    return zip(sorted.dropFirst(), sorted).map { $0 - $1 }
  }

  /// sup |F_n − F| with F(x) = 1 − exp(−x / mean); nil below two gaps.
  static func distanceFromExponential(_ gaps: [Int64]) -> Double? {
    let n = Double(gaps.count)
    let mean = gaps.reduce(0) { $0 + Double($1) } / n
    guard gaps.count >= 2, mean > 0 else { return nil }
    var distance = 0.0
    for (i, gap) in gaps.sorted().enumerated() {
      let law = 1 - exp(-Double(gap) / mean)
      distance = max(distance, law - Double(i) / n, Double(i + 1) / n - law)
    }
    return distance
  }

  private static func ends(_ stamps: UnsafeBufferPointer<Int64>) -> (Int64, Int64)? {
    guard let first = stamps.min(), let last = stamps.max() else { return nil }
    return (first, last)
  }
}

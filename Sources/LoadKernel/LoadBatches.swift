// Response times of a run in 32 to 64 stretches of equal length: what shows how much neighbouring requests share, and thereby
// how far a quantile of this run can be trusted. Constant memory: when there are 64, they are folded in pairs.

import ExperimentModel
import Statistics

/// The response times of one stretch, as the non-empty buckets of a histogram of 8 bits.
public struct LoadBatch: Sendable, Hashable {
  public struct Cell: Sendable, Hashable {
    public var value: Int64
    public var count: Int
  }
  public var count = 0
  /// Nanoseconds.
  public var sum = 0
  /// Ascending.
  public var cells: [Cell] = []

  mutating func add(_ times: Histogram) {
    guard times.count > 0 else { return }
    var other = LoadBatch(count: times.count, sum: Int(times.mean * Double(times.count)))
    times.forEachBucket { value, count in other.cells.append(Cell(value: value, count: count)) }
    add(other)
  }

  mutating func add(_ other: LoadBatch) {
    count += other.count
    sum += other.sum
    // Buckets of one width stand for themselves by their middle, the outermost by what was met: nearly always equal values.
    cells = cells.isEmpty ? other.cells : (cells + other.cells).sorted { $0.value < $1.value }.reduce(into: []) { joined, cell in
      if joined.last?.value == cell.value { joined[joined.count - 1].count += cell.count } else { joined.append(cell) }
    }
  }

  func exceeding(_ limit: Int64) -> Int {
    cells.reversed().prefix { $0.value > limit }.reduce(0) { $0 + $1.count }
  }
}

/// Collects windows into batches.
struct BatchCollector: Sendable {
  static let most = 64
  private(set) var batches: [LoadBatch] = []
  /// Windows that make one batch, and how many the last one has.
  private var length = 1
  private var filled = 0

  init() { batches.reserveCapacity(Self.most) }

  mutating func close(_ window: Histogram) {
    if filled == 0 { batches.append(LoadBatch()) }
    batches[batches.count - 1].add(window)
    filled += 1
    guard filled == length else { return }
    filled = 0
    if batches.count == Self.most {
      for i in 0..<Self.most / 2 {
        batches[i] = batches[2 * i]
        batches[i].add(batches[2 * i + 1])
      }
      batches.removeLast(Self.most / 2)
      length *= 2
    }
  }

  /// The recorder's windows have become twice as long.
  mutating func windowsFolded() {
    if length > 1 { length /= 2 }
    filled /= 2
  }
}

extension LoadRecord {
  /// Quantile `q` of the response time with its 95 % interval, which allows for what neighbouring requests share; without one
  /// when the run is too short to tell.
  public func responseQuantile(_ q: Double) -> Estimate {
    estimate(response, q, share: worth(q) / Double(max(1, response.count)))
  }

  /// The same of the service time, with the memory that the response times show.
  public func serviceQuantile(_ q: Double) -> Estimate {
    estimate(service, q, share: worth(q) / Double(max(1, response.count)))
  }

  /// The same of one request of the scenario.
  public func quantile(_ q: Double, of named: NamedRecord) -> Estimate {
    estimate(named.response, q, share: worth(q) / Double(max(1, response.count)))
  }

  /// Independent response times that would know the quantile as well as this run does.
  public func worth(_ q: Double) -> Double {
    let limit = response.quantile(q)
    return effectiveCount(
      batches.map { SeriesBatch(count: Double($0.count), sum: Double($0.sum), exceeding: Double($0.exceeding(limit))) }, q: q,
      variance: response.variance)
  }

  private func estimate(_ times: Histogram, _ q: Double, share: Double) -> Estimate {
    let interval = times.interval(q, confidence: 0.95, worth: share * Double(times.count))
    return Estimate(Double(times.quantile(q)), low: interval.map { Double($0.low) }, high: interval.map { Double($0.high) })
  }
}

// Stretches of a run with all of their times, for thresholds that must hold in each. Kept only when asked for: a window has a
// median and a p99, and two of those do not make one of a longer stretch.

import ExperimentModel
import Statistics

/// What was answered in one stretch of a run. Answers that came after the plan's end are in its last one.
public struct LoadPart: Sendable, Hashable {
  public var completed = 0
  public var failed = 0
  /// Of both, those that came after the plan's end.
  public var late = 0
  public var checked = 0
  public var passed = 0
  /// Response times as values and counts, in turn: a histogram would need 60 KB, and most of it zeros.
  private var times: [Int64] = []

  public init() {}

  /// To 0.8 %.
  public var response: Histogram {
    var histogram = Histogram(bits: 7)
    for i in stride(from: 0, to: times.count, by: 2) { for _ in 0..<times[i + 1] { histogram.record(times[i]) } }
    return histogram
  }

  mutating func take(_ histogram: Histogram) {
    histogram.forEachBucket { value, count in
      times.append(Int64(value))
      times.append(Int64(count))
    }
  }

  /// Two stretches as one, or the same stretch of two loops.
  public mutating func add(_ other: LoadPart) {
    completed += other.completed
    failed += other.failed
    late += other.late
    checked += other.checked
    passed += other.passed
    times += other.times
  }
}

/// Fills the parts of a run. Answers come in the order of time but for stamps that lie a little back: those stay in the part
/// that is open.
struct PartRecorder {
  private(set) var parts: [LoadPart] = []
  private let length: Int64
  private let start: Int64
  private let end: Int64
  /// The last part that begins before the plan's end.
  private let last: Int
  private var open = LoadPart()
  private var times = Histogram(bits: 7)
  /// More than this would be a clock that jumped.
  private static let partsMax = 100_000

  /// - Parameter end: of the plan; .max when the run ends by count.
  init(start: Int64, end: Int64, length: Nanoseconds) {
    self.start = start
    self.end = end
    self.length = max(1_000_000, length.rawValue)
    last = end == .max ? Self.partsMax : max(0, Int(min((end - start) / self.length, Int64(Self.partsMax))) - 1)
  }

  mutating func completed(_ response: Int64, now: Int64) {
    move(to: now)
    open.completed += 1
    if now > end { open.late += 1 }
    times.record(response)
  }

  mutating func failed(now: Int64) {
    move(to: now)
    open.failed += 1
    if now > end { open.late += 1 }
  }

  mutating func checked(passed: Bool, now: Int64) {
    move(to: now)
    open.checked += 1
    if passed { open.passed += 1 }
  }

  private mutating func move(to now: Int64) {
    let index = min(last, Int(max(0, (now - start) / length)))
    while parts.count < index { close() }
  }

  private mutating func close() {
    if times.count > 0 { open.take(times) }
    parts.append(open)
    open = LoadPart()
    times.removeAll()
  }

  /// The parts up to the plan's end, those without an answer as well.
  mutating func finish(now: Int64) -> [LoadPart] {
    move(to: now)
    close()
    return parts
  }
}

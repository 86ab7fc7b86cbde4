// What one instrument with one set of dimensions has counted. Illegal values are ignored, as swift-metrics ignores them: negative or
// non-finite increments, NaN.

import CoreMetrics
import Synchronization
import TelemetryModel

enum MetricPoint {
  case none
  case number(NumberPoint)
  case histogram(HistogramPoint)
  case exponential(ExponentialHistogramPoint)
}

protocol MetricSeries: AnyObject, Sendable {
  var attributes: [Attribute] { get }
  /// The value now; with `isDelta` it begins anew.
  func point(at unixNano: UInt64, isDelta: Bool) -> MetricPoint
}

/// A total with the time from which it counts. A reset is told as a new start: the last time that somebody looked, before which
/// nothing of the new total happened.
private struct Total<Value> {
  var value: Value
  var start: UInt64
  var looked: UInt64

  init(_ zero: Value, since unixNano: UInt64) { (value, start, looked) = (zero, unixNano, unixNano) }

  mutating func reset(to zero: Value) { (value, start) = (zero, looked) }

  /// The value and its start; a delta begins anew.
  mutating func look(at unixNano: UInt64, isDelta: Bool, zero: Value) -> (Value, start: UInt64) {
    looked = unixNano
    let seen = (value, start)
    if isDelta { reset(to: zero) }
    return seen
  }
}

final class CounterSeries: MetricSeries, CounterHandler {
  let attributes: [Attribute]
  private let total: Mutex<Total<Int64>>

  init(_ attributes: [Attribute], since unixNano: UInt64) {
    self.attributes = attributes
    total = Mutex(Total(0, since: unixNano))
  }

  /// Stays at the largest number instead of running over.
  func increment(by amount: Int64) {
    guard amount > 0 else { return }
    total.withLock { total in
      let (sum, isOver) = total.value.addingReportingOverflow(amount)
      total.value = isOver ? .max : sum
    }
  }

  func reset() { total.withLock { $0.reset(to: 0) } }

  func point(at unixNano: UInt64, isDelta: Bool) -> MetricPoint {
    let (value, start) = total.withLock { $0.look(at: unixNano, isDelta: isDelta, zero: 0) }
    return .number(NumberPoint(attributes: attributes, startUnixNano: start, unixNano: unixNano, value: .int(value)))
  }
}

final class FloatingCounterSeries: MetricSeries, FloatingPointCounterHandler {
  let attributes: [Attribute]
  private let total: Mutex<Total<Double>>

  init(_ attributes: [Attribute], since unixNano: UInt64) {
    self.attributes = attributes
    total = Mutex(Total(0, since: unixNano))
  }

  func increment(by amount: Double) {
    guard amount > 0, amount.isFinite else { return }
    total.withLock { $0.value += amount }
  }

  func reset() { total.withLock { $0.reset(to: 0) } }

  func point(at unixNano: UInt64, isDelta: Bool) -> MetricPoint {
    let (value, start) = total.withLock { $0.look(at: unixNano, isDelta: isDelta, zero: 0) }
    return .number(NumberPoint(attributes: attributes, startUnixNano: start, unixNano: unixNano, value: .double(value)))
  }
}

/// The last value; no point before the first. Whole numbers stay whole as long as only those are set.
final class GaugeSeries: MetricSeries, MeterHandler, RecorderHandler {
  let attributes: [Attribute]
  private let last = Mutex<MetricNumber?>(nil)

  init(_ attributes: [Attribute]) { self.attributes = attributes }

  func set(_ value: Int64) { last.withLock { $0 = .int(value) } }
  func set(_ value: Double) { if !value.isNaN { last.withLock { $0 = .double(value) } } }
  func record(_ value: Int64) { set(value) }
  func record(_ value: Double) { set(value) }
  func increment(by amount: Double) { if amount > 0 { add(amount) } }
  func decrement(by amount: Double) { if amount > 0 { add(-amount) } }

  private func add(_ amount: Double) {
    guard amount.isFinite else { return }
    last.withLock { $0 = .double(($0?.value ?? 0) + amount) }
  }

  func point(at unixNano: UInt64, isDelta: Bool) -> MetricPoint {
    last.withLock { $0 }.map { .number(NumberPoint(attributes: attributes, unixNano: unixNano, value: $0)) } ?? .none
  }
}

final class HistogramSeries: MetricSeries, RecorderHandler, TimerHandler {
  /// One of the two; not an enum, whose payload would be copied for each value.
  private struct Recorded {
    var exponential: ExponentialHistogram?
    var explicit: ExplicitHistogram?

    init(_ buckets: TelemetryMetrics.Buckets) {
      switch buckets {
      case .exponential(let bucketsMax): exponential = ExponentialHistogram(bucketsMax: bucketsMax)
      case .explicit(let bounds): explicit = ExplicitHistogram(bounds: bounds)
      }
    }

    mutating func record(_ value: Double) {
      exponential?.record(value)
      explicit?.record(value)
    }
  }
  let attributes: [Attribute]
  private let buckets: TelemetryMetrics.Buckets
  private let total: Mutex<Total<Recorded>>

  init(_ attributes: [Attribute], _ buckets: TelemetryMetrics.Buckets, since unixNano: UInt64) {
    self.attributes = attributes
    self.buckets = buckets
    total = Mutex(Total(Recorded(buckets), since: unixNano))
  }

  func record(_ value: Int64) { record(Double(value)) }
  func record(_ value: Double) { total.withLock { $0.value.record(value) } }
  func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }

  func point(at unixNano: UInt64, isDelta: Bool) -> MetricPoint {
    let (value, start) = total.withLock { $0.look(at: unixNano, isDelta: isDelta, zero: Recorded(buckets)) }
    // The sum of values of both signs may fall, and a sum that falls cannot be told from a restart.
    if let histogram = value.explicit {
      var point = histogram.point()
      (point.attributes, point.startUnixNano, point.unixNano) = (attributes, start, unixNano)
      if (histogram.min ?? 0) < 0 { point.sum = nil }
      return .histogram(point)
    }
    guard let histogram = value.exponential else { return .none }
    var point = histogram.point()
    (point.attributes, point.startUnixNano, point.unixNano) = (attributes, start, unixNano)
    if (histogram.min ?? 0) < 0 { point.sum = nil }
    return .exponential(point)
  }
}

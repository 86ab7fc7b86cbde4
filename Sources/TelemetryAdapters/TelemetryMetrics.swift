// A factory of swift-metrics whose instruments drain as metrics of the model.
//
//   Counter, FloatingPointCounter → sum       Meter, Gauge → gauge       Recorder, Timer → histogram (a timer's in seconds)
//
// The same label with the same dimensions is the same instrument, however often it is made. Each has a lock of its own.

import CoreMetrics
import Synchronization
import TelemetryModel

public final class TelemetryMetrics: MetricsFactory {
  public enum Buckets: Hashable, Sendable {
    /// They grow with the values: one percentage of error at every size.
    case exponential(bucketsMax: Int = ExponentialHistogram.bucketsMaxUsual)
    /// Rising bounds, for recorders and timers alike.
    case explicit(bounds: [Double])
  }

  public struct Options: Sendable {
    public var temporality = Temporality.cumulative
    public var buckets = Buckets.exponential()
    /// Combinations of dimensions of one metric; more share a last one with the attribute `otel.metric.overflow`, so that a
    /// user's id among the dimensions does not take the memory.
    public var seriesMax = 2_000

    public init() {}
  }

  enum Kind: Hashable, Sendable { case counter, floatingCounter, meter, gauge, recorder, timer }

  private struct Name: Hashable {
    var label: String
    var kind: Kind
  }
  private struct Family {
    var name: Name
    var series: [any MetricSeries] = []
    var places: [[Attribute]: Int] = [:]
  }
  private struct State {
    var families: [Family] = []
    var places: [Name: Int] = [:]
    /// Nobody will write to them again: they go once they have been drained.
    var destroyed: Set<ObjectIdentifier> = []
    var drained: UInt64
  }
  private let options: Options
  private let state: Mutex<State>

  /// - Parameter unixNano: now; cumulative values count from here.
  public init(_ options: Options = Options(), since unixNano: UInt64) {
    self.options = options
    state = Mutex(State(drained: unixNano))
  }

  // MARK: Instruments

  public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
    series(label, .counter, dimensions) { CounterSeries($0, since: $1) }
  }

  public func makeFloatingPointCounter(label: String, dimensions: [(String, String)]) -> any FloatingPointCounterHandler {
    series(label, .floatingCounter, dimensions) { FloatingCounterSeries($0, since: $1) }
  }

  public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
    series(label, .meter, dimensions) { attributes, _ in GaugeSeries(attributes) }
  }

  public func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
    if !aggregate { return series(label, .gauge, dimensions) { attributes, _ in GaugeSeries(attributes) } }
    return series(label, .recorder, dimensions) { [buckets = options.buckets] in HistogramSeries($0, buckets, since: $1) }
  }

  public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
    series(label, .timer, dimensions) { [buckets = options.buckets] in HistogramSeries($0, buckets, since: $1) }
  }

  private func series<Series: MetricSeries>(
    _ label: String, _ kind: Kind, _ dimensions: [(String, String)], _ make: ([Attribute], UInt64) -> Series
  ) -> Series {
    var attributes = dimensions.map { Attribute($0.0, .string($0.1)) }
    attributes.sort { $0.key < $1.key }
    return state.withLock { state in
      let name = Name(label: label, kind: kind)
      let place = state.places[name] ?? state.families.count
      if place == state.families.count {
        state.places[name] = place
        state.families.append(Family(name: name))
      }
      if state.families[place].places[attributes] == nil, state.families[place].series.count >= options.seriesMax {
        attributes = [Attribute("otel.metric.overflow", true)]
      }
      if let index = state.families[place].places[attributes], let known = state.families[place].series[index] as? Series {
        state.destroyed.remove(ObjectIdentifier(known))
        return known
      }
      let made = make(attributes, state.drained)
      state.families[place].places[attributes] = state.families[place].series.count
      state.families[place].series.append(made)
      return made
    }
  }

  public func destroyCounter(_ handler: any CounterHandler) { destroy(handler) }
  public func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) { destroy(handler) }
  public func destroyMeter(_ handler: any MeterHandler) { destroy(handler) }
  public func destroyRecorder(_ handler: any RecorderHandler) { destroy(handler) }
  public func destroyTimer(_ handler: any TimerHandler) { destroy(handler) }

  private func destroy(_ handler: AnyObject) {
    state.withLock { state in
      let isKnown = state.families.contains { $0.series.contains { $0 === handler } }
      if isKnown { state.destroyed.insert(ObjectIdentifier(handler)) }
    }
  }

  // MARK: Export

  /// Every metric with its points, in the order in which they were made. Delta values begin anew; what was destroyed is told a last time.
  ///
  /// - Parameter unixNano: now.
  public func drain(at unixNano: UInt64) -> [TelemetryMetric] {
    state.withLock { state in
      state.drained = unixNano
      let metrics = state.families.compactMap { family in
        metric(family.name, family.series.map { $0.point(at: unixNano, isDelta: options.temporality == .delta) })
      }
      if !state.destroyed.isEmpty { removeDestroyed(&state) }
      return metrics
    }
  }

  public func drain(at unixNano: UInt64, resource: Resource, scope: InstrumentationScope = InstrumentationScope()) -> MetricBatch {
    MetricBatch(resource: resource, scope: scope, records: drain(at: unixNano))
  }

  private func removeDestroyed(_ state: inout State) {
    for i in state.families.indices {
      state.families[i].series.removeAll { state.destroyed.contains(ObjectIdentifier($0)) }
      state.families[i].places = [:]
      for (index, series) in state.families[i].series.enumerated() { state.families[i].places[series.attributes] = index }
    }
    state.families.removeAll { $0.series.isEmpty }
    state.places = [:]
    for (index, family) in state.families.enumerated() { state.places[family.name] = index }
    state.destroyed = []
  }

  /// nil when no instrument has a value yet.
  private func metric(_ name: Name, _ points: [MetricPoint]) -> TelemetryMetric? {
    var numbers: [NumberPoint] = []
    var explicit: [HistogramPoint] = []
    var exponential: [ExponentialHistogramPoint] = []
    for point in points {
      switch point {
      case .none: break
      case .number(let point): numbers.append(point)
      case .histogram(let point): explicit.append(point)
      case .exponential(let point): exponential.append(point)
      }
    }
    let data: MetricData
    switch name.kind {
    case .counter, .floatingCounter: data = .sum(numbers, options.temporality, isMonotonic: true)
    case .meter, .gauge: data = .gauge(numbers)
    case .recorder, .timer:
      data = explicit.isEmpty ? .exponentialHistogram(exponential, options.temporality) : .histogram(explicit, options.temporality)
    }
    return data.pointCount == 0 ? nil : TelemetryMetric(name: name.label, unit: name.kind == .timer ? "s" : "", data: data)
  }
}

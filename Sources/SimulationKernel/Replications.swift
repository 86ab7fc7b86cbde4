// Independent repetitions of a model, and what they say together. A seed gives the same bytes on every machine: the runs by
// their own mathematics (PortableMath.swift), the intervals by rounding away what differs in the last digits of a C library.

import ExperimentModel
import Statistics

/// What one replication found.
struct Replication {
  /// By metric, in stored units. A metric may be missing when there was nothing to count.
  var values: [String: Double] = [:]
  var events = 0
  var series: [SimSeries] = []
}

/// A course over simulated time.
public struct SimSeries: Hashable, Sendable {
  public var metric: String
  /// Seconds.
  public var times: [Double]
  public var values: [Double]
  public init(metric: String, times: [Double], values: [Double]) {
    self.metric = metric; self.times = times; self.values = values
  }
}

/// A model ready to run: parameters checked, constants computed.
protocol SimulatedModel {
  init(_ parameters: Parameters) throws(SimulationError)
  /// Looks at the beginning of all replications, to know how much of it is warm-up.
  mutating func prepare(seed: UInt64, replications: Int, cancelled: () -> Bool) throws(SimulationError)
  /// The same seed and index give the same replication; every source of randomness has its stream, so that variants see the same.
  func replicate(seed: UInt64, index: Int, cancelled: () -> Bool) throws(SimulationError) -> Replication
  /// By metric, in stored units; empty where no closed form holds.
  var theory: [String: Double] { get }
  /// Its name; nil: none holds.
  var closedForm: String? { get }
  /// Customers before the first that is counted.
  var warmUp: Int { get }
}

/// A formula that holds for a model's parameters.
struct Prediction {
  var name: String
  /// By metric, in stored units.
  var values: [String: Double]

  init(_ name: String, _ values: [String: Double]) { (self.name, self.values) = (name, values) }
}

extension SimulatedModel {
  mutating func prepare(seed: UInt64, replications: Int, cancelled: () -> Bool) throws(SimulationError) {}
  var warmUp: Int { 0 }
}

/// One arm of a simulation.
public struct SimArmReport: Sendable {
  public var result: ArmResult
  /// Each replication's value, by metric.
  public var samples: [String: [Double]]
  /// Of the first replication.
  public var series: [SimSeries]
  public var closedForm: String?
  public var warmUp: Int
  public var events: Int
}

/// Mean of replications with its 95 % interval (Student), rounded to ten digits: the quantile of Student's law comes from the C
/// library's logarithms and is exact to about that.
func replicated(_ samples: [Double], _ unit: MetricUnit) -> MetricValue {
  let mean = sampleMean(samples)
  guard let interval = meanInterval(samples, confidence: 0.95) else { return MetricValue(Estimate(mean), unit) }
  let reach = rounded(interval.width / 2)
  var (low, high) = (mean - reach, mean + reach)
  // What cannot be below 0, or above 1, is not said to be.
  if samples.allSatisfy({ $0 >= 0 }) { low = max(0, low) }
  if unit == .share { high = min(1, high) }
  return MetricValue(Estimate(mean, low: low, high: high), unit)
}

/// To ten significant digits.
func rounded(_ value: Double) -> Double {
  guard value.isFinite, value != 0 else { return value }
  // Powers of ten by multiplication alone are the same everywhere.
  var scale = 1.0
  var size = abs(value)
  while size < 1e9 { (size, scale) = (size * 10, scale * 10) }
  while size >= 1e10 { (size, scale) = (size / 10, scale / 10) }
  return (value * scale).rounded() / scale
}

/// MSER-5 over the mean course of all replications.
///
/// - Returns: how many points of the course are warm-up; nil: no steady state in it.
func warmUpCut(_ courses: [[Double]]) -> Int? {
  guard let length = courses.map(\.count).min(), length >= 50 else { return nil }
  let mean = (0..<length).map { point in courses.reduce(0) { $0 + $1[point] } / Double(courses.count) }
  return warmUpMSER5(mean)
}

/// Customers of the warm-up, looked for at the beginning of at most 30 replications. Without a steady state in sight all that was
/// looked at is warm-up.
///
/// - Parameters:
///   - most: customers that are looked at, of each replication.
///   - course: of one replication, a point for each `step` of its first `sample` customers.
func warmUp(
  customers: Int, most: Int, replications: Int, course: (_ index: Int, _ sample: Int, _ step: Int) throws(SimulationError) -> [Double]
) throws(SimulationError) -> Int {
  let sample = min(customers / 4, most)
  let step = max(1, sample / 500)
  var courses: [[Double]] = []
  for index in 0..<min(replications, 30) { courses.append(try course(index, sample, step)) }
  return (warmUpCut(courses) ?? sample / step) * step
}

// The simulated twin of a load: the same scenario run many times in this kernel, and what one run of it can be expected to show.

import ExperimentModel
import Statistics

/// What a run of this length shows of a figure, over its replications.
public struct TwinFigure: Hashable, Sendable {
  /// Mean over the replications, as geometric mean where all are positive.
  public var value: Double
  /// In which one more run lies with a probability of 95 %: by Student’s law over the replications (of logarithms where all are
  /// positive), for one further value. The luck of one run is in it.
  public var low: Double
  public var high: Double

  /// nil: fewer than two.
  init?(_ samples: [Double]) {
    guard samples.count > 1 else { return nil }
    let isPositive = samples.allSatisfy { $0 > 0 }
    let values = isPositive ? samples.map(Portable.log) : samples
    let n = Double(samples.count)
    let mean = sampleMean(values)
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (n - 1)
    let reach = studentQuantile(0.975, degrees: n - 1) * (variance * (1 + 1 / n)).squareRoot()
    let ends = [mean, mean - reach, mean + reach].map { rounded(isPositive ? Portable.exp($0) : $0) }
    (value, low, high) = (ends[0], ends[1], ends[2])
  }
}

/// What the replications of a scenario say.
public struct ScenarioTwin: Sendable {
  /// `mean`, `p50` … in nanoseconds, `http_req_failed` and `hit_ratio` as shares.
  public var figures: [String: TwinFigure]
  /// Response times in nanoseconds at each of `shares`.
  public var quantiles: [TwinFigure]
  /// Of requests that are answered within the quantile.
  public static let shares: [Double] = (1...49).map { Double($0) / 50 } + [0.99, 0.995, 0.999]
  public var replications: Int
  public var events: Int
}

extension Scenario {
  /// - Throws: `SimulationError` for what outgrows its memory, and when `cancelled`.
  public func simulate(replications: Int = 20, cancelled: () -> Bool) throws(SimulationError) -> ScenarioTwin {
    var samples: [String: [Double]] = [:]
    var courses = [[Double]](repeating: [], count: ScenarioTwin.shares.count)
    var events = 0
    for index in 0..<max(2, replications) {
      let one = try replicate(index, cancelled: cancelled)
      events += one.run.events
      guard one.run.values["mean"] != nil else { continue }
      for (name, value) in one.run.values { samples[name, default: []].append(value) }
      for (i, value) in one.quantiles.enumerated() { courses[i].append(value) }
    }
    guard let count = samples["mean"]?.count, count > 1 else { throw SimulationError(cause: "the simulated twin has no answer at all") }
    return ScenarioTwin(
      figures: samples.compactMapValues(TwinFigure.init), quantiles: courses.compactMap(TwinFigure.init), replications: count, events: events)
  }

  private func replicate(_ index: Int, cancelled: () -> Bool) throws(SimulationError) -> (run: Replication, quantiles: [Double]) {
    var machine = ScenarioMachine(self, replication: index)
    var found = Replication()
    for _ in 0..<stretches {
      let end = try run(&machine, cancelled: cancelled)
      found.events += end.events
      machine.offset += end.time
    }
    return (machine.summary(found), machine.quantiles)
  }
}

extension ScenarioMachine {
  /// Response times in nanoseconds at each of `ScenarioTwin.shares`.
  var quantiles: [Double] { record.responses.quantiles(ScenarioTwin.shares).map { $0 * 1e9 } }

  func summary(_ run: Replication) -> Replication {
    var run = run
    guard let mean = record.responses.mean else { return run }
    run.values["mean"] = mean * 1e9
    for (name, q) in responseQuantiles { run.values[name] = record.responses.quantile(q) * 1e9 }
    run.values["http_req_failed"] = Double(record.failed) / Double(record.responses.count + record.failed)
    if record.lookups > 0 { run.values["hit_ratio"] = Double(record.hits) / Double(record.lookups) }
    return run
  }
}

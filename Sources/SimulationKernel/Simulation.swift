// A simulation cell: a named model, in one or several arms, each repeated. Nothing here reads a clock or a file.

import ExperimentModel
import Statistics

/// A model by its name, with an arm's parameters.
private func model(_ spec: SimModel, _ parameters: Parameters) throws(SimulationError) -> any SimulatedModel {
  switch spec.name {
  case "cache": try CacheModel(parameters)
  case "balancer": try BalancerModel(parameters)
  case "storm": try StormModel(parameters)
  case "batcher": try BatcherModel(parameters)
  case "fleet": try FleetModel(parameters)
  case "autoscaler": try AutoscalerModel(parameters)
  case "cdn": try CDNModel(parameters)
  case "network": try NetworkModel(parameters)
  case "regions": try RegionsModel(parameters)
  case "link": try LinkModel(parameters)
  case "disk": try DiskModel(parameters)
  case "serverless": try ServerlessModel(parameters)
  case "limiter": try LimiterModel(parameters)
  case "checkpoint": try CheckpointModel(parameters)
  default: try QueueModel(parameters)
  }
}

/// Runs a simulation cell: one report per arm, in the cell's order. Every arm sees the same random numbers.
///
/// Values are means over replications with their 95 % interval (Student's t); where a metric METRIC_p95 exists, it is the 95th
/// percentile of METRIC over the replications. A quick run has a third of the customers.
///
/// - Throws: `SimulationError` for an unknown model or parameter, for numbers out of range, for a system without a steady state,
///   for one that would need memory without bound, and when `cancelled`.
public func simulate(_ cell: SimCell, quick: Bool, cancelled: () -> Bool) throws(SimulationError) -> [SimArmReport] {
  guard let spec = SimModel.named(cell.model) else {
    throw SimulationError(
      cause: "there is no model `\(cell.model)`", remedy: "the models are: \(SimModel.all.map(\.name).joined(separator: ", "))")
  }
  // All arms are checked before the first runs.
  let models = try cell.arms.map { arm throws(SimulationError) in try model(spec, try Parameters(spec, arm, quick: quick)) }
  var reports: [SimArmReport] = []
  for (arm, model) in zip(cell.arms, models) { reports.append(try report(cell, spec, arm, model, cancelled)) }
  return reports
}

private func report(
  _ cell: SimCell, _ spec: SimModel, _ arm: SimArm, _ planned: any SimulatedModel, _ cancelled: () -> Bool
) throws(SimulationError) -> SimArmReport {
  var model = planned
  let count = max(1, cell.replications)
  try model.prepare(seed: cell.seed, replications: count, cancelled: cancelled)
  var samples: [String: [Double]] = [:]
  var (events, series) = (0, [SimSeries]())
  for index in 0..<count {
    if cancelled() { throw SimulationError(cause: "the simulation was interrupted") }
    let run = try model.replicate(seed: cell.seed, index: index, cancelled: cancelled)
    for (name, value) in run.values where spec.metrics.contains(name) { samples[name, default: []].append(value) }
    events += run.events
    if index == 0 { series = run.series }
  }
  var result = ArmResult(name: arm.name, params: arm.numbers, metrics: [:])
  for (name, values) in samples {
    // A figure that some replications do not have is of those that have it, and then says less; one alone says nothing.
    guard let unit = Metric.named(name)?.unit, values.count == count || values.count > 1 else { continue }
    result.metrics[name] = replicated(values, unit)
    let tail = name + "_p95"
    if spec.metrics.contains(tail) {
      result.metrics[tail] = MetricValue(Estimate(sampleQuantile(sorted: values.sorted(), 0.95)), unit)
    }
  }
  // Ten digits: the last ones of a closed form depend on the C library.
  result.theory = model.theory.filter { spec.metrics.contains($0.key) && $0.value.isFinite }.mapValues(rounded)
  return SimArmReport(result: result, samples: samples, series: series, closedForm: model.closedForm, warmUp: model.warmUp, events: events)
}

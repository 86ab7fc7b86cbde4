// What a run is held against besides a formula. The trace twin: the very arrivals and service times of the run, in an ideal queue;
// it has the sampling error of the run, so a few seconds suffice where a mean of M/M/1 needs thirty thousand requests. The
// closed twin: the same scenario by users who wait, as many as were in flight.

import ExperimentModel
import LoadKernel
import SimulationKernel
import Statistics

enum TraceTwin {
  /// The role whose queue every request of the arm passes once, in order of arrival; nil: there is none, or faults interfere.
  static func role(_ arm: LoadArm) -> RoleSpec? {
    let profile = arm.profile
    guard profile.executor.isOpen, profile.journeys == nil, profile.sessionLength == nil, arm.faults.isEmpty,
      // An edge is a queue of its own before several.
      arm.system.roles.allSatisfy({ $0.edge == nil })
    else { return nil }
    let roles = profile.requests.map { request in
      arm.system.roles.first { role in
        role.routes.contains { ($0.method == request.method || $0.method == "GET" && request.method == "HEAD") && $0.answers(request.path) }
      }
    }
    guard let first = roles.first ?? nil, roles.allSatisfy({ $0?.name == first.name }) else { return nil }
    return first
  }

  /// Requests of a slice beyond which no interval against the twin is given: 40 bytes each are kept while it runs.
  static let mostPaired = 1_000_000

  /// Response times of a slice's arrivals in an ideal queue; nil: not every request was answered and recorded.
  static func times(_ record: LoadRecord, services: [Int64], workers: Int) -> TwinTimes? {
    guard record.failed == 0, !record.isPartial, !services.isEmpty, record.arrivals.count == services.count, !services.contains(-1) else { return nil }
    let ideal = fifoResponses(arrivals: record.arrivals, services: services, servers: workers)
    var measured: [Int64] = []
    if let raw = record.raw, raw.truncated == 0, raw.rows.count == ideal.count { measured = raw.rows.map { $0.received - $0.intended } }
    return TwinTimes(ideal: ideal, measured: measured)
  }
}

/// Response times of one slice in nanoseconds, in order of arrival.
struct TwinTimes {
  /// In the ideal queue.
  var ideal: [Int64]
  /// As measured, request by request; empty where they were too many to be kept.
  var measured: [Int64]
}

extension ArmMeasurement {
  /// Of all slices; nil: one of them has none.
  private var twins: [TwinTimes]? {
    let all = slices.compactMap(\.twin)
    return all.count == slices.count ? all : nil
  }

  /// What the twin predicts, by metric.
  var twinValues: [String: Double] {
    guard let twins else { return [:] }
    var all = Histogram()
    for one in twins { one.ideal.forEach { all.record($0) } }
    var values = ["mean": all.mean]
    for (name, q) in Self.quantiles { values[name] = Double(all.quantile(q)) }
    return values
  }

  /// Measured over twin, by metric. Both have the same arrivals and service times, so the intervals hold what the lab adds and
  /// what it varies by, and not the luck of the arrivals. Without intervals where single requests were not kept.
  func twinRatios(_ metrics: Set<String>) -> [String: Estimate] {
    let twin = twinValues
    guard let twins, merged.response.count > 0 else { return [:] }
    let paired = PairedTimes(twins.map { ($0.measured, $0.ideal) })
    var ratios: [String: Estimate] = [:]
    if metrics.contains("mean"), let mean = twin["mean"], mean > 0 {
      ratios["mean"] = paired?.meanRatio() ?? Estimate(merged.response.mean / mean)
    }
    for (name, q) in Self.quantiles where metrics.contains(name) {
      guard let predicted = twin[name], predicted > 0 else { continue }
      ratios[name] = paired?.quantileRatio(q) ?? Estimate(Double(merged.response.quantile(q)) / predicted)
    }
    return ratios
  }
}

extension LoadExecution {
  /// Puts what the twins say beside what was measured: predictions that were asked for, and figures under the table.
  func addTwins(_ measured: [ArmMeasurement], _ closed: [Slice]?, into result: inout CellResult) {
    let asked = Set(cell.expects.filter { $0.theory == "twin" && $0.value == nil }.map(\.address.metric))
    for (i, arm) in measured.enumerated() where i < result.arms.count {
      let twin = arm.twinValues.filter { asked.contains($0.key) }
      guard !twin.isEmpty else { continue }
      result.arms[i].theory.merge(twin) { _, twin in twin }
      result.arms[i].paired = arm.twinRatios(asked).reduce(into: [:]) { all, one in
        all[one.key] = twin[one.key].map { one.value.scaled(by: $0) }
      }
    }
    guard measured.count == 1 else { return }
    var whole: [String: MetricValue] = [:]
    // Beside a prediction the twin says how much of the difference is chance.
    if cell.expects.contains(where: { $0.value == nil && ["erlang-c", "fan-out", "twin"].contains($0.theory) }) {
      for (name, value) in measured[0].twinRatios(["mean", "p99"]) { whole["\(name)_over_twin"] = MetricValue(value, .ratio) }
    }
    if let closed { whole.merge(closedFigures(measured[0], closed, &result)) { a, _ in a } }
    if !whole.isEmpty { result.arms.append(ArmResult(name: "", metrics: whole)) }
  }

  /// The arm with users instead of a rate: by Little's law these have as many requests in flight.
  func closedTwin(of arm: LoadArm, _ slices: [Slice]) -> LoadArm {
    var closed = arm
    closed.name = "closed"
    let time = arm.profile.stages.reduce(Nanoseconds.zero) { $0 + $1.duration }
    if time > .zero { closed.profile.duration = time }
    closed.profile.executor = .constantVUs
    closed.profile.vus = max(1, Int(ArmMeasurement(arm, slices).merged.inFlightMean.rounded()))
    closed.profile.rate = nil
    closed.profile.stages = []
    closed.profile.connections = nil
    return closed
  }

  private func closedFigures(_ open: ArmMeasurement, _ slices: [Slice], _ result: inout CellResult) -> [String: MetricValue] {
    let closed = ArmMeasurement(closedTwin(of: open.arm, open.slices), slices)
    guard closed.merged.verdict != .invalid, closed.merged.response.count > 0, open.merged.response.count > 0 else {
      result.doubts.append(Doubt(id: "closed-twin", text: "the closed twin says nothing: \(closed.merged.reason ?? "no answer")"))
      return [:]
    }
    func p99(_ arm: ArmMeasurement) -> Double { Double(arm.merged.response.quantile(0.99)) }
    let means = (open.merged.response.mean, closed.merged.response.mean)
    return [
      "closed_users": MetricValue(Estimate(Double(closed.arm.profile.vus ?? 1)), .count),
      "closed_rate": MetricValue(Estimate(closed.merged.achievedRate), .perSecond), "closed_mean": MetricValue(Estimate(means.1), .nanoseconds),
      "closed_p99": MetricValue(Estimate(p99(closed)), .nanoseconds), "mean_over_closed": MetricValue(Estimate(means.0 / max(1, means.1)), .ratio),
      "p99_over_closed": MetricValue(Estimate(p99(open) / max(1, p99(closed))), .ratio),
    ]
  }
}

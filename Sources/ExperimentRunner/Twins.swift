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

  /// Response times of a slice's arrivals in an ideal queue; nil: not every request was answered and recorded.
  static func responses(_ record: LoadRecord, services: [Int64], workers: Int) -> Histogram? {
    guard record.failed == 0, !record.isPartial, !services.isEmpty, record.arrivals.count == services.count, !services.contains(-1) else { return nil }
    var responses = Histogram()
    for time in fifoResponses(arrivals: record.arrivals, services: services, servers: workers) { responses.record(time) }
    return responses
  }
}

extension ArmMeasurement {
  /// Of all slices; nil: one of them has none.
  var twin: Histogram? {
    var all = Histogram()
    for slice in slices {
      guard let one = slice.twin else { return nil }
      all.merge(one)
    }
    return all.count > 0 ? all : nil
  }

  /// What the twin predicts, by metric.
  var twinValues: [String: Double] {
    guard let twin else { return [:] }
    var values = ["mean": twin.mean]
    for (name, q) in Self.quantiles { values[name] = Double(twin.quantile(q)) }
    return values
  }

  /// Measured over twin.
  var twinRatios: [(String, Double)] {
    guard let twin, twin.mean > 0, merged.response.count > 0 else { return [] }
    return [
      ("mean_over_twin", merged.response.mean / twin.mean),
      ("p99_over_twin", Double(merged.response.quantile(0.99)) / Double(max(1, twin.quantile(0.99)))),
    ]
  }
}

extension LoadExecution {
  /// Puts what the twins say beside what was measured: predictions that were asked for, and figures under the table.
  func addTwins(_ measured: [ArmMeasurement], _ closed: [Slice]?, into result: inout CellResult) {
    let asked = Set(cell.expects.filter { $0.theory == "twin" && $0.value == nil }.map(\.address.metric))
    for (i, arm) in measured.enumerated() where i < result.arms.count {
      result.arms[i].theory.merge(arm.twinValues.filter { asked.contains($0.key) }) { _, twin in twin }
    }
    guard measured.count == 1 else { return }
    var whole: [String: MetricValue] = [:]
    // Beside a prediction the twin says how much of the difference is chance.
    if cell.expects.contains(where: { $0.value == nil && ["erlang-c", "fan-out", "twin"].contains($0.theory) }) {
      for (name, value) in measured[0].twinRatios { whole[name] = MetricValue(Estimate(value), .ratio) }
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

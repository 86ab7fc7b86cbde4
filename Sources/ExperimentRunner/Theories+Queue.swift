// Closed forms of a worker that takes messages one by one and only waits: M/M/c from publishing to acknowledgement.

import ExperimentModel
import SimulationKernel

extension Theories {
  /// Ages of messages by metric name where the workers keep up, and how fast the oldest one ages where they do not. Empty for
  /// batches, retries that cost something, several kinds of request, or a wait that is not exponential.
  static func queue(_ arm: LoadArm) -> [String: Double] {
    guard let role = arm.system.roles.first(where: { $0.worker != nil }), let worker = role.worker, worker.batch == 1,
      let stages = role.routes.first?.stages, stages.count == 1, case .wait(let wait) = stages[0].work, !wait.isAsync,
      let rate = arm.profile.rate, arm.profile.executor == .constantArrivalRate, arm.faults.isEmpty,
      let publish = publishing(arm), publish.topic == worker.consumes, publish.limit == nil
    else { return [:] }
    let (arrivals, service) = (rate / 1e9, 1 / wait.distribution.mean)
    guard arrivals < Double(role.workers) * service else { return ["age_growth": 1 - Double(role.workers) * service / arrivals] }
    guard case .exponential = wait.distribution, arm.profile.arrivals == .poisson else { return [:] }
    var values = ["age_mean": mmcWait(servers: role.workers, arrivalRate: arrivals, serviceRate: service) + 1 / service]
    for (name, q) in [("age_p50", 0.5), ("age_p95", 0.95), ("age_p99", 0.99)] {
      values[name] = mmcSojourn(quantile: q, servers: role.workers, arrivalRate: arrivals, serviceRate: service)
    }
    return values
  }

  /// What the only request of a scenario publishes.
  private static func publishing(_ arm: LoadArm) -> PublishSpec? {
    guard arm.profile.requests.count == 1, arm.profile.journeys == nil, let request = arm.profile.requests.first else { return nil }
    let routes = arm.system.roles.flatMap(\.routes).filter { $0.method == request.method && $0.answers(request.path) }
    let found = routes.flatMap(\.stages).compactMap { stage -> PublishSpec? in
      if case .publish(let spec) = stage.work { spec } else { nil }
    }
    return found.count == 1 ? found[0] : nil
  }
}

// Does the engine find what is known? Each proof runs seeds 1…N in order and counts in how many the closed form lies inside the
// simulation's own 95 % interval (method.md, 3 and 5).

import ExperimentModel
import Statistics

extension SelfProof {
  /// Parameters of a model under a name, and the metrics whose closed forms are held against it.
  typealias Case = (name: String, numbers: [String: Double], words: [String: String], metrics: [String])

  /// All proofs of this module, in the order of a table.
  public static let simulations = [oracles, otherQueues, caches, stations, sites, devices, approximations]

  /// The oracles of the method: M/M/1, M/M/c, M/G/1.
  public static let oracles = SelfProof("closed forms inside the simulation's intervals", trials: 500) { trials in
    let queues: [Case] = [
      ("M/M/1 at 0.9", ["rho": 0.9, "customers": 150_000], [:], ["queue_wait", "p99"]),
      ("M/M/2 at 0.8", ["c": 2, "rho": 0.8, "customers": 50_000], [:], ["queue_wait", "waiting_share"]),
      ("M/M/4 at 0.9", ["c": 4, "rho": 0.9, "customers": 100_000], [:], ["queue_wait", "waiting_share"]),
      ("M/M/10 at 0.95", ["c": 10, "rho": 0.95, "customers": 200_000], [:], ["queue_wait", "waiting_share"]),
      ("M/D/1 at 0.8", ["rho": 0.8, "customers": 50_000], ["service_dist": "constant"], ["queue_wait"]),
      ("M/G/1 at 0.8, cv² 1", ["rho": 0.8, "customers": 50_000, "service_cv2": 1], ["service_dist": "gamma"], ["queue_wait"]),
      ("M/G/1 at 0.8, cv² 4", ["rho": 0.8, "customers": 100_000, "service_cv2": 4], ["service_dist": "hyperexp"], ["queue_wait"]),
    ]
    return queues.flatMap { covered("queue", $0.name, $0.numbers, $0.words, $0.metrics, trials) }
  }

  /// Orders of service and limited room.
  public static let otherQueues = SelfProof("closed forms of other queues", trials: 200) { trials in
    let queues: [Case] = [
      ("M/M/1 with sharing at 0.8", ["rho": 0.8, "customers": 50_000], ["order": "sharing"], ["mean"]),
      ("M/M/1, shortest first at 0.8", ["rho": 0.8, "customers": 50_000], ["order": "shortest"], ["mean"]),
      ("M/M/1 with priority at 0.8", ["rho": 0.8, "customers": 50_000], ["order": "priority"], ["urgent_wait"]),
      ("M/M/3/5 at 1.2", ["c": 3, "rho": 1.2, "limit": 5, "customers": 20_000], [:], ["shed_share", "queue_wait"]),
      ("M/G/3/3 at 1.2", ["c": 3, "rho": 1.2, "limit": 3, "customers": 20_000], ["service_dist": "lognormal"], ["shed_share"]),
    ]
    return queues.flatMap { covered("queue", $0.name, $0.numbers, $0.words, $0.metrics, trials) }
  }

  /// One row for each metric: the share of seeds whose interval holds the closed form.
  static func covered(
    _ model: String, _ name: String, _ numbers: [String: Double], _ words: [String: String], _ metrics: [String], _ trials: Int
  ) -> [ProofRow] {
    var hits = [Int](repeating: 0, count: metrics.count)
    for seed in 1...max(1, trials) {
      let cell = SimCell(model: model, arms: [SimArm(name: name, words: words, numbers: numbers)], replications: 10, seed: UInt64(seed))
      guard let result = try? simulate(cell, quick: false, cancelled: { false })[0].result else { continue }
      for (i, metric) in metrics.enumerated() {
        guard let theory = result.theory[metric], let found = result.metrics[metric]?.estimate, let low = found.low, let high = found.high else { continue }
        if low <= theory && theory <= high { hits[i] += 1 }
      }
    }
    return zip(metrics, hits).map { metric, hits in
      ProofRow(
        name: "covered: \(metric) of \(name)", observed: Double(hits) / Double(max(1, trials)), bound: .atLeast(0.93), trials: max(1, trials))
    }
  }
}

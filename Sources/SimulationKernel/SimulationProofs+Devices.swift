// Proofs of the models of devices and rented services.

import ExperimentModel
import Statistics

extension SelfProof {
  /// Closed forms that are exact.
  public static let devices = SelfProof("closed forms of devices and rented services", trials: 500) { trials in
    let links: [Case] = [
      ("one packet at 10 % loss", ["objects": 1, "size": 1_000, "loss": 0.1, "pages": 500], [:], ["mean"]),
      ("one packet at 2 % loss, without a handshake", ["objects": 1, "size": 1_000, "loss": 0.02, "handshake": 0, "pages": 2_000], [:], ["mean"]),
    ]
    let models = [
      ("link", links), ("disk", diskCases), ("serverless", serverlessCases), ("limiter", limiterCases), ("checkpoint", checkpointCases),
    ]
    return models.flatMap { model, cases in
      cases.flatMap { covered(model, $0.name, $0.numbers, $0.words, $0.metrics, trials) }
    }
  }

  static var diskCases: [Case] {
    let size = ["customers": 4_000.0]
    func with(_ more: [String: Double]) -> [String: Double] { size.merging(more) { $1 } }
    return [
      ("an hdd", size, [:], ["iops"]),
      ("an ssd, M/M/2//16", with(["depth": 16, "think": 1e6, "channels": 2, "service": 200e3]), ["device": "ssd", "service_dist": "exp"], ["iops", "mean"]),
      ("an ssd, 3 with pauses", with(["depth": 3, "think": 1e6, "service": 200e3]), ["device": "ssd", "service_dist": "gamma"], ["iops", "mean"]),
      ("an ssd, M/M/8 at 0.6", with(["rate": 60_000]), ["device": "ssd", "service_dist": "exp"], ["mean"]),
      ("flushes for each, M/G/1 at 0.5", with(["rate": 100, "service": 80e3]), ["device": "ssd", "commit": "each", "service_dist": "exp"], ["mean"]),
      ("shared flushes", with(["rate": 500, "service": 200e3, "customers": 8_000]), ["device": "ssd", "commit": "group"], ["mean", "commits_per_flush"]),
      ("shared flushes, half idle", with(["rate": 100, "service": 200e3]), ["device": "ssd", "commit": "group"], ["mean", "commits_per_flush"]),
    ]
  }

  static var serverlessCases: [Case] {
    let size = ["customers": 8_000.0]
    func with(_ more: [String: Double]) -> [String: Double] { size.merging(more) { $1 } }
    return [
      ("one function, M/G/1/1", with(["limit": 1, "rate": 0.1, "service": 2e9, "cold": 3e9, "keep_alive": 10e9]), ["service_dist": "hyperexp"],
        ["cold_share", "mean", "shed_share", "instances"]),
      ("functions, M/M/4/4", with(["limit": 4, "cold": 0, "keep_alive": 500e6]), [:], ["cold_share", "shed_share", "instances", "per_million"]),
      ("functions, M/M/∞", with(["rate": 3, "cold": 0, "keep_alive": 2e9]), [:], ["cold_share", "in_flight", "instances"]),
      ("functions, M/G/3/3", with(["limit": 3, "cold": 0, "keep_alive": 1e9]), ["service_dist": "lognormal"], ["shed_share"]),
    ]
  }

  static var limiterCases: [Case] {
    let size = ["customers": 8_000.0]
    func with(_ more: [String: Double]) -> [String: Double] { size.merging(more) { $1 } }
    return [
      ("a bucket of 5 that drops at 1.2", with(["burst": 5, "rate": 120]), [:], ["shed_share", "rate"]),
      ("a bucket of 3 that drops at 0.8", with(["burst": 3]), [:], ["shed_share"]),
      ("a bucket of 1 that shapes at 0.7", with(["burst": 1, "rate": 70]), ["mode": "shape"], ["mean", "waiting_share"]),
      ("a bucket of 4 that shapes at 0.7", with(["burst": 4, "rate": 70]), ["mode": "shape"], ["mean", "waiting_share"]),
    ]
  }

  static var checkpointCases: [Case] {
    [
      ("a job in 48 stretches", ["jobs": 50], [:], ["completion", "reclaims", "cost_index"]),
      ("a job with many failures", ["failures": 1_800e9, "interval": 1_200e9, "work": 6 * 3_600e9, "jobs": 50], [:], ["completion", "reclaims"]),
    ]
  }

  /// Those that are approximations: how often they are as good as they are said to be.
  public static let approximations = SelfProof("approximations of devices and rented services", trials: 100) { trials in
    let transfer: [String: Double] = ["objects": 1, "size": 1460 * 100_000, "rtt": 100e6, "bandwidth": 1e9, "pages": 1]
    let open: [String: Double] = ["rate": 50, "customers": 50_000]
    return [
      near("disk", "an hdd at 50 operations a second", open, [:], "mean", 0.02, trials),
      near("link", "a long transfer at 0.1 % random loss", transfer.merging(["loss": 0.001, "pages": 5]) { $1 }, [:], "transfer_rate", 0.1, trials),
      near("link", "a long transfer at 1 % random loss", transfer.merging(["loss": 0.01]) { $1 }, [:], "transfer_rate", 0.1, trials),
      near("link", "a long transfer at 0.1 % periodic loss", transfer.merging(["loss": 0.001]) { $1 }, ["losses": "periodic"], "transfer_rate", 0.1, trials),
    ]
  }

  /// The share of seeds in which a metric lies as near to its approximation as the model says.
  static func near(
    _ model: String, _ name: String, _ numbers: [String: Double], _ words: [String: String], _ metric: String, _ tolerance: Double, _ trials: Int
  ) -> ProofRow {
    let hits = (1...max(1, trials)).count { seed in
      let cell = SimCell(model: model, arms: [SimArm(name: name, words: words, numbers: numbers)], replications: 2, seed: UInt64(seed))
      guard let result = try? simulate(cell, quick: false, cancelled: { false })[0].result, let theory = result.theory[metric],
        let found = result.metrics[metric]?.estimate.value
      else { return false }
      return abs(found / theory - 1) <= tolerance
    }
    return ProofRow(
      name: "within \(Int((tolerance * 100).rounded())) %: \(metric) of \(name)", observed: Double(hits) / Double(max(1, trials)), bound: .atLeast(0.93),
      trials: max(1, trials))
  }
}

// Proofs of the models of devices and rented services.

import ExperimentModel
import Statistics

extension SelfProof {
  /// Closed forms that are exact.
  public static let devices = SelfProof("closed forms of devices and rented services", trials: 500) { trials in
    let cases: [(model: String, name: String, numbers: [String: Double], words: [String: String], metrics: [String])] = [
      ("link", "one packet at 10 % loss", ["objects": 1, "size": 1_000, "loss": 0.1, "pages": 500], [:], ["mean"]),
      ("link", "one packet at 2 % loss, without a handshake", ["objects": 1, "size": 1_000, "loss": 0.02, "handshake": 0, "pages": 2_000], [:], ["mean"]),
    ]
    return cases.flatMap { covered($0.model, $0.name, $0.numbers, $0.words, $0.metrics, trials) }
  }

  /// Those that are approximations: how often they are as good as they are said to be.
  public static let approximations = SelfProof("approximations of devices and rented services", trials: 500) { trials in
    let transfer: [String: Double] = ["objects": 1, "size": 1460 * 100_000, "rtt": 100e6, "bandwidth": 1e9, "pages": 1]
    return [
      near("link", "a long transfer at 0.1 % random loss", transfer.merging(["loss": 0.001]) { $1 }, [:], "transfer_rate", 0.1, trials),
      near("link", "a long transfer at 1 % random loss", transfer.merging(["loss": 0.01]) { $1 }, [:], "transfer_rate", 0.1, trials),
      near("link", "a long transfer at 0.1 % periodic loss", transfer.merging(["loss": 0.001]) { $1 }, ["losses": "periodic"], "transfer_rate", 0.1, trials),
    ]
  }

  /// The share of seeds in which a metric lies as near to its approximation as the model says.
  static func near(
    _ model: String, _ name: String, _ numbers: [String: Double], _ words: [String: String], _ metric: String, _ tolerance: Double, _ trials: Int
  ) -> ProofRow {
    var hits = 0
    for seed in 1...max(1, trials) {
      let cell = SimCell(model: model, arms: [SimArm(name: name, words: words, numbers: numbers)], replications: 2, seed: UInt64(seed))
      guard let result = try? simulate(cell, quick: false, cancelled: { false })[0].result, let theory = result.theory[metric],
        let found = result.metrics[metric]?.estimate.value
      else { continue }
      if abs(found / theory - 1) <= tolerance { hits += 1 }
    }
    return ProofRow(
      name: "within \(Int((tolerance * 100).rounded())) %: \(metric) of \(name)", observed: Double(hits) / Double(max(1, trials)), bound: .atLeast(0.93),
      trials: max(1, trials))
  }
}

// The simulated cache against its closed form: the two know nothing of each other.

import ExperimentModel
import SimulationKernel
import Testing

@Suite struct SimulationProofs {
  @Test("LRU and FIFO lie within one point of Che's approximation at N = 10,000, C = 1,000")
  func che() throws {
    let arms = [0.7, 0.9, 1.1].flatMap { s in
      ["lru", "fifo"].map { SimArm(name: "\($0) \(s)", words: ["policy": $0], numbers: ["n": 10_000, "s": s, "capacity": 1_000, "requests": 20_000]) }
    }
    let results = try simulate(SimCell(model: "cache", arms: arms, replications: 4, seed: 1), quick: false) { false }.map(\.result)
    #expect(results.count == 6)
    for result in results {
      let measured = try #require(result.metrics["hit_ratio"]).estimate.value
      let theory = try #require(result.theory["hit_ratio"])
      #expect(abs(measured - theory) < 0.01, "\(result.name): \(measured), Che \(theory)")
    }
  }

  /// Small enough for 500 seeds without optimisation; `nb selfcheck --full` has larger ones.
  @Test("caches, networks of queues, sites: closed forms lie inside the intervals in 93 % of 500 seeds", arguments: [
    ("cdn", ["n": 50, "pops": 3, "rate": 10, "ttl": 20e9, "requests": 200], ["shield_policy": "ttl"], ["hit_ratio", "origin_share", "ttfb"]),
    ("network", ["users": 5, "customers": 300], [:], ["mean", "rate", "utilisation"]),
    ("regions", ["customers": 300, "write_share": 0.3, "n": 10], [:], ["mean", "p95", "write_mean", "stale_share"]),
  ] as [(String, [String: Double], [String: String], [String])])
  func places(_ model: String, _ numbers: [String: Double], _ words: [String: String], _ metrics: [String]) throws {
    var inside: [String: Int] = [:]
    for seed in 1...500 {
      let arm = SimArm(name: model, words: words, numbers: numbers)
      let result = try simulate(SimCell(model: model, arms: [arm], replications: 10, seed: UInt64(seed)), quick: false) { false }[0].result
      for metric in metrics {
        let (theory, found) = (try #require(result.theory[metric]), try #require(result.metrics[metric]).estimate)
        if let low = found.low, let high = found.high, low <= theory, theory <= high { inside[metric, default: 0] += 1 }
      }
    }
    for metric in metrics { #expect(Double(inside[metric] ?? 0) / 500 >= 0.93, "\(metric) of \(model): \(inside[metric] ?? 0) of 500") }
  }
}

// The simulated cache against its closed form: the two know nothing of each other.

import ExperimentModel
import SimulationKernel
import Statistics
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

  @Test("caches, networks of queues, sites: closed forms lie inside the intervals in 93 % of 500 seeds",
    arguments: [SelfProof.caches.title, SelfProof.stations.title, SelfProof.sites.title])
  func places(_ title: String) throws {
    let proof = try #require(SelfProof.simulations.first { $0.title == title })
    for row in proof.rows(proof.trials) { #expect(row.holds, "\(row.name): \(row.observed)") }
  }
}

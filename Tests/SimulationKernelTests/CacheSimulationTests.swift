import ExperimentModel
import SimulationKernel
import Testing

@Suite struct CacheSimulationTests {
  private func cell(_ arms: [SimArm], model: String = "cache", replications: Int = 10) -> SimCell {
    SimCell(model: model, arms: arms, replications: replications, seed: 8)
  }

  private func arm(_ policy: String, _ numbers: [String: Double] = [:]) -> SimArm {
    SimArm(
      name: policy, words: ["policy": policy],
      numbers: ["n": 1_000, "capacity": 100, "s": 0.9, "requests": 4_000].merging(numbers) { $1 })
  }

  @Test("LFU > LRU > FIFO, all below the bound; Che stands beside LRU and FIFO; a seed repeats")
  func order() throws {
    let arms = cell([arm("lru"), arm("lfu"), arm("fifo"), arm("tinylfu")])
    let results = try simulate(arms, quick: false) { false }.map(\.result)
    #expect(results.map(\.name) == ["lru", "lfu", "fifo", "tinylfu"])
    func value(_ i: Int, _ metric: String = "hit_ratio") -> Double { results[i].metrics[metric]!.estimate.value }
    #expect(value(1) > value(0) && value(0) > value(2))
    for i in 0..<4 {
      #expect(value(i) < value(i, "lfu_bound"))
      let estimate = results[i].metrics["hit_ratio"]!.estimate
      #expect(estimate.low! <= estimate.value && estimate.value <= estimate.high!)
    }
    #expect(abs(value(0) - results[0].theory["hit_ratio"]!) < 0.015)
    #expect(abs(value(2) - results[2].theory["hit_ratio"]!) < 0.015)
    #expect(results[1].theory.isEmpty && results[3].theory.isEmpty)
    #expect(try simulate(arms, quick: false) { false }.map(\.result) == results)
  }

  @Test("a scan hurts LRU, hardly an admission filter, and takes the closed form away")
  func scan() throws {
    let scan: [String: Double] = ["scan_every": 500, "scan_length": 100]
    let results = try simulate(
      cell([arm("lru"), arm("lru", scan), arm("tinylfu"), arm("tinylfu", scan)]), quick: false) { false }.map(\.result)
    let ratios = results.map { $0.metrics["hit_ratio"]!.estimate.value }
    #expect(ratios[0] - ratios[1] > 0.03)
    #expect(ratios[2] - ratios[3] < ratios[0] - ratios[1])
    #expect(results[1].theory.isEmpty)
  }

  @Test("what is wrong is said with its place and remedy")
  func refusals() {
    func message(_ cell: SimCell, cancelled: Bool = false) -> String {
      do {
        _ = try simulate(cell, quick: true) { cancelled }
        return ""
      } catch { return error.description }
    }
    #expect(message(cell([arm("lru")], model: "castle")).contains("the models are: cache"))
    #expect(message(cell([arm("mru")])).contains("arm `mru`: there is no policy `mru`; it is one of lru, lfu, fifo, tinylfu"))
    #expect(message(cell([arm("lru", ["n": 0])])).contains("n is 0"))
    #expect(message(cell([arm("lru", ["capacity": 1.5])])).contains("whole number"))
    #expect(message(cell([arm("lru", ["s": -1])])).contains("s is -1; give a number from 0 to 10"))
    #expect(message(cell([arm("lru", ["s": .nan])])).contains("s is nan"))
    #expect(message(cell([arm("lru")]), cancelled: true).contains("interrupted"))
  }

  @Test("one replication has no interval; a cache for all keys always hits; none never")
  func extremes() throws {
    let results = try simulate(
      cell([arm("lru", ["capacity": 1_000, "requests": 1_000]), arm("fifo", ["capacity": 0])], replications: 1), quick: true
    ) { false }.map(\.result)
    #expect(results[0].metrics["hit_ratio"]!.estimate.low == nil)
    #expect(results[0].metrics["hit_ratio"]!.estimate.value > 0.99)
    #expect(results[1].metrics["hit_ratio"]!.estimate.value == 0)
  }

  @Test("perfect LFU comes to the most popular keys: within a point at 10,000 keys", arguments: [0.7, 0.9, 1.1])
  func perfect(s: Double) throws {
    for capacity in [100.0, 1_000, 2_500] {
      let one = arm("perfect-lfu", ["n": 10_000, "s": s, "capacity": capacity, "requests": 30_000])
      let result = try simulate(cell([one], replications: 2), quick: false) { false }[0].result
      let found = try #require(result.metrics["hit_ratio"]?.estimate.value)
      #expect(abs(found - (result.theory["hit_ratio"] ?? 0)) < 0.01, "capacity \(capacity): \(found)")
    }
  }
}

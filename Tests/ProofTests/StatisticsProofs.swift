// The table that `nb selfcheck --full` prints, with fewer trials and bounds widened by three binomial standard
// errors; and proof that the table can fail. Seeds 1…N in order; changing N needs its reason in the commit.

import Statistics
import Testing

@Suite struct StatisticsProofs {
  /// Trials that keep each proof below three seconds without optimisation; the full number where there is room.
  private static let trials = [
    SelfProof.medianCoverage.title: 250, SelfProof.falseVerdicts.title: 150, SelfProof.looks.title: 100,
    SelfProof.manyRows.title: 30, SelfProof.batchMeansCoverage.title: 100, SelfProof.pairsForEffect.title: 20,
    SelfProof.detectableEffect.title: 100, SelfProof.oneMode.title: 10, SelfProof.twoModes.title: 20,
    SelfProof.processCoverage.title: 300, SelfProof.control.title: 400, SelfProof.falseEquivalence.title: 200,
    SelfProof.power.title: 300, SelfProof.tailCoverage.title: 500, SelfProof.randomWalkRefused.title: 300,
    SelfProof.warmUpStep.title: 40, SelfProof.warmUpFlat.title: 60, SelfProof.historySteps.title: 300,
    SelfProof.growthCoverage.title: 150, SelfProof.scalabilityCoverage.title: 20, SelfProof.straightLine.title: 40,
    SelfProof.unlikeStarts.title: 200, SelfProof.powerOverStarts.title: 300, SelfProof.pooledComparison.title: 100, SelfProof.queueCoverage.title: 40,
  ]

  @Test("every promise holds within chance", arguments: SelfProof.all.indices)
  func promises(_ index: Int) throws {
    let proof = SelfProof.all[index]
    let trials = try #require(Self.trials[proof.title], "\(proof.title) has no number of trials here")
    #expect(trials <= proof.trials)
    let rows = proof.rows(trials)
    #expect(!rows.isEmpty)
    for row in rows {
      #expect(row.holdsWithinChance, "\(row.name): \(row.observed), promised \(row.bound), \(row.trials) trials")
    }
    #expect(Set(rows.map { "\($0.name) \($0.bound)" }).count == rows.count)
  }

  @Test("a row says when its promise is broken, and how much chance forgives")
  func judging() {
    func row(_ observed: Double, _ bound: ProofRow.Bound, _ trials: Int = 100) -> ProofRow {
      ProofRow(name: "", observed: observed, bound: bound, trials: trials)
    }
    #expect(row(0.93, .atLeast(0.93)).holds && row(0.05, .atMost(0.05)).holds)
    #expect(!row(0.929, .atLeast(0.93)).holds && !row(0.051, .atMost(0.05)).holds)
    // 3 √(0.1 · 0.9/100) = 0.09
    #expect(row(0.811, .atLeast(0.9)).holdsWithinChance && !row(0.809, .atLeast(0.9)).holdsWithinChance)
    #expect(row(0.189, .atMost(0.1)).holdsWithinChance && !row(0.191, .atMost(0.1)).holdsWithinChance)
    #expect(!row(1.51, .atMost(1.5)).holdsWithinChance)
    #expect(!row(.nan, .atLeast(0.9), 0).holdsWithinChance)
  }

  @Test("without what this module does about memory the same noise breaks the promise")
  func broken() {
    var covered = 0
    for seed in 1...200 {
      let interval = quantileInterval(
        ProofNoise.ar6.series(100, seed: UInt64(seed)), q: 0.5, confidence: 0.95, autocorrelated: false)
      if interval?.contains(0) == true { covered += 1 }
    }
    let row = ProofRow(name: "", observed: Double(covered) / 200, bound: .atLeast(0.932), trials: 200)
    #expect(!row.holdsWithinChance, "\(row.observed)")
  }

  @Test("looking four times at the full α finds what is not there")
  func greedyLooks() {
    var wrong = 0
    for seed in 1...200 {
      let times = ProofMachine().times(rounds: 100, ratio: 1, seed: UInt64(seed))
      let greedy = SequentialLooks(sizes: [20, 40, 80, 100], alpha: 0.2)
      if case .stop = greedy.run(baseline: times.baseline, candidate: times.candidate, equivalence: 0) { wrong += 1 }
    }
    // Each look at 5 %: the risk over four is above that of one.
    #expect(greedyShare(wrong) > 0.05, "\(wrong) of 200")
  }

  private func greedyShare(_ wrong: Int) -> Double { Double(wrong) / 200 }
}

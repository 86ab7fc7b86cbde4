import Testing

@testable import Statistics

@Suite struct ChangePointsPELTTests {
  /// Every way to cut, by the definition: no pruning, no sums.
  private func bruteForce(_ values: [Double], _ shortest: Int, _ penalty: Double, _ noise: Double) -> (cuts: [Int], cost: Double) {
    var best: (cuts: [Int], cost: Double) = ([], .infinity)
    func extend(_ cuts: [Int], from: Int, cost: Double) {
      let end = cost + segmentCost(Array(values[from...]), noise)
      if values.count - from >= shortest, end < best.cost { best = (cuts, end) }
      for cut in stride(from: from + shortest, through: values.count - shortest, by: 1) {
        extend(cuts + [cut], from: cut, cost: cost + segmentCost(Array(values[from..<cut]), noise) + penalty)
      }
    }
    extend([], from: 0, cost: 0)
    return best
  }

  private func segmentCost(_ values: [Double], _ noise: Double) -> Double {
    let mean = sampleMean(values)
    return values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (noise * noise)
  }

  @Test("exactly the best of all segmentations of short series", arguments: [(1, 12), (2, 16), (3, 18), (4, 20)])
  func exhaustive(_ shortest: Int, _ n: Int) {
    var cut = 0
    for seed in 1...60 as ClosedRange<UInt64> {
      var random = SeededRandom(seed: seed)
      var level = 0.0
      let values = (0..<n).map { _ in
        if random.uniform() < 0.2 { level += 4 * random.gaussian() }
        return level + random.gaussian()
      }
      let penalty = [1.0, 3, 8][Int(seed % 3)]
      let expected = bruteForce(values, shortest, penalty, 1)
      let found = changePointsPELT(values, shortest: shortest, penalty: penalty, noise: 1)
      #expect(found == expected.cuts, "seed \(seed)")
      cut += found.count
    }
    #expect(cut > 60)
  }

  @Test("two levels of noise-free values, a constant, and what is refused") func plain() {
    let steps = [Double](repeating: 5, count: 20) + [Double](repeating: 6, count: 20) + [Double](repeating: 5, count: 20)
    #expect(changePointsPELT(steps) == [20, 40])
    #expect(changePointsPELT([Double](repeating: 3, count: 50)).isEmpty)
    #expect(changePointsPELT([]).isEmpty && changePointsPELT([1, 2, 3]).isEmpty)
    #expect(changePointsPELT([Double](repeating: 1, count: 20) + [.nan] + [Double](repeating: 9, count: 20)).isEmpty)
  }

  @Test("a coarse clock is noise, not levels") func clock() {
    var random = SeededRandom(seed: 5)
    let ticks = (0..<300).map { _ in random.uniform() < 0.2 ? 101.0 : 100.0 }
    #expect(changePointsPELT(ticks).isEmpty)
  }

  @Test("noise from neighbours: near σ for normal noise, hardly moved by steps") func noise() {
    let flat = ProofNoise.normal.series(2_000, seed: 1)
    let stepped = flat.enumerated().map { $0.element + Double($0.offset / 200) * 20 }
    #expect(abs(firstDifferenceNoise(flat) - 1) < 0.05)
    #expect(abs(firstDifferenceNoise(stepped) - firstDifferenceNoise(flat)) < 0.02)
    #expect(firstDifferenceNoise([4, 4, 4]) == 0 && firstDifferenceNoise([1]) == 0)
    // One step of 8 between equals: root mean square 8/√(2·4).
    #expect(abs(firstDifferenceNoise([1, 1, 1, 9, 9]) - 8 / 8.0.squareRoot()) < 1e-12)
  }

  @Test("clipping takes spikes down and leaves levels and their edge") func clipping() {
    var values = ProofNoise.normal.series(100, seed: 3).map { 100 + $0 }
    for i in 50..<100 { values[i] += 20 }
    let original = values
    values[20] = 500
    values[70] = -500
    let clipped = clippedToRunningMedian(values)
    #expect(clipped[20] < 106 && clipped[70] > 114)
    for i in [48, 49, 50, 51] { #expect(abs(clipped[i] - original[i]) < 2) }
    #expect(clippedToRunningMedian([]).isEmpty && clippedToRunningMedian([7]) == [7])
  }

  @Test("an edge found beside spikes moves back to where the values change") func edges() {
    var values = [Double](repeating: 10, count: 40) + [Double](repeating: 5, count: 40)
    values[42] = 90
    for guess in [36, 39, 40, 43, 46] { #expect(sharpenedEdges(values, changes: [guess], noise: 1) == [40]) }
    // A spike at the edge belongs to neither side: the place that was given stays.
    values[40] = 90
    #expect(sharpenedEdges(values, changes: [40], noise: 1) == [40])
    #expect(sharpenedEdges(values, changes: [41], noise: 1) == [41])
    #expect(sharpenedEdges(values, changes: [], noise: 1).isEmpty)
  }
}

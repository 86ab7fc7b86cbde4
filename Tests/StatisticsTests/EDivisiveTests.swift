import Testing

@testable import Statistics

/// Normal values around 100 with this relative standard deviation; from `step` on raised by `size`.
private func series(_ n: Int, cv: Double, step: Int? = nil, size: Double = 0, seed: UInt64) -> [Double] {
  var random = SeededRandom(seed: seed)
  return (0..<n).map { i in
    // Irwin–Hall: the sum of twelve uniforms less six is close to standard normal.
    let normal = (0..<12).reduce(-6) { sum, _ in sum + random.uniform() }
    return 100 * (1 + cv * normal) * (step.map { i >= $0 } == true ? 1 + size : 1)
  }
}

@Suite struct EDivisiveTests {
  @Test("a step of 6 % at index 41 of 60 noisy nights is found within one night in at least 95 of 100 seeds, and nothing else")
  func step() {
    var near = 0
    var extra = 0
    for seed in 1...100 as ClosedRange<UInt64> {
      let found = changePoints(series(60, cv: 0.015, step: 41, size: 0.06, seed: seed))
      if found.contains(where: { abs($0.index - 41) <= 1 && abs($0.relativeChange - 0.06) < 0.02 }) { near += 1 }
      extra += max(0, found.count - 1)
    }
    #expect(near >= 95, "\(near)")
    #expect(extra <= 5, "\(extra)")
  }

  @Test("flat series: at most 5 of 100 seeds report a change") func flat() {
    let alarms = (1...100 as ClosedRange<UInt64>).count { !changePoints(series(60, cv: 0.015, seed: 1000 + $0)).isEmpty }
    #expect(alarms <= 5, "\(alarms)")
  }

  @Test("two steps are both found") func twoSteps() {
    let values = series(40, cv: 0.01, step: 20, size: 0.1, seed: 3) + series(20, cv: 0.01, seed: 4)
    #expect(changePoints(values).map(\.index) == [20, 40])
  }

  @Test("a change below the smallest size is not reported; exact steps and constants are") func exact() {
    #expect(changePoints([Double](repeating: 5, count: 30)).isEmpty)
    #expect(changePoints([Double](repeating: 5, count: 10) + [Double](repeating: 6, count: 10)).map(\.index) == [10])
    #expect(changePoints([Double](repeating: 5, count: 10) + [Double](repeating: 5.01, count: 10)).isEmpty)
    #expect(changePoints([1, 2, 3]).isEmpty && changePoints([]).isEmpty)
    #expect(changePoints([1, .nan, 3, 4, 5, 6, 7, 8, 9]).isEmpty)
  }

  @Test("Welch's t-test agrees with scipy.stats.ttest_ind(equal_var=False)") func welch() {
    // scipy 1.17: ttest_ind([1, 2, 3, 4, 5], [2, 4, 6, 8, 10, 12], equal_var=False).pvalue
    #expect(abs(welchP([1, 2, 3, 4, 5], [2, 4, 6, 8, 10, 12]) - 0.049284338) < 1e-6)
  }
}

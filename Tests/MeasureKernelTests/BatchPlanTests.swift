import Testing

@testable import MeasureKernel

@Suite struct BatchPlanTests {
  @Test("enough time: the fastest subject's sample lasts a millisecond and all rounds run")
  func roomy() {
    let plan = BatchPlan(times: [1_000, 2_000], rounds: 40, budget: 10e9)
    #expect(plan.iterations == 1_000)
    #expect(plan.rounds == 40)
    #expect(plan.shortestSample == 1e6)
  }

  @Test("a slow neighbour shortens the samples before it costs rounds")
  func shared() {
    // 0.2 µs beside 60 µs: a millisecond of the fast one would take 0.3 s of the slow one.
    let plan = BatchPlan(times: [200, 60_000], rounds: 40, budget: 3e9)
    #expect(plan.rounds == 40)
    #expect(plan.iterations < 5_000)
    #expect(plan.shortestSample >= 1e4)
    #expect(Double(plan.iterations) * 60_200 * 55 <= 3e9)
  }

  @Test("too little time costs rounds, then the budget for samples of 10 µs, but not more than three budgets")
  func tight() {
    let fewer = BatchPlan(times: [200, 600_000], rounds: 40, budget: 1e9)
    #expect(fewer.rounds < 40)
    #expect(fewer.shortestSample >= 1e4)
    let least = BatchPlan(times: [1_000, 600_000], rounds: 40, budget: 0.1e9)
    #expect(least.rounds == 6)
    #expect(least.shortestSample == 1e4)
    // Nothing beside ten milliseconds: ten thousand iterations of both would be half an hour.
    let nothing = BatchPlan(times: [1, 10_000_000], rounds: 40, budget: 1e9)
    #expect(nothing.rounds == 6)
    #expect((1...14).contains(nothing.iterations))
    #expect(BatchPlan(times: [5e9], rounds: 3, budget: 1e9).iterations == 1)
  }

  @Test("work that is not done, or done once, is found out", arguments: [
    ([2.0, 2.1, 1.9, 2, 9], false), ([1, 1, 1.1, 1, 2], true), ([1.7, 1.75, 1.79, 1.9, 2], true), ([4, 4, 4, 4, 4], true),
  ])
  func work(_ ratios: [Double], _ doubted: Bool) {
    #expect((WorkCheck.doubt(subject: "a", ratios: ratios) != nil) == doubted)
  }
}

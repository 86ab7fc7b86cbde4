import ExperimentModel
import Statistics
import Testing

@testable import MeasureKernel

/// A machine of 10 ns a unit with lognormal noise, and a clock that its work moves.
private final class Machine {
  var random = SeededRandom(seed: 7)
  var elapsed: Int64 = 0
  let noise: Double
  /// What the samples that do more than the baseline's work cost besides.
  let bias: Double
  /// Time of a sample as it would be of the sample's length, whatever the work.
  let lies: Bool

  init(noise: Double = 0.01, bias: Double = 1, lies: Bool = false) {
    self.noise = noise
    self.bias = bias
    self.lies = lies
  }

  func time(_ units: Int) -> Double {
    let wobble = 1 + noise * (random.uniform() + random.uniform() + random.uniform() - 1.5)
    let time = 10 * Double(lies ? 10_000 : units) * wobble * (units > 10_000 ? bias : 1)
    elapsed += Int64(time)
    return time
  }

  func check(comparisons: Int = 60, budget: Double = 17) -> SelfCheckReport {
    var plan = SelfCheckPlan()
    plan.comparisons = comparisons
    plan.pairs = 20
    plan.budget = Nanoseconds(seconds: budget)
    return selfCheck(plan, units: 10_000, time: time, now: { self.elapsed })
  }
}

private func row(_ report: SelfCheckReport, _ words: String) -> SelfCheckRow? { report.rows.first { $0.name.contains(words) } }

@Suite struct SelfCheckTests {
  @Test("an honest machine keeps every promise; what is told is a share of all comparisons")
  func honest() throws {
    let report = Machine().check()
    #expect(report.rows.filter { !$0.holds } == [])
    #expect(report.comparisons == 60 && report.units == 10_000)
    #expect(row(report, "3 % more work")?.hits == 60 && row(report, "10 % more work")?.hits == 60)
    #expect(row(report, "told apart")?.trials == 60 && row(report, "true ratio")?.trials == 180)
    let least = try #require(report.detectable), width = try #require(report.halfWidth)
    #expect(width > 0.001 && width < 0.02 && least > width / 2 && least < 0.05)
  }

  @Test("work that takes longer than its units say: intervals miss the truth")
  func biased() {
    let report = Machine(noise: 0.002, bias: 1.02).check(comparisons: 20)
    #expect(row(report, "true ratio")?.holds == false)
    #expect(row(report, "told apart")?.holds == true)
  }

  @Test("work that is left out: nothing is found")
  func leftOut() {
    let report = Machine(lies: true).check(comparisons: 20)
    #expect(row(report, "10 % more work")?.holds == false && row(report, "3 % more work")?.holds == false)
    #expect(row(report, "1 % more work, found")?.bound == nil)
  }

  @Test("the second of a pair is slower on this machine: ABBA takes it out of the comparison")
  func order() {
    var calls = 0
    var random = SeededRandom(seed: 3)
    var plan = SelfCheckPlan()
    plan.comparisons = 30
    plan.pairs = 20
    plan.slowDowns = [10]
    let report = selfCheck(
      plan, units: 10_000,
      time: { units in
        calls += 1
        return 10 * Double(units) * (calls % 2 == 0 ? 1.03 : 1) * (1 + 0.01 * random.uniform())
      }, now: { 0 })
    #expect(row(report, "told apart")?.holds == true)
  }

  @Test("the budget ends it after whole rounds of all kinds, never before the first")
  func budget() {
    let short = Machine().check(budget: 0.001)
    #expect(short.comparisons == 1 && short.rows.map(\.trials) == [1, 3, 1, 1, 1, 1])
    let some = Machine().check(budget: 0.05)
    #expect(some.comparisons > 1 && some.comparisons < 60)
  }

  @Test("a bound is broken only when the whole interval lies beyond it", arguments: [
    (3, 60, 0.068, true, true), (6, 60, 0.068, true, true), (8, 60, 0.068, true, false), (57, 60, 0.95, false, true),
    (52, 60, 0.95, false, false), (0, 60, 0.95, false, false),
  ])
  func bounds(_ hits: Int, _ trials: Int, _ bound: Double, _ isCeiling: Bool, _ holds: Bool) throws {
    let row = try #require(SelfCheckRow("x", hits: hits, of: trials, bound: bound, isCeiling: isCeiling))
    #expect(row.holds == holds)
    #expect(SelfCheckRow("x", hits: 0, of: 0, bound: bound) == nil)
  }

  @Test("the spin kernel: twice the units give another result than once, and take longer in most of 20 pairs")
  func spin() {
    #expect(SpinKernel.spin(units: 10, from: 1) != SpinKernel.spin(units: 20, from: 1))
    #expect(SpinKernel.spin(units: 10, from: 1) == SpinKernel.spin(units: 10, from: 1))
    let longer = (0..<20).filter { _ in SpinKernel.time(units: 4_000) > SpinKernel.time(units: 2_000) }.count
    #expect(longer >= 15)
    #expect(SpinKernel.units(lasting: 1e5) % 100 == 0)
  }
}

import ExperimentModel
import Testing

@testable import Reporting

@Test func aResultAgreesWithItself() throws {
  for result in [Sample.onoff, Sample.curve, Sample.hostileResult] { #expect(agrees(result, with: result)) }
  // Also after its way through the file.
  let saved = try parseResultsJSON(resultsJSON([Sample.onoff]))
  #expect(agrees(Sample.onoff, with: saved[0]))
}

/// What a change of one thing does to agreement.
private let changes: [(String, Bool, @Sendable (inout CellResult) -> Void)] = [
  ("machine state", true, { $0.machine = .noisy }),
  ("text of the validity reason", true, { $0.validityReason = "other" }),
  ("a metric that no table shows", true, { $0.arms[0].metrics["rss"] = MetricValue(Estimate(1), .bytes) }),
  ("mean inside its interval", true, { $0.arms[0].metrics["mean"]?.estimate.value = 22.3e6 }),
  ("mean at twice its half-width", true, { $0.arms[0].metrics["mean"]?.estimate.value = 22.6e6 }),
  ("a judged mean 15 % off", false, { $0.arms[1].metrics["mean"]?.estimate.value = 12.6e6 }),
  ("a p99 that nothing judges 40 % off", true, { $0.arms[1].metrics["p99"]?.estimate.value = 34e6 }),
  ("a p99 that nothing judges twice as long", false, { $0.arms[1].metrics["p99"]?.estimate.value = 49e6 }),
  ("a p99 that nothing judges half as long", false, { $0.arms[1].metrics["p99"]?.estimate.value = 12.2e6 }),
  ("mean far outside", false, { $0.arms[0].metrics["mean"]?.estimate.value = 26e6 }),
  ("count without interval within 10 %", true, { $0.arms[0].metrics["origin_requests"]?.estimate.value = 500 }),
  ("count without interval beyond 10 %", false, { $0.arms[0].metrics["origin_requests"]?.estimate.value = 540 }),
  ("ratio inside", true, { $0.comparisons[0].ratio["mean"] = Estimate(2.2, low: 2, high: 2.4) }),
  ("ratio outside", false, { $0.comparisons[0].ratio["mean"] = Estimate(3, low: 2.9, high: 3.1) }),
  ("verdict", false, { $0.comparisons[0].verdict = .unresolved }),
  ("outcome", false, { $0.thresholds[0].outcome = .inconclusive }),
  ("a threshold more", false, { $0.thresholds.append($0.thresholds[0]) }),
  ("inputs", false, { $0.inputs = "0" }),
  ("quick", false, { $0.quick = true }),
  ("a worse run of the same story", true, { $0.validity = .degraded }),
  ("an invalid run", false, { $0.validity = .invalid }),
  ("failure", false, { $0.failure = "x" }),
  ("evidence", false, { $0.evidence = .real }),
  ("an arm less", false, { $0.arms.removeLast() }),
  ("a doubt more", false, { $0.doubts = [Doubt(id: "new", text: "t")] }),
  ("theory", false, { $0.arms[1].theory["mean"] = 20e6 }),
  ("unit", false, { $0.arms[0].metrics["mean"]?.unit = .count }),
  ("a plot less", false, { $0.plots = [] }),
  ("why", false, { $0.why = "other" }),
]

@Test(arguments: 0..<changes.count)
func agreementTable(row: Int) {
  let (name, expected, change) = changes[row]
  var new = Sample.onoff
  change(&new)
  #expect(agrees(new, with: Sample.onoff) == expected, "\(name)")
}

@Test func aBetterRunReplacesADegradedOne() {
  var old = Sample.onoff
  old.validity = .degraded
  #expect(firstDifference(Sample.onoff, old) == "DEGRADED → VALID")
}

@Test func theDifferenceIsNamed() {
  var new = Sample.onoff
  new.arms[1].metrics["mean"]?.estimate.value = 14e6
  #expect(firstDifference(new, Sample.onoff) == "on mean 10.5 ms → 14.0 ms")
}

@Test(arguments: [(1.0, 2.0, false), (1, 1, true), (0, 1, false), (1, 0, false), (0, 0.4, false), (100, 109, true), (100, 111, false), (8.5, 9, true)])
func countsWithoutInterval(old: Double, new: Double, expected: Bool) {
  func result(_ value: Double) -> CellResult {
    var result = CellResult(id: "a", kind: "load", inputs: "1", quick: false, evidence: .real)
    result.columns = ["origin_requests"]
    result.arms = [ArmResult(name: "a", metrics: ["origin_requests": MetricValue(Estimate(value), .count)])]
    return result
  }
  #expect(agrees(result(new), with: result(old)) == expected)
}

@Test("a price follows from shown numbers to the last of its digits, also inside its interval")
func pricesHaveNoNoise() {
  var money = CellResult(id: "money", kind: "cost", inputs: "1", quick: false, evidence: .computed)
  money.columns = ["per_million"]
  money.arms = [ArmResult(name: "F3", metrics: ["per_million": MetricValue(Estimate(0.0339, low: 0.0299, high: 0.0379), .usdPerMillion)])]
  func with(_ value: Double, _ high: Double = 0.0379) -> CellResult {
    var other = money
    other.arms[0].metrics["per_million"]?.estimate = Estimate(value, low: 0.0299, high: high)
    return other
  }
  #expect(agrees(with(0.033900001), with: money))
  #expect(!agrees(with(0.0338), with: money) && !agrees(with(0.0339, 0.038), with: money))
}

/// An exercise that was passed since shows the figures by which it was.
@Test func aCheckShowsWhatTheOtherTablesShow() {
  var old = CellResult(id: "exercise", kind: "check", inputs: "1", quick: false, evidence: .computed)
  old.gates = [JudgementResult(text: "mine.p99<=5", measured: MetricValue(Estimate(6, low: 5, high: 7), .count), outcome: .inconclusive)]
  var new = old
  #expect(agrees(new, with: old))
  new.gates[0].measured?.estimate.low = 4
  #expect(firstDifference(new, old) == "mine.p99<=5: 6 → 6")
  new.gates[0].measured = nil
  #expect(!agrees(new, with: old) && !agrees(old, with: new))
  (new.kind, old.kind) = ("load", "load")
  #expect(agrees(new, with: old))
}

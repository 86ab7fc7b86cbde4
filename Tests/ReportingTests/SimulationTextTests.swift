import ExperimentModel
import Reporting
import Testing

@Suite struct SimulationTextTests {
  @Test("a line for each metric with a closed form: bar, point, and the closed form in the middle")
  func plot() {
    var arm = ArmResult(
      name: "mm1",
      metrics: [
        "mean": MetricValue(Estimate(98e6, low: 96e6, high: 100e6), .nanoseconds), "p99": MetricValue(Estimate(404e6, low: 400e6, high: 408e6), .nanoseconds),
        "rate": MetricValue(Estimate(40), .perSecond),
      ], theory: ["mean": 100e6, "p99": 400e6, "rate": 40])
    let report = SimulationReport(model: "mm1", seed: 1, replications: 10, arm: arm, words: [:], closedForm: "M/M/1", warmUp: 0, events: 10, seconds: 1)
    let lines = simulationText(report, style: TerminalStyle(ascii: true)).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let start = lines.firstIndex { $0.contains("simulated over closed form") } ?? 0
    #expect(lines[start].hasSuffix(" 4.00 % at the ends"), "\(lines[start])")
    #expect(lines[start + 1] == "mean  ------------o-----------|")
    #expect(lines[start + 2] == "p99                           |-----o------")
    // A number without an interval has no bar, and without any there is no plot.
    #expect(lines[start + 3] == "")
    arm.metrics = arm.metrics.filter { $0.key == "rate" }
    let alone = SimulationReport(model: "mm1", seed: 1, replications: 1, arm: arm, words: [:], closedForm: "M/M/1", warmUp: 0, events: 10, seconds: 1)
    #expect(!simulationText(alone, style: TerminalStyle(ascii: true)).contains("over closed form"))
  }
}

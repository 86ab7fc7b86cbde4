import ExperimentModel
import Testing

@testable import ExperimentRunner

/// Whole `slo` cells through the runner.
@Suite struct SLOExecutionTests {
  private let alerts = [
    BurnAlert(burn: 14.4, long: Nanoseconds(seconds: 3_600), short: Nanoseconds(seconds: 300), severity: .page),
    BurnAlert(burn: 1, long: Nanoseconds(seconds: 86_400 * 3), short: Nanoseconds(seconds: 6 * 3_600), severity: .ticket),
  ]

  private func run(_ source: SLOCell.Source, scale: Double = 1, _ prepare: (Runner) -> Void = { _ in }) throws -> CellResult {
    let options = RunOptions(quick: false, launcher: LabLauncher(executable: "none", serveArguments: []), subjectArguments: [], fenceCache: "/tmp")
    let slo = SLOCell(
      source: source, indicator: .faster(than: Nanoseconds(100)), target: 0.99, timeWindow: Nanoseconds(seconds: 86_400 * 30), timeScale: scale,
      alerts: alerts)
    let runner = Runner(options, cancelled: { false }, report: { _ in })
    prepare(runner)
    return try #require(try runner.run([Cell(id: "slo", work: .slo(slo), plots: [PlotSpec(kind: .timeline)], inputs: "0123456789")], known: [:]) { $0 }.first)
  }

  private func release(_ name: String, isBad: Bool, slow: Int, from: Int) -> RecordedRelease {
    RecordedRelease(
      name: name, isBad: isBad, step: Nanoseconds(seconds: 300), good: (0..<144).map { $0 >= from ? 1_000 - slow : 1_000 },
      total: Array(repeating: 1_000, count: 144))
  }

  @Test func releasesAreToldApart() throws {
    let result = try run(
      .recorded(file: "f.csv", [release("r1", isBad: false, slow: 5, from: 0), release("r2", isBad: true, slow: 200, from: 36), release("r3", isBad: true, slow: 20, from: 0)]))
    func value(_ arm: [String], _ metric: String) -> Double? { result.value(at: Address(block: nil, arm: arm, metric: metric))?.estimate.value }
    #expect(value([], "recall") == 0.5 && value([], "false_pages") == 0 && value([], "objective") == 0.99)
    #expect(value(["r1"], "pages") == 0 && value(["r2"], "pages") == 1 && value(["r3"], "tickets") == 1)
    #expect(value(["r3"], "burn_rate").map { abs($0 - 2) < 1e-9 } == true)
    // 200 of 1,000 from 3 h on: 14.4 % of an hour is reached after 45 minutes, ten of twelve steps.
    #expect(value(["r2"], "fired_at") == 3.75 * 3_600e9)
    #expect(result.plots.first?.series.map(\.name) == ["r1", "r2", "r3", "allowed pace"])
  }

  @Test func aRecordingInScaledTime() throws {
    // Ten seconds, 100 requests a second, two of a hundred slow, spread evenly.
    let requests = (0..<1_000).map { (i: Int) -> RecordedRequest in
      let place = i % 100
      let duration: Int64? = place == 99 ? nil : place == 49 ? 150 : 50
      return RecordedRequest(at: Nanoseconds(Int64(i) * 10_000_000), duration: duration.map { Nanoseconds($0) })
    }
    let result = try run(.load("base"), scale: 3_600) {
      $0.recordings.keep(LoadRecording(requests: requests, memory: [], elapsed: Nanoseconds(seconds: 10)), of: "base")
    }
    func value(_ arm: [String], _ metric: String) -> MetricValue? { result.value(at: Address(block: nil, arm: arm, metric: metric)) }
    #expect(abs(try #require(value([], "attainment")).estimate.value - 0.98) < 1e-12)
    #expect(abs(try #require(value([], "burn_rate")).estimate.value - 2) < 1e-9)
    // Ten hours at twice the pace: 2 · 10 / 720 of a month's budget, which lasts fifteen days.
    #expect(abs(try #require(value([], "budget_left")).estimate.value - (1 - 20.0 / 720)) < 1e-9)
    #expect(abs(try #require(value([], "exhausted_in")).estimate.value - 15 * 86_400e9) < 1)
    #expect(value([], "pages")?.estimate.value == 0 && value([], "tickets")?.estimate.value == 1)
    #expect(value(["ticket-3d"], "fired_at")?.estimate.value == 36_000e9)
    #expect(result.doubts.map(\.id) == ["recorded", "short-recording"])
  }

  @Test func withoutABadRequestNoNumberIsInfinite() throws {
    let requests = (0..<400).map { RecordedRequest(at: Nanoseconds(Int64($0) * 10_000_000), duration: Nanoseconds(50)) }
    let result = try run(.load("base")) {
      $0.recordings.keep(LoadRecording(requests: requests, memory: [], elapsed: Nanoseconds(seconds: 4)), of: "base")
    }
    var numbers: [Double] = []
    for estimate in result.arms.flatMap(\.metrics.values).map(\.estimate) {
      numbers += [estimate.value, estimate.low ?? 0, estimate.high ?? 0]
    }
    #expect(numbers.allSatisfy { $0.isFinite })
    #expect( result.value(at: Address(block: nil, arm: [], metric: "exhausted_in")) == nil)
  }

  @Test func withoutARecordingItSaysWhatToDo() throws {
    let result = try run(.load("base"))
    #expect(result.failure?.contains("no recording of `base`") == true)
  }
}

import ExperimentModel
import Testing

@testable import ExperimentRunner

/// Whole `slo` cells through the runner.
@Suite struct SLOExecutionTests {
  private let alerts = [
    BurnAlert(burn: 14.4, long: Nanoseconds(seconds: 3_600), short: Nanoseconds(seconds: 300), severity: .page),
    BurnAlert(burn: 1, long: Nanoseconds(seconds: 86_400 * 3), short: Nanoseconds(seconds: 6 * 3_600), severity: .ticket),
  ]

  private func run(
    _ source: SLOCell.Source, scale: Double = 1, objectives: [Objective]? = nil, apdex: Nanoseconds? = nil, _ prepare: (Runner) -> Void = { _ in }
  ) throws -> CellResult {
    let options = RunOptions(quick: false, launcher: LabLauncher(executable: "none", serveArguments: []), subjectArguments: [], fenceCache: "/tmp")
    var slo = SLOCell(
      source: source, indicator: .faster(than: Nanoseconds(100)), target: 0.99, timeWindow: Nanoseconds(seconds: 86_400 * 30), timeScale: scale,
      alerts: alerts)
    slo.objectives = objectives
    slo.apdex = apdex
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

  // MARK: Budgets, slices, Apdex

  /// Ten seconds, 100 requests a second, of which in the first five `bad` are slow (150 ns), evenly spread.
  private func recording(bad: Int) -> LoadRecording {
    let requests = (0..<1_000).map { (i: Int) -> RecordedRequest in
      let isSlow = i < 500 && (i % 100) * bad % 100 < bad
      return RecordedRequest(at: Nanoseconds(Int64(i) * 10_000_000 + 1), duration: Nanoseconds(isSlow ? 150 : 50))
    }
    return LoadRecording(requests: requests, memory: [], elapsed: Nanoseconds(seconds: 10))
  }

  private func number(_ result: CellResult, _ arm: [String], _ metric: String) -> Double? {
    result.value(at: Address(block: nil, arm: arm, metric: metric))?.estimate.value
  }

  @Test("a budget in time: what there is, what is spent, what is left, and how much of it when an alert fired")
  func budget() throws {
    let result = try run(.load("base"), scale: 3_600) { $0.recordings.keep(recording(bad: 20), of: "base") }
    // 1 % of 30 days; a tenth of ten hours; an hour of 7.2.
    #expect(number(result, [], "budget").map { abs($0 - 7.2 * 3_600e9) < 1 } == true)
    #expect(number(result, [], "spent").map { abs($0 - 3_600e9) < 1 } == true)
    #expect(number(result, [], "budget_spent").map { abs($0 - 1 / 7.2) < 1e-9 } == true)
    #expect(number(result, [], "budget_left").map { abs($0 - (1 - 1 / 7.2)) < 1e-9 } == true)
    // The page comes after the first hour at a fifth: 0.2 of 7.2 hours. The ticket at the end, when all of it is spent.
    #expect(number(result, ["page-1h"], "spent_when_fired").map { abs($0 - 0.2 / 7.2) < 3e-3 } == true)
    #expect(number(result, ["ticket-3d"], "spent_when_fired").map { abs($0 - 1 / 7.2) < 1e-9 } == true)
  }

  @Test("several objectives: each has its budget and its alerts, and pages are counted over all")
  func several() throws {
    let objectives = [Objective(name: "strict", displayName: "Strict", target: 0.99), Objective(name: "lax", target: 0.5)]
    let result = try run(.load("base"), scale: 3_600, objectives: objectives) { $0.recordings.keep(recording(bad: 20), of: "base") }
    #expect(number(result, ["strict"], "burn_rate").map { abs($0 - 10) < 1e-9 } == true && number(result, ["lax"], "burn_rate").map { abs($0 - 0.2) < 1e-9 } == true)
    #expect(number(result, ["strict-page-1h"], "fired") == 1 && number(result, ["lax-page-1h"], "fired") == 0)
    #expect(number(result, ["strict-ticket-3d"], "fired") == 1 && number(result, ["lax-ticket-3d"], "fired") == 0)
    #expect(number(result, [], "pages") == 1 && number(result, [], "tickets") == 1)
    #expect(number(result, [], "attainment").map { abs($0 - 0.9) < 1e-9 } == true && number(result, [], "budget") == nil)
    #expect(result.plots.first?.series.map(\.name) == ["Strict", "lax", "allowed pace"])
  }

  @Test("Timeslices: hours are good or bad, whatever happens within them")
  func slices() throws {
    let hourly = [Objective(target: 0.99, slice: TimeSlice(target: 0.9, window: Nanoseconds(seconds: 3_600)))]
    let bad = try run(.load("base"), scale: 3_600, objectives: hourly) { $0.recordings.keep(recording(bad: 20), of: "base") }
    // A fifth of the requests is bad in five of ten hours: half of the time, where by requests it is a tenth.
    #expect(number(bad, [], "attainment") == 0.5 && number(bad, [], "burn_rate").map { abs($0 - 50) < 1e-9 } == true)
    #expect(number(bad, [], "spent").map { abs($0 - 5 * 3_600e9) < 1 } == true && bad.doubts.contains { $0.id == "time-slices" })
    let fine = try run(.load("base"), scale: 3_600, objectives: hourly) { $0.recordings.keep(recording(bad: 8), of: "base") }
    #expect(number(fine, [], "attainment") == 1 && number(fine, [], "pages") == 0)
    let short = try run(.load("base"), objectives: hourly) { $0.recordings.keep(recording(bad: 8), of: "base") }
    #expect(short.failure?.contains("shorter than one time slice") == true)
  }

  @Test("Apdex with its interval: satisfied, tolerating, frustrated")
  func apdex() throws {
    // T of 100: the slow ones at 150 are tolerated; T of 40: all that are fast are tolerated, at 150 (< 4 T) too.
    let result = try run(.load("base"), apdex: Nanoseconds(100)) { $0.recordings.keep(recording(bad: 20), of: "base") }
    let apdex = try #require(result.value(at: Address(block: nil, arm: [], metric: "apdex"))).estimate
    #expect(abs(apdex.value - 0.95) < 1e-9)
    #expect(apdex.low.map { $0 > 0.9 && $0 < 0.95 } == true && apdex.high.map { $0 > 0.95 && $0 <= 1 } == true)
    let other = try run(.load("base"), apdex: Nanoseconds(40)) { $0.recordings.keep(recording(bad: 20), of: "base") }
    #expect(number(other, [], "apdex") == 0.5)
  }
}

import ExperimentModel
import Testing

@testable import ExperimentRunner

/// The burn-rate alerts of The Site Reliability Workbook, chapter 5, on synthetic incidents: when each fires, when it ends, what it never sees.
@Suite struct AlertTableTests {
  private static let minute = 60.0
  private static let hour = 3_600.0
  private static let day = 86_400.0

  struct Row: Sendable {
    var alert: BurnAlert
    /// Of a budget of 30 days, when it fires.
    var budget: Double
  }

  static let workbook: [Row] = [(14.4, hour, 5 * minute, 0.02), (6, 6 * hour, 30 * minute, 0.05), (3, day, 2 * hour, 0.10), (1, 3 * day, 6 * hour, 0.10)]
    .map { burn, long, short, budget in
      Row(
        alert: BurnAlert(burn: burn, long: Nanoseconds(seconds: long), short: Nanoseconds(seconds: short), severity: burn > 3 ? .page : .ticket), budget: budget)
    }

  /// A million requests a step; the error rate holds from the end of one long window on, for `length` seconds.
  private func incident(_ alert: BurnAlert, step: Int64, rate: Double, length: Double) -> RatioSeries {
    let start = alert.long.rawValue
    let stop = start + Int64(length * 1e9)
    let end = stop + 2 * alert.long.rawValue
    var series = RatioSeries(end: end)
    var now = step
    while now <= end {
      series.add(at: now, good: now > start && now <= stop ? 1_000_000 - Int((rate * 1e6).rounded()) : 1_000_000, total: 1_000_000)
      now += step
    }
    return series
  }

  @Test("a constant error rate is found after long × burn × (1 − objective) / rate, within a step; below the factor never",
    arguments: workbook, [0.9, 0.99, 0.995, 0.999])
  func detection(_ row: Row, _ objective: Double) {
    let alert = row.alert
    let step = alert.long.rawValue / 720
    for rate in [1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001] {
      let share = alert.burn * (1 - objective) / rate
      let outcome = evaluate(alert, on: incident(alert, step: step, rate: rate, length: alert.long.seconds), target: objective)
      let expected = detectionTime(alert, target: objective, errorRate: rate)
      // The boundary itself, where the rate is just what the alert allows, counts as below.
      guard share < 1 - 1e-9 else {
        #expect(outcome.fired == 0 && outcome.firedAt == nil && expected == nil, "\(rate)")
        continue
      }
      let found = Double((outcome.firedAt ?? .max) - alert.long.rawValue)
      #expect(outcome.fired == 1 && abs((expected ?? 0) - alert.long.seconds * 1e9 * share) < 1, "\(rate)")
      #expect(found > (expected ?? 0) - 1 && found <= (expected ?? 0) + Double(step) + 1, "\(rate): \(found / 1e9) s, not \((expected ?? 0) / 1e9) s")
      // Whatever the rate, the same part of the budget is gone by then.
      let spent = budgetSpent(burn: burnRate(badShare: rate, target: objective), over: Nanoseconds(Int64(expected ?? 0)), of: Nanoseconds(seconds: 30 * Self.day))
      #expect(abs(spent - row.budget) < 1e-6)
    }
  }

  @Test("published detection times of an objective of 99.9 %", arguments: [(1, 0.864), (0.1, 8.64), (0.05, 17.28), (0.0144, nil), (0.01, nil)] as [(Double, Double?)])
  func published(_ rate: Double, _ minutes: Double?) {
    let found = detectionTime(Self.workbook[0].alert, target: 0.999, errorRate: rate).map { $0 / 60e9 }
    #expect(found.map { abs($0 - (minutes ?? -1)) < 1e-6 } ?? (minutes == nil))
  }

  @Test("it ends by its short window: short × (1 − burn × (1 − objective) / rate) after the errors", arguments: workbook, [1, 0.2, 0.05])
  func reset(_ row: Row, _ rate: Double) throws {
    let alert = row.alert
    let step = alert.long.rawValue / 720
    for objective in [0.99, 0.999] {
      guard let detection = detectionTime(alert, target: objective, errorRate: rate) else { continue }
      // In whole steps, longer than the short window and than the detection, and at most as long as the long window.
      let length = (max(Double(alert.short?.rawValue ?? 0), detection) * 1.2 / Double(step)).rounded(.up) * Double(step)
      guard length <= Double(alert.long.rawValue) else { continue }
      let outcome = evaluate(alert, on: incident(alert, step: step, rate: rate, length: length / 1e9), target: objective)
      let ended = Double(try #require(outcome.lastAt) - alert.long.rawValue) - length
      let expected = resetTime(alert, target: objective, errorRate: rate)
      #expect(ended <= expected + 1 && ended > expected - Double(step) - 1, "\(objective): \(ended / 1e9) s, not \(expected / 1e9) s")
    }
  }

  @Test("low and slow: only the ticket finds it", arguments: [0.99, 0.999])
  func lowAndSlow(_ objective: Double) {
    // Half as fast again as allowed, for ten days: a third of the budget more than there is, had it gone on.
    let rate = 1.5 * (1 - objective)
    var series = RatioSeries(end: Int64(10 * Self.day * 1e9))
    for index in 1...(10 * 24 * 12) { series.add(at: Int64(index) * 300_000_000_000, good: 1_000_000 - Int((rate * 1e6).rounded()), total: 1_000_000) }
    let fired = Self.workbook.map { evaluate($0.alert, on: series, target: objective).fired }
    #expect(fired == [0, 0, 0, 1])
  }

  @Test("at 99 % of each alert's factor nothing fires, in ten days of noise around it")
  func noFalseAlarms() {
    for row in Self.workbook {
      let rate = 0.99 * row.alert.burn * 0.01
      var series = RatioSeries(end: Int64(10 * Self.day * 1e9))
      for index in 1...(10 * 24 * 12) {
        // Every other step half as much again, every other half as much.
        let now = index % 2 == 0 ? 1.5 * rate : 0.5 * rate
        series.add(at: Int64(index) * 300_000_000_000, good: 1_000_000 - Int((now * 1e6).rounded()), total: 1_000_000)
      }
      #expect(evaluate(row.alert, on: series, target: 0.99).fired == 0)
    }
  }

  @Test("OpenSLO's alertAfter: one window, and only after it has burnt so fast for that long")
  func after() throws {
    let alert = BurnAlert(burn: 2, long: Nanoseconds(seconds: Self.hour), short: nil, after: Nanoseconds(seconds: 10 * Self.minute), severity: .page)
    let step: Int64 = 10_000_000_000
    let outcome = evaluate(alert, on: incident(alert, step: step, rate: 0.1, length: Self.hour), target: 0.99)
    let expected = try #require(detectionTime(alert, target: 0.99, errorRate: 0.1))
    #expect(abs(expected - (12 + 10) * 60e9) < 1)
    let found = Double(try #require(outcome.firedAt) - alert.long.rawValue)
    #expect(found >= expected && found <= expected + Double(step))
    // A six-minute outage stays in the window for the rest of the hour, and so lasts; a rate just at the factor never begins.
    let short = BurnAlert(burn: 9.9, long: Nanoseconds(seconds: Self.hour), short: nil, after: Nanoseconds(seconds: 10 * Self.minute), severity: .page)
    #expect(evaluate(short, on: incident(short, step: step, rate: 1, length: 6 * Self.minute), target: 0.99).fired == 1)
    #expect(evaluate(short, on: incident(short, step: step, rate: 0.099, length: Self.hour), target: 0.99).fired == 0)
  }

  // MARK: Time slices

  @Test("slices: each good or bad as a whole, and the rest at the end is none")
  func slices() {
    var series = RatioSeries(end: 3_700_000_000_000)
    // A minute each: 100 requests, of which `bad` fail; the 20th minute has none at all.
    for index in 1...61 where index != 20 {
      let bad = index <= 10 ? 6 : index <= 30 ? 5 : 0
      series.add(at: Int64(index) * 60_000_000_000, good: 100 - bad, total: 100)
    }
    let counted = series.slices(TimeSlice(target: 0.95, window: Nanoseconds(seconds: 60)))
    // Six of a hundred are too many for 95 %, five are not; 61 whole minutes.
    #expect(counted.totalSum == 61 && counted.badSum(until: .max) == 10 && counted.end == 3_660_000_000_000)
    let long = series.slices(TimeSlice(target: 0.95, window: Nanoseconds(seconds: 1_200)))
    // Twenty minutes with a mean of 5.5 of a hundred, twenty with 2.5, twenty without.
    #expect(long.values.map(\.good) == [0, 1, 1])
    #expect(series.slices(TimeSlice(target: 1, window: Nanoseconds(seconds: 60))).badSum(until: .max) == 29)
  }

  @Test("Apdex: up to T, up to 4 T, beyond, failed", arguments: [(0, 1), (500, 1), (501, 0.5), (2_000, 0.5), (2_001, 0)] as [(Int64, Double)])
  func apdex(_ duration: Int64, _ score: Double) {
    #expect(apdexScore(RecordedRequest(at: .zero, duration: Nanoseconds(duration)), Nanoseconds(500)) == score)
    #expect(apdexScore(RecordedRequest(at: .zero, duration: nil), Nanoseconds(500)) == 0)
  }
}

import ExperimentModel
import Testing

@testable import ExperimentRunner

private let hour: Int64 = 3_600_000_000_000
private let minute: Int64 = 60_000_000_000
private func time(hours: Double) -> Nanoseconds { Nanoseconds(seconds: hours * 3_600) }
private let month = time(hours: 720)

/// The Site Reliability Workbook, chapter 5, tables 5-2 and 5-8, for a target of 99.9 % and 30 days.
@Suite struct BurnRateTests {
  @Test("2 % in 1 h, 5 % in 6 h, 10 % in 1 d and in 3 d", arguments: [
    (0.02, 1.0, 14.4), (0.05, 6.0, 6.0), (0.10, 24.0, 3.0), (0.10, 72.0, 1.0),
  ])
  func workbook(_ share: Double, _ hours: Double, _ burn: Double) {
    #expect(abs(burnRate(spending: share, in: time(hours: hours), of: month) - burn) < 1e-12)
    #expect(abs(budgetSpent(burn: burn, over: time(hours: hours), of: month) - share) < 1e-12)
  }

  @Test("error rate and time to exhaustion", arguments: [(1.0, 0.001, 720.0), (2.0, 0.002, 360.0), (10.0, 0.01, 72.0), (1_000.0, 1.0, 0.72)])
  func exhaustion(_ burn: Double, _ errors: Double, _ hours: Double) {
    #expect(abs(burnRate(badShare: errors, target: 0.999) - burn) < 1e-9 * burn)
    #expect(abs(720 / burn - hours) < 1e-9)
  }

  /// One value a minute: `bad` of 1,000 requests from one minute to another.
  private func series(hours: Int, bad: Int, from: Int = 0, to: Int = .max, background: Int = 0) -> RatioSeries {
    var series = RatioSeries(end: Int64(hours) * hour)
    for index in 1...hours * 60 {
      let now = index > from && index <= to ? bad : background
      series.add(at: Int64(index) * minute, good: 1_000 - now, total: 1_000)
    }
    return series
  }

  private let fast = BurnAlert(burn: 14.4, long: time(hours: 1), short: time(hours: 1 / 12.0), severity: .page)

  @Test func atTheThresholdItDoesNotFireAndAboveItDoes() {
    // 1 − 0.999 is not 0.001 in binary: exactly 14.4 times must still not be above.
    var exact = RatioSeries(end: 2 * hour)
    for index in 1...120 { exact.add(at: Int64(index) * minute, good: 10_000 - 144, total: 10_000) }
    #expect(evaluate(fast, on: exact, target: 0.999).fired == 0)
    let above = evaluate(fast, on: series(hours: 2, bad: 15), target: 0.999)
    #expect(above.fired == 1 && above.firedAt == hour && abs(above.peakBurn - 15) < 1e-9)
  }

  @Test func detectionTakesTheLongWindowsShare() {
    // Table 5-8's 14.4 over 1 h: a total outage of a 99.9 % service is found after 14.4 × 0.001 × 60 min = 52 s.
    let outage = evaluate(fast, on: series(hours: 4, bad: 1_000, from: 120), target: 0.999)
    #expect(outage.firedAt == 121 * minute)
    // At twice the alert's burn rate it takes half an hour.
    let double = evaluate(fast, on: series(hours: 4, bad: 29, from: 120), target: 0.999)
    #expect(double.firedAt == 150 * minute)
  }

  @Test func theShortWindowEndsTheAlert() {
    // Without it the alert would go on for almost an hour after the errors have stopped.
    let ended = series(hours: 4, bad: 100, from: 60, to: 90)
    let two = evaluate(fast, on: ended, target: 0.999)
    #expect(two.fired == 1)
    let again = series(hours: 4, bad: 100, from: 60, to: 90)
    #expect(again.badShare(until: 100 * minute, window: hour)! > 0.0144)
    #expect(again.badShare(until: 100 * minute, window: 5 * minute)! == 0)
  }

  @Test func whatComesBackWithinTheLongWindowIsTheSameIncident() {
    // Ten bad minutes, again after twenty, again after three hours.
    var series = RatioSeries(end: 6 * hour)
    for index in 1...360 {
      let isBad = (100..<110).contains(index) || (130..<140).contains(index) || (320..<330).contains(index)
      series.add(at: Int64(index) * minute, good: isBad ? 500 : 1_000, total: 1_000)
    }
    let outcome = evaluate(fast, on: series, target: 0.999)
    #expect(outcome.fired == 2)
  }

  @Test func aBlipDoesNotPage() {
    // Two minutes in which half of all fail: the short window cries, the long one knows that it does not matter.
    #expect(evaluate(fast, on: series(hours: 4, bad: 500, from: 100, to: 102), target: 0.99).fired == 0)
    #expect(evaluate(fast, on: series(hours: 4, bad: 500, from: 100, to: 102), target: 0.999).fired > 0)
  }

  @Test func aWindowLongerThanTheRecordingIsJudgedOnAllOfIt() {
    let slow = BurnAlert(burn: 1, long: time(hours: 72), short: time(hours: 6), severity: .ticket)
    let outcome = evaluate(slow, on: series(hours: 10, bad: 20), target: 0.99)
    #expect(outcome.fired == 1 && outcome.firedAt == 10 * hour && abs(outcome.peakBurn - 2) < 1e-9)
    #expect(evaluate(slow, on: series(hours: 10, bad: 5), target: 0.99).fired == 0)
  }

  @Test func silenceIsNoAlarm() {
    let empty = RatioSeries(end: hour)
    #expect(evaluate(fast, on: empty, target: 0.99) == AlertOutcome())
    #expect(empty.badShare(until: hour, window: hour) == nil)
  }

  @Test func goodIsAnsweredInTime() {
    let limit = Indicator.faster(than: Nanoseconds(100))
    #expect(limit.isGood(RecordedRequest(at: .zero, duration: Nanoseconds(99))))
    #expect(!limit.isGood(RecordedRequest(at: .zero, duration: Nanoseconds(100))))
    for indicator in [limit, .answered] { #expect(!indicator.isGood(RecordedRequest(at: .zero, duration: nil))) }
    #expect(Indicator.answered.isGood(RecordedRequest(at: .zero, duration: Nanoseconds(1_000))))
  }
}

@Suite struct RecordingQueryTests {
  @Test func percentilesDoNotAverage() {
    // Nine quiet windows and one bad: the mean of their p99 hides what the merged p99 shows.
    let quiet = [Double](repeating: 10, count: 100)
    let bad = [Double](repeating: 1_000, count: 100)
    let found = averagedAgainstMerged([[Double]](repeating: quiet, count: 9) + [bad])
    #expect(found?.mean == 109 && found?.merged == 1_000)
    #expect(averagedAgainstMerged([quiet, []]) == nil)
    #expect(averagedAgainstMerged([quiet, quiet])?.mean == 10)
  }

  private func samples(_ leak: Double, noise: Double = 0) -> [MemorySample] {
    (0..<20).map { (i: Int) -> MemorySample in
      let requests = Double(i) * 100
      let wobble: Double = i % 2 == 0 ? noise : -noise
      return MemorySample(at: Nanoseconds(seconds: Double(i)), requests: requests, bytes: 50e6 + leak * requests + wobble)
    }
  }

  @Test func aLeakReachesTheLimit() throws {
    let trend = try #require(memoryTrend(samples(4_096), limit: 60e6))
    #expect(abs(trend.perRequest.value - 4_096) < 1e-6)
    #expect(abs(trend.perHour.value - 4_096 * 100 * 3_600) < 1)
    // 19 s of 409,600 bytes a second are spent; the rest of the 10 MB follows.
    let time = try #require(trend.timeToLimit)
    #expect(abs(time.value / 1e9 - (10e6 - 19 * 409_600) / 409_600) < 1e-6)
  }

  @Test func noGrowthHasNoEnd() throws {
    let flat = try #require(memoryTrend(samples(0, noise: 8_192), limit: 60e6))
    #expect(flat.timeToLimit == nil)
    #expect(flat.perRequest.low! <= 0 && flat.perRequest.high! >= 0)
    #expect(memoryTrend(Array(samples(1).prefix(5)), limit: 60e6) == nil)
  }
}

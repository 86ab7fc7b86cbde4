import ExperimentModel
import Testing

@testable import Reporting

@Test(arguments: [
  (21.4e6, MetricUnit.nanoseconds, "21.4 ms"), (999_600, .nanoseconds, "1.00 ms"), (999_400, .nanoseconds, "999 µs"),
  (0, .nanoseconds, "0 ns"), (1.5e9, .nanoseconds, "1.50 s"), (0.25, .nanoseconds, "0.250 ns"), (3.42e12, .nanoseconds, "3,420 s"), (5.42e12, .nanoseconds, "1.51 h"), (1.296e15, .nanoseconds, "15.0 d"),
  (-1.2e6, .nanoseconds, "−1.20 ms"), (-0.0, .nanoseconds, "0 ns"), (-0.0, .count, "0"), (-1e-20, .plain, "0.000000000000"),
  (0.557, .share, "55.7 %"), (1, .share, "100 %"), (0.9996, .share, "99.96 %"), (0.99999, .share, "99.999 %"), (0, .share, "0 %"), (0.00012, .share, "0.0120 %"),
  (120, .perSecond, "120 rps"), (2_489.6, .perSecond, "2,490 rps"), (2.1, .ratio, "2.10 x"), (9.996, .ratio, "10.0 x"),
  (20_000, .count, "20,000"), (212.5, .count, "212"), (1.25, .count, "1.25"), (2048, .bytes, "2.00 KiB"), (1023.9, .bytes, "1.00 KiB"),
  (587.52, .usdPerDay, "588 USD/day"), (0.012345, .usdPerMillion, "0.0123 USD/Mreq"), (0.16, .points, "0.160 pp"),
  (8_812_345_678_901, .plain, "8812345678901"), (Double.nan, .ratio, "n/a"), (Double.infinity, .plain, "∞"), (-Double.infinity, .count, "−∞"),
  (1e300, .count, "1.000e+300"),
])
func pointsHaveThreeSignificantDigits(value: Double, unit: MetricUnit, text: String) {
  #expect(format(MetricValue(Estimate(value), unit)) == text)
}

@Test(arguments: [
  (Estimate(2.104, low: 1.93, high: 2.31), MetricUnit.ratio, "2.1 [1.9, 2.3]"),
  (Estimate(1.001, low: 0.984, high: 1.02), .ratio, "1.00 [0.98, 1.02]"),
  // Excludes 1, and must be seen to.
  (Estimate(1.03, low: 1.002, high: 1.06), .ratio, "1.030 [1.002, 1.060]"),
  (Estimate(22.14e6, low: 21.9e6, high: 22.4e6), .nanoseconds, "22.1 ms [21.9, 22.4]"),
  (Estimate(200, low: 200, high: 200), .count, "200 [200, 200]"),
  (Estimate(2.1, low: 0.3, high: 9), .ratio, "2.1 [0.3, 9.0]"),
  (Estimate(0.5568, low: 0.5498, high: 0.5638), .share, "55.7 % [55.0, 56.4]"),
  (Estimate(-0.001e6, low: -2e6, high: 2e6), .nanoseconds, "0.0 ms [−2.0, 2.0]"),
  (Estimate(5, low: nil, high: 6), .ratio, "5.00 x"),
])
func intervalsHaveTheDigitsOfTheirWidth(estimate: Estimate, unit: MetricUnit, text: String) {
  #expect(format(estimate, unit, interval: true) == text)
}

@Test func negativeZeroIsNeverPrinted() {
  for unit in MetricUnit.allCases {
    for value in [-0.0, -1e-9, -1e-15, -4e-4] {
      for text in [format(MetricValue(Estimate(value), unit)), format(Estimate(value, low: -1, high: 1), unit, interval: true)] {
        let number = text.prefix { "−0.123456789".contains($0) }
        let isZero = number.allSatisfy { "−0.".contains($0) }
        #expect(!(isZero && number.hasPrefix("−")), "\(text)")
      }
    }
  }
}

@Test func valuesComeWithTheirUnitAndRatiosWithTheirInterval() {
  let results = ["onoff": Sample.onoff]
  #expect(valueText(Address(block: "onoff", arm: ["on"], metric: "mean"), in: results) == "10.5 ms")
  #expect(valueText(Address(block: "onoff", arm: ["ratio"], metric: "mean"), in: results) == "2.1 [1.9, 2.3]")
  #expect(valueText(Address(block: "onoff", arm: ["delta", "on"], metric: "mean"), in: results) == "11.6 ms")
  #expect(valueText(Address(block: "onoff", arm: ["nowhere"], metric: "mean"), in: results) == nil)
  #expect(valueText(Address(block: "other", arm: [], metric: "mean"), in: results) == nil)
  var invalid = Sample.onoff
  invalid.validity = .invalid
  #expect(valueText(Address(block: "onoff", arm: ["on"], metric: "mean"), in: ["onoff": invalid]) == nil)
}

@Test func claimsAreEmphasised() {
  #expect([ClaimStatus.verified, .notReproduced, .inconclusive, .simulated].map(claimText) == ["*verified here*", "*not reproduced here*", "*inconclusive*", "*simulated*"])
}

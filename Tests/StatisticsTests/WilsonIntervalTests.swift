import Statistics
import Testing

@Suite struct WilsonIntervalTests {
  /// Oracle: scipy 1.17.1, binomtest(k, n).proportion_ci(method="wilson").
  @Test func agreesWithPublishedCode() throws {
    for (successes, trials, low, high) in [
      (80, 100, 0.711171, 0.866633), (0, 100, 0, 0.036993), (5, 5, 0.565518, 1), (1, 2, 0.094531, 0.905469),
    ] {
      let interval = try #require(wilsonInterval(successes: successes, of: trials))
      #expect(abs(interval.low - low) < 1e-6 && abs(interval.high - high) < 1e-6, "\(successes) of \(trials): \(interval)")
    }
    let wide = try #require(wilsonInterval(successes: 80, of: 100, confidence: 0.99))
    #expect(wide.low < 0.7111 && wide.high > 0.8667)
  }

  @Test func refusesWhatIsNoShare() {
    #expect(wilsonInterval(successes: 0, of: 0) == nil && wilsonInterval(successes: 3, of: 2) == nil)
    #expect(wilsonInterval(successes: -1, of: 2) == nil)
  }

  /// The interval surrounds the share, is mirrored for failures and narrows with the trials.
  @Test func laws() throws {
    for trials in [1, 2, 7, 50, 1_000] {
      for successes in stride(from: 0, through: trials, by: max(1, trials / 10)) {
        let interval = try #require(wilsonInterval(successes: successes, of: trials))
        let mirror = try #require(wilsonInterval(successes: trials - successes, of: trials))
        #expect(interval.contains(Double(successes) / Double(trials)) && interval.low >= 0 && interval.high <= 1)
        #expect(abs(interval.low - (1 - mirror.high)) < 1e-9)
        let more = try #require(wilsonInterval(successes: successes * 4, of: trials * 4))
        #expect(more.width < interval.width)
      }
    }
  }
}

// The margin before a send against timers whose lateness is known.

import Statistics
import Testing

@testable import LoadKernel

@Suite("Timer margin")
struct TimerMarginTests {
  /// What a margin comes to once it has settled, before timers that are 30 µs late and a tail of `tail` nanoseconds more.
  private func settled(_ margin: TimerMargin, gap: Double, tail: Double = 15_000) -> (late: Double, spun: Double, lag99: Double) {
    var margin = margin
    var random = SeededRandom(seed: 808, stream: 5)
    var lags: [Double] = []
    var (late, spun) = (0, 0.0)
    for i in 0..<80_000 {
      let wake = 30_000 + tail * random.exponential() - Double(margin.time)
      margin.follow(late: Int64(wake))
      guard i >= 40_000 else { continue }
      late += wake > 0 ? 1 : 0
      spun += max(0, -wake)
      lags.append(max(0, wake))
    }
    let count = Double(lags.count)
    return (Double(late) / count, spun / count / gap, lags.sorted()[Int(0.99 * count)])
  }

  @Test("precise: one wake-up in two hundred is late, whatever that costs")
  func precise() {
    let found = settled(.precise(atMost: 500_000), gap: 1_000_000)
    #expect(abs(found.late - 0.005) < 0.001 && found.lag99 == 0)
  }

  @Test("polite: a twentieth of the time is spun at most, and the lag is the timer's spread", arguments: [100.0, 1_000, 5_000, 10_000])
  func polite(_ rate: Double) {
    let gap = 1e9 / rate
    let found = settled(.polite(gap: Int64(gap)), gap: gap)
    #expect(found.spun < 0.06, "\(found)")
    // Always late without a margin: 30 µs and, once in a hundred, 15 × ln 100 = 69 µs more.
    #expect(found.lag99 < 69_000, "\(found)")
  }

  @Test("polite: where there is time enough, one wake-up in twenty is late")
  func politeAndSlow() {
    #expect(abs(settled(.polite(gap: 10_000_000), gap: 1e7).late - 0.05) < 0.01)
  }

  @Test("no margin leaves its bounds")
  func bounds() {
    var (precise, polite) = (TimerMargin.precise(900_000, atMost: 200_000), TimerMargin.polite(gap: 1_000_000, known: 900_000))
    #expect(precise.time == 200_000 && polite.time == 150_000)
    for _ in 0..<10_000 {
      precise.follow(late: -1_000_000)
      polite.follow(late: -1_000_000)
    }
    #expect(precise.time == 30_000 && polite.time == 0)
    for _ in 0..<10_000 {
      precise.follow(late: 1)
      polite.follow(late: 1)
    }
    #expect(precise.time == 200_000 && polite.time == 150_000)
  }
}

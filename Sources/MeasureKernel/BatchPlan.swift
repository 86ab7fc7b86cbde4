// How many iterations make one sample, and how many rounds fit: a pure function of what calibration
// found. One iteration count is shared by all subjects (separate calibration biases by about 1 %).

import Statistics

/// The plan of a paired measurement.
public struct BatchPlan: Hashable, Sendable {
  /// Iterations of every sample of every subject.
  public var iterations: Int
  public var rounds: Int
  /// Expected duration of a sample of the fastest subject, in nanoseconds.
  public var shortestSample: Double

  /// A sample of 1 ms is a thousand times coarser than any clock; what gates rest on should be as long.
  static let goodSample = 1e6
  /// Nanoseconds of work after a start that are not counted, at least.
  static let runUp = 3e6
  /// Where the budget has room for it: a tenth of the jitter that a sample of 1 ms has.
  static let longSample = 1e7
  /// Below 10 µs the pair of clock readings (60–70 ns) is no longer below 1 %.
  static let leastSample = 1e4
  /// A subject that does nothing beside one that works would make the least sample last for minutes: then the sample stays short, and is said to be.
  static let overdraft = 3.0
  /// Fewer pairs have no 95 % interval.
  static let fewestRounds = 6
  /// Samples per subject that the check of twice the work costs, in units of one sample.
  static let checkCost = WorkCheck.repeats * 3
  /// The part of the budget that is planned for; the rest is for starting children and for noise.
  static let plannedShare = 0.85

  /// - Parameters:
  ///   - times: nanoseconds of one iteration, by subject, all positive.
  ///   - rounds: rounds asked for.
  ///   - budget: nanoseconds for everything.
  ///   - sample: nanoseconds that a sample of the fastest subject should last, where the budget allows.
  public init(times: [Double], rounds asked: Int, budget: Double, sample: Double = 1e6) {
    precondition(!times.isEmpty && times.allSatisfy { $0 > 0 }, "calibrated times are positive")
    let fastest = times.min()!
    let together = times.reduce(0, +)
    let wanted = (sample / fastest).rounded(.up)
    func affordable(_ rounds: Int) -> Double {
      (budget * Self.plannedShare / (Double(rounds + Self.checkCost) * together)).rounded(.down)
    }
    var rounds = max(Self.fewestRounds, asked)
    // Long enough samples come before many of them: a sample of nanoseconds measures the clock.
    let least = (Self.leastSample / fastest).rounded(.up)
    while rounds > Self.fewestRounds, affordable(rounds) < min(least, wanted) { rounds -= 1 }
    // At the fewest rounds the least sample is taken even if the budget breaks, within reason.
    let room = affordable(rounds)
    let iterations = max(1, min(wanted, max(room, min(least, (room * Self.overdraft).rounded(.down)))))
    self.iterations = Int(min(iterations, 1e9))
    self.rounds = rounds
    shortestSample = Double(self.iterations) * fastest
  }

  /// Rounds that the budget allows where each sample is a process of its own.
  ///
  /// - Parameters: as of `init`; `times` of one process.
  static func processRounds(times: [Double], rounds asked: Int, budget: Double) -> Int {
    let together = max(1, times.reduce(0, +))
    return max(fewestRounds, min(asked, Int(min(1e9, budget * plannedShare / together))))
  }
}

/// The zero-work detector: twice the iterations must take 1.8 to 2.2 times as long.
enum WorkCheck {
  static let repeats = 5
  static let accepted = 1.8...2.2

  /// A doubt when the median of the ratios is outside, else nil.
  static func doubt(subject: String, ratios: [Double]) -> String? {
    let ratio = medianOf(ratios)
    guard !accepted.contains(ratio) else { return nil }
    let shown = (ratio * 100).rounded() / 100
    return "\(subject): twice the iterations took \(shown) times as long; work that is really done takes 1.8 to 2.2 times"
  }
}

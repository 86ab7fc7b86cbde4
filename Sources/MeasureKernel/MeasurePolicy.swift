// How subjects are measured beside each other: how often, in which order, for how long, and when to look.

import ExperimentModel
import Statistics

public struct MeasurePolicy: Sendable {
  /// Pairs of a full run. With `decided` given, the most that are taken.
  public var pairs: Int
  /// At most 20 pairs.
  public var quick: Bool
  /// For everything; measuring stops when it is used up, never below 6 rounds.
  public var budget: Nanoseconds
  /// Of the order of the turns.
  public var seed: UInt64
  public var order: BenchCell.Order
  /// Numbers of pairs at which `decided` is asked (method.md 1); the caller corrects for their number.
  public var looks: [Int]
  /// Read the machine's state around every sample.
  public var takesReceipts: Bool
  /// A subject that fails is left out and recorded, and the others go on; the first one never fails alone.
  public var keepsGoing: Bool
  /// Whether a subject that stays has warmed up (interpreters compile while they run), from the times of one
  /// iteration so far, oldest first. Such as `hasSettled`, or change points over the series.
  public var settled: @Sendable ([Double]) -> Bool
  /// The most samples that warming up may take.
  public var warmUpMost: Int
  /// Starts of a subject that is started anew during the measurement, where a third of the budget has room for them.
  public var startsMost = 20
  /// Nanoseconds that a sample should last where the budget has room for it. More than 1 ms for a subject with threads: it
  /// takes the kernel milliseconds to spread them over the processors.
  public var sample = 1e6

  public init(
    pairs: Int, quick: Bool = false, budget: Nanoseconds, seed: UInt64, order: BenchCell.Order = .abba,
    looks: [Int] = [20, 40, 80, 100], takesReceipts: Bool = false, keepsGoing: Bool = false,
    settled: @escaping @Sendable ([Double]) -> Bool = { _ in true }, warmUpMost: Int = 0
  ) {
    self.pairs = pairs; self.quick = quick; self.budget = budget; self.seed = seed; self.order = order; self.looks = looks
    self.takesReceipts = takesReceipts; self.keepsGoing = keepsGoing; self.settled = settled; self.warmUpMost = warmUpMost
  }

  /// Whether the last five times are within 5 % of the five before, by their medians: cheap enough to be asked
  /// after every sample. What is left of warming up shows in the pairs.
  public static func hasSettled(_ times: [Double]) -> Bool {
    guard times.count >= 10 else { return false }
    let last = medianOf(Array(times.suffix(5)))
    let before = medianOf(Array(times.suffix(10).prefix(5)))
    return abs(last - before) <= 0.05 * before
  }

  /// Share of more work that the first subject is given on purpose after the rounds, such as 0.02, within a sixth of the
  /// budget: an instrument that does not see it would not see a regression of that size either. nil: not asked.
  public var injectedShare: Double?

  var rounds: Int { quick ? min(pairs, 20) : pairs }
}

/// The first subject against itself with more iterations, in turns.
public struct InjectedSlowDown: Sendable {
  /// Of more work; exact, as iterations are counted.
  public var share: Double
  /// Nanoseconds of a sample, pair by pair.
  public var plain: [Double] = []
  public var slowed: [Double] = []
}

public struct BenchRecord: Sendable {
  /// By subject, in the order of the cell; one entry per round, so that entries of one index are a pair.
  /// Empty for a subject that failed.
  public var samples: [[SubjectSample]]
  /// Iterations of every sample.
  public var iterations: Int
  /// All subjects returned the same checksums for the same work.
  public var parity: Bool
  /// What a reader must know; sentences without a full stop.
  public var doubts: [String]
  /// Times of one iteration while warming up, by subject, in nanoseconds.
  public var warmUp: [[Double]] = []
  /// How often `decided` was asked.
  public var looks = 0
  /// How often a subject that stays was started for its samples; 1 without restarts.
  public var starts = 1
  /// It said yes before all pairs were taken.
  public var stoppedEarly = false
  /// nil: not asked for, or no time for 12 pairs, or too few iterations for so small a share.
  public var injected: InjectedSlowDown?
  /// Why a subject was left out, by its index.
  public var failures: [Int: MeasureError] = [:]

  /// Which start each pair is from.
  public var pairStarts: [Int] { samples.first?.map(\.start) ?? [] }
}

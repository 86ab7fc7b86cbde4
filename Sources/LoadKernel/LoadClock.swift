// Time as an argument. Two plain C functions: called through a pointer without an allocation or a witness table, and
// replaced by a test that wants a clock which steps.

import CKernelShims

public struct LoadClock: Sendable {
  /// Monotonic nanoseconds; every stamp of a run.
  public var now: @convention(c) @Sendable () -> Int64
  /// An independent clock that runs at the same speed, for noticing that `now` stepped.
  public var reference: @convention(c) @Sendable () -> Int64
  public init(now: @convention(c) @Sendable () -> Int64, reference: @convention(c) @Sendable () -> Int64) {
    self.now = now
    self.reference = reference
  }

  /// CLOCK_MONOTONIC, held against CLOCK_BOOTTIME (which also runs while the machine sleeps).
  public static let system = LoadClock(now: { nb_now() }, reference: { nb_boot_now() })
}

/// Notices steps: the two clocks must advance alike. 1 ms of difference is 2,000 times what NTP may slew in 1 ms
/// looks, and far below what would move a quantile unseen.
struct ClockWatch {
  private static let tolerance: Int64 = 1_000_000
  private let clock: LoadClock
  private var offset: Int64?
  private(set) var steps = 0
  /// The largest step in nanoseconds, absolute.
  private(set) var worst: Int64 = 0

  init(_ clock: LoadClock) { self.clock = clock }

  mutating func look() {
    let before = clock.now()
    let reference = clock.reference()
    let after = clock.now()
    // Descheduled between the reads, or a step right here: the next look decides.
    guard after >= before, after - before < Self.tolerance / 2 else { return }
    let now = before + (after - before) / 2 - reference
    if let offset, abs(now - offset) > Self.tolerance {
      steps += 1
      worst = max(worst, abs(now - offset))
    }
    offset = now
  }
}

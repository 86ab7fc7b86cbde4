// How early the timer before a send is set. A timer wakes a thread too late, by some microseconds or, in a virtual machine, by thirty
// to a hundred; what the thread is awake too early is spun. So the margin is a bargain between lateness and processor time.

import Synchronization

struct TimerMargin: Equatable {
  /// Nanoseconds.
  private(set) var time: Int64
  private let least: Int64
  private let most: Int64
  /// Up when a wake-up missed its time, down when it did not, and down when it was too early by more than `patience`: the margin settles
  /// where these are balanced.
  private let late: Int64
  private let early: Int64
  private let tooEarly: Int64
  private let patience: Int64

  /// Settles where one wake-up in 200 is late: the quantile that the verdict on the send lag looks at, with a reserve.
  ///
  /// - Parameters: time, atMost: nanoseconds.
  static func precise(_ time: Int64 = 60_000, atMost: Int64) -> TimerMargin {
    TimerMargin(
      time: min(time, atMost), least: min(30_000, atMost), most: atMost, late: 10_000, early: 50, tooEarly: 50, patience: .max)
  }

  /// Settles where a wake-up is as often late as it is more than a twentieth of the gap too early, so that about a twentieth of the time
  /// is spun, whatever the rate; and where there is time enough, where one in twenty is late.
  ///
  /// - Parameters:
  ///   - gap: between two sends, nanoseconds.
  ///   - known: where an earlier run of the plan has settled.
  static func polite(gap: Int64, known: Int64? = nil) -> TimerMargin {
    TimerMargin(
      time: min(known ?? 50_000, 150_000), least: 0, most: 150_000, late: 1_000, early: 50, tooEarly: 1_000, patience: gap / 20)
  }

  /// - Parameter wake: nanoseconds after the time that was wanted; negative: before it.
  mutating func follow(late wake: Int64) {
    let step = wake > 0 ? late : -wake > patience ? -tooEarly : -early
    time = min(max(time + step, least), most)
  }
}

/// How long before a send this machine's timers have to be set, in nanoseconds, from one run of a plan to the next.
final class WakeMargin: Sendable {
  private let value = Atomic<Int64>(0)

  /// Nil before the first run has ended.
  var known: Int64? {
    let value = value.load(ordering: .relaxed)
    return value > 0 ? value : nil
  }

  func keep(_ margin: Int64) { value.store(margin, ordering: .relaxed) }
}

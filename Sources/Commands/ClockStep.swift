// A clock of the day that is set while a run is at work, by hand or by a time service: durations are not touched by it, because
// they are measured with a clock that only runs; the times of day in results are.

import Glibc
import TextModel

struct ClockStep {
  private let offset: Double
  private var isSaid = false

  init() { offset = Self.offset() }

  /// Seconds between the clock of the day and the one that runs on, also while the machine sleeps.
  private static func offset() -> Double {
    var (day, running) = (timespec(), timespec())
    clock_gettime(CLOCK_REALTIME, &day)
    clock_gettime(CLOCK_BOOTTIME, &running)
    return Double(day.tv_sec - running.tv_sec) + Double(day.tv_nsec - running.tv_nsec) / 1e9
  }

  /// What is to be said of a step of more than two seconds; once.
  mutating func finding() -> Diagnostic? {
    let step = Self.offset() - offset
    guard !isSaid, abs(step) > 2 else { return nil }
    isSaid = true
    let direction = step < 0 ? "back" : "forward"
    return Diagnostic(
      "clock-stepped", .warning, "the clock of this machine was set \(direction) by \(Int(abs(step).rounded())) s during the run",
      remedy: "durations and verdicts are not touched; the times of day of these results are the clock's, and `nb history` keeps the order of measuring")
  }
}

import Foundation

/// What work measures itself by. Nothing is decided by these clocks; what waits or is due goes by `Environment`.
enum ThreadClock {
  /// Nanoseconds of processor time that the calling thread has used.
  static func processorTime() -> Int64 { reading(CLOCK_THREAD_CPUTIME_ID) }

  /// Nanoseconds of the monotonic clock, as `Environment.now` of a running lab.
  static func now() -> Int64 { reading(CLOCK_MONOTONIC) }

  /// From the monotonic clock to nanoseconds since 1970, as it is now.
  static func epoch() -> Int64 { reading(CLOCK_REALTIME) - reading(CLOCK_MONOTONIC) }

  private static func reading(_ clock: clockid_t) -> Int64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}

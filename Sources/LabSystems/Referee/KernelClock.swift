import CRefereeShims

/// Turns the kernel's receive stamps (CLOCK_REALTIME) into CLOCK_MONOTONIC.
///
/// The two clocks run at one rate; their difference is a constant that jumps when somebody sets the time. It is
/// known from bracketed readings to a few ten nanoseconds and looked at again every 100 ms. A stamp that lies after
/// the moment of reading, or more than a second before, makes it look at once.
struct KernelClock {
  private static let period: Int64 = 100_000_000
  /// Above this a change is a step; below it is noise of the bracket.
  private static let stepMin: Int64 = 1_000

  private var offset: Int64 = 0
  private var nextCheck: Int64 = 0
  /// Half the width of the bracket: how well the offset is known.
  private(set) var uncertainty: Int64 = 0
  private(set) var steps = 0
  private(set) var checks = 0
  /// Stamps that lay after their own reading even with a fresh offset; the reading was taken instead.
  private(set) var doubtful = 0

  init() { check(at: ref_now(), rounds: 2_000) }

  /// - Parameters:
  ///   - stamp: CLOCK_REALTIME, or 0 where the kernel gave none.
  ///   - user: CLOCK_MONOTONIC just after reading.
  @inline(__always)
  mutating func monotonic(_ stamp: Int64, user: Int64) -> Int64 {
    if user >= nextCheck { check(at: user, rounds: 20) }
    if stamp == 0 { return user }
    let time = stamp - offset
    if time <= user && user - time < 1_000_000_000 { return time }
    return doubted(stamp, user: user)
  }

  @inline(never)
  private mutating func doubted(_ stamp: Int64, user: Int64) -> Int64 {
    check(at: user, rounds: 20)
    let time = stamp - offset
    if time <= user { return time }
    doubtful += 1
    return user
  }

  private mutating func check(at now: Int64, rounds: Int32) {
    nextCheck = now + Self.period
    checks += 1
    var (lower, upper): (Int64, Int64) = (0, 0)
    // A step between two readings leaves no offset that fits both.
    for _ in 0..<3 where ref_clock_offset(rounds, &lower, &upper) == 0 {
      let middle = lower + (upper - lower) / 2
      // The start of a process measures best; later looks only ask whether that is still true.
      if checks == 1 || abs(middle - offset) > max(Self.stepMin, (upper - lower) / 2) {
        if checks > 1 { steps += 1 }
        offset = middle
        uncertainty = (upper - lower) / 2
      }
      return
    }
  }
}

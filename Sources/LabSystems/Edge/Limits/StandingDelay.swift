import ExperimentModel

/// Tells a standing queue from a burst, as CoDel does (Nichols and Jacobson 2012): by the *smallest* delay of an interval. While
/// nothing was answered faster than the target for a whole interval, requests are turned away, all but one an interval, which shows when
/// the queue is gone.
///
/// CoDel sits at the queue; an edge sees the delay of an attempt from outside, the service with the wait. The target is
/// therefore well above the service time, and what is still out counts with its age: a stalled instance answers nothing at all.
struct StandingDelay {
  private let target: Int64
  private let interval: Int64
  /// Since when nothing was fast; nil: the last one was.
  private var slowSince: Int64?
  private var lastProbe = Int64.min

  /// - Parameter spec: its target; CoDel's interval of 100 ms, or the target when that is longer.
  init(_ spec: ShedSpec) {
    target = spec.queueDelay.rawValue
    interval = max(100_000_000, target)
  }

  /// An attempt has ended, or was given up.
  mutating func ended(after delay: Int64, now: Int64) {
    if delay < target { slowSince = nil } else { slowSince = slowSince ?? now }
  }

  func isStanding(_ now: Int64) -> Bool { slowSince.map { now - $0 >= interval } ?? false }

  /// A request wants in. `oldest` is the age of the oldest attempt that is out, nil when none is.
  mutating func admits(oldest: Int64?, now: Int64) -> Bool {
    // It became slow when it passed the target, not when somebody looked.
    if slowSince == nil, let oldest, oldest >= target { slowSince = now - (oldest - target) }
    guard isStanding(now) else { return true }
    guard lastProbe == .min || now - lastProbe >= interval else { return false }
    lastProbe = now
    return true
  }
}

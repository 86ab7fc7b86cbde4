/// How many places are occupied, and the time integral of that number: over time it is their mean, over time and places the
/// utilisation.
struct Occupancy {
  private(set) var level = 0
  private var area: Int64 = 0
  private var since: Int64

  init(now: Int64 = 0) { since = now }

  mutating func change(by step: Int, now: Int64) {
    area += Int64(level) * (now - since)
    since = now
    level += step
  }

  /// Nanoseconds, each counted as often as places were occupied.
  func time(now: Int64) -> Int64 { area + Int64(level) * (now - since) }

  /// Counts from now on; who is there stays.
  mutating func reset(now: Int64) {
    area = 0
    since = now
  }
}

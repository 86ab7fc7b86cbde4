// How many requests are under way, and the time integral of that number: L of Little's law, counted and not derived. One
// step at each begin and each end, on the very times that the record gets: so L and λW must agree, and where they do
// not, a request was begun without an end, ended twice, or recorded with another time than it took. 2 ns a request.

struct InFlightCount {
  private(set) var count = 0
  /// Requests × nanoseconds inside the window.
  private var area: Int64 = 0
  private var since: Int64 = 0
  private var start: Int64 = .min
  private var end: Int64 = .max

  /// The time that is looked at; what happens before or after counts as happening at its edge.
  mutating func observe(from start: Int64, to end: Int64) {
    self.start = start
    self.end = end
    since = start
    area = 0
  }

  /// Times may come out of order (a stamp of the kernel lies before the read): the sum of the steps is the same.
  @inline(__always)
  mutating func begin(at time: Int64) { step(time, 1) }
  @inline(__always)
  mutating func end(at time: Int64) { step(time, -1) }

  @inline(__always)
  private mutating func step(_ time: Int64, _ change: Int) {
    let now = clamped(time)
    area &+= Int64(count) &* (now &- since)
    since = now
    count += change
  }

  /// The part of a request's time that lies inside the window.
  @inline(__always)
  func inside(from begin: Int64, to end: Int64) -> Int64 { clamped(end) &- clamped(begin) }

  private func clamped(_ time: Int64) -> Int64 { min(max(time, start), end) }

  /// Requests × nanoseconds up to `now`.
  func total(at now: Int64) -> Int64 { area &+ Int64(count) &* (clamped(now) &- since) }
}

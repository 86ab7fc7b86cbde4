import NIOCore

/// The bounded first-in-first-out queue in front of a role's workers, as a value that returns what to
/// do. It knows no sockets, timers or stages; the caller passes the time in and obeys.
///
/// A request arrives when the event loop has read the whole of it. Workers are slots, not threads: a slot is held from the start of the first stage to the answer.
/// Strict order is the point of it: serving in the order in which sockets become readable inflates the
/// tail by a third at 90 % load, and no queueing formula predicts that.
struct WorkerQueue<Request> {
  enum Arrival { case start, wait, reject }

  private struct Waiting { var request: Request; var arrived: Int64 }

  let workers: Int
  let queueLimit: Int
  /// Nanoseconds a request may wait.
  let timeout: Int64
  private var places = Occupancy()
  /// Requests that a worker took, each once.
  private(set) var takes = 0
  /// Until when no request is taken (the `stall` fault); `.min` when there is none.
  private(set) var stalledUntil = Int64.min
  private var waiting = CircularBuffer<Waiting>()
  /// Requests that gave their worker back and want one again. They were let in before everybody who waits, so they go
  /// first, are not rejected and do not time out.
  private var returning = CircularBuffer<Waiting>()

  init(workers: Int, queueLimit: Int, timeout: Int64) {
    precondition(workers > 0 && queueLimit >= 0)
    self.workers = workers; self.queueLimit = queueLimit; self.timeout = timeout
  }

  var depth: Int { waiting.count }
  var busy: Int { places.level }

  /// Nanoseconds for which workers were busy, of all of them together.
  func busyTime(now: Int64) -> Int64 { places.time(now: now) }

  mutating func resetCounters(now: Int64) {
    places.reset(now: now)
    takes = 0
  }

  /// When the oldest waiting request runs out of patience.
  var nextTimeout: Int64? {
    guard let first = waiting.first else { return nil }
    let (sum, overflow) = first.arrived.addingReportingOverflow(timeout)
    return overflow ? nil : sum
  }

  /// A new request: it starts at once only when nobody is before it.
  mutating func arrive(_ request: Request, now: Int64) -> Arrival {
    if busy < workers && waiting.isEmpty && returning.isEmpty && now >= stalledUntil {
      places.change(by: 1, now: now)
      takes += 1
      return .start
    }
    if waiting.count >= queueLimit { return .reject }
    waiting.append(Waiting(request: request, arrived: now))
    return .wait
  }

  /// A worker has answered; follow with `take` until it returns nil.
  mutating func release(now: Int64) {
    precondition(busy > 0, "a worker was released twice")
    places.change(by: -1, now: now)
  }

  /// A request that released its worker wants one again; false: `take` gives it one later.
  mutating func comeBack(_ request: Request, now: Int64) -> Bool {
    if busy < workers && returning.isEmpty && now >= stalledUntil {
      places.change(by: 1, now: now)
      return true
    }
    returning.append(Waiting(request: request, arrived: now))
    return false
  }

  /// The next request to start or go on and the nanoseconds it waited; nil when none waits, no worker is free or
  /// the role stalls. Requests past their timeout must have been taken by `takeExpired` before.
  mutating func take(now: Int64) -> (request: Request, waited: Int64)? {
    guard busy < workers, now >= stalledUntil else { return nil }
    let back = returning.popFirst()
    guard let first = back ?? waiting.popFirst() else { return nil }
    places.change(by: 1, now: now)
    if back == nil { takes += 1 }
    return (first.request, now - first.arrived)
  }

  /// The oldest request if its timeout has passed.
  mutating func takeExpired(now: Int64) -> (request: Request, waited: Int64)? {
    guard let first = waiting.first, now - first.arrived >= timeout else { return nil }
    waiting.removeFirst()
    return (first.request, now - first.arrived)
  }

  /// No request is taken before `time`.
  mutating func stall(until time: Int64) { stalledUntil = max(stalledUntil, time) }

  /// The stall is over.
  mutating func wake() { stalledUntil = .min }

  /// A new process: nobody waits, nobody is served.
  mutating func abandon(now: Int64) {
    waiting.removeAll()
    returning.removeAll()
    places.change(by: -busy, now: now)
    stalledUntil = .min
  }
}

import NIOCore

/// Which requests are computed together, as a value that returns what to do; it knows no clock and no thread.
///
/// The thread takes a batch when it is idle and either `batch` requests wait or the first has waited `maxDelay`. So a
/// `maxDelay` of zero never makes anybody wait for company: what gathered while the thread was busy is the next batch.
struct BatchQueue<Request> {
  private struct Waiting { var request: Request; var arrived: Int64 }

  let batch: Int
  /// Nanoseconds.
  let maxDelay: Int64
  private(set) var isBusy = false
  private var waiting = CircularBuffer<Waiting>()

  init(batch: Int, maxDelay: Int64) {
    precondition(batch > 0 && maxDelay >= 0)
    self.batch = batch; self.maxDelay = maxDelay
  }

  mutating func arrive(_ request: Request, now: Int64) { waiting.append(Waiting(request: request, arrived: now)) }

  /// The next batch and the nanoseconds that its requests waited in all; nil when the thread is busy or the batch not due.
  mutating func take(now: Int64) -> (requests: [Request], waited: Int64)? {
    guard !isBusy, let first = waiting.first, waiting.count >= batch || now - first.arrived >= maxDelay else { return nil }
    isBusy = true
    let taken = waiting.prefix(batch)
    let waited = taken.reduce(0) { $0 + now - $1.arrived }
    let requests = taken.map(\.request)
    waiting.removeFirst(requests.count)
    return (requests, waited)
  }

  /// The thread has computed its batch; follow with `take`.
  mutating func finish() {
    precondition(isBusy, "a batch was finished twice")
    isBusy = false
  }

  /// When the batch that gathers is due although it is not full; nil while the thread is busy or nobody waits.
  var due: Int64? { isBusy ? nil : waiting.first.map { $0.arrived + maxDelay } }
}

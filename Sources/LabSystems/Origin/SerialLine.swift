import NIOCore

/// Work that only one thread may do at a time, in the order in which it was asked for: a heap that stops the world stops
/// all that use it. What waits here holds no thread.
final class SerialLine {
  private let environment: any Environment
  private var waiting = CircularBuffer<() -> Void>()
  private var isBusy = false

  init(_ environment: any Environment) { self.environment = environment }

  /// Runs `work` on a thread once everything before it is done, then `then` here.
  func offload<Result: Sendable>(_ work: @escaping @Sendable () -> Result, then: @escaping (Result) -> Void) {
    waiting.append { [self] in
      environment.offload(work) { [self] result in
        isBusy = false
        next()
        then(result)
      }
    }
    next()
  }

  private func next() {
    guard !isBusy, let start = waiting.popFirst() else { return }
    isBusy = true
    start()
  }
}

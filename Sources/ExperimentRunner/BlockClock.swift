// How long a block took. Compilers are left out: what they make is kept, and the next run does not wait for them.

import ExperimentModel

final class BlockClock {
  private var began = ContinuousClock.now
  private var apart = Duration.zero

  func start() { (began, apart) = (.now, .zero) }

  /// Does what is not the block's own time, such as compiling a fence.
  func leavingOut<Value, Failure: Error>(_ work: () throws(Failure) -> Value) throws(Failure) -> Value {
    let start = ContinuousClock.now
    defer { apart += .now - start }
    return try work()
  }

  /// Since `start`.
  var taken: Nanoseconds {
    let (seconds, attoseconds) = (ContinuousClock.now - began - apart).components
    return Nanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
  }
}

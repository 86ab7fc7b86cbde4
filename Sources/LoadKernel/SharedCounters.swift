// What the loops of one run tell each other: a stop flag and their counts for the progress line. Relaxed atomics; a value
// that is 5 ms old does no harm.

import CKernelShims

/// Unchecked: all access goes through atomic loads and stores.
final class SharedCounters: @unchecked Sendable {
  let loops: Int
  private let words: UnsafeMutablePointer<Int64>
  /// A cache line each, so that loops do not take lines from each other.
  private static let stride = 8

  init(loops: Int) {
    self.loops = loops
    words = .allocate(capacity: (loops + 1) * Self.stride)
    words.initialize(repeating: 0, count: (loops + 1) * Self.stride)
  }
  deinit { words.deallocate() }

  var isStopped: Bool { nb_shared_load(words) != 0 }
  func stop() { nb_shared_store(words, 1) }

  func publish(_ loop: Int, answered: Int, failed: Int) {
    nb_shared_store(words + (loop + 1) * Self.stride, Int64(answered))
    nb_shared_store(words + (loop + 1) * Self.stride + 1, Int64(failed))
  }

  var answered: Int { (0..<loops).reduce(0) { $0 + Int(nb_shared_load(words + ($1 + 1) * Self.stride)) } }
  var failed: Int { (0..<loops).reduce(0) { $0 + Int(nb_shared_load(words + ($1 + 1) * Self.stride + 1)) } }
}

import ExperimentModel
import NIOCore

/// Who waits for a log: first in, first out, one write at a time, on a thread. The policies differ only in how many of those
/// that wait go into one write:
///
///     each    one                       and one sync
///     batch   all at the front of it    and one sync     (group commit: while one runs, the next one gathers)
///     none    all at the front of it    and no sync
///
/// Lives on the lab's loop and never blocks it.
final class CommitQueue<Item: Sendable> {
  typealias Outcome = Result<SegmentedLog.Written, LogFailure>

  private struct Waiting {
    var item: Item
    var policy: FsyncPolicy
    /// Gets the place of the item.
    var done: (Result<UInt64, LogFailure>) -> Void
  }

  private let environment: any Environment
  private let write: @Sendable (_ items: [Item], _ sync: Bool) -> Outcome
  private var waiting = CircularBuffer<Waiting>()
  private var isWriting = false
  private var whenIdle: [() -> Void] = []

  private(set) var commits = 0
  private(set) var syncs = 0
  private(set) var bytes = 0

  init(environment: any Environment, write: @escaping @Sendable (_ items: [Item], _ sync: Bool) -> Outcome) {
    self.environment = environment; self.write = write
  }

  /// Items that are not written yet.
  private(set) var pending = 0

  /// `done` is called later, in the order of the calls, never inside this one.
  func submit(_ item: Item, _ policy: FsyncPolicy, done: @escaping (Result<UInt64, LogFailure>) -> Void) {
    pending += 1
    waiting.append(Waiting(item: item, policy: policy, done: done))
    writeNext()
  }

  private func writeNext() {
    guard !isWriting else { return }
    guard let first = waiting.first else {
      let ready = whenIdle
      whenIdle = []
      ready.forEach { $0() }
      return
    }
    var group: [Waiting] = [waiting.removeFirst()]
    if first.policy != .each {
      while let next = waiting.first, next.policy != .each { group.append(waiting.removeFirst()) }
    }
    let items = group.map(\.item)
    let sync = group.contains { $0.policy != .none }
    isWriting = true
    environment.offload { [write] in write(items, sync) } then: { [self] outcome in
      isWriting = false
      commits += 1
      pending -= group.count
      if case .success(let written) = outcome {
        syncs += written.syncs
        bytes += written.bytes
      }
      // The next write runs while those that waited go on.
      writeNext()
      for (index, entry) in group.enumerated() { entry.done(outcome.map { $0.first + UInt64(index) }) }
    }
  }

  /// The process that wanted these writes is gone: what is not under way is never written, and nobody hears of it.
  func abandon() {
    pending -= waiting.count
    waiting.removeAll()
  }

  /// Calls back when no write is under way; at once when that is now.
  func idle(_ then: @escaping () -> Void) {
    if !isWriting && waiting.isEmpty { then() } else { whenIdle.append(then) }
  }

  func resetCounters() { commits = 0; syncs = 0; bytes = 0 }
}

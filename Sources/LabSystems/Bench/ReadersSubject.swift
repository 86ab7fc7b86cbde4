import Foundation
import Synchronization

// Many readers of one database under the clock: a connection and a thread each, and all begin at one moment. What they get in
// the way of each other with, processors, locks and memory, is all there; nothing is played.

/// Iterations that several readers share: whoever is ready takes the next. Had each its own lot, processors would idle at the
/// end of a sample while the slowest still works, and the throughput would be that of the end.
final class Turns: Sendable {
  private let taken = Atomic<Int>(0)
  private let limit = Atomic<Int>(0)

  /// While no reader runs.
  func begin(_ count: Int) {
    limit.store(count, ordering: .sequentiallyConsistent)
    taken.store(0, ordering: .sequentiallyConsistent)
  }

  /// nil: all are taken.
  func take() -> Int? {
    let next = taken.add(1, ordering: .relaxed).oldValue
    return next < limit.load(ordering: .relaxed) ? next : nil
  }
}

/// Several subjects at the same time; an iteration is as many answers as there are readers, whoever gives them. Its threads
/// live as long as it does: starting them would be a part of every sample.
final class ReadersSubject: BenchSubject {
  private final class Reader: @unchecked Sendable {
    let subject: any BenchSubject
    private let begin = DispatchSemaphore(value: 0)
    private let ended: DispatchSemaphore
    // Written before a signal and read after it.
    private var count = 0
    private var outcome: Result<BenchTotals, any Error> = .success(BenchTotals(checksum: 0))

    init(_ subject: any BenchSubject, ended: DispatchSemaphore) {
      self.subject = subject
      self.ended = ended
      Thread.detachNewThread { [self] in
        while true {
          begin.wait()
          guard count > 0 else { return }
          outcome = Result { try self.subject.run(count) }
          self.ended.signal()
        }
      }
    }

    /// - Parameter count: 0 ends its thread.
    func start(_ count: Int) {
      self.count = count
      begin.signal()
    }

    func totals() throws -> BenchTotals { try outcome.get() }
  }

  private let readers: [Reader]
  private let turns: Turns
  private let ended = DispatchSemaphore(value: 0)
  let note: String?

  /// - Parameters:
  ///   - subjects: not empty; none of them shares anything that is not made for several threads.
  ///   - turns: of all of them.
  init(_ subjects: [any BenchSubject], _ turns: Turns) {
    self.turns = turns
    note = subjects[0].note
    let ended = ended
    readers = subjects.map { Reader($0, ended: ended) }
  }

  deinit { readers.forEach { $0.start(0) } }

  func run(_ count: Int) throws -> BenchTotals {
    turns.begin(count * readers.count)
    readers.forEach { $0.start(count) }
    for _ in readers { ended.wait() }
    let totals = try readers.map { try $0.totals() }
    var sum = BenchTotals(checksum: totals.reduce(0) { $0 &+ $1.checksum })
    let steps = totals.compactMap(\.vmSteps)
    if !steps.isEmpty { sum.vmSteps = steps.reduce(0, +) }
    sum.counts = totals[0].counts.map { one in
      .init(name: one.name, value: totals.reduce(0) { $0 + ($1.counts.first { $0.name == one.name }?.value ?? 0) })
    }
    sum.counts.append(.init(name: "answers", value: count * readers.count))
    return sum
  }
}

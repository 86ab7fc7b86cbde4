// Records of any signal that wait for whoever exports them. Bounded: telemetry that nobody fetches must not take the process's memory.

import Synchronization

public struct TelemetryBufferCounts: Hashable, Sendable {
  /// Taken in, drained or not.
  public var recorded: Int
  /// Found no room.
  public var dropped: Int

  public init(recorded: Int = 0, dropped: Int = 0) {
    self.recorded = recorded
    self.dropped = dropped
  }
}

final class TelemetryBuffer<Record: Sendable>: Sendable {
  private struct State {
    var records: [Record] = []
    var counts = TelemetryBufferCounts()
  }
  private let state = Mutex(State())
  private let max: Int

  init(max: Int) { self.max = max }

  func append(_ record: Record) {
    state.withLock { state in
      guard state.records.count < max else {
        state.counts.dropped += 1
        return
      }
      state.records.append(record)
      state.counts.recorded += 1
    }
  }

  /// Oldest first. What is left in its place has as much room, allocated outside the lock.
  func drain() -> [Record] {
    var taken: [Record] = []
    taken.reserveCapacity(state.withLock { $0.records.count })
    state.withLock { swap(&$0.records, &taken) }
    return taken
  }

  var counts: TelemetryBufferCounts { state.withLock { $0.counts } }
}

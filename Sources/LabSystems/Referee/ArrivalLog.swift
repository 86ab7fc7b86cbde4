import CRefereeShims

/// What is known of every request: four columns of numbers, allocated and touched before the first request. When
/// they are full, later requests are counted and nothing is overwritten: a plan is compared from its first request.
///
///     kernel      CLOCK_MONOTONIC ns at which the kernel took in the last byte read with the request
///     user        the same clock when recvmsg came back
///     sent        the same clock just before the answer was given to the kernel; 0 while there is none
///     connection  number of the connection, from 0, in order of accepting
final class ArrivalLog {
  let capacity: Int
  /// Requests since the last reset, kept or not.
  private(set) var count = 0
  /// Requests before the last reset: tickets go on, so that an answer still due from then finds no row.
  private var base = 0
  private let memory: UnsafeMutableRawPointer
  private let columns: UnsafeMutablePointer<Int64>
  static let columnCount = 4

  init(capacity: Int) throws(LabError) {
    guard let memory = ref_map(capacity * Self.columnCount * 8) else {
      throw LabError(
        place: "referee", cause: "there is no memory for \(capacity) arrivals (32 bytes each)",
        remedy: "keep fewer with --kept")
    }
    self.capacity = capacity
    self.memory = memory
    columns = memory.bindMemory(to: Int64.self, capacity: capacity * Self.columnCount)
  }

  deinit { ref_unmap(memory, capacity * Self.columnCount * 8) }

  var kept: Int { min(count, capacity) }
  var overflow: Int { count - kept }

  /// Returns the ticket for `setSent`.
  @inline(__always)
  func add(kernel: Int64, user: Int64, connection: Int) -> Int {
    let row = count
    count += 1
    if row < capacity {
      columns[row] = kernel
      columns[capacity + row] = user
      columns[2 * capacity + row] = 0
      columns[3 * capacity + row] = Int64(connection)
    }
    return base + row
  }

  @inline(__always)
  func setSent(_ ticket: Int, _ time: Int64) {
    let row = ticket - base
    if row >= 0 && row < capacity { columns[2 * capacity + row] = time }
  }

  func reset() {
    base += count
    count = 0
  }

  /// The rows so far. Valid until the log goes; later rows do not show.
  func column(_ column: Column) -> UnsafeBufferPointer<Int64> {
    UnsafeBufferPointer(start: columns + column.rawValue * capacity, count: kept)
  }

  enum Column: Int, CaseIterable { case kernel, user, sent, connection }
}

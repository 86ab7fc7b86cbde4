/// A row of a table; `row == .min` stands for the whole table (a statement that scans).
struct RowKey: Hashable, Sendable {
  static let wholeTable = Int64.min
  var table: Int
  var row: Int64
}

/// Remembers, for every row, the sequence number of its last committed write. Sequence numbers and not
/// times: two events in the same nanosecond would make the stale share depend on the clock.
///
/// The law: a cached answer is stale when one of the rows it was read from was written after the
/// sequence number that was current before the read. So a load that reads before a write and stores
/// after it is recognised, whatever the order of their answers.
final class WriteLog {
  private(set) var sequence: UInt64 = 0
  private var lastOfRow: [RowKey: UInt64] = [:]
  private var lastOfTable: [Int: UInt64] = [:]

  /// A committed write of a row, or of some row of a table.
  func record(_ key: RowKey) {
    sequence += 1
    lastOfRow[key] = sequence
    lastOfTable[key.table] = sequence
  }

  func hasWritten(since provenance: Provenance) -> Bool {
    if provenance.sequence >= sequence { return false }
    return provenance.rows.contains { key in
      if key.row == RowKey.wholeTable { return lastOfTable[key.table] ?? 0 > provenance.sequence }
      let any = RowKey(table: key.table, row: RowKey.wholeTable)
      return max(lastOfRow[key] ?? 0, lastOfRow[any] ?? 0) > provenance.sequence
    }
  }
}

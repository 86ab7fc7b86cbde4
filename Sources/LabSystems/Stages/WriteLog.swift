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

  /// A committed write of a row.
  func record(_ key: RowKey) {
    sequence += 1
    lastOfRow[key] = sequence
    lastOfTable[key.table] = sequence
  }

  func hasWritten(since provenance: Provenance) -> Bool {
    if provenance.sequence >= sequence { return false }
    return provenance.rows.contains { key in
      let last = key.row == RowKey.wholeTable ? lastOfTable[key.table] : lastOfRow[key]
      return (last ?? 0) > provenance.sequence
    }
  }
}

import GRDBSQLite
import NIOCore

/// What one execution did. `Sendable`, since it may come back from another thread.
struct SQLOutcome: Sendable {
  enum End: Sendable { case rows, changed(Int), busy, failed(String) }
  var end: End
  /// JSON: one object, or an array of objects for statements that are no point lookup.
  var body = ByteBuffer()
  var rowCount = 0
  /// Virtual-machine steps of this execution (SQLITE_STMTSTATUS_VM_STEP).
  var vmSteps = 0
  var changes: [(table: String, row: Int64)] = []
}

/// A prepared statement and what its query plan says about it.
final class PreparedStatement {
  let text: String
  /// Parameter names without `:`, in binding order.
  let parameters: [String]
  let tablesRead: [String]
  let tablesWritten: [String]
  /// Every step of the query plan searches by rowid, or there is no step at all (`INSERT … VALUES`):
  /// the cost does not depend on the number of rows.
  let isPointLookup: Bool
  var isReadOnly: Bool { sqlite3_stmt_readonly(handle) != 0 }
  private let handle: OpaquePointer
  private unowned let connection: SQLConnection
  private let columnHeads: [[UInt8]]
  private let payloadColumn: Int32?
  private let isOrdered: Bool

  init(_ text: String, on connection: SQLConnection, place: String) throws {
    self.text = text
    self.connection = connection
    connection.startPreparing()
    let db = connection.handle
    var prepared: OpaquePointer?
    var length = 0
    let code = text.withCString { start in
      var tail: UnsafePointer<CChar>?
      let code = sqlite3_prepare_v3(db, start, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &prepared, &tail)
      length = tail.map { $0 - start } ?? 0
      return code
    }
    guard code == SQLITE_OK else {
      throw LabError(
        place: place, cause: "SQLite does not accept the statement: \(connection.message)",
        remedy: "the tables are the system's datasets, with the columns of their schemas; `nb data list` shows them")
    }
    guard let handle = prepared else {
      throw LabError(place: place, cause: "the statement is empty", remedy: "write one SQL statement")
    }
    self.handle = handle
    let rest = text.utf8.dropFirst(length)
    guard rest.allSatisfy({ $0 == 32 || $0 == 10 || $0 == 13 || $0 == 9 || $0 == UInt8(ascii: ";") }) else {
      sqlite3_finalize(handle)
      throw LabError(
        place: place, cause: "there is text after the first statement",
        remedy: "keep one statement; use two `sql` stages for two statements")
    }
    tablesRead = connection.tablesRead.sorted()
    tablesWritten = connection.tablesWritten.sorted()
    parameters = (0..<sqlite3_bind_parameter_count(handle)).map { i in
      sqlite3_bind_parameter_name(handle, i + 1).map { String(String(cString: $0).dropFirst()) } ?? ""
    }
    let columns = (0..<sqlite3_column_count(handle)).map { String(cString: sqlite3_column_name(handle, $0)) }
    columnHeads = columns.enumerated().map { i, name in
      var head = ByteBuffer()
      head.writeString(i == 0 ? "{" : ",")
      head.writeJSONString(name.utf8)
      head.writeString(":")
      return Array(head.readableBytesView)
    }
    payloadColumn = columns.firstIndex(of: "payload").map(Int32.init)
    isPointLookup = Self.planSearchesByRowid(text, db)
    isOrdered = Checksum.isOrdered(text)
  }

  deinit { sqlite3_finalize(handle) }

  var facts: StatementFacts {
    StatementFacts(parameters: parameters, tablesRead: tablesRead, tablesWritten: tablesWritten, isPointLookup: isPointLookup)
  }

  private static func planSearchesByRowid(_ text: String, _ db: OpaquePointer) -> Bool {
    var plan: OpaquePointer?
    guard sqlite3_prepare_v2(db, "EXPLAIN QUERY PLAN " + text, -1, &plan, nil) == SQLITE_OK else { return false }
    defer { sqlite3_finalize(plan) }
    while sqlite3_step(plan) == SQLITE_ROW {
      let detail = sqlite3_column_text(plan, 3).map { String(cString: $0) } ?? ""
      let isSearch = detail.hasPrefix("SEARCH") && detail.hasSuffix("INTEGER PRIMARY KEY (rowid=?)")
      if !isSearch { return false }
    }
    return true
  }

  /// Binds, steps to the end, renders the rows as JSON and resets. Integers are bound as integers, so that
  /// the rowid search applies.
  func run(_ arguments: [String]) -> SQLOutcome {
    bind(arguments)
    var outcome = SQLOutcome(end: .rows)
    if !isPointLookup && !columnHeads.isEmpty { outcome.body.writeInteger(UInt8(ascii: "[")) }
    var code = sqlite3_step(handle)
    while code == SQLITE_ROW {
      if outcome.rowCount > 0 { outcome.body.writeInteger(UInt8(ascii: ",")) }
      writeRow(to: &outcome.body)
      outcome.rowCount += 1
      code = sqlite3_step(handle)
    }
    if !isPointLookup && !columnHeads.isEmpty { outcome.body.writeInteger(UInt8(ascii: "]")) }
    outcome.vmSteps = takeSteps()
    sqlite3_reset(handle)
    outcome.changes = connection.changes.isEmpty ? [] : connection.takeChanges()
    switch code {
    case SQLITE_DONE:
      if columnHeads.isEmpty { outcome.end = .changed(Int(sqlite3_changes(connection.handle))) }
    case SQLITE_BUSY, SQLITE_LOCKED: outcome.end = .busy
    default: outcome.end = .failed(connection.message)
    }
    return outcome
  }

  /// What an execution of a bench did.
  struct Work {
    var vmSteps: Int
    /// Steps forward in a table or an index that is read from one end to the other (SQLITE_STMTSTATUS_FULLSCAN_STEP).
    var scanSteps: Int
    /// Returned, or changed.
    var rows: Int
  }

  /// For benches: binds the values, steps to the end and folds the `payload` column (all columns when there is
  /// none) into a checksum. nil when the statement failed.
  ///
  /// Without an ORDER BY the rows of an answer may come in any order, and with another index they do: then the order is
  /// not in the checksum.
  func fold(_ values: [ColumnValue], into checksum: inout Checksum) -> Work? {
    for (place, value) in values.enumerated() { value.bind(to: handle, Int32(place + 1)) }
    let start = checksum
    var sum: UInt64 = 0
    var rows = 0
    var code = sqlite3_step(handle)
    while code == SQLITE_ROW {
      var row = isOrdered ? checksum : start
      if let payloadColumn {
        fold(column: payloadColumn, &row)
      } else {
        for i in 0..<Int32(columnHeads.count) { fold(column: i, &row) }
      }
      sum &+= row.value
      checksum = isOrdered ? row : Checksum(value: sum)
      rows += 1
      code = sqlite3_step(handle)
    }
    let scanned = Int(sqlite3_stmt_status(handle, SQLITE_STMTSTATUS_FULLSCAN_STEP, 1))
    let work = Work(vmSteps: takeSteps(), scanSteps: scanned, rows: columnHeads.isEmpty ? Int(sqlite3_changes(connection.handle)) : rows)
    sqlite3_reset(handle)
    if !connection.changes.isEmpty { _ = connection.takeChanges() }
    return code == SQLITE_DONE ? work : nil
  }

  private func fold(column: Int32, _ checksum: inout Checksum) {
    let bytes = sqlite3_column_blob(handle, column)
    checksum.add(UnsafeRawBufferPointer(start: bytes, count: Int(sqlite3_column_bytes(handle, column))))
  }

  private func takeSteps() -> Int { Int(sqlite3_stmt_status(handle, SQLITE_STMTSTATUS_VM_STEP, 1)) }

  private func bind(_ arguments: [String]) {
    for (i, argument) in arguments.enumerated() {
      let index = Int32(i + 1)
      if let number = Int64(argument) {
        sqlite3_bind_int64(handle, index, number)
      } else {
        // SQLITE_TRANSIENT: SQLite copies the text before the call returns.
        sqlite3_bind_text(handle, index, argument, -1, unsafeBitCast(-1, to: sqlite3_destructor_type.self))
      }
    }
  }

  private func writeRow(to out: inout ByteBuffer) {
    for (i, head) in columnHeads.enumerated() {
      let column = Int32(i)
      out.writeBytes(head)
      switch sqlite3_column_type(handle, column) {
      case SQLITE_INTEGER: out.writeDecimal(Int(sqlite3_column_int64(handle, column)))
      case SQLITE_NULL: out.writeStaticString("null")
      case SQLITE_FLOAT: out.writeString("\(sqlite3_column_double(handle, column))")
      default:
        let bytes = sqlite3_column_blob(handle, column)
        let count = Int(sqlite3_column_bytes(handle, column))
        out.writeJSONString(UnsafeRawBufferPointer(start: bytes, count: count))
      }
    }
    out.writeInteger(UInt8(ascii: "}"))
  }
}

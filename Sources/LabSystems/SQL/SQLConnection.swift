import ExperimentModel
import GRDBSQLite
import NIOCore

// The one file of LabSystems that calls SQLite's C functions, together with PreparedStatement.swift.
// Plain C calls and not GRDB's records: the subject of measurement is the statement, and the VM step
// counter belongs to the statement handle.

/// One connection with its prepared statements. It is used by one thread at a time: the pool lends it to
/// exactly one request, on the event loop or on a worker thread, hence the unchecked conformance.
final class SQLConnection: @unchecked Sendable {
  let handle: OpaquePointer
  private var statements: [PreparedStatement] = []
  /// Tables and rows that the running statement has changed (SQLite's update hook).
  fileprivate(set) var changes: [(table: String, row: Int64)] = []
  /// Tables that the statement being prepared reads (SQLite's authorizer).
  fileprivate(set) var tablesRead: Set<String> = []
  /// Tables that it writes, likewise.
  fileprivate(set) var tablesWritten: Set<String> = []

  /// - Parameter tellsChanges: `changes` are wanted.
  init(path: String, tellsChanges: Bool = true) throws {
    var handle: OpaquePointer?
    let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX
    let code = sqlite3_open_v2(path, &handle, flags, nil)
    guard code == SQLITE_OK, let handle else {
      let message = String(cString: sqlite3_errstr(code))
      sqlite3_close_v2(handle)
      throw LabError(
        place: path, cause: "SQLite cannot open the lab's database: \(message)",
        remedy: "make room in the temporary folder, or set TMPDIR to one that is writable")
    }
    self.handle = handle
    let context = Unmanaged.passUnretained(self).toOpaque()
    if tellsChanges {
      _ = sqlite3_update_hook(
        handle,
        { context, _, _, table, row in
          guard let context, let table else { return }
          let connection = Unmanaged<SQLConnection>.fromOpaque(context).takeUnretainedValue()
          connection.changes.append((String(cString: table), row))
        }, context)
    }
    sqlite3_set_authorizer(
      handle,
      { context, action, table, _, _, _ in
        // A statement of a notebook is data: another file than the lab's own database is out of its reach. VACUUM INTO attaches too.
        if action == SQLITE_ATTACH || action == SQLITE_DETACH { return SQLITE_DENY }
        guard let context, let table else { return SQLITE_OK }
        let connection = Unmanaged<SQLConnection>.fromOpaque(context).takeUnretainedValue()
        switch action {
        case SQLITE_READ: connection.tablesRead.insert(String(cString: table))
        case SQLITE_INSERT, SQLITE_UPDATE, SQLITE_DELETE: connection.tablesWritten.insert(String(cString: table))
        default: break
        }
        return SQLITE_OK
      }, context)
  }

  deinit {
    statements.removeAll()
    sqlite3_close_v2(handle)
  }

  /// Prepares a statement; its index is the number of statements prepared before.
  @discardableResult
  func prepare(_ text: String, place: String) throws -> PreparedStatement {
    let statement = try PreparedStatement(text, on: self, place: place)
    statements.append(statement)
    return statement
  }

  /// What is read and written is of the statement that comes now.
  func startPreparing() {
    tablesRead.removeAll()
    tablesWritten.removeAll()
  }

  func statement(_ index: Int) -> PreparedStatement { statements[index] }

  func takeChanges() -> [(table: String, row: Int64)] {
    defer { changes.removeAll(keepingCapacity: true) }
    return changes
  }

  /// For pragmas and DDL of the lab itself.
  func execute(_ text: String) throws {
    guard sqlite3_exec(handle, text, nil, nil, nil) == SQLITE_OK else {
      throw LabError(
        place: "lab database", cause: "`\(text)` failed: \(message)",
        remedy: "check the name of the dataset and the space in the temporary folder")
    }
  }

  /// For the frame of a transaction; nil when it succeeded.
  func attempt(_ text: String) -> SQLOutcome.End? {
    switch sqlite3_exec(handle, text, nil, nil, nil) {
    case SQLITE_OK: nil
    case SQLITE_BUSY, SQLITE_LOCKED: .busy
    default: .failed(message)
    }
  }

  /// Names of the tables that are there.
  func tables() throws -> Set<String> {
    Set(try names("SELECT name FROM sqlite_schema WHERE type = 'table'"))
  }

  /// Names of a table's indexes, without those that SQLite made by itself.
  func indexes(of table: String) throws -> [String] {
    try names("SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL AND tbl_name = '\(table)' ORDER BY name")
  }

  /// How a statement is carried out, a step each: `SCAN orders`, `SEARCH orders USING INDEX orders_user_id (user_id=?)`.
  func plan(of statement: String) throws -> [String] { try names("EXPLAIN QUERY PLAN " + statement, column: 3) }

  /// One column of all rows.
  private func names(_ query: String, column: Int32 = 0) throws -> [String] {
    var names: [String] = []
    var list: OpaquePointer?
    guard sqlite3_prepare_v2(handle, query, -1, &list, nil) == SQLITE_OK else {
      throw LabError(place: "lab database", cause: "it cannot be read: \(message)", remedy: "start with an empty folder")
    }
    defer { sqlite3_finalize(list) }
    while sqlite3_step(list) == SQLITE_ROW { names.append(sqlite3_column_text(list, column).map { String(cString: $0) } ?? "") }
    return names
  }

  /// How long a statement may wait for another connection's lock.
  func setBusyTimeout(milliseconds: Int32) { sqlite3_busy_timeout(handle, milliseconds) }

  var message: String { String(cString: sqlite3_errmsg(handle)) }
}

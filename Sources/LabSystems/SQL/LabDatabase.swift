import ExperimentModel
import Foundation
import GRDBSQLite

/// The seeded database of one lab: a file in the lab's folder.
///
/// A file in WAL mode and not `:memory:`, because several connections must read while one writes; with
/// `synchronous = OFF` nothing waits for a disk, and the page cache holds it all. A `fsync` is another
/// stage's subject.
final class LabDatabase: @unchecked Sendable {
  let path: String
  /// Kept while the database lives: its files may be deleted with it.
  private let folder: LabFolder

  /// Creates a table with the columns of its schema, rows 1…rows and its indexes for each dataset; the rows of a table that
  /// is there from an earlier lab in the same folder stay as they are, and its indexes become what is declared now.
  init(_ data: [DatasetSpec], seed: UInt64, folder given: LabFolder? = nil) throws {
    folder = try given ?? LabFolder()
    path = folder.path + "/data.sqlite"
    let connection = try SQLConnection(path: path, tellsChanges: false)
    let before = try connection.tables()
    // What nobody else will see when it breaks needs no journal, and each page is written once instead of twice.
    let isOwn = given == nil && before.isEmpty
    try connection.execute("PRAGMA journal_mode = \(isOwn ? "OFF" : "WAL"); PRAGMA synchronous = OFF; BEGIN")
    for dataset in try Self.checked(data) {
      if before.contains(dataset.name) {
        for index in try connection.indexes(of: dataset.name) { try connection.execute("DROP INDEX \"\(index)\"") }
      } else {
        try Self.fill(dataset, DatasetRows(dataset, among: data, seed: seed), on: connection)
      }
      for index in Self.indexes(dataset) { try connection.execute(index) }
    }
    // The planner's statistics: without them it does not know which of two indexes finds fewer rows.
    if data.contains(where: { $0.indexes != nil }) { try connection.execute("ANALYZE") }
    try connection.execute("COMMIT; PRAGMA \(isOwn ? "journal_mode = WAL" : "wal_checkpoint(TRUNCATE)")")
  }

  /// The datasets, if each can be a table.
  static func checked(_ data: [DatasetSpec]) throws -> [DatasetSpec] {
    var seen: Set<String> = []
    for dataset in data {
      let place = "system, data \(dataset.name)"
      let isName =
        dataset.name.utf8.first.map { $0 >= 65 } == true
        && dataset.name.utf8.allSatisfy { ($0 | 32) >= 97 && ($0 | 32) <= 122 || $0 == 95 || ($0 >= 48 && $0 <= 57) }
      guard isName else {
        throw LabError(
          place: place, cause: "`\(dataset.name)` is no table name",
          remedy: "use letters, digits and `_`, starting with a letter")
      }
      guard seen.insert(dataset.name).inserted else {
        throw LabError(place: place, cause: "the dataset occurs twice", remedy: "rename one of them")
      }
      for column in (dataset.indexes ?? []).joined() where !dataset.columns.contains(where: { $0.name == column }) {
        throw LabError(
          place: place, cause: "an index names `\(column)`, which is no column of `\(dataset.kind.rawValue)`",
          remedy: "its columns are \(dataset.columns.map(\.name).joined(separator: ", "))")
      }
      guard (0...10_000_000).contains(dataset.rows) else {
        throw LabError(
          place: place, cause: "\(dataset.rows) rows", remedy: "use at most 10 000 000 rows")
      }
    }
    return data
  }

  /// Creates a dataset's table.
  static func table(_ dataset: DatasetSpec) -> String {
    let columns = dataset.columns.enumerated().map { place, column in
      if place == 0 { return "id INTEGER PRIMARY KEY" }
      return switch column.kind {
      case .integer: "\(column.name) INTEGER NOT NULL DEFAULT \(column.initial)"
      case .text: "\(column.name) TEXT NOT NULL DEFAULT ''"
      case .blob: "\(column.name) BLOB NOT NULL DEFAULT x''"
      }
    }
    return "CREATE TABLE \"\(dataset.name)\" (\(columns.joined(separator: ", ")))"
  }

  /// Creates a dataset's indexes, `orders_user_id_amount`; PostgreSQL understands it too.
  static func indexes(_ dataset: DatasetSpec) -> [String] {
    (dataset.indexes ?? []).map { columns in
      "CREATE INDEX \"\(dataset.name)_\(columns.joined(separator: "_"))\" ON \"\(dataset.name)\" (\(columns.joined(separator: ", ")))"
    }
  }

  /// A connection for requests.
  /// - Parameter durable: a commit is on the disk when it returns, on macOS behind the drive's cache too.
  func connect(durable: Bool = false) throws -> SQLConnection {
    let connection = try SQLConnection(path: path)
    let synchronous = durable ? "PRAGMA synchronous = FULL; PRAGMA fullfsync = 1" : "PRAGMA synchronous = OFF"
    try connection.execute("\(synchronous); PRAGMA mmap_size = 268435456; PRAGMA cache_size = -65536")
    return connection
  }

  /// One prepared statement, inside the caller's transaction.
  private static func fill(_ dataset: DatasetSpec, _ rows: DatasetRows, on connection: SQLConnection) throws {
    try connection.execute(Self.table(dataset))
    let places = Array(repeating: "?", count: dataset.columns.count).joined(separator: ", ")
    var insert: OpaquePointer?
    sqlite3_prepare_v2(connection.handle, "INSERT INTO \"\(dataset.name)\" VALUES (\(places))", -1, &insert, nil)
    defer { sqlite3_finalize(insert) }
    for id in 0..<dataset.rows {
      for place in 0..<rows.width { rows.value(at: place, id + 1).bind(to: insert, Int32(place + 1)) }
      guard sqlite3_step(insert) == SQLITE_DONE else {
        throw LabError(
          place: "system, data \(dataset.name)", cause: "row \(id + 1) cannot be stored: \(connection.message)",
          remedy: "make room in the temporary folder, or ask for fewer rows")
      }
      sqlite3_reset(insert)
    }
  }
}

extension ColumnValue {
  /// To a parameter of a statement, from 1; SQLite copies the bytes.
  func bind(to statement: OpaquePointer?, _ place: Int32) {
    let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
    switch self {
    case .integer(let number): sqlite3_bind_int64(statement, place, number)
    case .text(let text): sqlite3_bind_text(statement, place, text, -1, transient)
    case .blob(let bytes): sqlite3_bind_blob(statement, place, bytes, Int32(bytes.count), transient)
    }
  }
}

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

  /// Creates table NAME(id INTEGER PRIMARY KEY, name TEXT, price INTEGER, version INTEGER, payload BLOB) with
  /// rows 1…rows for each dataset; a table that is there from an earlier lab in the same folder stays as it is.
  init(_ data: [DatasetSpec], seed: UInt64, folder given: LabFolder? = nil) throws {
    folder = try given ?? LabFolder()
    path = folder.path + "/data.sqlite"
    let connection = try SQLConnection(path: path)
    try connection.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF")
    let before = try connection.tables()
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
      guard (0...10_000_000).contains(dataset.rows) else {
        throw LabError(
          place: place, cause: "\(dataset.rows) rows", remedy: "use at most 10 000 000 rows")
      }
      if !before.contains(dataset.name) { try Self.fill(dataset, seed: seed, on: connection) }
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

  private static func fill(_ dataset: DatasetSpec, seed: UInt64, on connection: SQLConnection) throws {
    let table = "\"\(dataset.name)\""
    try connection.execute(
      """
      CREATE TABLE \(table) (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL DEFAULT '', price INTEGER NOT NULL DEFAULT 0,
        version INTEGER NOT NULL DEFAULT 1, payload BLOB NOT NULL DEFAULT x'');
      BEGIN
      """)
    var insert: OpaquePointer?
    sqlite3_prepare_v2(
      connection.handle, "INSERT INTO \(table) VALUES (?, ?, ?, 1, ?)", -1, &insert, nil)
    defer { sqlite3_finalize(insert) }
    let rows = DatasetRows(dataset: dataset.name, seed: seed)
    let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
    for id in 0..<dataset.rows {
      let id = id + 1
      sqlite3_bind_int64(insert, 1, Int64(id))
      sqlite3_bind_text(insert, 2, rows.name(id), -1, transient)
      sqlite3_bind_int64(insert, 3, Int64(rows.price(id)))
      let payload = rows.payload(id)
      sqlite3_bind_blob(insert, 4, payload, Int32(payload.count), transient)
      guard sqlite3_step(insert) == SQLITE_DONE else {
        throw LabError(
          place: "system, data \(dataset.name)", cause: "row \(id) cannot be stored: \(connection.message)",
          remedy: "make room in the temporary folder, or ask for fewer rows")
      }
      sqlite3_reset(insert)
    }
    try connection.execute("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)")
    _ = connection.takeChanges()
  }
}

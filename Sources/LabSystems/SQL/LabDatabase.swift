import ExperimentModel
import Foundation
import GRDBSQLite

/// The seeded database of one lab: a file in a folder of its own, deleted with the lab.
///
/// A file in WAL mode and not `:memory:`, because several connections must read while one writes; with
/// `synchronous = OFF` nothing waits for a disk, and the page cache holds it all. A `fsync` is another
/// stage's subject.
final class LabDatabase: @unchecked Sendable {
  let path: String
  private let folder: String

  /// Creates table NAME(id INTEGER PRIMARY KEY, name TEXT, price INTEGER, version INTEGER, payload BLOB) with
  /// rows 1…rows for each dataset.
  init(_ data: [DatasetSpec], seed: UInt64) throws {
    folder = try LabFolder.make()
    path = folder + "/data.sqlite"
    let connection = try SQLConnection(path: path)
    try connection.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF")
    for dataset in try Self.checked(data) { try Self.fill(dataset, seed: seed, on: connection) }
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
      guard (1...10_000_000).contains(dataset.rows) else {
        throw LabError(
          place: place, cause: "\(dataset.rows) rows", remedy: "use between 1 and 10 000 000 rows")
      }
    }
    return data
  }

  /// Creates a dataset's table.
  static func table(_ dataset: DatasetSpec) -> String {
    """
    CREATE TABLE "\(dataset.name)" (
      id INTEGER PRIMARY KEY, name TEXT NOT NULL, price INTEGER NOT NULL, version INTEGER NOT NULL, payload BLOB NOT NULL)
    """
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  /// A connection for requests.
  func connect() throws -> SQLConnection {
    let connection = try SQLConnection(path: path)
    try connection.execute("PRAGMA synchronous = OFF; PRAGMA mmap_size = 268435456; PRAGMA cache_size = -65536")
    return connection
  }

  private static func fill(_ dataset: DatasetSpec, seed: UInt64, on connection: SQLConnection) throws {
    let table = "\"\(dataset.name)\""
    try connection.execute(Self.table(dataset) + "; BEGIN")
    var insert: OpaquePointer?
    sqlite3_prepare_v2(
      connection.handle, "INSERT INTO \(table) VALUES (?, ?, ?, 1, ?)", -1, &insert, nil)
    defer { sqlite3_finalize(insert) }
    let rows = DatasetRows(dataset: dataset.name, seed: seed)
    let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
    for id in 1...dataset.rows {
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

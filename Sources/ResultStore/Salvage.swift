// Out of a damaged database into a new one. Nothing of the old one is deleted: it is moved aside under a dated name. The new
// one is made whole beside it first, as `….salvaged`; from then on every step can be cut off and is gone on with at the next
// opening.

import ExperimentModel
import Foundation
import GRDB
import TextModel

/// What was saved of a damaged store.
public struct Salvage: Hashable, Sendable {
  /// What was wrong.
  public var damage: String
  /// Rows that are in the new store.
  public var rows: Int
  /// Numbers of rows that were there and could not be read.
  public var lost: [Int64]
  /// Where the damaged file is now.
  public var aside: String

  public var text: String {
    let saved = rows == 1 ? "1 saved result was" : "\(rows) saved results were"
    let list = lost.prefix(10).map(String.init).joined(separator: ", ") + (lost.count > 10 ? ", …" : "")
    let missing = lost.isEmpty ? "none is known to be missing" : "\(lost.count) could not be read (number \(list))"
    return "the results database was damaged (\(damage)): \(saved) taken over into a new one, \(missing)"
  }
  public var remedy: String { "nothing was deleted: the damaged file is \(aside); what notebooks show is also in results/" }

  /// One row as it was saved.
  struct Saved: Hashable {
    var id: Int64
    var lesson: String
    var cell: String
    var inputs: String
    var quick: Bool
    var finished: String
    var stamp: Data
    var value: Data

    /// Torn text is no JSON any more; a row of another version of nb is.
    var isWhole: Bool {
      !lesson.isEmpty && !cell.isEmpty && [stamp, value].allSatisfy { (try? JSONSerialization.jsonObject(with: $0)) is [String: Any] }
    }
  }

  /// - Precondition: nobody else has the store open.
  static func run(_ path: String, damage: String, finishing: Bool = true) throws -> Salvage {
    let folder = path + ".salvage"
    try? FileManager.default.removeItem(atPath: folder)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    do {
      try makeFolder(folder)
      var found: [Int64: Saved] = [:]
      for row in try byDatabase(path, folder) where row.isWhole { found[row.id] = row }
      var seen = Set(found.keys)
      for row in DamagedPages(path).rows() {
        seen.insert(row.id)
        if found[row.id] == nil, row.isWhole { found[row.id] = row }
      }
      // Rows are numbered from 1 without gaps.
      let highest = seen.filter { $0 > 0 && $0 <= Int64(seen.count) + 1_000_000 }.max() ?? 0
      let lost = highest < 1 ? [] : (1...highest).filter { found[$0] == nil }
      let rows = found.values.sorted { $0.id < $1.id }
      try write(rows, to: folder + "/new")
      try syncFile(folder + "/new")
      let report = Salvage(damage: damage, rows: rows.count, lost: lost, aside: asidePath(path))
      try writeFileAtomically(StoreFile.ready(path) + ".json", [UInt8](try JSONEncoder().encode(SalvageOnDisk(report))))
      guard rename(folder + "/new", StoreFile.ready(path)) == 0 else { throw StoreError.system("the new results database cannot be put beside the old one") }
      return finishing ? try finish(path) : report
    } catch let error as FileError {
      throw StoreError("the results database is damaged (\(damage)) and could not be saved: \(error.diagnostic.cause)", error.diagnostic.remedy ?? "free some space")
    } catch let error as DatabaseError {
      throw StoreError("the results database is damaged (\(damage)) and could not be saved: \(error.message ?? "\(error)")", "free some space and run again; nothing was deleted")
    }
  }

  /// Moves the old files aside and the new one into their place; goes on where an earlier call was cut off.
  static func finish(_ path: String) throws -> Salvage {
    let ready = StoreFile.ready(path)
    let kept = (try? readFile(ready + ".json", limit: 1 << 24)).flatMap { try? JSONDecoder().decode(SalvageOnDisk.self, from: Data($0)) }
    let aside = kept?.aside ?? asidePath(path)
    for ending in ["", "-wal", "-shm"] where access(path + ending, F_OK) == 0 {
      guard rename(path + ending, aside + ending) == 0 else { throw StoreError.system("the damaged results database cannot be moved aside") }
    }
    // The moves are on the disk before the new file takes the name: an old log beside it would be taken for its own.
    try syncFolder(of: path)
    guard rename(ready, path) == 0 else { throw StoreError.system("the new results database cannot be put into its place") }
    try syncFolder(of: path)
    unlink(ready + ".json")
    return Salvage(damage: kept?.damage ?? "it was damaged", rows: kept?.rows ?? 0, lost: kept?.lost ?? [], aside: aside)
  }

  // MARK: Reading

  /// What SQLite itself still reads, of a copy: closing would change the original. From both ends, up to where it fails.
  private static func byDatabase(_ path: String, _ folder: String) throws -> [Saved] {
    let copy = folder + "/copy"
    for ending in ["", "-wal"] {
      // A file that cannot be read to its end is read page by page instead.
      guard let bytes = try? readFile(path + ending, limit: 4 << 30), !bytes.isEmpty else { continue }
      try writeFileAtomically(copy + ending, bytes, durable: false)
    }
    var configuration = Configuration()
    configuration.busyMode = .timeout(1)
    guard let queue = try? DatabaseQueue(path: copy, configuration: configuration) else { return [] }
    defer { try? queue.close() }
    var rows: [Saved] = []
    for order in ["ASC", "DESC"] {
      var isThrough = false
      try? queue.read { db in
        let cursor = try Row.fetchCursor(db, sql: "\(Saved.query) ORDER BY id \(order)")
        while let row = try cursor.next() {
          if let saved = Saved(row) { rows.append(saved) }
        }
        isThrough = true
      }
      if isThrough { break }
    }
    return rows
  }

  private static func write(_ rows: [Saved], to path: String) throws {
    let queue = try DatabaseQueue(path: path)
    try ResultStore.migrator.migrate(queue)
    try queue.write { db in
      for row in rows {
        try db.execute(
          sql: "INSERT INTO result (id, lesson, cell, inputs, quick, finished, stamp, value) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
          arguments: [row.id, row.lesson, row.cell, row.inputs, row.quick, row.finished, row.stamp, row.value])
      }
      try ResultStore.indexMissing(db)
    }
    try queue.close()
  }

  // MARK: Files

  /// `results.sqlite.damaged-20261127T030405Z`, with a number where two happen in one second.
  private static func asidePath(_ path: String) -> String {
    let stamp = ISO8601DateFormatter().string(from: Date()).filter { $0 != "-" && $0 != ":" }  // tidy: allow a name for people
    let base = "\(path).damaged-\(stamp)"
    return ([base] + (2...99).map { "\(base)-\($0)" }).first { access($0, F_OK) != 0 && access($0 + "-wal", F_OK) != 0 } ?? base
  }

  private static func syncFile(_ path: String) throws {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    defer { if file >= 0 { close(file) } }
    guard file >= 0, fsync(file) == 0 else { throw StoreError.system("the new results database cannot be written to the disk") }
  }

  private static func syncFolder(of path: String) throws { try syncFile((path as NSString).deletingLastPathComponent) }
}

extension StoreError {
  fileprivate static func system(_ what: String) -> StoreError {
    StoreError("\(what): \(String(cString: strerror(errno)))", "free some space, or make the folder writable, and run again; nothing was deleted")
  }
}

/// The report of a salvage that is not finished, for who finishes it.
private struct SalvageOnDisk: Codable {
  var damage: String
  var rows: Int
  var lost: [Int64]
  var aside: String
  init(_ report: Salvage) { (damage, rows, lost, aside) = (report.damage, report.rows, report.lost, report.aside) }
}

extension Salvage.Saved {
  static let query = "SELECT id, lesson, cell, inputs, quick, finished, stamp, value FROM result"

  static func all(_ db: Database) throws -> [Salvage.Saved] { try Row.fetchAll(db, sql: "\(query) ORDER BY id").compactMap { Salvage.Saved($0) } }

  /// nil: a column holds something else than a row of nb has there.
  fileprivate init?(_ row: Row) {
    guard let id = Int64.fromDatabaseValue(row["id"]), let lesson = String.fromDatabaseValue(row["lesson"]), let cell = String.fromDatabaseValue(row["cell"]),
      let inputs = String.fromDatabaseValue(row["inputs"]), let quick = Bool.fromDatabaseValue(row["quick"]),
      let finished = String.fromDatabaseValue(row["finished"]), let stamp = Data.fromDatabaseValue(row["stamp"]),
      let value = Data.fromDatabaseValue(row["value"])
    else { return nil }
    self.init(id: id, lesson: lesson, cell: cell, inputs: inputs, quick: quick, finished: finished, stamp: stamp, value: value)
  }
}

// Saved results in SQLite (`.nb/results.sqlite`, WAL). One row for each finished cell, written the
// moment it finishes, so that a killed run loses only the cell it was in. Rows are never changed.
// Its numbers stand beside it by address, for history (ResultStore+History.swift).

import ExperimentModel
import Foundation
import GRDB

/// What is kept beside a result and never written into a notebook.
public struct RunStamp: Codable, Hashable, Sendable {
  /// ISO 8601, UTC.
  public var finished: String
  public var commit: String?
  /// CPU model, cores, kernel, nb version: one line each.
  public var environment: [String: String]
  public init(finished: String, commit: String?, environment: [String: String]) {
    self.finished = finished
    self.commit = commit
    self.environment = environment
  }
}

public struct ResultStore: Sendable {
  let file: StoreFile
  /// What was found damaged and saved when it was opened; nil: nothing.
  public var salvage: Salvage? { file.salvage }

  /// When the database is looked through for damage (`PRAGMA quick_check`): 8 ms for 1,000 results, 0.14 s for 20,000 (91 MiB).
  public enum Checks: Sendable {
    /// After a session that did not close it: a few rows may stand in the log only.
    case afterCrash
    case always
  }

  /// Opens or creates the store at `path`; its folder must exist. A damaged one is moved aside, and every row of it that can be
  /// read goes into a new one: see `salvage`.
  ///
  /// - Throws: `StoreError` when it may not be written, the disk is full, or a damaged one is in use.
  public init(path: String, checks: Checks = .afterCrash) throws { file = try StoreFile(path, checks) }

  /// A new store lies ready after a salvage that was cut off.
  public static func isSalvaged(path: String) -> Bool { StoreFile.isSalvaged(path) }

  static var migrator: DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("results") { db in
      try db.execute(
        sql: """
          CREATE TABLE result (
            id INTEGER PRIMARY KEY,
            lesson TEXT NOT NULL,
            cell TEXT NOT NULL,
            inputs TEXT NOT NULL,
            quick INTEGER NOT NULL,
            finished TEXT NOT NULL,
            stamp BLOB NOT NULL,
            value BLOB NOT NULL
          );
          CREATE INDEX result_by_cell ON result (lesson, cell, id);
          """)
    }
    Self.registerHistory(&migrator)
    return migrator
  }

  /// Saves one finished cell; on return it is on disk.
  public func save(_ result: CellResult, lesson: String, stamp: RunStamp) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let value = try encoder.encode(result)
    let stampData = try encoder.encode(stamp)
    try file.write { db in
      try db.execute(
        sql: "INSERT INTO result (lesson, cell, inputs, quick, finished, stamp, value) VALUES (?, ?, ?, ?, ?, ?, ?)",
        arguments: [lesson, result.id, result.inputs, result.quick, stamp.finished, stampData, value])
      try Self.index(result, stamp, row: db.lastInsertedRowID, db)
    }
  }

  /// The newest saved result of each cell of a lesson. A row that this version cannot read is left out.
  public func latest(lesson: String) throws -> [String: CellResult] {
    let rows = try file.read { db in
      try Row.fetchAll(
        db,
        sql: "SELECT cell, value FROM result WHERE id IN (SELECT max(id) FROM result WHERE lesson = ? GROUP BY cell)",
        arguments: [lesson])
    }
    var results: [String: CellResult] = [:]
    let decoder = JSONDecoder()
    for row in rows {
      if var result = try? decoder.decode(CellResult.self, from: row["value"] as Data) {
        // A block that was renamed since keeps what it measured under its old name.
        result.id = row["cell"]
        results[result.id] = result
      }
    }
    return results
  }

  /// The number of each lesson's newest result: it changes when the lesson was run.
  public func newestResults() throws -> [String: Int] {
    let rows = try file.read { db in try Row.fetchAll(db, sql: "SELECT lesson, max(id) AS newest FROM result GROUP BY lesson") }
    return Dictionary(rows.map { ($0["lesson"], $0["newest"]) }, uniquingKeysWith: { a, _ in a })
  }

  /// Gives all results of a block another name; what they hold stays as it was saved.
  ///
  /// - Returns: how many there were.
  public func rename(lesson: String, _ old: String, to new: String) throws -> Int {
    try file.write { db in
      try db.execute(sql: "UPDATE result SET cell = ? WHERE lesson = ? AND cell = ?", arguments: [new, lesson, old])
      return db.changesCount
    }
  }

  /// How many results a lesson has, over all runs.
  public func count(lesson: String) throws -> Int {
    try file.read { db in
      try Int.fetchOne(db, sql: "SELECT count(*) FROM result WHERE lesson = ?", arguments: [lesson]) ?? 0
    }
  }
}

// The numbers of saved results by address, and the series that are made of them. The rows of `measurement` are a
// second form of what `result.value` holds: a store written by an older nb is filled in when it is opened, and an
// older nb still reads a store that was.

import ExperimentModel
import Foundation
import GRDB

extension ResultStore {
  /// Adds what history asks of a result, and fills it in for those that are there. A row that this version cannot
  /// read is left without numbers.
  static func registerHistory(_ migrator: inout DatabaseMigrator) {
    migrator.registerMigration("history") { db in
      // Added columns may be NULL, and older versions of nb name the columns that they write.
      try db.execute(
        sql: """
          ALTER TABLE result ADD COLUMN environment TEXT;
          ALTER TABLE result ADD COLUMN commit_id TEXT;
          ALTER TABLE result ADD COLUMN validity TEXT;
          CREATE TABLE measurement (
            result INTEGER NOT NULL REFERENCES result (id) ON DELETE CASCADE,
            arm TEXT NOT NULL,
            metric TEXT NOT NULL,
            point TEXT NOT NULL,
            value REAL NOT NULL,
            low REAL,
            high REAL,
            unit TEXT NOT NULL,
            PRIMARY KEY (result, arm, metric, point)
          ) WITHOUT ROWID;
          CREATE INDEX result_without_numbers ON result (id) WHERE environment IS NULL;
          """)
      try indexMissing(db)
    }
  }

  /// An older nb may have written into a store that has the newer tables.
  static func indexWhatOlderVersionsWrote(_ queue: DatabaseQueue) throws {
    let isMissing = try queue.read { db in try Bool.fetchOne(db, sql: "SELECT EXISTS (SELECT 1 FROM result WHERE environment IS NULL)") }
    if isMissing == true { try queue.write { db in try indexMissing(db) } }
  }

  /// Rows without numbers yet.
  static func indexMissing(_ db: Database) throws {
    let decoder = JSONDecoder()
    for id in try Int64.fetchAll(db, sql: "SELECT id FROM result WHERE environment IS NULL ORDER BY id") {
      guard let row = try Row.fetchOne(db, sql: "SELECT stamp, value FROM result WHERE id = ?", arguments: [id]),
        let stamp = try? decoder.decode(RunStamp.self, from: row["stamp"] as Data),
        let result = try? decoder.decode(CellResult.self, from: row["value"] as Data)
      else { continue }
      try index(result, stamp, row: id, db)
    }
  }

  /// Writes the numbers of one saved result. A failed or INVALID run has none that may be compared.
  static func index(_ result: CellResult, _ stamp: RunStamp, row: Int64, _ db: Database) throws {
    try db.execute(
      sql: "UPDATE result SET environment = ?, commit_id = ?, validity = ? WHERE id = ?",
      arguments: [stamp.fingerprint, stamp.commit, result.validity.rawValue, row])
    guard result.hasNumbers else { return }
    for (address, value) in result.measuredValues {
      try db.execute(
        sql: "INSERT OR IGNORE INTO measurement (result, arm, metric, point, value, low, high, unit) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        arguments: [
          row, address.arm.joined(separator: "."), address.metric, address.point, value.estimate.value, value.estimate.low,
          value.estimate.high, value.unit.rawValue,
        ])
    }
  }

  /// Every saved value that the filter lets through, as series of comparable values; sorted by address, then by
  /// the time of the first value. In the order in which they were measured, also where the clock was set back between two. Values of failed and INVALID runs are not there.
  public func history(_ filter: HistoryFilter = HistoryFilter()) throws -> [SavedSeries] {
    let wanted: [(column: String, value: String?)] = [
      ("r.lesson", filter.lesson), ("r.cell", filter.block), ("m.arm", filter.arm), ("m.metric", filter.metric), ("m.point", filter.point),
    ]
    let given = wanted.compactMap { column, value in value.map { (column, $0) } }
    let conditions = given.map { "\($0.0) = ?" }.joined(separator: " AND ")
    let rows = try file.read { db in
      try Row.fetchAll(
        db,
        sql: """
          SELECT r.lesson, r.cell, r.inputs, r.quick, r.finished, r.environment, r.commit_id, r.validity,
            m.arm, m.metric, m.point, m.value, m.low, m.high, m.unit
          FROM measurement m JOIN result r ON r.id = m.result
          \(conditions.isEmpty ? "" : "WHERE " + conditions) ORDER BY r.id
          """,
        arguments: StatementArguments(given.map(\.1)))
    }
    var order: [SavedSeries] = []
    var places: [SavedSeries: Int] = [:]
    for row in rows {
      guard let unit = MetricUnit(rawValue: row["unit"]) else { continue }
      // The series without its points is its identity.
      let identity = SavedSeries(
        address: Self.address(row), unit: unit, inputs: row["inputs"], environment: row["environment"] ?? "", quick: row["quick"], points: [])
      let place = places[identity] ?? order.count
      if place == order.count {
        places[identity] = place
        order.append(identity)
      }
      order[place].points.append(
        SavedValue(
          finished: row["finished"], commit: row["commit_id"], value: Estimate(row["value"], low: row["low"], high: row["high"]),
          validity: RunValidity(rawValue: row["validity"] ?? "") ?? .valid))
    }
    return order.enumerated().sorted { ($0.element.address, $0.offset) < ($1.element.address, $1.offset) }.map(\.element)
  }

  private static func address(_ row: Row) -> String {
    let arm: String = row["arm"]
    let point: String = row["point"]
    let path = [row["cell"], arm, row["metric"]].compactMap { (part: String?) in part?.isEmpty == false ? part : nil }
    return "\(row["lesson"] as String)/" + path.joined(separator: ".") + (point.isEmpty ? "" : "@" + point)
  }
}

import ExperimentModel
import Foundation
import NIOCore

/// The seeded rows of one lab in a PostgreSQL that was started for this run: in a schema of their own, so that the arms
/// of a comparison do not see each other's writes; dropped with the lab.
///
/// Statements are the notebook's, which SQLite must accept too: a SQLite without rows says what they read, write and
/// search, so that answers have the same shape whoever runs them.
final class PostgresDatabase: SeededDatabase, @unchecked Sendable {
  private let service: RealService
  private let schema: String
  private let owner: PostgresConnection
  private let analyst: SQLConnection

  init(_ data: [DatasetSpec], seed: UInt64, at service: RealService) throws {
    self.service = service
    // Two labs of one process never live at once but in tests.
    schema = "lab_\(ProcessInfo.processInfo.processIdentifier)_\(DispatchTime.now().uptimeNanoseconds)"
    analyst = try SQLConnection(path: ":memory:")
    do {
      owner = try PostgresConnection(port: service.port, user: service.user ?? "postgres", schema: schema)
      try owner.execute("CREATE SCHEMA \(schema)")
      for dataset in try LabDatabase.checked(data) {
        try analyst.execute(LabDatabase.table(dataset))
        try fill(dataset, seed: seed)
      }
    } catch let error as LabError {
      throw error
    } catch {
      throw LabError(
        place: "system, data", cause: "\(service.label) on port \(service.port) did not take the rows: \(error)",
        remedy: "make room in the temporary folder, or ask for fewer rows")
    }
  }

  deinit { try? owner.execute("DROP SCHEMA \(schema) CASCADE") }

  /// The types are those that hold what SQLite's hold.
  private func fill(_ dataset: DatasetSpec, seed: UInt64) throws {
    let table = "\"\(dataset.name)\""
    try owner.execute(
      """
      CREATE TABLE \(table) (
        id BIGINT PRIMARY KEY, name TEXT NOT NULL DEFAULT '', price BIGINT NOT NULL DEFAULT 0,
        version BIGINT NOT NULL DEFAULT 1, payload BYTEA NOT NULL DEFAULT '')
      """)
    var copy = BinaryCopy(rows: DatasetRows(dataset: dataset.name, seed: seed), count: dataset.rows)
    try owner.copy(into: table) { copy.next() }
    // The planner's statistics, which the server would collect by itself some time later.
    try owner.execute("ANALYZE \(table)")
  }

  func connect(_ statements: [String], durable: Bool, place: String) throws -> any DatabaseConnection {
    guard !durable else {
      throw LabError(
        place: place, cause: "`durable: true` waits for the disk, and \(service.text) does not",
        remedy: "leave `durable` out, or run without `--real postgres`")
    }
    let connection: PostgresConnection
    do { connection = try PostgresConnection(port: service.port, user: service.user ?? "postgres", schema: schema) } catch {
      throw LabError(
        place: place, cause: "\(service.label) on port \(service.port) refuses a connection: \(error)",
        remedy: "use a smaller pool, or fewer arms")
    }
    let facts = try statements.map { try prepare($0, on: connection, place: place) }
    return PostgresSession(connection, facts: facts, label: service.label)
  }

  /// - Returns: what SQLite says about it.
  func prepare(_ text: String, on connection: PostgresConnection, place: String) throws -> StatementFacts {
    let facts = try PreparedStatement(text, on: analyst, place: place).facts
    let numbered = NumberedStatement(text)
    guard numbered.names == facts.parameters else {
      throw LabError(
        place: place, cause: "the statement has parameters that are not written as `:name`", remedy: "write them as `:name`")
    }
    do { try connection.prepare(numbered) } catch {
      throw LabError(
        place: place, cause: "\(service.label) does not accept the statement: \(error)",
        remedy: "write it so that SQLite and PostgreSQL both do, or run without `--real postgres`")
    }
    return facts
  }

  /// For a bench's own use.
  func connect() throws -> PostgresConnection {
    try PostgresConnection(port: service.port, user: service.user ?? "postgres", schema: schema)
  }
}

/// The data of `COPY … (FORMAT binary)`, some 64 KiB at a time: a header, rows of five fields with their lengths, and
/// a closing −1.
struct BinaryCopy {
  let rows: DatasetRows
  let count: Int
  private var id = 0

  init(rows: DatasetRows, count: Int) { self.rows = rows; self.count = count }

  mutating func next() -> ByteBuffer? {
    guard id <= count else { return nil }
    var out = ByteBuffer()
    if id == 0 {
      out.writeBytes(Array("PGCOPY\n".utf8) + [0xFF, 13, 10, 0])
      out.writeInteger(Int32(0))
      out.writeInteger(Int32(0))
      id = 1
    }
    while id <= count, out.readableBytes < 64 << 10 {
      out.writeInteger(Int16(5))
      Self.write(Int64(id), to: &out)
      Self.write(Array(rows.name(id).utf8), to: &out)
      Self.write(Int64(rows.price(id)), to: &out)
      Self.write(Int64(1), to: &out)
      Self.write(rows.payload(id), to: &out)
      id += 1
    }
    if id > count { out.writeInteger(Int16(-1)) }
    return out
  }

  private static func write(_ number: Int64, to out: inout ByteBuffer) {
    out.writeInteger(Int32(8))
    out.writeInteger(number)
  }

  private static func write(_ bytes: [UInt8], to out: inout ByteBuffer) {
    out.writeInteger(Int32(bytes.count))
    out.writeBytes(bytes)
  }
}

/// A pooled connection: statements by index, answers as SQLite's are written.
final class PostgresSession: DatabaseConnection, @unchecked Sendable {
  private let connection: PostgresConnection
  private let facts: [StatementFacts]
  private let label: String

  init(_ connection: PostgresConnection, facts: [StatementFacts], label: String) {
    self.connection = connection; self.facts = facts; self.label = label
  }

  var isInProcess: Bool { false }

  func facts(_ statement: Int) -> StatementFacts { facts[statement] }

  func run(_ statement: Int, _ arguments: [String], patience: Int32) -> SQLOutcome {
    let prepared = connection.statements[statement]
    let isList = !facts[statement].isPointLookup && !prepared.columns.isEmpty
    var outcome = SQLOutcome(end: .rows)
    var affected = 0
    if isList { outcome.body.writeInteger(UInt8(ascii: "[")) }
    do {
      try connection.run(statement, arguments) { reply in
        switch reply {
        case .row(let body):
          if outcome.rowCount > 0 { outcome.body.writeInteger(UInt8(ascii: ",")) }
          prepared.write(body, to: &outcome.body)
          outcome.rowCount += 1
        case .complete(let tag): affected = tag.split(separator: " ").last.flatMap { Int($0) } ?? 0
        default: break
        }
      }
    } catch {
      outcome.end = .failed("\(label): \(error)")
      return outcome
    }
    if isList { outcome.body.writeInteger(UInt8(ascii: "]")) }
    if prepared.columns.isEmpty { outcome.end = .changed(affected) }
    if affected > 0 { outcome.changes = changes(facts[statement], arguments) }
    return outcome
  }

  func runTogether(_ statement: Int, _ batch: [[String]], patience: Int32) -> (outcomes: [SQLOutcome], failure: SQLOutcome.End?) {
    var outcomes: [SQLOutcome] = []
    do {
      try connection.begin()
      for arguments in batch {
        outcomes.append(run(statement, arguments, patience: patience))
        if case .failed = outcomes[outcomes.count - 1].end {
          // Should the connection be gone, the server has rolled back by itself.
          try? connection.execute("ROLLBACK")
          return (outcomes, outcomes[outcomes.count - 1].end)
        }
      }
      try connection.execute("COMMIT")
      return (outcomes, nil)
    } catch {
      return (outcomes, .failed("\(label): \(error)"))
    }
  }

  /// Nobody tells which rows were written: the one that was searched for, or else any of the table.
  private func changes(_ facts: StatementFacts, _ arguments: [String]) -> [(table: String, row: Int64)] {
    let key = facts.keyParameter.flatMap { Int64(arguments[$0]) }
    return facts.tablesWritten.map { ($0, key ?? RowKey.wholeTable) }
  }
}

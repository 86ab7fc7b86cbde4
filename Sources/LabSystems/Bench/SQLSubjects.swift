import ExperimentModel
import NIOCore

// SQL under the clock: the same statement with the same arguments, in SQLite or in a real PostgreSQL.

/// The arguments of a statement, drawn before the clock runs: `:id` is a key of the seeded stream, and `:COLUMN` the
/// value of that column in the row with that key. So a search finds something, and who has more rows is asked for more often.
struct StatementArguments {
  /// A fixed cycle.
  let rows: [[ColumnValue]]

  /// - Parameter facts: of the statement; the keys are those of the first dataset that it reads or writes.
  init(_ facts: StatementFacts, system: SystemSpec, seed: UInt64) throws {
    guard !facts.parameters.isEmpty else { rows = [[]]; return }
    let named = system.data.first { facts.tablesRead.contains($0.name) || facts.tablesWritten.contains($0.name) }
    guard let dataset = named ?? system.data.first, dataset.rows > 0 else {
      throw LabError(
        place: "SQL subject", cause: "the statement has parameters, and its table has no rows to take them from",
        remedy: "give the dataset rows, or write values into the statement")
    }
    let columns = dataset.columns.map(\.name)
    let places = try facts.parameters.map { name in
      if let place = columns.firstIndex(of: name) { return place }
      throw LabError(
        place: "SQL subject", cause: "`:\(name)` is no column of `\(dataset.name)`",
        remedy: "its parameters are \(columns.map { ":\($0)" }.joined(separator: ", ")): `:id` is drawn, the others are of the row with that id")
    }
    let seeded = DatasetRows(dataset, among: system.data, seed: system.seed)
    rows = BenchKeys(dataset, seed: seed).ids.map { id in places.map { seeded.value(at: $0, Int(id)) } }
  }

  subscript(_ iteration: Int) -> [ColumnValue] { rows[iteration % rows.count] }
}

/// How a statement is asked.
struct AskingStyle {
  /// Every iteration opens a connection, prepares the statement and closes it; else all share one.
  var connectsEach = false
  /// With several readers of one database: where each takes its next turn. Writers would wait for each other's lock.
  var turns: Turns?

  func checkReads(_ isReadOnly: Bool) throws {
    guard turns != nil, !isReadOnly else { return }
    throw LabError(
      place: "SQL subject", cause: "several readers ask a statement that writes",
      remedy: "vary the readers of a SELECT; writers take turns whatever their number")
  }

  /// The iteration that comes now; nil after the last.
  ///
  /// - Parameter done: iterations of this subject so far.
  func next(_ done: Int, of count: Int) -> Int? {
    if let turns { return turns.take() }
    return done < count ? done : nil
  }

  /// Readers share the iterations in any order, so that theirs are added up; else each goes on from the last.
  func start(_ checksum: Checksum) -> Checksum { turns == nil ? checksum : Checksum() }
  func end(_ one: Checksum, _ checksum: Checksum) -> Checksum { turns == nil ? one : Checksum(value: checksum.value &+ one.value) }
  var empty: Checksum { turns == nil ? Checksum() : Checksum(value: 0) }
}

/// A SQL statement over the seeded tables. One that writes runs in a transaction for each sample.
final class SQLSubject: BenchSubject {
  private let database: LabDatabase
  private let text: String
  private let style: AskingStyle
  private var connection: SQLConnection
  private var statement: PreparedStatement
  private let arguments: StatementArguments
  let note: String?

  init(_ text: String, _ database: LabDatabase, system: SystemSpec, seed: UInt64, style: AskingStyle = AskingStyle()) throws {
    (self.text, self.database, self.style) = (text, database, style)
    connection = try database.connect()
    statement = try connection.prepare(text, place: "SQL subject")
    arguments = try StatementArguments(statement.facts, system: system, seed: seed)
    try style.checkReads(statement.isReadOnly)
    let plan = try connection.plan(of: text)
    note = plan.isEmpty ? nil : "plan: " + plan.joined(separator: "; ")
  }

  private func connectAnew() throws {
    connection = try database.connect()
    statement = try connection.prepare(text, place: "SQL subject")
  }

  func run(_ count: Int) throws -> BenchTotals {
    var checksum = style.empty
    var done = 0
    var steps = 0
    var scanned = 0
    var rows = 0
    let isOneTransaction = !statement.isReadOnly && !style.connectsEach
    if isOneTransaction { try connection.execute("BEGIN IMMEDIATE") }
    while let i = style.next(done, of: count) {
      if style.connectsEach { try connectAnew() }
      var one = style.start(checksum)
      guard let work = statement.fold(arguments[i], into: &one) else {
        throw LabError(
          place: "SQL subject", cause: "the statement failed: \(connection.message)",
          remedy: "try it with `sqlite3` on the system's tables")
      }
      checksum = style.end(one, checksum)
      done += 1
      steps += work.vmSteps
      scanned += work.scanSteps
      rows += work.rows
    }
    if isOneTransaction { try connection.execute("COMMIT") }
    return BenchTotals(
      checksum: checksum.value, vmSteps: steps, counts: [.init(name: "scan_steps", value: scanned), .init(name: "rows", value: rows)])
  }
}

/// The same statement over the same rows in a real PostgreSQL: one round trip over loopback each.
final class PostgresSubject: BenchSubject {
  private let database: PostgresDatabase
  private let text: String
  private let style: AskingStyle
  private var connection: PostgresConnection
  private let arguments: [[String]]
  private let payload: Int?
  private let isOrdered: Bool
  private let writes: Bool
  let note: String?

  init(_ text: String, _ database: PostgresDatabase, system: SystemSpec, seed: UInt64, style: AskingStyle = AskingStyle()) throws {
    (self.text, self.database, self.style) = (text, database, style)
    connection = try database.connect()
    let facts = try database.prepare(text, on: connection, place: "SQL subject")
    let drawn = try StatementArguments(facts, system: system, seed: seed)
    arguments = try drawn.rows.map { try $0.map { try $0.written } }
    payload = connection.statements[0].columns.firstIndex { $0.name == "payload" }
    isOrdered = Checksum.isOrdered(text)
    writes = !facts.tablesWritten.isEmpty
    try style.checkReads(!writes)
    // `->  Index Scan using …` is a step below the one above it.
    let plan = try connection.plan(of: 0, drawn[0].map(\.sql)).map { $0.drop { " ->".contains($0) } }
    note = writes || plan.isEmpty ? nil : "plan: " + plan.joined(separator: "; ")
  }

  func run(_ count: Int) throws -> BenchTotals {
    var checksum = style.empty
    var done = 0
    do {
      let isOneTransaction = writes && !style.connectsEach
      if isOneTransaction { try connection.begin() }
      while let i = style.next(done, of: count) {
        if style.connectsEach {
          connection = try database.connect()
          try connection.prepare(NumberedStatement(text))
        }
        let start = style.start(checksum)
        var one = start
        var sum: UInt64 = 0
        try connection.run(0, arguments[i % arguments.count]) {
          guard case .row(let body) = $0 else { return }
          var row = isOrdered ? one : start
          fold(body, into: &row)
          sum &+= row.value
          one = isOrdered ? row : Checksum(value: sum)
        }
        checksum = style.end(one, checksum)
        done += 1
      }
      if isOneTransaction { try connection.execute("COMMIT") }
    } catch {
      throw LabError(place: "SQL subject", cause: "the statement failed: \(error)", remedy: "try it with `psql` on the system's tables")
    }
    return BenchTotals(checksum: checksum.value)
  }

  /// As SQLite's subject: the payload, or all columns when there is none.
  private func fold(_ body: ByteBuffer, into checksum: inout Checksum) {
    var row = PostgresRow(body)
    var i = 0
    while let value = row.next() {
      if payload == nil || payload == i { (value ?? ByteBuffer()).withUnsafeReadableBytes { checksum.add($0) } }
      i += 1
    }
  }
}

/// The subject of a statement: in SQLite or a real PostgreSQL, of one connection or of several on threads of their own.
func makeStatementSubject(_ text: String, _ job: BenchJob, system: SystemSpec) throws -> any BenchSubject {
  func all(_ one: (AskingStyle) throws -> any BenchSubject) throws -> any BenchSubject {
    let connectsEach = job.subject.connectsEach == true
    guard let readers = job.readers else { return try one(AskingStyle(connectsEach: connectsEach)) }
    let turns = Turns()
    return ReadersSubject(try (0..<readers).map { _ in try one(AskingStyle(connectsEach: connectsEach, turns: turns)) }, turns)
  }
  if let real = system.service(.postgres) {
    let database = try PostgresDatabase(system.data, seed: system.seed, at: real)
    return try all { try PostgresSubject(text, database, system: system, seed: job.seed, style: $0) }
  }
  let database = try LabDatabase(system.data, seed: system.seed)
  return try all { try SQLSubject(text, database, system: system, seed: job.seed, style: $0) }
}

extension ColumnValue {
  /// As an argument in text.
  fileprivate var written: String {
    get throws {
      switch self {
      case .integer(let number): return String(number)
      case .text(let text): return text
      case .blob:
        throw LabError(place: "SQL subject", cause: "a payload cannot be an argument in PostgreSQL", remedy: "write another column")
      }
    }
  }
}

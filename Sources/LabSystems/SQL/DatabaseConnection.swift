import ExperimentModel

/// What is known about a statement before it runs; SQLite is asked, also for statements that another database runs.
struct StatementFacts: Sendable {
  /// Parameter names without `:`, in binding order.
  var parameters: [String]
  var tablesRead: [String]
  var tablesWritten: [String]
  /// See `PreparedStatement.isPointLookup`.
  var isPointLookup: Bool

  /// Index of the parameter that is the row's id.
  var keyParameter: Int? {
    guard isPointLookup else { return nil }
    return parameters.firstIndex(of: "id") ?? (parameters.count == 1 ? 0 : nil)
  }
}

/// A connection of a pool. It is used by one thread at a time: the pool lends it to exactly one request.
protocol DatabaseConnection: AnyObject, Sendable {
  /// Of the statement with that index in the pool.
  func facts(_ statement: Int) -> StatementFacts
  /// Runs it to its end.
  /// - Parameter patience: milliseconds that it may wait for another connection's lock, where that is not the server's matter.
  func run(_ statement: Int, _ arguments: [String], patience: Int32) -> SQLOutcome
  /// Runs it once for each of the arguments, in one transaction: all of them or none.
  /// - Returns: what each did, and why the transaction was rolled back.
  func runTogether(_ statement: Int, _ batch: [[String]], patience: Int32) -> (outcomes: [SQLOutcome], failure: SQLOutcome.End?)
  /// The database is in this process: a point lookup is cheaper done than handed to a thread.
  var isInProcess: Bool { get }
}

extension SQLConnection: DatabaseConnection {
  var isInProcess: Bool { true }

  func facts(_ statement: Int) -> StatementFacts { self.statement(statement).facts }

  func run(_ statement: Int, _ arguments: [String], patience: Int32) -> SQLOutcome {
    setBusyTimeout(milliseconds: patience)
    return self.statement(statement).run(arguments)
  }

  func runTogether(_ statement: Int, _ batch: [[String]], patience: Int32) -> (outcomes: [SQLOutcome], failure: SQLOutcome.End?) {
    setBusyTimeout(milliseconds: patience)
    let prepared = self.statement(statement)
    // A writer takes its lock at once: one that begins as a reader cannot wait for it later.
    if let failure = attempt(prepared.isReadOnly ? "BEGIN" : "BEGIN IMMEDIATE") { return ([], failure) }
    var outcomes: [SQLOutcome] = []
    for arguments in batch {
      let outcome = prepared.run(arguments)
      outcomes.append(outcome)
      switch outcome.end {
      case .rows, .changed: continue
      case .busy, .failed:
        _ = attempt("ROLLBACK")
        return (outcomes, outcome.end)
      }
    }
    let failure = attempt("COMMIT")
    if failure != nil { _ = attempt("ROLLBACK") }
    return (outcomes, failure)
  }
}

/// A seeded database that requests can be connected to.
protocol SeededDatabase: AnyObject {
  /// A connection with these statements prepared.
  /// - Parameter durable: a commit is on the disk when it returns.
  func connect(_ statements: [String], durable: Bool, place: String) throws -> any DatabaseConnection
}

extension LabDatabase: SeededDatabase {
  func connect(_ statements: [String], durable: Bool, place: String) throws -> any DatabaseConnection {
    let connection = try connect(durable: durable)
    for text in statements { try connection.prepare(text, place: place) }
    return connection
  }
}

/// The database of a system: in a real PostgreSQL where there is one, else SQLite's in the folder.
/// - Parameter isKept: somebody asked for the rows to stay.
func makeDatabase(_ system: SystemSpec, folder: LabFolder?, isKept: Bool) throws -> (any SeededDatabase)? {
  guard !system.data.isEmpty else { return nil }
  guard let service = system.service(.postgres) else { return try LabDatabase(system.data, seed: system.seed, folder: folder) }
  guard !isKept else {
    throw LabError(
      place: "system, data", cause: "\(service.label) ends with this lab and its rows with it: no folder can keep them",
      remedy: "leave out either `--directory` or `--real postgres`")
  }
  return try PostgresDatabase(system.data, seed: system.seed, at: service)
}

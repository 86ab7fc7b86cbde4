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
}

/// A seeded database that requests can be connected to.
protocol SeededDatabase: AnyObject {
  /// A connection with these statements prepared.
  func connect(_ statements: [String], place: String) throws -> any DatabaseConnection
}

extension LabDatabase: SeededDatabase {
  func connect(_ statements: [String], place: String) throws -> any DatabaseConnection {
    let connection = try connect()
    for text in statements { try connection.prepare(text, place: place) }
    return connection
  }
}

/// The database of a system: in a real PostgreSQL where there is one, else SQLite's.
func makeDatabase(_ system: SystemSpec) throws -> (any SeededDatabase)? {
  guard !system.data.isEmpty else { return nil }
  if let service = system.service(.postgres) { return try PostgresDatabase(system.data, seed: system.seed, at: service) }
  return try LabDatabase(system.data, seed: system.seed)
}

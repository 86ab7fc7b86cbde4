import ExperimentModel
import NIOCore

/// Runs one prepared statement on a connection of the stage's pool and answers with its rows.
///
/// Where a statement runs follows from its query plan. A search by rowid costs a few microseconds whatever the
/// size of the table, less than handing it to a thread and back; so it runs on the event loop, where the order of
/// reads and writes is the order of requests. Anything that scans runs on a thread, up to `pool` at once.
/// A point write that meets a scanning writer's lock is repeated on a thread, where it may wait. A write that must be on
/// the disk waits for it on a thread, and so does the transaction of a whole batch (SQLStage+Batch.swift). A database in
/// another process answers after a round trip, so all of its statements wait on threads.
final class SQLStage: Stage {
  let name: String
  let probe: StageProbe
  var isOff = false
  let pool: ConnectionPool
  /// Index of the statement on every connection of the pool.
  let statement: Int
  private let runsHere: Bool
  /// Index of the route variable for each parameter.
  private let arguments: [Int]
  /// What a cached answer of this statement depends on; the row is filled in for a point lookup.
  private let tablesRead: [Int]
  private let keyParameter: Int?
  private let tables: [String: Int]
  private let writes: WriteLog
  let environment: any Environment
  private var calls = 0
  private var errors = 0
  private var vmSteps = 0
  /// Transactions that changed rows, and writes that met none to change, such as an INSERT OR IGNORE of a key that is there.
  private var commits = 0
  private var unchanged = 0
  private var rows = 0

  /// - Parameter tables: index of every dataset's table.
  init(
    _ spec: SQLSpec, name: String, route: Route, pool: ConnectionPool, tables: [String: Int], writes: WriteLog,
    environment: any Environment, place: String
  ) throws {
    self.name = name
    probe = StageProbe(name, .real)
    self.pool = pool
    guard let index = pool.statements.firstIndex(of: spec.statement) else {
      preconditionFailure("the pool of \(name) was opened without the statement of \(place)")
    }
    statement = index
    self.tables = tables
    self.writes = writes
    self.environment = environment
    let facts = pool.facts(index)
    runsHere = facts.isPointLookup && pool.isInProcess && spec.durable != true
    arguments = try facts.parameters.map { parameter in
      guard let index = route.variableNames.firstIndex(of: parameter) else {
        let known = route.variableNames.map { ":\($0)" }.joined(separator: ", ")
        throw LabError(
          place: place,
          cause: parameter.isEmpty
            ? "a parameter has no name" : "parameter :\(parameter) is no variable of the route",
          remedy: known.isEmpty ? "give the route's path a variable" : "use \(known)")
      }
      return index
    }
    tablesRead = facts.tablesRead.compactMap { tables[$0] }
    keyParameter = facts.keyParameter
  }

  func enter(_ exchange: Exchange) -> StageStep {
    if !exchange.batch.isEmpty { return enterBatch(exchange) }
    calls += 1
    guard let connection = pool.takeIdle(now: environment.now) else {
      let arrived = environment.now
      pool.wait(now: arrived) { [self] connection in
        exchange.trail?.waited("pool wait", since: arrived)
        if runsHere {
          if let outcome = runHere(exchange, connection) { finishLater(exchange, connection, outcome) }
        } else {
          runOnThread(exchange, connection)
        }
      }
      return .later
    }
    guard runsHere else {
      runOnThread(exchange, connection)
      return .later
    }
    guard let outcome = runHere(exchange, connection) else { return .later }
    pool.giveBack(connection, now: environment.now)
    return apply(outcome, to: exchange)
  }

  /// On the event loop; nil when another writer held the lock and a thread tries again.
  private func runHere(_ exchange: Exchange, _ connection: any DatabaseConnection) -> SQLOutcome? {
    noteReads(exchange)
    let outcome = connection.run(statement, values(exchange), patience: 0)
    if case .busy = outcome.end {
      runOnThread(exchange, connection)
      return nil
    }
    return outcome
  }

  private func runOnThread(_ exchange: Exchange, _ connection: any DatabaseConnection) {
    // The sequence number is taken before the statement starts: a write that commits meanwhile makes the answer
    // count as older than it may be, never as newer.
    noteReads(exchange)
    let values = values(exchange)
    let (statement, probe) = (statement, probe)
    environment.offload {
      probe.inside { connection.run(statement, values, patience: 5_000) }
    } then: { [self] outcome in
      finishLater(exchange, connection, outcome)
    }
  }

  private func finishLater(_ exchange: Exchange, _ connection: any DatabaseConnection, _ outcome: SQLOutcome) {
    // First the result, then the connection: giving it back may start the next statement at once.
    let step = apply(outcome, to: exchange)
    pool.giveBack(connection, now: environment.now)
    if case .answer = step {
      exchange.route.role.complete(exchange)
    } else {
      exchange.route.role.resume(exchange)
    }
  }

  private func values(_ exchange: Exchange) -> [String] { values(of: exchange.variables) }

  func values(of variables: [String]) -> [String] { arguments.map { variables[$0] } }

  private func noteReads(_ exchange: Exchange) {
    exchange.provenance.sequence = min(exchange.provenance.sequence, writes.sequence)
    for table in tablesRead {
      let row = keyParameter.flatMap { Int64(exchange.variables[arguments[$0]]) } ?? RowKey.wholeTable
      exchange.provenance.rows.append(RowKey(table: table, row: row))
    }
  }

  /// Takes in what the statements of one transaction did; `failure` is why it was rolled back.
  func applyBatch(_ outcomes: [SQLOutcome], _ failure: SQLOutcome.End?, to exchange: Exchange) -> StageStep {
    calls += outcomes.count
    vmSteps += outcomes.reduce(0) { $0 + $1.vmSteps }
    if let failure {
      errors += 1
      if case .failed(let message) = failure {
        exchange.fail(500, "\(name): \(message)")
      } else {
        exchange.fail(503, "\(name): the database stayed locked for 5 s")
      }
      return .answer
    }
    for change in outcomes.flatMap(\.changes) {
      if let table = tables[change.table] { writes.record(RowKey(table: table, row: change.row)) }
    }
    let counts = outcomes.compactMap { outcome -> Int? in if case .changed(let count) = outcome.end { count } else { nil } }
    if counts.contains(where: { $0 > 0 }) { commits += 1 }
    unchanged += counts.count { $0 == 0 }
    rows += counts.reduce(0, +)
    return .next
  }

  private func apply(_ outcome: SQLOutcome, to exchange: Exchange) -> StageStep {
    vmSteps += outcome.vmSteps
    for change in outcome.changes {
      if let table = tables[change.table] { writes.record(RowKey(table: table, row: change.row)) }
    }
    switch outcome.end {
    case .rows where outcome.rowCount > 0:
      exchange.answer.body = outcome.body
      exchange.answer.contentType = .json
      return .next
    case .changed(let count) where count > 0:
      commits += 1
      rows += count
      exchange.answer.body = ByteBuffer(string: "{\"changed\":\(count)}")
      exchange.answer.contentType = .json
      return .next
    case .rows, .changed:
      if case .changed = outcome.end { unchanged += 1 }
      exchange.fail(404, "\(name): no matching row")
    case .busy:
      errors += 1
      exchange.fail(503, "\(name): the database stayed locked for 5 s")
    case .failed(let message):
      errors += 1
      exchange.fail(500, "\(name): \(message)")
    }
    return .answer
  }

  func appendCounters(to counters: inout Counters) {
    counters.add(name, "calls", calls)
    if pool.isInProcess { counters.add(name, "vm_steps", vmSteps) }
    counters.add(name, "errors", errors)
    counters.add(name, "commits", commits)
    counters.add(name, "unchanged", unchanged)
    counters.add(name, "rows_changed", rows)
    counters.peak(name, "pool_wait_ns", Int(pool.waited))
  }

  func resetCounters() {
    calls = 0; vmSteps = 0; errors = 0; commits = 0; unchanged = 0; rows = 0
    pool.resetCounters(now: environment.now)
  }
}

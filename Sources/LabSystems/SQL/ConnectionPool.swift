import NIOCore

/// A pool of connections with a first-in-first-out queue of requests that wait for one.
final class ConnectionPool {
  /// Texts of the prepared statements; the same index on every connection.
  let statements: [String]
  let isInProcess: Bool
  let size: Int
  private var idle: [any DatabaseConnection]
  private var waiting = CircularBuffer<(arrived: Int64, start: (any DatabaseConnection) -> Void)>()
  /// Nanoseconds that requests waited for a connection.
  private(set) var waited: Int64 = 0

  init(_ connections: [any DatabaseConnection], statements: [String]) {
    precondition(!connections.isEmpty)
    idle = connections
    size = connections.count
    isInProcess = connections[0].isInProcess
    self.statements = statements
  }

  /// What SQLite says about a statement; only before the first connection is lent.
  func facts(_ index: Int) -> StatementFacts { idle[0].facts(index) }

  /// A connection at once when one is free and nobody is before us.
  func takeIdle() -> (any DatabaseConnection)? { waiting.isEmpty ? idle.popLast() : nil }

  /// Calls `start` with a connection when it is this request's turn.
  func wait(now: Int64, _ start: @escaping (any DatabaseConnection) -> Void) { waiting.append((now, start)) }

  func giveBack(_ connection: any DatabaseConnection, now: Int64) {
    guard let next = waiting.popFirst() else { idle.append(connection); return }
    waited += now - next.arrived
    next.start(connection)
  }

  /// Connections that nobody uses.
  var free: Int { idle.count }

  func resetCounters() { waited = 0 }
}

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
  private var used = Occupancy()
  /// Connections that were lent.
  private(set) var uses = 0

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
  func takeIdle(now: Int64) -> (any DatabaseConnection)? {
    guard waiting.isEmpty, let connection = idle.popLast() else { return nil }
    used.change(by: 1, now: now)
    uses += 1
    return connection
  }

  /// Calls `start` with a connection when it is this request's turn.
  func wait(now: Int64, _ start: @escaping (any DatabaseConnection) -> Void) { waiting.append((now, start)) }

  func giveBack(_ connection: any DatabaseConnection, now: Int64) {
    guard let next = waiting.popFirst() else {
      used.change(by: -1, now: now)
      idle.append(connection)
      return
    }
    uses += 1
    waited += now - next.arrived
    next.start(connection)
  }

  /// Connections that nobody uses.
  var free: Int { idle.count }

  /// Requests that wait for a connection.
  var pending: Int { waiting.count }

  /// Nanoseconds for which connections were lent, of all of them together.
  func useTime(now: Int64) -> Int64 { used.time(now: now) }

  func resetCounters(now: Int64) {
    waited = 0
    uses = 0
    used.reset(now: now)
  }
}

import NIOCore

/// One blocking connection to a PostgreSQL on 127.0.0.1 with its prepared statements. It is used by one thread at a
/// time: a pool lends it to one request, or it is a bench's own. A broken connection is opened again at its next use.
final class PostgresConnection: @unchecked Sendable {
  struct Statement {
    var text: NumberedStatement
    var columns: [PostgresReply.Column] = []
    var binary: [Bool] = []
    var heads: [ByteBuffer] = []
  }

  /// Longer than any statement of a lesson; a server that is silent for longer is as good as gone.
  private static let patience = 60
  private let port: Int
  private let settings: [(String, String)]
  private var socket: LoopbackSocket
  private var parser = PostgresReplyParser()
  private var isBroken = false
  private(set) var statements: [Statement] = []
  /// As the server says it: `15.18 (Debian 15.18-0+deb12u1)`.
  private(set) var version = ""

  /// - Parameter schema: where unqualified tables are looked for; nil: the default.
  /// - Throws: `PostgresError` from the server, `LoopbackSocket.Failure` when there is none.
  init(port: Int, user: String, schema: String? = nil) throws {
    self.port = port
    settings = [("user", user), ("database", "postgres"), ("application_name", "nb"), ("client_encoding", "UTF8")]
      + (schema.map { [("search_path", $0)] } ?? [])
    socket = try LoopbackSocket(port: port, patience: Self.patience)
    try start()
  }

  deinit { try? socket.send(PostgresRequest.terminate()) }

  private func start() throws {
    try socket.send(PostgresRequest.startup(settings))
    try untilReady { reply in
      switch reply {
      case .authentication(let kind):
        throw PostgresError(code: "28000", message: "the server asks for a password (method \(kind))")
      case .parameter("server_version", let value): version = value
      default: break
      }
    }
  }

  /// Hands every reply to `use` until the server is ready for the next request; then throws its error, if there was one.
  /// What `use` throws ends the connection.
  private func untilReady(_ use: (PostgresReply) throws -> Void) throws {
    var failure: PostgresError?
    do {
      while true {
        guard let reply = try parser.next() else {
          parser.buffer.discardReadBytes()
          try socket.receive(into: &parser.buffer)
          continue
        }
        switch reply {
        case .ready:
          if let failure { throw failure }
          return
        case .error(let error): failure = failure ?? error
        default: if failure == nil { try use(reply) }
        }
      }
    } catch let broken as LoopbackSocket.Failure {
      isBroken = true
      // FATAL errors are followed by the end: say the cause, not the symptom.
      if let failure { throw failure }
      throw broken
    } catch {
      // After an error with ReadyForQuery the connection is in step.
      if failure == nil { isBroken = true }
      throw error
    }
  }

  /// Runs statements without parameters, for the lab's own set-up.
  func execute(_ text: String) throws {
    try socket.send(PostgresRequest.query(text))
    try untilReady { _ in }
  }

  /// How a prepared statement is carried out, with these arguments in SQL: the server's own lines.
  func plan(of index: Int, _ arguments: [String]) throws -> [String] {
    let values = arguments.isEmpty ? "" : "(\(arguments.joined(separator: ", ")))"
    try socket.send(PostgresRequest.query("EXPLAIN (COSTS OFF) EXECUTE s\(index)\(values)"))
    var lines: [String] = []
    try untilReady { reply in
      guard case .row(let body) = reply else { return }
      var row = PostgresRow(body)
      if let line = row.next(), let line { lines.append(String(buffer: line)) }
    }
    return lines
  }

  /// Begins a transaction; until `COMMIT` or `ROLLBACK` the connection is its own.
  func begin() throws {
    if isBroken { try reopen() }
    do { try execute("BEGIN") } catch let broken as LoopbackSocket.Failure {
      isBroken = true
      throw broken
    }
  }

  /// Loads rows by COPY in its binary format.
  /// - Parameter next: the next piece of data; nil at the end.
  func copy(into table: String, _ next: () -> ByteBuffer?) throws {
    try socket.send(PostgresRequest.query("COPY \(table) FROM STDIN (FORMAT binary)"))
    try untilReady { reply in
      guard reply == .copyIn else { return }
      while let data = next() { try socket.send(PostgresRequest.copyData(data)) }
      try socket.send(PostgresRequest.copyDone())
    }
  }

  /// Prepares a statement; its index is the number of statements prepared before.
  func prepare(_ text: NumberedStatement) throws {
    statements.append(try prepared(text, index: statements.count))
  }

  private func prepared(_ text: NumberedStatement, index: Int) throws -> Statement {
    var statement = Statement(text: text)
    var out = PostgresRequest.parse(text.text, name: "s\(index)")
    out.writeImmutableBuffer(PostgresRequest.describe(name: "s\(index)"))
    PostgresRequest.sync(to: &out)
    try socket.send(out)
    try untilReady { reply in
      if case .columns(let columns) = reply { statement.columns = columns }
    }
    statement.binary = statement.columns.map { $0.type == PostgresRequest.bytea }
    statement.heads = statement.columns.enumerated().map { i, column in
      var head = ByteBuffer()
      head.writeString(i == 0 ? "{" : ",")
      head.writeJSONString(column.name.utf8)
      head.writeString(":")
      return head
    }
    return statement
  }

  /// Binds, executes and hands out rows and the closing tag.
  func run(_ index: Int, _ arguments: [String], _ use: (PostgresReply) -> Void) throws {
    if isBroken { try reopen() }
    var out = ByteBuffer()
    PostgresRequest.bind(name: "s\(index)", arguments, binary: statements[index].binary, to: &out)
    PostgresRequest.execute(to: &out)
    PostgresRequest.sync(to: &out)
    do { try socket.send(out) } catch {
      isBroken = true
      throw error
    }
    try untilReady(use)
  }

  private func reopen() throws {
    socket = try LoopbackSocket(port: port, patience: Self.patience)
    parser = PostgresReplyParser()
    isBroken = false
    try start()
    for (index, statement) in statements.enumerated() { statements[index] = try prepared(statement.text, index: index) }
  }
}

extension PostgresConnection.Statement {
  /// A row as a JSON object, as SQLite's rows are written. What has no JSON number (`NaN`) is text.
  func write(_ body: ByteBuffer, to out: inout ByteBuffer) {
    var row = PostgresRow(body)
    var i = 0
    while let value = row.next(), i < columns.count {
      out.writeImmutableBuffer(heads[i])
      if let value {
        if PostgresRequest.isNumber(columns[i].type), value.readableBytesView.allSatisfy({ $0 < 58 || $0 | 32 == 101 }) {
          out.writeImmutableBuffer(value)
        } else {
          out.writeJSONString(value.readableBytesView)
        }
      } else {
        out.writeStaticString("null")
      }
      i += 1
    }
    out.writeInteger(UInt8(ascii: "}"))
  }
}

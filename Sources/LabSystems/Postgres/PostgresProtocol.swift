import NIOCore

// PostgreSQL's frontend/backend protocol 3.0 as far as the lab needs it (chapter "Frontend/Backend Protocol" of its
// manual): trust authentication, the extended query with prepared statements, COPY into a table. Pure values: bytes in,
// replies out; sockets are in PostgresConnection.

/// What the server answers; kinds that the lab does not look at are `other`.
enum PostgresReply: Equatable {
  struct Column: Equatable {
    var name: String
    /// The type, by its number in the catalogue.
    var type: UInt32
  }
  case authenticated
  /// Some way of proving who we are, by its number.
  case authentication(Int32)
  /// A setting of the server that clients may want to know, such as `server_version`.
  case parameter(String, String)
  /// Types of a prepared statement's parameters.
  case parameters([UInt32])
  case columns([Column])
  /// The values of a row, as they lie in the message; see `PostgresRow`.
  case row(ByteBuffer)
  /// `SELECT 1`, `UPDATE 3`.
  case complete(tag: String)
  case copyIn
  case ready
  case error(PostgresError)
  case other(UInt8)
}

/// What the server refused and why, in its own words.
struct PostgresError: Error, Equatable, CustomStringConvertible {
  /// SQLSTATE, five characters.
  var code: String
  var message: String
  var description: String { "\(message) (SQLSTATE \(code))" }
}

/// Splits a server's bytes into replies, however they are cut into pieces.
struct PostgresReplyParser {
  /// A message longer than this is no answer to anything that the lab asks.
  private static let lengthMax: Int32 = 1 << 30
  var buffer = ByteBuffer()

  mutating func append(_ bytes: ByteBuffer) {
    buffer.discardReadBytes()
    buffer.writeImmutableBuffer(bytes)
  }

  /// The next whole reply, or nil until more bytes come.
  /// - Throws: `PostgresError` when these are no messages of the protocol.
  mutating func next() throws(PostgresError) -> PostgresReply? {
    guard let kind = buffer.getInteger(at: buffer.readerIndex, as: UInt8.self),
      let length = buffer.getInteger(at: buffer.readerIndex + 1, as: Int32.self)
    else { return nil }
    guard (4...Self.lengthMax).contains(length) else { throw Self.malformed }
    guard buffer.readableBytes > Int(length) else { return nil }
    buffer.moveReaderIndex(forwardBy: 5)
    var body = buffer.readSlice(length: Int(length) - 4)!
    guard let reply = Self.reply(kind, &body) else { throw Self.malformed }
    return reply
  }

  private static let malformed = PostgresError(code: "08P01", message: "the answer is not of PostgreSQL's protocol 3.0")

  private static func reply(_ kind: UInt8, _ body: inout ByteBuffer) -> PostgresReply? {
    switch kind {
    case UInt8(ascii: "R"):
      return body.readInteger(as: Int32.self).map { $0 == 0 ? .authenticated : .authentication($0) }
    case UInt8(ascii: "S"):
      guard let name = body.readNullTerminatedString(), let value = body.readNullTerminatedString() else { return nil }
      return .parameter(name, value)
    case UInt8(ascii: "t"):
      guard let count = body.readInteger(as: Int16.self), count >= 0 else { return nil }
      let types = (0..<count).compactMap { _ in body.readInteger(as: UInt32.self) }
      return types.count == Int(count) ? .parameters(types) : nil
    case UInt8(ascii: "T"): return columns(&body)
    case UInt8(ascii: "n"): return .columns([])
    case UInt8(ascii: "D"): return .row(body)
    case UInt8(ascii: "C"): return body.readNullTerminatedString().map { .complete(tag: $0) }
    case UInt8(ascii: "G"): return .copyIn
    case UInt8(ascii: "Z"): return .ready
    case UInt8(ascii: "E"): return .error(error(&body))
    default: return .other(kind)
    }
  }

  private static func columns(_ body: inout ByteBuffer) -> PostgresReply? {
    guard let count = body.readInteger(as: Int16.self), count >= 0 else { return nil }
    var columns: [PostgresReply.Column] = []
    for _ in 0..<count {
      // name, table, number in it, type, its size, modifier, format
      guard let name = body.readNullTerminatedString(), body.readBytes(length: 6) != nil,
        let type = body.readInteger(as: UInt32.self), body.readBytes(length: 8) != nil
      else { return nil }
      columns.append(.init(name: name, type: type))
    }
    return .columns(columns)
  }

  /// Fields by a letter: `C` the code, `M` the message, `D` detail.
  private static func error(_ body: inout ByteBuffer) -> PostgresError {
    var error = PostgresError(code: "XX000", message: "an error without a message")
    while let field = body.readInteger(as: UInt8.self), field != 0, let text = body.readNullTerminatedString() {
      switch field {
      case UInt8(ascii: "C"): error.code = text
      case UInt8(ascii: "M"): error.message = text
      case UInt8(ascii: "D"): error.message += ": " + text
      default: break
      }
    }
    return error
  }
}

/// The values of a row, one after the other; nil is NULL.
struct PostgresRow {
  private var body: ByteBuffer
  private(set) var left: Int

  init(_ body: ByteBuffer) {
    self.body = body
    left = Int(self.body.readInteger(as: Int16.self) ?? 0)
  }

  mutating func next() -> ByteBuffer?? {
    guard left > 0 else { return nil }
    left -= 1
    guard let length = body.readInteger(as: Int32.self), length >= 0 else { return .some(nil) }
    return .some(body.readSlice(length: Int(length)))
  }
}

/// What a client says.
enum PostgresRequest {
  /// Types that the lab tells apart, by their numbers in the catalogue.
  static let bytea: UInt32 = 17
  private static let numbers: Set<UInt32> = [20, 21, 23, 26, 700, 701, 1700]

  /// Values of these types are JSON numbers as they are written.
  static func isNumber(_ type: UInt32) -> Bool { numbers.contains(type) }

  static func startup(_ settings: [(String, String)]) -> ByteBuffer {
    message(nil) { out in
      out.writeInteger(Int32(3 << 16))
      for (name, value) in settings {
        out.writeNullTerminatedString(name)
        out.writeNullTerminatedString(value)
      }
      out.writeInteger(UInt8(0))
    }
  }

  /// The server infers the parameters' types.
  static func parse(_ statement: String, name: String) -> ByteBuffer {
    message("P") { out in
      out.writeNullTerminatedString(name)
      out.writeNullTerminatedString(statement)
      out.writeInteger(Int16(0))
    }
  }

  static func describe(name: String) -> ByteBuffer {
    message("D") { out in
      out.writeInteger(UInt8(ascii: "S"))
      out.writeNullTerminatedString(name)
    }
  }

  /// Parameters as text.
  /// - Parameter binary: by column; binary is how a byte string comes as it is and not in hexadecimal.
  static func bind(name: String, _ arguments: [String], binary: [Bool], to out: inout ByteBuffer) {
    write("B", to: &out) { out in
      out.writeInteger(UInt8(0))
      out.writeNullTerminatedString(name)
      out.writeInteger(Int16(0))
      out.writeInteger(Int16(arguments.count))
      for argument in arguments {
        out.writeInteger(Int32(argument.utf8.count))
        out.writeString(argument)
      }
      out.writeInteger(Int16(binary.count))
      for isBinary in binary { out.writeInteger(Int16(isBinary ? 1 : 0)) }
    }
  }

  /// All rows of the bound statement.
  static func execute(to out: inout ByteBuffer) {
    write("E", to: &out) { out in
      out.writeInteger(UInt8(0))
      out.writeInteger(Int32(0))
    }
  }

  static func sync(to out: inout ByteBuffer) { write("S", to: &out) { _ in } }
  static func query(_ text: String) -> ByteBuffer { message("Q") { $0.writeNullTerminatedString(text) } }
  static func copyDone() -> ByteBuffer { message("c") { _ in } }
  static func terminate() -> ByteBuffer { message("X") { _ in } }
  static func copyData(_ data: ByteBuffer) -> ByteBuffer { message("d") { $0.writeImmutableBuffer(data) } }

  private static func message(_ kind: Unicode.Scalar?, _ body: (inout ByteBuffer) -> Void) -> ByteBuffer {
    var out = ByteBuffer()
    write(kind, to: &out, body)
    return out
  }

  /// The length counts itself, not the kind.
  private static func write(_ kind: Unicode.Scalar?, to out: inout ByteBuffer, _ body: (inout ByteBuffer) -> Void) {
    if let kind { out.writeInteger(UInt8(ascii: kind)) }
    let start = out.writerIndex
    out.writeInteger(Int32(0))
    body(&out)
    out.setInteger(Int32(out.writerIndex - start), at: start)
  }
}

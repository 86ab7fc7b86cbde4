// Single requests of a load run, when they were asked for: what a histogram cannot give back, such as their order.

/// One request as it went; 40 bytes. Times are nanoseconds from the run's start.
public struct RawSample: Codable, Hashable, Sendable {
  /// When it was due.
  public var intended: Int64
  /// When its first byte went to the kernel; −1: never.
  public var sent: Int64
  /// When its last byte was there, or when it failed.
  public var received: Int64
  /// Of the answer, head and body, as far as they came.
  public var bytes: Int
  /// The connection's number (a lane of HTTP/2); one that is opened anew keeps it. −1: none was free.
  public var connection: Int32
  /// 0: no status came.
  public var status: UInt16
  /// Index into `RawSamples.names`; −1: given up before one was chosen.
  public var name: Int16
  /// 1 + index into `RawSamples.errors`; 0: good.
  public var error: UInt8
  public init(
    intended: Int64, sent: Int64, received: Int64, bytes: Int, connection: Int32, status: UInt16, name: Int16, error: UInt8
  ) {
    self.intended = intended; self.sent = sent; self.received = received; self.bytes = bytes
    self.connection = connection; self.status = status; self.name = name; self.error = error
  }
}

/// The requests of a run in the order in which they were due, as far as there was room.
public struct RawSamples: Codable, Hashable, Sendable {
  public var rows: [RawSample]
  public var names: [String]
  public var errors: [String]
  /// Requests that ended when the room was used up; `rows.count + truncated` is all of them.
  public var truncated: Int
  public init(rows: [RawSample], names: [String], errors: [String], truncated: Int) {
    self.names = names; self.errors = errors; self.truncated = truncated
    self.rows = rows.sorted { ($0.intended, $0.sent, $0.connection) < ($1.intended, $1.sent, $1.connection) }
  }

  /// Adds those of another loop of the same run.
  public mutating func add(_ other: RawSamples) {
    self = RawSamples(rows: rows + other.rows, names: names, errors: errors, truncated: truncated + other.truncated)
  }
}

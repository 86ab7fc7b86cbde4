import Foundation

/// The simplest client that pays what a synchronous caller pays: one write, then reads until the answer is whole.
final class BlockingMemcachedClient {
  private let fd: Int32
  private var buffer = [UInt8](repeating: 0, count: 64 << 10)

  init(port: Int) throws {
    guard let connected = LoopbackSocket.connected(port: port) else { throw Self.failure("cannot connect to 127.0.0.1:\(port)") }
    fd = connected
  }

  deinit { close(fd) }

  /// Stores rows; many travel together, as filling is not what is measured.
  func fill(_ rows: some Sequence<(key: [UInt8], data: [UInt8])>) throws {
    var commands: [UInt8] = []
    var count = 0
    for row in rows {
      commands += Array("set ".utf8) + row.key + Array(" 0 0 \(row.data.count)\r\n".utf8) + row.data + [13, 10]
      count += 1
      guard commands.count >= buffer.count / 2 else { continue }
      try store(commands, count)
      commands.removeAll(keepingCapacity: true)
      count = 0
    }
    if count > 0 { try store(commands, count) }
  }

  /// One line answers each command, whether it says `STORED` or why not.
  private func store(_ commands: [UInt8], _ count: Int) throws {
    try send(commands)
    let length = try receive { bytes in bytes.last == 10 && bytes.count(where: { $0 == 10 }) == count ? bytes.count : nil }
    let answers = buffer[..<length].split(separator: 10)
    guard answers.allSatisfy({ $0.elementsEqual("STORED\r".utf8) }) else { throw Self.failure("a row was not stored") }
  }

  /// - Parameter command: `get KEY\r\n`.
  func get(command: [UInt8], _ use: (UnsafeRawBufferPointer) -> Void) throws {
    try send(command)
    var start = 0
    var length = 0
    _ = try receive { bytes in
      if length == 0 {
        guard let newline = bytes.firstIndex(of: 10) else { return nil }
        // VALUE key flags length CR LF; `END` when the key is missing.
        var digits = newline - 2
        var scale = 1
        while digits > 0, bytes[digits] != 32 {
          length += Int(bytes[digits] &- 48) * scale
          scale *= 10
          digits -= 1
        }
        start = newline + 1
        if bytes[0] != UInt8(ascii: "V") { return -1 }
      }
      let whole = start + length + 7
      return bytes.count >= whole ? whole : nil
    }
    buffer.withUnsafeBytes { use(UnsafeRawBufferPointer(rebasing: $0[start..<start + length])) }
  }

  private func send(_ bytes: [UInt8]) throws {
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes { write(fd, $0.baseAddress! + sent, bytes.count - sent) }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw Self.failure("the connection broke") }
      sent += count
    }
  }

  /// Reads until `whole` gives the answer's length; a negative length is a refusal.
  private func receive(_ whole: (UnsafeRawBufferPointer) -> Int?) throws -> Int {
    var filled = 0
    while true {
      let count = buffer.withUnsafeMutableBytes { read(fd, $0.baseAddress! + filled, $0.count - filled) }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw Self.failure("the connection broke") }
      filled += count
      let length = buffer.withUnsafeBytes { whole(UnsafeRawBufferPointer(rebasing: $0[..<filled])) }
      if let length {
        guard length >= 0 else { throw Self.failure("a key is not in the memcached") }
        return length
      }
    }
  }

  private static func failure(_ cause: String) -> LabError {
    LabError(
      place: "memcached-get", cause: cause + (errno == 0 ? "" : " (\(String(cString: strerror(errno))))"),
      remedy: "run the block again; if it stays, report it with the system's data")
  }
}

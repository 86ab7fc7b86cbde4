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

  func set(_ key: [UInt8], _ data: [UInt8]) throws {
    try send(Array("set ".utf8) + key + Array(" 0 0 \(data.count)\r\n".utf8) + data + [13, 10])
    let length = try receive { $0.last == 10 ? $0.count : nil }
    guard buffer[..<length].starts(with: "STORED".utf8) else { throw Self.failure("a row was not stored") }
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

import NIOCore

// The text protocol of memcached (protocol.txt of the project) as far as the lab needs it. Pure values: bytes
// in, commands out, bytes out; sockets are in MemcachedServer and CacheClient.

/// A command of a client.
enum MemcachedCommand: Equatable {
  case get(keys: [String], withCAS: Bool)
  case set(key: String, flags: UInt32, seconds: Int64, data: ByteBuffer, noreply: Bool)
  case delete(key: String, noreply: Bool)
  case flushAll(noreply: Bool)
  case version
  case quit
  /// A line to answer with; the stream is in step again after it.
  case error(String)
  /// A line to answer with before closing: what follows cannot be told apart.
  case fatal(String)
}

/// Splits a client's bytes into commands, however they are cut into pieces.
struct MemcachedRequestParser {
  static let keyMax = 250
  static let dataMax = 1 << 20
  private static let lineMax = 8 << 10

  private var buffer = ByteBuffer()
  /// A `set` whose data block is still to come.
  private var pending: (key: String, flags: UInt32, seconds: Int64, length: Int, noreply: Bool)?
  /// Bytes of a refused data block that are still to be skipped.
  private var skip = 0

  mutating func append(_ bytes: ByteBuffer) {
    buffer.discardReadBytes()
    buffer.writeImmutableBuffer(bytes)
  }

  /// The next whole command, or nil until more bytes come.
  mutating func next() -> MemcachedCommand? {
    if skip > 0 {
      let count = min(skip, buffer.readableBytes)
      buffer.moveReaderIndex(forwardBy: count)
      skip -= count
      if skip > 0 { return nil }
    }
    if let set = pending {
      guard buffer.readableBytes >= set.length + 2 else { return nil }
      pending = nil
      let data = buffer.readSlice(length: set.length)!
      let end: UInt16 = buffer.readInteger()!
      if end != 0x0D0A { return .fatal("CLIENT_ERROR bad data chunk") }
      return .set(key: set.key, flags: set.flags, seconds: set.seconds, data: data, noreply: set.noreply)
    }
    guard let newline = buffer.readableBytesView.firstIndex(of: 10) else {
      return buffer.readableBytes > Self.lineMax ? .fatal("CLIENT_ERROR line too long") : nil
    }
    var line = buffer.readString(length: newline - buffer.readerIndex)!
    buffer.moveReaderIndex(forwardBy: 1)
    // `\r\n` would be one Character: look at the byte.
    if line.utf8.last == 13 { line.unicodeScalars.removeLast() }
    return command(line.split(separator: " ").map(String.init))
  }

  private mutating func command(_ words: [String]) -> MemcachedCommand? {
    let noreply = words.last == "noreply"
    switch words.first {
    case "get", "gets":
      let keys = Array(words.dropFirst())
      guard !keys.isEmpty else { return .error("ERROR") }
      guard keys.allSatisfy({ $0.utf8.count <= Self.keyMax }) else { return .error("CLIENT_ERROR key too long") }
      return .get(keys: keys, withCAS: words[0] == "gets")
    case "set":
      guard words.count == 5 || (words.count == 6 && noreply), words[1].utf8.count <= Self.keyMax,
        let flags = UInt32(words[2]), let seconds = Int64(words[3]), let length = Int(words[4]), length >= 0
      else { return .error("CLIENT_ERROR bad command line format") }
      if length > Self.dataMax {
        skip = length <= 1 << 30 ? length + 2 : 0
        return skip > 0 ? .error("SERVER_ERROR object too large for cache") : .fatal("CLIENT_ERROR bad data chunk")
      }
      pending = (words[1], flags, seconds, length, noreply)
      return next()
    case "delete":
      guard words.count >= 2, words[1].utf8.count <= Self.keyMax else {
        return .error("CLIENT_ERROR bad command line format")
      }
      return .delete(key: words[1], noreply: noreply)
    case "flush_all": return .flushAll(noreply: noreply)
    case "version": return .version
    case "quit": return .quit
    default: return .error("ERROR")
    }
  }
}

/// Splits a server's bytes into answers of single-key commands.
struct MemcachedReplyParser: CacheReplyParser {
  private var buffer = ByteBuffer()

  mutating func append(_ bytes: ByteBuffer) {
    buffer.discardReadBytes()
    buffer.writeImmutableBuffer(bytes)
  }

  mutating func next() -> CacheReply? {
    var look = buffer
    guard let line = Self.readLine(&look) else { return nil }
    guard line.hasPrefix("VALUE ") else {
      buffer = look
      switch line {
      case "STORED", "DELETED", "NOT_FOUND", "END", "OK": return .done
      default: return .failed
      }
    }
    let words = line.split(separator: " ")
    guard words.count >= 4, let length = Int(words[3]), length >= 0, length <= 1 << 30 else {
      buffer = look
      return .failed
    }
    // value CRLF END CRLF
    guard look.readableBytes >= length + 7 else { return nil }
    let value = look.readSlice(length: length)!
    look.moveReaderIndex(forwardBy: 7)
    buffer = look
    return .value(value)
  }

  private static func readLine(_ buffer: inout ByteBuffer) -> String? {
    guard let newline = buffer.readableBytesView.firstIndex(of: 10) else { return nil }
    let end = newline > buffer.readerIndex ? newline - 1 : newline
    let line = buffer.readString(length: end - buffer.readerIndex)
    buffer.moveReaderIndex(to: newline + 1)
    return line
  }
}

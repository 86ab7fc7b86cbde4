import NIOCore

// RESP2, the protocol of Redis, as far as a cache's second level needs it. Pure values: bytes in, answers out.

enum RedisCommand {
  /// An array of bulk strings, which is how clients speak.
  static func encode(_ words: [ByteBuffer]) -> ByteBuffer {
    var out = ByteBuffer()
    out.writeString("*\(words.count)\r\n")
    for word in words {
      out.writeString("$\(word.readableBytes)\r\n")
      out.writeImmutableBuffer(word)
      out.writeStaticString("\r\n")
    }
    return out
  }
}

/// Splits a server's bytes into answers: `+OK`, `:1`, `-ERR …`, `$5 value`, `$-1` for no such key.
struct RedisReplyParser: CacheReplyParser {
  /// Redis' own limit of a value.
  private static let lengthMax = 512 << 20
  private var buffer = ByteBuffer()
  /// The stream cannot be told apart any more: every further answer is a failure.
  private var isLost = false

  mutating func append(_ bytes: ByteBuffer) {
    buffer.discardReadBytes()
    buffer.writeImmutableBuffer(bytes)
  }

  mutating func next() -> CacheReply? {
    if isLost {
      guard buffer.readableBytes > 0 else { return nil }
      buffer.clear()
      return .failed
    }
    var look = buffer
    guard let newline = look.readableBytesView.firstIndex(of: 10), newline > look.readerIndex,
      let line = look.readString(length: newline - 1 - look.readerIndex)
    else { return nil }
    look.moveReaderIndex(to: newline + 1)
    switch line.utf8.first {
    case UInt8(ascii: "+"), UInt8(ascii: ":"):
      buffer = look
      return .done
    case UInt8(ascii: "-"):
      buffer = look
      return .failed
    case UInt8(ascii: "$"):
      guard let length = Int(line.dropFirst()), length <= Self.lengthMax else { return lose() }
      if length < 0 {
        buffer = look
        return .done
      }
      guard look.readableBytes >= length + 2 else { return nil }
      let value = look.readSlice(length: length)!
      look.moveReaderIndex(forwardBy: 2)
      buffer = look
      return .value(value)
    default: return lose()
    }
  }

  private mutating func lose() -> CacheReply {
    isLost = true
    buffer.clear()
    return .failed
  }
}

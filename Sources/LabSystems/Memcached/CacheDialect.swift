import NIOCore

// How a cache server is spoken to: the commands of a second level, and how its answers are told apart.

/// The answers of a cache server.
enum CacheReply: Equatable {
  case value(ByteBuffer)
  /// Any other answer that is no error: stored, deleted, no such key.
  case done
  case failed
}

/// Splits a server's bytes into answers, one for each command.
protocol CacheReplyParser {
  mutating func append(_ bytes: ByteBuffer)
  mutating func next() -> CacheReply?
}

enum CacheDialect: Sendable {
  /// memcached's text protocol.
  case memcached
  /// Redis' RESP2.
  case redis

  func makeParser() -> any CacheReplyParser {
    switch self {
    case .memcached: MemcachedReplyParser()
    case .redis: RedisReplyParser()
    }
  }

  func get(_ key: String) -> ByteBuffer {
    switch self {
    case .memcached: ByteBuffer(string: "get \(key)\r\n")
    case .redis: RedisCommand.encode([ByteBuffer(string: "GET"), ByteBuffer(string: key)])
    }
  }

  /// - Parameter seconds: to live; 0: for ever.
  func set(_ key: String, _ data: ByteBuffer, seconds: Int64) -> ByteBuffer {
    switch self {
    case .memcached:
      var out = ByteBuffer(string: "set \(key) 0 \(seconds) \(data.readableBytes)\r\n")
      out.writeImmutableBuffer(data)
      out.writeStaticString("\r\n")
      return out
    case .redis:
      let words = seconds == 0 ? ["SET", key] : ["SETEX", key, "\(seconds)"]
      return RedisCommand.encode(words.map { ByteBuffer(string: $0) } + [data])
    }
  }

  func delete(_ key: String) -> ByteBuffer {
    switch self {
    case .memcached: ByteBuffer(string: "delete \(key)\r\n")
    case .redis: RedisCommand.encode([ByteBuffer(string: "DEL"), ByteBuffer(string: key)])
    }
  }
}

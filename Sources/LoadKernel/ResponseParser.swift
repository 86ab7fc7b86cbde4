// HTTP/1.1 responses as a struct without I/O: bytes in, one finished response at a time out. Bodies are counted and
// skipped unless a sink asks for them; only a head must lie in one piece. One pass over a head, lines found by memchr.

import Glibc

package struct ResponseParser {
  enum Phase: UInt8 { case head, length, chunkSize, chunkData, chunkEnd, trailer, untilClose }
  package enum Event: Equatable, Sendable { case needMore, done, malformed, tooLarge }
  /// A head longer than this is refused wherever its pieces were cut, so that the same answer always counts as the same.
  static let headMax = 32_768
  /// Bytes of a chunk's line and of a trailer's, with their endings but one.
  private static let chunkLineMax = 1_024
  private static let trailerLineMax = 8_192

  private(set) var phase = Phase.head
  private var remaining = 0
  package private(set) var status = 0
  package private(set) var keepAlive = true
  /// 1 hit, 2 miss, 0 neither.
  package private(set) var cache = 0
  /// Set before a request whose answer has no body whatever its head says.
  package var isHead = false
  /// Bytes of trailer lines: a trailer without end is malformed, not waited for.
  private var trailerBytes = 0

  package init() {}

  /// True between responses: an end of stream here loses nothing.
  package var isIdle: Bool { phase == .head }

  /// Consumes from `bytes`; `used` is how many. On `.done` the next response begins at `used`.
  package mutating func consume(_ bytes: UnsafePointer<UInt8>, _ count: Int, used: inout Int, sink: ResponseSink? = nil) -> Event {
    while true {
      let left = count - used
      switch phase {
      case .head:
        let start = bytes + used
        // Not a byte beyond the largest head is looked at, whether it has come yet or not.
        let length = parseHead(start, min(left, Self.headMax))
        if length == 0 { return left < Self.headMax ? .needMore : .tooLarge }
        guard length > 0 else { return .malformed }
        used += length
        sink?.put(head: start, length)
        if status < 200 {
          if status == 101 { return .malformed }
          phase = .head
          continue
        }
        if isHead || status == 204 || status == 304 || phase == .length && remaining == 0 {
          phase = .head
          return .done
        }
      case .length, .chunkData:
        let take = min(left, remaining)
        sink?.put(body: bytes + used, take)
        used += take
        remaining -= take
        if remaining > 0 { return .needMore }
        if phase == .length {
          phase = .head
          return .done
        }
        phase = .chunkEnd
      case .chunkEnd:
        if left >= 1, bytes[used] != 13 { return .malformed }
        guard left >= 2 else { return .needMore }
        guard bytes[used + 1] == 10 else { return .malformed }
        used += 2
        phase = .chunkSize
      case .chunkSize:
        guard let length = Self.line(bytes + used, left) else { return left > Self.chunkLineMax ? .malformed : .needMore }
        guard length < Self.chunkLineMax, let size = Self.chunkSize(bytes + used, length) else { return .malformed }
        used += length + 2
        remaining = size
        trailerBytes = 0
        phase = size == 0 ? .trailer : .chunkData
      case .trailer:
        guard let length = Self.line(bytes + used, left) else { return left > Self.trailerLineMax ? .malformed : .needMore }
        guard length >= 0, length < Self.trailerLineMax else { return .malformed }
        used += length + 2
        trailerBytes += length + 2
        if trailerBytes > 65_536 { return .malformed }
        if length == 0 {
          phase = .head
          return .done
        }
      case .untilClose:
        sink?.put(body: bytes + used, left)
        used = count
        return .needMore
      }
    }
  }

  /// The stream ended: a close-delimited body is complete, anything else in progress is not.
  package mutating func end() -> Event {
    if phase == .untilClose {
      phase = .head
      keepAlive = false
      return .done
    }
    return .malformed
  }

  /// Length of a line without its CRLF; nil when it has not ended, −1 when it ends with a bare LF.
  private static func line(_ start: UnsafePointer<UInt8>, _ count: Int) -> Int? {
    guard count > 0, let found = memchr(start, 10, count) else { return nil }
    let length = UnsafeRawPointer(found) - UnsafeRawPointer(start)
    guard length > 0, start[length - 1] == 13 else { return -1 }
    return length - 1
  }

  private static func chunkSize(_ bytes: UnsafePointer<UInt8>, _ length: Int) -> Int? {
    var size = 0
    var digits = 0
    loop: while digits < max(0, length) {
      let byte = bytes[digits]
      let digit: Int
      switch byte {
      case 48...57: digit = Int(byte) - 48
      case 97...102: digit = Int(byte) - 87
      case 65...70: digit = Int(byte) - 55
      case 59, 32, 9: break loop
      default: return nil
      }
      digits += 1
      if digits > 15 { return nil }
      size = size << 4 | digit
    }
    return digits > 0 ? size : nil
  }

  /// - Returns: the head's length with its blank line; 0 when it has not ended, −1 when it is not one.
  private mutating func parseHead(_ start: UnsafePointer<UInt8>, _ count: Int) -> Int {
    // Wrong from the first bytes on: no use in waiting for an end.
    if !Self.isPrefix(start, count, "HTTP/1.") { return -1 }
    guard var at = Self.line(start, count) else { return 0 }
    guard at >= 12, start[7] == 48 || start[7] == 49, start[8] == 32, at == 12 || start[12] == 32 else { return -1 }
    var code = 0
    for i in 9..<12 {
      guard (48...57).contains(start[i]) else { return -1 }
      code = code * 10 + Int(start[i]) - 48
    }
    guard code >= 100 else { return -1 }
    status = code
    keepAlive = start[7] == 49
    cache = 0
    remaining = -1
    var chunked = false
    at += 2
    while true {
      guard let length = Self.line(start + at, count - at) else { return 0 }
      guard length >= 0 else { return -1 }
      if length == 0 { break }
      if !header(start + at, length, &chunked) { return -1 }
      at += length + 2
    }
    phase = chunked ? .chunkSize : remaining >= 0 ? .length : .untilClose
    return at + 2
  }

  private mutating func header(_ line: UnsafePointer<UInt8>, _ count: Int, _ chunked: inout Bool) -> Bool {
    switch line[0] | 0x20 {
    case 99:  // content-length, connection
      if let value = Self.value(line, count, "content-length:") {
        var length = 0
        var digits = 0
        var from = value
        var to = count
        while from < to, line[from] == 32 || line[from] == 9 { from += 1 }
        while to > from, line[to - 1] == 32 || line[to - 1] == 9 { to -= 1 }
        for i in from..<to {
          let byte = line[i]
          guard (48...57).contains(byte), digits < 18 else { return false }
          length = length * 10 + Int(byte) - 48
          digits += 1
        }
        guard digits > 0, remaining < 0 || remaining == length else { return false }
        remaining = length
      } else if let value = Self.value(line, count, "connection:") {
        if Self.contains(line + value, count - value, "close") { keepAlive = false }
        if Self.contains(line + value, count - value, "keep-alive") { keepAlive = true }
      }
    case 116:  // transfer-encoding
      if let value = Self.value(line, count, "transfer-encoding:") {
        // The last coding decides how the body ends (RFC 9112, 6.3); another one than chunked is not answered to our request.
        var from = count
        while from > value, line[from - 1] != 44 { from -= 1 }
        while from < count, line[from] == 32 || line[from] == 9 { from += 1 }
        guard count - from >= 7, Self.contains(line + from, 7, "chunked") else { return false }
        for i in (from + 7)..<count where line[i] != 32 && line[i] != 9 { return false }
        chunked = true
      }
    case 120:  // x-cache
      if let value = Self.value(line, count, "x-cache:") {
        cache = Self.contains(line + value, count - value, "hit") ? 1 : 2
      }
    default: break
    }
    return true
  }

  /// What there is of `bytes` agrees with `text`.
  private static func isPrefix(_ bytes: UnsafePointer<UInt8>, _ count: Int, _ text: StaticString) -> Bool {
    for i in 0..<min(max(0, count), text.utf8CodeUnitCount) where bytes[i] != text.utf8Start[i] { return false }
    return true
  }

  private static func value(_ line: UnsafePointer<UInt8>, _ count: Int, _ name: StaticString) -> Int? {
    let n = name.utf8CodeUnitCount
    guard count >= n else { return nil }
    let text = name.utf8Start
    for i in 0..<n where (line[i] | 0x20) != (text[i] | 0x20) { return nil }
    return n
  }

  private static func contains(_ line: UnsafePointer<UInt8>, _ count: Int, _ word: StaticString) -> Bool {
    let n = word.utf8CodeUnitCount
    guard count >= n else { return false }
    let text = word.utf8Start
    for start in 0...(count - n) {
      var same = true
      for i in 0..<n where (line[start + i] | 0x20) != text[i] { same = false; break }
      if same { return true }
    }
    return false
  }
}

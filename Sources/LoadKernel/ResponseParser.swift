// HTTP/1.1 responses as a struct without I/O: bytes in, one finished response at a time out. Bodies
// are counted and skipped, never stored; only a head must fit into the connection's buffer.

import CKernelShims

struct ResponseParser {
  enum Phase { case head, length, chunkSize, chunkData, chunkEnd, trailer, untilClose }
  enum Event: Equatable { case needMore, done, malformed }

  private(set) var phase = Phase.head
  private var remaining = 0
  private(set) var status = 0
  private(set) var keepAlive = true
  /// 1 hit, 2 miss, 0 neither.
  private(set) var cache = 0
  /// Set before a request whose answer has no body whatever its head says.
  var isHead = false

  /// True between responses: an end of stream here loses nothing.
  var isIdle: Bool { phase == .head }

  /// Consumes from `bytes`; `used` is how many. On `.done` the next response begins at `used`.
  mutating func consume(_ bytes: UnsafePointer<UInt8>, _ count: Int, used: inout Int) -> Event {
    while true {
      let left = count - used
      switch phase {
      case .head:
        let start = bytes + used
        guard let end = nb_memmem(start, left, "\r\n\r\n", 4) else { return .needMore }
        let length = UnsafeRawPointer(end) - UnsafeRawPointer(start) + 2
        guard parseHead(start, length) else { return .malformed }
        used += length + 2
        if status < 200 {
          if status == 101 { return .malformed }
          phase = .head
          continue
        }
        if isHead || status == 204 || status == 304 {
          phase = .head
          return .done
        }
        if phase == .length, remaining == 0 {
          phase = .head
          return .done
        }
      case .length, .chunkData:
        let take = min(left, remaining)
        used += take
        remaining -= take
        if remaining > 0 { return .needMore }
        if phase == .length {
          phase = .head
          return .done
        }
        phase = .chunkEnd
      case .chunkEnd:
        guard left >= 2 else { return .needMore }
        guard bytes[used] == 13, bytes[used + 1] == 10 else { return .malformed }
        used += 2
        phase = .chunkSize
      case .chunkSize:
        guard let end = nb_memmem(bytes + used, left, "\r\n", 2) else { return left > 1_024 ? .malformed : .needMore }
        let length = UnsafeRawPointer(end) - UnsafeRawPointer(bytes + used)
        var size = 0
        var digits = 0
        for i in 0..<length {
          let byte = bytes[used + i]
          let digit: Int
          switch byte {
          case 48...57: digit = Int(byte) - 48
          case 97...102: digit = Int(byte) - 87
          case 65...70: digit = Int(byte) - 55
          default: digit = -1
          }
          if digit < 0 {
            if byte == 59 || byte == 32 || byte == 9 { break }
            return .malformed
          }
          digits += 1
          if digits > 15 { return .malformed }
          size = size << 4 | digit
        }
        guard digits > 0 else { return .malformed }
        used += length + 2
        remaining = size
        phase = size == 0 ? .trailer : .chunkData
      case .trailer:
        guard let end = nb_memmem(bytes + used, left, "\r\n", 2) else { return left > 8_192 ? .malformed : .needMore }
        let length = UnsafeRawPointer(end) - UnsafeRawPointer(bytes + used)
        used += length + 2
        if length == 0 {
          phase = .head
          return .done
        }
      case .untilClose:
        used = count
        return .needMore
      }
    }
  }

  /// The stream ended: a close-delimited body is complete, anything else in progress is not.
  mutating func end() -> Event {
    if phase == .untilClose {
      phase = .head
      keepAlive = false
      return .done
    }
    return .malformed
  }

  /// `start..<start+count` is the head up to and with its last CRLF.
  private mutating func parseHead(_ start: UnsafePointer<UInt8>, _ count: Int) -> Bool {
    guard count >= 14, nb_memmem(start, 7, "HTTP/1.", 7) != nil else { return false }
    let minor = start[7]
    guard minor == 48 || minor == 49, start[8] == 32 else { return false }
    var code = 0
    for i in 9..<12 {
      guard (48...57).contains(start[i]) else { return false }
      code = code * 10 + Int(start[i]) - 48
    }
    guard code >= 100, start[12] == 32 || start[12] == 13 else { return false }
    status = code
    keepAlive = minor == 49
    cache = 0
    remaining = -1
    var chunked = false
    var line = 0
    while line < count, start[line] != 13 { line += 1 }
    line += 2
    while line < count {
      var end = line
      while end < count, start[end] != 13 { end += 1 }
      if end > line, !header(start + line, end - line, &chunked) { return false }
      line = end + 2
    }
    if chunked {
      phase = .chunkSize
    } else if remaining >= 0 {
      phase = .length
    } else {
      phase = .untilClose
    }
    return true
  }

  private mutating func header(_ line: UnsafePointer<UInt8>, _ count: Int, _ chunked: inout Bool) -> Bool {
    switch line[0] | 0x20 {
    case 99:  // content-length, connection
      if let value = Self.value(line, count, "content-length:") {
        var length = 0
        var digits = 0
        for i in value..<count {
          let byte = line[i]
          if byte == 32 || byte == 9 { continue }
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
        guard Self.contains(line + value, count - value, "chunked") else { return false }
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

/// The head of one HTTP/1.x request, as ranges of the bytes it was parsed from.
struct RequestHead: Equatable {
  var method: Range<Int> = 0..<0
  /// The request target without its query.
  var path: Range<Int> = 0..<0
  var keepAlive = true
  var contentLength = 0
  var ifNoneMatch: Range<Int>?
  var acceptsGzip = false
  var expectsContinue = false
  /// Length of the head with its empty line.
  var length = 0
}

/// Parses request heads (RFC 9112) out of a byte buffer; allocates nothing, keeps no state, so a request that comes
/// in pieces is parsed again when more of it is there. Written for this lab because its own CPU must stay small
/// beside the work it stands for; NIO's codec costs several heap objects a request.
///
/// Strict on purpose: CRLF only, no folded lines, no chunked request bodies (411), 16 KiB of head.
enum RequestParser {
  static let headMax = 16 << 10
  static let bodyMax = 1 << 20

  enum Outcome: Equatable {
    case incomplete
    case head(RequestHead)
    /// The status to answer before closing.
    case invalid(Int)
  }

  static func parse(_ bytes: UnsafeRawBufferPointer) -> Outcome {
    var head = RequestHead()
    guard let lineEnd = endOfLine(bytes, from: 0) else {
      return bytes.count > headMax ? .invalid(431) : .incomplete
    }
    guard requestLine(bytes, lineEnd, &head) else { return .invalid(400) }
    var hasLength = false
    var start = lineEnd + 2
    while true {
      guard let end = endOfLine(bytes, from: start), end <= headMax else {
        return bytes.count > headMax ? .invalid(431) : .incomplete
      }
      if end == start {
        head.length = end + 2
        return head.contentLength > bodyMax ? .invalid(413) : .head(head)
      }
      var colon = start
      while colon < end && bytes[colon] != UInt8(ascii: ":") { colon += 1 }
      guard colon < end, colon > start, bytes[colon - 1] > 32, bytes[start] > 32 else { return .invalid(400) }
      var from = colon + 1
      var to = end
      while from < to && (bytes[from] == 32 || bytes[from] == 9) { from += 1 }
      while to > from && (bytes[to - 1] == 32 || bytes[to - 1] == 9) { to -= 1 }
      switch colon - start {
      case 14 where equals(bytes, start..<colon, "content-length"):
        guard let length = decimal(bytes, from..<to) else { return .invalid(400) }
        // Two different lengths are how requests are smuggled (RFC 9112, 6.3).
        if hasLength && length != head.contentLength { return .invalid(400) }
        hasLength = true
        head.contentLength = length
      case 17 where equals(bytes, start..<colon, "transfer-encoding"):
        return .invalid(hasLength ? 400 : 411)
      case 10 where equals(bytes, start..<colon, "connection"):
        if equals(bytes, from..<to, "close") { head.keepAlive = false }
        if equals(bytes, from..<to, "keep-alive") { head.keepAlive = true }
      case 13 where equals(bytes, start..<colon, "if-none-match"):
        head.ifNoneMatch = from..<to
      case 15 where equals(bytes, start..<colon, "accept-encoding"):
        head.acceptsGzip = AcceptEncoding.allowsGzip(UnsafeRawBufferPointer(rebasing: bytes[from..<max(from, to)]))
      case 6 where equals(bytes, start..<colon, "expect"):
        head.expectsContinue = equals(bytes, from..<to, "100-continue")
      default: break
      }
      start = end + 2
    }
  }

  /// `METHOD SP target SP HTTP/1.x`
  private static func requestLine(_ bytes: UnsafeRawBufferPointer, _ end: Int, _ head: inout RequestHead) -> Bool {
    var i = 0
    while i < end && bytes[i] >= UInt8(ascii: "A") && bytes[i] <= UInt8(ascii: "Z") { i += 1 }
    guard i > 0, i < end, bytes[i] == 32 else { return false }
    head.method = 0..<i
    let target = i + 1
    i = target
    var pathEnd: Int?
    while i < end && bytes[i] != 32 {
      if bytes[i] == UInt8(ascii: "?") && pathEnd == nil { pathEnd = i }
      if bytes[i] < 33 || bytes[i] == 127 { return false }
      i += 1
    }
    guard i > target, i + 9 == end, equals(bytes, i + 1..<i + 8, "http/1.") else { return false }
    head.path = target..<(pathEnd ?? i)
    switch bytes[end - 1] {
    case UInt8(ascii: "1"): head.keepAlive = true
    case UInt8(ascii: "0"): head.keepAlive = false
    default: return false
    }
    return true
  }

  /// Index of the CR of the next CRLF.
  private static func endOfLine(_ bytes: UnsafeRawBufferPointer, from: Int) -> Int? {
    var i = from
    let last = min(bytes.count, headMax + 2) - 1
    while i < last {
      if bytes[i] == 13 && bytes[i + 1] == 10 { return i }
      i += 1
    }
    return nil
  }

  private static func equals(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>, _ lower: StaticString) -> Bool {
    guard range.count == lower.utf8CodeUnitCount else { return false }
    for i in 0..<range.count {
      let byte = bytes[range.lowerBound + i]
      let folded = byte >= 65 && byte <= 90 ? byte | 32 : byte
      if folded != lower.utf8Start[i] { return false }
    }
    return true
  }

  private static func decimal(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> Int? {
    guard !range.isEmpty, range.count <= 12 else { return nil }
    var value = 0
    for i in range {
      guard bytes[i] >= 48, bytes[i] <= 57 else { return nil }
      value = value * 10 + Int(bytes[i] - 48)
    }
    return value
  }
}

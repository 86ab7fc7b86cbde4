import NIOCore

/// Turns answers into HTTP/1.1 bytes, with no temporary string on the way of a 200. There is no `Date` field: the lab
/// tells no time of day, so that equal systems give equal bytes.
enum ResponseWriter {
  /// Bodies up to this size are copied behind their head into one buffer: one `write` is cheaper than two buffers.
  private static let copyMax = 32 << 10

  /// Writes head and body. A large body, and that of a route with two writes, is returned instead, to be sent after `out`.
  static func write(_ exchange: Exchange, close: Bool, to out: inout ByteBuffer) -> ByteBuffer? {
    let notModified = exchange.isNotModified
    let answer = exchange.answer
    writeStatus(notModified ? 304 : answer.status, &out)
    switch answer.contentType {
    case .none: break
    case .json: out.writeStaticString("Content-Type: application/json\r\n")
    case .text: out.writeStaticString("Content-Type: text/plain; charset=utf-8\r\n")
    case .bytes: out.writeStaticString("Content-Type: application/octet-stream\r\n")
    case .html: out.writeStaticString("Content-Type: text/html; charset=utf-8\r\n")
    case .css: out.writeStaticString("Content-Type: text/css; charset=utf-8\r\n")
    case .javascript: out.writeStaticString("Content-Type: text/javascript; charset=utf-8\r\n")
    case .svg: out.writeStaticString("Content-Type: image/svg+xml\r\n")
    }
    switch exchange.cacheState {
    case .none: break
    case .hit: out.writeStaticString("X-Cache: HIT\r\n")
    case .miss: out.writeStaticString("X-Cache: MISS\r\n")
    }
    if let fields = answer.fields { out.writeString(fields) }
    if let etag = answer.etag {
      out.writeStaticString("ETag: ")
      out.writeString(etag)
      out.writeStaticString("\r\n")
    }
    if answer.dependsOnCoding { out.writeStaticString("Vary: Accept-Encoding\r\n") }
    if answer.coding == .gzip && !notModified { out.writeStaticString("Content-Encoding: gzip\r\n") }
    if !exchange.fields.isEmpty { out.writeString(exchange.fields) }
    if close { out.writeStaticString("Connection: close\r\n") }
    if notModified {
      out.writeStaticString("\r\n")
      return nil
    }
    out.writeStaticString("Content-Length: ")
    out.writeDecimal(answer.body.readableBytes)
    out.writeStaticString("\r\n\r\n")
    if exchange.isHead { return nil }
    if answer.body.readableBytes > copyMax || exchange.route.writing.writes == 2 { return answer.body }
    out.writeImmutableBuffer(answer.body)
    return nil
  }

  /// An answer that no exchange stands behind: errors of the protocol and the control plane.
  static func write(
    status: Int, contentType: StaticString = "text/plain; charset=utf-8", body: String, allow: String? = nil,
    isHead: Bool = false, close: Bool, to out: inout ByteBuffer
  ) {
    write(status: status, contentType: contentType, body: ByteBuffer(string: body), allow: allow, isHead: isHead, close: close, to: &out)
  }

  static func write(
    status: Int, contentType: StaticString, body: ByteBuffer, allow: String? = nil, isHead: Bool, close: Bool, to out: inout ByteBuffer
  ) {
    writeStatus(status, &out)
    out.writeStaticString("Content-Type: ")
    out.writeStaticString(contentType)
    if let allow { out.writeString("\r\nAllow: " + allow) }
    if close { out.writeStaticString("\r\nConnection: close") }
    out.writeStaticString("\r\nContent-Length: ")
    out.writeDecimal(body.readableBytes)
    out.writeStaticString("\r\n\r\n")
    if !isHead { out.writeImmutableBuffer(body) }
  }

  static func writeStatus(_ status: Int, _ out: inout ByteBuffer) {
    switch status {
    case 200: out.writeStaticString("HTTP/1.1 200 OK\r\n")
    case 202: out.writeStaticString("HTTP/1.1 202 Accepted\r\n")
    case 304: out.writeStaticString("HTTP/1.1 304 Not Modified\r\n")
    case 400: out.writeStaticString("HTTP/1.1 400 Bad Request\r\n")
    case 404: out.writeStaticString("HTTP/1.1 404 Not Found\r\n")
    case 405: out.writeStaticString("HTTP/1.1 405 Method Not Allowed\r\n")
    case 411: out.writeStaticString("HTTP/1.1 411 Length Required\r\n")
    case 429: out.writeStaticString("HTTP/1.1 429 Too Many Requests\r\n")
    case 413: out.writeStaticString("HTTP/1.1 413 Content Too Large\r\n")
    case 431: out.writeStaticString("HTTP/1.1 431 Request Header Fields Too Large\r\n")
    case 500: out.writeStaticString("HTTP/1.1 500 Internal Server Error\r\n")
    case 502: out.writeStaticString("HTTP/1.1 502 Bad Gateway\r\n")
    case 503: out.writeStaticString("HTTP/1.1 503 Service Unavailable\r\n")
    case 504: out.writeStaticString("HTTP/1.1 504 Gateway Timeout\r\n")
    default: out.writeString("HTTP/1.1 \(status) Status\r\n")
    }
  }
}

import NIOCore

/// HTTP/1.1 messages from and to bytes, between an edge and its neighbours. The neighbours are the lab's own origins and edges: their
/// answers have a Content-Length and are never chunked, which is all that is understood here.
enum MessageBytes {
  enum Reading {
    case incomplete
    /// With the bytes it took and whether the connection ends after it.
    case whole(ProxyResponse, length: Int, closes: Bool)
    case invalid
  }

  private static let headMax = 64 << 10

  /// - Parameter isHead: the answer of a HEAD has a length and no body.
  static func response(_ buffer: ByteBuffer, isHead: Bool) -> Reading {
    let bytes = buffer.readableBytesView
    guard let end = emptyLine(bytes) else { return bytes.count > headMax ? .invalid : .incomplete }
    let head = String(decoding: bytes[bytes.startIndex..<end], as: UTF8.self)
    var lines = head.split(separator: "\r\n", omittingEmptySubsequences: false)[...]
    guard let first = lines.popFirst() else { return .invalid }
    let words = first.split(separator: " ", maxSplits: 2)
    guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]), (100...599).contains(status),
      let fields = fields(lines)
    else { return .invalid }
    if let coding = fields["Transfer-Encoding"], !coding.isEmpty { return .invalid }
    var length = 0
    if !isHead, status != 304, status != 204, status >= 200 {
      guard let text = fields["Content-Length"], let number = Int(text), number >= 0 else { return .invalid }
      length = number
    }
    let headLength = end - bytes.startIndex + 4
    guard bytes.count >= headLength + length else { return .incomplete }
    let closes = fields["Connection"]?.equalsIgnoringCase("close") == true
    let body = buffer.getSlice(at: buffer.readerIndex + headLength, length: length) ?? ByteBuffer()
    var response = ProxyResponse(status: status, fields: fields, body: body)
    // Kept for an answer without a body, which says how long it would be.
    let said = isHead ? fields["Content-Length"] : nil
    response.fields.removeHopByHop()
    if let said { response.fields.append("Content-Length", said) }
    return .whole(response, length: headLength + length, closes: closes)
  }

  /// The field lines of a request's head, which `RequestParser` has accepted.
  static func requestFields(_ head: UnsafeRawBufferPointer) -> HeaderFields {
    let text = String(decoding: head, as: UTF8.self)
    let lines = text.split(separator: "\r\n", omittingEmptySubsequences: true).dropFirst()
    var fields = fields(lines) ?? HeaderFields()
    fields.removeHopByHop()
    return fields
  }

  private static func fields(_ lines: ArraySlice<Substring>) -> HeaderFields? {
    var fields = HeaderFields()
    for line in lines {
      guard let colon = line.firstIndex(of: ":"), colon > line.startIndex else { return nil }
      fields.append(String(line[..<colon]), line[line.index(after: colon)...].trimmed)
    }
    return fields
  }

  private static func emptyLine(_ bytes: ByteBufferView) -> Int? {
    var i = bytes.startIndex
    while i + 3 < bytes.endIndex {
      if bytes[i] == 13, bytes[i + 1] == 10, bytes[i + 2] == 13, bytes[i + 3] == 10 { return i }
      i += 1
    }
    return nil
  }

  static func write(_ request: ProxyRequest, to out: inout ByteBuffer) {
    out.writeString("\(request.method) \(request.target) HTTP/1.1\r\n")
    write(request.fields, &out)
    if request.body.readableBytes > 0 || !["GET", "HEAD", "DELETE"].contains(request.method) {
      out.writeString("Content-Length: \(request.body.readableBytes)\r\n")
    }
    out.writeStaticString("\r\n")
    out.writeImmutableBuffer(request.body)
  }

  static func write(_ response: ProxyResponse, isHead: Bool, close: Bool, to out: inout ByteBuffer) {
    ResponseWriter.writeStatus(response.status, &out)
    write(response.fields, &out)
    if close { out.writeStaticString("Connection: close\r\n") }
    if response.status != 304, response.status != 204, response.fields["Content-Length"] == nil {
      out.writeString("Content-Length: \(response.body.readableBytes)\r\n")
    }
    out.writeStaticString("\r\n")
    if !isHead, response.status != 304 { out.writeImmutableBuffer(response.body) }
  }

  private static func write(_ fields: HeaderFields, _ out: inout ByteBuffer) {
    for field in fields.all {
      out.writeString(field.name)
      out.writeStaticString(": ")
      out.writeString(field.value)
      out.writeStaticString("\r\n")
    }
  }
}

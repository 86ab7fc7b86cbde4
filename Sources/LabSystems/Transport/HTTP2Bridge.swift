// One HTTP/2 stream as one HTTP/1.1 exchange, so that everything behind it is the same lab: a request's frames become its bytes,
// the answer's bytes become frames.

import NIOCore
import NIOHPACK
import NIOHTTP2

/// First in the pipeline of a stream, before its `Connection`.
final class HTTP2Bridge: ChannelDuplexHandler {
  typealias InboundIn = HTTP2Frame.FramePayload
  typealias InboundOut = ByteBuffer
  typealias OutboundIn = ByteBuffer
  typealias OutboundOut = HTTP2Frame.FramePayload

  /// As much as a connection of HTTP/1.1 keeps unread.
  private static let bodyMax = 4 << 20

  private var fields: HPACKHeaders?
  private var body = ByteBuffer()
  private var isHead = false
  private var answer = ByteBuffer()
  /// Bytes of the answer's body that are still to come; nil before its head.
  private var left: Int?

  // MARK: The request

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .headers(let headers):
      // A second block is trailers, in which no request of a lab has anything.
      if fields == nil { fields = headers.headers }
      if headers.endStream { pass(context) }
    case .data(let data):
      if case .byteBuffer(var bytes) = data.data { body.writeBuffer(&bytes) }
      if body.readableBytes > Self.bodyMax { return context.close(promise: nil) }
      if data.endStream { pass(context) }
    default: break
    }
  }

  private func pass(_ context: ChannelHandlerContext) {
    guard let fields else { return context.close(promise: nil) }
    let method = fields.first(name: ":method") ?? "GET"
    isHead = method == "HEAD"
    var out = context.channel.allocator.buffer(capacity: 256 + body.readableBytes)
    out.writeString("\(method) \(fields.first(name: ":path") ?? "/") HTTP/1.1\r\nhost: \(fields.first(name: ":authority") ?? "lab")\r\n")
    for (name, value, _) in fields where !name.hasPrefix(":") && !["host", "content-length", "expect"].contains(name) {
      out.writeString("\(name): \(value)\r\n")
    }
    if body.readableBytes > 0 || method == "POST" || method == "PUT" || method == "PATCH" { out.writeString("content-length: \(body.readableBytes)\r\n") }
    out.writeStaticString("\r\n")
    out.writeBuffer(&body)
    context.fireChannelRead(wrapInboundOut(out))
  }

  // MARK: The answer

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    var bytes = unwrapOutboundIn(data)
    answer.writeBuffer(&bytes)
    if left == nil, !writeHead(context) {
      promise?.succeed(())
      return
    }
    guard let left, left > 0, answer.readableBytes > 0, let part = answer.readSlice(length: min(left, answer.readableBytes)) else {
      promise?.succeed(())
      return
    }
    self.left = left - part.readableBytes
    context.write(wrapOutboundOut(.data(.init(data: .byteBuffer(part), endStream: self.left == 0))), promise: promise)
  }

  /// - Returns: whether the head was there as a whole.
  private func writeHead(_ context: ChannelHandlerContext) -> Bool {
    guard let end = answer.readableBytesView.firstRange(of: Array("\r\n\r\n".utf8)) else { return false }
    let length = end.upperBound - answer.readerIndex
    let lines = (answer.readString(length: length) ?? "").split(separator: "\r\n")
    let status = lines.first?.split(separator: " ").dropFirst().first.map(String.init) ?? "500"
    var headers = HPACKHeaders([(":status", status)])
    var size = 0
    for line in lines.dropFirst() {
      guard let colon = line.firstIndex(of: ":") else { continue }
      let name = line[..<colon].lowercased()
      let value = line[line.index(after: colon)...].drop { $0 == " " }
      if name == "content-length" { size = Int(value) ?? 0 }
      // Of one connection, which HTTP/2 has no word for (RFC 9113, 8.2.2).
      if name != "connection" && name != "keep-alive" { headers.add(name: name, value: String(value)) }
    }
    let hasBody = !isHead && status != "304" && status != "204" && size > 0
    left = hasBody ? size : 0
    context.write(wrapOutboundOut(.headers(.init(headers: headers, endStream: !hasBody))), promise: nil)
    return true
  }
}

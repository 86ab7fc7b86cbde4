// HTTP/2: connections with many streams, a stream a request. Requests are rendered once, as HTTP/1.1, and taken apart into
// header fields here: HTTP/2 costs allocations anyway, and scenarios stay the same.

#if canImport(NIOSSL) && canImport(NIOHTTP2)
  import NIOCore
  import NIOHPACK
  import NIOHTTP2
  import NIOPosix
  import NIOTLS

  final class NIOTransportHTTP2: NIOTransport {
    private final class Connection {
      var channel: Channel?
      var multiplexer: NIOHTTP2Handler.StreamMultiplexer?
      var opening: EventLoopFuture<Void>?
    }
    private let connector: NIOConnector
    private unowned let driver: NIOLoadDriver
    private var connections: [Connection] = []
    private var streams: [Channel?]

    /// - Parameter streamsMax: at most so many lanes share a connection.
    init(_ connector: NIOConnector, _ driver: NIOLoadDriver, lanes: Int, streamsMax: Int) {
      self.connector = connector
      self.driver = driver
      streams = Array(repeating: nil, count: lanes)
      let count = (lanes + streamsMax - 1) / streamsMax
      connections = (0..<count).map { _ in Connection() }
    }

    var connectionCount: Int { connections.count }
    private func connection(_ lane: NIOLane) -> Connection { connections[lane.index % connections.count] }
    func isOpen(_ lane: NIOLane) -> Bool {
      let one = connection(lane)
      return one.multiplexer != nil && one.channel?.isActive == true
    }

    func open(_ lane: NIOLane) -> EventLoopFuture<Void> {
      let loop = connector.loop
      let one = connection(lane)
      if isOpen(lane) { return loop.makeSucceededVoidFuture() }
      if let opening = one.opening { return opening }
      let bound = NIOLoopBound(one, eventLoop: loop)
      let handshake = connector.handshake()
      let isClear = connector.target.transport == .http2Clear
      let future = connector.connect { channel in
        channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(HandshakeHandler(handshake)) }
      }.flatMap { channel -> EventLoopFuture<NIOHTTP2Handler.StreamMultiplexer> in
        bound.value.channel = channel
        if isClear { handshake.succeed("h2") }
        return handshake.futureResult.flatMapThrowing { chosen in
          guard chosen == "h2" else { throw NIOLoadFailure(kind: .tls, text: "the server did not choose h2") }
          return try channel.pipeline.syncOperations.configureHTTP2Pipeline(
            mode: .client, connectionConfiguration: .init(), streamConfiguration: .init()
          ) { $0.close() }
        }
      }.map { multiplexer in
        bound.value.multiplexer = multiplexer
      }
      one.opening = future
      let boundSelf = NIOLoopBound(self, eventLoop: loop)
      future.whenComplete { result in
        bound.value.opening = nil
        boundSelf.value.driver.opened(result)
        if case .failure(let error) = result {
          handshake.fail(error)
          bound.value.channel?.close(promise: nil)
          bound.value.channel = nil
        }
      }
      return future
    }

    func send(_ lane: NIOLane, _ request: ByteStoreView, isHead: Bool) {
      guard let multiplexer = connection(lane).multiplexer else {
        return driver.broke(lane, lane.number, .closed, FailureText.ended(after: 0, served: false))
      }
      let (headers, body) = Self.fields(request, scheme: connector.target.transport == .http2 ? "https" : "http")
      let loop = connector.loop
      let handler = NIOLoopBound(HTTP2StreamHandler(driver, lane, headers, body), eventLoop: loop)
      let bound = NIOLoopBound(self, eventLoop: loop)
      let boundLane = NIOLoopBound(lane, eventLoop: loop)
      let number = lane.number
      multiplexer.createStreamChannel { channel in
        channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(handler.value) }
      }.whenComplete { result in
        let lane = boundLane.value
        switch result {
        case .success(let channel):
          guard lane.number == number, lane.busy else {
            channel.close(promise: nil)
            return
          }
          bound.value.streams[lane.index] = channel
        case .failure(let error): bound.value.driver.broke(lane, number, .reset, "no stream: \(error)")
        }
      }
    }

    func abandon(_ lane: NIOLane) {
      streams[lane.index]?.close(promise: nil)
      streams[lane.index] = nil
    }

    func closeAll() { for one in connections { one.channel?.close(promise: nil) } }

    /// Header fields and body of a rendered HTTP/1.1 request; `Host` becomes `:authority` (RFC 9113, 8.3.1).
    static func fields(_ request: ByteStoreView, scheme: String) -> (HPACKHeaders, [UInt8]) {
      let bytes = UnsafeBufferPointer(start: request.bytes, count: request.count)
      var lines: [Substring] = []
      var at = 0
      while at < bytes.count {
        var end = at
        while end < bytes.count, bytes[end] != 13 { end += 1 }
        let line = String(decoding: bytes[at..<end], as: UTF8.self)
        at = min(end + 2, bytes.count)
        if line.isEmpty { break }
        lines.append(line[...])
      }
      let first = (lines.first ?? "").split(separator: " ", maxSplits: 2)
      var authority = ""
      var rest: [(String, String)] = []
      for line in lines.dropFirst() {
        guard let colon = line.firstIndex(of: ":") else { continue }
        let name = line[..<colon].lowercased()
        let value = String(line[line.index(after: colon)...].drop { $0 == " " })
        switch name {
        case "host": authority = value
        case "connection", "keep-alive", "transfer-encoding", "upgrade", "proxy-connection": break
        default: rest.append((name, value))
        }
      }
      var headers = HPACKHeaders([
        (":method", String(first.first ?? "GET")), (":scheme", scheme), (":path", first.count > 1 ? String(first[1]) : "/"),
        (":authority", authority),
      ])
      for (name, value) in rest { headers.add(name: name, value: value) }
      return (headers, Array(bytes[at...]))
    }
  }

  private final class HandshakeHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let handshake: EventLoopPromise<String?>
    private var isDone = false
    init(_ handshake: EventLoopPromise<String?>) { self.handshake = handshake }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
      if case .handshakeCompleted(let chosen)? = event as? TLSUserEvent {
        isDone = true
        handshake.succeed(chosen)
      }
      context.fireUserInboundEventTriggered(event)
    }
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
      if !isDone {
        handshake.fail(NIOLoadFailure(kind: NIOConnector.kind(error, hasShaken: false), text: NIOConnector.text(error)))
        context.close(promise: nil)
      } else {
        context.fireErrorCaught(error)
      }
    }
    func channelInactive(context: ChannelHandlerContext) {
      if !isDone { handshake.fail(NIOLoadFailure(kind: .tls, text: "the connection ended during the handshake")) }
      context.fireChannelInactive()
    }
  }

  private final class HTTP2StreamHandler: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias OutboundOut = HTTP2Frame.FramePayload
    private unowned let driver: NIOLoadDriver
    private let lane: NIOLane
    private let number: Int
    private let headers: HPACKHeaders
    private let body: [UInt8]
    private var status = 0
    private var cache = 0
    private var isOver = false

    init(_ driver: NIOLoadDriver, _ lane: NIOLane, _ headers: HPACKHeaders, _ body: [UInt8]) {
      self.driver = driver
      self.lane = lane
      number = lane.number
      self.headers = headers
      self.body = body
    }

    func channelActive(context: ChannelHandlerContext) {
      let head = HTTP2Frame.FramePayload.headers(.init(headers: headers, endStream: body.isEmpty))
      context.write(wrapOutboundOut(head), promise: nil)
      if !body.isEmpty {
        let buffer = context.channel.allocator.buffer(bytes: body)
        context.write(wrapOutboundOut(.data(.init(data: .byteBuffer(buffer), endStream: true))), promise: nil)
      }
      context.flush()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      // What still comes of a request that was given up must not mix with the lane's next one.
      guard !isOver, lane.number == number else { return }
      switch unwrapInboundIn(data) {
      case .headers(let part):
        let code = part.headers.first(name: ":status").flatMap { Int($0) } ?? status
        // An interim answer is not the answer.
        if code >= 200 {
          if status == 0 { keep(part.headers) }
          status = code
        }
        if part.endStream { finish() }
      case .data(let part):
        if case .byteBuffer(let buffer) = part.data {
          driver.received(buffer.readableBytes)
          lane.received += buffer.readableBytes
          buffer.withUnsafeReadableBytes { bytes in
            if lane.reads, let base = bytes.bindMemory(to: UInt8.self).baseAddress { lane.sink.put(body: base, bytes.count) }
          }
        }
        if part.endStream { finish() }
      case .rstStream(let code): fail(.reset, "the stream was reset: \(code)")
      default: break
      }
    }

    /// The head as lines, for checks, captures and cookies.
    private func keep(_ headers: HPACKHeaders) {
      var text = ""
      for field in headers where !field.name.hasPrefix(":") { text += "\(field.name): \(field.value)\r\n" }
      let bytes = Array(text.utf8)
      driver.received(bytes.count)
      lane.received += bytes.count
      bytes.withUnsafeBufferPointer { if let base = $0.baseAddress { lane.sink.put(head: base, $0.count) } }
      if let value = headers.first(name: "x-cache") { cache = value.lowercased().contains("hit") ? 1 : 2 }
    }

    private func finish() {
      isOver = true
      driver.answered(lane, number, status: status, cache: cache)
    }
    private func fail(_ kind: ErrorKind, _ text: String) {
      guard !isOver else { return }
      isOver = true
      driver.broke(lane, number, kind, text)
    }
    func channelInactive(context: ChannelHandlerContext) { fail(.closed, "the stream ended before the answer did") }
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
      fail(NIOConnector.kind(error, hasShaken: true), NIOConnector.text(error))
      context.close(promise: nil)
    }
  }
#endif

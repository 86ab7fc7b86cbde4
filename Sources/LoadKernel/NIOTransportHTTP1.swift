// HTTP/1.1 over TLS, or over plain TCP where both engines are to be compared: a channel a lane, the kernel's own parser behind NIOSSL.

#if canImport(NIOSSL) && canImport(NIOHTTP2)
  import NIOCore
  import NIOPosix
  import NIOSSL
  import NIOTLS

  final class NIOTransportHTTP1: NIOTransport {
    private let connector: NIOConnector
    private unowned let driver: NIOLoadDriver
    private var channels: [Channel?]
    private var handlers: [HTTP1Handler?]
    private var opening: [EventLoopFuture<Void>?]

    init(_ connector: NIOConnector, _ driver: NIOLoadDriver, lanes: Int) {
      self.connector = connector
      self.driver = driver
      channels = Array(repeating: nil, count: lanes)
      handlers = Array(repeating: nil, count: lanes)
      opening = Array(repeating: nil, count: lanes)
    }

    var connectionCount: Int { channels.count }
    func isOpen(_ lane: NIOLane) -> Bool { channels[lane.index]?.isActive == true }

    func open(_ lane: NIOLane) -> EventLoopFuture<Void> {
      let loop = connector.loop
      if isOpen(lane) { return loop.makeSucceededVoidFuture() }
      if let opening = opening[lane.index] { return opening }
      let handler = HTTP1Handler(driver, lane, connector.handshake(), isSecure: connector.isSecure)
      handlers[lane.index] = handler
      let bound = NIOLoopBound(self, eventLoop: loop)
      let boundHandler = NIOLoopBound(handler, eventLoop: loop)
      let index = lane.index
      let future = connector.connect { channel in
        channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(boundHandler.value) }
      }.flatMap { channel in
        bound.value.channels[index] = channel
        if !bound.value.connector.isSecure { boundHandler.value.handshake.succeed(nil) }
        return boundHandler.value.handshake.futureResult.map { _ in }
      }
      opening[index] = future
      future.whenComplete { result in
        bound.value.opening[index] = nil
        bound.value.driver.opened(result)
        // A promise must be kept, also where no channel came about; a second answer is ignored.
        guard case .failure(let error) = result else { return }
        boundHandler.value.handshake.fail(error)
        boundHandler.value.isAbandoned = true
        bound.value.channels[index]?.close(promise: nil)
        bound.value.channels[index] = nil
      }
      return future
    }

    func send(_ lane: NIOLane, _ request: ByteStoreView, isHead: Bool) {
      guard let channel = channels[lane.index], let handler = handlers[lane.index] else {
        return driver.broke(lane, lane.number, .closed, FailureText.ended(after: 0, served: false))
      }
      handler.begin(isHead: isHead, number: lane.number)
      let buffer = channel.allocator.buffer(bytes: UnsafeRawBufferPointer(start: request.bytes, count: request.count))
      channel.writeAndFlush(buffer, promise: nil)
    }

    func abandon(_ lane: NIOLane) {
      handlers[lane.index]?.isAbandoned = true
      channels[lane.index]?.close(promise: nil)
      channels[lane.index] = nil
    }

    func closeAll() { for channel in channels { channel?.close(promise: nil) } }
  }

  final class HTTP1Handler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    private unowned let driver: NIOLoadDriver
    private let lane: NIOLane
    let handshake: EventLoopPromise<String?>
    private var hasShaken: Bool
    /// This connection has answered at least once.
    private var served = false
    private var parser = ResponseParser()
    private var kept: ByteBuffer?
    private var number = -1
    var isAbandoned = false

    init(_ driver: NIOLoadDriver, _ lane: NIOLane, _ handshake: EventLoopPromise<String?>, isSecure: Bool) {
      hasShaken = !isSecure
      self.driver = driver
      self.lane = lane
      self.handshake = handshake
    }

    func begin(isHead: Bool, number: Int) {
      parser.isHead = isHead
      self.number = number
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
      if case .handshakeCompleted(let chosen)? = event as? TLSUserEvent {
        hasShaken = true
        handshake.succeed(chosen)
      }
      context.fireUserInboundEventTriggered(event)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      var incoming = unwrapInboundIn(data)
      driver.received(incoming.readableBytes)
      if number >= 0 { lane.received += incoming.readableBytes }
      guard !isAbandoned, number >= 0 else {
        if !isAbandoned { incoming.withUnsafeReadableBytes { driver.unasked($0) } }
        isAbandoned = true
        context.close(promise: nil)
        return
      }
      if kept == nil { kept = incoming } else { kept?.writeBuffer(&incoming) }
      guard let all = kept else { return }
      var used = 0
      let event = all.withUnsafeReadableBytes { bytes -> ResponseParser.Event in
        guard let base = bytes.bindMemory(to: UInt8.self).baseAddress else { return .needMore }
        return parser.consume(base, bytes.count, used: &used, sink: lane.reads ? lane.sink : nil)
      }
      kept?.moveReaderIndex(forwardBy: used)
      if kept?.readableBytes == 0 { kept = nil }
      switch event {
      case .needMore:
        if kept?.readableBytes ?? 0 >= ResponseParser.headMax { fail(context, .tooLarge, FailureText.headTooLarge) }
      case .malformed:
        let text = all.withUnsafeReadableBytes { bytes in
          bytes.bindMemory(to: UInt8.self).baseAddress.map { FailureText.malformed($0, bytes.count) } ?? ""
        }
        fail(context, .malformed, text)
      case .tooLarge: fail(context, .tooLarge, FailureText.headTooLarge)
      case .done:
        let keeps = parser.keepAlive && kept == nil
        kept?.withUnsafeReadableBytes { driver.unasked($0) }
        served = true
        let done = number
        number = -1
        if !keeps {
          isAbandoned = true
          driver.dropped(lane)
          context.close(promise: nil)
        }
        driver.answered(lane, done, status: parser.status, cache: parser.cache)
      }
    }

    func channelInactive(context: ChannelHandlerContext) {
      if !hasShaken { handshake.fail(NIOLoadFailure(kind: .tls, text: "the connection ended during the handshake")) }
      guard !isAbandoned, number >= 0 else { return }
      if parser.end() == .done {
        let done = number
        number = -1
        driver.dropped(lane)
        driver.answered(lane, done, status: parser.status, cache: parser.cache)
      } else {
        fail(context, .closed, FailureText.ended(after: lane.received, served: served))
      }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
      // A connection that was given up may still be reset: its lane already has another one, which must not be touched.
      guard !isAbandoned else { return context.close(promise: nil) }
      let kind = NIOConnector.kind(error, hasShaken: hasShaken)
      if !hasShaken {
        handshake.fail(NIOLoadFailure(kind: kind, text: NIOConnector.text(error)))
        isAbandoned = true
      } else if case .closed = kind {
        return
      } else {
        fail(context, kind, NIOConnector.text(error))
      }
      context.close(promise: nil)
    }

    private func fail(_ context: ChannelHandlerContext, _ kind: ErrorKind, _ text: String) {
      let failed = number
      number = -1
      isAbandoned = true
      context.close(promise: nil)
      driver.dropped(lane)
      if failed >= 0 { driver.broke(lane, failed, kind, text) }
    }
  }
#endif

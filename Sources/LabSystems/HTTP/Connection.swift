import NIOCore
import NIOPosix

/// One client connection: bytes in, requests to the core one after the other, bytes out. It decides nothing
/// about a request; control-plane paths go past the queue.
///
/// Hot: with the stages of a cache hit it costs 7.5 µs of CPU a request, most of it two system calls
/// (`wrk -t1 -c32` against a cached 1 KiB row, release build). Hence one exchange, one input and one output
/// buffer a connection, all reused.
final class Connection: ChannelInboundHandler, ExchangeOwner {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  /// A client may pipeline; beyond this many unread bytes it is cut off.
  private static let backlogMax = 4 << 20

  private let core: LabCore
  private let face: Face
  private let exchange = Exchange()
  private var context: ChannelHandlerContext?
  private var inbound = ByteBuffer()
  private var outbound = ByteBuffer()
  /// A request is with the core.
  private var isBusy = false
  private var isParsing = false
  private var keepAlive = true
  /// Of the last bytes before the end of the connection: they are with the kernel.
  private var lastWrite: EventLoopFuture<Void>?
  /// As `LabServer` opened the connection.
  private var noDelay = true
  private var saidContinue = false
  /// No request came before.
  private var isNew = true
  /// What a shaped link has under way to this client.
  private let flow = ShapedLink.Flow()
  /// Has asked the control plane: it outlives a killed role, so that the end of an outage can be seen.
  private var isControl = false
  /// Toxics that it has met; those that are over let everything pass.
  private var handlers: [ToxicHandler] = []

  /// A stream of HTTP/2: its socket is that of the channel above it.
  private let isStream: Bool

  init(core: LabCore, face: Face, isStream: Bool = false) { self.core = core; self.face = face; self.isStream = isStream }

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    face.connections[ObjectIdentifier(self)] = self
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    self.context = nil
    face.connections[ObjectIdentifier(self)] = nil
  }

  /// A fault of the network begins at its port. One that has not asked yet meets it with its first request: it may turn out to be
  /// the control plane's, to which nothing is done.
  func meet(_ toxic: ActiveToxic) {
    guard let context, !isControl, !isNew, let handler = toxic.handler(reset: { [weak self] in self?.reset() }) else { return }
    // Nearest to the socket: a later toxic is done to what an earlier one lets through.
    try? context.pipeline.syncOperations.addHandler(handler, position: .first)
    handlers.removeAll(where: \.isGone)
    handlers.append(handler)
  }

  /// Its request is with this role.
  func waits(for role: Role) -> Bool { isBusy && exchange.route?.role === role }

  /// What the kernel does for a process that dies: no farewell, a reset.
  func reset() {
    guard let context, !isControl else { return }
    exchange.owner = nil
    keepAlive = false
    handlers.forEach { $0.letGo() }
    let loop = context.eventLoop
    let channel = isStream ? context.channel.parent ?? context.channel : context.channel
    if let socket = channel as? any SocketOptionProvider {
      socket.setSoLinger(linger(l_onoff: 1, l_linger: 0)).hop(to: loop).whenComplete { _ in channel.close(promise: nil) }
    } else {
      channel.close(promise: nil)
    }
  }

  func channelInactive(context: ChannelHandlerContext) {
    self.context = nil
    face.edge?.link?.drop(flow)
    handlers = []
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // A reset by the client is everyday life under load tests; the connection is all there is to clean up.
    context.close(promise: nil)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var buffer = unwrapInboundIn(data)
    if inbound.readableBytes == 0 { inbound = buffer } else { inbound.writeBuffer(&buffer) }
    if inbound.readableBytes > Self.backlogMax {
      context.close(promise: nil)
      return
    }
    process()
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    if context.channel.isWritable { process() }
    context.fireChannelWritabilityChanged()
  }

  /// Takes requests off the input until one is with the core, input runs out or the client does not read.
  private func process() {
    if isParsing { return }
    isParsing = true
    // Writing may make the channel unwritable and writable again, and say so meanwhile, before what was written is out of
    // `outbound`: what comes in then is taken up here, and nothing is written twice.
    repeat { parse() } while flush()
    isParsing = false
    closeIfDone()
  }

  private func parse() {
    while !isBusy, keepAlive, let context, context.channel.isWritable, inbound.readableBytes > 0 {
      let outcome = inbound.withUnsafeReadableBytes { RequestParser.parse($0) }
      if case .head(let head) = outcome, inbound.readableBytes >= head.length + head.contentLength {
        saidContinue = false
        start(head)
        continue
      }
      if case .invalid(let status) = outcome {
        keepAlive = false
        ResponseWriter.write(status: status, body: "bad request\n", close: true, to: &outbound)
      }
      if case .head(let head) = outcome, head.expectsContinue, !saidContinue {
        saidContinue = true
        outbound.writeStaticString("HTTP/1.1 100 Continue\r\n\r\n")
      }
      break
    }
  }

  /// A whole request is at the front of the input.
  private func start(_ head: RequestHead) {
    keepAlive = head.keepAlive
    exchange.reset()
    enum Way {
      case core, control(method: String, path: String, accept: String), health, edge(ProxyRequest), answered
      var isControl: Bool { if case .control = self { true } else { false } }
    }
    let way: Way = inbound.withUnsafeReadableBytes { bytes in
      let method = Self.method(UnsafeRawBufferPointer(rebasing: bytes[head.method]))
      let path = UnsafeRawBufferPointer(rebasing: bytes[head.path])
      if path.elementsEqual(Edge.healthPath.utf8) { return .health }
      if path.starts(with: "/_nb/".utf8) {
        return .control(method: method, path: String(decoding: path, as: UTF8.self), accept: Self.accept(head, bytes))
      }
      if core.scrapes(path, face) { return .control(method: method, path: "/_nb/metrics", accept: Self.accept(head, bytes)) }
      exchange.isHead = method == "HEAD"
      if face.edge != nil { return .edge(Self.proxied(method, head, bytes)) }
      switch face.table.match(method: method, path: path, into: &exchange.variables) {
      case .route(let route):
        exchange.route = route
        exchange.acceptsGzip = head.acceptsGzip
        core.telemetry?.reader?.read(UnsafeRawBufferPointer(rebasing: bytes[..<head.length]), into: exchange)
        if let range = head.ifNoneMatch { exchange.ifNoneMatch = String(decoding: bytes[range], as: UTF8.self) }
        return .core
      case .unknown:
        ResponseWriter.write(
          status: 404, body: "no such route\n", isHead: exchange.isHead, close: !keepAlive, to: &outbound)
      case .wrongMethod(let allow):
        ResponseWriter.write(
          status: 405, body: "allowed: \(allow)\n", allow: allow, isHead: exchange.isHead, close: !keepAlive,
          to: &outbound)
      }
      return .answered
    }
    inbound.moveReaderIndex(forwardBy: head.length)
    let wasNew = isNew
    isNew = false
    if wasNew, !face.toxics.isEmpty, !way.isControl { face.toxics.forEach { meet($0) } }
    switch way {
    case .control(let method, let path, let accept):
      isControl = true
      let body = inbound.getSlice(at: inbound.readerIndex, length: head.contentLength) ?? ByteBuffer()
      let reply = core.control(method: method, path: path, body: body, accept: accept, face: face)
      ResponseWriter.write(
        status: reply.status, contentType: reply.contentType, body: reply.body, isHead: method == "HEAD",
        close: !keepAlive, to: &outbound)
    case .health:
      isBusy = true
      let answer = { [self] in answered(ProxyResponse(status: 200, reason: "ok")) }
      if let role = face.roles.first { role.whenAwake(answer) } else { answer() }
    case .edge(var request):
      request.body = inbound.getSlice(at: inbound.readerIndex, length: head.contentLength) ?? ByteBuffer()
      isBusy = true
      face.edge?.submit(request, isNewConnection: wasNew) { [self] response in answered(response) }
    case .core:
      isBusy = true
      exchange.owner = self
      exchange.route.role.submit(exchange)
    case .answered: break
    }
    inbound.moveReaderIndex(forwardBy: head.contentLength)
    if inbound.readableBytes == 0 { inbound.clear() } else { inbound.discardReadBytes() }
  }

  func answered(_ exchange: Exchange) {
    isBusy = false
    if exchange.isCutOff { return reset() }
    guard let context else { return }
    let writing = exchange.route.writing
    if writing.nodelay != noDelay { setNoDelay(writing.nodelay, context) }
    if let body = ResponseWriter.write(exchange, close: !keepAlive, to: &outbound) {
      let wasParsing = isParsing
      isParsing = true
      // Flushed apart they are two calls of `write`, else one of `writev`.
      context.write(wrapOutboundOut(outbound), promise: nil)
      if writing.writes == 2 { context.flush() }
      send(body, context)
      outbound.clear()
      isParsing = wasParsing
    }
    proceed()
  }

  /// The edge's answer, or that of a health check; over the declared link if there is one.
  private func answered(_ response: ProxyResponse) {
    guard context != nil else {
      isBusy = false
      return
    }
    MessageBytes.write(response, isHead: exchange.isHead, close: !keepAlive, to: &outbound)
    guard let link = face.edge?.link else {
      isBusy = false
      return proceed()
    }
    var rest = outbound
    outbound = ByteBuffer()
    link.send(rest.readableBytes, over: flow) { [self] size in
      guard let context, let piece = rest.readSlice(length: size) else { return }
      send(piece, context)
    } done: { [self] in
      isBusy = false
      proceed()
    }
  }

  /// Answered inside `start`: the loop there goes on and flushes once for a whole pipeline.
  private func proceed() { if !isParsing { process() } }

  private static func proxied(_ method: String, _ head: RequestHead, _ bytes: UnsafeRawBufferPointer) -> ProxyRequest {
    var end = head.path.lowerBound
    while bytes[end] != UInt8(ascii: " ") { end += 1 }
    return ProxyRequest(
      method: method, target: String(decoding: bytes[head.path.lowerBound..<end], as: UTF8.self),
      fields: MessageBytes.requestFields(UnsafeRawBufferPointer(rebasing: bytes[..<head.length])))
  }

  private static func accept(_ head: RequestHead, _ bytes: UnsafeRawBufferPointer) -> String {
    MessageBytes.requestFields(UnsafeRawBufferPointer(rebasing: bytes[..<head.length])).list("Accept") ?? ""
  }

  private func setNoDelay(_ wanted: Bool, _ context: ChannelHandlerContext) {
    guard !isStream, let options = context.channel.syncOptions else { return }
    // A connection that ends meanwhile refuses; nobody reads the answer then.
    guard (try? options.setOption(.tcpOption(.tcp_nodelay), value: wanted ? 1 : 0)) != nil else { return }
    noDelay = wanted
  }

  /// - Returns: whether anything was written, so that more may be taken off the input now.
  private func flush() -> Bool {
    guard let context, outbound.readableBytes > 0 else { return false }
    send(outbound, context)
    // Uniquely held again once the socket took it, so the space is reused.
    outbound.clear()
    return true
  }

  private func closeIfDone() {
    guard let context else { return }
    guard !keepAlive && !isBusy else { return }
    guard let lastWrite else { return context.close(promise: nil) }
    lastWrite.assumeIsolated().whenComplete { [weak self] _ in self?.context?.close(promise: nil) }
  }

  /// Closing drops what the socket has not taken yet, so an end waits for the last of these.
  private func send(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) {
    guard !keepAlive else { return context.writeAndFlush(wrapOutboundOut(bytes), promise: nil) }
    let written = context.eventLoop.makePromise(of: Void.self)
    lastWrite = written.futureResult
    context.writeAndFlush(wrapOutboundOut(bytes), promise: written)
  }

  /// The usual methods without a new string.
  private static func method(_ bytes: UnsafeRawBufferPointer) -> String {
    switch bytes.count {
    case 3 where bytes[0] == UInt8(ascii: "G"): "GET"
    default: String(decoding: bytes, as: UTF8.self)
    }
  }
}

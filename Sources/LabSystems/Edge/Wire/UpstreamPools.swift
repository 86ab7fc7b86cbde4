import NIOCore
import NIOPosix

/// Kept-alive connections to every instance: one request at a time on each, at most `connectionsMax` to an instance; what comes beyond
/// waits for a free one, first come, first served. Confined to the lab's loop after it was made; `@unchecked Sendable` only so
/// that it can be handed to that loop.
final class UpstreamPools: Upstream, @unchecked Sendable {
  /// A request that waits for a connection or is on one.
  final class Call: UpstreamCall {
    let request: ProxyRequest
    let backend: Int
    var ended: ((UpstreamResult) -> Void)?
    fileprivate var connection: UpstreamConnection?
    fileprivate init(_ request: ProxyRequest, _ backend: Int, _ ended: @escaping (UpstreamResult) -> Void) {
      self.request = request; self.backend = backend; self.ended = ended
    }

    func end(_ result: UpstreamResult) {
      let waiting = ended
      ended = nil
      connection = nil
      waiting?(result)
    }
  }

  private struct Pool {
    var port = 0
    var free: [UpstreamConnection] = []
    var open = 0
    var waiting = CircularBuffer<Call>()
  }

  private let loop: any EventLoop
  private let connectionsMax: Int
  private var pools: [Pool]
  private(set) var connects = 0

  init(loop: any EventLoop, backends: Int, connectionsMax: Int) {
    self.loop = loop
    self.connectionsMax = connectionsMax
    pools = Array(repeating: Pool(), count: backends)
  }

  /// Known once the instances listen.
  func connect(to ports: [Int]) {
    for (index, port) in ports.enumerated() { pools[index].port = port }
  }

  func send(_ request: ProxyRequest, to backend: Int, ended: @escaping (UpstreamResult) -> Void) -> UpstreamCall {
    let call = Call(request, backend, ended)
    if let connection = pools[backend].free.popLast() {
      connection.send(call)
    } else if pools[backend].open < connectionsMax {
      open(for: call)
    } else {
      pools[backend].waiting.append(call)
    }
    return call
  }

  func cancel(_ call: UpstreamCall) {
    guard let call = call as? Call else { return }
    call.ended = nil
    if let connection = call.connection {
      connection.close()
    } else {
      pools[call.backend].waiting.removeAll { $0 === call }
    }
  }

  private func open(for call: Call) {
    connects += 1
    pools[call.backend].open += 1
    let connection = UpstreamConnection(self, backend: call.backend)
    connection.wait(call)
    let bootstrap = ClientBootstrap(group: loop)
      .channelOption(.tcpOption(.tcp_nodelay), value: 1)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(connection) }
      }
    bootstrap.connect(host: "127.0.0.1", port: pools[call.backend].port).assumeIsolated().whenFailure { [self] _ in
      pools[call.backend].open -= 1
      connection.end(.refused)
      next(call.backend)
    }
  }

  /// A connection has nothing to do.
  fileprivate func isFree(_ connection: UpstreamConnection) {
    if let call = pools[connection.backend].waiting.popFirst() {
      connection.send(call)
    } else {
      pools[connection.backend].free.append(connection)
    }
  }

  fileprivate func isGone(_ connection: UpstreamConnection) {
    pools[connection.backend].open -= 1
    pools[connection.backend].free.removeAll { $0 === connection }
    next(connection.backend)
  }

  private func next(_ backend: Int) {
    guard pools[backend].open < connectionsMax, let call = pools[backend].waiting.popFirst() else { return }
    open(for: call)
  }
}

/// One connection; everything happens on the lab's loop. `@unchecked Sendable` only to be made inside an initializer closure.
private final class UpstreamConnection: ChannelInboundHandler, @unchecked Sendable {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  let backend: Int
  private unowned let pools: UpstreamPools
  private var context: ChannelHandlerContext?
  private var inbound = ByteBuffer()
  private var call: UpstreamPools.Call?
  private var isCalledOff = false

  init(_ pools: UpstreamPools, backend: Int) { self.pools = pools; self.backend = backend }

  /// Sends as soon as the connection is there.
  func wait(_ call: UpstreamPools.Call) {
    self.call = call
    call.connection = self
  }

  func send(_ call: UpstreamPools.Call) {
    wait(call)
    transmit()
  }

  func end(_ result: UpstreamResult) {
    let ending = call
    call = nil
    ending?.end(result)
  }

  func close() {
    call = nil
    isCalledOff = true
    context?.close(promise: nil)
  }

  private func transmit() {
    guard let context, let call else { return end(.broken) }
    var out = context.channel.allocator.buffer(capacity: 256 + call.request.body.readableBytes)
    MessageBytes.write(call.request, to: &out)
    context.writeAndFlush(wrapOutboundOut(out), promise: nil)
  }

  func channelActive(context: ChannelHandlerContext) {
    self.context = context
    // Called off while it was being set up: never used, so it may go at once.
    if isCalledOff { return context.close(promise: nil) }
    transmit()
  }

  func channelInactive(context: ChannelHandlerContext) {
    self.context = nil
    pools.isGone(self)
    end(.broken)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var buffer = unwrapInboundIn(data)
    if inbound.readableBytes == 0 { inbound = buffer } else { inbound.writeBuffer(&buffer) }
    guard let call else { return context.close(promise: nil) }
    switch MessageBytes.response(inbound, isHead: call.request.method == "HEAD") {
    case .incomplete: return
    case .invalid:
      end(.broken)
      context.close(promise: nil)
    case .whole(let response, let length, let closes):
      inbound.moveReaderIndex(forwardBy: length)
      self.call = nil
      let isClean = inbound.readableBytes == 0 && !closes
      inbound = ByteBuffer()
      // Free before the edge goes on: it may ask this instance again at once.
      if isClean { pools.isFree(self) } else { context.close(promise: nil) }
      call.end(.answer(response))
    }
  }
}

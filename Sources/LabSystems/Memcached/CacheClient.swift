import NIOCore
import NIOPosix

/// A client of one cache server over one pipelined connection. Answers come in the order of the commands; when the
/// connection breaks or stays silent for a second, everything outstanding and everything later fails, and the cache
/// goes on without it.
final class CacheClient {
  typealias Then = (CacheReply) -> Void

  /// How long the oldest command may wait for its answer.
  private static let patience = TimeAmount.seconds(1)

  private let channel: any Channel
  private let handler: Handler
  private let dialect: CacheDialect

  private init(_ channel: any Channel, _ handler: Handler, _ dialect: CacheDialect) {
    self.channel = channel; self.handler = handler; self.dialect = dialect
  }

  /// Connects from `loop`, on which every later call must be made. The future fails when nobody listens.
  static func connect(
    host: String, port: Int, dialect: CacheDialect, on loop: any EventLoop
  ) -> EventLoopFuture<NIOLoopBound<CacheClient>> {
    ClientBootstrap(group: loop)
      .connectTimeout(.seconds(2))
      .channelOption(.tcpOption(.tcp_nodelay), value: 1)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Handler(dialect.makeParser())) }
      }
      .connect(host: host, port: port)
      .flatMapThrowing { channel in
        let handler = try channel.pipeline.syncOperations.handler(type: Handler.self)
        return NIOLoopBound(CacheClient(channel, handler, dialect), eventLoop: loop)
      }
  }

  func get(_ key: String, then: @escaping Then) { send(dialect.get(key), then) }

  /// - Parameter seconds: to live; 0: for ever.
  func set(_ key: String, _ data: ByteBuffer, seconds: Int64, then: @escaping Then) {
    send(dialect.set(key, data, seconds: seconds), then)
  }

  func delete(_ key: String, then: @escaping Then) { send(dialect.delete(key), then) }

  private func send(_ command: ByteBuffer, _ then: @escaping Then) {
    channel.eventLoop.assertInEventLoop()
    guard handler.isOpen else {
      // Later, never inside this call: callers rely on it.
      channel.eventLoop.assumeIsolated().execute { then(.failed) }
      return
    }
    handler.expect(then)
    channel.writeAndFlush(command, promise: nil)
  }

  private final class Handler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private(set) var isOpen = true
    private var waiting = CircularBuffer<(then: Then, deadline: NIODeadline)>()
    private var isWatching = false
    private var context: ChannelHandlerContext?
    private var parser: any CacheReplyParser

    init(_ parser: any CacheReplyParser) { self.parser = parser }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func expect(_ then: @escaping Then) {
      waiting.append((then, .now() + CacheClient.patience))
      watch()
    }

    /// One timer for all commands: they are answered in order, so the oldest runs out of patience first.
    private func watch() {
      guard !isWatching, let oldest = waiting.first, let loop = context?.eventLoop else { return }
      isWatching = true
      loop.assumeIsolated().scheduleTask(deadline: oldest.deadline) { [weak self] in
        guard let self else { return }
        isWatching = false
        if let oldest = waiting.first, oldest.deadline <= .now() { context?.close(promise: nil) } else { watch() }
      }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      parser.append(unwrapInboundIn(data))
      while let reply = parser.next() {
        guard let command = waiting.popFirst() else {
          context.close(promise: nil)
          return
        }
        command.then(reply)
      }
    }

    func channelInactive(context: ChannelHandlerContext) {
      isOpen = false
      while let command = waiting.popFirst() { command.then(.failed) }
      context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
  }
}

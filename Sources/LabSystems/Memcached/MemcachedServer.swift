import Foundation
import NIOCore
import NIOPosix

/// The lab's own memcached: real sockets on loopback, one event loop of its own, so that a lookup in it pays
/// for a real hop to another thread and back.
final class MemcachedServer: Sendable {
  let port: Int
  private let channel: any Channel

  /// The store of one server; touched on its loop only.
  private final class Shared: @unchecked Sendable { var store = MemcachedStore() }

  /// - Parameter loop: serves all connections; everything the server knows lives on it.
  init(on loop: any EventLoop) throws {
    let shared = Shared()
    channel = try ServerBootstrap(group: loop)
      .serverChannelOption(.backlog, value: 256)
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(Handler(shared))
        }
      }
      .bind(host: "127.0.0.1", port: 0).wait()
    port = channel.localAddress?.port ?? 0
  }

  func stop() { try? channel.close().wait() }

  private final class Handler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    private let shared: Shared
    private var parser = MemcachedRequestParser()
    private var out = ByteBuffer()

    init(_ shared: Shared) { self.shared = shared }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      parser.append(unwrapInboundIn(data))
      var stays = true
      let now = Int64(NIODeadline.now().uptimeNanoseconds)
      while stays, let command = parser.next() {
        stays = shared.store.apply(command, now: now, unixNow: Int64(time(nil)), to: &out)
      }
      if out.readableBytes > 0 {
        context.writeAndFlush(wrapOutboundOut(out), promise: nil)
        out.clear()
      }
      if !stays { context.close(promise: nil) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
  }
}

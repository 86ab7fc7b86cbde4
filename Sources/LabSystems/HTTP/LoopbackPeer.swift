import NIOCore
import NIOPosix

/// Calls the lab's own ports over kept-alive connections, one request at a time on each; opens another when all are busy.
/// It knows exactly the answers that `ResponseWriter` gives: a status line and a Content-Length, never chunks.
/// Confined to the lab's loop after it was made; `@unchecked Sendable` only so that it can be handed to that loop.
final class LoopbackPeer: Peer, @unchecked Sendable {
  private let loop: any EventLoop
  /// Known once the lab listens: where all roles are that have no port of their own.
  var port = 0
  /// Of the roles that have, behind an edge: one for each instance, asked in turn.
  var ports: [String: [Int]] = [:]
  private var turns: [String: Int] = [:]
  private var free: [Int: [PeerConnection]] = [:]

  init(loop: any EventLoop) { self.loop = loop }

  func get(_ path: String, of role: String, fields: String, answered: @escaping (Int) -> Void) -> Int {
    let port = next(role)
    if let connection = free[port]?.popLast() {
      connection.send(path, fields, answered)
      return port
    }
    let pending = PeerConnection(self, port: port)
    pending.wait(path, fields, answered)
    let bootstrap = ClientBootstrap(group: loop)
      .channelOption(.tcpOption(.tcp_nodelay), value: 1)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(pending) }
      }
    bootstrap.connect(host: "127.0.0.1", port: port).assumeIsolated().whenFailure { _ in pending.failed() }
    return port
  }

  private func next(_ role: String) -> Int {
    guard let ports = ports[role] else { return port }
    let turn = turns[role, default: 0]
    turns[role] = (turn + 1) % ports.count
    return ports[turn % ports.count]
  }

  fileprivate func isFree(_ connection: PeerConnection) { free[connection.port, default: []].append(connection) }
  fileprivate func isGone(_ connection: PeerConnection) { free[connection.port]?.removeAll { $0 === connection } }
}

/// One connection; everything happens on the lab's loop. `@unchecked Sendable` only to be made inside an initializer closure.
private final class PeerConnection: ChannelInboundHandler, @unchecked Sendable {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  let port: Int
  private unowned let peer: LoopbackPeer
  private var context: ChannelHandlerContext?
  private var inbound = ByteBuffer()
  private var path = ""
  private var fields = ""
  private var answered: ((Int) -> Void)?

  init(_ peer: LoopbackPeer, port: Int) { self.peer = peer; self.port = port }

  /// Sends as soon as the connection is there.
  func wait(_ path: String, _ fields: String, _ answered: @escaping (Int) -> Void) {
    self.path = path
    self.fields = fields
    self.answered = answered
  }

  func send(_ path: String, _ fields: String, _ answered: @escaping (Int) -> Void) {
    wait(path, fields, answered)
    transmit()
  }

  private func transmit() {
    guard let context else { return failed() }
    var out = context.channel.allocator.buffer(capacity: 64 + path.utf8.count + fields.utf8.count)
    out.writeString("GET \(path) HTTP/1.1\r\nHost: 127.0.0.1\r\n\(fields)\r\n")
    context.writeAndFlush(wrapOutboundOut(out), promise: nil)
  }

  func failed() {
    let waiting = answered
    answered = nil
    waiting?(0)
  }

  func channelActive(context: ChannelHandlerContext) {
    self.context = context
    transmit()
  }

  func channelInactive(context: ChannelHandlerContext) {
    self.context = nil
    peer.isGone(self)
    failed()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var buffer = unwrapInboundIn(data)
    inbound.writeBuffer(&buffer)
    guard let (status, length) = inbound.withUnsafeReadableBytes(Self.answer), inbound.readableBytes >= length else { return }
    inbound.clear()
    let waiting = answered
    answered = nil
    // Free before the caller goes on: a serial caller takes this connection again.
    peer.isFree(self)
    waiting?(status)
  }

  /// Status and length with the head, once the head is whole.
  private static func answer(_ bytes: UnsafeRawBufferPointer) -> (status: Int, length: Int)? {
    guard let end = headEnd(bytes), bytes.count > 12 else { return nil }
    let status = bytes[9..<12].reduce(0) { $0 * 10 + Int($1) - 48 }
    let name = Array("\r\ncontent-length: ".utf8)
    var length = 0
    var i = 0
    while i + name.count < end {
      if name.indices.allSatisfy({ name[$0] == (bytes[i + $0] >= 65 && bytes[i + $0] <= 90 ? bytes[i + $0] | 32 : bytes[i + $0]) }) {
        var digit = i + name.count
        while digit < end, bytes[digit] >= 48, bytes[digit] <= 57 {
          length = length * 10 + Int(bytes[digit] - 48)
          digit += 1
        }
        break
      }
      i += 1
    }
    return (status, end + 4 + length)
  }

  /// Index of the empty line's CRLF CRLF.
  private static func headEnd(_ bytes: UnsafeRawBufferPointer) -> Int? {
    var i = 0
    while i + 3 < bytes.count {
      if bytes[i] == 13, bytes[i + 1] == 10, bytes[i + 2] == 13, bytes[i + 3] == 10 { return i }
      i += 1
    }
    return nil
  }
}

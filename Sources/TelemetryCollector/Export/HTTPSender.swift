// One connection to a receiver, one request at a time, kept alive. HTTP is NIOHTTP1's and TLS NIOSSL's. (async-http-client
// would bring a pool, HTTP/2 and redirects, in fourteen more packages, for what is one sequence of POSTs.)

import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

struct HTTPAnswer: Sendable {
  var status: Int
  var retryAfter: String?
  var contentType: String?
  var body: [UInt8]
}

enum SendFailure: Error, Sendable {
  case timeout
  /// The connection ended before an answer.
  case closed
}

/// What the handler below is given to send.
struct HTTPJob: Sendable {
  var head: HTTPRequestHead
  var body: [UInt8]
  var answered: EventLoopPromise<HTTPAnswer>
}

/// Lives on one event loop; so does whoever uses it.
final class HTTPSender {
  private let endpoint: OTLPEndpoint
  private let tls: NIOSSLContext?
  private let loop: any EventLoop
  private var channel: (any Channel)?

  init(_ endpoint: OTLPEndpoint, tls: NIOSSLContext?, on loop: any EventLoop) {
    self.endpoint = endpoint
    self.tls = tls
    self.loop = loop
  }

  /// Whether the last request went over a connection that had carried one before: a receiver may close an idle connection just
  /// when the next request is on its way.
  private(set) var wasReused = false

  func post(_ head: HTTPRequestHead, _ body: [UInt8], seconds: Int64) -> EventLoopFuture<HTTPAnswer> {
    wasReused = channel?.isActive == true
    return connected(seconds: seconds).flatMap { channel in
      let answered = channel.eventLoop.makePromise(of: HTTPAnswer.self)
      let limit = channel.eventLoop.scheduleTask(in: .seconds(seconds)) {
        answered.fail(SendFailure.timeout)
        channel.close(promise: nil)
      }
      answered.futureResult.whenComplete { _ in limit.cancel() }
      channel.writeAndFlush(HTTPJob(head: head, body: body, answered: answered)).whenFailure { _ in answered.fail(SendFailure.closed) }
      return answered.futureResult
    }
  }

  private func connected(seconds: Int64) -> EventLoopFuture<any Channel> {
    if let channel, channel.isActive { return loop.makeSucceededFuture(channel) }
    let tls = tls, name = endpoint.certificateName
    let connecting = ClientBootstrap(group: loop)
      .connectTimeout(.seconds(seconds))
      .channelOption(.socketOption(.tcp_nodelay), value: 1)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          if let tls { try channel.pipeline.syncOperations.addHandler(NIOSSLClientHandler(context: tls, serverHostname: name)) }
          try channel.pipeline.syncOperations.addHTTPClientHandlers()
          try channel.pipeline.syncOperations.addHandler(HTTPAnswerHandler())
        }
      }
      .connect(host: endpoint.host, port: endpoint.port)
    connecting.assumeIsolated().whenSuccess { self.channel = $0 }
    return connecting
  }

  func close() {
    channel?.close(promise: nil)
    channel = nil
  }
}

/// Writes a job, and keeps its promise.
private final class HTTPAnswerHandler: ChannelDuplexHandler {
  typealias InboundIn = HTTPClientResponsePart
  typealias OutboundIn = HTTPJob
  typealias OutboundOut = HTTPClientRequestPart

  /// Nobody needs to read more of what a receiver has to say.
  private static let bytesMax = 64 << 10

  private var answered: EventLoopPromise<HTTPAnswer>?
  private var answer: HTTPAnswer?
  private var keepsAlive = false

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    let job = unwrapOutboundIn(data)
    answered = job.answered
    context.write(wrapOutboundOut(.head(job.head)), promise: nil)
    context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: job.body)))), promise: nil)
    context.write(wrapOutboundOut(.end(nil)), promise: promise)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head):
      keepsAlive = head.isKeepAlive
      answer = HTTPAnswer(
        status: Int(head.status.code), retryAfter: head.headers.first(name: "retry-after"), contentType: head.headers.first(name: "content-type"), body: [])
    case .body(let bytes):
      answer?.body += bytes.readableBytesView
      if let count = answer?.body.count, count > Self.bytesMax {
        keepsAlive = false
        finish(context)
      }
    case .end: finish(context)
    }
  }

  private func finish(_ context: ChannelHandlerContext) {
    let done = (answered, answer)
    answered = nil
    answer = nil
    if !keepsAlive { context.close(promise: nil) }
    // Last: whoever waits for it sends the next request from within this call.
    if let answer = done.1 { done.0?.succeed(answer) }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // What is no HTTP, or a certificate that is not trusted, says so; a reset is a connection that ended.
    answered?.fail(error is IOError ? SendFailure.closed : error)
    answered = nil
    context.close(promise: nil)
  }

  func channelInactive(context: ChannelHandlerContext) {
    answered?.fail(SendFailure.closed)
    answered = nil
    context.fireChannelInactive()
  }
}

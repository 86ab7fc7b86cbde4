// One connection of a receiver: what is asked is judged at its head, bodies are held within the receiver's bounds, answers are
// written in order. HTTP itself is NIOHTTP1's.

import NIOCore
import NIOHTTP1
import NIOPosix
import TelemetryModel

/// Lives on its connection's event loop.
final class ReceiverHandler: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  private enum State {
    case idle
    case receiving(ReceiverRequest)
    /// The worker has the request.
    case answering
    /// The last answer is written; what still comes is thrown away, so that the peer reads the answer and no reset.
    case closing
  }

  private let shared: ReceiverLoop
  private var state = State.idle
  private var timer: Scheduled<Void>?
  private var closesAfterAnswer = false

  init(_ shared: ReceiverLoop) { self.shared = shared }

  // MARK: Life

  func channelActive(context: ChannelHandlerContext) {
    guard shared.connections.count < shared.options.connectionsMax, !shared.isStopping else {
      shared.counts.update { $0.connectionsRefused += 1 }
      return context.close(promise: nil)
    }
    shared.connections[ObjectIdentifier(self)] = (self, context)
    limit(context, seconds: shared.options.idleSeconds)
    context.fireChannelActive()
  }

  func channelInactive(context: ChannelHandlerContext) {
    timer?.cancel()
    if case .receiving(let request) = state { shared.bytesInFlight -= request.held }
    state = .closing
    shared.ended(ObjectIdentifier(self))
    context.fireChannelInactive()
  }

  /// Ends the connection as soon as nothing is half done.
  func stop(_ context: ChannelHandlerContext) {
    closesAfterAnswer = true
    if case .idle = state { context.close(promise: nil) }
  }

  /// One timer a connection, set anew whenever what is waited for changes.
  private func limit(_ context: ChannelHandlerContext, seconds: Int64) {
    timer?.cancel()
    timer = context.eventLoop.assumeIsolated().scheduleTask(in: .seconds(seconds)) { self.tooSlow(context) }
  }

  private func tooSlow(_ context: ChannelHandlerContext) {
    switch state {
    case .receiving(let request):
      shared.counts.update { $0.tooSlow += 1 }
      refuse(context, request, Refusal(status: 408, message: "the request was not complete in \(shared.options.requestSeconds) s"))
    case .answering: limit(context, seconds: shared.options.requestSeconds)
    case .idle, .closing: context.close(promise: nil)
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    guard error is HTTPParserError else { return context.close(promise: nil) }
    shared.counts.update { $0.notHTTP += 1 }
    switch state {
    case .idle: refuse(context, ReceiverRequest(), Refusal(status: 400, message: "this is not HTTP/1.1: \(error)"))
    case .receiving(let request): refuse(context, request, Refusal(status: 400, message: "this is not HTTP/1.1: \(error)"))
    case .answering, .closing: context.close(promise: nil)
    }
  }

  // MARK: A request

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch (unwrapInboundIn(data), state) {
    case (.head(let head), .idle): begin(context, head)
    case (.body(let bytes), .receiving(let request)):
      hold(context, request, bytes)
    case (.end, .receiving(let request)):
      complete(context, request)
    default: break
    }
  }

  private func begin(_ context: ChannelHandlerContext, _ head: HTTPRequestHead) {
    limit(context, seconds: shared.options.requestSeconds)
    let request = ReceiverRequest(head, bytesMax: shared.options.limits.requestBytesMax)
    if let refusal = request.refusal, refusal.status == 413 { return refuse(context, request, refusal) }
    if head.headers["expect"].contains(where: { $0.lowercased() == "100-continue" }) {
      // It has not begun to send, and need not.
      if let refusal = request.refusal { return refuse(context, request, refusal) }
      if let length = request.length, !shared.hasRoom(for: length) {
        request.refusal = shared.busy
        return refuse(context, request, shared.busy)
      }
      context.writeAndFlush(wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: .continue))), promise: nil)
    }
    state = .receiving(request)
  }

  private func hold(_ context: ChannelHandlerContext, _ request: ReceiverRequest, _ bytes: ByteBuffer) {
    request.received += bytes.readableBytes
    if request.received > shared.options.limits.requestBytesMax {
      return refuse(context, request, request.refusal ?? .tooLarge(shared.options.limits.requestBytesMax))
    }
    if request.refusal == nil {
      if shared.hasRoom(for: bytes.readableBytes) {
        shared.bytesInFlight += bytes.readableBytes
        request.append(bytes)
      } else {
        // The rest is read and thrown away: the answer comes where the sender waits for it, and the connection lives on.
        shared.bytesInFlight -= request.held
        request.body = nil
        request.refusal = shared.busy
      }
    }
    state = .receiving(request)
  }

  private func complete(_ context: ChannelHandlerContext, _ request: ReceiverRequest) {
    if let refusal = request.refusal {
      shared.counts.refuse(refusal.status)
      return answer(context, request, request.answer(refusal))
    }
    guard let signal = request.signal else { return }
    state = .answering
    let held = request.held
    let job = IngestJob(
      signal: signal, format: request.format, isCompressed: request.isCompressed, body: request.body ?? ByteBuffer(),
      receivedUnixNano: shared.now())
    let worker = shared.worker
    shared.pool.runIfActive(eventLoop: context.eventLoop) { worker.answer(job) }.assumeIsolated().whenComplete { result in
      self.shared.bytesInFlight -= held
      guard case .answering = self.state else { return }
      let stopped = request.answer(Refusal(status: 503, message: "the receiver is ending"))
      self.answer(context, request, (try? result.get()) ?? stopped)
    }
  }

  // MARK: Its answer

  /// An answer before the request is complete: nothing more is read of this connection.
  private func refuse(_ context: ChannelHandlerContext, _ request: ReceiverRequest, _ refusal: Refusal) {
    shared.counts.refuse(refusal.status)
    shared.bytesInFlight -= request.held
    request.body = nil
    request.keepsAlive = false
    answer(context, request, request.answer(refusal))
  }

  private func answer(_ context: ChannelHandlerContext, _ request: ReceiverRequest, _ answer: IngestAnswer) {
    let closes = !request.keepsAlive || closesAfterAnswer
    var head = HTTPResponseHead(version: .http1_1, status: HTTPResponseStatus(statusCode: answer.status))
    head.headers.add(name: "Content-Type", value: request.format.contentType)
    head.headers.add(name: "Content-Length", value: String(answer.body.count))
    if answer.status == 405 { head.headers.add(name: "Allow", value: "POST") }
    if answer.status == 429 || answer.status == 503 { head.headers.add(name: "Retry-After", value: String(shared.options.retryAfterSeconds)) }
    if closes { head.headers.add(name: "Connection", value: "close") }
    state = closes ? .closing : .idle
    context.write(wrapOutboundOut(.head(head)), promise: nil)
    if !answer.body.isEmpty { context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: answer.body)))), promise: nil) }
    context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    if closes {
      context.close(mode: .output, promise: nil)
      limit(context, seconds: 1)
    } else {
      limit(context, seconds: shared.options.idleSeconds)
    }
  }
}

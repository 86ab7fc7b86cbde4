import ExperimentModel
import NIOCore

/// One network toxic on one connection. It is in the pipeline only while the toxic lasts, and only of connections that it is done
/// to: a healthy connection has nothing of it. Lives on the lab's loop.
final class ToxicHandler: ChannelOutboundHandler, RemovableChannelHandler {
  typealias OutboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private struct Held { var bytes: ByteBuffer; var at: Int64 }

  private var flow: ToxicFlow
  private let environment: any Environment
  /// What a dying process' kernel does.
  private let reset: () -> Void
  private let gone: (ToxicHandler) -> Void
  private var context: ChannelHandlerContext?
  private var held = CircularBuffer<Held>()
  private var lastWrite: EventLoopFuture<Void>?
  private var pendingClose: (mode: CloseMode, promise: EventLoopPromise<Void>?)?
  private var hasLost = false
  private var isTimed = false
  private var isEmitting = false
  /// Over: everything passes.
  private var isLifted = false

  init(_ flow: ToxicFlow, environment: any Environment, reset: @escaping () -> Void, gone: @escaping (ToxicHandler) -> Void) {
    self.flow = flow; self.environment = environment; self.reset = reset; self.gone = gone
  }

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    guard let after = flow.endsAfter else { return }
    environment.at(environment.now + after) { [weak self] in self?.end() }
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    self.context = nil
    held.removeAll()
    gone(self)
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    guard !isLifted else { return context.write(data, promise: promise) }
    var bytes = unwrapOutboundIn(data)
    switch flow.take(bytes.readableBytes, now: environment.now) {
    case .pass: context.write(data, promise: promise)
    case .lost:
      hasLost = true
      promise?.succeed()
    case .pieces(let pieces):
      for piece in pieces {
        guard let slice = bytes.readSlice(length: piece.size) else { break }
        held.append(Held(bytes: slice, at: piece.at))
      }
      promise?.succeed()
      emit()
    case .last(let size):
      isLifted = true
      if let rest = bytes.readSlice(length: size), size > 0 { send(rest, context) }
      promise?.succeed()
      finishClose(.all, nil)
    }
  }

  func flush(context: ChannelHandlerContext) { context.flush() }

  func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
    guard !isLifted else { return finishClose(mode, promise) }
    // A second close changes nothing: the first one is on its way.
    guard pendingClose == nil else { return promise?.succeed() ?? () }
    pendingClose = (mode, promise)
    if held.isEmpty { closeLater() }
  }

  /// Everything that is held goes out now, and the toxic is gone. A connection that has lost bytes of an answer cannot go on.
  func lift() {
    guard let context, !isLifted else { return }
    isLifted = true
    while let piece = held.popFirst() { send(piece.bytes, context) }
    if pendingClose != nil {
      finishClose()
    } else if hasLost {
      finishClose(.all, nil)
    } else {
      context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }
  }

  /// The connection is about to be reset: nothing may hold it.
  func letGo() {
    isLifted = true
    held.removeAll()
    lastWrite = nil
  }

  /// It is in no pipeline any more.
  var isGone: Bool { context == nil }

  private func end() {
    guard let context, !isLifted else { return }
    if flow.toxic == .resetPeer { return reset() }
    isLifted = true
    context.close(promise: nil)
  }

  private func emit() {
    guard let context, !isEmitting else { return }
    isEmitting = true
    defer { isEmitting = false }
    while let first = held.first, first.at <= environment.now {
      held.removeFirst()
      send(first.bytes, context)
    }
    if held.isEmpty, pendingClose != nil { return closeLater() }
    guard let first = held.first, !isTimed else { return }
    isTimed = true
    environment.at(first.at) { [weak self] in
      self?.isTimed = false
      self?.emit()
    }
  }

  private func closeLater() {
    guard flow.closesAfter > 0 else { return finishClose() }
    environment.at(environment.now + flow.closesAfter) { [weak self] in self?.finishClose() }
  }

  private func finishClose() {
    guard let (mode, promise) = pendingClose else { return }
    pendingClose = nil
    isLifted = true
    finishClose(mode, promise)
  }

  /// As soon as the socket has taken what was sent: closing drops the rest.
  private func finishClose(_ mode: CloseMode, _ promise: EventLoopPromise<Void>?) {
    guard let lastWrite else { return context?.close(mode: mode, promise: promise) ?? () }
    lastWrite.assumeIsolated().whenComplete { [weak self] _ in
      guard let context = self?.context else { return promise?.succeed() ?? () }
      context.close(mode: mode, promise: promise)
    }
  }

  private func send(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) {
    let written = context.eventLoop.makePromise(of: Void.self)
    lastWrite = written.futureResult
    context.writeAndFlush(wrapOutboundOut(bytes), promise: written)
  }
}

/// A network toxic that is active at a port, and the connections that it is done to.
final class ActiveToxic {
  let fault: FaultSpec
  /// Connections that it was done to.
  private(set) var connections = 0
  private let environment: any Environment
  private var random: SeededRandom
  private var handlers: [ObjectIdentifier: ToxicHandler] = [:]

  init(_ fault: FaultSpec, seed: UInt64, environment: any Environment) {
    self.fault = fault
    self.environment = environment
    random = SeededRandom(seed: seed, stream: "toxic:\(fault.toxic.rawValue):\(fault.target)")
  }

  /// A handler for one more connection; nil when the draw spares it.
  func handler(reset: @escaping () -> Void) -> ToxicHandler? {
    let isHit = random.unit() < fault.parameters.toxicity ?? 1
    let own = SeededRandom(seed: random.next())
    guard isHit else { return nil }
    connections += 1
    let flow = ToxicFlow(fault.toxic, fault.parameters, random: own)
    let handler = ToxicHandler(flow, environment: environment, reset: reset) { [weak self] in
      self?.handlers[ObjectIdentifier($0)] = nil
    }
    handlers[ObjectIdentifier(handler)] = handler
    return handler
  }

  func lift() {
    for handler in Array(handlers.values) { handler.lift() }
    handlers.removeAll()
  }

  func resetCounters() { connections = 0 }
}

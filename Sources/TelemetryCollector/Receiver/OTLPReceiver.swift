// An OTLP/HTTP receiver (https://opentelemetry.io/docs/specs/otlp/#otlphttp): any OpenTelemetry SDK can send to it. One event
// loop for all connections, one thread that decodes and stores.

import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
import TelemetryModel

public final class OTLPReceiver: Sendable {
  /// The port that it listens on.
  public let port: Int
  private let group: MultiThreadedEventLoopGroup
  private let pool: NIOThreadPool
  private let listener: any Channel
  private let shared: NIOLoopBound<ReceiverLoop>
  private let sharedCounts: SharedCounts

  /// What has come so far.
  public var counts: ReceiverCounts { sharedCounts.current }

  /// Listens from here on.
  /// - Parameters:
  ///   - capture: where requests are stored before they are answered; nil: they are only counted. It is the receiver's from now on.
  ///   - now: Unix time in nanoseconds, for the time of receipt.
  /// - Throws: when the address cannot be bound.
  public init(
    _ options: ReceiverOptions = ReceiverOptions(), capture: sending CaptureWriter? = nil, now: @escaping @Sendable () -> UInt64
  ) throws(CollectorError) {
    let counts = SharedCounts()
    let worker = IngestWorker(limits: options.limits, capture: capture, counts: counts)
    group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    pool = NIOThreadPool(numberOfThreads: 1)
    pool.start()
    let loop = group.next()
    let pool = pool
    let shared = try? loop.submit { NIOLoopBound(ReceiverLoop(options, worker, pool, counts, now), eventLoop: loop) }.wait()
    do {
      guard let shared else { throw ChannelError.alreadyClosed }
      self.shared = shared
      sharedCounts = counts
      listener = try ServerBootstrap(group: group)
        .serverChannelOption(.backlog, value: 128)
        .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
        .childChannelOption(.socketOption(.so_reuseaddr), value: 1)
        .childChannelInitializer { channel in
          channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.configureHTTPServerPipeline(withPipeliningAssistance: true, withErrorHandling: false)
            try channel.pipeline.syncOperations.addHandler(ReceiverHandler(shared.value))
          }
        }
        .bind(host: options.host, port: options.port).wait()
      port = listener.localAddress?.port ?? options.port
    } catch {
      try? pool.syncShutdownGracefully()
      try? group.syncShutdownGracefully()
      let cause = (error as? IOError).map { String(cString: strerror($0.errnoCode)) } ?? "\(error)"
      throw CollectorError(
        place: "\(options.host):\(options.port)", cause: "nothing can listen there: \(cause)", remedy: "end what listens there, or choose another --port")
    }
  }

  /// Takes no more connections, answers what was received, and ends. Waits for it, for at most `seconds`.
  public func stop(seconds: Int64 = 5) {
    try? listener.close().wait()
    let shared = shared
    try? listener.eventLoop.flatSubmit { shared.value.stop(on: shared.eventLoop, seconds: seconds) }.wait()
    try? pool.syncShutdownGracefully()
    try? group.syncShutdownGracefully()
  }
}

/// What the connections of a receiver share; lives on its event loop.
final class ReceiverLoop {
  let options: ReceiverOptions
  let worker: IngestWorker
  let pool: NIOThreadPool
  let counts: SharedCounts
  let now: @Sendable () -> UInt64
  var bytesInFlight = 0
  var connections: [ObjectIdentifier: (handler: ReceiverHandler, context: ChannelHandlerContext)] = [:]
  private var stopped: EventLoopPromise<Void>?

  init(_ options: ReceiverOptions, _ worker: IngestWorker, _ pool: NIOThreadPool, _ counts: SharedCounts, _ now: @escaping @Sendable () -> UInt64) {
    self.options = options
    self.worker = worker
    self.pool = pool
    self.counts = counts
    self.now = now
  }

  var isStopping: Bool { stopped != nil }
  func hasRoom(for bytes: Int) -> Bool { bytesInFlight + bytes <= options.bytesInFlightMax }
  var busy: Refusal { Refusal(status: 429, message: "\(options.bytesInFlightMax) bytes wait to be decoded here; send again after Retry-After") }

  func ended(_ connection: ObjectIdentifier) {
    connections[connection] = nil
    if connections.isEmpty { stopped?.succeed() }
  }

  /// Done when no connection is left; those that are in the middle of a request have so many seconds for it.
  func stop(on loop: any EventLoop, seconds: Int64) -> EventLoopFuture<Void> {
    let promise = loop.makePromise(of: Void.self)
    for (handler, context) in connections.values { handler.stop(context) }
    stopped = promise
    if connections.isEmpty { promise.succeed() }
    loop.assumeIsolated().scheduleTask(in: .seconds(seconds)) {
      for (_, context) in self.connections.values { context.close(promise: nil) }
    }
    return promise.futureResult
  }
}

// The sending end of OTLP/HTTP: a bounded queue, requests joined into larger ones, one in flight, sent again as OTLP says.
//
// Everything lives on one event loop, so nothing here needs a lock; callers wait for it, or do not.

import NIOCore
import NIOPosix
import TelemetryModel

public final class OTLPExporter: Sendable {
  public struct Options: Sendable {
    public var format = OTLPFormat.protobuf
    public var compresses = false
    /// Bytes that wait or are being sent. Above it a request is dropped and counted, or its giver waits.
    public var queueBytesMax = 64 << 20
    /// Requests of one signal are joined up to so many bytes. A larger one is sent as it is.
    public var batchBytes = 1 << 20
    /// For a connection and for an answer.
    public var timeoutSeconds: Int64 = 10
    public var retry = RetryPolicy()
    public init() {}
  }

  private let group: MultiThreadedEventLoopGroup
  private let state: NIOLoopBound<ExporterLoop>

  /// - Parameters:
  ///   - jitter: numbers from 0 to 1, for the waits between attempts.
  ///   - now: Unix time in nanoseconds, for a Retry-After that is a date.
  ///   - isCancelled: asked ten times a second; once it says true, what is not sent is abandoned and counted.
  /// - Throws: when the certificates to trust cannot be read.
  public init(
    _ endpoint: OTLPEndpoint, _ options: Options = Options(), jitter: @escaping @Sendable () -> Double, now: @escaping @Sendable () -> UInt64,
    isCancelled: @escaping @Sendable () -> Bool = { false }
  ) throws(CollectorError) {
    let tls = try endpoint.tlsContext()
    group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let loop = group.next()
    let made = loop.submit {
      NIOLoopBound(ExporterLoop(endpoint, options, tls: tls, loop: loop, jitter: jitter, now: now, isCancelled: isCancelled), eventLoop: loop)
    }
    do { state = try made.wait() } catch { throw CollectorError(place: endpoint.description, cause: "\(error)", remedy: "try again") }
  }

  /// Gives a request to the queue, or drops it when the queue is full.
  /// - Returns: whether it was taken.
  @discardableResult
  public func offer(_ request: CapturedRequest) -> Bool {
    let state = state
    return (try? state.eventLoop.submit { state.value.offer(request) }.wait()) ?? false
  }

  /// Gives a request to the queue, and waits for room as long as there is none.
  public func enqueue(_ request: CapturedRequest) {
    let state = state
    try? state.eventLoop.flatSubmit { state.value.enqueue(request) }.wait()
  }

  public var counts: ExportCounts {
    let state = state
    return (try? state.eventLoop.submit { state.value.counts }.wait()) ?? ExportCounts()
  }

  /// Waits until everything is sent or lost, and ends.
  public func finish() -> ExportCounts {
    let state = state
    let counts = (try? state.eventLoop.flatSubmit { state.value.finish() }.wait()) ?? ExportCounts()
    try? group.syncShutdownGracefully()
    return counts
  }
}

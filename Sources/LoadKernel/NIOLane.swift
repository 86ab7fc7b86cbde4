// One request at a time over swift-nio: what a slot is to the epoll loop. A lane is a connection of its own (HTTP/1.1 over
// TLS) or a share of the streams of one (HTTP/2). Not built without swift-nio-ssl and swift-nio-http2.

#if canImport(NIOSSL) && canImport(NIOHTTP2)
  import NIOCore

  /// Unchecked: touched on its driver's event loop only.
  final class NIOLane: @unchecked Sendable {
    let index: Int
    var busy = false
    var isUnsent = false
    var waited = false
    /// The sink is to be filled: a check, a capture or a cookie asks for it.
    var reads = false
    /// Tells answers to an earlier request from those to this one.
    var number = 0
    var intended: Int64 = 0
    var sent: Int64 = 0
    /// Of the answer, so far.
    var received = 0
    let sink = ResponseSink()
    init(_ index: Int) { self.index = index }
  }

  /// The seam between the driver and a protocol. All calls and all results on the driver's event loop.
  protocol NIOTransport: AnyObject {
    /// Connects what the lane needs, if it is not connected; at once when it is.
    func open(_ lane: NIOLane) -> EventLoopFuture<Void>
    func isOpen(_ lane: NIOLane) -> Bool
    /// Sends a request that was rendered as HTTP/1.1.
    func send(_ lane: NIOLane, _ request: ByteStoreView, isHead: Bool)
    /// Gives up the lane's request; its connection too, where nobody shares it.
    func abandon(_ lane: NIOLane)
    func closeAll()
    var connectionCount: Int { get }
  }

  /// Bytes that live as long as the call.
  struct ByteStoreView {
    let bytes: UnsafeMutablePointer<UInt8>
    let count: Int
  }

  /// A failure with the kind that it counts as.
  struct NIOLoadFailure: Error {
    var kind: ErrorKind
    var text: String
  }
#endif

import NIOCore

/// What a request is answered with, before it becomes bytes of HTTP.
struct Answer {
  enum ContentType { case none, json, text, bytes, html, css, javascript, svg }
  enum Coding { case identity, gzip }
  var status = 200
  var body = ByteBuffer()
  var contentType = ContentType.none
  /// With its quotes.
  var etag: String?
  var coding = Coding.identity
  /// Another client might get another coding of it.
  var dependsOnCoding = false
  /// Further field lines, each with its line end.
  var fields: String?
}

/// Which committed state an answer was read from; decides later whether a cached copy is stale.
struct Provenance: Sendable {
  /// `WriteLog.sequence` before the first read; `.max` when nothing was read.
  var sequence: UInt64 = .max
  var rows: [RowKey] = []
}

/// Who waits for the answer: a connection, or a test.
protocol ExchangeOwner: AnyObject {
  func answered(_ exchange: Exchange)
}

/// One request on its way through the stages of its route. A connection owns one and reuses it, because
/// HTTP/1.1 answers in order; between `submit` and `answered` nobody else may touch it.
final class Exchange {
  enum CacheState { case none, hit, miss }

  var route: Route!
  /// Values of the route's `{…}` segments, in order.
  var variables: [String] = []
  var isHead = false
  var ifNoneMatch: String?
  /// The client can read gzip.
  var acceptsGzip = false
  /// Held only while the request is on its way, which breaks the cycle with the connection.
  var owner: (any ExchangeOwner)?

  var answer = Answer()
  var cacheState = CacheState.none
  var provenance = Provenance()
  /// Index of the next stage.
  var nextStage = 0
  /// Caches that were missed and want the answer, outermost first.
  var fills: [Fill] = []
  /// How many of the route's invalidations are done.
  var invalidationsDone = 0
  /// Of the role when the request came in.
  var life = 0
  /// Where its service time goes in the role's trace, and when a worker took it.
  var traceIndex = -1
  var taken: Int64 = 0
  /// The role's process is gone: the connection is reset instead of answered.
  var isCutOff = false

  /// Further lines of the answer's head, each with its CRLF; they outlive a failure.
  var fields = ""
  /// Locks that are held, outermost first.
  var locks: [HeldLock] = []
  /// Whose message this is, in a worker.
  var work: WorkBatch?
  /// Variables of every message, while a stage serves a whole batch; else empty.
  var batch: [[String]] = []

  /// What goes along with the request; nil in a system that says nothing of telemetry.
  private(set) var trail: Trail?

  /// The trail, made when there was none.
  var madeTrail: Trail {
    if let trail { return trail }
    let made = Trail()
    trail = made
    return made
  }

  struct Fill { var cache: CacheStage; var key: String }

  /// Ready for the next request of the connection.
  func reset() {
    trail?.reset()
    variables.removeAll(keepingCapacity: true)
    isHead = false
    ifNoneMatch = nil
    acceptsGzip = false
    answer = Answer()
    cacheState = .none
    provenance = Provenance()
    nextStage = 0
    fills.removeAll(keepingCapacity: true)
    invalidationsDone = 0
    traceIndex = -1
    isCutOff = false
    fields = ""
    batch.removeAll()
  }

  /// Replaces the answer by a status with one line of text.
  func fail(_ status: Int, _ reason: String) {
    answer = Answer(status: status, body: ByteBuffer(string: reason + "\n"), contentType: .text)
  }

  /// An `If-None-Match` that names the answer's entity tag (RFC 9110, 13.1.2).
  var isNotModified: Bool {
    guard answer.status == 200, let etag = answer.etag, let wanted = ifNoneMatch else { return false }
    return EntityTag.matches(wanted, etag)
  }
}

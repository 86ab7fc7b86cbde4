// The queue behind an exporter and what happens to its requests; lives on one event loop.

import NIOCore
import NIOSSL
import TelemetryModel

final class ExporterLoop {
  /// Requests that were joined, on their way.
  private struct Batch {
    var signal: TelemetrySignal
    /// As queued; `body` is what is sent of it.
    var queuedBytes: Int
    var records: Int
    var body: [UInt8]
    var attempts = 0
    var began = NIODeadline.now()
  }

  private let endpoint: OTLPEndpoint
  private let options: OTLPExporter.Options
  private let loop: any EventLoop
  private let sender: HTTPSender
  private let decoder = OTLPDecoder()
  private let jitter: @Sendable () -> Double
  private let now: @Sendable () -> UInt64
  private let isCancelled: @Sendable () -> Bool

  private(set) var counts = ExportCounts()
  private var queues: [TelemetrySignal: [CapturedRequest]] = [:]
  /// Whose turn it is.
  private var order = TelemetrySignal.allCases
  private var queuedBytes = 0
  private var sending = false
  private var waiting: [(request: CapturedRequest, taken: EventLoopPromise<Void>)] = []
  private var finished: EventLoopPromise<ExportCounts>?
  /// What ended it early.
  private var loses: WritableKeyPath<ExportCounts, Int>?
  private var pause: Scheduled<Void>?
  private var inFlight: Batch?
  private var watch: Scheduled<Void>?

  init(
    _ endpoint: OTLPEndpoint, _ options: OTLPExporter.Options, tls: NIOSSLContext?, loop: any EventLoop, jitter: @escaping @Sendable () -> Double,
    now: @escaping @Sendable () -> UInt64, isCancelled: @escaping @Sendable () -> Bool
  ) {
    self.endpoint = endpoint
    self.options = options
    self.loop = loop
    self.jitter = jitter
    self.now = now
    sender = HTTPSender(endpoint, tls: tls, on: loop)
    self.isCancelled = isCancelled
    watchForCancellation()
  }

  private func watchForCancellation() {
    watch = loop.assumeIsolated().scheduleTask(in: .milliseconds(100)) {
      if self.isCancelled() { self.end(losing: \.abandoned) } else { self.watchForCancellation() }
    }
  }

  // MARK: The queue

  func offer(_ request: CapturedRequest) -> Bool {
    if let loses {
      counts[keyPath: loses] += request.records
      return false
    }
    guard hasRoom(request) else {
      counts.dropped += request.records
      return false
    }
    take(request)
    return true
  }

  func enqueue(_ request: CapturedRequest) -> EventLoopFuture<Void> {
    if loses != nil || hasRoom(request) {
      _ = offer(request)
      return loop.makeSucceededVoidFuture()
    }
    let taken = loop.makePromise(of: Void.self)
    waiting.append((request, taken))
    return taken.futureResult
  }

  /// One that is larger than the whole queue is taken when it is alone.
  private func hasRoom(_ request: CapturedRequest) -> Bool { queuedBytes == 0 || queuedBytes + request.payload.count <= options.queueBytesMax }

  private func take(_ request: CapturedRequest) {
    queues[request.signal, default: []].append(request)
    queuedBytes += request.payload.count
    sendNext()
  }

  func finish() -> EventLoopFuture<ExportCounts> {
    let promise = loop.makePromise(of: ExportCounts.self)
    finished = promise
    sendNext()
    return promise.futureResult
  }

  // MARK: Sending

  /// The next requests of one signal as one: repeated fields of protobuf join when their bytes do.
  private func nextBatch() -> Batch? {
    guard let signal = order.first(where: { queues[$0]?.isEmpty == false }), let queue = queues[signal] else { return nil }
    order.removeAll { $0 == signal }
    order.append(signal)
    var count = 0, bytes = 0
    while count < queue.count, count == 0 || bytes + queue[count].payload.count <= options.batchBytes {
      bytes += queue[count].payload.count
      count += 1
    }
    var body: [UInt8] = []
    body.reserveCapacity(bytes)
    for one in queue[..<count] { body += one.payload }
    queues[signal]?.removeFirst(count)
    return Batch(signal: signal, queuedBytes: bytes, records: queue[..<count].reduce(0) { $0 + $1.records }, body: body)
  }

  private func sendNext() {
    guard !sending else { return }
    guard var batch = nextBatch() else {
      if waiting.isEmpty, let finished {
        self.finished = nil
        watch?.cancel()
        sender.close()
        finished.succeed(counts)
      }
      return
    }
    sending = true
    if options.format == .json {
      do throws(OTLPError) { batch.body = try convertOTLP(batch.body, batch.signal, from: .protobuf, to: .json, by: decoder) } catch {
        return done(batch, losing: \.refused, "a stored request of \(batch.signal.rawValue) cannot be decoded: \(error)")
      }
    }
    counts.requests += 1
    counts.bodyBytes += batch.body.count
    if options.compresses { batch.body = gzipped(batch.body) }
    attempt(batch)
  }

  private func attempt(_ batch: Batch) {
    var batch = batch
    batch.attempts += 1
    inFlight = batch
    counts.wireBytes += batch.body.count
    if batch.attempts > 1 { counts.retries += 1 }
    let head = endpoint.head(batch.signal, options.format, bytes: batch.body.count, isCompressed: options.compresses)
    sender.post(head, batch.body, seconds: options.timeoutSeconds).assumeIsolated().whenComplete { result in
      guard self.inFlight != nil else { return }
      switch result {
      case .success(let answer): self.answered(batch, answer)
      case .failure(let error):
        self.sender.close()
        if case SendFailure.closed = error, self.sender.wasReused { return self.attempt(batch) }
        self.again(batch, retryAfter: nil, "\(self.endpoint.description) cannot be reached: \(error)")
      }
    }
  }

  private func answered(_ batch: Batch, _ answer: HTTPAnswer) {
    let format = answer.contentType.flatMap(OTLPFormat.init(contentType:)) ?? options.format
    if (200..<300).contains(answer.status) {
      let said = answer.body.withUnsafeBytes { try? OTLPResponse(decoding: $0, batch.signal, as: format) } ?? OTLPResponse()
      let rejected = min(batch.records, Int(clamping: max(0, said.rejected)))
      counts.sent += batch.records - rejected
      counts.rejected += rejected
      if !said.message.isEmpty { counts.lastTrouble = "partial success: \(said.message.prefix(300))" }
      return done(batch)
    }
    let trouble = "\(endpoint.description)\(batch.signal.path) answered \(answer.status)\(Self.reason(answer, format))"
    guard RetryPolicy.isRetried(status: answer.status) else { return done(batch, losing: \.refused, trouble) }
    let seconds = answer.retryAfter.flatMap { RetryPolicy.seconds(retryAfter: $0, nowUnixSeconds: Double(now()) / 1e9) }
    again(batch, retryAfter: seconds, trouble)
  }

  /// The message of a `google.rpc.Status` in JSON or protobuf, as far as it can be shown.
  private static func reason(_ answer: HTTPAnswer, _ format: OTLPFormat) -> String {
    // Field 2 of the message, behind its tag and its length.
    let message = format == .protobuf && answer.body.first == 0x12 ? answer.body.dropFirst().drop { $0 >= 0x80 }.dropFirst() : answer.body[...]
    let text = String(decoding: message, as: UTF8.self).unicodeScalars.filter { $0.value >= 32 && $0.value != 0xFFFD && $0.value != 127 }
    return text.isEmpty ? "" : ": " + String(String.UnicodeScalarView(text.prefix(200)))
  }

  private func again(_ batch: Batch, retryAfter: Double?, _ trouble: String) {
    counts.lastTrouble = trouble
    let delay = options.retry.delay(afterAttempts: batch.attempts, retryAfter: retryAfter, jitter: jitter())
    let passed = Double((NIODeadline.now() - batch.began).nanoseconds) / 1e9
    guard passed + delay <= options.retry.giveUpSeconds else { return end(losing: \.givenUp) }
    pause = loop.assumeIsolated().scheduleTask(in: .nanoseconds(Int64(delay * 1e9))) { self.attempt(batch) }
  }

  private func done(_ batch: Batch, losing: WritableKeyPath<ExportCounts, Int>? = nil, _ trouble: String = "") {
    if let losing {
      counts[keyPath: losing] += batch.records
      counts.lastTrouble = trouble
    }
    inFlight = nil
    sending = false
    queuedBytes -= batch.queuedBytes
    while let next = waiting.first, hasRoom(next.request) {
      waiting.removeFirst()
      queues[next.request.signal, default: []].append(next.request)
      queuedBytes += next.request.payload.count
      next.taken.succeed()
    }
    sendNext()
  }

  /// Nothing more is sent: what waits, what is in flight and what still comes is lost, and counted as such.
  private func end(losing: WritableKeyPath<ExportCounts, Int>) {
    guard loses == nil else { return }
    loses = losing
    pause?.cancel()
    let lost = queues.values.joined().reduce(0) { $0 + $1.records } + waiting.reduce(0) { $0 + $1.request.records } + (inFlight?.records ?? 0)
    counts[keyPath: losing] += lost
    let takers = waiting
    queues = [:]
    waiting = []
    inFlight = nil
    sending = false
    queuedBytes = 0
    sender.close()
    for one in takers { one.taken.succeed() }
    sendNext()
  }
}

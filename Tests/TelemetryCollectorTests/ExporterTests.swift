import Glibc
import Synchronization
import TelemetryModel
import Testing

@testable import TelemetryCollector

struct ExporterTests {
  /// Small requests of traces and logs in turn, as a program would have sent them one by one.
  private func requests(_ count: Int) -> [CapturedRequest] {
    (0..<count).map { i in
      let isLog = i % 3 == 2
      let payload = isLog ? sampleLogs(2).encoded(as: .protobuf) : sampleTraces(5, first: i * 5).encoded(as: .protobuf)
      return CapturedRequest(signal: isLog ? .logs : .traces, receivedUnixNano: 1, records: isLog ? 2 : 5, payload: payload)
    }
  }

  private func receiver(
    _ capture: sending CaptureWriter? = nil, _ change: (inout ReceiverOptions) -> Void = { _ in }, now: @escaping @Sendable () -> UInt64 = { 1 }
  ) throws -> OTLPReceiver {
    var options = ReceiverOptions()
    options.port = 0
    change(&options)
    return try OTLPReceiver(options, capture: capture, now: now)
  }

  private func exporter(
    _ port: Int, basePath: String = "", isCancelled: @escaping @Sendable () -> Bool = { false },
    change: (inout OTLPExporter.Options) -> Void = { _ in }
  ) throws -> OTLPExporter {
    var options = OTLPExporter.Options()
    options.retry.firstSeconds = 0.01
    options.retry.giveUpSeconds = 0.3
    change(&options)
    return try OTLPExporter(
      OTLPEndpoint(host: "127.0.0.1", port: port, basePath: basePath), options, jitter: { 0.5 }, now: { 1 }, isCancelled: isCancelled)
  }

  @Test(arguments: [(OTLPFormat.protobuf, false), (.protobuf, true), (.json, false), (.json, true)])
  func whatIsGivenArrivesInOrderAndJoined(format: OTLPFormat, compresses: Bool) throws {
    let file = TemporaryFile(), requests = requests(120)
    // The first is answered only when all are given, so that on a busy machine too the others wait, and are joined.
    let given = Flag()
    let receiver = try receiver(try CaptureWriter(file.path, now: 1), now: {
      while !given.value.load(ordering: .relaxed) { usleep(1000) }
      return 1
    })
    let exporter = try exporter(receiver.port, basePath: "/", change: { options in
      options.format = format
      options.compresses = compresses
      options.batchBytes = 10_000
    })
    for one in requests { exporter.enqueue(one) }
    given.value.store(true, ordering: .relaxed)
    let counts = exporter.finish()
    receiver.stop()
    #expect(counts.sent == 80 * 5 + 40 * 2 && counts.lost == 0 && counts.retries == 0)
    #expect(counts.requests < 60)
    #expect(compresses == (counts.wireBytes < counts.bodyBytes))
    let decoder = OTLPDecoder()
    let stored = try contents(file.path).requests
    #expect(stored.count == counts.requests)
    let spans = try stored.filter { $0.signal == .traces }.flatMap { try decoder.traces($0.payload, as: .protobuf).batch.records }
    let sent = try requests.filter { $0.signal == .traces }.flatMap { try decoder.traces($0.payload, as: .protobuf).batch.records }
    let same = spans == sent
    #expect(same)
  }

  @Test func aQueueOfOneRequestLosesNothingWhereOneWaits() throws {
    let receiver = try receiver()
    let exporter = try exporter(receiver.port, change: { $0.queueBytesMax = 1 })
    for one in requests(60) { exporter.enqueue(one) }
    let counts = exporter.finish()
    #expect(counts.lost == 0 && counts.requests == 60)
    #expect(receiver.counts.records.values.reduce(0, +) == counts.sent)
    receiver.stop()
  }

  @Test func aFullQueueDropsAndCountsEveryRecord() throws {
    // Nobody listens there any more: everything taken stays in the queue until somebody ends it.
    let gone = try receiver()
    let port = gone.port
    gone.stop()
    let ended = Flag()
    let exporter = try exporter(port, isCancelled: { ended.value.load(ordering: .relaxed) }, change: { options in
      options.queueBytesMax = 5000
      options.retry.giveUpSeconds = 1000
    })
    let requests = requests(30)
    var taken = 0, bytes = 0
    for one in requests where exporter.offer(one) {
      taken += one.records
      bytes += one.payload.count
    }
    #expect(bytes <= 5000 && bytes > 3000)
    ended.value.store(true, ordering: .relaxed)
    let counts = exporter.finish()
    #expect(counts.abandoned == taken && counts.dropped == requests.reduce(0) { $0 + $1.records } - taken)
    #expect(counts.sent == 0 && counts.lost == counts.abandoned + counts.dropped)
  }

  @Test func aReceiverThatIsBusyIsAskedAgainUntilItCountsAsGone() throws {
    let receiver = try receiver { options in
      options.bytesInFlightMax = 10
      options.retryAfterSeconds = 0
    }
    let exporter = try exporter(receiver.port)
    for one in requests(30) { exporter.enqueue(one) }
    let counts = exporter.finish()
    #expect(counts.givenUp == 20 * 5 + 10 * 2 && counts.lost == counts.givenUp && counts.sent == 0)
    #expect(counts.retries > 0 && receiver.counts.backpressure == counts.retries + 1)
    #expect(counts.lastTrouble.contains("429"))
    receiver.stop()
  }

  @Test func aWaitBeyondTheEndIsNotBegun() throws {
    let receiver = try receiver { options in
      options.bytesInFlightMax = 10
      options.retryAfterSeconds = 3600
    }
    let exporter = try exporter(receiver.port)
    exporter.enqueue(requests(1)[0])
    let counts = exporter.finish()
    #expect(counts.givenUp == 5 && counts.retries == 0 && receiver.counts.backpressure == 1)
    receiver.stop()
  }

  @Test func whatIsRefusedIsNotSentAgain() throws {
    let receiver = try receiver()
    let exporter = try exporter(receiver.port, basePath: "/elsewhere", change: { $0.batchBytes = 1 })
    for one in requests(4) { exporter.enqueue(one) }
    let counts = exporter.finish()
    #expect(counts.refused == 17 && counts.retries == 0 && counts.requests == 4)
    #expect(counts.lastTrouble.hasSuffix("answered 404: there are /v1/traces, /v1/metrics and /v1/logs here"))
    #expect(receiver.counts.refused == [404: 4])
    receiver.stop()
  }

  @Test func aPartialSuccessIsCountedAndNotSentAgain() throws {
    let receiver = try receiver()
    var batch = sampleTraces(9)
    for i in [2, 5] { batch.resources[0].scopes[0].records[i].spanID = .none }
    let exporter = try exporter(receiver.port)
    exporter.enqueue(CapturedRequest(signal: .traces, receivedUnixNano: 1, records: 9, payload: batch.encoded(as: .protobuf)))
    let counts = exporter.finish()
    #expect(counts.sent == 7 && counts.rejected == 2 && counts.retries == 0 && counts.lost == 2)
    #expect(counts.lastTrouble.hasPrefix("partial success: 2 with a trace or span id"))
    receiver.stop()
  }

  @Test func aConnectionThatTheReceiverEndedIsMadeAnew() throws {
    let receiver = try receiver { $0.idleSeconds = 1 }
    let exporter = try exporter(receiver.port)
    let requests = requests(2)
    exporter.enqueue(requests[0])
    while exporter.counts.sent < 5 {}
    // Until the receiver has no connection left; then the next request needs another one.
    let probe = RawClient(port: receiver.port)
    #expect(probe.isClosed())
    exporter.enqueue(requests[1])
    let counts = exporter.finish()
    #expect(counts.sent == 10 && counts.lost == 0)
    receiver.stop()
  }
}

struct RetryPolicyTests {
  @Test func onlyFourStatusesAreTriedAgain() {
    #expect((100..<600).filter(RetryPolicy.isRetried(status:)) == [429, 502, 503, 504])
  }

  @Test func waitsDoubleWithinTheirJitter() {
    let policy = RetryPolicy()
    for (attempts, whole) in [(1, 1.0), (2, 2), (3, 4), (4, 8), (5, 16), (6, 30), (60, 30)] {
      #expect(policy.delay(afterAttempts: attempts, retryAfter: nil, jitter: 0) == whole / 2)
      #expect(policy.delay(afterAttempts: attempts, retryAfter: nil, jitter: 1) == whole)
      #expect(policy.delay(afterAttempts: attempts, retryAfter: 77, jitter: 1) == 77)
    }
  }

  /// The date of RFC 9110, 5.6.7, which is 784111777 s after 1970.
  @Test func retryAfterIsANumberOrADate() {
    let date = "Sun, 06 Nov 1994 08:49:37 GMT"
    #expect(RetryPolicy.seconds(retryAfter: "120", nowUnixSeconds: 0) == 120)
    #expect(RetryPolicy.seconds(retryAfter: date, nowUnixSeconds: 784_111_770) == 7)
    #expect(RetryPolicy.seconds(retryAfter: date, nowUnixSeconds: 784_111_999) == 0)
    for text in ["", "-1", "soon", "1.5", "Sun, 06 Nov 1994", "Sun, 06 Foo 1994 08:49:37 GMT", "Sun, 99 Nov 1994 08:49:37 GMT"] {
      #expect(RetryPolicy.seconds(retryAfter: text, nowUnixSeconds: 0) == nil, "\(text)")
    }
  }
}

private final class Flag: Sendable { let value = Atomic(false) }

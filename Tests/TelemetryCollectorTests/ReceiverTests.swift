import CZlib
import Glibc
import TelemetryModel
import Testing

@testable import TelemetryCollector

private func receiver(_ capture: sending CaptureWriter? = nil, _ change: (inout ReceiverOptions) -> Void = { _ in }) throws -> OTLPReceiver {
  var options = ReceiverOptions()
  options.port = 0
  change(&options)
  return try OTLPReceiver(options, capture: capture) { 123 }
}

struct ReceiverTests {
  @Test func bothFormatsAndAllSignalsAreTakenStoredAndCounted() throws {
    let file = TemporaryFile()
    let receiver = try receiver(try CaptureWriter(file.path, now: 1))
    let traces = sampleTraces(100), logs = sampleLogs(7)
    let metrics = MetricBatch(
      resource: Resource(attributes: [Attribute("service.name", "other")]),
      records: [TelemetryMetric(name: "m", data: .gauge([NumberPoint(unixNano: 5, value: .int(1)), NumberPoint(unixNano: 6, value: .double(2))]))])
    let client = RawClient(port: receiver.port)
    for format in OTLPFormat.allCases {
      let type = format.contentType + (format == .json ? "; charset=utf-8" : "")
      for (signal, body) in [("traces", traces.encoded(as: format)), ("metrics", metrics.encoded(as: format)), ("logs", logs.encoded(as: format))] {
        for (encoding, bytes) in [("identity", body), ("gzip", gzipped(body)), ("deflate", zlib(body))] {
          let answer = try #require(client.post("/v1/\(signal)", bytes, type: type, "Content-Encoding: \(encoding)"))
          #expect(answer.status == 200)
          #expect(answer.headers["content-type"] == format.contentType)
          #expect(answer.body == (format == .json ? Array("{}".utf8) : []))
        }
      }
    }
    let counts = receiver.counts
    receiver.stop()
    #expect(counts.requests == 18)
    #expect(counts.records == [
      .init(signal: .traces, service: "shop"): 600, .init(signal: .logs, service: "shop"): 42, .init(signal: .metrics, service: "other"): 12,
    ])
    let decoder = OTLPDecoder()
    let stored = try contents(file.path)
    #expect(stored.requests.count == 18 && stored.damagedBytes == 0)
    for one in stored.requests {
      #expect(one.receivedUnixNano == 123)
      switch one.signal {
      case .traces: #expect(try decoder.traces(one.payload, as: .protobuf).batch == traces)
      case .metrics: #expect(try decoder.metrics(one.payload, as: .protobuf).batch == metrics && one.records == 2)
      case .logs: #expect(try decoder.logs(one.payload, as: .protobuf).batch == logs)
      }
    }
  }

  @Test func rejectedRecordsArePartialSuccessInTheRequestsFormat() throws {
    let file = TemporaryFile()
    let receiver = try receiver(try CaptureWriter(file.path, now: 1))
    var batch = sampleTraces(5)
    batch.resources[0].scopes[0].records[2].traceID = .none
    batch.resources[0].scopes[0].records[4].spanID = .none
    for format in OTLPFormat.allCases {
      let answer = try #require(RawClient(port: receiver.port).post("/v1/traces", batch.encoded(as: format), type: format.contentType))
      let said = try answer.body.withUnsafeBytes { try OTLPResponse(decoding: $0, .traces, as: format) }
      #expect(answer.status == 200 && said.rejected == 2 && said.message.contains("2 with a trace or span id"))
    }
    #expect(receiver.counts.report.rejected == 4 && receiver.counts.total(.traces) == 6)
    receiver.stop()
    #expect(try contents(file.path).requests.map(\.records) == [3, 3])
  }

  @Test(arguments: [
    ("/v1/spans", "POST", "application/json", 404), ("/", "POST", "application/json", 404), ("/v1/traces", "GET", "application/json", 405),
    ("/v1/traces", "OPTIONS", "application/json", 405), ("/v1/traces", "POST", "text/plain", 415), ("/v1/traces", "POST", "", 415),
    ("/v1/traces?x=1", "POST", "application/json", 200), ("/v1/traces", "POST", "Application/JSON ; charset=utf-8", 200),
  ])
  func headsAreJudged(path: String, method: String, type: String, status: Int) throws {
    let receiver = try receiver()
    let client = RawClient(port: receiver.port)
    let head = "\(method) \(path) HTTP/1.1\r\nHost: x\r\n\(type.isEmpty ? "" : "Content-Type: \(type)\r\n")Content-Length: 2\r\n\r\n{}"
    client.send(head)
    #expect(client.answer()?.status == status)
    // And the connection is still good.
    client.send(head)
    let second = client.answer()
    #expect(second?.status == status)
    if status == 405 { #expect(second?.headers["allow"] == "POST") }
    if status != 200 {
      #expect(receiver.counts.refused == [status: 2])
      #expect(second?.text.hasPrefix("{\"message\":") == true)
    }
    receiver.stop()
  }

  @Test func unknownEncodingsAreRefused() throws {
    let receiver = try receiver()
    let client = RawClient(port: receiver.port)
    for encoding in ["br", "gzip, gzip", "zstd"] { #expect(client.post("/v1/traces", [], "Content-Encoding: \(encoding)")?.status == 415) }
    receiver.stop()
  }

  @Test func connectionsEndWhenTheySaySo() throws {
    let receiver = try receiver()
    for head in ["POST /v1/logs HTTP/1.1\r\nHost: x\r\nConnection: close", "POST /v1/logs HTTP/1.0"] {
      let client = RawClient(port: receiver.port)
      client.send("\(head)\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
      #expect(client.answer()?.status == 200)
      #expect(client.isClosed())
    }
    receiver.stop()
  }

  @Test func pipelinedAndChunkedRequestsAreAnsweredInOrder() throws {
    let receiver = try receiver()
    let client = RawClient(port: receiver.port)
    let one = "POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    client.send(
      one + "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n" + one + "Content-Length: 1\r\n\r\n{" + one + "Content-Length: 2\r\n\r\n{}"
    )
    #expect((0..<3).map { _ in client.answer()?.status } == [200, 400, 200])
    receiver.stop()
  }

  @Test func aSenderThatAsksFirstIsToldToGoOn() throws {
    let receiver = try receiver()
    let client = RawClient(port: receiver.port)
    client.send("POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
    #expect(client.answer()?.status == 100)
    client.send("{}")
    #expect(client.answer()?.status == 200)
    client.send("POST /v1/nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
    #expect(client.answer()?.status == 404)
    #expect(client.isClosed())
    receiver.stop()
  }

  @Test func aFullCaptureIsSaidAndCounted() throws {
    let file = TemporaryFile()
    var options = CaptureWriter.Options()
    options.bytesMax = 40_000
    let receiver = try receiver(try CaptureWriter(file.path, now: 1, options: options))
    let client = RawClient(port: receiver.port)
    let statuses = (0..<4).map { client.post("/v1/traces", sampleTraces(64, first: $0 * 64).encoded(as: .protobuf))?.status }
    receiver.stop()
    let stored = try contents(file.path).requests.count
    #expect(stored > 0 && stored < 4)
    #expect(statuses == (0..<4).map { $0 < stored ? 200 : 507 })
    #expect(receiver.counts.recordsNotStored == 64 * (4 - stored) && receiver.counts.total(.traces) == 64 * stored)
  }

  @Test func whatIsHalfReceivedIsAnsweredBeforeTheEnd() throws {
    let receiver = try receiver()
    let client = RawClient(port: receiver.port), idle = RawClient(port: receiver.port)
    client.send("POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{")
    // Answered only once the head was read on this connection and the other one is there.
    #expect(idle.post("/v1/logs", [])?.status == 200)
    let ending = Thread { receiver.stop() }
    #expect(idle.isClosed())
    client.send("}")
    let answer = client.answer()
    #expect(answer?.status == 200 && answer?.headers["connection"] == "close")
    ending.join()
    #expect(RawClient(port: receiver.port).post("/v1/logs", []) == nil)
  }
}

/// A thread to wait for.
final class Thread {
  private var thread = pthread_t()

  init(_ work: @escaping @Sendable () -> Void) {
    let box = Unmanaged.passRetained(Box(work)).toOpaque()
    pthread_create(&thread, nil, { Unmanaged<Box>.fromOpaque($0!).takeRetainedValue().work(); return nil }, box)
  }

  func join() { pthread_join(thread, nil) }

  private final class Box {
    let work: @Sendable () -> Void
    init(_ work: @escaping @Sendable () -> Void) { self.work = work }
  }
}

func zlib(_ bytes: [UInt8]) -> [UInt8] {
  var size = compressBound(UInt(bytes.count))
  var out = [UInt8](repeating: 0, count: Int(size))
  _ = compress2(&out, &size, bytes, UInt(bytes.count), 6)
  return Array(out[..<Int(size)])
}

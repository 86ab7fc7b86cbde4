import Glibc
import TelemetryModel
import Testing

@testable import TelemetryCollector

/// What a receiver must survive: every one is refused, and the next honest request on a new connection is taken.
struct HostileSenderTests {
  private func receiver(_ change: (inout ReceiverOptions) -> Void = { _ in }) throws -> OTLPReceiver {
    var options = ReceiverOptions()
    options.port = 0
    change(&options)
    return try OTLPReceiver(options) { 1 }
  }

  private func isAlive(_ receiver: OTLPReceiver) -> Bool {
    RawClient(port: receiver.port).post("/v1/traces", sampleTraces(3).encoded(as: .protobuf))?.status == 200
  }

  private let head = "POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\n"

  @Test func truncatedBodiesAre400() throws {
    let receiver = try receiver()
    let client = RawClient(port: receiver.port)
    let body = sampleTraces(3).encoded(as: .protobuf), compressed = gzipped(body)
    for cut in stride(from: 1, to: body.count, by: 7) { #expect(client.post("/v1/traces", Array(body[..<cut]))?.status == 400, "cut at \(cut)") }
    for cut in stride(from: 0, to: compressed.count, by: 3) {
      #expect(client.post("/v1/traces", Array(compressed[..<cut]), "Content-Encoding: gzip")?.status == 400, "cut at \(cut)")
    }
    #expect(client.post("/v1/traces", compressed + [1, 2, 3], "Content-Encoding: gzip")?.status == 400)
    // Two members, as RFC 1952 has them, are one body.
    #expect(client.post("/v1/traces", gzipped(Array(body[..<9])) + gzipped(Array(body[9...])), "Content-Encoding: gzip")?.status == 200)
    #expect(receiver.counts.total(.traces) == 3)
    receiver.stop()
  }

  @Test func aGigabyteThatIsOnlyDeclaredIsRefusedAtItsHead() throws {
    let receiver = try receiver()
    let client = RawClient(port: receiver.port)
    client.send(head + "Content-Length: 1073741824\r\n\r\n")
    #expect(client.answer()?.status == 413)
    #expect(client.isClosed())
    #expect(isAlive(receiver))
    receiver.stop()
  }

  @Test func anEndlessBodyIsCutOff() throws {
    let receiver = try receiver { $0.limits.requestBytesMax = 100_000 }
    let client = RawClient(port: receiver.port)
    client.send(head + "Transfer-Encoding: chunked\r\n\r\n")
    let chunk = Array("4000\r\n".utf8) + [UInt8](repeating: 7, count: 0x4000) + Array("\r\n".utf8)
    for _ in 0..<7 { client.send(chunk) }
    let answer = client.answer()
    #expect(answer?.status == 413 && answer?.headers["connection"] == "close")
    #expect(isAlive(receiver))
    receiver.stop()
  }

  @Test func aBombOfZerosIsRefusedAtTheLimit() throws {
    let receiver = try receiver { $0.limits.requestBytesMax = 1 << 20 }
    let client = RawClient(port: receiver.port)
    // 8 MB as some kB, and one level down for whoever would inflate to the end.
    let bomb = gzipped([UInt8](repeating: 0, count: 8_000_000))
    #expect(bomb.count < 100_000)
    #expect(client.post("/v1/traces", bomb, "Content-Encoding: gzip")?.status == 413)
    #expect(client.post("/v1/traces", gzipped(bomb), "Content-Encoding: gzip")?.status == 400)
    #expect(isAlive(receiver))
    receiver.stop()
  }

  @Test func exactlyTheLimitIsTaken() throws {
    let body = sampleTraces(300).encoded(as: .protobuf)
    let receiver = try receiver { $0.limits.requestBytesMax = body.count }
    let client = RawClient(port: receiver.port)
    #expect(client.post("/v1/traces", gzipped(body), "Content-Encoding: gzip")?.status == 200)
    #expect(client.post("/v1/traces", body)?.status == 200)
    receiver.stop()
  }

  @Test func tooManyAttributesAreRefusedAndManyAreCut() throws {
    let receiver = try receiver { $0.limits.elementsMax = 20_000 }
    let client = RawClient(port: receiver.port)
    var batch = sampleTraces(1)
    batch.resources[0].scopes[0].records[0].attributes = Array(repeating: Attribute("", .empty), count: 20_001)
    #expect(client.post("/v1/traces", batch.encoded(as: .protobuf))?.status == 413)
    batch.resources[0].scopes[0].records[0].attributes = Array(repeating: Attribute("", .empty), count: 5000)
    #expect(client.post("/v1/traces", batch.encoded(as: .protobuf))?.status == 200)
    #expect(receiver.counts.report.droppedAttributes == 5000 - 1024)
    receiver.stop()
  }

  @Test(arguments: [
    "nonsense\r\n\r\n", "\u{16}\u{03}\u{01}\u{02}", "POST /v1/traces HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "POST /v1/traces HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "POST /v1/traces HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    "POST /v1/traces HTTP/9.9\r\n\r\n", "POST /v1/traces HTTP/1.1\r\nX: \(String(repeating: "y", count: 200_000))\r\n\r\n",
  ])
  func whatIsNoHTTPIs400AndTheEnd(text: String) throws {
    let receiver = try receiver()
    let client = RawClient(port: receiver.port)
    client.send(text)
    client.finishSending()
    let answer = client.answer()
    #expect(answer == nil || answer?.status == 400)
    #expect(client.isClosed())
    #expect(receiver.counts.notHTTP == 1)
    #expect(isAlive(receiver))
    receiver.stop()
  }

  @Test func slowSendersAreEnded() throws {
    let receiver = try receiver { options in
      options.idleSeconds = 1
      options.requestSeconds = 1
    }
    let body = RawClient(port: receiver.port), headOnly = RawClient(port: receiver.port)
    headOnly.send("POST /v1/tra")
    body.send(head + "Content-Length: 1000\r\n\r\nx")
    #expect(body.answer()?.status == 408)
    #expect(body.isClosed())
    #expect(headOnly.isClosed())
    #expect(receiver.counts.tooSlow == 1)
    receiver.stop()
  }

  @Test func oneConnectionTooManyIsClosedAndCounted() throws {
    let receiver = try receiver { $0.connectionsMax = 3 }
    let held = (0..<3).map { _ in RawClient(port: receiver.port) }
    for client in held { #expect(client.post("/v1/traces", [])?.status == 200) }
    #expect(RawClient(port: receiver.port).isClosed())
    #expect(receiver.counts.connectionsRefused == 1)
    for client in held { #expect(client.post("/v1/traces", [])?.status == 200) }
    receiver.stop()
  }

  @Test func bytesInFlightAreBoundedAndTheSenderIsToldWhen() throws {
    let receiver = try receiver { options in
      options.bytesInFlightMax = 10_000
      options.retryAfterSeconds = 7
    }
    // Two of them hold 4 kB each and never finish; a third has no room.
    let slow = (0..<2).map { _ in RawClient(port: receiver.port) }
    for client in slow { client.send(head + "Content-Length: 4001\r\n\r\n" + String(repeating: "x", count: 4000)) }
    let client = RawClient(port: receiver.port)
    let body = sampleTraces(40).encoded(as: .protobuf)
    #expect(body.count > 4000 && body.count < 10_000)
    // Until what the two sent is read, there is still room.
    var answer = client.post("/v1/traces", body)
    for _ in 0..<1000 where answer?.status == 200 { answer = client.post("/v1/traces", body) }
    #expect(answer?.status == 429 && answer?.headers["retry-after"] == "7")
    #expect(receiver.counts.backpressure == 1)
    // Once they are gone there is room again, on the same connection.
    for client in slow {
      client.send("y")
      #expect(client.answer()?.status == 400)
    }
    #expect(client.post("/v1/traces", body)?.status == 200)
    receiver.stop()
  }

  @Test func randomBytesNeverEndTheReceiver() throws {
    let receiver = try receiver()
    var state: UInt64 = 7
    func next() -> UInt8 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return UInt8(truncatingIfNeeded: state >> 40)
    }
    let good = sampleTraces(4).encoded(as: .protobuf)
    let client = RawClient(port: receiver.port)
    for round in 0..<300 {
      var body = round % 2 == 0 ? good : (0..<200).map { _ in next() }
      body[Int(next()) % body.count] = next()
      let path = ["/v1/traces", "/v1/metrics", "/v1/logs"][round % 3]
      let status = client.post(path, body, type: round % 5 == 0 ? "application/json" : "application/x-protobuf")?.status
      #expect([200, 400, 413].contains(status ?? 0))
    }
    #expect(isAlive(receiver))
    receiver.stop()
  }
}

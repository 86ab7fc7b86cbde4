// What a request's head says, and what follows from it before a byte of its body is looked at.

import NIOCore
import NIOHTTP1
import TelemetryModel

/// A class: its body must grow in place. Lives on its connection's event loop.
final class ReceiverRequest {
  var signal: TelemetrySignal?
  /// Of the body, and so of the answer; JSON when the request does not say.
  var format = OTLPFormat.json
  var isCompressed = false
  var keepsAlive = false
  /// Content-Length; nil: chunked.
  var length: Int?
  var refusal: Refusal?
  var body: ByteBuffer?
  var received = 0

  /// Bytes that are kept for it.
  var held: Int { body?.readableBytes ?? 0 }

  init() {}

  init(_ head: HTTPRequestHead, bytesMax: Int) {
    keepsAlive = head.isKeepAlive
    let path = head.uri.prefix { $0 != "?" }
    signal = TelemetrySignal.allCases.first { $0.path == path }
    let type = head.headers.first(name: "content-type")
    let known = type.flatMap(OTLPFormat.init(contentType:))
    format = known ?? .json
    let encoding = head.headers[canonicalForm: "content-encoding"].map { $0.lowercased() }.filter { $0 != "identity" }
    isCompressed = !encoding.isEmpty
    length = head.headers.first(name: "content-length").flatMap { Int($0) }
    if let length, length > bytesMax {
      refusal = .tooLarge(bytesMax)
    } else if signal == nil {
      refusal = Refusal(status: 404, message: "there are /v1/traces, /v1/metrics and /v1/logs here")
    } else if head.method != .POST {
      refusal = Refusal(status: 405, message: "OTLP is sent with POST")
    } else if known == nil {
      let names = OTLPFormat.allCases.map(\.contentType).joined(separator: " or ")
      refusal = Refusal(status: 415, message: "Content-Type is \(names), not \(type.map { "`\($0.prefix(80))`" } ?? "absent")")
    } else if encoding.count > 1 || encoding.first.map({ !["gzip", "x-gzip", "deflate"].contains($0) }) == true {
      refusal = Refusal(status: 415, message: "Content-Encoding is gzip, deflate or none here")
    }
  }

  func append(_ bytes: ByteBuffer) {
    var bytes = bytes
    guard body != nil else {
      if let length, length > bytes.readableBytes, length <= 256 << 10 {
        // Small and announced: one allocation. A large one has to come before memory is taken for it.
        body = ByteBufferAllocator().buffer(capacity: length)
        body?.writeBuffer(&bytes)
      } else {
        body = bytes
      }
      return
    }
    body?.writeBuffer(&bytes)
  }

  func answer(_ refusal: Refusal) -> IngestAnswer {
    IngestAnswer(status: refusal.status, body: OTLPResponse.status(message: refusal.message, as: format))
  }
}

extension Refusal {
  static func tooLarge(_ bytesMax: Int) -> Refusal { Refusal(status: 413, message: "a body of more than \(bytesMax) bytes; send smaller batches") }
}

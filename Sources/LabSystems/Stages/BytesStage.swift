import ExperimentModel
import NIOCore

/// Answers with a fixed payload, seeded letters or a document. The buffer is made once and shared by every answer; compressed it is made anew for
/// each, on a thread, as a server does with pages that differ.
final class BytesStage: Stage {
  let name: String
  let probe: StageProbe
  var isOff = false
  private let payload: ByteBuffer
  private let contentType: Answer.ContentType
  private let etag: String?
  private let gzipTag: String?
  private let compresses: Bool
  private let environment: any Environment
  /// Compressors that no answer uses.
  private var compressors: [Gzip] = []
  private let fields: String?

  private var calls = 0
  private var compressed = 0
  private var plainBytes = 0
  private var bodyBytes = 0

  init(_ spec: BytesSpec, name: String, seed: UInt64, environment: any Environment) {
    self.name = name; self.environment = environment
    probe = StageProbe(name, .real)
    compresses = spec.compress == .gzip
    let bytes = Self.body(spec, seed: seed, name: name)
    var hash = UInt64(bytes.readableBytes)
    for byte in bytes.readableBytesView { hash = mix64(hash ^ UInt64(byte)) }
    payload = bytes
    contentType = spec.document.map { Answer.ContentType($0.type) } ?? .bytes
    let tag = String(hash, radix: 16)
    etag = spec.etag ? "\"\(tag)\"" : nil
    // Another coding is another sequence of bytes, and a strong tag stands for the bytes (RFC 9110, 8.8.3.3).
    gzipTag = spec.etag ? "\"\(tag)-gzip\"" : nil
    let lines = [("Cache-Control", spec.cacheControl), ("Vary", spec.vary), ("Set-Cookie", spec.setCookie)]
      .compactMap { name, value in value.map { "\(name): \($0)\r\n" } }
    fields = lines.isEmpty ? nil : lines.joined()
  }

  private static func body(_ spec: BytesSpec, seed: UInt64, name: String) -> ByteBuffer {
    var bytes = ByteBuffer()
    bytes.reserveCapacity(spec.size)
    if let document = spec.document {
      bytes.writeString(document.text)
      bytes.writeRepeatingByte(UInt8(ascii: " "), count: max(0, spec.size - bytes.readableBytes))
      return bytes
    }
    var random = SeededRandom(seed: seed, stream: "bytes:" + name)
    for _ in 0..<spec.size { bytes.writeInteger(UInt8(ascii: "a") + UInt8(random.next() >> 32 & 15)) }
    return bytes
  }

  func enter(_ exchange: Exchange) -> StageStep {
    calls += 1
    let isCompressed = compresses && exchange.acceptsGzip
    exchange.answer.body = payload
    exchange.answer.contentType = contentType
    exchange.answer.fields = fields
    exchange.answer.dependsOnCoding = compresses
    exchange.answer.coding = isCompressed ? .gzip : .identity
    exchange.answer.etag = isCompressed ? gzipTag : etag
    guard isCompressed, !exchange.isNotModified else {
      if !exchange.isNotModified { bodyBytes += payload.readableBytes }
      return .next
    }
    let gzip = compressors.popLast() ?? Gzip()
    let (payload, probe) = (payload, probe)
    environment.offload { probe.inside { gzip.compress(payload) } } then: { [self] body in
      compressors.append(gzip)
      compressed += 1
      plainBytes += payload.readableBytes
      bodyBytes += body.readableBytes
      exchange.answer.body = body
      exchange.route.role.resume(exchange)
    }
    return .later
  }

  func appendCounters(to counters: inout Counters) {
    counters.add(name, "calls", calls)
    counters.add(name, "body_bytes", bodyBytes)
    guard compresses else { return }
    counters.add(name, "compressed", compressed)
    // Before compression, of the compressed answers.
    counters.add(name, "plain_bytes", plainBytes)
  }

  func resetCounters() { calls = 0; compressed = 0; plainBytes = 0; bodyBytes = 0 }
}

extension Answer.ContentType {
  fileprivate init(_ type: BytesSpec.DocumentType) {
    switch type {
    case .html: self = .html
    case .css: self = .css
    case .javascript: self = .javascript
    case .svg: self = .svg
    case .json: self = .json
    case .text: self = .text
    }
  }
}

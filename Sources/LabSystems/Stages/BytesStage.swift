import ExperimentModel
import NIOCore

/// Answers with a fixed seeded payload. The buffer is made once and shared by every answer.
final class BytesStage: Stage {
  let name: String
  var isOff = false
  private let payload: ByteBuffer
  private let etag: String?
  private var calls = 0

  init(_ spec: BytesSpec, name: String, seed: UInt64) {
    self.name = name
    var random = SeededRandom(seed: seed, stream: "bytes:" + name)
    var bytes = ByteBuffer()
    bytes.reserveCapacity(spec.size)
    var hash: UInt64 = UInt64(spec.size)
    for _ in 0..<spec.size {
      let byte = UInt8(ascii: "a") + UInt8(random.next() >> 32 & 15)
      hash = mix64(hash ^ UInt64(byte))
      bytes.writeInteger(byte)
    }
    payload = bytes
    etag = spec.etag ? "\"" + String(hash, radix: 16) + "\"" : nil
  }

  func enter(_ exchange: Exchange) -> StageStep {
    calls += 1
    exchange.answer.body = payload
    exchange.answer.contentType = .bytes
    exchange.answer.etag = etag
    return .next
  }

  func appendCounters(to counters: inout Counters) { counters.add(name, "calls", calls) }
  func resetCounters() { calls = 0 }
}

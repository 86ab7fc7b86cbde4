import ExperimentModel
import NIOCore
import Testing

@testable import LabSystems

@Suite struct BytesStageTests {
  @Test func whoAcceptsGzip() {
    let cases: [(String, Bool)] = [
      ("gzip", true), ("GZip", true), ("x-gzip", true), ("br, gzip", true), ("gzip;q=0.5", true), ("*", true), ("br;q=1, *;q=0.1", true),
      ("", false), ("br", false), ("identity", false), ("gzip;q=0", false), ("gzip; q=0.000", false), ("*;q=0", false),
      ("gzip;q=0, *", false), ("*, gzip;q=0", false), ("gzipped", false), ("deflate,\t gzip ", true), (",,gzip", true), ("gzip;q=0.001", true),
    ]
    for (field, expected) in cases {
      #expect(Array(field.utf8).withUnsafeBytes { AcceptEncoding.allowsGzip($0) } == expected, "`\(field)`")
    }
    let request = "GET / HTTP/1.1\r\naccept-ENCODING: br, gzip\r\n\r\n"
    guard case .head(let head) = Array(request.utf8).withUnsafeBytes({ RequestParser.parse($0) }) else {
      Issue.record("no head")
      return
    }
    #expect(head.acceptsGzip)
  }

  /// The trailer of RFC 1952: CRC-32 and length of the plain bytes; what an outside program unpacks is in the end-to-end tests.
  @Test func aCompressorIsUsedAgainAndAgain() {
    let gzip = Gzip()
    for size in [0, 1, 1_000, 100_000, 3] {
      let body = ByteBuffer(bytes: (0..<size).map { UInt8(truncatingIfNeeded: $0 / 7) })
      let packed = gzip.compress(body)
      #expect(Array(packed.readableBytesView.prefix(3)) == [0x1F, 0x8B, 8])
      var trailer = packed.getSlice(at: packed.readableBytes - 8, length: 8)!
      #expect(trailer.readInteger(endianness: .little, as: UInt32.self) == crc32(body))
      #expect(trailer.readInteger(endianness: .little, as: UInt32.self) == UInt32(size))
      #expect(gzip.compress(body) == packed)
    }
  }

  private func crc32(_ body: ByteBuffer) -> UInt32 {
    var crc: UInt32 = 0xFFFF_FFFF
    for byte in body.readableBytesView {
      crc ^= UInt32(byte)
      for _ in 0..<8 {
        let isOdd = crc & 1 == 1
        crc >>= 1
        if isOdd { crc ^= 0xEDB8_8320 }
      }
    }
    return ~crc
  }

  private func answer(_ spec: BytesSpec, acceptsGzip: Bool, ifNoneMatch: String? = nil) throws -> (Exchange, LabCore) {
    let environment = VirtualEnvironment()
    let core = try LabCore(
      Sample.system(rows: 0, routes: [RouteSpec(method: "GET", path: "/", stages: [StageSpec(name: "body", work: .bytes(spec))])]),
      environment: environment)
    let exchange = Exchange()
    exchange.route = core.table.routes[0]
    exchange.acceptsGzip = acceptsGzip
    exchange.ifNoneMatch = ifNoneMatch
    core.roles[0].submit(exchange)
    environment.advance(by: 1_000_000)
    return (exchange, core)
  }

  @Test func compressedOnlyForWhoCanReadIt() throws {
    let spec = BytesSpec(size: 10_000, etag: true, compress: .gzip)
    let (plain, first) = try answer(spec, acceptsGzip: false)
    let (packed, second) = try answer(spec, acceptsGzip: true)
    #expect(plain.answer.coding == .identity && plain.answer.body.readableBytes == 10_000 && first.counter("body.compressed") == 0)
    #expect(packed.answer.coding == .gzip && packed.answer.body.readableBytes < 7_000 && second.counter("body.compressed") == 1)
    #expect(plain.answer.dependsOnCoding && packed.answer.dependsOnCoding && plain.answer.etag != packed.answer.etag)
    #expect(second.counter("body.plain_bytes") == 10_000 && second.counter("body.body_bytes") == packed.answer.body.readableBytes)
    // Who has it already gets no body, and none is made.
    let (known, third) = try answer(spec, acceptsGzip: true, ifNoneMatch: packed.answer.etag)
    #expect(known.isNotModified && third.counter("body.compressed") == 0 && third.counter("body.body_bytes") == 0)
    let (other, _) = try answer(BytesSpec(size: 10_000, etag: true), acceptsGzip: true)
    #expect(other.answer.coding == .identity && !other.answer.dependsOnCoding && other.answer.etag == plain.answer.etag)
  }

  @Test func aCacheNeverHandsOutWhatAClientCannotRead() {
    let system = Sample.system(
      rows: 0,
      routes: [
        RouteSpec(
          method: "GET", path: "/{id}",
          stages: [
            Sample.cache(CacheSpec(key: "{id}", capacity: 1)),
            StageSpec(name: "body", work: .bytes(BytesSpec(size: 100, etag: false, compress: .gzip))),
          ])
      ])
    #expect(throws: LabError.self) { try LabCore(system, environment: VirtualEnvironment()) }
  }
}

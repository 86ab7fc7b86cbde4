import NIOCore
import Testing

@testable import LabSystems

@Suite struct RequestParserTests {
  private func parse(_ text: String) -> RequestParser.Outcome {
    Array(text.utf8).withUnsafeBytes { RequestParser.parse($0) }
  }

  @Test func readsAHeadAndNothingBeforeItIsWhole() throws {
    let text = "PUT /product/7?x=1 HTTP/1.1\r\nHost: a\r\nIf-None-Match: \"e\" \r\nCONTENT-LENGTH: 3\r\n\r\nabc"
    let bytes = Array(text.utf8)
    let length = bytes.count - 3
    for cut in 0..<length {
      #expect(bytes[..<cut].withUnsafeBytes { RequestParser.parse($0) } == .incomplete, "cut at \(cut)")
    }
    guard case .head(let head) = parse(text) else { Issue.record("no head"); return }
    #expect(head.length == length && head.contentLength == 3 && head.keepAlive)
    #expect(String(decoding: bytes[head.method], as: UTF8.self) == "PUT")
    #expect(String(decoding: bytes[head.path], as: UTF8.self) == "/product/7")
    #expect(String(decoding: bytes[head.ifNoneMatch!], as: UTF8.self) == "\"e\"")
  }

  @Test(arguments: [
    ("GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 411),
    ("GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nContent-Length: 1048577\r\n\r\n", 413),
    ("GET / HTTP/1.1\r\n folded: x\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nname : x\r\n\r\n", 400),
    ("GET /\r\n\r\n", 400), ("get / HTTP/1.1\r\n\r\n", 400), ("GET / HTTP/2.0\r\n\r\n", 400),
    ("GET  / HTTP/1.1\r\n\r\n", 400), ("\r\n\r\n", 400),
  ])
  func refuses(_ text: String, _ status: Int) { #expect(parse(text) == .invalid(status)) }

  @Test func refusesAnEndlessHead() {
    #expect(parse("GET / HTTP/1.1\r\n" + String(repeating: "a: b\r\n", count: 4_000)) == .invalid(431))
    #expect(parse(String(repeating: "A", count: 20_000)) == .invalid(431))
  }

  @Test func closesWhenTheClientSaysSo() {
    for (text, keepAlive) in [
      ("GET / HTTP/1.0\r\n\r\n", false), ("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true),
      ("GET / HTTP/1.1\r\nConnection: close\r\n\r\n", false),
    ] {
      guard case .head(let head) = parse(text) else { Issue.record("no head"); continue }
      #expect(head.keepAlive == keepAlive)
    }
  }

  @Test func neverReadsOutsideMutatedBytes() {
    let seedText = Array("GET /product/12 HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\nConnection: close\r\n\r\n".utf8)
    var random = SeededRandom(seed: 2)
    for _ in 0..<20_000 {
      var bytes = seedText
      for _ in 0..<(1 + random.next() % 4) { bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next()) }
      bytes.removeLast(Int(random.next() % UInt64(bytes.count)))
      if case .head(let head) = bytes.withUnsafeBytes({ RequestParser.parse($0) }) {
        #expect(head.length <= bytes.count && head.path.upperBound <= bytes.count)
      }
    }
  }
}

@Suite struct JSONBytesTests {
  @Test(arguments: [0, 7, -1, 1_000_000, Int.max, Int.min])
  func decimalDigits(_ number: Int) {
    var out = ByteBuffer()
    out.writeDecimal(number)
    #expect(String(buffer: out) == String(number))
  }

  @Test func stringsAreEscaped() {
    var out = ByteBuffer()
    out.writeJSONString("a\"b\\c\n\u{1}é".utf8)
    #expect(String(buffer: out) == #""a\"b\\c\u000a\u0001é""#)
  }
}

import Testing

@testable import LoadKernel

@Suite struct ResponseParserTests {
  /// name, bytes on the wire, then (status, cache, keep-alive) of each response in it.
  static let corpus: [(String, String, [[Int]])] = [
    ("length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", [[200, 0, 1]]),
    ("two in one read", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nX-Cache: HIT\r\n\r\naHTTP/1.1 404 Not Found\r\ncontent-length:0\r\nx-cache: miss\r\n\r\n", [[200, 1, 1], [404, 2, 1]]),
    ("chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1a;x=y\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\nT: 1\r\n\r\n", [[200, 0, 1]]),
    ("interim", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", [[200, 0, 1]]),
    ("no body", "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", [[304, 0, 1], [204, 0, 1]]),
    ("close", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", [[200, 0, 0]]),
    ("HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", [[200, 0, 0]]),
  ]

  /// Feeds `wire` in two reads cut at `cut`, as a connection does: unused bytes stay in front.
  private func parse(_ wire: [UInt8], cut: Int) -> [[Int]]? {
    var parser = ResponseParser()
    var seen: [[Int]] = []
    var kept: [UInt8] = []
    for part in [wire[..<cut], wire[cut...]] {
      kept += part
      while true {
        var used = 0
        let event = kept.withUnsafeBufferPointer { buffer in
          parser.consume(buffer.baseAddress ?? UnsafePointer(bitPattern: 8)!, buffer.count, used: &used)
        }
        kept.removeFirst(used)
        if event == .malformed || event == .tooLarge { return nil }
        if event == .needMore { break }
        seen.append([parser.status, parser.cache, parser.keepAlive ? 1 : 0])
      }
    }
    return seen
  }

  @Test("every response, cut at every byte", arguments: corpus.map(\.0))
  func split(_ name: String) {
    let entry = Self.corpus.first { $0.0 == name }!
    let wire = Array(entry.1.utf8)
    for cut in 0...wire.count { #expect(parse(wire, cut: cut) == entry.2, "cut at \(cut)") }
  }

  @Test("what is not HTTP is malformed, not waited for", arguments: [
    "HTTP/2.0 200 OK\r\n\r\n", "HTTP/1.1 20x OK\r\nContent-Length: 0\r\n\r\n", "hello there, no http\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 1 2\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n",
  ])
  func malformed(_ text: String) { #expect(parse(Array(text.utf8), cut: 0) == nil) }

  @Test("a line that is too long is refused when it comes in one piece, too")
  func longLines() {
    func chunked(_ line: Int, trailer: Int = 0) -> [UInt8] {
      let size = "1;" + String(repeating: "x", count: line - 2)
      let trailer = trailer > 0 ? "T:" + String(repeating: "x", count: trailer - 2) + "\r\n" : ""
      return Array("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\(size)\r\na\r\n0\r\n\(trailer)\r\n".utf8)
    }
    for (wire, isTaken) in [
      (chunked(1_023), true), (chunked(1_024), false), (chunked(9, trailer: 8_191), true), (chunked(9, trailer: 8_192), false),
    ] {
      for cut in [0, 60, 1_000, wire.count - 3] { #expect((parse(wire, cut: min(cut, wire.count)) != nil) == isTaken, "\(wire.count) bytes cut at \(cut)") }
    }
    // Whatever is wrong behind the largest head, the head is too large.
    let wire = Array(("HTTP/1.1 200 OK\r\nX: " + String(repeating: "a", count: ResponseParser.headMax) + "\r\nContent-Length: x\r\n\r\n").utf8)
    var parser = ResponseParser()
    var used = 0
    #expect(wire.withUnsafeBufferPointer { parser.consume($0.baseAddress!, $0.count, used: &used) } == .tooLarge)
  }

  @Test("a coding before chunked is a body in chunks; one byte above the largest head is too large, however it is cut")
  func codingsAndHeads() {
    #expect(parse(Array("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, Chunked \r\n\r\n1\r\nx\r\n0\r\n\r\n".utf8), cut: 20) == [[200, 0, 1]])
    let frame = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: \r\n\r\n"
    for (extra, accepted) in [(0, true), (1, false)] {
      let filler = String(repeating: "a", count: ResponseParser.headMax - frame.utf8.count + extra)
      let wire = Array(frame.replacing("X: ", with: "X: " + filler).utf8)
      for cut in [0, 100, wire.count - 1] { #expect((parse(wire, cut: cut) != nil) == accepted, "\(wire.count) cut at \(cut)") }
    }
  }

  @Test("a body without length ends with the connection, and only then")
  func closeDelimited() {
    var parser = ResponseParser()
    let wire = Array("HTTP/1.1 200 OK\r\n\r\nsome bytes".utf8)
    var used = 0
    #expect(wire.withUnsafeBufferPointer { parser.consume($0.baseAddress!, $0.count, used: &used) } == .needMore)
    #expect(used == wire.count)
    #expect(parser.end() == .done)
    #expect(!parser.keepAlive)
    var cut = ResponseParser()
    #expect(cut.end() == .malformed)
  }

  @Test("one byte at a time gives the same as all at once, with the bodies that a sink asks for")
  func bytewise() {
    let bodies = ["length": "hello", "chunked": "helloabcdefghijklmnopqrstuvwxyz", "close": "ok", "interim": ""]
    for (name, text, expected) in Self.corpus {
      var parser = ResponseParser()
      let sink = ResponseSink()
      var kept: [UInt8] = []
      var seen: [[Int]] = []
      for byte in text.utf8 {
        kept.append(byte)
        var used = 0
        let event = kept.withUnsafeBufferPointer { parser.consume($0.baseAddress!, $0.count, used: &used, sink: sink) }
        kept.removeFirst(used)
        #expect(event != .malformed)
        if event == .done { seen.append([parser.status, parser.cache, parser.keepAlive ? 1 : 0]) }
      }
      #expect(seen == expected, "\(name)")
      if let body = bodies[name] {
        #expect(String(decoding: UnsafeBufferPointer(start: sink.body.bytes, count: sink.body.count), as: UTF8.self) == body)
      }
    }
  }

  @Test("cut in three at every pair of places", arguments: corpus.map(\.0))
  func threeParts(_ name: String) {
    let entry = Self.corpus.first { $0.0 == name }!
    let wire = Array(entry.1.utf8)
    var wrong = 0
    for first in 0...wire.count {
      for second in first...wire.count {
        var parser = ResponseParser()
        var kept: [UInt8] = []
        var seen: [[Int]] = []
        for part in [wire[..<first], wire[first..<second], wire[second...]] {
          kept += part
          while !kept.isEmpty {
            var used = 0
            let event = kept.withUnsafeBufferPointer { parser.consume($0.baseAddress!, $0.count, used: &used) }
            kept.removeFirst(used)
            if event != .done { break }
            seen.append([parser.status, parser.cache, parser.keepAlive ? 1 : 0])
          }
        }
        if seen != entry.2 { wrong += 1 }
      }
    }
    #expect(wrong == 0)
  }

  @Test("headers with a bare line feed, chunks with a wrong end, and a head of HTTP/1.1 101 are malformed", arguments: [
    "HTTP/1.1 200 OK\nContent-Length: 0\n\n", "HTTP/1.1 101 Switching\r\n\r\n", "HTTP/1.1 099 X\r\n\r\n", "HTTP/1.1 2000 X\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\naXX", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", "XTTP",
  ])
  func strict(_ text: String) { #expect(parse(Array(text.utf8), cut: 0) == nil) }

  @Test("20,000 seeded mutations never read outside the buffer or hang")
  func mutations() {
    var state: UInt64 = 42
    func random() -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33)
    }
    for _ in 0..<20_000 {
      var wire = Array(Self.corpus[random() % Self.corpus.count].1.utf8)
      for _ in 0..<(1 + random() % 4) {
        let at = random() % wire.count
        switch random() % 3 {
        case 0: wire[at] = UInt8(random() % 256)
        case 1: wire.remove(at: at)
        default: wire.insert(UInt8(random() % 256), at: at)
        }
      }
      _ = parse(wire, cut: random() % (wire.count + 1))
    }
  }
}

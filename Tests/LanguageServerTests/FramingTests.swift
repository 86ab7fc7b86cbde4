import Statistics
import Testing

@testable import LanguageServer

/// A stream cut anywhere gives the same frames.
@Suite struct FramingTests {
  @Test("messages come whole, however the bytes come", arguments: 0..<60)
  func cuts(_ seed: Int) {
    var random = SeededRandom(seed: UInt64(seed) + 77)
    var stream: [UInt8] = []
    var expected: [MessageReader.Frame] = []
    for _ in 0..<Int.random(in: 1...12, using: &random) {
      switch Int.random(in: 0..<8, using: &random) {
      case 0:
        stream += Array("Content-Type: nothing\r\n\r\n".utf8)
        expected.append(.badHeader("a header without Content-Length"))
      case 1:
        stream += Array("Content-Length: -4\r\n\r\n".utf8)
        expected.append(.badHeader("a Content-Length that is not a number"))
      case 2:
        let count = Int.random(in: 300...900, using: &random)
        stream += Array("content-length: \(count)\r\n\r\n".utf8) + [UInt8](repeating: 0x7B, count: count)
        expected.append(.tooLong(count))
      default:
        let message = (0..<Int.random(in: 0...200, using: &random)).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        let end = Bool.random(using: &random) ? "\r\n" : "\n"
        let type = Bool.random(using: &random) ? "Content-Type: application/vscode-jsonrpc; charset=utf-8\(end)" : ""
        stream += Array("Content-Length: \(message.count)\(end)\(type)\(end)".utf8) + message
        expected.append(.message(message))
      }
    }
    var reader = MessageReader(limit: 256)
    var found: [MessageReader.Frame] = []
    var at = 0
    while at < stream.count {
      let count = min(stream.count - at, Int.random(in: 1...40, using: &random))
      reader.append(stream[at..<at + count])
      at += count
      while let frame = reader.next() { found.append(frame) }
    }
    #expect(found == expected)
  }

  @Test("bytes of any kind never stop the reader, and a good message after them is found once a header has ended", arguments: 0..<40)
  func garbage(_ seed: Int) {
    var random = SeededRandom(seed: UInt64(seed) + 7)
    var reader = MessageReader(limit: 64)
    reader.append((0..<3_000).map { _ in [0x0A, 0x0D, 0x3A, 0x20, 0x35, 0x43].randomElement(using: &random) ?? 0 })
    while reader.next() != nil {}
    reader.append([UInt8](repeating: 0x0A, count: 4))
    while reader.next() != nil {}
    reader.append(framed(Array("{}".utf8)))
    var last: MessageReader.Frame?
    while let frame = reader.next() { last = frame }
    #expect(last == .message(Array("{}".utf8)))
  }

  @Test("a header without end is given up")
  func endless() {
    var reader = MessageReader()
    reader.append([UInt8](repeating: 0x41, count: 5_000))
    #expect(reader.next() == .badHeader("a header of more than 4096 bytes"))
    reader.append(framed([0x31]))
    #expect(reader.next() == .message([0x31]))
  }

  @Test(
    "half of a surrogate pair becomes one unit",
    arguments: [
      (#""\ud83d""#, #""\ufffd""#), (#""\ud83d\ude00""#, #""\ud83d\ude00""#), (#""\ude00\ud83d""#, #""\ufffd\ufffd""#),
      (#""\\ud83d""#, #""\\ud83d""#), (#""\\\uD83Dx""#, #""\\\ufffdx""#), (#""\ud83d\ud83d\ude00""#, #""\ufffd\ud83d\ude00""#), ("\"\\", "\"\\"),
    ])
  func surrogates(_ text: String, _ expected: String) {
    #expect(String(decoding: withoutLoneSurrogates(Array(text.utf8)), as: UTF8.self) == expected)
  }

  @Test("addresses of files", arguments: ["/home/me/day 08.md", "/a/über/😀.md", "/100%/x.md", "/a:b/c#d?e.md"])
  func addresses(_ path: String) {
    #expect(LanguageServer.path(ofURI: fileURI(path)) == path)
    #expect(!fileURI(path).contains(" ") && fileURI(path).allSatisfy(\.isASCII))
  }
}

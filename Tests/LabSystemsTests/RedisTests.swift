import NIOCore
import Testing

@testable import LabSystems

@Suite struct RedisTests {
  @Test func commandsAreArraysOfBulkStrings() {
    let dialect = CacheDialect.redis
    #expect(String(buffer: dialect.get("k")) == "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n")
    #expect(
      String(buffer: dialect.set("k", ByteBuffer(string: "a\r\nb"), seconds: 60))
        == "*4\r\n$5\r\nSETEX\r\n$1\r\nk\r\n$2\r\n60\r\n$4\r\na\r\nb\r\n")
    #expect(String(buffer: dialect.set("k", ByteBuffer(), seconds: 0)) == "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n")
    #expect(String(buffer: dialect.delete("k")) == "*2\r\n$3\r\nDEL\r\n$1\r\nk\r\n")
  }

  @Test func repliesAreTheSameWhereverTheBytesAreCut() {
    let bytes = Array("$9\r\nx\r\nEND\r\ny\r\n$-1\r\n+OK\r\n-ERR no\r\n:1\r\n$0\r\n\r\n".utf8)
    let expected: [CacheReply] = [
      .value(ByteBuffer(string: "x\r\nEND\r\ny")), .done, .done, .failed, .done, .value(ByteBuffer()),
    ]
    for cut in 0...bytes.count {
      var parser = RedisReplyParser()
      var replies: [CacheReply] = []
      for part in [bytes[..<cut], bytes[cut...]] {
        parser.append(ByteBuffer(bytes: part))
        while let reply = parser.next() { replies.append(reply) }
      }
      #expect(replies == expected, "cut at \(cut)")
    }
  }

  @Test(arguments: ["*1\r\n$1\r\nx\r\n", "hello\r\n", "$x\r\n", "$999999999999\r\n"])
  func whatIsNoAnswerFailsAndStaysFailed(_ text: String) {
    var parser = RedisReplyParser()
    parser.append(ByteBuffer(string: text))
    #expect(parser.next() == .failed)
    #expect(parser.next() == nil)
    parser.append(ByteBuffer(string: "+OK\r\n"))
    #expect(parser.next() == .failed)
  }
}

import ExperimentModel
import NIOCore
import NIOPosix
import Testing

@testable import LabSystems

@Suite struct MemcachedTests {
  static let session =
    "set a 7 0 5\r\nhello\r\nset b 0 0 2 noreply\r\n\r\n\r\nget a b missing\r\ngets a\r\ndelete a\r\n"
    + "delete a\r\nget a\r\nbogus\r\nset c 0 0 x\r\nset d 0 -1 1\r\nz\r\nget d\r\nversion\r\nflush_all\r\nget b\r\nquit\r\n"
  static let answers =
    "STORED\r\nVALUE a 7 5\r\nhello\r\nVALUE b 0 2\r\n\r\n\r\nEND\r\nVALUE a 7 5 1\r\nhello\r\nEND\r\nDELETED\r\n"
    + "NOT_FOUND\r\nEND\r\nERROR\r\nCLIENT_ERROR bad command line format\r\nSTORED\r\nEND\r\nVERSION nb-lab\r\nOK\r\nEND\r\n"

  private func serve(_ pieces: [String]) -> String {
    var parser = MemcachedRequestParser()
    var store = MemcachedStore()
    var out = ByteBuffer()
    for piece in pieces {
      parser.append(ByteBuffer(string: piece))
      while let command = parser.next() {
        guard store.apply(command, now: 0, unixNow: 1_800_000_000, to: &out) else { return String(buffer: out) }
      }
    }
    return String(buffer: out)
  }

  @Test func answersAreTheSameWhereverTheBytesAreCut() {
    let session = Array(Self.session.unicodeScalars)
    for cut in 0...session.count {
      let parts = [session[..<cut], session[cut...]].map { String(String.UnicodeScalarView($0)) }
      #expect(serve(parts) == Self.answers, "cut at \(cut)")
    }
    #expect(serve(session.map { String($0) }) == Self.answers)
  }

  @Test func repliesAreTheSameWhereverTheBytesAreCut() {
    let bytes = Array("VALUE k 0 9\r\nx\r\nEND\r\ny\r\nEND\r\nEND\r\nSTORED\r\nERROR\r\nNOT_FOUND\r\n".utf8)
    let expected: [CacheReply] = [
      .value(ByteBuffer(string: "x\r\nEND\r\ny")), .done, .done, .failed, .done,
    ]
    for cut in 0...bytes.count {
      var parser = MemcachedReplyParser()
      var replies: [CacheReply] = []
      for part in [bytes[..<cut], bytes[cut...]] {
        parser.append(ByteBuffer(bytes: part))
        while let reply = parser.next() { replies.append(reply) }
      }
      #expect(replies == expected, "cut at \(cut)")
    }
  }

  @Test func refusesWhatIsTooLargeAndStaysInStep() {
    var parser = MemcachedRequestParser()
    parser.append(ByteBuffer(string: "set k 0 0 2000000\r\n"))
    #expect(parser.next() == .error("SERVER_ERROR object too large for cache"))
    parser.append(ByteBuffer(repeating: 65, count: 2_000_000))
    #expect(parser.next() == nil)
    parser.append(ByteBuffer(string: "\r\nversion\r\n"))
    #expect(parser.next() == .version)
    parser.append(ByteBuffer(string: "set k 0 0 2\r\nabcd\r\n"))
    #expect(parser.next() == .fatal("CLIENT_ERROR bad data chunk"))
  }

  @Test func secondLevelValuesSurviveTheTrip() throws {
    let stored = CacheStage.Stored(
      answer: Answer(body: ByteBuffer(string: "body"), contentType: .json, etag: "\"e\""),
      provenance: Provenance(sequence: 42, rows: [RowKey(table: 1, row: 7), RowKey(table: 0, row: .min)]))
    let found = try #require(SecondLevel.decode(SecondLevel.encode(stored, 99)))
    #expect(found.expires == 99)
    #expect(String(buffer: found.value.answer.body) == "body")
    #expect(found.value.answer.etag == "\"e\"")
    #expect(found.value.provenance.rows == stored.provenance.rows)
    #expect(found.value.provenance.sequence == 42)
    #expect(SecondLevel.decode(ByteBuffer(string: "foreign")) == nil)
  }
}

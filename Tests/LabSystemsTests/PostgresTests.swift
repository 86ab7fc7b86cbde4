import ExperimentModel
import NIOCore
import Testing

@testable import LabSystems

// Bytes that a PostgreSQL 15.18 sent, in hexadecimal.

/// To `user nb`: parameters and the end of the start.
private let startup = """
    52000000080000000053000000166170706c69636174696f6e5f6e616d6500005300000019636c69656e745f656e636f64696e6700555446
    38005300000017446174655374796c650049534f2c204d445900530000002664656661756c745f7472616e73616374696f6e5f726561645f
    6f6e6c79006f6666005300000017696e5f686f745f7374616e646279006f6666005300000019696e74656765725f6461746574696d657300
    6f6e00530000001b496e74657276616c5374796c6500706f73746772657300530000001469735f737570657275736572006f6e0053000000
    197365727665725f656e636f64696e6700555446380053000000327365727665725f76657273696f6e0031352e3138202844656269616e20
    31352e31382d302b646562313275312900530000001d73657373696f6e5f617574686f72697a6174696f6e006e620053000000237374616e
    646172645f636f6e666f726d696e675f737472696e6773006f6e00530000001554696d655a6f6e65004574632f555443004b0000000c0000
    61df84ddabed5a0000000549
  """
/// To a Parse and Describe of `select id, name, price, payload from product where id <= $1 order by id`.
private let prepare = """
    3100000004740000000a00010000001454000000640004696400000040000001000000140008ffffffff00006e616d650000004000000200
    000019ffffffffffff0000707269636500000040000003000000140008ffffffff00007061796c6f61640000004000000400000011ffffff
    ffffff00005a0000000549
  """
/// To a Bind of 2 with the last column in binary: (1, tent, 12, 00 ff 41) and (2, NULL, -3, empty).
private let rows = """
    32000000044400000020000400000001310000000474656e740000000231320000000300ff41440000001900040000000132ffffffff0000
    00022d3300000000430000000d53454c4543542032005a0000000549
  """
/// To a Bind of `x`, where a bigint is wanted.
private let refused = """
    450000008a534552524f5200564552524f5200433232503032004d696e76616c696420696e7075742073796e74617820666f722074797065
    20626967696e743a202278220057756e6e616d656420706f7274616c20706172616d65746572202431203d20272e2e2e2700466e756d7574
    696c732e63004c333136005270675f737472746f696e74363400005a0000000549
  """

@Suite struct PostgresTests {
  private func buffer(_ hex: String) -> ByteBuffer {
    let digits = Array(hex.utf8.filter { $0 > 32 })
    return ByteBuffer(bytes: stride(from: 0, to: digits.count, by: 2).map { UInt8(String(decoding: digits[$0...$0 + 1], as: UTF8.self), radix: 16)! })
  }

  private func replies(_ pieces: [ByteBuffer]) throws -> [PostgresReply] {
    var parser = PostgresReplyParser()
    var replies: [PostgresReply] = []
    for piece in pieces {
      parser.append(piece)
      while let reply = try parser.next() { replies.append(reply) }
    }
    return replies
  }

  @Test func theStartNamesTheVersion() throws {
    let replies = try replies([buffer(startup)])
    #expect(replies.first == .authenticated && replies.last == .ready)
    #expect(replies.contains(.parameter("server_version", "15.18 (Debian 15.18-0+deb12u1)")))
    #expect(replies.contains(.other(UInt8(ascii: "K"))))
  }

  @Test func aPreparedStatementNamesItsColumnsAndTypes() throws {
    let columns: [PostgresReply.Column] = [
      .init(name: "id", type: 20), .init(name: "name", type: 25), .init(name: "price", type: 20), .init(name: "payload", type: 17),
    ]
    #expect(try replies([buffer(prepare)]) == [.other(UInt8(ascii: "1")), .parameters([20]), .columns(columns), .ready])
  }

  @Test func rowsAreJSONLikeThoseOfSQLite() throws {
    guard case .columns(let columns) = try replies([buffer(prepare)])[2] else { Issue.record("no columns"); return }
    var statement = PostgresConnection.Statement(text: NumberedStatement(""))
    statement.columns = columns
    statement.heads = columns.enumerated().map { ByteBuffer(string: ($0.offset == 0 ? "{" : ",") + "\"\($0.element.name)\":") }
    var out = ByteBuffer()
    for case .row(let body) in try replies([buffer(rows)]) { statement.write(body, to: &out) }
    // 00 is escaped, FF is no UTF-8.
    let first = #"{"id":1,"name":"tent","price":12,"payload":"\u0000"# + "\u{FFFD}A\"}"
    #expect(String(buffer: out) == first + #"{"id":2,"name":null,"price":-3,"payload":""}"#)
  }

  @Test func repliesAreTheSameWhereverTheBytesAreCut() throws {
    var all = buffer(prepare)
    for part in [rows, refused] { all.writeImmutableBuffer(buffer(part)) }
    let whole = try replies([all])
    #expect(whole.count == 11)
    for cut in 0...all.readableBytes {
      let parts = [all.getSlice(at: 0, length: cut)!, all.getSlice(at: cut, length: all.readableBytes - cut)!]
      #expect(try replies(parts) == whole, "cut at \(cut)")
    }
  }

  @Test func aRefusalKeepsItsCodeAndWords() throws {
    let error = PostgresError(code: "22P02", message: "invalid input syntax for type bigint: \"x\"")
    #expect(try replies([buffer(refused)]) == [.error(error), .ready])
  }

  @Test(arguments: ["", "5200000003", "52ffffffff00", "440000000400000000", "530000000661", "4854545020312e31", "5400000006ffff", "7400000008000100"])
  func otherBytesAreRefusedOrWaitedFor(_ hex: String) throws {
    // An error or no reply, never a crash; what is whole and of no known shape is said.
    do { #expect(try replies([buffer(hex)]).allSatisfy { if case .row = $0 { true } else { false } }) } catch let error as PostgresError {
      #expect(error.code == "08P01")
    }
  }

  @Test func aBindIsWrittenAsTheManualSays() {
    var out = ByteBuffer()
    PostgresRequest.bind(name: "s0", ["2"], binary: [false, true], to: &out)
    PostgresRequest.execute(to: &out)
    PostgresRequest.sync(to: &out)
    #expect(
      out == buffer("42 00000017 00 733000 0000 0001 00000001 32 0002 0000 0001 45 00000009 00 00000000 53 00000004"))
    #expect(PostgresRequest.startup([("user", "nb")]) == buffer("00000011 00030000 7573657200 6e6200 00"))
  }

  @Test func aNullAndAnEmptyValueAreDifferent() throws {
    guard case .row(let body) = try replies([buffer(rows)])[2] else { Issue.record("no row"); return }
    var row = PostgresRow(body)
    var values: [String?] = []
    while let value = row.next() { values.append(value.map { String(buffer: $0) }) }
    #expect(values == ["2", nil, "-3", ""])
  }

  @Test(arguments: [
    ("SELECT * FROM p WHERE id = :id", "SELECT * FROM p WHERE id = $1", ["id"]),
    ("UPDATE p SET a = :a, b = :b WHERE a = :a", "UPDATE p SET a = $1, b = $2 WHERE a = $1", ["a", "b"]),
    ("SELECT ':x', \":y\", 'it''s :z', a::text -- :c\n, :d /* :e */", "SELECT ':x', \":y\", 'it''s :z', a::text -- :c\n, $1 /* :e */", ["d"]),
    ("SELECT :id_2, 1:2, ':open", "SELECT $1, 1:2, ':open", ["id_2"]),
  ])
  func namesBecomeNumbers(_ statement: String, _ text: String, _ names: [String]) {
    let numbered = NumberedStatement(statement)
    #expect(numbered.text == text && numbered.names == names)
  }

  @Test func theCopyHoldsEveryRow() {
    var copy = BinaryCopy(rows: DatasetRows(dataset: "product", seed: 7), count: 130)
    var all = ByteBuffer()
    while let part = copy.next() { all.writeImmutableBuffer(part) }
    #expect(all.readBytes(length: 19) == Array("PGCOPY\n".utf8) + [0xFF, 13, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    let expected = DatasetRows(dataset: "product", seed: 7)
    for id in 1...130 {
      #expect(all.readInteger(as: Int16.self) == 5)
      var fields: [[UInt8]] = []
      for _ in 0..<5 { fields.append(all.readBytes(length: Int(all.readInteger(as: Int32.self)!))!) }
      #expect(fields[0] == Array(repeating: 0, count: 7) + [UInt8(id)])
      #expect(fields[1] == Array(expected.name(id).utf8) && fields[4] == expected.payload(id))
    }
    #expect(all.readInteger(as: Int16.self) == -1 && all.readableBytes == 0)
  }

  @Test func aWriteOfAWholeTableMakesItsRowsStale() {
    let log = WriteLog()
    let before = Provenance(sequence: 0, rows: [RowKey(table: 0, row: 3)])
    let other = Provenance(sequence: 0, rows: [RowKey(table: 1, row: 3)])
    log.record(RowKey(table: 0, row: RowKey.wholeTable))
    #expect(log.hasWritten(since: before) && !log.hasWritten(since: other))
    #expect(!log.hasWritten(since: Provenance(sequence: 1, rows: before.rows)))
  }
}

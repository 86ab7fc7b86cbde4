import Testing

@testable import TelemetryModel

/// W3C Trace Context, level 2, and Baggage: what is read, what is refused, what is written.
@Suite struct ContextTests {
  static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
  static let span = "00f067aa0ba902b7"

  @Test(
    "traceparents that start from the caller",
    arguments: [
      ("00-\(trace)-\(span)-01", 1), ("00-\(trace)-\(span)-00", 0), ("00-\(trace)-\(span)-03", 3), ("00-\(trace)-\(span)-ff", 255),
      // Versions to come: 55 bytes, or more after a dash.
      ("cc-\(trace)-\(span)-01", 1), ("cc-\(trace)-\(span)-01-what-the-future-will-be-like", 1), ("fe-\(trace)-\(span)-01-", 1),
    ] as [(String, UInt8)])
  func valid(text: String, flags: UInt8) throws {
    let context = try #require(SpanContext(traceparent: text))
    #expect(context.traceID.hex == Self.trace && context.spanID.hex == Self.span && context.flags.rawValue == flags)
    #expect(context.traceparent == "00-\(Self.trace)-\(Self.span)-0\(flags & 3)")
  }

  @Test(
    "traceparents that start a new trace",
    arguments: [
      "", "00", "ff-\(trace)-\(span)-01", "00-\(trace)-\(span)-01-", "00-\(trace)-\(span)-01.", "00-\(trace)-\(span)-01-what",
      "cc-\(trace)-\(span)-01.what", "cc-\(trace)-\(span)-011", ".0-\(trace)-\(span)-01", "0.-\(trace)-\(span)-01", "000-\(trace)-\(span)-01",
      "0-\(trace)-\(span)-01", "00-00000000000000000000000000000000-\(span)-01", "00-\(trace)-0000000000000000-01",
      "00-4BF92F3577B34DA6A3CE929D0E0E4736-\(span)-01", "00-\(trace)-00F067AA0BA902B7-01", "0A-\(trace)-\(span)-01", "00-\(trace)-\(span)-0A",
      "00-.bf92f3577b34da6a3ce929d0e0e4736-\(span)-01", "00-\(trace)-.0f067aa0ba902b7-01", "00-\(trace)-\(span)-.0", "00-\(trace)-\(span)-0.",
      "00-\(trace)0-\(span)-01", "00-\(trace.dropLast())-\(span)-01", "00-\(trace)-\(span)0-01", "00-\(trace)-\(span.dropLast())-01",
      "00-\(trace)-\(span)-1", "00-\(trace)-\(span)-001", "00_\(trace)_\(span)_01", " 00-\(trace)-\(span)-01", "00-\(trace)-\(span)-01 ",
    ])
  func invalid(text: String) {
    #expect(SpanContext(traceparent: text) == nil)
  }

  @Test("tracestate: order, spaces, empty members, all the characters there are")
  func stateReading() throws {
    let state = try #require(TraceState(" foo=1 ,\tbar=2\t,, a@b= x!y ,"))
    #expect(state.members.map(\.key) == ["foo", "bar", "a@b"] && state["a@b"] == " x!y" && state.text == "foo=1,bar=2,a@b= x!y")
    #expect(TraceState("")?.members.isEmpty == true && TraceState(" , ")?.members.isEmpty == true)
    #expect(TraceState("foo=1,foo=2")?.text == "foo=1")
    let key = "abcdefghijklmnopqrstuvwxyz0123456789_-*/@"
    let value = String(decoding: (32...126).map(UInt8.init).filter { $0 != UInt8(ascii: ",") && $0 != UInt8(ascii: "=") }, as: UTF8.self)
    #expect(TraceState("\(key)=\(value)")?[key] == value)
    #expect(TraceState(String(repeating: "z", count: 256) + "=" + String(repeating: "v", count: 256)) != nil)
    #expect(TraceState((0..<32).map { "k\($0)=1" }.joined(separator: ",")) != nil)
  }

  @Test(
    "a member that breaks the grammar makes the list void",
    arguments: [
      "foo", "foo =1", "FOO=1", "foo.bar=1", "@foo=1", "_foo=1", "foo=", "foo=bar=baz", "foo=,bar=3", "foo=\u{7F}", "foo=ü", "=1", "foo=1;bar=2\u{1}",
      String(repeating: "z", count: 257) + "=1", "foo=" + String(repeating: "v", count: 257), (0..<33).map { "k\($0)=1" }.joined(separator: ","),
    ])
  func stateRefused(text: String) throws {
    #expect(TraceState(text) == nil)
    // The traceparent stands all the same.
    #expect(try #require(SpanContext(traceparent: "00-\(Self.trace)-\(Self.span)-01", tracestate: text)).traceState == TraceState())
  }

  @Test("a changed member moves to the front; the 33rd goes; what is sent has at most 512 bytes, large members leave first")
  func stateWriting() throws {
    var state = try #require(TraceState("a=1,b=2,c=3"))
    let answers = [state.set("b", "9"), state.set("B", "9"), state.set("b", "x,y"), state.set("b", "")]
    #expect(answers == [true, false, false, false] && state.text == "b=9,a=1,c=3")
    state.set("a", nil)
    #expect(state.text == "b=9,c=3")
    var full = try #require(TraceState((0..<32).map { "k\($0)=1" }.joined(separator: ",")))
    full.set("new", "1")
    #expect(full.members.count == 32 && full.members[0].key == "new" && full["k31"] == nil)
    let large = "large=" + String(repeating: "v", count: 130)
    let small = (0..<40).map { "k\($0)=" + String(repeating: "x", count: 20) }
    let mixed = try #require(TraceState(([large] + small.prefix(19)).joined(separator: ",")))
    #expect(mixed.text == small.prefix(19).joined(separator: ",") && mixed.text.utf8.count <= 512)
    let many = try #require(TraceState(small.prefix(31).joined(separator: ",")))
    #expect(many.text.utf8.count <= 512 && many.text == small.prefix(many.text.split(separator: ",").count).joined(separator: ","))
    #expect(many.text.utf8.count + 26 > 512)
  }

  @Test("baggage is percent-encoded UTF-8, with properties, and what breaks the grammar is left out alone")
  func baggage() throws {
    var baggage = Baggage()
    let isSet = baggage.set(.init("tenant", "züge, 50 % \"off\"; a=b\\"))
    #expect(isSet)
    #expect(baggage.text == "tenant=z%C3%BCge%2C%2050%20%25%20%22off%22%3B%20a=b%5C")
    #expect(Baggage(baggage.text) == baggage)
    let refused = [baggage.set(.init("a b", "1")), baggage.set(.init("", "1"))]
    #expect(refused == [false, false])
    let read = Baggage("key1=value1;property1;p2 = 7, key2 = value2 ,bad key=1,key3=%F0%9F%98%80=x,key4=%ff%C3,noequals,key5=a%zz,key6=a b,key1=again")
    #expect(read["key1"] == "again" && read["key2"] == "value2" && read["key3"] == "😀=x" && read["key4"] == "\u{FFFD}\u{FFFD}")
    #expect(read["key5"] == "a%zz" && read.leftOut == 3 && read.members.count == 5)
    #expect(Baggage("k=v;p1;p2 = 7").members == [.init("k", "v", properties: "p1;p2 = 7")] && Baggage("").members.isEmpty)
    // The example of the specification.
    #expect(Baggage("userId=Am%C3%A9lie,serverNode=DF%2028,isProduction=false")["userId"] == "Amélie")
  }

  @Test("64 members and 8192 bytes travel on; more is left out and counted")
  func baggageLimits() {
    let members = (0..<70).map { "k\($0)=v" }
    #expect(Baggage(members.joined(separator: ",")).members.count == 64 && Baggage(members.joined(separator: ",")).leftOut == 6)
    let long = (0..<64).map { "k\($0)=" + String(repeating: "v", count: 200) }
    let read = Baggage(long.joined(separator: ","))
    #expect(read.leftOut > 0 && read.members.count + read.leftOut == 64 && read.text.utf8.count <= 8192)
    var written = Baggage()
    for i in 0..<64 { written.set(.init("k\(i)", String(repeating: "ü", count: 40))) }
    let isSet = written.set(.init("k64", "v"))
    #expect(!isSet && written.text.utf8.count <= 8192 && written.text.utf8.count > 8192 - 260)
  }
}

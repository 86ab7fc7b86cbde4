import Testing

@testable import TelemetryModel

/// What the reader of JSON takes and what it refuses.
@Suite struct JSONReadingTests {
  /// A request with one span whose object is `fields`.
  private func span(_ fields: String) throws -> Span? {
    let ids = #""traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7","#
    let text = #"{"resourceSpans":[{"scopeSpans":[{"spans":[{\#(ids)\#(fields)}]}]}]}"#
    return try OTLPDecoder().traces(Array(text.utf8), as: .json).batch.records.first
  }

  private func refuses(_ text: String) -> String? {
    do {
      _ = try OTLPDecoder().traces(Array(text.utf8), as: .json)
      return nil
    } catch {
      return error.description
    }
  }

  @Test("64-bit integers as text, as numbers, with an exponent; null is absent")
  func integers() throws {
    for (text, value) in [
      (#""12""#, 12), ("12", 12), ("1.2e1", 12), ("120e-1", 12), ("null", 0), (#""18446744073709551615""#, UInt64.max), ("18446744073709551615", .max),
      (#""1e3""#, 1000), ("0", 0),
    ] {
      #expect(try span(#""startTimeUnixNano":\#(text)"#)?.startUnixNano == value, "\(text)")
    }
    for text in ["-1", "1.5", #""18446744073709551616""#, "01", "+1", #""12 ""#, #""""#, "true", "1e99", "0x10", #""NaN""#] {
      #expect(throws: OTLPError.self, "\(text)") { try span(#""startTimeUnixNano":\#(text)"#) }
    }
  }

  @Test("doubles with their three words; a number too large is refused, not infinite")
  func doubles() throws {
    for (text, value) in [("0.1", 0.1), ("-1e-7", -1e-7), (#""2.5""#, 2.5), (#""Infinity""#, Double.infinity), (#""-Infinity""#, -.infinity)] {
      #expect(try span(#""attributes":[{"key":"k","value":{"doubleValue":\#(text)}}]"#)?.attributes["k"] == .double(value), "\(text)")
    }
    #expect(try span(#""attributes":[{"key":"k","value":{"doubleValue":"NaN"}}]"#)?.attributes["k"]?.number?.isNaN == true)
    for text in ["1e999", ".5", "1.", "1e", "Infinity", "NaN", #""inf""#] {
      #expect(throws: OTLPError.self, "\(text)") { try span(#""attributes":[{"key":"k","value":{"doubleValue":\#(text)}}]"#) }
    }
  }

  @Test("a key may be escaped, white space may stand anywhere, an unknown field may hold anything")
  func freedom() throws {
    #expect(try span(#""na\u006de" : "x" "#)?.name == "x")
    #expect(try span("\"name\"\n:\t\"x\"\r\n,\"later\":{\"a\":[[],{},\"\\u00e9\",-0.0e+5,true,false,null]}")?.name == "x")
    #expect(try span(#""name":null,"kind":99,"attributes":null,"status":null,"events":null"#)?.kind == .unspecified)
    #expect(try span(#""name":"x","name":"y""#)?.name == "y")
    #expect(try span(#""span_id":"not a name of OTLP/JSON","name":"x""#)?.spanID.hex == "00f067aa0ba902b7")
  }

  @Test("what is no JSON is refused with its byte")
  func strictness() {
    for (text, place) in [
      ("", "byte 0"), ("[]", "byte 0: expected an object"), ("{", "byte 1"), (#"{"a":1,}"#, "byte 7"), (#"{"a":1 "b":2}"#, "byte 7: expected a comma"),
      (#"{"a" 1}"#, "byte 5: expected a colon"), (#"{a:1}"#, "byte 1: expected a key"), (#"{"a":1}x"#, "byte 7: expected the end"),
      (#"{"a":[1,]}"#, "byte 8"), (#"{"a":tru}"#, "byte 5"), (#"{"a":"x}"#, "byte 5: a string without"), (#"{"a":"\x"}"#, "byte 6: an escape"),
      (#"{"a":"\ud800"}"#, "byte 6: half"), (#"{"a":"\udc00\ud800"}"#, "byte 6: half"), (#"{"a":"\u12g4"}"#, "byte 6"),
      ("{\"a\":\"\n\"}", "byte 6: a control"),
      (#"{"a":1}{}"#, "byte 7"), (#"{"a":--1}"#, "byte 5"), (#"{"resourceSpans":{}}"#, "byte 17: expected an array"),
      ("{,}", "byte 1"), ("{\"a\":1,,}", "byte 7"),
    ] {
      #expect(refuses(text)?.hasPrefix(place) == true, "\(text): \(refuses(text) ?? "taken")")
    }
    #expect(throws: OTLPError.self) {
      try OTLPDecoder().traces(Array(#"{"a":""#.utf8) + [0xC3, 0x28] + Array(#""}"#.utf8), as: .json)
    }
  }

  @Test("bytes: both alphabets, with and without padding")
  func base64() {
    func text(_ value: String) -> [UInt8]? { Base64.decode(Array(value.utf8)) }
    #expect(text("AAEC/f7/") == [0, 1, 2, 0xFD, 0xFE, 0xFF] && text("AAEC_f7_") == text("AAEC/f7/"))
    #expect(text("") == [] && text("Zg==") == [102] && text("Zg") == [102] && text("Zm8=") == [102, 111] && text("Zm8") == [102, 111])
    for wrong in ["Z", "Zg=", "Zg===", "Z===", "====", "Zm9v!", "Zg==Zg==", "Z=g="] { #expect(text(wrong) == nil, "\(wrong)") }
    // RFC 4648, section 10.
    for (plain, coded) in [("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy")] {
      var out: [UInt8] = []
      Base64.append(Array(plain.utf8), to: &out)
      #expect(String(decoding: out, as: UTF8.self) == coded)
    }
  }
}

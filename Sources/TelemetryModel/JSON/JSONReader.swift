// A strict JSON reader (RFC 8259) over bytes that stay where they are: a cursor that the decoders of OTLP/JSON drive field by
// field, without a tree. Foundation's decoder is ten times too slow here, and SwiftProtobuf's reads ids as base64, which
// OTLP/JSON writes in hexadecimal.
//
//   try json.beginObject()
//   while let key = try json.nextKey() {
//     if key == "name" { name = try json.string() } else { try json.skip() }
//   }

import Glibc

struct JSONReader: ~Copyable {
  let bytes: UnsafePointer<UInt8>
  let end: Int
  var at = 0
  var context: IngestContext
  private var depth = 0
  /// Just after an opening bracket, where no comma stands yet.
  private var opened = false
  /// A key with escapes is written here without them; no key of OTLP is longer.
  private let unescapedKey = UnsafeMutablePointer<UInt8>.allocate(capacity: JSONKey.bytesMax)

  init(_ text: UnsafeBufferPointer<UInt8>, context: IngestContext) {
    bytes = text.baseAddress!
    end = text.count
    self.context = context
    if end >= 3, bytes[0] == 0xEF, bytes[1] == 0xBB, bytes[2] == 0xBF { at = 3 }
  }

  deinit { unescapedKey.deallocate() }

  // MARK: Objects and arrays

  mutating func beginObject() throws(OTLPError) { try begin(UInt8(ascii: "{"), "an object") }
  mutating func beginArray() throws(OTLPError) { try begin(UInt8(ascii: "["), "an array") }

  private mutating func begin(_ bracket: UInt8, _ what: String) throws(OTLPError) {
    guard peek() == bracket else { throw expected(what) }
    at += 1
    depth += 1
    if depth > context.limits.depthMax {
      throw OTLPError(.overLimit, at: at - 1, "more than \(context.limits.depthMax) brackets within one another")
    }
    opened = true
  }

  /// The next key of the object, its colon read; nil at the closing brace, which is then read as well.
  @inline(__always)
  mutating func nextKey() throws(OTLPError) -> JSONKey? {
    guard try next(UInt8(ascii: "}")) else { return nil }
    guard peek() == UInt8(ascii: "\"") else { throw expected("a key in quotes") }
    let key = try readKey()
    guard peek() == UInt8(ascii: ":") else { throw expected("a colon") }
    at += 1
    return key
  }

  /// Is there another element in the array? Reads the closing bracket if not.
  @inline(__always)
  mutating func nextElement() throws(OTLPError) -> Bool { try next(UInt8(ascii: "]")) }

  @inline(__always)
  private mutating func next(_ closing: UInt8) throws(OTLPError) -> Bool {
    let byte = peek()
    if byte == closing {
      at += 1
      depth -= 1
      opened = false
      return false
    }
    if opened {
      opened = false
      return true
    }
    guard byte == UInt8(ascii: ",") else { throw expected(closing == UInt8(ascii: "}") ? "a comma or }" : "a comma or ]") }
    at += 1
    if peek() == closing { throw expected("a value after the comma") }
    return true
  }

  /// Nothing but white space may follow the outermost value.
  mutating func finish() throws(OTLPError) {
    _ = peek()
    if at < end { throw expected("the end of the text") }
  }

  // MARK: Where we are

  /// The next byte that is no white space, not read; 0 at the end (a zero byte is no JSON either).
  @inline(__always)
  mutating func peek() -> UInt8 {
    while at < end {
      let byte = bytes[at]
      if byte > 32 || (byte != 32 && byte != 10 && byte != 13 && byte != 9) { return byte }
      at += 1
    }
    return 0
  }

  @inline(never)
  func expected(_ what: String) -> OTLPError {
    OTLPError(.malformed, at: at, at < end ? "expected \(what)" : "the text ends where \(what) was expected")
  }

  /// `null` stands for an absent field.
  @inline(__always)
  mutating func null() throws(OTLPError) -> Bool {
    guard peek() == UInt8(ascii: "n") else { return false }
    try word("null")
    return true
  }

  mutating func bool() throws(OTLPError) -> Bool {
    switch peek() {
    case UInt8(ascii: "t"):
      try word("true")
      return true
    case UInt8(ascii: "f"):
      try word("false")
      return false
    case UInt8(ascii: "n"):
      try word("null")
      return false
    default: throw expected("true or false")
    }
  }

  private mutating func word(_ word: StaticString) throws(OTLPError) {
    let count = word.utf8CodeUnitCount
    guard end - at >= count, memcmp(bytes + at, word.utf8Start, count) == 0 else { throw expected("true, false or null") }
    at += count
  }

  // MARK: Skipping

  /// Reads over a value of any kind, as strictly as if it were wanted.
  mutating func skip() throws(OTLPError) {
    switch peek() {
    case UInt8(ascii: "{"):
      try beginObject()
      while try nextKey() != nil { try skip() }
    case UInt8(ascii: "["):
      try beginArray()
      while try nextElement() { try skip() }
    case UInt8(ascii: "\""): _ = try string()
    case UInt8(ascii: "t"), UInt8(ascii: "f"): _ = try bool()
    case UInt8(ascii: "n"): try word("null")
    default: _ = try numberText()
    }
  }

  // MARK: Keys

  @inline(__always)
  private mutating func readKey() throws(OTLPError) -> JSONKey {
    let found = try stringBytes()
    if !found.hasEscapes { return JSONKey(bytes: bytes + found.start, count: found.count) }
    var text = try unescaped(found)
    let key = unescapedKey
    let count = text.withUTF8 { utf8 in
      // A longer one is unknown in any case; what it begins with does not matter.
      let count = min(utf8.count, JSONKey.bytesMax)
      if count > 0 { memcpy(key, utf8.baseAddress!, count) }
      return count
    }
    return JSONKey(bytes: key, count: count)
  }
}

/// A key of an object, compared with the names that a decoder knows. Good until the next key is read.
struct JSONKey {
  static let bytesMax = 64
  let bytes: UnsafePointer<UInt8>
  let count: Int

  @inline(__always)
  static func == (key: JSONKey, name: StaticString) -> Bool {
    key.count == name.utf8CodeUnitCount && memcmp(key.bytes, name.utf8Start, key.count) == 0
  }
}

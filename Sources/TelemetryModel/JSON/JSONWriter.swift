// Writes compact JSON into bytes. Names are static and plain ASCII; only values are escaped. Fields with a default value are
// left out by the caller, as in every proto3 message.

struct JSONWriter {
  private(set) var bytes: [UInt8] = []
  /// Does a value already stand before this place, so that a comma is needed?
  private var needsComma = false

  private mutating func separate() {
    if needsComma { bytes.append(UInt8(ascii: ",")) }
    needsComma = true
  }

  private mutating func append(_ text: StaticString) {
    bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  mutating func object(_ body: (inout JSONWriter) -> Void) {
    separate()
    bytes.append(UInt8(ascii: "{"))
    needsComma = false
    body(&self)
    bytes.append(UInt8(ascii: "}"))
    needsComma = true
  }

  /// The elements of a list; none are written as no field at all.
  mutating func list<Element>(_ name: StaticString, _ elements: [Element], _ write: (inout JSONWriter, Element) -> Void) {
    if elements.isEmpty { return }
    key(name)
    array(elements, write)
  }

  mutating func array<Element>(_ elements: [Element], _ write: (inout JSONWriter, Element) -> Void) {
    separate()
    bytes.append(UInt8(ascii: "["))
    needsComma = false
    for element in elements { write(&self, element) }
    bytes.append(UInt8(ascii: "]"))
    needsComma = true
  }

  mutating func key(_ name: StaticString) {
    separate()
    bytes.append(UInt8(ascii: "\""))
    append(name)
    append("\":")
    needsComma = false
  }

  mutating func string(_ text: String) {
    separate()
    bytes.append(UInt8(ascii: "\""))
    var text = text
    text.withUTF8 { utf8 in
      var from = 0
      for i in 0..<utf8.count {
        let byte = utf8[i]
        if byte >= 32, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") { continue }
        bytes.append(contentsOf: utf8[from..<i])
        escape(byte)
        from = i + 1
      }
      bytes.append(contentsOf: utf8[from..<utf8.count])
    }
    bytes.append(UInt8(ascii: "\""))
  }

  private mutating func escape(_ byte: UInt8) {
    switch byte {
    case UInt8(ascii: "\""): append("\\\"")
    case UInt8(ascii: "\\"): append("\\\\")
    case 10: append("\\n")
    case 13: append("\\r")
    case 9: append("\\t")
    default:
      append("\\u00")
      bytes.append(Hex.digits.utf8Start[Int(byte >> 4)])
      bytes.append(Hex.digits.utf8Start[Int(byte & 15)])
    }
  }

  mutating func bool(_ value: Bool) {
    separate()
    if value { append("true") } else { append("false") }
  }

  /// At most 32 bits: a number. Protobuf's JSON writes wider ones with `quoted`.
  mutating func integer<Value: FixedWidthInteger>(_ value: Value) {
    separate()
    digits(value)
  }

  mutating func quoted<Value: FixedWidthInteger>(_ value: Value) {
    separate()
    bytes.append(UInt8(ascii: "\""))
    digits(value)
    bytes.append(UInt8(ascii: "\""))
  }

  private mutating func digits<Value: FixedWidthInteger>(_ value: Value) {
    if value < 0 { bytes.append(UInt8(ascii: "-")) }
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { scratch in
      var rest = UInt64(truncatingIfNeeded: value.magnitude)
      var at = 20
      repeat {
        at -= 1
        scratch[at] = 48 + UInt8(truncatingIfNeeded: rest % 10)
        rest /= 10
      } while rest > 0
      bytes.append(contentsOf: scratch[at..<20])
    }
  }

  /// The shortest text that reads back as the same number; words for what JSON has no number for.
  mutating func double(_ value: Double) {
    separate()
    if value.isFinite {
      bytes.append(contentsOf: "\(value)".utf8)
    } else if value.isNaN {
      append("\"NaN\"")
    } else if value > 0 {
      append("\"Infinity\"")
    } else {
      append("\"-Infinity\"")
    }
  }

  mutating func base64(_ value: [UInt8]) {
    separate()
    bytes.append(UInt8(ascii: "\""))
    Base64.append(value, to: &bytes)
    bytes.append(UInt8(ascii: "\""))
  }

  /// 32 or 16 hexadecimal digits, lower case.
  mutating func id(_ words: UInt64...) {
    separate()
    bytes.append(UInt8(ascii: "\""))
    for word in words {
      withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 16) { scratch in
        Hex.write(word, to: scratch.baseAddress!)
        bytes.append(contentsOf: scratch)
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }
}

// Fields that are left out when they hold their default.
extension JSONWriter {
  mutating func field(_ name: StaticString, _ value: String) {
    if value.isEmpty { return }
    key(name)
    string(value)
  }

  mutating func field(_ name: StaticString, _ value: UInt32) {
    if value == 0 { return }
    key(name)
    integer(value)
  }

  mutating func field(_ name: StaticString, _ value: UInt64) {
    if value == 0 { return }
    key(name)
    quoted(value)
  }

  mutating func field(_ name: StaticString, _ value: Double?) {
    guard let value else { return }
    key(name)
    double(value)
  }

  mutating func field(_ name: StaticString, _ id: TraceID) {
    if id.isNone { return }
    key(name)
    self.id(id.high, id.low)
  }

  mutating func field(_ name: StaticString, _ id: SpanID) {
    if id.isNone { return }
    key(name)
    self.id(id.value)
  }
}

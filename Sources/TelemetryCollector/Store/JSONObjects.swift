// A stream of JSON objects cut into them by their brackets alone: a line each, or as a printer has broken them. What is in an
// object is checked by who decodes it.

struct JSONObjects {
  struct Object {
    var bytes: [UInt8]
    /// The first name in it, which says what an OTLP request is; empty without any.
    var firstKey: String
  }

  private let bytesMax: Int
  private var object: [UInt8] = []
  private var depth = 0
  private var isInText = false
  private var isEscaped = false
  /// Where in `object` the first name stands.
  private var key: (start: Int, end: Int?)?

  init(bytesMax: Int) { self.bytesMax = bytesMax }

  /// No object has begun that has not ended.
  var isBetween: Bool { depth == 0 }

  /// - Returns: false when an object is too large, or something else stands between two.
  mutating func add(_ chunk: [UInt8], to found: inout [Object]) -> Bool {
    for byte in chunk {
      if depth == 0 {
        switch byte {
        case UInt8(ascii: "{"): break
        case 0x20, 0x09, 0x0A, 0x0D: continue
        default: return false
        }
      }
      guard object.count < bytesMax else { return false }
      object.append(byte)
      if isInText {
        if isEscaped {
          isEscaped = false
        } else if byte == UInt8(ascii: "\\") {
          isEscaped = true
        } else if byte == UInt8(ascii: "\"") {
          isInText = false
          if let start = key?.start, key?.end == nil { key = (start, object.count - 1) }
        }
        continue
      }
      switch byte {
      case UInt8(ascii: "\""):
        isInText = true
        if key == nil { key = (object.count, nil) }
      case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        depth -= 1
        if depth == 0 {
          let name = key.flatMap { key in key.end.map { String(decoding: object[key.start..<$0], as: UTF8.self) } }
          found.append(Object(bytes: object, firstKey: name ?? ""))
          (object, key) = ([], nil)
        }
      default: break
      }
    }
    return true
  }
}

/// A statement with `:id` rewritten for PostgreSQL, which numbers its parameters: `$1`, in the order of their first use.
struct NumberedStatement: Equatable {
  var text: String
  /// Names without `:`; the first is `$1`.
  var names: [String]

  /// `:name` counts outside of quoted text, quoted names, comments and casts (`::`).
  init(_ statement: String) {
    let bytes = Array(statement.utf8)
    var out: [UInt8] = []
    var names: [String] = []
    var i = 0
    func isName(_ index: Int, first: Bool) -> Bool {
      guard index < bytes.count else { return false }
      let byte = bytes[index]
      return (byte | 32) >= 97 && (byte | 32) <= 122 || byte == 95 || !first && byte >= 48 && byte <= 57
    }
    /// Copies up to and with the end mark, or to the end.
    func copy(until end: [UInt8]) {
      while i < bytes.count {
        if bytes[i...].starts(with: end) {
          out += end
          i += end.count
          return
        }
        out.append(bytes[i])
        i += 1
      }
    }
    while i < bytes.count {
      let byte = bytes[i]
      let next = i + 1 < bytes.count ? bytes[i + 1] : 0
      switch byte {
      case UInt8(ascii: "'"), UInt8(ascii: "\""):
        // A doubled quote reads as two quoted texts side by side, which leaves the same bytes.
        out.append(byte)
        i += 1
        copy(until: [byte])
      case UInt8(ascii: "-") where next == byte: copy(until: [10])
      case UInt8(ascii: "/") where next == UInt8(ascii: "*"): copy(until: Array("*/".utf8))
      case UInt8(ascii: ":") where next == byte:
        out += [byte, byte]
        i += 2
      case UInt8(ascii: ":") where isName(i + 1, first: true):
        var end = i + 1
        while isName(end, first: false) { end += 1 }
        let name = String(decoding: bytes[(i + 1)..<end], as: UTF8.self)
        if !names.contains(name) { names.append(name) }
        out += Array("$\(names.firstIndex(of: name)! + 1)".utf8)
        i = end
      default:
        out.append(byte)
        i += 1
      }
    }
    text = String(decoding: out, as: UTF8.self)
    self.names = names
  }
}

// A path such as `$.a.b[0]` over the bytes of a JSON text, without building a tree: values that the path does not name
// are skipped. No allocation. It finds; it does not validate what it skips.

import Glibc

package struct JSONPath: Sendable {
  private enum Step { case key([UInt8]), index(Int) }
  private let steps: [Step]

  /// - Returns: nil when the text is not `$` followed by `.name`, `["name"]` and `[index]` steps.
  package init?(_ text: String) {
    var rest = Array(text.utf8)[...]
    guard rest.popFirst() == UInt8(ascii: "$") else { return nil }
    var steps: [Step] = []
    while let mark = rest.popFirst() {
      if mark == UInt8(ascii: ".") {
        let name = rest.prefix { $0 != UInt8(ascii: ".") && $0 != UInt8(ascii: "[") }
        guard !name.isEmpty else { return nil }
        rest = rest.dropFirst(name.count)
        steps.append(.key(Array(name)))
      } else if mark == UInt8(ascii: "[") {
        let inside = rest.prefix { $0 != UInt8(ascii: "]") }
        guard inside.count < rest.count else { return nil }
        rest = rest.dropFirst(inside.count + 1)
        if let index = Int(String(decoding: inside, as: UTF8.self)), index >= 0 {
          steps.append(.index(index))
        } else if inside.count > 2, let quote = inside.first, quote == 34 || quote == 39, inside.last == quote {
          steps.append(.key(Array(inside.dropFirst().dropLast())))
        } else {
          return nil
        }
      } else {
        return nil
      }
    }
    self.steps = steps
  }

  /// Where the value stands: a string without its quotes (`isString`, escapes as written), anything else in full.
  package func find(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> (start: Int, count: Int, isString: Bool)? {
    var scan = JSONScan(bytes: bytes, end: count)
    for step in steps {
      scan.space()
      switch step {
      case .key(let name): guard scan.enter(name) else { return nil }
      case .index(let index): guard scan.enter(index) else { return nil }
      }
    }
    scan.space()
    let start = scan.at
    guard scan.skip() else { return nil }
    let isString = bytes[start] == 34
    return isString ? (start + 1, scan.at - start - 2, true) : (start, scan.at - start, false)
  }
}

/// A position in a JSON text.
private struct JSONScan {
  let bytes: UnsafePointer<UInt8>
  let end: Int
  var at = 0

  private var byte: UInt8 { at < end ? bytes[at] : 0 }

  mutating func space() {
    while at < end, bytes[at] == 32 || bytes[at] == 10 || bytes[at] == 13 || bytes[at] == 9 { at += 1 }
  }

  /// From an object's `{` to the value of a name.
  mutating func enter(_ name: [UInt8]) -> Bool {
    guard byte == 123 else { return false }
    at += 1
    while true {
      space()
      guard byte == 34 else { return false }
      let start = at + 1
      guard skip() else { return false }
      let length = at - 1 - start
      let same = length == name.count && name.withUnsafeBufferPointer { memcmp($0.baseAddress!, bytes + start, length) == 0 }
      space()
      guard byte == 58 else { return false }
      at += 1
      space()
      if same { return at < end }
      guard skip() else { return false }
      space()
      guard byte == 44 else { return false }
      at += 1
    }
  }

  /// From an array's `[` to an element.
  mutating func enter(_ index: Int) -> Bool {
    guard byte == 91 else { return false }
    at += 1
    space()
    if byte == 93 { return false }
    for _ in 0..<index {
      guard skip() else { return false }
      space()
      guard byte == 44 else { return false }
      at += 1
      space()
    }
    return at < end
  }

  private static func endsScalar(_ byte: UInt8) -> Bool {
    switch byte {
    case 44, 58, 125, 93, 123, 91, 34, 32, 10, 13, 9: true
    default: false
    }
  }

  /// Over one value; nesting is a counter, so that no text can exhaust the stack.
  mutating func skip() -> Bool {
    var depth = 0
    repeat {
      space()
      guard at < end else { return false }
      switch bytes[at] {
      case 34:
        at += 1
        while at < end, bytes[at] != 34 { at += bytes[at] == 92 ? 2 : 1 }
        guard at < end else { return false }
        at += 1
      case 123, 91:
        depth += 1
        at += 1
      case 125, 93:
        guard depth > 0 else { return false }
        depth -= 1
        at += 1
      case 44, 58:
        guard depth > 0 else { return false }
        at += 1
      default:
        let start = at
        while at < end, !Self.endsScalar(bytes[at]) { at += 1 }
        guard at > start else { return false }
      }
    } while depth > 0
    return true
  }
}

extension ByteStore {
  /// Appends a JSON string's inside with its escapes resolved; false when one is broken.
  mutating func appendUnescaped(_ source: UnsafePointer<UInt8>, _ n: Int) -> Bool {
    var i = 0
    while i < n {
      guard source[i] == 92 else {
        append(source[i])
        i += 1
        continue
      }
      guard i + 1 < n else { return false }
      i += 2
      switch source[i - 1] {
      case UInt8(ascii: "n"): append(10)
      case UInt8(ascii: "t"): append(9)
      case UInt8(ascii: "r"): append(13)
      case UInt8(ascii: "b"): append(8)
      case UInt8(ascii: "f"): append(12)
      case UInt8(ascii: "u"):
        guard var code = Self.hex(source + i, n - i) else { return false }
        i += 4
        if (0xD800..<0xDC00).contains(code), i + 6 <= n, source[i] == 92, source[i + 1] == UInt8(ascii: "u"),
          let low = Self.hex(source + i + 2, n - i - 2), (0xDC00..<0xE000).contains(low)
        {
          code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
          i += 6
        }
        guard let scalar = Unicode.Scalar(code) else { return false }
        for unit in UTF8.encode(scalar)! { append(unit) }
      default: append(source[i - 1])
      }
    }
    return true
  }

  private static func hex(_ source: UnsafePointer<UInt8>, _ n: Int) -> UInt32? {
    guard n >= 4 else { return nil }
    var value: UInt32 = 0
    for i in 0..<4 {
      switch source[i] {
      case 48...57: value = value << 4 | UInt32(source[i] - 48)
      case 97...102: value = value << 4 | UInt32(source[i] - 87)
      case 65...70: value = value << 4 | UInt32(source[i] - 55)
      default: return nil
      }
    }
    return value
  }
}

// Rows as JSON straight into a response buffer, without strings or Foundation between.

import NIOCore

extension ByteBuffer {
  /// Decimal digits without a temporary string.
  mutating func writeDecimal(_ number: Int) {
    if number < 0 { writeInteger(UInt8(ascii: "-")) }
    var rest = number.magnitude
    var digits: (UInt64, UInt64, UInt64) = (0, 0, 0)
    withUnsafeMutableBytes(of: &digits) { space in
      var start = space.count
      repeat {
        start -= 1
        space[start] = UInt8(ascii: "0") + UInt8(rest % 10)
        rest /= 10
      } while rest > 0
      _ = writeBytes(UnsafeRawBufferPointer(rebasing: space[start...]))
    }
  }

  /// A JSON string. Bytes that are not valid UTF-8 become U+FFFD.
  mutating func writeJSONString(_ bytes: some Collection<UInt8>) {
    let isPlain = bytes.allSatisfy { $0 >= 32 && $0 < 127 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
    writeInteger(UInt8(ascii: "\""))
    if isPlain {
      writeBytes(bytes)
    } else {
      for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
        switch scalar {
        case "\"": writeStaticString("\\\"")
        case "\\": writeStaticString("\\\\")
        case _ where scalar.value < 32:
          let hex = String(scalar.value, radix: 16)
          writeString("\\u" + String(repeating: "0", count: 4 - hex.count) + hex)
        default: writeString(String(scalar))
        }
      }
    }
    writeInteger(UInt8(ascii: "\""))
  }
}

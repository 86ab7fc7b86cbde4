// The two identifiers of tracing, as integers: comparing and hashing them costs no memory. In text they are 32 and 16
// hexadecimal digits, lower case when written. All zero means "none"; a span never has it.

/// The identifier of a trace: 16 bytes, the first of them the highest.
public struct TraceID: Hashable, Sendable, BitwiseCopyable {
  public var high: UInt64
  public var low: UInt64

  public init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  public static let none = TraceID(high: 0, low: 0)
  public var isNone: Bool { high | low == 0 }

  /// The 56 random bits of the last seven bytes, which W3C Trace Context level 2 promises and consistent sampling uses.
  public var randomness: UInt64 { low & 0x00FF_FFFF_FFFF_FFFF }

  /// 32 digits, lower case.
  public var hex: String { Hex.text(high) + Hex.text(low) }

  /// - Parameter hex: 32 hexadecimal digits of either case; nil for anything else.
  public init?(hex: String) {
    var text = hex
    let halves = text.withUTF8 { digits in
      digits.count == 32 ? (Hex.value(digits, 0), Hex.value(digits, 16)) : (nil, nil)
    }
    guard let high = halves.0, let low = halves.1 else { return nil }
    self.init(high: high, low: low)
  }
}

/// The identifier of a span within its trace: 8 bytes, the first of them the highest.
public struct SpanID: Hashable, Sendable, BitwiseCopyable {
  public var value: UInt64
  public init(_ value: UInt64) { self.value = value }

  public static let none = SpanID(0)
  public var isNone: Bool { value == 0 }

  /// 16 digits, lower case.
  public var hex: String { Hex.text(value) }

  /// - Parameter hex: 16 hexadecimal digits of either case; nil for anything else.
  public init?(hex: String) {
    var text = hex
    guard let value = text.withUTF8({ $0.count == 16 ? Hex.value($0, 0) : nil }) else { return nil }
    self.init(value)
  }
}

extension TraceID: Comparable {
  public static func < (a: Self, b: Self) -> Bool { (a.high, a.low) < (b.high, b.low) }
}

extension TraceID: CustomStringConvertible {
  public var description: String { hex }
}

extension SpanID: CustomStringConvertible {
  public var description: String { hex }
}

/// Sixteen hexadecimal digits and a 64-bit integer.
enum Hex {
  static let digits: StaticString = "0123456789abcdef"

  static func text(_ value: UInt64) -> String {
    String(unsafeUninitializedCapacity: 16) { out in
      write(value, to: out.baseAddress!)
      return 16
    }
  }

  @inline(__always)
  static func write(_ value: UInt64, to out: UnsafeMutablePointer<UInt8>) {
    let digits = digits.utf8Start
    for i in 0..<16 { out[i] = digits[Int(truncatingIfNeeded: value >> UInt64(60 - 4 * i)) & 15] }
  }

  /// The value of 16 digits at `start`; nil when one of them is no digit. `lowerCaseOnly` as W3C Trace Context wants it.
  @inline(__always)
  static func value(_ text: UnsafeBufferPointer<UInt8>, _ start: Int, lowerCaseOnly: Bool = false) -> UInt64? {
    var value: UInt64 = 0
    for i in start..<start + 16 {
      guard let digit = digit(text[i], lowerCaseOnly: lowerCaseOnly) else { return nil }
      value = value << 4 | UInt64(digit)
    }
    return value
  }

  @inline(__always)
  static func digit(_ byte: UInt8, lowerCaseOnly: Bool = false) -> UInt8? {
    switch byte {
    case 48...57: byte - 48
    case 97...102: byte - 87
    case 65...70 where !lowerCaseOnly: byte - 55
    default: nil
    }
  }
}

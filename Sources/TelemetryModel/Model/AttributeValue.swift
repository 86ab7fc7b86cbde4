// What an attribute can hold, and lists of attributes. A list and not a dictionary: spans carry five to ten of them, order
// is kept, and reading through ten short keys is faster than hashing one.

/// A value of an attribute or of a log's body.
public enum AttributeValue: Hashable, Sendable {
  /// Present without a value; OTLP allows it.
  case empty
  case string(String)
  case bool(Bool)
  case int(Int64)
  case double(Double)
  case bytes([UInt8])
  case array([AttributeValue])
  case map([Attribute])
}

/// A key with its value.
public struct Attribute: Hashable, Sendable {
  public var key: String
  public var value: AttributeValue

  public init(_ key: String, _ value: AttributeValue) {
    self.key = key
    self.value = value
  }
}

extension AttributeValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral {
  public init(stringLiteral value: String) { self = .string(value) }
  public init(integerLiteral value: Int64) { self = .int(value) }
  public init(floatLiteral value: Double) { self = .double(value) }
  public init(booleanLiteral value: Bool) { self = .bool(value) }
}

extension AttributeValue {
  public var string: String? { if case .string(let value) = self { value } else { nil } }
  public var int: Int64? { if case .int(let value) = self { value } else { nil } }
  public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }

  /// An integer or a floating-point number, as a number to compare with.
  public var number: Double? {
    switch self {
    case .int(let value): Double(value)
    case .double(let value): value
    default: nil
    }
  }

  /// As a label: text as it is, numbers in decimal. Bytes and nested values have none.
  public var label: String? {
    switch self {
    case .string(let value): value
    case .bool(let value): value ? "true" : "false"
    case .int(let value): String(value)
    case .double(let value): "\(value)"
    case .empty: ""
    case .bytes, .array, .map: nil
    }
  }
}

extension Array where Element == Attribute {
  /// The value of a key; the first one, should the key come twice.
  public subscript(key: String) -> AttributeValue? { first { $0.key == key }?.value }
}

// A JSON value that is built by hand where the shape is another tool's: explicit nulls, no numbers that JSON does not have.

import Foundation

enum JSONValue: Encodable, Equatable {
  case null
  case number(Double)
  case integer(Int)
  case text(String)
  case flag(Bool)
  case list([JSONValue])
  case object([String: JSONValue])

  /// A number, or null for nil and for what JSON cannot write (NaN, infinity).
  static func number(orNull value: Double?) -> JSONValue {
    guard let value, value.isFinite else { return .null }
    // −0 is a number of JSON, but no reader expects it.
    return .number(value == 0 ? 0 : value)
  }

  func encode(to encoder: any Encoder) throws {
    if case .object(let members) = self {
      var container = encoder.container(keyedBy: Key.self)
      for (name, value) in members { try container.encode(value, forKey: Key(stringValue: name)) }
      return
    }
    if case .list(let elements) = self {
      var container = encoder.unkeyedContainer()
      for element in elements { try container.encode(element) }
      return
    }
    var container = encoder.singleValueContainer()
    switch self {
    case .null, .list, .object: try container.encodeNil()
    case .number(let value): try container.encode(value)
    case .integer(let value): try container.encode(value)
    case .text(let value): try container.encode(value)
    case .flag(let value): try container.encode(value)
    }
  }

  /// On one line, keys sorted.
  func line() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
  }

  private struct Key: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }
}

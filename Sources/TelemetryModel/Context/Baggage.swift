// W3C Baggage: names and values that travel with a request to every service, such as the tenant. Values are percent-encoded
// UTF-8. Unlike tracestate, a member that breaks the grammar is left out alone.

public struct Baggage: Hashable, Sendable {
  /// What every implementation passes on; more is left out and counted.
  public static let membersMax = 64
  public static let bytesMax = 8192

  public struct Member: Hashable, Sendable {
    public var key: String
    public var value: String
    /// What stands after the value, as it came: `ttl=60;private`.
    public var properties: String

    public init(_ key: String, _ value: String, properties: String = "") {
      self.key = key
      self.value = value
      self.properties = properties
    }
  }

  public private(set) var members: [Member] = []
  /// Members of the field that were invalid or over the limits.
  public private(set) var leftOut = 0

  public init() {}

  /// Reads a field; several fields of that name joined by commas. Of a key that comes twice the last counts.
  public init(_ text: String) {
    var bytes = 0
    for part in text.split(separator: ",") {
      let member = part.utf8.trimmed
      if member.isEmpty { continue }
      bytes += member.count + 1
      guard bytes <= Self.bytesMax + 1, let read = Self.member(member) else {
        leftOut += 1
        continue
      }
      if let i = members.firstIndex(where: { $0.key == read.key }) {
        members[i] = read
      } else if members.count < Self.membersMax {
        members.append(read)
      } else {
        leftOut += 1
      }
    }
  }

  public subscript(key: String) -> String? { members.first { $0.key == key }?.value }

  /// - Returns: false, and nothing is changed, for a key that is no HTTP token, and for the 65th.
  @discardableResult
  public mutating func set(_ member: Member) -> Bool {
    guard Self.isToken(Substring(member.key).utf8) else { return false }
    if let i = members.firstIndex(where: { $0.key == member.key }) {
      members[i] = member
    } else if members.count < Self.membersMax {
      members.append(member)
    } else {
      return false
    }
    return true
  }

  /// As it is sent: members that would exceed 8192 bytes are left out.
  public var text: String {
    var out = ""
    for member in members {
      var one = member.key + "=" + Self.encoded(member.value)
      if !member.properties.isEmpty { one += ";" + member.properties }
      if out.utf8.count + one.utf8.count + 1 > Self.bytesMax { continue }
      out += out.isEmpty ? one : "," + one
    }
    return out
  }

  private static func member(_ text: Substring.UTF8View) -> Member? {
    let end = text.firstIndex(of: UInt8(ascii: ";")) ?? text.endIndex
    let pair = text[..<end]
    guard let equals = pair.firstIndex(of: UInt8(ascii: "=")) else { return nil }
    let key = pair[..<equals].trimmed, value = pair[pair.index(after: equals)...].trimmed
    guard isToken(key), value.allSatisfy(isOctet) else { return nil }
    let properties = end == text.endIndex ? "" : String(Substring(text[text.index(after: end)...].trimmed))
    return Member(String(Substring(key)), decoded(value), properties: properties)
  }

  /// RFC 9110: a name without separators.
  private static func isToken(_ text: Substring.UTF8View) -> Bool {
    !text.isEmpty
      && text.allSatisfy { byte in
        (97...122).contains(byte) || (65...90).contains(byte) || (48...57).contains(byte) || "!#$%&'*+-.^_`|~".utf8.contains(byte)
      }
  }

  /// Printable ASCII without space, quote, comma, semicolon and backslash.
  private static func isOctet(_ byte: UInt8) -> Bool {
    (0x21...0x7E).contains(byte) && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: ",") && byte != UInt8(ascii: ";")
      && byte != UInt8(ascii: "\\")
  }

  private static func encoded(_ value: String) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    var out: [UInt8] = []
    for byte in value.utf8 {
      if isOctet(byte), byte != UInt8(ascii: "%") {
        out.append(byte)
      } else {
        out += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      }
    }
    return String(decoding: out, as: UTF8.self)
  }

  /// Bytes that are no UTF-8 become U+FFFD; a percent sign without two digits stands for itself.
  private static func decoded(_ value: Substring.UTF8View) -> String {
    var out: [UInt8] = []
    var rest = value
    while let byte = rest.popFirst() {
      let two = Array(rest.prefix(2))
      if byte == UInt8(ascii: "%"), two.count == 2, let high = Hex.digit(two[0]), let low = Hex.digit(two[1]) {
        out.append(high << 4 | low)
        rest = rest.dropFirst(2)
      } else {
        out.append(byte)
      }
    }
    return String(decoding: out, as: UTF8.self)
  }
}

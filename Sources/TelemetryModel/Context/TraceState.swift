// W3C `tracestate`: up to 32 members `key=value`, newest first, each the business of one vendor. One member that breaks the
// grammar makes the whole list void, because nobody can tell what the rest of it means.

public struct TraceState: Hashable, Sendable {
  public static let membersMax = 32
  /// What a list is cut to when it is written; every implementation passes on at least as much.
  public static let bytesMax = 512

  public struct Member: Hashable, Sendable {
    public var key: String
    public var value: String
  }

  public private(set) var members: [Member] = []

  public init() {}

  /// - Parameter text: the field; several fields of that name joined by commas. Spaces and tabs around members and empty members
  ///   are allowed. Of a key that comes twice the first, which is the newer, counts.
  /// - Returns: nil for more than 32 members, or one that breaks the grammar of level 2.
  public init?(_ text: String) {
    for part in text.split(separator: ",") {
      let member = part.utf8.trimmed
      if member.isEmpty { continue }
      guard members.count < Self.membersMax, let equals = member.firstIndex(of: UInt8(ascii: "=")) else { return nil }
      let key = member[..<equals], value = member[member.index(after: equals)...]
      guard Self.isKey(key), Self.isValue(value) else { return nil }
      let name = String(Substring(key))
      if self[name] == nil { members.append(Member(key: name, value: String(Substring(value)))) }
    }
  }

  public subscript(key: String) -> String? { members.first { $0.key == key }?.value }

  /// Puts a member at the front, as whoever changes one must; the last one goes when there are 33. nil removes it.
  /// - Returns: false, and nothing is changed, for a key or value that breaks the grammar.
  @discardableResult
  public mutating func set(_ key: String, _ value: String?) -> Bool {
    guard let value else {
      members.removeAll { $0.key == key }
      return true
    }
    guard Self.isKey(Substring(key).utf8), Self.isValue(Substring(value).utf8) else { return false }
    members.removeAll { $0.key == key }
    members.insert(Member(key: key, value: value), at: 0)
    if members.count > Self.membersMax { members.removeLast() }
    return true
  }

  /// As it is sent: at most `bytesMax` bytes. Members of more than 128 bytes go first, then those at the end, as the specification says.
  public var text: String {
    func bytes(_ member: Member) -> Int { member.key.utf8.count + 1 + member.value.utf8.count }
    var sent = members
    var total = sent.reduce(-1) { $0 + bytes($1) + 1 }
    for i in sent.indices.reversed() where total > Self.bytesMax && bytes(sent[i]) > 128 { total -= bytes(sent.remove(at: i)) + 1 }
    while total > Self.bytesMax, let last = sent.popLast() { total -= bytes(last) + 1 }
    return sent.map { $0.key + "=" + $0.value }.joined(separator: ",")
  }

  /// A lower-case letter or digit, then up to 255 of those and `_-*/@`.
  private static func isKey(_ key: Substring.UTF8View) -> Bool {
    guard let first = key.first, isLetterOrDigit(first), key.count <= 256 else { return false }
    return key.allSatisfy { isLetterOrDigit($0) || "_-*/@".utf8.contains($0) }
  }

  private static func isLetterOrDigit(_ byte: UInt8) -> Bool { (97...122).contains(byte) || (48...57).contains(byte) }

  /// 1 to 256 printable ASCII characters without comma and equals sign, the last of them no space.
  private static func isValue(_ value: Substring.UTF8View) -> Bool {
    guard let last = value.last, last != 32, value.count <= 256 else { return false }
    return value.allSatisfy { (32...126).contains($0) && $0 != UInt8(ascii: ",") && $0 != UInt8(ascii: "=") }
  }
}

extension Substring.UTF8View {
  /// Without spaces and tabs at both ends.
  var trimmed: Substring.UTF8View {
    var text = self
    while let first = text.first, first == 32 || first == 9 { text = text.dropFirst() }
    while let last = text.last, last == 32 || last == 9 { text = text.dropLast() }
    return text
  }
}

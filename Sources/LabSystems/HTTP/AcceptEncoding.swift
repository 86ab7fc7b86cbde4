/// `Accept-Encoding` (RFC 9110, 12.5.3): whether a client can read gzip. Allocates nothing.
enum AcceptEncoding {
  /// `gzip` or `x-gzip` decides; where neither is named, `*` does. A weight of zero is a refusal.
  static func allowsGzip(_ field: UnsafeRawBufferPointer) -> Bool {
    var any: Bool?
    for part in field.split(separator: UInt8(ascii: ",")) {
      let pieces = part.split(separator: UInt8(ascii: ";"), maxSplits: 1, omittingEmptySubsequences: false)
      let coding = trimmed(pieces[0])
      let isAllowed = pieces.count == 1 || !isZero(trimmed(pieces[1]))
      if equals(coding, "gzip") || equals(coding, "x-gzip") { return isAllowed }
      if equals(coding, "*") { any = isAllowed }
    }
    return any ?? false
  }

  private typealias Bytes = Slice<UnsafeRawBufferPointer>

  private static func trimmed(_ bytes: Bytes) -> Bytes {
    var bytes = bytes
    while let first = bytes.first, first == 32 || first == 9 { bytes = bytes.dropFirst() }
    while let last = bytes.last, last == 32 || last == 9 { bytes = bytes.dropLast() }
    return bytes
  }

  private static func equals(_ bytes: Bytes, _ lower: StaticString) -> Bool {
    guard bytes.count == lower.utf8CodeUnitCount else { return false }
    return zip(bytes, 0...).allSatisfy { byte, i in (byte >= 65 && byte <= 90 ? byte | 32 : byte) == lower.utf8Start[i] }
  }

  /// `q=0`, `q=0.0`, `q=0.00`, `q=0.000`
  private static func isZero(_ weight: Bytes) -> Bool {
    guard weight.count >= 3, equals(weight.prefix(2), "q=") else { return false }
    return weight.dropFirst(2).allSatisfy { $0 == UInt8(ascii: "0") || $0 == UInt8(ascii: ".") }
  }
}
